//! Who claims what: how long resources go without a claim, and how long with two.

use std::collections::BTreeMap;

use leasehold_check::Metric;
use leasehold_core::event::{Claim, ClaimEnd, EventKind, NodeEvent, Operation, WorldEvent};
use leasehold_core::id::{Incarnation, NodeId, ResourceId, Token};
use leasehold_core::trace::Header;
use leasehold_core::{SimInstant, Span};

use super::hosts::Turn;
use super::values::Values;
use crate::amount::Amount;
use crate::histogram::Histogram;

/// What is measured here.
pub(crate) const MEASURED: [Metric; 7] = [
    Metric::Failover,
    Metric::FailoverCrash,
    Metric::FailoverPartition,
    Metric::Handover,
    Metric::Unavailability,
    Metric::Overlap,
    Metric::Wait,
];

/// How the last claim on a resource ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Lost {
    /// Its holder's process died.
    Died,
    /// Its holder lived on: the deadline came, or it was told.
    Lapsed,
    /// Its holder let go.
    LetGo,
}

/// The time between two tenures of a resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Gap {
    /// How the last claim before it ended.
    pub(crate) after: Lost,
    /// How long it was.
    pub(crate) length: Span,
}

/// Whose claim.
type Claimant = (NodeId, Incarnation, Token);

/// One resource.
#[derive(Clone, Debug, Default)]
struct Tenure {
    open: Vec<Claimant>,
    /// Since when nobody claims it, and why.
    lost: Option<(SimInstant, Lost)>,
    /// Since when several claim it.
    contested: Option<SimInstant>,
    contenders: Vec<Contender>,
    watched: Watched,
}

/// Somebody who may want a resource.
#[derive(Clone, Copy, Debug)]
struct Contender {
    node: NodeId,
    runs: bool,
    has_withdrawn: bool,
}

/// How much of a resource's time was what, while somebody ran who could have it.
#[derive(Clone, Copy, Debug, Default)]
struct Watched {
    counted_to: SimInstant,
    wanted: u128,
    unclaimed: u128,
}

/// All resources of a run.
#[derive(Clone, Debug, Default)]
pub(crate) struct Claims {
    /// No time that comes later is part of a share. Lengths end when they end.
    until: SimInstant,
    resources: BTreeMap<ResourceId, Tenure>,
    failover: Values,
    after_deaths: Values,
    after_lapses: Values,
    handover: Values,
    overlap: Values,
    /// Who waits for what, and since when.
    waiting: BTreeMap<(NodeId, ResourceId), SimInstant>,
    waits: Values,
    open_deaths: Histogram,
    open_lapses: Histogram,
}

impl Claims {
    pub(crate) fn new(header: &Header, until: SimInstant) -> Self {
        let mut resources: BTreeMap<ResourceId, Tenure> = BTreeMap::new();
        for (node, spec) in (0..).map(NodeId).zip(&header.nodes) {
            for &resource in &spec.contends_for {
                resources.entry(resource).or_default().contenders.push(Contender {
                    node,
                    runs: false,
                    has_withdrawn: false,
                });
            }
        }
        Self { until, resources, ..Self::default() }
    }

    /// Takes an event. Says which gap it ended, if it did.
    pub(crate) fn hear(
        &mut self,
        at: SimInstant,
        node: NodeId,
        kind: &EventKind,
        turn: Option<Turn>,
    ) -> Option<Gap> {
        match *kind {
            EventKind::Node(NodeEvent::ClaimStarted(claim) | NodeEvent::ClaimRenewed(claim)) => {
                let Claim { resource, token, incarnation, .. } = claim;
                if let Some(since) = self.waiting.remove(&(node, resource)) {
                    self.waits.lasts(at.saturating_since(since));
                }
                self.opens(at, resource, (node, incarnation, token))
            }
            EventKind::World(WorldEvent::ClaimResumed { resource, token, incarnation }) => {
                self.opens(at, resource, (node, incarnation, token))
            }
            EventKind::Node(NodeEvent::ClaimEnded { resource, token, incarnation, reason }) => {
                let lost = if reason == ClaimEnd::Released { Lost::LetGo } else { Lost::Lapsed };
                self.closes(at, resource, lost, |claimant| *claimant == (node, incarnation, token));
                None
            }
            EventKind::World(WorldEvent::ClaimLapsed { resource, token, incarnation }) => {
                self.closes(at, resource, Lost::Lapsed, |claimant| *claimant == (node, incarnation, token));
                None
            }
            EventKind::Node(NodeEvent::Asked { resource, operation: Operation::Acquire }) => {
                self.asks(at, node, resource);
                None
            }
            EventKind::Node(NodeEvent::Withdrew { resource }) => {
                self.waiting.remove(&(node, resource));
                let tenure = self.resources.get_mut(&resource)?;
                tenure.change(at.min(self.until), node, |contender| contender.has_withdrawn = true);
                None
            }
            EventKind::World(_) => {
                self.turns(at, node, turn?);
                None
            }
            EventKind::Node(_) => None,
        }
    }

    /// The run is over.
    pub(crate) fn finish(mut self, ended_at: SimInstant) -> Vec<(Metric, Amount)> {
        let (mut unclaimed, mut wanted) = (0, 0);
        for tenure in self.resources.values_mut() {
            tenure.count_to(ended_at.min(self.until));
            if let Some(since) = tenure.contested.take().filter(|since| *since < ended_at) {
                self.overlap.lasts(ended_at - since);
            }
            unclaimed += tenure.watched.unclaimed;
            wanted += tenure.watched.wanted;
            // What was let go may not be wanted any more, and what nobody is there to take is no failover.
            if let Some((since, lost)) = tenure.lost.filter(|_| tenure.is_wanted()) {
                let length = ended_at.saturating_since(since).as_nanos();
                match lost {
                    Lost::Died => self.open_deaths.record(length),
                    Lost::Lapsed => self.open_lapses.record(length),
                    Lost::LetGo => {}
                }
            }
        }
        let mut open = self.open_deaths.clone();
        open.add(&self.open_lapses);
        vec![
            (Metric::Failover, Amount::from(self.failover).with_open(open)),
            (Metric::FailoverCrash, Amount::from(self.after_deaths).with_open(self.open_deaths)),
            (Metric::FailoverPartition, Amount::from(self.after_lapses).with_open(self.open_lapses)),
            (Metric::Handover, self.handover.into()),
            (Metric::Overlap, self.overlap.into()),
            (Metric::Wait, self.waits.into()),
            (Metric::Unavailability, Amount::of_part(unclaimed, wanted)),
        ]
    }

    /// Somebody asks for a resource. Who is refused asks anew, and has waited since the first time.
    fn asks(&mut self, at: SimInstant, node: NodeId, resource: ResourceId) {
        let is_taken = self
            .resources
            .get(&resource)
            .is_some_and(|tenure| tenure.open.iter().any(|claimant| claimant.0 != node));
        if is_taken {
            self.waiting.entry((node, resource)).or_insert(at);
        }
    }

    fn opens(&mut self, at: SimInstant, resource: ResourceId, claimant: Claimant) -> Option<Gap> {
        let tenure = self.resources.entry(resource).or_default();
        if tenure.open.contains(&claimant) {
            return None;
        }
        tenure.count_to(at.min(self.until));
        tenure.open.push(claimant);
        if tenure.open.len() == 2 {
            tenure.contested = Some(at);
        }
        let (since, after) = tenure.lost.take()?;
        let gap = Gap { after, length: at.saturating_since(since) };
        match after {
            Lost::LetGo => self.handover.lasts(gap.length),
            Lost::Died => {
                self.failover.lasts(gap.length);
                self.after_deaths.lasts(gap.length);
            }
            Lost::Lapsed => {
                self.failover.lasts(gap.length);
                self.after_lapses.lasts(gap.length);
            }
        }
        Some(gap)
    }

    fn closes(
        &mut self,
        at: SimInstant,
        resource: ResourceId,
        lost: Lost,
        whose: impl Fn(&Claimant) -> bool,
    ) {
        let Some(tenure) = self.resources.get_mut(&resource) else { return };
        if !tenure.open.iter().any(&whose) {
            return;
        }
        tenure.count_to(at.min(self.until));
        tenure.open.retain(|claimant| !whose(claimant));
        if tenure.open.len() < 2
            && let Some(since) = tenure.contested.take().filter(|since| *since < at)
        {
            self.overlap.lasts(at - since);
        }
        if tenure.open.is_empty() {
            tenure.lost = Some((at, lost));
        }
    }

    fn turns(&mut self, at: SimInstant, node: NodeId, turn: Turn) {
        if turn == Turn::Dies {
            self.waiting.retain(|(waits, _), _| *waits != node);
            let claimed: Vec<ResourceId> = self.resources.keys().copied().collect();
            claimed.into_iter().for_each(|resource| {
                self.closes(at, resource, Lost::Died, |claimant| claimant.0 == node);
            });
        }
        for tenure in self.resources.values_mut() {
            tenure.change(at.min(self.until), node, |contender| match turn {
                Turn::Starts | Turn::ComesBack => {
                    *contender = Contender { node, runs: true, has_withdrawn: false };
                }
                Turn::GoesOn => contender.runs = true,
                Turn::Dies | Turn::Stops => contender.runs = false,
            });
        }
    }
}

impl Tenure {
    /// Counts the time up to now as what it was.
    fn count_to(&mut self, at: SimInstant) {
        let length = u128::from(at.saturating_since(self.watched.counted_to).as_nanos());
        self.watched.counted_to = at;
        if self.is_wanted() {
            self.watched.wanted += length;
            self.watched.unclaimed += if self.open.is_empty() { length } else { 0 };
        }
    }

    /// Whether somebody runs that could have it.
    fn is_wanted(&self) -> bool {
        self.contenders.iter().any(|contender| contender.runs && !contender.has_withdrawn)
    }

    /// Something changes about a contender, if this node is one.
    fn change(&mut self, at: SimInstant, node: NodeId, change: impl FnOnce(&mut Contender)) {
        if let Some(place) = self.contenders.iter().position(|contender| contender.node == node) {
            self.count_to(at);
            change(&mut self.contenders[place]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::script::*;

    #[test]
    fn a_failover_lasts_from_the_loss_of_the_last_claim_to_the_next() {
        let dies = [at(s(1), A, claims(1)), at(s(5), A, DIES), at(ms(12_500), B, claims(2))];
        let lapses = [at(s(1), A, claims(1)), at(s(9), A, lapses(1)), at(ms(12_500), B, claims(2))];
        for (lines, crash, partition) in [(dies, &[7_500][..], &[][..]), (lapses, &[], &[3_500])] {
            lengths(Metric::Failover, &lines, s(20), &[crash, partition].concat());
            lengths(Metric::FailoverCrash, &lines, s(20), crash);
            lengths(Metric::FailoverPartition, &lines, s(20), partition);
            lengths(Metric::Handover, &lines, s(20), &[]);
        }
    }

    #[test]
    fn a_failover_that_does_not_end_is_told_apart() {
        let open = |lines: &[Line], metric| {
            let found = amount(metric, lines, s(20));
            (
                found.values().count(),
                found.open().buckets().map(|(at, _)| at / 1_000_000_000).collect::<Vec<_>>(),
            )
        };
        let died = [at(s(1), A, claims(1)), at(s(5), A, DIES), at(s(9), B, claims(2)), at(s(11), B, DIES)];
        let lapsed = [at(s(1), A, claims(1)), at(s(8), A, lapses(1))];
        // To three digits: 9 s are kept as a little less.
        for (metric, of_died, of_lapsed) in [
            (Metric::Failover, (1, vec![8]), (0, vec![11])),
            (Metric::FailoverCrash, (1, vec![8]), (0, vec![])),
            (Metric::FailoverPartition, (0, vec![]), (0, vec![11])),
        ] {
            assert_eq!(open(&died, metric), of_died, "{}", metric.name());
            assert_eq!(open(&lapsed, metric), of_lapsed, "{}", metric.name());
        }
        // Nobody is left who could take it; or its holder let go, and who knows whether it is wanted.
        let nobody = [&died[..], &[at(s(12), C, DIES)]].concat();
        assert_eq!(open(&nobody, Metric::Failover), (1, vec![]));
        let let_go = [at(s(1), A, claims(1)), at(s(5), A, ends_claim(1, LET_GO))];
        for metric in [Metric::Failover, Metric::Handover] {
            assert_eq!(open(&let_go, metric), (0, vec![]), "{}", metric.name());
        }
        // One of two resources says nothing of the other.
        assert_eq!(open(&died[..3], Metric::Failover), (1, vec![]));
    }

    #[test]
    fn what_a_holder_is_told_ends_its_claim_as_its_clock_does() {
        for reason in [LAPSED, ClaimEnd::ToldLost, ClaimEnd::Fenced, ClaimEnd::GaveUp] {
            let lines = [at(s(1), A, claims(1)), at(s(9), A, ends_claim(1, reason)), at(s(12), B, claims(2))];
            lengths(Metric::FailoverPartition, &lines, s(20), &[3_000]);
        }
        // The process dies when its claim has lapsed: the claim was not lost by that.
        let late =
            [at(s(1), A, claims(1)), at(s(4), A, lapses(1)), at(s(5), A, DIES), at(s(12), B, claims(2))];
        lengths(Metric::FailoverPartition, &late, s(20), &[8_000]);
        lengths(Metric::FailoverCrash, &late, s(20), &[]);
    }

    #[test]
    fn a_handover_follows_a_claim_that_was_let_go() {
        let lines = [at(s(1), A, claims(1)), at(s(5), A, ends_claim(1, LET_GO)), at(ms(5_020), B, claims(2))];
        lengths(Metric::Handover, &lines, s(20), &[20]);
        lengths(Metric::Failover, &lines, s(20), &[]);
        let at_once = [lines[0], lines[1], at(s(5), B, claims(2))];
        lengths(Metric::Handover, &at_once, s(20), &[0]);
        let before = [lines[0], at(s(4), B, claims(2)), lines[1]];
        lengths(Metric::Handover, &before, s(20), &[]);
    }

    #[test]
    fn a_wait_lasts_from_the_question_to_the_claim_where_another_claims() {
        let asks = NodeEvent::Asked { resource: R, operation: Operation::Acquire };
        let count = |lines: &[Line], expected: &[u64]| lengths(Metric::Wait, lines, s(20), expected);
        let (held, asked, given) =
            (at(s(1), A, claims(1)), at(s(4), B, asks), at(s(9), A, ends_claim(1, LET_GO)));
        let got = at(ms(9_010), B, claims(2));
        count(&[held, asked, given, got], &[5_010]);
        count(&[held, asked, at(s(6), B, asks), given, got], &[5_010]);
        count(&[held, asked, given], &[]);
        count(&[held, given, at(s(9), B, asks), got], &[]);
        count(&[held, at(s(4), A, asks), given, at(s(10), A, claims(2))], &[]);
        count(&[held, asked, at(s(5), B, DIES), given, got], &[]);
        let left = NodeEvent::Withdrew { resource: R };
        count(&[held, asked, at(s(5), B, left), given, at(s(10), B, claims(2))], &[]);
        let renew = NodeEvent::Asked { resource: R, operation: Operation::Renew { lease: LeaseId(1) } };
        count(&[held, at(s(4), B, renew), given, got], &[]);
    }

    #[test]
    fn an_overlap_lasts_while_two_claim_one_resource() {
        let two = [at(s(1), A, claims(1)), at(s(4), B, claims(2)), at(ms(5_500), A, lapses(1))];
        lengths(Metric::Overlap, &two, s(20), &[1_500]);
        lengths(Metric::Overlap, &two[..2], s(20), &[16_000]);
        let touching = [two[0], at(s(4), A, lapses(1)), at(s(4), B, claims(2))];
        lengths(Metric::Overlap, &touching, s(20), &[]);
        let other_order = [two[0], at(s(4), B, claims(2)), at(s(4), A, lapses(1))];
        lengths(Metric::Overlap, &other_order, s(20), &[]);
        let renewed = [two[0], at(s(4), A, claims_on(1))];
        lengths(Metric::Overlap, &renewed, s(20), &[]);
        let three = [two[0], two[1], at(s(5), C, claims(3)), at(s(6), A, lapses(1)), at(s(7), B, lapses(2))];
        lengths(Metric::Overlap, &three, s(20), &[3_000]);
    }

    #[test]
    fn a_resource_is_unavailable_while_nobody_claims_it_whom_it_could_go_to() {
        let second = 1_000_000_000;
        let share = |lines: &[Line], unclaimed: u128, wanted: u128| {
            part(Metric::Unavailability, lines, s(20), unclaimed * second, wanted * second);
        };
        let held = at(s(2), A, claims(1));
        // From when somebody runs who could have it: also if nobody ever gets it.
        share(&[], 20, 20);
        share(&[held], 2, 20);
        let gap = [held, at(s(5), A, DIES), at(s(9), B, claims(2))];
        share(&gap, 2 + 4, 20);
        share(&gap[..2], 2 + 15, 20);
        // Nobody is left who could take it, until one goes on.
        let nobody = [held, at(s(5), A, DIES), at(s(5), B, STOPS), at(s(5), C, DIES), at(s(16), B, GOES_ON)];
        share(&nobody, 2 + 4, 2 + 7);
        let all_out = [
            held,
            at(s(5), A, NodeEvent::Withdrew { resource: R }),
            at(s(5), A, ends_claim(1, LET_GO)),
            at(s(6), B, NodeEvent::Withdrew { resource: R }),
            at(s(7), C, NodeEvent::Withdrew { resource: R }),
            at(s(8), C, STOPS),
            at(s(9), C, GOES_ON),
        ];
        share(&all_out, 2 + 2, 2 + 5);
        let returns = [&all_out[..], &[at(s(10), C, DIES), at(s(12), C, COMES_BACK)]].concat();
        share(&returns, 2 + 2 + 8, 2 + 5 + 8);
        let absent = [A, B, C].map(|node| at(SimInstant::START, node, DIES));
        share(&absent, 0, 0);
        share(&[&absent[..], &[at(s(15), B, COMES_BACK)]].concat(), 5, 5);
    }

    #[test]
    fn a_resource_is_watched_until_faults_are_over() {
        let second = 1_000_000_000;
        let lines = [at(s(2), A, claims(1)), at(s(5), A, DIES), at(s(9), B, claims(2))];
        for (chaos, unclaimed, wanted) in
            [("2s", 2, 2), ("4s", 2, 4), ("7s", 4, 7), ("9s", 6, 9), ("15s", 6, 15)]
        {
            let found = amount_within(chaos, Metric::Unavailability, &lines, s(20));
            let expected = super::Amount::of_part(unclaimed * second, wanted * second);
            assert_eq!(found.to_string(), expected.to_string(), "{chaos}");
            // A length ends when it ends.
            assert_eq!(amount_within(chaos, Metric::Failover, &lines, s(20)).values().count(), 1, "{chaos}");
        }
    }
}
