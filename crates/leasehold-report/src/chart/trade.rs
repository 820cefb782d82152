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

/// Where a point stands along an axis.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Place {
    /// At a number.
    At(f64),
    /// Beside the axis, before its beginning: it never happened, which is no number.
    Never,
}

impl Place {
    const fn number(self) -> Option<f64> {
        match self {
            Self::At(number) => Some(number),
            Self::Never => None,
        }
    }
}

/// A point.
pub(crate) struct Choice {
    /// What it is called, if that is written beside it.
    pub(crate) name: String,
    /// Where it stands for both numbers.
    pub(crate) at: (Place, Place),
    /// What is special about it.
    pub(crate) marks: Marks,
}

const WIDTH: f64 = 620.0;
const PLOT: (f64, f64) = (520.0, 280.0);
const LEFT: f64 = 74.0;
const TOP: f64 = 24.0;
/// What never happened stands so far before the beginning of an axis.
const RAIL: f64 = 42.0;

impl TradeChart {
    /// Draws it.
    pub(crate) fn draw(&self) -> String {
        let mut svg = Svg::new(&self.named, WIDTH, TOP + PLOT.1 + 76.0);
        let numbers = |of: fn(&Choice) -> Place| {
            self.choices.iter().filter_map(|choice| of(choice).number()).collect::<Vec<f64>>()
        };
        let (of_across, of_up) = (numbers(|choice| choice.at.0), numbers(|choice| choice.at.1));
        let (across, up) = (Axis::around(&of_across), Axis::around(&of_up));
        let rails = (of_across.len() < self.choices.len(), of_up.len() < self.choices.len());
        // Where something never happened, the plot begins a rail later.
        let room = |has_rail: bool| if has_rail { RAIL } else { 0.0 };
        let (from, wide) = (LEFT + room(rails.0), PLOT.0 - room(rails.0));
        let high = PLOT.1 - room(rails.1);
        let place = |(one, other): (Place, Place)| {
            let x = one.number().map_or(LEFT + RAIL / 3.0, |one| from + across.place(one) * wide);
            let y = other.number();
            (x, y.map_or(TOP + PLOT.1 - RAIL / 3.0, |other| TOP + (1.0 - up.place(other)) * high))
        };
        self.axes(&mut svg, (across, from, wide), (up, high));
        if rails.0 {
            svg.line("grid", (LEFT + RAIL / 3.0, TOP), (LEFT + RAIL / 3.0, TOP + PLOT.1));
            svg.text("tick", (LEFT + RAIL / 3.0, TOP + PLOT.1 + 18.0), Anchor::Middle, "never");
        }
        if rails.1 {
            svg.line("grid", (LEFT, TOP + PLOT.1 - RAIL / 3.0), (LEFT + PLOT.0, TOP + PLOT.1 - RAIL / 3.0));
            svg.text("tick", (LEFT - 8.0, TOP + PLOT.1 - RAIL / 3.0 + 4.0), Anchor::End, "never");
        }
        let mut places: Vec<(f64, f64)> =
            self.choices.iter().filter(|choice| choice.marks.front).map(|choice| place(choice.at)).collect();
        places.sort_by(|one, other| one.0.total_cmp(&other.0));
        if self.joined == Joined::Line {
            svg.polyline("front", &places);
        }
        for choice in self.plain_first() {
            let (x, y) = place(choice.at);
            match choice.marks {
                Marks { chosen: true, .. } => svg.star("mark s0", (x, y), 9.0),
                Marks { default: true, .. } => svg.marker("mark s1", 1, (x, y)),
                Marks { front: true, .. } => svg.marker("mark s5", 0, (x, y)),
                Marks { failed: true, .. } => cross(&mut svg, (x, y)),
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
        if self.choices.iter().any(|choice| choice.marks.failed) {
            cross(&mut svg, (LEFT + 500.0, y - 4.0));
            svg.text("label", (LEFT + 510.0, y), Anchor::Start, "failed");
        }
        svg.finish()
    }

    /// The axis across begins there and is so wide, that upward is so high.
    fn axes(&self, svg: &mut Svg, (across, from, wide): (Axis, f64, f64), (up, high): (Axis, f64)) {
        for tick in up.ticks() {
            let y = TOP + (1.0 - up.place(tick)) * high;
            svg.line("grid", (LEFT, y), (LEFT + PLOT.0, y));
            svg.text("tick", (LEFT - 8.0, y + 4.0), Anchor::End, &tick_text(tick));
        }
        for tick in across.ticks() {
            let x = from + across.place(tick) * wide;
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

/// A point that is out of the question.
fn cross(svg: &mut Svg, (x, y): (f64, f64)) {
    svg.line("axis", (x - 3.5, y - 3.5), (x + 3.5, y + 3.5));
    svg.line("axis", (x - 3.5, y + 3.5), (x + 3.5, y - 3.5));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_front_is_a_line_and_the_rest_is_not_on_it() {
        let choice = |(x, y), marks| {
            let at = (Place::At(x), Place::At(y));
            Choice { name: "ttl = 10s".to_owned(), at, marks }
        };
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

    #[test]
    fn what_never_happened_stands_at_no_number() {
        let choice = |at| Choice { name: String::new(), at, marks: Marks::default() };
        let draw = |at: Vec<(Place, Place)>| {
            let named = Named { id: "t".to_owned(), title: String::new(), desc: String::new() };
            let (across, up, choices) =
                ("a".to_owned(), "b".to_owned(), at.into_iter().map(choice).collect());
            TradeChart { named, across, up, choices, joined: Joined::Apart }.draw()
        };
        let (two, three) = (Place::At(2.0), Place::At(3.0));
        assert_eq!(draw(vec![(two, two), (three, three)]).matches(">never<").count(), 0);
        assert_eq!(draw(vec![(two, Place::Never), (three, three)]).matches(">never<").count(), 1);
        let both = draw(vec![(Place::Never, Place::Never), (three, three)]);
        assert_eq!(both.matches(">never<").count(), 2);
        // A zero that was measured stands on the axis.
        assert_ne!(
            draw(vec![(two, Place::At(0.0)), (three, three)]),
            draw(vec![(two, Place::Never), (three, three)])
        );
    }
}
