//! A map of cells over two parameters, each with its number written in it.

use super::svg::{Anchor, Svg, cut};
use super::{Marks, Named};

/// A map.
pub(crate) struct HeatMap {
    /// What it is called.
    pub(crate) named: Named,
    /// The parameter from left to right: its name, and its values.
    pub(crate) across: (String, Vec<String>),
    /// The parameter from top to bottom.
    pub(crate) down: (String, Vec<String>),
    /// By row, then by column; nothing where there is no point.
    pub(crate) cells: Vec<Vec<Option<HeatCell>>>,
    /// The least and the greatest number, as they are written.
    pub(crate) ends: Option<(String, String)>,
}

/// A point on the map.
pub(crate) struct HeatCell {
    /// What colours it; nothing if nothing was measured.
    pub(crate) value: Option<f64>,
    /// The number, as it is written.
    pub(crate) text: String,
    /// What stands below it, smaller: the interval.
    pub(crate) below: String,
    /// What is special about it.
    pub(crate) marks: Marks,
}

/// How many colours there are.
const LEVELS: usize = 7;

/// The least a cell measures; names of parameters' values may need more.
const CELL: (f64, f64) = (86.0, 48.0);
const LEFT: f64 = 84.0;
const TOP: f64 = 44.0;

/// How many letters fit beside a row, and above a column, and how many at most are made room for. Chosen by us.
const BESIDE: (usize, usize) = (8, 26);
const ABOVE: (usize, usize) = (11, 18);

/// How wide a letter is.
const LETTER: f64 = 7.0;

/// How many letters the longest of these has beyond those that fit, as far as room is made for them.
fn beyond(values: &[String], (fit, most): (usize, usize)) -> usize {
    let longest = values.iter().map(|value| value.chars().count()).max().unwrap_or(0);
    longest.clamp(fit, most) - fit
}

impl HeatMap {
    /// Draws it.
    pub(crate) fn draw(&self) -> String {
        let (columns, rows) = (self.across.1.len() as f64, self.down.1.len() as f64);
        let (left, wide) = (self.left(), self.wide());
        let (width, height) = (left + columns * wide + 6.0, TOP + rows * CELL.1 + 6.0);
        let legend = if self.ends.is_some() { 34.0 } else { 0.0 };
        let mut svg = Svg::new(&self.named, width, height + legend);
        svg.text("axis", (left + columns * wide / 2.0, 14.0), Anchor::Middle, &cut(&self.across.0, 40));
        svg.text_upward("axis", (12.0, TOP + rows * CELL.1 / 2.0), &cut(&self.down.0, 30));
        for (nth, value) in self.across.1.iter().enumerate() {
            let x = left + (nth as f64 + 0.5) * wide;
            svg.text("tick", (x, TOP - 10.0), Anchor::Middle, &cut(value, ABOVE.1));
        }
        let least = self.values().fold(f64::INFINITY, f64::min);
        let greatest = self.values().fold(f64::NEG_INFINITY, f64::max);
        for (row, (value, cells)) in self.down.1.iter().zip(&self.cells).enumerate() {
            let y = TOP + row as f64 * CELL.1;
            svg.text("tick", (left - 8.0, y + CELL.1 / 2.0 + 4.0), Anchor::End, &cut(value, BESIDE.1));
            for (column, cell) in cells.iter().enumerate() {
                let place = (left + column as f64 * wide, y);
                match cell {
                    Some(cell) => cell.draw(&mut svg, place, wide, level(cell.value, least, greatest)),
                    None => svg.rect("hole", place.0 + 1.5, y + 1.5, wide - 3.0, CELL.1 - 3.0),
                }
            }
        }
        if let Some((low, high)) = &self.ends {
            legend_of(&mut svg, (left, height + 10.0), low, high);
        }
        // What stands out is drawn last, so that no neighbour covers it.
        self.outline(&mut svg);
        svg.finish()
    }

    /// Where the cells begin.
    fn left(&self) -> f64 {
        LEFT + beyond(&self.down.1, BESIDE) as f64 * LETTER
    }

    /// How wide a cell is.
    fn wide(&self) -> f64 {
        CELL.0 + beyond(&self.across.1, ABOVE) as f64 * LETTER
    }

    fn values(&self) -> impl Iterator<Item = f64> + '_ {
        self.cells.iter().flatten().flatten().filter_map(|cell| cell.value)
    }

    fn outline(&self, svg: &mut Svg) {
        let (left, wide) = (self.left(), self.wide());
        for (row, cells) in self.cells.iter().enumerate() {
            for (column, cell) in cells.iter().enumerate() {
                let (x, y) = (left + column as f64 * wide, TOP + row as f64 * CELL.1);
                let Some(cell) = cell else { continue };
                if cell.marks.default {
                    svg.rect("ring default", x + 2.0, y + 2.0, wide - 4.0, CELL.1 - 4.0);
                }
                if cell.marks.chosen {
                    svg.rect("ring chosen", x + 0.5, y + 0.5, wide - 1.0, CELL.1 - 1.0);
                }
            }
        }
    }
}

impl HeatCell {
    fn draw(&self, svg: &mut Svg, (x, y): (f64, f64), wide: f64, level: Option<usize>) {
        let class = level.map_or_else(|| "none".to_owned(), |level| format!("h{level}"));
        svg.rect(&format!("cell {class}"), x + 1.5, y + 1.5, wide - 3.0, CELL.1 - 3.0);
        let middle = x + wide / 2.0;
        let first = if self.below.is_empty() { y + CELL.1 / 2.0 + 5.0 } else { y + 23.0 };
        svg.text(&format!("value on-{class}"), (middle, first), Anchor::Middle, &cut(&self.text, 11));
        svg.text(&format!("below on-{class}"), (middle, y + 38.0), Anchor::Middle, &cut(&self.below, 15));
        if self.marks.front {
            svg.marker(&format!("dot on-{class}"), 0, (x + 10.0, y + 10.0));
        }
        if self.marks.chosen {
            svg.star(&format!("dot on-{class}"), (x + wide - 11.0, y + 11.0), 6.5);
        } else if self.marks.default {
            svg.marker(&format!("open on-{class}"), 3, (x + wide - 11.0, y + 10.0));
        }
    }
}

/// The colours in a row, between the least and the greatest number.
fn legend_of(svg: &mut Svg, (left, y): (f64, f64), low: &str, high: &str) {
    let wide = 20.0;
    let from = left + low.chars().count() as f64 * 7.0 + 8.0;
    svg.text("tick", (from - 8.0, y + 11.0), Anchor::End, low);
    for level in 0..LEVELS {
        svg.rect(&format!("cell h{level}"), from + level as f64 * wide, y, wide, 14.0);
    }
    svg.text("tick", (from + LEVELS as f64 * wide + 8.0, y + 11.0), Anchor::Start, high);
}

/// Which of the colours a number has: by factors where the greatest is more than twenty times the least, else by steps.
/// Chosen by us.
fn level(value: Option<f64>, least: f64, greatest: f64) -> Option<usize> {
    let value = value?;
    let place = if least > 0.0 && greatest > 20.0 * least {
        libm::log(value / least) / libm::log(greatest / least)
    } else if greatest > least {
        (value - least) / (greatest - least)
    } else {
        0.0
    };
    Some(((place * LEVELS as f64) as usize).min(LEVELS - 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_go_from_the_least_to_the_greatest() {
        let levels = |values: &[f64], least, greatest| -> Vec<Option<usize>> {
            values.iter().map(|value| level(Some(*value), least, greatest)).collect()
        };
        assert_eq!(levels(&[10.0, 13.0, 16.9, 17.0], 10.0, 17.0), [Some(0), Some(3), Some(6), Some(6)]);
        assert_eq!(levels(&[1.0, 10.0, 100.0], 1.0, 100.0), [Some(0), Some(3), Some(6)]);
        assert_eq!(levels(&[5.0], 5.0, 5.0), [Some(0)]);
        assert_eq!(level(None, 1.0, 2.0), None);
    }

    #[test]
    fn numbers_stand_in_their_cells_and_marks_are_shapes() {
        let cell = |value: Option<f64>, text: &str, marks| HeatCell {
            value,
            text: text.to_owned(),
            below: "1 to 3".to_owned(),
            marks,
        };
        let chosen = Marks { chosen: true, front: true, ..Marks::default() };
        let default = Marks { default: true, ..Marks::default() };
        let text = |text: &str| text.to_owned();
        let map = HeatMap {
            named: Named { id: text("m"), title: text("t"), desc: text("d") },
            across: (text("interval"), vec![text("1s"), text("2s")]),
            down: (text("ttl"), vec![text("10s"), text("20s")]),
            cells: vec![
                vec![Some(cell(Some(2.0), "2.00", chosen)), Some(cell(Some(9.0), "9.00", default))],
                vec![Some(cell(None, "never", Marks::default())), None],
            ],
            ends: Some((text("2 s"), text("9 s"))),
        };
        let svg = map.draw();
        for part in [
            "class=\"cell h0\"",
            "class=\"cell h6\"",
            "class=\"cell none\"",
            ">2.00<",
            ">never<",
            "ring chosen",
            "ring default",
            "class=\"hole\"",
        ] {
            assert!(svg.contains(part), "{part}: {svg}");
        }
    }
}
