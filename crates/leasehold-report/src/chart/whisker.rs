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
    /// The number, and what it lies between; nothing if nothing was measured.
    pub(crate) value: Option<(f64, Option<(f64, f64)>)>,
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
            let (value, interval) = row.value.unwrap_or_default();
            value.max(interval.map_or(0.0, |interval| interval.1)).max(row.foreseen.unwrap_or(0.0))
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
        if let Some((value, interval)) = self.value {
            if let Some((low, high)) = interval {
                svg.line(&format!("whisker {class}"), (place(low), y), (place(high), y));
                for end in [low, high] {
                    svg.line(&format!("whisker {class}"), (place(end), y - 4.0), (place(end), y + 4.0));
                }
            }
            match self.marks {
                Marks { chosen: true, .. } => svg.star(&format!("mark {class}"), (place(value), y), 7.5),
                Marks { default: true, .. } => svg.marker(&format!("mark {class}"), 1, (place(value), y)),
                _ => svg.marker(&format!("mark {class}"), 0, (place(value), y)),
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

    #[test]
    fn a_row_without_a_value_has_no_mark() {
        let row = |value, text: &str| WhiskerRow {
            name: "ttl = 10s".to_owned(),
            value,
            foreseen: None,
            text: text.to_owned(),
            marks: Marks::default(),
        };
        let rows = vec![
            row(Some((3.0, Some((2.0, 4.0)))), "3.00 /s"),
            row(Some((5.0, None)), "5.00 /s"),
            row(None, "never"),
        ];
        let named = Named { id: "w".to_owned(), title: String::new(), desc: String::new() };
        let svg = WhiskerChart { named, measure: "messages, /s".to_owned(), rows }.draw();
        assert_eq!(svg.matches("class=\"mark").count(), 2, "{svg}");
        assert_eq!(svg.matches("class=\"whisker").count(), 3, "{svg}");
        assert!(svg.contains(">never<"), "{svg}");
    }
}
