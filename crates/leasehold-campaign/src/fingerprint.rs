//! What makes two failures the same.

use std::fmt;

use leasehold_check::{HazardReport, Violation};
use leasehold_core::event::Probe;
use leasehold_core::plan::Role;
use leasehold_core::{NodeId, RunEnd, SimInstant};
use leasehold_scenario::{ExpectedVerdict, HazardPolicy, Report, Scenario};
use serde::{Deserialize, Serialize};

/// What went wrong, without times, seeds and node numbers.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Fingerprint {
    /// The name of the invariant that was violated, or `panic`, `livelock`, `hazard` or `astray`.
    pub what: String,
    /// The clause of the invariant, the panic's message without its numbers, the hazard's name, or the place that no run
    /// may reach.
    pub clause: String,
    /// The roles of the nodes that had a part in it, the most concerned first, each once.
    pub roles: Vec<Role>,
}

/// How much of a panic's message counts: its beginning says what, the rest often with which values.
const LONGEST_MESSAGE: usize = 60;

impl Fingerprint {
    /// All that went wrong in a run, in the order of time, each once: violations, panics and livelocks, and the
    /// hazards and places that the scenario forbids.
    pub fn of(scenario: &Scenario, report: &Report) -> Vec<Self> {
        let mut found: Vec<Self> = Vec::new();
        let mut add = |fingerprint: Self| {
            if !found.contains(&fingerprint) {
                found.push(fingerprint);
            }
        };
        for violation in report.judgement.violations() {
            add(Self::of_violation(scenario, violation));
        }
        Self::of_end(scenario, &report.outcome.end).into_iter().for_each(&mut add);
        if scenario.expect.hazard == HazardPolicy::None {
            let seen = report.judgement.hazards.iter().filter(|hazard| hazard.seen > 0);
            seen.map(Self::of_hazard).for_each(&mut add);
        }
        scenario.expect.forbidden(&report.judgement).into_iter().map(Self::of_place).for_each(add);
        found
    }

    /// What a run is about: the invariant that the scenario expects to be violated, or what goes wrong first; nothing if
    /// nothing does.
    pub fn main_of(scenario: &Scenario, report: &Report) -> Option<Self> {
        let mut found = Self::of(scenario, report);
        let expected = match &scenario.expect.verdict {
            ExpectedVerdict::Violation { invariant, .. } => Some(invariant.name()),
            _ => None,
        };
        let place = found.iter().position(|fingerprint| Some(fingerprint.what.as_str()) == expected);
        match (place, found.is_empty()) {
            (Some(place), _) => Some(found.swap_remove(place)),
            (None, false) => Some(found.swap_remove(0)),
            (None, true) => None,
        }
    }

    /// The first of the run's kept violations that has this fingerprint; nothing if none has, or if it is that of a
    /// panic, a livelock, a hazard or a place.
    pub fn first_in<'r>(&self, scenario: &Scenario, report: &'r Report) -> Option<&'r Violation> {
        let mut violations = report.judgement.violations().into_iter();
        violations.find(|violation| Self::of_violation(scenario, violation) == *self)
    }

    /// When it was first seen in a run; nothing if the run does not have it.
    pub fn first_seen(&self, scenario: &Scenario, report: &Report) -> Option<SimInstant> {
        let violated = self.first_in(scenario, report).map(|violation| violation.at);
        let ended = || Self::of_end(scenario, &report.outcome.end).filter(|end| end == self);
        let hazards = || report.judgement.hazards.iter().filter(|hazard| Self::of_hazard(hazard) == *self);
        violated
            .or_else(|| ended().map(|_| report.outcome.ended_at))
            .or_else(|| hazards().flat_map(|hazard| &hazard.evidence).map(|sighting| sighting.at).min())
    }

    fn of_end(scenario: &Scenario, end: &RunEnd) -> Option<Self> {
        match end {
            RunEnd::Panicked { node, message } => {
                Some(Self::new("panic", without_numbers(message), roles(scenario, &[*node])))
            }
            RunEnd::Livelock { node } => {
                Some(Self::new("livelock", String::new(), roles(scenario, &[*node])))
            }
            RunEnd::Completed | RunEnd::Stopped => None,
        }
    }

    fn of_hazard(report: &HazardReport) -> Self {
        Self::new("hazard", report.hazard.name().to_owned(), Vec::new())
    }

    fn of_place(probe: Probe) -> Self {
        Self::new("astray", probe.name().to_owned(), Vec::new())
    }

    fn of_violation(scenario: &Scenario, violation: &Violation) -> Self {
        let roles = roles(scenario, &violation.nodes);
        Self::new(violation.invariant.name(), violation.clause.to_owned(), roles)
    }

    fn new(what: &str, clause: String, roles: Vec<Role>) -> Self {
        Self { what: what.to_owned(), clause, roles }
    }

    /// As a part of a file's name: lower-case letters, digits and `-`.
    pub fn slug(&self) -> String {
        let roles = self.roles.iter().map(|role| role.name());
        let parts = [self.what.as_str(), self.clause.as_str()].into_iter().chain(roles);
        let mut slug = String::new();
        for part in parts.filter(|part| !part.is_empty()) {
            if !slug.is_empty() {
                slug.push('-');
            }
            let plain = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' };
            slug.extend(part.chars().map(plain));
        }
        slug
    }
}

impl fmt::Display for Fingerprint {
    /// `fencing, accepted-older-token, of contender and resource`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.what)?;
        if !self.clause.is_empty() {
            write!(f, ", {}", self.clause)?;
        }
        for (place, role) in self.roles.iter().enumerate() {
            let joint = if place == 0 { ", of" } else { " and" };
            write!(f, "{joint} {}", role.name())?;
        }
        Ok(())
    }
}

/// The roles of these nodes in their order, each once.
fn roles(scenario: &Scenario, nodes: &[NodeId]) -> Vec<Role> {
    let mut roles = Vec::new();
    for node in nodes {
        if let Some(spec) = scenario.deployment.nodes().get(node.index())
            && !roles.contains(&spec.role)
        {
            roles.push(spec.role);
        }
    }
    roles
}

/// The first line of a message, without what differs from run to run: numbers, hexadecimal words, and texts in quotes
/// each become `#`. Code between backticks stays: it does not differ.
fn without_numbers(message: &str) -> String {
    let line = message.lines().next().unwrap_or_default();
    let mut short = String::new();
    let mut rest = line;
    while let Some(c) = rest.chars().next() {
        let length = value(rest);
        let (kept, behind) = rest.split_at(if length > 0 { length } else { c.len_utf8() });
        match length {
            0 => short.push_str(kept),
            _ if short.ends_with('#') => {}
            _ => short.push('#'),
        }
        rest = behind;
        // The rest of a word: an apostrophe within one opens no quotes.
        if length == 0 && c.is_ascii_alphabetic() {
            let word = rest.find(|c: char| !c.is_ascii_alphabetic() && c != '\'').unwrap_or(rest.len());
            short.push_str(&rest[..word]);
            rest = &rest[word..];
        }
    }
    short.chars().take(LONGEST_MESSAGE).collect()
}

/// How many bytes of a text are a value with which it begins: a number, a word of hexadecimal digits with a number
/// among them, or a text in quotes; 0 if none is.
fn value(text: &str) -> usize {
    let quote = text.chars().next().filter(|c| matches!(c, '"' | '\''));
    if let Some(quote) = quote {
        return text[1..].find(quote).map_or(0, |length| length + 2);
    }
    let word = text.find(|c: char| !c.is_ascii_alphanumeric()).unwrap_or(text.len());
    let digits = text[..word].strip_prefix("0x").unwrap_or(&text[..word]);
    let is_hex = digits.chars().all(|c| c.is_ascii_hexdigit()) && digits.chars().any(|c| c.is_ascii_digit());
    if is_hex {
        return word;
    }
    text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_panics_that_differ_in_numbers_are_one() {
        assert_eq!(without_numbers("index 17 of 4\nmore"), "index # of #");
        assert_eq!(without_numbers("index 3 of 12"), without_numbers("index 17 of 4"));
    }

    #[test]
    fn two_panics_that_differ_in_keys_or_in_quoted_texts_are_one() {
        for (message, short) in [
            ("no key 0x7f3a in the table", "no key # in the table"),
            ("no key 7f3ade in the table", "no key # in the table"),
            ("no key deadbeef1 in the table", "no key # in the table"),
            ("`left`: \"a b\" is not 'c'", "`left`: # is not #"),
            ("it doesn't fit: 17ms, isn't 4", "it doesn't fit: #ms, isn't #"),
            ("a bad decade, node3", "a bad decade, node#"),
            ("", ""),
        ] {
            assert_eq!(without_numbers(message), short, "{message}");
        }
    }

    #[test]
    fn a_fingerprint_is_readable_and_names_a_file() {
        let fingerprint = Fingerprint {
            what: "fencing".to_owned(),
            clause: "accepted-older-token".to_owned(),
            roles: vec![Role::Contender, Role::Resource],
        };
        assert_eq!(fingerprint.to_string(), "fencing, accepted-older-token, of contender and resource");
        assert_eq!(fingerprint.slug(), "fencing-accepted-older-token-contender-resource");
    }
}
