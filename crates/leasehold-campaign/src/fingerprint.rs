//! What makes two failures the same.

use std::fmt;

use leasehold_core::RunEnd;
use leasehold_core::plan::Role;
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
        let nodes = scenario.deployment.nodes();
        let role = |id: &leasehold_core::NodeId| nodes.get(id.index()).map(|node| node.role);
        let mut found: Vec<Self> = Vec::new();
        let mut add = |what: &str, clause: String, roles: &mut dyn Iterator<Item = Role>| {
            let mut each_once = Vec::new();
            roles.for_each(|role| {
                if !each_once.contains(&role) {
                    each_once.push(role);
                }
            });
            let fingerprint = Self { what: what.to_owned(), clause, roles: each_once };
            if !found.contains(&fingerprint) {
                found.push(fingerprint);
            }
        };
        for violation in report.judgement.violations() {
            let mut roles = violation.nodes.iter().filter_map(role);
            add(violation.invariant.name(), violation.clause.to_owned(), &mut roles);
        }
        match &report.outcome.end {
            RunEnd::Panicked { node, message } => {
                add("panic", without_numbers(message), &mut role(node).into_iter());
            }
            RunEnd::Livelock { node } => add("livelock", String::new(), &mut role(node).into_iter()),
            RunEnd::Completed | RunEnd::Stopped => {}
        }
        if scenario.expect.hazard == HazardPolicy::None {
            for seen in report.judgement.hazards.iter().filter(|hazard| hazard.seen > 0) {
                add("hazard", seen.hazard.name().to_owned(), &mut std::iter::empty());
            }
        }
        found
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
