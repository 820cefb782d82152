//! Where instants stand on paper, and paths that are drawn in few elements.
//!
//! In a path, upper-case commands are places in time and lower-case ones are shapes: whoever zooms moves the numbers behind
//! `M`, `L` and `H`, and leaves the rest alone.

use std::collections::BTreeMap;
use std::fmt::Write;

use leasehold_core::SimInstant;

/// How wide the part of a chart is in which time runs, in pixels.
pub(super) const PLOT: f64 = 1_130.0;

/// A part of a run, from left to right.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Axis {
    pub(super) from: SimInstant,
    pub(super) until: SimInstant,
    decimals: usize,
}

impl Axis {
    /// The part between two instants.
    pub(super) fn new(from: SimInstant, until: SimInstant) -> Self {
        let length = until.saturating_since(from).as_nanos().max(1);
        // Fine enough for fifty microseconds: closer looks are charts of their own.
        let mut decimals = 1;
        let mut nanos = length as f64 / PLOT / 10.0;
        while nanos > 50_000.0 && decimals < 7 {
            nanos /= 10.0;
            decimals += 1;
        }
        Self { from, until, decimals }
    }

    /// Its length in nanoseconds, at least one.
    pub(super) fn length(&self) -> u64 {
        self.until.saturating_since(self.from).as_nanos().max(1)
    }

    /// Whether something that lasts from one instant to another can be seen.
    pub(super) fn shows(&self, from: SimInstant, until: SimInstant) -> bool {
        from <= self.until && until >= self.from
    }

    /// Where an instant stands; at the nearest end if it is outside.
    pub(super) fn place(&self, at: SimInstant) -> f64 {
        let within = at.clamp(self.from, self.until);
        within.saturating_since(self.from).as_nanos() as f64 * PLOT / self.length() as f64
    }

    /// The same as a number for a path.
    pub(super) fn x(&self, at: SimInstant) -> String {
        let text = format!("{:.*}", self.decimals, self.place(at));
        text.trim_end_matches('0').trim_end_matches('.').to_owned()
    }
}

/// Paths, joined by what they stand for.
#[derive(Debug, Default)]
pub(super) struct Ink(BTreeMap<(&'static str, String), String>);

impl Ink {
    /// A stroke of a class, of what a filter finds by these words.
    pub(super) fn draw(&mut self, class: &'static str, words: &str, stroke: std::fmt::Arguments<'_>) {
        let path = match self.0.get_mut(&(class, words.to_owned())) {
            Some(path) => path,
            None => self.0.entry((class, words.to_owned())).or_default(),
        };
        path.write_fmt(stroke).expect("a string takes all that is written");
    }

    /// A bar between two instants, whose upper edge is here.
    pub(super) fn bar(&mut self, class: &'static str, words: &str, x: [&str; 2], top: f64, height: f64) {
        self.draw(class, words, format_args!("M{} {top}H{}v{height}H{}z", x[0], x[1], x[0]));
    }

    /// All paths of these classes, in their order, as elements.
    pub(super) fn elements(&self, classes: &[&'static str]) -> String {
        let mut out = String::new();
        for class in classes {
            for ((_, words), path) in
                self.0.range((*class, String::new())..).take_while(|((of, _), _)| of == class)
            {
                writeln!(out, "<path class=\"{class}\" data-k=\"{}\" d=\"{path}\"/>", escape(words))
                    .expect("a string takes all that is written");
            }
        }
        out
    }
}

/// A text as it may stand in an element or in an attribute.
pub(super) fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            // What no document may hold.
            c if c.is_control() && c != '\n' => out.push('\u{fffd}'),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use leasehold_core::Span;

    #[test]
    fn instants_stand_in_their_order_and_apart() {
        let end = SimInstant::START + Span::from_secs(1_200);
        let axis = Axis::new(SimInstant::START, end);
        let at = |micros| SimInstant::START + Span::from_micros(micros);
        assert_eq!((axis.x(SimInstant::START), axis.x(end)), ("0".to_owned(), "1130".to_owned()));
        assert_ne!(axis.x(at(600_000_000)), axis.x(at(600_000_100)));
        assert_eq!(axis.x(at(9_000_000_000)), "1130");
    }

    #[test]
    fn what_is_alike_is_one_element() {
        let mut ink = Ink::default();
        for place in 0..100 {
            ink.draw("msg", "a b", format_args!("M{place} 1L2 3"));
        }
        ink.draw("msg", "<c>", format_args!("M1 1L2 3"));
        let elements = ink.elements(&["msg", "none"]);
        assert_eq!(elements.matches("<path").count(), 2);
        assert!(elements.contains("data-k=\"&lt;c&gt;\""), "{elements}");
    }
}
