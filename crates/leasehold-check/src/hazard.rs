//! Hazards: dangerous, but nothing broke.
//!
//! Source: docs/timing.md, section 1. They are counted whatever invariants apply to the system, whatever
//! assumption is broken, and fail a run only where its scenario says so.

use alloc::collections::BTreeMap;
use alloc::vec::Vec;

use leasehold_core::{EventKind, NodeEvent, NodeId, ResourceId, SimInstant, Token};
use serde::{Deserialize, Serialize};

use crate::claims::ClaimSpan;
use crate::finding::{Fact, KEPT, Sighting};
use crate::overlaps::Overlap;
use crate::report::HazardReport;
use crate::scene::Scene;

/// Something dangerous that breaks nothing by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Hazard {
    /// Two claims on one resource were open at the same time. Also a violation of exclusivity, unless excused.
    ClaimsOverlapped,
    /// An effect left a node that at that instant had no open claim with its token. One without a token is under no lease.
    EffectOutsideClaim,
    /// A resource accepted an older token after a newer grant, before the newer holder's first effect or barrier.
    UnfencedWindow,
}

impl Hazard {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::ClaimsOverlapped, Self::EffectOutsideClaim, Self::UnfencedWindow];

    /// The name as it stands in scenario files and reports.
    pub const fn name(self) -> &'static str {
        match self {
            Self::ClaimsOverlapped => "claims-overlapped",
            Self::EffectOutsideClaim => "effect-outside-claim",
            Self::UnfencedWindow => "unfenced-window",
        }
    }

    /// The hazard with this name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|hazard| hazard.name() == name)
    }

    const fn index(self) -> usize {
        match self {
            Self::ClaimsOverlapped => 0,
            Self::EffectOutsideClaim => 1,
            Self::UnfencedWindow => 2,
        }
    }
}

/// What was seen of one hazard.
#[derive(Clone, Debug, Default)]
struct Seen {
    count: u64,
    kept: Vec<Sighting>,
    /// How many of the kept ones were handed out as new.
    handed_out: usize,
}

/// Looks out for hazards.
#[derive(Debug, Default)]
pub(crate) struct Hazards {
    seen: [Seen; Hazard::ALL.len()],
    /// The highest token that each resource has accepted an effect with.
    accepted: BTreeMap<ResourceId, Token>,
}

impl Hazards {
    pub(crate) fn hear(&mut self, scene: &Scene, node: Option<NodeId>, kind: &EventKind) {
        self.note_overlaps(scene);
        let (Some(node), EventKind::Node(event)) = (node, kind) else { return };
        let at = scene.now;
        match *event {
            NodeEvent::EffectIssued { resource, token, op } => {
                if token == Token::NONE || scene.claims.claims(node, resource, token) {
                    return;
                }
                self.note(Hazard::EffectOutsideClaim, at, resource, || {
                    let claim = scene.claims.last_closed(|claim| {
                        (claim.node, claim.resource, claim.token) == (node, resource, token)
                    });
                    let issued = Fact::Issued { at, writer: node, resource, token, op };
                    let claim = claim.map(ClaimSpan::fact);
                    ([node].into(), claim.into_iter().chain([issued]).collect())
                });
            }
            NodeEvent::EffectAccepted { resource, writer, token, op, replaced, based_on, value: _ } => {
                let highest = self.accepted.entry(resource).or_insert(token);
                *highest = token.max(*highest);
                if token < *highest {
                    return;
                }
                let Some(newest) = scene.leases.newest_token(resource).filter(|newest| token < *newest)
                else {
                    return;
                };
                self.note(Hazard::UnfencedWindow, at, resource, || {
                    let newest = Fact::NewestToken { resource, token: newest };
                    let accepted = Fact::Accepted { at, writer, resource, token, op, replaced, based_on };
                    ([writer, node].into(), [newest, accepted].into())
                });
            }
            NodeEvent::BarrierRaised { resource, token, .. } => {
                let highest = self.accepted.entry(resource).or_insert(token);
                *highest = token.max(*highest);
            }
            _ => {}
        }
    }

    pub(crate) fn finish(&mut self, scene: &Scene) {
        self.note_overlaps(scene);
    }

    /// How often a hazard was seen.
    pub(crate) const fn count(&self, hazard: Hazard) -> u64 {
        self.seen[hazard.index()].count
    }

    /// Whether there are kept sightings that were not handed out before.
    pub(crate) fn has_news(&self) -> bool {
        self.seen.iter().any(|seen| seen.handed_out < seen.kept.len())
    }

    /// The kept sightings that were not handed out before.
    pub(crate) fn hand_out(&mut self) -> impl Iterator<Item = &Sighting> {
        self.seen.iter_mut().flat_map(|seen| {
            let from = core::mem::replace(&mut seen.handed_out, seen.kept.len());
            &seen.kept[from..]
        })
    }

    pub(crate) fn reports(&self) -> Vec<HazardReport> {
        let report = |hazard: Hazard| {
            let seen = &self.seen[hazard.index()];
            HazardReport { hazard, seen: seen.count, evidence: seen.kept.clone() }
        };
        Hazard::ALL.into_iter().map(report).collect()
    }

    fn note_overlaps(&mut self, scene: &Scene) {
        for overlap in scene.overlaps.over() {
            let Overlap { first, second, .. } = overlap;
            self.note(Hazard::ClaimsOverlapped, scene.now, first.id.resource, || {
                ([second.id.node, first.id.node].into(), overlap.facts().into())
            });
        }
    }

    fn note(
        &mut self,
        hazard: Hazard,
        at: SimInstant,
        resource: ResourceId,
        case: impl FnOnce() -> (Vec<NodeId>, Vec<Fact>),
    ) {
        let seen = &mut self.seen[hazard.index()];
        seen.count += 1;
        if seen.kept.len() < KEPT {
            let (nodes, evidence) = case();
            seen.kept.push(Sighting { hazard, at, nodes, resource, evidence });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::Judgement;
    use crate::script::*;

    fn judged(events: &[Event]) -> Judgement {
        judgement(&[], events, s(100))
    }

    fn seen(hazard: Hazard, events: &[Event]) -> u64 {
        judged(events).seen(hazard)
    }

    #[test]
    fn hazard_names_are_what_is_written_down() {
        for hazard in Hazard::ALL {
            let quoted = serde_json::to_string(&hazard).unwrap();
            assert_eq!(quoted.trim_matches('"'), hazard.name());
            assert_eq!(Hazard::from_name(hazard.name()), Some(hazard));
            assert_eq!(Hazard::ALL[hazard.index()], hazard);
        }
    }

    #[test]
    fn an_overlap_is_a_hazard_even_if_it_is_excused() {
        let events = [
            at(s(1), G, broken(Assumption::ClockRate)),
            at(s(1), A, claim_started(1)),
            at(s(2), B, claim_started(2)),
            at(s(3), A, lapsed(1)),
        ];
        assert_eq!(seen(Hazard::ClaimsOverlapped, &events), 1);
        assert_eq!(seen(Hazard::ClaimsOverlapped, &events[..3]), 1, "found when the run ends");
        assert_eq!(seen(Hazard::ClaimsOverlapped, &events[..2]), 0);
    }

    #[test]
    fn an_effect_belongs_to_an_open_claim_of_its_node_resource_and_token() {
        let issue = |when, node, token| {
            let mut events =
                [at(s(1), A, claim_started(1)), at(s(5), A, lapsed(1)), at(when, node, issued(token))];
            events.sort_by_key(|event| event.at);
            judged(&events)
        };
        let outside = Hazard::EffectOutsideClaim;
        assert_eq!(issue(just_before(s(5)), A, 1).seen(outside), 0);
        assert_eq!(issue(s(2), A, 2).seen(outside), 1, "another token");
        assert_eq!(issue(s(2), B, 1).seen(outside), 1, "another node");
        assert_eq!(issue(s(2), B, 0).seen(outside), 0, "without a token it is under no lease");
        let late = issue(s(5), A, 1);
        assert_eq!(late.seen(outside), 1, "the instant of the lapse is no part of the claim");
        let evidence = &late.hazards[outside.index()].evidence[0].evidence;
        assert!(matches!(evidence[0], Fact::Claimed { until: Some(until), .. } if until == s(5)));
        assert!(matches!(evidence[1], Fact::Issued { at, .. } if at == s(5)));
    }

    #[test]
    fn the_window_is_unfenced_from_the_newer_grant_to_the_newer_holders_first_effect() {
        for newer in [at(s(2), G, granted(2, B)), at(s(2), B, claim_started(2))] {
            let window = |events: &[Event]| seen(Hazard::UnfencedWindow, events);
            let before = [at(s(1), G, granted(1, A)), at(s(1), S, accepted(A, 1))];
            assert_eq!(window(&before), 0);
            let within = [before[0], before[1], newer, at(s(3), S, accepted(A, 1))];
            assert_eq!(window(&within), 1);
            let newest = [before[0], before[1], newer, at(s(3), S, accepted(B, 2))];
            assert_eq!(window(&newest), 0, "the newer holder's own effect");
            let after = [before[0], newer, at(s(3), S, accepted(B, 2)), at(s(4), S, accepted(A, 1))];
            assert_eq!(window(&after), 0, "no window any more: a violation of fencing");
            let behind = [before[0], newer, at(s(3), S, barrier(B, 2)), at(s(4), S, accepted(A, 1))];
            assert_eq!(window(&behind), 0, "nor behind a barrier");
        }
    }

    #[test]
    fn many_sightings_are_counted_and_few_are_kept() {
        let events: std::vec::Vec<_> = (1..=20).map(|second| at(s(second), A, issued(1))).collect();
        let judgement = judged(&events);
        let report = &judgement.hazards[Hazard::EffectOutsideClaim.index()];
        assert_eq!((report.seen, report.evidence.len()), (20, 8));
        assert_eq!(report.evidence[7].at, s(8));
    }
}
