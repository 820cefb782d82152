//! Numbers with their intervals, one below the other.

use super::axis::{Axis, tick_text};
use super::svg::{Anchor, Svg, cut};
use super::{Marks, Named};

/// Rows of numbers on one axis.
pub(crate) struct WhiskerChart {
    /// What it is called.
    pub(crate) named: Named,
    /// What stands above the axis: `messages, /s`.
    pub(crate) measure: String,
    /// The rows, from top to bottom.
    pub(crate) rows: Vec<WhiskerRow>,
}

/// A number.
pub(crate) struct WhiskerRow {
    /// Whose.
    pub(crate) name: String,
    /// The number; nothing if none was measured.
    pub(crate) value: Option<f64>,
    /// What it lies between. What is open upward has an arrow there.
    pub(crate) ends: (Option<f64>, Option<f64>),
    /// What was predicted.
    pub(crate) foreseen: Option<f64>,
    /// The number, as it is written.
    pub(crate) text: String,
    /// What is special about it.
    pub(crate) marks: Marks,
}

const WIDTH: f64 = 620.0;
const LEFT: f64 = 176.0;
const PLOT: f64 = 320.0;
const TOP: f64 = 46.0;
const ROW: f64 = 26.0;

impl WhiskerChart {
    /// Draws it.
    pub(crate) fn draw(&self) -> String {
        let bottom = TOP + self.rows.len() as f64 * ROW;
        let is_foreseen = self.rows.iter().any(|row| row.foreseen.is_some());
        let height = bottom + if is_foreseen { 34.0 } else { 10.0 };
        let mut svg = Svg::new(&self.named, WIDTH, height);
        let of_row = |row: &WhiskerRow| {
            [row.value, row.ends.0, row.ends.1, row.foreseen].into_iter().flatten().fold(0.0, f64::max)
        };
        let axis = Axis::from_zero(self.rows.iter().map(of_row).fold(0.0, f64::max));
        svg.text("axis", (LEFT, 14.0), Anchor::Start, &cut(&self.measure, 60));
        for tick in axis.ticks() {
            let x = LEFT + axis.place(tick) * PLOT;
            svg.line("grid", (x, TOP - 6.0), (x, bottom));
            svg.text("tick", (x, TOP - 12.0), Anchor::Middle, &tick_text(tick));
        }
        for (nth, row) in self.rows.iter().enumerate() {
            row.draw(&mut svg, axis, TOP + (nth as f64 + 0.5) * ROW);
        }
        if is_foreseen {
            svg.marker("predicted", 3, (LEFT + 6.0, bottom + 20.0));
            svg.text("label", (LEFT + 18.0, bottom + 24.0), Anchor::Start, "as predicted");
        }
        svg.finish()
    }
}

impl WhiskerRow {
    fn draw(&self, svg: &mut Svg, axis: Axis, y: f64) {
        let place = |number: f64| LEFT + axis.place(number) * PLOT;
        svg.text("label", (LEFT - 12.0, y + 4.0), Anchor::End, &cut(&self.name, 22));
        svg.text("value", (LEFT + PLOT + 14.0, y + 4.0), Anchor::Start, &cut(&self.text, 18));
        let class = if self.marks.chosen { "s0" } else { "s5" };
        let mut cap = |x: f64| svg.line(&format!("whisker {class}"), (x, y - 4.0), (x, y + 4.0));
        let (low, high) = (self.ends.0.map(place), self.ends.1.map(place));
        low.into_iter().chain(high).for_each(&mut cap);
        // Of no number the interval begins or ends with itself.
        let value = self.value.map(place);
        let (from, to) = (low.or(value).unwrap_or(LEFT), high.unwrap_or(LEFT + PLOT));
        match self.ends {
            (_, Some(_)) => svg.line(&format!("whisker {class}"), (from, y), (to, y)),
            (Some(_), None) => {
                svg.line(&format!("whisker open {class}"), (from, y), (to, y));
                for tip in [y - 4.0, y + 4.0] {
                    svg.line(&format!("whisker {class}"), (to - 5.0, tip), (to, y));
                }
            }
            (None, None) => {}
        }
        if let Some(x) = value {
            match self.marks {
                Marks { chosen: true, .. } => svg.star(&format!("mark {class}"), (x, y), 7.5),
                Marks { default: true, .. } => svg.marker(&format!("mark {class}"), 1, (x, y)),
                _ => svg.marker(&format!("mark {class}"), 0, (x, y)),
            }
        }
        if let Some(foreseen) = self.foreseen {
            svg.marker("predicted", 3, (place(foreseen), y));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drawn(rows: Vec<WhiskerRow>) -> String {
        let named = Named { id: "w".to_owned(), title: String::new(), desc: String::new() };
        WhiskerChart { named, measure: "messages, /s".to_owned(), rows }.draw()
    }

    fn row(value: Option<f64>, ends: (Option<f64>, Option<f64>), text: &str) -> WhiskerRow {
        let (name, text) = ("ttl = 10s".to_owned(), text.to_owned());
        WhiskerRow { name, value, ends, foreseen: None, text, marks: Marks::default() }
    }

    #[test]
    fn a_row_without_a_value_has_no_mark() {
        let svg = drawn(vec![
            row(Some(3.0), (Some(2.0), Some(4.0)), "3.00 /s"),
            row(Some(5.0), (None, None), "5.00 /s"),
            row(None, (None, None), "never"),
        ]);
        assert_eq!(svg.matches("class=\"mark").count(), 2, "{svg}");
        assert_eq!(svg.matches("class=\"whisker").count(), 3, "{svg}");
        assert!(svg.contains(">never<"), "{svg}");
    }

    #[test]
    fn an_end_that_nobody_knows_is_an_arrow() {
        let lines = |row| drawn(vec![row]).matches("class=\"whisker").count();
        // A cap, the line, and two strokes of the tip; and no tip where there is an end.
        let at_least = row(Some(9.17), (Some(8.02), None), "9.17 s");
        assert!(drawn(vec![row(Some(9.17), (Some(8.02), None), "")]).contains("whisker open"));
        assert_eq!(lines(at_least), 4);
        // What was never seen reaches from nothing to the most that it can be, and has no mark.
        let never = drawn(vec![row(None, (Some(0.0), Some(1.11)), "never")]);
        assert_eq!(never.matches("class=\"whisker").count(), 3, "{never}");
        assert!(!never.contains("class=\"mark") && !never.contains("whisker open"), "{never}");
    }
}
