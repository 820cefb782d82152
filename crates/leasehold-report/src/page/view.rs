//! A study as its page looks at it: which numbers matter, in which unit they are told, which points are shown.

use std::collections::{BTreeMap, BTreeSet};

use leasehold_check::{Better, Kind, Metric};
use leasehold_scenario::Goal;

use super::document::{Cell, Tone};
use super::scale::Scale;
use crate::chart::{Marks, grouped};
use crate::study::{Advice, Estimate, Figure, Met, Open, Statistic, StudySummary, Trait};

/// How many points are drawn in one picture. Chosen by us: as many as there are dashes and shapes.
const SHOWN: usize = 5;

/// A study, and what it is compared with.
pub(crate) struct View<'s> {
    /// The study.
    pub(crate) study: &'s StudySummary,
    /// What it is compared with.
    pub(crate) baseline: Option<&'s StudySummary>,
    /// The numbers that matter: those that are traded, then those that something is asked of.
    pub(crate) traits: Vec<Trait>,
    /// The points that pictures of distributions show, the most important first.
    pub(crate) shown: Vec<usize>,
    /// The points that are recommended, or come nearest to what was asked.
    pub(crate) chosen: Vec<usize>,
    scales: BTreeMap<Trait, Scale>,
}

/// A number of a point, in words.
pub(crate) struct Told {
    /// The number, if there is one.
    pub(crate) value: Option<f64>,
    /// Whether there could be one.
    pub(crate) seen: Seen,
    /// What it lies between, as far as its ends are known.
    pub(crate) ends: (Option<f64>, Option<f64>),
    /// The number with its unit, or why there is none.
    pub(crate) text: String,
    /// The number without its unit, or why there is none.
    pub(crate) short: String,
    /// The interval with its unit, or why there is none.
    pub(crate) between: String,
    /// The interval without its unit, or why there is none.
    pub(crate) short_between: String,
}

/// Whether what a number counts was seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Seen {
    /// It was.
    Happened,
    /// It could have happened, and never did.
    Never,
    /// There is no number: nothing that it is made of happened, or it did not end.
    Unknown,
}

impl<'s> View<'s> {
    /// Looks at a study.
    pub(crate) fn new(study: &'s StudySummary, baseline: Option<&'s StudySummary>) -> Self {
        let chosen = study.all_chosen();
        let mut view =
            Self { study, baseline, traits: Vec::new(), shown: Vec::new(), chosen, scales: BTreeMap::new() };
        view.traits = traits(study);
        view.shown = shown(study, &view.traits);
        let of_baseline = baseline.map_or(&[][..], |baseline| &baseline.points);
        for point in study.points.iter().chain(of_baseline) {
            for figure in &point.figures {
                for estimate in &figure.estimates {
                    let of = Trait { metric: figure.metric, statistic: estimate.statistic };
                    if !view.scales.contains_key(&of) {
                        view.scales.insert(of, Scale::of(of, view.greatest(of)));
                    }
                }
            }
        }
        view
    }

    fn greatest(&self, of: Trait) -> f64 {
        let figures = self.study.points.iter().filter_map(|point| point.figure(of.metric));
        let estimates = figures.flat_map(|figure| &figure.estimates);
        // What stands in one unit stands in the same one everywhere: a median is compared with a maximum.
        let alike = |statistic: Statistic| {
            let other = Trait { statistic, ..of };
            (other.is_length(), other.is_rate()) == (of.is_length(), of.is_rate())
        };
        let told: Vec<&Estimate> = estimates.filter(|estimate| alike(estimate.statistic)).collect();
        let greatest =
            |of: fn(&Estimate) -> f64| told.iter().map(|estimate| of(estimate)).fold(0.0, f64::max);
        let value = greatest(|estimate| estimate.value);
        // Of what was never seen only the most that it can be is told.
        if value > 0.0 { value } else { greatest(|estimate| estimate.high.unwrap_or(0.0)) }
    }

    /// How the values of a number are written.
    pub(crate) fn scale(&self, of: Trait) -> Scale {
        self.scales.get(&of).copied().unwrap_or_else(|| Scale::of(of, self.greatest(of)))
    }

    /// What is special about a point.
    pub(crate) fn marks(&self, point: usize) -> Marks {
        Marks {
            chosen: self.chosen.contains(&point),
            default: self.study.default_point == Some(point),
            front: self.study.front.contains(&point),
            failed: self.study.points[point].failed > 0,
        }
    }

    /// The same in words; empty if there is nothing.
    pub(crate) fn marks_in_words(&self, point: usize) -> String {
        let marks = self.marks(point);
        let failed = self.study.points[point].failed;
        let failed = (failed > 0).then(|| format!("out of the question: {} failed", runs(failed)));
        let words = [
            marks.chosen.then(|| self.chosen_is(point).to_owned()),
            marks.default.then(|| "the scenario's own".to_owned()),
            marks.front.then(|| "on the front".to_owned()),
            failed,
        ];
        words.into_iter().flatten().collect::<Vec<_>>().join(", ")
    }

    /// What a chosen point is.
    pub(crate) fn chosen_is(&self, point: usize) -> &'static str {
        let advice = match self.study.each() {
            None => Some(&self.study.advice),
            Some(each) => each.of_point(self.study, point).map(|value| &value.advice),
        };
        match advice {
            Some(Advice::Take { .. }) => "recommended",
            _ => "nearest to what was asked",
        }
    }

    /// What chosen points are, for a legend.
    pub(crate) fn chosen_are(&self) -> &'static str {
        match (self.study.each(), self.chosen.first()) {
            (Some(each), _) if each.has_obstacle() => "recommended, or nearest to what was asked",
            (_, Some(first)) => self.chosen_is(*first),
            (_, None) => "recommended",
        }
    }

    /// A point, and whether it is the chosen one or the scenario's own.
    pub(crate) fn name(&self, point: usize) -> String {
        let label = self.label(point);
        match self.marks(point) {
            Marks { chosen: true, default: true, .. } => {
                format!("{label} ({}, the scenario's own)", self.chosen_is(point))
            }
            Marks { chosen: true, .. } => format!("{label} ({})", self.chosen_is(point)),
            Marks { default: true, .. } => format!("{label} (the scenario's own)"),
            _ => label,
        }
    }

    /// A point, by what is its own: what follows from that is left out.
    pub(crate) fn label(&self, point: usize) -> String {
        let values = &self.study.points[point].values;
        let named = self.study.parameters.iter().zip(values);
        let own = named.filter(|(parameter, _)| parameter.derived.is_none());
        own.map(|(parameter, value)| format!("{} = {value}", parameter.name)).collect::<Vec<_>>().join(", ")
    }

    /// A number of a point.
    pub(crate) fn told(&self, point: usize, of: Trait) -> Told {
        self.told_of(self.study, point, of)
    }

    /// A number of a point of one of the two studies.
    pub(crate) fn told_of(&self, study: &StudySummary, point: usize, of: Trait) -> Told {
        let scale = self.scale(of);
        let none = |text: &str, between: String| Told {
            value: None,
            seen: Seen::Unknown,
            ends: (None, None),
            text: text.to_owned(),
            short: text.to_owned(),
            short_between: between.clone(),
            between,
        };
        let Some(figure) = study.points[point].figure(of.metric) else {
            return none("not measured", String::new());
        };
        let Some(estimate) = figure.estimate(of.statistic) else {
            let has_exposure = matches!(of.metric.kind(), Kind::Count | Kind::Share);
            return match figure.count {
                // Nobody was there to whom it could have happened.
                0 if has_exposure => none("not measured", String::new()),
                0 => none("never", String::new()),
                count => none("too few", format!("{} values", grouped(count))),
            };
        };
        if never(figure) {
            let most = estimate.high.filter(|high| *high > 0.0);
            let told =
                none("never", most.map_or_else(String::new, |high| format!("at most {}", scale.text(high))));
            let short = most.map_or_else(String::new, |high| format!("\u{2264} {}", scale.number(high)));
            let ends = (most.map(|_| 0.0), most);
            return Told { short_between: short, seen: Seen::Never, ends, ..told };
        }
        if let Some(open) = figure.open.filter(|_| figure.is_open(of.statistic)) {
            let (least, short) = (scale.text(estimate.value), scale.number(estimate.value));
            let between = format!("{} did not end", grouped(open.count));
            let told = none(&format!("at least {least}"), between);
            return Told { short: format!("\u{2265} {short}"), ends: (Some(estimate.value), None), ..told };
        }
        let few = || "too few to say".to_owned();
        Told {
            value: Some(estimate.value),
            seen: Seen::Happened,
            ends: (estimate.low, estimate.high),
            text: scale.text(estimate.value),
            short: scale.number(estimate.value),
            between: scale.interval(estimate).unwrap_or_else(few),
            short_between: scale.bare_interval(estimate).unwrap_or_else(few),
        }
    }

    /// Cells with a number, its interval, and how many values it is made of.
    pub(crate) fn cells(&self, point: usize, of: Trait) -> [Cell; 3] {
        let told = self.told(point, of);
        let figure = self.study.points[point].figure(of.metric);
        let count = figure.map_or(0, |figure| figure.count);
        let open = figure.and_then(|figure| figure.open).map_or_else(String::new, open_in_words);
        [
            with_number(Cell::new(told.text), told.value),
            Cell::new(told.between),
            Cell::new(format!("{}{open}", grouped(count))).sorted_by(count as f64),
        ]
    }

    /// All points.
    pub(crate) fn points(&self) -> std::ops::Range<usize> {
        0..self.study.points.len()
    }

    /// Whether a metric was seen at no point at all.
    pub(crate) fn never_seen(&self, metric: Metric) -> bool {
        self.study
            .points
            .iter()
            .filter_map(|point| point.figure(metric))
            .all(|figure| figure.count == 0 && figure.open.is_none())
    }
}

/// A cell that is sorted by its number, if it has one.
pub(crate) fn with_number(cell: Cell, number: Option<f64>) -> Cell {
    match number {
        Some(number) => cell.sorted_by(number),
        None => cell,
    }
}

/// `; 3 did not end, the longest of at least 42.0 s`: behind how many did.
fn open_in_words(open: Open) -> String {
    let longest = Scale::of_seconds(open.longest);
    format!("; {} did not end, the longest of at least {longest}", grouped(open.count))
}

/// Whether what it counts never happened. The time in which nothing is asked for is a level of nothing, not this.
fn never(figure: &Figure) -> bool {
    figure.count == 0 && figure.open.is_none() && figure.metric.kind() != Kind::Level
}

/// So many runs.
pub(crate) fn runs(count: u64) -> String {
    format!("{} {}", grouped(count), if count == 1 { "run" } else { "runs" })
}

/// Whether an objective is met, in words.
pub(crate) fn met(met: Met) -> Cell {
    match met {
        Met::Surely => Cell::new("met, with its whole interval").toned(Tone::Good),
        Met::Probably => Cell::new("met, but not with its whole interval").toned(Tone::Doubtful),
        Met::Missed => Cell::new("missed").toned(Tone::Bad),
        Met::Unmeasured => Cell::new("not measured").toned(Tone::Doubtful),
    }
}

/// What an objective is about; nothing if it cannot be read.
pub(crate) fn about(objective: &str) -> Option<Trait> {
    let goal = Goal::parse(objective).ok()?;
    Some(Trait { metric: goal.metric, statistic: goal.statistic })
}

/// What is traded, then what something is asked of; where there is neither, the number of each metric that is usual.
fn traits(study: &StudySummary) -> Vec<Trait> {
    let asked = study.objectives.iter().filter_map(|objective| about(objective));
    let mut traits: Vec<Trait> = Vec::new();
    for of in study.trade.iter().copied().chain(asked) {
        if !traits.contains(&of) {
            traits.push(of);
        }
    }
    if traits.is_empty() {
        let usual = |metric: &Metric| Trait {
            metric: *metric,
            statistic: metric.kind().usual().unwrap_or(Statistic::P99),
        };
        traits.extend(study.metrics.iter().map(usual));
    }
    traits
}

/// The chosen point, the scenario's own, then those that are best in one of the numbers.
fn shown(study: &StudySummary, traits: &[Trait]) -> Vec<usize> {
    let best = |of: &Trait| {
        let of = *of;
        let value = |point: &usize| study.points[*point].figure(of.metric)?.number(of.statistic);
        let safe = study.front.iter().copied().filter(|point| value(point).is_some());
        let ordered = |one: &usize, other: &usize| {
            let order = value(one).partial_cmp(&value(other)).unwrap_or(std::cmp::Ordering::Equal);
            if of.metric.better() == Better::More { order.reverse() } else { order }
        };
        safe.min_by(ordered)
    };
    let first = study.all_chosen().into_iter().chain(study.default_point);
    let rest = traits.iter().filter_map(best).chain(study.front.iter().copied()).chain(0..study.points.len());
    let mut seen = BTreeSet::new();
    let points = first.chain(rest).filter(|point| *point < study.points.len() && seen.insert(*point));
    points.take(SHOWN).collect()
}
