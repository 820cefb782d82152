//! What a failure is about: the instants, nodes, tokens and leases that its evidence names.

use std::collections::BTreeSet;

use leasehold_check::{Fact, Hazard, Invariant};
use leasehold_core::event::{Probe, Refusal};
use leasehold_core::{InstanceId, LeaseId, NodeId, OpId, ResourceId, RunEnd, SimInstant, Token};
use leasehold_scenario::{Report, Trial};

use crate::fingerprint::Fingerprint;

/// How a failing run went wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ending {
    /// What went wrong.
    pub wrong: Wrong,
    /// When it was found.
    pub at: SimInstant,
    /// The nodes that had a part in it, the most concerned first.
    pub nodes: Vec<NodeId>,
    /// The resource it was about.
    pub resource: Option<ResourceId>,
    /// What shows it, in the order in which to tell it.
    pub evidence: Vec<Fact>,
}

/// What went wrong in a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wrong {
    /// An invariant was violated.
    Violation {
        /// Which.
        invariant: Invariant,
        /// Which part of its statement.
        clause: &'static str,
    },
    /// Something dangerous happened that the scenario forbids.
    Hazard(Hazard),
    /// The run reached a place that the scenario says it never does.
    Astray(Probe),
    /// A node's code panicked, or the nodes kept each other busy.
    End(RunEnd),
}

impl Ending {
    /// How a run went wrong in this way for the first time; nothing if it did not.
    pub(super) fn of(fingerprint: &Fingerprint, trial: &Trial, report: &Report) -> Option<Self> {
        if let Some(found) = fingerprint.first_in(trial.scenario(), report) {
            return Some(Self {
                wrong: Wrong::Violation { invariant: found.invariant, clause: found.clause },
                at: found.at,
                nodes: found.nodes.clone(),
                resource: found.resource,
                evidence: found.evidence.clone(),
            });
        }
        if !Fingerprint::of(trial.scenario(), report).contains(fingerprint) {
            return None;
        }
        let sightings = report.judgement.hazards.iter().flat_map(|hazard| &hazard.evidence);
        if fingerprint.what == "hazard"
            && let Some(seen) = sightings.into_iter().find(|seen| seen.hazard.name() == fingerprint.clause)
        {
            return Some(Self {
                wrong: Wrong::Hazard(seen.hazard),
                at: seen.at,
                nodes: seen.nodes.clone(),
                resource: Some(seen.resource),
                evidence: seen.evidence.clone(),
            });
        }
        let forbidden = trial.scenario().expect.forbidden(&report.judgement);
        if fingerprint.what == "astray"
            && let Some(probe) = forbidden.into_iter().find(|probe| probe.name() == fingerprint.clause)
        {
            let (wrong, at) = (Wrong::Astray(probe), report.outcome.ended_at);
            return Some(Self { wrong, at, nodes: Vec::new(), resource: None, evidence: Vec::new() });
        }
        let end = report.outcome.end.clone();
        let nodes = match end {
            RunEnd::Panicked { node, .. } | RunEnd::Livelock { node } => vec![node],
            RunEnd::Completed | RunEnd::Stopped => Vec::new(),
        };
        let at = report.outcome.ended_at;
        Some(Self { wrong: Wrong::End(end), at, nodes, resource: None, evidence: Vec::new() })
    }
}

/// What bears on a failure.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Focus {
    pub(super) nodes: BTreeSet<NodeId>,
    pub(super) tokens: BTreeSet<Token>,
    pub(super) leases: BTreeSet<LeaseId>,
    /// The registered instances that it names.
    pub(super) instances: BTreeSet<InstanceId>,
    /// The instants of its evidence.
    pub(super) instants: BTreeSet<SimInstant>,
    /// The effects that it names.
    pub(super) effects: BTreeSet<(NodeId, Token, OpId)>,
    /// Whether it is about what a resource accepted, rather than about who holds when.
    pub(super) is_about_work: bool,
    /// Whether it is about what holders were told.
    pub(super) is_about_answers: bool,
    /// Whether what contenders asked and were told is evidence.
    pub(super) is_about_operations: bool,
}

impl Focus {
    pub(super) fn of(ending: &Ending) -> Self {
        let mut focus = Self { nodes: ending.nodes.iter().copied().collect(), ..Self::default() };
        ending.evidence.iter().for_each(|fact| focus.take(fact));
        focus
    }

    /// Whether the evidence names no lease at all: then the latest ones have to tell.
    pub(super) fn is_wide(&self) -> bool {
        self.tokens.is_empty() && self.leases.is_empty()
    }

    fn at(&mut self, at: SimInstant, nodes: &[NodeId]) -> &mut Self {
        self.instants.insert(at);
        self.nodes.extend(nodes);
        self
    }

    fn take(&mut self, fact: &Fact) {
        match *fact {
            Fact::Claimed { node, token, .. } => {
                self.nodes.insert(node);
                self.tokens.insert(token);
            }
            Fact::Granted { at, grantor, lease, holder, .. } => {
                self.at(at, &[grantor, holder]).leases.insert(lease);
            }
            Fact::TermBegan { at, grantor, lease, .. }
            | Fact::EndOrdered { at, grantor, lease, .. }
            | Fact::KeyEnded { at, grantor, lease, .. }
            | Fact::Ended { at, grantor, lease, .. }
            | Fact::Recovered { at, grantor, lease, .. } => {
                self.at(at, &[grantor]).leases.insert(lease);
            }
            Fact::Asked { at, node, .. } | Fact::Told { at, node, .. } => {
                self.at(at, &[node]).is_about_operations = true;
            }
            Fact::CouldBe { held, .. } => self.leases.extend(held),
            Fact::Acknowledged { at, grantor, lease, .. } => {
                self.at(at, &[grantor]).leases.insert(lease);
                self.is_about_answers = true;
            }
            Fact::RenewalTaken { at, grantor, lease, by, named_lease, .. }
            | Fact::ReleaseTaken { at, grantor, lease, by, named_lease, .. } => {
                self.at(at, &[grantor, by]).leases.extend([lease, named_lease]);
            }
            Fact::Issued { at, writer: node, token, op, .. } => {
                self.at(at, &[node]).tokens.insert(token);
                self.effects.insert((node, token, op));
            }
            Fact::Accepted { at, writer: node, token, op, .. } => {
                self.at(at, &[node]).tokens.insert(token);
                self.effects.insert((node, token, op));
                self.is_about_work = true;
            }
            Fact::Read { at, reader: node, token, .. }
            | Fact::BarrierRaised { at, by: node, token, .. }
            | Fact::TaskApplied { at, by: node, token, .. } => {
                self.at(at, &[node]).tokens.insert(token);
                self.is_about_work = true;
            }
            Fact::Refused { at, by, token, refusal, .. } => {
                self.at(at, &[by]).tokens.insert(token);
                if let Refusal::Stale { mark: other } | Refusal::NotCurrent { current: other } = refusal {
                    self.tokens.insert(other);
                }
            }
            Fact::NewestToken { token, .. } => {
                self.tokens.insert(token);
            }
            Fact::PutOff { at, node, .. } => {
                self.at(at, &[node]);
            }
            Fact::Registered { at, registry: node, lease, instance, .. }
            | Fact::Deregistered { at, registry: node, lease, instance, .. } => {
                let focus = self.at(at, &[node]);
                focus.leases.insert(lease);
                focus.instances.insert(instance);
            }
            Fact::HeartbeatArrived { at, registry: node, lease, .. } => {
                self.at(at, &[node]).leases.insert(lease);
            }
            Fact::StatusChanged { at, registry: node, instance, .. }
            | Fact::Excluded { at, registry: node, instance, .. }
            | Fact::Gone { at, node, instance, .. }
            | Fact::Answered { at, client: node, instance, .. } => {
                self.at(at, &[node]).instances.insert(instance);
            }
            Fact::Viewed { at, node, .. }
            | Fact::HeartbeatSent { at, node, .. }
            | Fact::StoodStill { at, node, .. } => {
                self.at(at, &[node]);
            }
            Fact::Bound { .. } | Fact::Count { .. } | Fact::Total { .. } => {}
        }
    }
}
