//! When the last stretch of time was long enough without any trouble.
//!
//! A bound that troubles excuse runs out once: at the first instant before which there were none for its whole length.
//! What comes after that instant excuses nothing any more.

use leasehold_core::{SimInstant, Span};

/// Whether a bound has run out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RanOut {
    /// It has: nothing excuses the last stretch of its length.
    Now,
    /// It has not, and will not before this instant.
    NotBefore(SimInstant),
}

/// Whether a bound of this length runs out now, of what began at least that long ago. `is_calm` says whether there was no
/// trouble from an instant to now; a later instant never makes that worse.
pub(crate) fn ran_out(now: SimInstant, length: Span, is_calm: impl Fn(SimInstant) -> bool) -> RanOut {
    let length = length.max(Span::from_nanos(1));
    let begins = SimInstant::START + now.since_start().saturating_sub(length);
    match calm_since(begins, now, is_calm) {
        Some(since) if since == begins => RanOut::Now,
        Some(since) => RanOut::NotBefore(since.saturating_add(length)),
        None => RanOut::NotBefore(now.saturating_add(length)),
    }
}

/// The first instant from `from` to `now` since when there was no trouble; nothing if there is some now.
pub(crate) fn calm_since(
    from: SimInstant,
    now: SimInstant,
    is_calm: impl Fn(SimInstant) -> bool,
) -> Option<SimInstant> {
    if from > now || is_calm(from) {
        return Some(from);
    }
    if !is_calm(now) {
        return None;
    }
    let (mut troubled, mut calm) = (from.as_nanos(), now.as_nanos());
    while calm - troubled > 1 {
        let between = troubled + (calm - troubled) / 2;
        if is_calm(SimInstant::from_nanos(between)) { calm = between } else { troubled = between }
    }
    Some(SimInstant::from_nanos(calm))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::script::*;

    #[test]
    fn calm_begins_just_after_the_last_trouble() {
        let after = |trouble: SimInstant| move |since: SimInstant| trouble < since;
        assert_eq!(calm_since(s(10), s(20), after(s(9))), Some(s(10)));
        assert_eq!(calm_since(s(10), s(20), after(s(10))), Some(just_after(s(10))));
        assert_eq!(calm_since(s(10), s(20), after(s(17))), Some(just_after(s(17))));
        assert_eq!(calm_since(s(10), s(20), after(s(20))), None);
    }

    #[test]
    fn a_bound_runs_out_after_its_length_without_trouble() {
        let at = |trouble: SimInstant| ran_out(s(30), Span::from_secs(10), move |since| trouble < since);
        assert_eq!(at(just_before(s(20))), RanOut::Now);
        assert_eq!(at(s(20)), RanOut::NotBefore(just_after(s(30))));
        assert_eq!(at(s(25)), RanOut::NotBefore(just_after(s(35))));
        assert_eq!(at(s(30)), RanOut::NotBefore(s(40)), "it lasts, for all one knows");
        assert_eq!(ran_out(s(30), Span::ZERO, |_| false), RanOut::NotBefore(just_after(s(30))));
    }
}
