//! `study.json`: what a study folder holds, how complete it is, and what it was ordered to be.

use std::collections::BTreeMap;
use std::ops::Range;

use serde::{Deserialize, Serialize};

use super::Study;
use crate::shard::Shard;

/// The version of the format of study folders.
pub(super) const FORMAT: u32 = 1;

/// What a study folder calls itself, so that no other folder is taken for one.
pub(super) const WHAT: &str = "leasehold study";

/// What stands in `study.json`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StudyManifest {
    pub(super) what: String,
    pub(super) format: u32,
    /// What was ordered.
    pub order: StudyWhat,
    /// Which shard of it; nothing for the whole, merged or not.
    pub shard: Option<String>,
    /// The seeds that it is to hold: the first, and the one behind the last.
    pub slice: (u64, u64),
    /// Those that it does hold, in order, none touching the next.
    pub covered: Vec<(u64, u64)>,
    /// Whether that is all of its slice.
    pub complete: bool,
    /// Why it is not all, if somebody or something stopped it.
    pub stopped: Option<String>,
    /// The BLAKE3 of each other file, by its path in the folder.
    pub files: BTreeMap<String, String>,
}

/// What is ordered with a study.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StudyWhat {
    /// The version of the tool.
    pub tool: String,
    /// What the program is called.
    pub program: String,
    /// The study's name.
    pub name: String,
    /// Where its file stands.
    pub path: String,
    /// What its runs follow from.
    pub digest: String,
    /// The seeds of each point: the first, and the one behind the last.
    pub seeds: (u64, u64),
    /// What the command line laid over the scenario for all points; left out if that is nothing.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub overlays: Vec<String>,
    /// How many points there are.
    pub points: u64,
    /// Whether each run has a line in `runs.csv`.
    pub runs: bool,
}

impl StudyWhat {
    pub(super) fn of(study: &Study, program: &str, runs: bool) -> Self {
        Self {
            tool: env!("CARGO_PKG_VERSION").to_owned(),
            program: program.to_owned(),
            name: study.file().name.clone(),
            path: study.path().display().to_string(),
            digest: study.digest.clone(),
            seeds: (study.seeds().start(), study.seeds().end()),
            overlays: study.overlays().to_vec(),
            points: study.points().len() as u64,
            runs,
        }
    }

    /// In what two orders differ, in words; nothing if they are the same.
    pub fn differences(&self, other: &Self) -> Vec<String> {
        let mut found = Vec::new();
        let mut compare = |what: &str, one: &str, other: &str| {
            if one != other {
                found.push(format!("{what}: {one} and {other}"));
            }
        };
        let seeds = |order: &Self| format!("{}..{}", order.seeds.0, order.seeds.1);
        compare("version of the tool", &self.tool, &other.tool);
        compare("program", &self.program, &other.program);
        compare("study", &self.name, &other.name);
        compare("file", &self.path, &other.path);
        compare("seeds", &seeds(self), &seeds(other));
        compare("--set", &Self::in_words(&self.overlays), &Self::in_words(&other.overlays));
        compare("points", &self.points.to_string(), &other.points.to_string());
        compare("--runs", &self.runs.to_string(), &other.runs.to_string());
        if found.is_empty() && self.digest != other.digest {
            let [one, two] = [&self.digest, &other.digest].map(|digest| digest.get(..12).unwrap_or_default());
            found.push(format!("the study, or its scenario, has the digests {one}… and {two}…"));
        }
        found
    }

    /// What a command line lays over the scenario, in words.
    pub fn in_words(overlays: &[String]) -> String {
        if overlays.is_empty() { "nothing".to_owned() } else { overlays.join(", ") }
    }
}

impl StudyManifest {
    pub(super) fn new(order: StudyWhat, shard: Shard) -> Self {
        let (start, end) = order.seeds;
        let slice = shard.slice(end - start);
        let slice = (start + slice.start, start + slice.end);
        Self {
            what: WHAT.to_owned(),
            format: FORMAT,
            order,
            shard: (shard != Shard::WHOLE).then(|| shard.to_string()),
            slice,
            covered: Vec::new(),
            complete: slice.0 == slice.1,
            stopped: None,
            files: BTreeMap::new(),
        }
    }

    pub(super) fn covers(&mut self, ranges: &[Range<u64>]) {
        self.covered = joined(ranges).into_iter().map(|range| (range.start, range.end)).collect();
        let done: u64 = self.covered.iter().map(|(from, to)| to - from).sum();
        self.complete = done == self.slice.1 - self.slice.0;
    }

    /// The ranges of seeds that are there.
    pub fn ranges(&self) -> impl Iterator<Item = Range<u64>> + '_ {
        self.covered.iter().map(|&(from, to)| from..to)
    }

    /// The seeds that are there, as `A..B`; nothing if there are none.
    pub(super) fn seeds(&self) -> String {
        let ranges: Vec<String> = self.covered.iter().map(|(from, to)| format!("{from}..{to}")).collect();
        if ranges.is_empty() { "none".to_owned() } else { ranges.join(", ") }
    }

    /// The ranges of its slice that are missing.
    pub fn missing(&self) -> Vec<Range<u64>> {
        let mut missing = Vec::new();
        let mut next = self.slice.0;
        for range in self.ranges() {
            if next < range.start {
                missing.push(next..range.start);
            }
            next = range.end;
        }
        if next < self.slice.1 {
            missing.push(next..self.slice.1);
        }
        missing
    }

    /// Whether it is the whole study, and complete.
    pub fn is_whole(&self) -> bool {
        self.complete && self.slice == self.order.seeds
    }
}

/// Ranges in order, those that touch as one. They must not overlap.
fn joined(ranges: &[Range<u64>]) -> Vec<Range<u64>> {
    let mut ordered: Vec<Range<u64>> = ranges.iter().filter(|range| !range.is_empty()).cloned().collect();
    ordered.sort_by_key(|range| range.start);
    let mut joined: Vec<Range<u64>> = Vec::new();
    for range in ordered {
        match joined.last_mut() {
            Some(last) if last.end == range.start => last.end = range.end,
            _ => joined.push(range),
        }
    }
    joined
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_that_touch_are_one_and_gaps_are_missing() {
        let order = StudyWhat {
            tool: String::new(),
            program: String::new(),
            name: String::new(),
            path: String::new(),
            digest: String::new(),
            seeds: (10, 40),
            overlays: Vec::new(),
            points: 1,
            runs: false,
        };
        let mut manifest = StudyManifest::new(order.clone(), Shard::WHOLE);
        manifest.covers(&[30..35, 12..20, 20..22]);
        assert_eq!(manifest.covered, [(12, 22), (30, 35)]);
        assert_eq!(manifest.missing(), [10..12, 22..30, 35..40]);
        assert!(!manifest.complete && manifest.seeds() == "12..22, 30..35");
        manifest.covers(&[10..30, 30..40]);
        assert!(manifest.is_whole() && manifest.missing().is_empty());
        let second = StudyManifest::new(order, Shard::new(2, 3).unwrap());
        assert_eq!((second.slice, second.shard.as_deref()), ((20, 30), Some("2/3")));
    }
}
