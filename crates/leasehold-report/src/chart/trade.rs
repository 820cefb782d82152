//! One number against another, a place for each point: what one has to give for the other.

use super::axis::{Axis, tick_text};
use super::svg::{Anchor, Svg, cut};
use super::{Marks, Named};

/// Points over two numbers.
pub(crate) struct TradeChart {
    /// What it is called.
    pub(crate) named: Named,
    /// What stands below the axis from left to right.
    pub(crate) across: String,
    /// What stands beside the axis upward.
    pub(crate) up: String,
    /// The points.
    pub(crate) choices: Vec<Choice>,
    /// Whether the points on the front are joined.
    pub(crate) joined: Joined,
}

/// Whether the points on the front are joined.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Joined {
    /// By a line: the two numbers are all that is traded.
    Line,
    /// They are not: a third number is traded, which the picture does not show.
    Apart,
}

/// A point.
pub(crate) struct Choice {
    /// What it is called, if that is written beside it.
    pub(crate) name: String,
    /// Both numbers.
    pub(crate) at: (f64, f64),
    /// What is special about it.
    pub(crate) marks: Marks,
}

const WIDTH: f64 = 620.0;
const PLOT: (f64, f64) = (520.0, 280.0);
const LEFT: f64 = 74.0;
const TOP: f64 = 24.0;

impl TradeChart {
    /// Draws it.
    pub(crate) fn draw(&self) -> String {
        let mut svg = Svg::new(&self.named, WIDTH, TOP + PLOT.1 + 76.0);
        let numbers = |of: fn(&Choice) -> f64| self.choices.iter().map(of).collect::<Vec<f64>>();
        let across = Axis::around(&numbers(|choice| choice.at.0));
        let up = Axis::around(&numbers(|choice| choice.at.1));
        let place = |(one, other): (f64, f64)| {
            (LEFT + across.place(one) * PLOT.0, TOP + (1.0 - up.place(other)) * PLOT.1)
        };
        self.axes(&mut svg, across, up);
        let mut front: Vec<(f64, f64)> =
            self.choices.iter().filter(|choice| choice.marks.front).map(|choice| choice.at).collect();
        front.sort_by(|one, other| one.0.total_cmp(&other.0));
        let places: Vec<(f64, f64)> = front.into_iter().map(place).collect();
        if self.joined == Joined::Line {
            svg.polyline("front", &places);
        }
        for choice in self.plain_first() {
            let (x, y) = place(choice.at);
            match choice.marks {
                Marks { chosen: true, .. } => svg.star("mark s0", (x, y), 9.0),
                Marks { default: true, .. } => svg.marker("mark s1", 1, (x, y)),
                Marks { front: true, .. } => svg.marker("mark s5", 0, (x, y)),
                _ => svg.marker("plain", 0, (x, y)),
            }
            if choice.marks.chosen || choice.marks.default {
                let (anchor, beside) =
                    if x > LEFT + PLOT.0 * 0.6 { (Anchor::End, -13.0) } else { (Anchor::Start, 13.0) };
                // Above and below, since the two are often close to each other.
                let y = if choice.marks.chosen { y - 8.0 } else { y + 17.0 };
                svg.text("label", (x + beside, y), anchor, &cut(&choice.name, 40));
            }
        }
        let y = TOP + PLOT.1 + 66.0;
        svg.star("mark s0", (LEFT, y - 4.0), 7.5);
        svg.text("label", (LEFT + 12.0, y), Anchor::Start, "chosen");
        svg.marker("mark s1", 1, (LEFT + 90.0, y - 4.0));
        svg.text("label", (LEFT + 102.0, y), Anchor::Start, "the scenario's own");
        if self.joined == Joined::Line {
            svg.line("front", (LEFT + 236.0, y - 4.0), (LEFT + 264.0, y - 4.0));
        }
        svg.marker("mark s5", 0, (LEFT + 250.0, y - 4.0));
        svg.text("label", (LEFT + 274.0, y), Anchor::Start, "on the front");
        svg.marker("plain", 0, (LEFT + 372.0, y - 4.0));
        svg.text("label", (LEFT + 384.0, y), Anchor::Start, "beaten by another");
        svg.finish()
    }

    fn axes(&self, svg: &mut Svg, across: Axis, up: Axis) {
        for tick in up.ticks() {
            let y = TOP + (1.0 - up.place(tick)) * PLOT.1;
            svg.line("grid", (LEFT, y), (LEFT + PLOT.0, y));
            svg.text("tick", (LEFT - 8.0, y + 4.0), Anchor::End, &tick_text(tick));
        }
        for tick in across.ticks() {
            let x = LEFT + across.place(tick) * PLOT.0;
            svg.line("grid", (x, TOP), (x, TOP + PLOT.1));
            svg.text("tick", (x, TOP + PLOT.1 + 18.0), Anchor::Middle, &tick_text(tick));
        }
        let scale = |axis: Axis| if matches!(axis, Axis::Logarithmic { .. }) { ", by factors" } else { "" };
        let below = format!("{}{}", cut(&self.across, 50), scale(across));
        svg.text("axis", (LEFT + PLOT.0 / 2.0, TOP + PLOT.1 + 38.0), Anchor::Middle, &below);
        svg.text("axis", (LEFT - 8.0, 12.0), Anchor::Start, &format!("{}{}", cut(&self.up, 50), scale(up)));
    }

    /// Those that stand out last, so that nothing covers them.
    fn plain_first(&self) -> Vec<&Choice> {
        let mut choices: Vec<&Choice> = self.choices.iter().collect();
        choices.sort_by_key(|choice| (choice.marks.chosen, choice.marks.default, choice.marks.front));
        choices
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_front_is_a_line_and_the_rest_is_not_on_it() {
        let choice = |at, marks| Choice { name: "ttl = 10s".to_owned(), at, marks };
        let front = Marks { front: true, ..Marks::default() };
        let chosen = Marks { chosen: true, ..front };
        let choices =
            vec![choice((1.0, 3.0), front), choice((2.0, 1.0), chosen), choice((4.0, 4.0), Marks::default())];
        let named = Named { id: "t".to_owned(), title: String::new(), desc: String::new() };
        let chart =
            TradeChart { named, across: "a".to_owned(), up: "b".to_owned(), choices, joined: Joined::Line };
        let svg = chart.draw();
        let line = svg.split("class=\"front\" d=\"").nth(1).unwrap().split('"').next().unwrap();
        assert_eq!(line.matches(['M', 'L']).count(), 2, "{line}");
        // One for the point, one for what the marks mean.
        assert_eq!(svg.matches("class=\"plain\"").count(), 2, "{svg}");
        assert!(svg.contains(">ttl = 10s<"), "{svg}");
        let apart = TradeChart { joined: Joined::Apart, ..chart };
        assert!(!apart.draw().contains("class=\"front\""));
    }
}
