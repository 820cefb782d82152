//! What makes two failures the same.

use std::fmt;

use leasehold_check::{HazardReport, Violation};
use leasehold_core::plan::Role;
use leasehold_core::{NodeId, RunEnd, SimInstant};
use leasehold_scenario::{HazardPolicy, Report, Scenario};
use serde::{Deserialize, Serialize};

/// What went wrong, without times, seeds and node numbers.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Fingerprint {
    /// The name of the invariant that was violated, or `panic`, `livelock` or `hazard`.
    pub what: String,
    /// The clause of the invariant, the panic's message without its numbers, or the hazard's name.
    pub clause: String,
    /// The roles of the nodes that had a part in it, the most concerned first, each once.
    pub roles: Vec<Role>,
}

/// How much of a panic's message counts: its beginning says what, the rest often with which values.
const LONGEST_MESSAGE: usize = 60;

impl Fingerprint {
    /// All that went wrong in a run, in the order of time, each once: violations, panics and livelocks, and hazards
    /// where the scenario forbids them.
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
            seen.map(Self::of_hazard).for_each(add);
        }
        found
    }

    /// The first of the run's kept violations that has this fingerprint; nothing if none has, or if it is that of a
    /// panic, a livelock or a hazard.
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

fn without_numbers(message: &str) -> String {
    let line = message.lines().next().unwrap_or_default();
    let mut short = String::new();
    for c in line.chars().take(LONGEST_MESSAGE) {
        match c {
            '0'..='9' if short.ends_with('#') => {}
            '0'..='9' => short.push('#'),
            c => short.push(c),
        }
    }
    short
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
