//! How values are spread: bars for one point, an outline for another, and what was predicted on top.

use super::Named;
use super::axis::{Axis, tick_text};
use super::svg::{Anchor, Svg, cut};

/// A distribution beside another.
pub(crate) struct SpreadChart {
    /// What it is called.
    pub(crate) named: Named,
    /// What stands below the axis: `failover, s`.
    pub(crate) measure: String,
    /// The one that is drawn as bars: whose, and values with how often they were seen.
    pub(crate) bars: (String, Vec<(f64, u64)>),
    /// The one that is drawn as an outline.
    pub(crate) outline: Option<(String, Vec<(f64, u64)>)>,
    /// What was predicted of the first.
    pub(crate) foreseen: Vec<Foreseen>,
    /// The distribution that was predicted of the first: values, and which share of all is at most so great.
    pub(crate) curve: Vec<(f64, f64)>,
}

/// A number that was predicted.
pub(crate) struct Foreseen {
    /// Where.
    pub(crate) value: f64,
    /// What it is: `mean`, and whether it was confirmed.
    pub(crate) name: String,
}

/// A bar in numbers.
pub(crate) struct Bar {
    /// Where it begins.
    pub(crate) from: f64,
    /// Where it ends.
    pub(crate) to: f64,
    /// Which share of the values lies between, of the first.
    pub(crate) share: f64,
    /// The same of the other, if there is one.
    pub(crate) outline: Option<f64>,
}

/// How many bars there are. Chosen by us: enough to see two humps, few enough to be more than noise.
const BARS: usize = 36;

const WIDTH: f64 = 620.0;
const PLOT: (f64, f64) = (540.0, 190.0);
const LEFT: f64 = 62.0;
/// Each line of a prediction has a row of its own above the bars.
const ROW: f64 = 16.0;

impl SpreadChart {
    /// What it draws, in numbers. What lies before the first value of both is left out.
    pub(crate) fn in_numbers(&self) -> Vec<Bar> {
        let Axis::Linear { to, .. } = self.across() else { return Vec::new() };
        let bars = shares(&self.bars.1, to);
        let outline = self.outline.as_ref().map(|outline| shares(&outline.1, to));
        let bar = |nth: usize| Bar {
            from: to * nth as f64 / BARS as f64,
            to: to * (nth + 1) as f64 / BARS as f64,
            share: bars[nth],
            outline: outline.as_ref().map(|outline| outline[nth]),
        };
        let holds = |bar: &Bar| bar.share > 0.0 || bar.outline.is_some_and(|share| share > 0.0);
        (0..BARS).map(bar).skip_while(|bar| !holds(bar)).collect()
    }

    /// From nothing to what is greatest of all that is drawn.
    fn across(&self) -> Axis {
        let values = self.bars.1.iter().chain(self.outline.iter().flat_map(|outline| &outline.1));
        let values = values.map(|(value, _)| *value);
        let foreseen = self.foreseen.iter().map(|foreseen| foreseen.value);
        let curve = self.curve.iter().map(|(value, _)| *value);
        Axis::from_zero(values.chain(foreseen).chain(curve).fold(0.0, f64::max))
    }

    /// Draws it.
    pub(crate) fn draw(&self) -> String {
        let top = 22.0 + self.foreseen.len() as f64 * ROW;
        let legends = 1 + usize::from(self.outline.is_some()) + usize::from(!self.curve.is_empty());
        let below = top + PLOT.1 + 54.0;
        let mut svg = Svg::new(&self.named, WIDTH, below + legends as f64 * 20.0);
        let across = self.across();
        let Axis::Linear { to, .. } = across else { return svg.finish() };
        let bars = shares(&self.bars.1, to);
        let outline = self.outline.as_ref().map(|outline| shares(&outline.1, to));
        let curve = self.curve_shares(to);
        let all = bars.iter().chain(outline.iter().flatten()).chain(&curve);
        let up = Axis::from_zero(all.copied().fold(0.0, f64::max) * 100.0);
        let spot = |share: f64| top + (1.0 - up.place(share * 100.0)) * PLOT.1;
        self.axes(&mut svg, top, across, up);
        let wide = PLOT.0 / BARS as f64;
        for (nth, share) in bars.iter().enumerate().filter(|(_, share)| **share > 0.0) {
            let y = spot(*share);
            svg.rect("bar", LEFT + nth as f64 * wide + 0.5, y, wide - 1.0, top + PLOT.1 - y);
        }
        let steps = |shares: &[f64]| -> Vec<(f64, f64)> {
            let edges = |(nth, share): (usize, &f64)| {
                let x = LEFT + nth as f64 * wide;
                [(x, spot(*share)), (x + wide, spot(*share))]
            };
            shares.iter().enumerate().flat_map(edges).collect()
        };
        if let Some(outline) = &outline {
            svg.polyline("curve s1", &steps(outline));
        }
        if !curve.is_empty() {
            svg.polyline("foreseen", &steps(&curve));
        }
        self.lines(&mut svg, top, across);
        self.legend(&mut svg, below);
        svg.finish()
    }

    fn axes(&self, svg: &mut Svg, top: f64, across: Axis, up: Axis) {
        svg.text("axis", (12.0, top - 8.0), Anchor::Start, "share, %");
        for tick in up.ticks() {
            let y = top + (1.0 - up.place(tick)) * PLOT.1;
            svg.line("grid", (LEFT, y), (LEFT + PLOT.0, y));
            svg.text("tick", (LEFT - 8.0, y + 4.0), Anchor::End, &tick_text(tick));
        }
        for tick in across.ticks() {
            let x = LEFT + across.place(tick) * PLOT.0;
            svg.line("grid", (x, top + PLOT.1), (x, top + PLOT.1 + 4.0));
            svg.text("tick", (x, top + PLOT.1 + 18.0), Anchor::Middle, &tick_text(tick));
        }
        let middle = (LEFT + PLOT.0 / 2.0, top + PLOT.1 + 36.0);
        svg.text("axis", middle, Anchor::Middle, &cut(&self.measure, 60));
    }

    /// The predicted numbers, each with its name in a row above the bars.
    fn lines(&self, svg: &mut Svg, top: f64, across: Axis) {
        for (nth, foreseen) in self.foreseen.iter().enumerate() {
            let x = LEFT + across.place(foreseen.value) * PLOT.0;
            let y = 14.0 + nth as f64 * ROW;
            svg.line("foreseen", (x, y - 8.0), (x, top + PLOT.1));
            let (anchor, beside) =
                if x > LEFT + PLOT.0 / 2.0 { (Anchor::End, -6.0) } else { (Anchor::Start, 6.0) };
            svg.text("label", (x + beside, y), anchor, &cut(&foreseen.name, 56));
        }
    }

    fn legend(&self, svg: &mut Svg, mut y: f64) {
        let count = |values: &[(f64, u64)]| values.iter().map(|(_, count)| count).sum::<u64>();
        let words = |(name, values): &(String, Vec<(f64, u64)>)| {
            format!("{}, {} values", cut(name, 56), super::grouped(count(values)))
        };
        svg.rect("bar", LEFT, y - 9.0, 34.0, 11.0);
        svg.text("label", (LEFT + 44.0, y), Anchor::Start, &words(&self.bars));
        if let Some(outline) = &self.outline {
            y += 20.0;
            svg.line("curve s1", (LEFT, y - 4.0), (LEFT + 34.0, y - 4.0));
            svg.text("label", (LEFT + 44.0, y), Anchor::Start, &words(outline));
        }
        if !self.curve.is_empty() {
            y += 20.0;
            svg.line("foreseen", (LEFT, y - 4.0), (LEFT + 34.0, y - 4.0));
            svg.text("label", (LEFT + 44.0, y), Anchor::Start, "as predicted");
        }
    }

    /// The predicted share of each bar.
    fn curve_shares(&self, end: f64) -> Vec<f64> {
        if self.curve.is_empty() {
            return Vec::new();
        }
        let wide = end / BARS as f64;
        let up_to = |value: f64| share_up_to(&self.curve, value);
        (0..BARS).map(|nth| up_to((nth + 1) as f64 * wide) - up_to(nth as f64 * wide)).collect()
    }
}

/// Which share of all is at most so great, between the places that are known.
fn share_up_to(curve: &[(f64, f64)], value: f64) -> f64 {
    let after = curve.partition_point(|(known, _)| *known <= value);
    match (after.checked_sub(1).map(|before| curve[before]), curve.get(after)) {
        (None, _) => 0.0,
        (Some((_, share)), None) => share,
        (Some((from, low)), Some(&(to, high))) => low + (high - low) * (value - from) / (to - from),
    }
}

/// Which share of the values each bar has.
fn shares(values: &[(f64, u64)], end: f64) -> Vec<f64> {
    let all = values.iter().map(|(_, count)| *count as f64).sum::<f64>().max(1.0);
    let mut shares = vec![0.0; BARS];
    for (value, count) in values {
        let nth = ((value / end * BARS as f64) as usize).min(BARS - 1);
        shares[nth] += *count as f64 / all;
    }
    shares
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bars_hold_all_values_and_the_curve_all_that_was_predicted() {
        let bars = shares(&[(0.0, 1), (35.9, 2), (36.0, 1)], 36.0);
        assert_eq!((bars[0], bars[BARS - 1]), (0.25, 0.75));
        let curve = [(10.0, 0.0), (20.0, 1.0)];
        let told = [5.0, 10.0, 12.5, 20.0, 99.0].map(|value| share_up_to(&curve, value));
        assert_eq!(told, [0.0, 0.0, 0.25, 1.0, 1.0]);
    }

    #[test]
    fn what_was_predicted_stands_on_top_with_its_name() {
        let chart = SpreadChart {
            named: Named { id: "s".to_owned(), title: String::new(), desc: String::new() },
            measure: "failover, s".to_owned(),
            bars: ("ttl = 10s".to_owned(), vec![(9.0, 3), (10.0, 5)]),
            outline: Some(("ttl = 15s".to_owned(), vec![(14.0, 2)])),
            foreseen: vec![Foreseen { value: 11.0, name: "max 11 s, confirmed".to_owned() }],
            curve: vec![(8.0, 0.0), (11.0, 1.0)],
        };
        let svg = chart.draw();
        for part in
            [">max 11 s, confirmed<", ">ttl = 10s, 8 values<", ">ttl = 15s, 2 values<", ">as predicted<"]
        {
            assert!(svg.contains(part), "{part}: {svg}");
        }
        assert_eq!(svg.matches("class=\"foreseen\"").count(), 3, "{svg}");
    }
}
