//! Percentile curves: what share of the values is at most so great, with the rare ones drawn apart.

use super::Named;
use super::axis::{Axis, tick_text};
use super::svg::{Anchor, Svg, cut};

/// Curves on one pair of axes. From left to right is 1/(1-p): each step to the right is ten times as rare.
pub(crate) struct CurveChart {
    /// What it is called.
    pub(crate) named: Named,
    /// What stands beside the upper axis: `failover, s`.
    pub(crate) measure: String,
    /// The curves, the most important first.
    pub(crate) series: Vec<Series>,
}

/// A curve.
pub(crate) struct Series {
    /// Whose.
    pub(crate) name: String,
    /// How many values it is made of.
    pub(crate) count: u64,
    /// `1/(1-p)` and the value, in order.
    pub(crate) steps: Vec<(f64, f64)>,
}

const WIDTH: f64 = 620.0;
const PLOT: (f64, f64) = (540.0, 250.0);
const LEFT: f64 = 62.0;
const TOP: f64 = 26.0;
const LEGEND_LINE: f64 = 22.0;

/// The percentiles that are written below the axis.
const TOLD: [(f64, &str); 7] = [
    (1.0, "0 %"),
    (2.0, "50 %"),
    (10.0, "90 %"),
    (100.0, "99 %"),
    (1e3, "99.9 %"),
    (1e4, "99.99 %"),
    (1e5, "99.999 %"),
];

impl CurveChart {
    /// Draws it.
    pub(crate) fn draw(&self) -> String {
        let below = TOP + PLOT.1 + 66.0;
        let height = below + self.series.len() as f64 * LEGEND_LINE + 4.0;
        let mut svg = Svg::new(&self.named, WIDTH, height);
        let all = || self.series.iter().flat_map(|series| &series.steps);
        let rarest = all().map(|step| step.0).fold(10.0, f64::max);
        let across = Axis::Logarithmic { from: 1.0, to: rarest };
        let up = Axis::from_zero(all().map(|step| step.1).fold(0.0, f64::max));
        self.axes(&mut svg, across, up);
        let place = |(rare, value): (f64, f64)| {
            (LEFT + across.place(rare) * PLOT.0, TOP + (1.0 - up.place(value)) * PLOT.1)
        };
        // The most important is drawn last, over the others.
        for (nth, series) in self.series.iter().enumerate().rev() {
            let places: Vec<(f64, f64)> = series.steps.iter().copied().map(place).collect();
            svg.polyline(&format!("curve s{nth}"), &places);
            for (rare, _) in TOLD {
                if let Some(step) = series.at(rare) {
                    svg.marker(&format!("mark s{nth}"), nth, place((rare, step)));
                }
            }
        }
        for (nth, series) in self.series.iter().enumerate() {
            let y = below + nth as f64 * LEGEND_LINE;
            svg.line(&format!("curve s{nth}"), (LEFT, y), (LEFT + 34.0, y));
            svg.marker(&format!("mark s{nth}"), nth, (LEFT + 17.0, y));
            let words = format!("{}, {} values", cut(&series.name, 56), super::grouped(series.count));
            svg.text("label", (LEFT + 44.0, y + 4.0), Anchor::Start, &words);
        }
        svg.finish()
    }

    fn axes(&self, svg: &mut Svg, across: Axis, up: Axis) {
        svg.text("axis", (LEFT - 8.0, 12.0), Anchor::Start, &cut(&self.measure, 60));
        for tick in up.ticks() {
            let y = TOP + (1.0 - up.place(tick)) * PLOT.1;
            svg.line("grid", (LEFT, y), (LEFT + PLOT.0, y));
            svg.text("tick", (LEFT - 8.0, y + 4.0), Anchor::End, &tick_text(tick));
        }
        let Axis::Logarithmic { to: rarest, .. } = across else { return };
        for (rare, name) in TOLD.into_iter().filter(|(rare, _)| *rare <= rarest * 1.000_1) {
            let x = LEFT + across.place(rare) * PLOT.0;
            svg.line("grid", (x, TOP), (x, TOP + PLOT.1 + 4.0));
            svg.text("tick", (x, TOP + PLOT.1 + 18.0), Anchor::Middle, name);
        }
        let middle = (LEFT + PLOT.0 / 2.0, TOP + PLOT.1 + 38.0);
        svg.text("axis", middle, Anchor::Middle, "so many of the values are at most so great");
    }
}

impl Series {
    /// The value at such a rare place; nothing if it lies beyond what was measured.
    fn at(&self, rare: f64) -> Option<f64> {
        let last = self.steps.last()?;
        let step = self.steps.iter().find(|step| step.0 >= rare)?;
        (rare <= last.0).then_some(step.1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_curve_tells_how_many_values_it_is_made_of() {
        let series = |name: &str, count| Series {
            name: name.to_owned(),
            count,
            steps: vec![(1.0, 2.0), (2.0, 5.0), (10.0, 9.0), (100.0, 12.0)],
        };
        let named = Named { id: "c".to_owned(), title: String::new(), desc: String::new() };
        let chart = CurveChart {
            named,
            measure: "failover, s".to_owned(),
            series: vec![series("ttl = 10s", 1_234_567), series("<ttl>", 3)],
        };
        let svg = chart.draw();
        assert!(svg.contains(">ttl = 10s, 1,234,567 values<"), "{svg}");
        assert!(svg.contains(">&lt;ttl&gt;, 3 values<"), "{svg}");
        assert!(svg.contains(">99 %<") && !svg.contains(">99.9 %<"), "{svg}");
        assert_eq!(chart.series[0].at(3.0), Some(9.0));
        assert_eq!(chart.series[0].at(1_000.0), None);
    }
}
