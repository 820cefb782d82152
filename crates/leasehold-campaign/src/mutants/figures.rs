//! The sum of the seeds of a row, and how the row fares.

use std::collections::BTreeMap;
use std::num::NonZeroU64;

use leasehold_check::Invariant;
use leasehold_report::{Interval, median};
use leasehold_scenario::{Bug, Fate};

use super::seen::{Seen, Showed};

/// Under how many seeds a row that chance does not find is run as it is written. Chosen by us: as many as the test of all
/// scenarios takes.
pub(super) const SCRIPTED_SEEDS: u64 = 20;

/// How many seeds are enough to see that nothing happens to a row to which nothing is to happen, where not all are run.
/// Chosen by us.
const ENOUGH_WITHOUT_A_BITE: u64 = 25;

/// How many detecting seeds are kept: their runs are made again to their end, for the matrix. Chosen by us.
pub(super) const KEPT_DETECTIONS: usize = 25;

/// A row is found by chance if it takes no more seeds than these in the median. Source: the issue that asked for teeth.
pub(super) const FOUND_WITHIN: u64 = 1_000;

/// The sum of the seeds of a row.
#[derive(Clone, Debug, Default)]
pub struct Figures {
    /// How many.
    pub seeds: u64,
    /// Under how many one of the named invariants was violated.
    pub detected: u64,
    /// The first few of those, in order.
    pub detecting: Vec<u64>,
    /// In how many of those each of the named invariants was violated first.
    pub first: BTreeMap<Invariant, u64>,
    /// Under how many anything was violated. A run ends at its detection.
    pub violated: u64,
    /// Under how many a hazard was seen.
    pub with_hazard: u64,
    /// Under how many something was judged.
    pub judged: u64,
    /// What broke a run off, with the first seed: a panic of a node, a livelock.
    pub broken_off: Option<(u64, String)>,
    /// Of its safe twin.
    pub safe: SafeFigures,
    /// Of the scenario as it is written, where chance does not find it.
    pub as_written: Option<ScriptFigures>,
}

/// Of the safe twin of a row.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SafeFigures {
    /// How many seeds.
    pub seeds: u64,
    /// In how many runs each invariant was judged.
    pub judged: BTreeMap<Invariant, u64>,
    /// In how many runs one was judged that caught the bug under the same seed.
    pub judged_too: u64,
    /// In how many runs a checker gave up, and nobody can say.
    pub unknown: u64,
    /// Under how many something was wrong.
    pub alarms: u64,
    /// What was, in words, with the first seed.
    pub first: Option<(u64, String)>,
    /// In how many runs each invariant was violated.
    pub violated: BTreeMap<Invariant, u64>,
}

/// Of a scenario as it is written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ScriptFigures {
    /// How many seeds.
    pub seeds: u64,
    /// Under how many one of the named invariants was violated.
    pub detected: u64,
    /// In how many of those each of the named invariants was violated first.
    pub first: BTreeMap<Invariant, u64>,
    /// Of the safe twin.
    pub safe: SafeFigures,
}

/// How a row fares.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum RowStanding {
    /// Chance finds it.
    Found,
    /// Its own schedule breaks it, as is said of it.
    Scripted,
    /// Nothing is violated, as is said of it.
    Harmless,
    /// There are hazards, and nothing is violated, as it has to be.
    Control,
    /// Nothing found it.
    Escaped,
    /// It is said to be harmless or right, and something was violated.
    Bites,
    /// It is said to be dangerous and right, and there was no hazard.
    NoHazard,
    /// The safe twin violates something.
    FalseAlarm,
    /// The safe twin, or what is said to be harmless, was never judged by what it is about.
    Vacuous,
    /// A node panicked, or there was a livelock.
    BrokenOff,
}

impl RowStanding {
    /// In a word or two.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Found => "found",
            Self::Scripted => "scripted",
            Self::Harmless => "harmless",
            Self::Control => "control",
            Self::Escaped => "ESCAPED",
            Self::Bites => "NOT HARMLESS",
            Self::NoHazard => "NO HAZARD",
            Self::FalseAlarm => "FALSE ALARM",
            Self::Vacuous => "VACUOUS",
            Self::BrokenOff => "BROKEN OFF",
        }
    }

    /// Whether that is as it should be.
    pub const fn is_fine(self) -> bool {
        matches!(self, Self::Found | Self::Scripted | Self::Harmless | Self::Control)
    }
}

impl Figures {
    /// Of a row before its first seed.
    pub(super) fn of(bug: &Bug) -> Self {
        let is_scripted = matches!(bug.fate, Fate::CaughtByScript { .. });
        Self { as_written: is_scripted.then(ScriptFigures::default), ..Self::default() }
    }

    /// The rate of detection; nothing before the first seed.
    pub fn rate(&self) -> Option<f64> {
        (self.seeds > 0).then(|| self.detected as f64 / self.seeds as f64)
    }

    /// Where that lies with 95 %.
    pub fn interval(&self) -> Option<Interval> {
        NonZeroU64::new(self.seeds).map(|seeds| Interval::wilson(self.detected, seeds))
    }

    /// How many seeds it takes in the median to detect it; nothing if it was not detected.
    pub fn median(&self) -> Option<u64> {
        self.rate().and_then(median)
    }

    /// Where that lies with 95 %; it may have no end.
    pub fn median_interval(&self) -> Option<(u64, Option<u64>)> {
        let Interval { low, high } = self.interval()?;
        Some((median(high)?, median(low)))
    }

    /// The invariant that is the first to be violated most often, of those that the row names.
    pub fn caught_by(&self) -> Option<Invariant> {
        let as_written = self.as_written.iter().flat_map(|script| &script.first);
        let most = |of: &mut dyn Iterator<Item = (&Invariant, &u64)>| {
            // The one with the lowest id of equals.
            of.max_by_key(|(invariant, count)| (**count, std::cmp::Reverse(**invariant)))
                .map(|(which, _)| *which)
        };
        most(&mut self.first.iter()).or_else(|| most(&mut as_written.into_iter()))
    }

    /// Whether it takes more seeds in the median than a row may to count as found by chance.
    pub fn is_late(&self) -> bool {
        self.median().is_some_and(|median| median > FOUND_WITHIN)
    }

    /// How the row fares, if these are all of its seeds. The worst comes first.
    pub fn standing(&self, bug: &Bug) -> RowStanding {
        let script = self.as_written.as_ref();
        let safe = [Some(&self.safe), script.map(|script| &script.safe)];
        let safe = || safe.into_iter().flatten().filter(|safe| safe.seeds > 0);
        if self.broken_off.is_some() {
            return RowStanding::BrokenOff;
        }
        if safe().any(|safe| safe.alarms > 0) {
            return RowStanding::FalseAlarm;
        }
        let fares = match &bug.fate {
            Fate::Caught(_) if self.detected == 0 => RowStanding::Escaped,
            Fate::Caught(_) => RowStanding::Found,
            Fate::CaughtByScript { .. } if script.is_none_or(|script| script.detected == 0) => {
                RowStanding::Escaped
            }
            Fate::CaughtByScript { .. } => RowStanding::Scripted,
            Fate::Harmless { .. } | Fate::Control { .. } if self.violated > 0 => RowStanding::Bites,
            Fate::Harmless { .. } | Fate::Control { .. } if self.judged == 0 => RowStanding::Vacuous,
            Fate::Harmless { .. } => RowStanding::Harmless,
            Fate::Control { .. } if self.with_hazard == 0 => RowStanding::NoHazard,
            Fate::Control { .. } => RowStanding::Control,
        };
        let is_vacuous = |safe: &SafeFigures| safe.seeds > 0 && self.judged_in(safe) == 0;
        if fares.is_fine() && safe().any(is_vacuous) {
            return RowStanding::Vacuous;
        }
        fares
    }

    /// In how many runs of a safe twin that was judged which caught the bug; any invariant, if none did.
    pub fn judged_in(&self, safe: &SafeFigures) -> u64 {
        match self.caught_by() {
            Some(by) => safe.judged.get(&by).copied().unwrap_or(0),
            None => safe.judged.values().copied().max().unwrap_or(0),
        }
    }

    /// Whether these seeds are enough to see that it is as it should be.
    pub(super) fn is_settled(&self, bug: &Bug) -> bool {
        match bug.fate {
            _ if !self.standing(bug).is_fine() => false,
            Fate::Caught(_) | Fate::CaughtByScript { .. } => true,
            Fate::Harmless { .. } | Fate::Control { .. } => self.seeds >= ENOUGH_WITHOUT_A_BITE,
        }
    }

    /// Adds a seed. They have to come in order.
    pub(super) fn add(&mut self, bug: &Bug, seed: u64, showed: &Showed) {
        let Showed { by_chance, safe, as_written } = showed;
        let named = |invariant| bug.caught_by().contains(&invariant);
        self.seeds += 1;
        self.violated += u64::from(!by_chance.violated.is_empty());
        self.with_hazard += u64::from(by_chance.hazards > 0);
        self.judged += u64::from(!by_chance.judged.is_empty());
        let first = by_chance.first_among(named);
        let is_judged_too = safe.as_ref().is_some_and(|safe| first.iter().any(|by| safe.judged.contains(by)));
        self.safe.judged_too += u64::from(is_judged_too);
        if !first.is_empty() {
            self.detected += 1;
            if self.detecting.len() < KEPT_DETECTIONS {
                self.detecting.push(seed);
            }
        }
        for invariant in first {
            *self.first.entry(invariant).or_default() += 1;
        }
        let safe_as_written = as_written.as_ref().map(|(_, safe)| safe);
        for seen in [Some(by_chance), safe.as_ref(), safe_as_written].into_iter().flatten() {
            if let (Some(what), None) = (&seen.broken_off, &self.broken_off) {
                self.broken_off = Some((seed, what.clone()));
            }
        }
        if let Some(safe) = safe {
            self.safe.add(seed, safe);
        }
        if let (Some(script), Some((breaks, holds))) = (&mut self.as_written, as_written) {
            let first = breaks.first_among(named);
            script.seeds += 1;
            script.detected += u64::from(!first.is_empty());
            for invariant in first {
                *script.first.entry(invariant).or_default() += 1;
            }
            script.safe.add(seed, holds);
        }
    }
}

impl Figures {
    /// Adds a seed under which the harness itself panicked.
    pub(super) fn broke(&mut self, seed: u64, message: &str) {
        self.seeds += 1;
        self.broken_off.get_or_insert_with(|| (seed, format!("the harness itself panicked: {message}")));
    }
}

impl SafeFigures {
    fn add(&mut self, seed: u64, seen: &Seen) {
        self.seeds += 1;
        self.unknown += u64::from(seen.gave_up);
        for &invariant in &seen.judged {
            *self.judged.entry(invariant).or_default() += 1;
        }
        let wrong = seen.wrong();
        if !wrong.is_empty() {
            self.alarms += 1;
            self.first.get_or_insert_with(|| (seed, wrong.join(", ")));
        }
        for &invariant in seen.violated.keys() {
            *self.violated.entry(invariant).or_default() += 1;
        }
    }

    /// Below which rate of false alarms it is with 95 %, if there was none: the rule of three, see docs/timing.md.
    pub fn excludes_above(&self) -> Option<f64> {
        (self.alarms == 0 && self.seeds > 0).then(|| (3.0 / self.seeds as f64).min(1.0))
    }
}
