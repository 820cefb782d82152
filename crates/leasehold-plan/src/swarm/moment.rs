//! When faults fire: instants, and the lease-critical conditions that they aim at.

use leasehold_core::plan::{Condition, Trigger};
use leasehold_core::time::{SimInstant, Span};

use super::length::{Lengths, between};
use crate::stream::Stream;
use crate::template::Template;

/// The chaos, and the instants in it around which the faults of a seed meet.
#[derive(Clone, Copy, Debug)]
pub(super) struct Moments {
    /// How long faults fire. Not zero.
    chaos: Span,
    /// Instants are whole multiples of this, for people.
    grain: Span,
    focuses: [Span; 3],
    /// How many of them count in this seed.
    count: u64,
    /// How far from a focus or the end "shortly" is, at the least and the most.
    shortly: (Span, Span),
}

impl Moments {
    pub(super) fn draw(template: &Template, lengths: &Lengths, stream: &mut Stream) -> Self {
        let chaos = template.phases.chaos.max(Span::from_nanos(1));
        let grain =
            [Span::from_millis(1), Span::from_micros(1)].into_iter().find(|g| *g <= chaos.scale(1, 1_000));
        let grain = grain.unwrap_or(Span::from_nanos(1));
        let count = 1 + stream.below(3);
        let focuses = [(); 3].map(|()| Span::from_nanos(stream.below(chaos.as_nanos())));
        Self { chaos, grain, focuses, count, shortly: (lengths.delay, lengths.ttl) }
    }

    /// An instant of the chaos: anywhere, at or shortly after a focus of the seed, or shortly before the end.
    fn instant(&self, stream: &mut Stream) -> SimInstant {
        let shortly = between(self.shortly.0, self.shortly.1, stream);
        let focus = self.focuses[stream.below(self.count) as usize];
        let anywhere = Span::from_nanos(stream.below(self.chaos.as_nanos()));
        let last = self.chaos.saturating_sub(Span::from_nanos(1));
        let at = stream.weighted(&[
            (40, anywhere),
            (8, focus),
            (32, focus.saturating_add(shortly)),
            (20, last.saturating_sub(shortly)),
        ]);
        let at = at.min(last).as_nanos();
        SimInstant::from_nanos(at - at % self.grain.as_nanos())
    }

    /// When a fault fires that aims at this, or at nothing.
    pub(super) fn trigger(&self, aim: Option<Condition>, stream: &mut Stream) -> Trigger {
        match aim {
            None => Trigger::At(self.instant(stream)),
            // The first time that it holds is the start of the first lease: others are met from later on.
            Some(condition) if stream.happens(at_once(condition)) => Trigger::when(condition),
            Some(condition) => Trigger::When { condition, from: self.instant(stream) },
        }
    }
}

/// How often, in parts per million, a condition counts from the start. Ends and takeovers are rare: what waits for one
/// until late waits in vain.
fn at_once(condition: Condition) -> u32 {
    match condition {
        Condition::EndOrdered | Condition::AfterTakeover => 700_000,
        _ => 250_000,
    }
}

/// A lease-critical condition. Shares of a TTL that every renewal meets are drawn more often than those that only a
/// lease in trouble comes to.
pub(super) fn condition(lengths: &Lengths, stream: &mut Stream) -> Condition {
    let (from, to) = stream.weighted(&[(55, (66, 100)), (15, (1, 10)), (30, (1, 100))]);
    let percent = (from + stream.below(to - from + 1)) as u8;
    let little = lengths.below(lengths.ttl, stream);
    let left = stream.weighted(&[
        (50, little),
        (25, lengths.ttl.scale(2, 3)),
        (15, lengths.ttl.scale(1, 3)),
        (10, lengths.ttl),
    ]);
    let left = left.max(Span::from_nanos(1));
    stream.weighted(&[
        (28, Condition::TtlRemainingBelow { percent }),
        (18, Condition::ExpiryWithin { left }),
        (13, Condition::GrantInFlight),
        (15, Condition::RenewalInFlight),
        (11, Condition::AfterTakeover),
        (15, Condition::EndOrdered),
    ])
}
