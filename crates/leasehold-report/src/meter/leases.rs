//! Which leases live at their grantors: how late they are ended, and which of them should have lived on.
//!
//! A lease is *at risk* while it lives and its holder has claimed it, runs, has not given it up, and is the process that
//! claimed it: what ends such a lease of itself makes a mistake. Where somebody else speaks for an application (a sidecar),
//! the application has to run as well, and its work must not stand still.

use std::collections::{BTreeMap, BTreeSet};

use leasehold_check::Metric;
use leasehold_core::SimInstant;
use leasehold_core::event::{Claim, ClaimEnd, EndCause, EventKind, NodeEvent, RegistryEvent, Status};
use leasehold_core::id::{Epoch, InstanceId, LeaseId, NodeId, ResourceId, Token};

use super::hosts::{Hosts, Turn};
use super::values::Values;
use crate::amount::Amount;

/// What is measured here.
pub(crate) const MEASURED: [Metric; 4] =
    [Metric::ExpiryLag, Metric::FalseExpiry, Metric::FalseSuspicion, Metric::Flaps];

/// So many leases of one resource are followed at a time: a system that never says that a lease ended must not fill the
/// memory. Chosen by us: a sound grantor has one.
const MOST: usize = 4;

/// A live lease.
#[derive(Clone, Copy, Debug)]
struct Lease {
    grantor: NodeId,
    id: LeaseId,
    holder: NodeId,
    token: Token,
    /// Whose instance hangs on it, if that is another node's.
    application: Option<NodeId>,
    /// What is registered under it, and what the registry says of that.
    registered: Option<(InstanceId, Epoch, Status)>,
    due: SimInstant,
    order: Option<Order>,
    hold: Hold,
    /// Since when it has been at risk.
    at_risk: Option<SimInstant>,
}

/// A decision that a lease is to end.
#[derive(Clone, Copy, Debug)]
struct Order {
    at: SimInstant,
    was_at_risk: bool,
}

/// What its holder does with a lease.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Hold {
    /// It has not been heard to know of it.
    Untold,
    Claimed,
    /// It let go, or its process is not the one that held it.
    Over,
}

/// Whether the work of a member does what it should.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Work {
    GoesOn,
    StandsStill,
}

/// All leases of a run.
#[derive(Clone, Debug)]
pub(crate) struct Leases {
    /// What comes later is not counted, and no time that comes later is exposure.
    until: SimInstant,
    live: BTreeMap<ResourceId, Vec<Lease>>,
    /// Members whose work stands still.
    stuck: BTreeSet<ResourceId>,
    /// Who lost its lease on what, alive.
    lost: BTreeSet<(NodeId, ResourceId)>,
    lag: Values,
    false_expiries: u128,
    false_suspicions: u128,
    flaps: u128,
    exposure: u128,
}

impl Leases {
    /// Counts what happens until then; how late a lease is ended is measured later, too.
    pub(crate) fn until(until: SimInstant) -> Self {
        Self {
            until,
            live: BTreeMap::new(),
            stuck: BTreeSet::new(),
            lost: BTreeSet::new(),
            lag: Values::default(),
            false_expiries: 0,
            false_suspicions: 0,
            flaps: 0,
            exposure: 0,
        }
    }

    pub(crate) fn hear(
        &mut self,
        at: SimInstant,
        node: NodeId,
        kind: &EventKind,
        turn: Option<Turn>,
        hosts: &Hosts,
    ) {
        match kind {
            EventKind::Node(event) => {
                self.hear_node(at, node, event, hosts);
                self.hear_registry(at, node, event, hosts);
            }
            EventKind::World(_) => {
                if let Some(turn) = turn {
                    self.turns(at, node, turn, hosts);
                }
            }
        }
    }

    /// The run is over.
    pub(crate) fn finish(mut self, ended_at: SimInstant) -> Vec<(Metric, Amount)> {
        for lease in self.live.values_mut().flatten() {
            self.exposure += lease.exposed_until(ended_at.min(self.until));
        }
        vec![
            (Metric::ExpiryLag, self.lag.into()),
            (Metric::FalseExpiry, Amount::of_part(self.false_expiries, self.exposure)),
            (Metric::FalseSuspicion, Amount::of_part(self.false_suspicions, self.exposure)),
            (Metric::Flaps, Amount::of_part(self.flaps, self.exposure)),
        ]
    }

    fn hear_node(&mut self, at: SimInstant, node: NodeId, event: &NodeEvent, hosts: &Hosts) {
        match *event {
            NodeEvent::Granted { resource, lease, holder, token, ttl } => {
                self.flaps += u128::from(self.lost.remove(&(holder, resource)) && at <= self.until);
                self.begin(at, resource, Lease::new(node, lease, holder, token, at.saturating_add(ttl)));
            }
            NodeEvent::Renewed { resource, lease, ttl, .. } => {
                if let Some(lease) = self.find(resource, |live| (live.grantor, live.id) == (node, lease)) {
                    lease.due = at.saturating_add(ttl);
                    lease.order = None;
                }
            }
            NodeEvent::Recovered { resource, lease, holder, token, ttl, ended } => {
                let due = at.saturating_add(ttl);
                self.recovered(at, resource, Lease::new(node, lease, holder, token, due), ended);
            }
            NodeEvent::EndOrdered { resource, lease, .. } => {
                if let Some(lease) = self.find(resource, |live| (live.grantor, live.id) == (node, lease)) {
                    lease.order = Some(Order { at, was_at_risk: lease.at_risk.is_some() });
                }
            }
            NodeEvent::Ended { resource, lease, cause, .. } => self.ends(at, resource, (node, lease), cause),
            // Also by a new process that goes on under the lease of the one that died.
            NodeEvent::ClaimStarted(Claim { resource, token, .. }) => {
                self.change(at, resource, hosts, |lease| {
                    if (lease.holder, lease.token) == (node, token) {
                        lease.hold = Hold::Claimed;
                    }
                });
            }
            NodeEvent::ClaimRenewed(Claim { resource, token, .. }) => {
                let is_news =
                    |lease: &Lease| (lease.holder, lease.token, lease.hold) == (node, token, Hold::Untold);
                if self.find(resource, is_news).is_some() {
                    self.change(at, resource, hosts, |lease| {
                        if is_news(lease) {
                            lease.hold = Hold::Claimed;
                        }
                    });
                }
            }
            NodeEvent::ClaimEnded { resource, token, reason: ClaimEnd::Released, .. } => {
                self.change(at, resource, hosts, |lease| {
                    if (lease.holder, lease.token) == (node, token) {
                        lease.hold = Hold::Over;
                    }
                });
            }
            NodeEvent::Withdrew { resource } => self.change(at, resource, hosts, |lease| {
                if lease.holder == node {
                    lease.hold = Hold::Over;
                }
            }),
            _ => {}
        }
    }

    fn hear_registry(&mut self, at: SimInstant, node: NodeId, event: &NodeEvent, hosts: &Hosts) {
        let NodeEvent::Registry(event) = event else { return };
        match *event {
            RegistryEvent::Registered { instance, epoch, status, lease, node: runs_at, .. }
            | RegistryEvent::RegistrationRecovered {
                instance, epoch, status, lease, node: runs_at, ..
            } => {
                let of_lease = |live: &&mut Lease| (live.grantor, live.id) == (node, lease);
                if let Some(lease) = self.live.values_mut().flatten().find(of_lease) {
                    lease.registered = Some((instance, epoch, status));
                    if lease.holder != runs_at {
                        lease.application = Some(runs_at);
                    }
                }
            }
            RegistryEvent::StatusChanged { instance, epoch, status, .. } => {
                self.changes(at, node, (instance, epoch), status);
            }
            RegistryEvent::DeregistrationSent { member, lease } => self.change(at, member, hosts, |live| {
                if live.id == lease {
                    live.hold = Hold::Over;
                }
            }),
            RegistryEvent::WorkStopped { member } => {
                self.stuck.insert(member);
                self.change(at, member, hosts, |_| ());
            }
            RegistryEvent::WorkWentOn { member } => {
                self.stuck.remove(&member);
                self.change(at, member, hosts, |_| ());
            }
            _ => {}
        }
    }

    /// A registry says something else of what is registered under a lease. To suspect what lives is a mistake; to find it critical is
    /// not, for so it says itself.
    fn changes(&mut self, at: SimInstant, grantor: NodeId, of: (InstanceId, Epoch), status: Status) {
        let is_it = |live: &&mut Lease| {
            let registered = live.registered.map(|(instance, epoch, _)| (instance, epoch));
            live.grantor == grantor && registered == Some(of)
        };
        let Some(lease) = self.live.values_mut().flatten().find(is_it) else { return };
        let was_routed = lease.registered.is_some_and(|(_, _, before)| before.is_routed());
        let is_mistake = was_routed && status == Status::Suspect && lease.at_risk.is_some();
        self.false_suspicions += u128::from(is_mistake && at <= self.until);
        lease.registered = Some((of.0, of.1, status));
    }

    fn turns(&mut self, at: SimInstant, node: NodeId, turn: Turn, hosts: &Hosts) {
        if turn == Turn::Dies {
            self.lost.retain(|(loser, _)| *loser != node);
        }
        for (resource, leases) in &mut self.live {
            for lease in leases.iter_mut().filter(|lease| lease.is_of(node)) {
                if turn == Turn::Dies && lease.holder == node {
                    lease.hold = Hold::Over;
                }
                self.exposure += lease.weigh(at, self.until, hosts, Work::of(*resource, &self.stuck));
            }
        }
    }

    fn begin(&mut self, at: SimInstant, resource: ResourceId, lease: Lease) {
        let leases = self.live.entry(resource).or_default();
        if leases.len() == MOST {
            let mut oldest = leases.remove(0);
            self.exposure += oldest.exposed_until(at.min(self.until));
        }
        leases.push(lease);
    }

    /// A restarted grantor found this lease on its disk, the latest of its resource: those before it are over.
    fn recovered(&mut self, at: SimInstant, resource: ResourceId, found: Lease, ended: Option<EndCause>) {
        let leases = self.live.entry(resource).or_default();
        let (before, mut others): (Vec<Lease>, Vec<Lease>) = std::mem::take(leases)
            .into_iter()
            .partition(|live| live.grantor == found.grantor && live.id < found.id);
        for mut lease in before {
            self.exposure += lease.exposed_until(at.min(self.until));
        }
        match others.iter_mut().find(|live| (live.grantor, live.id) == (found.grantor, found.id)) {
            Some(known) if ended.is_none() => {
                known.due = found.due;
                known.order = None;
            }
            None if ended.is_none() => others.push(found),
            _ => {}
        }
        *leases = others;
        if let Some(cause) = ended {
            self.ends(at, resource, (found.grantor, found.id), cause);
        }
    }

    fn ends(&mut self, at: SimInstant, resource: ResourceId, of: (NodeId, LeaseId), cause: EndCause) {
        let Some(leases) = self.live.get_mut(&resource) else { return };
        let Some(place) = leases.iter().position(|live| (live.grantor, live.id) == of) else { return };
        let mut lease = leases.remove(place);
        let was_at_risk = lease.order.map_or(lease.at_risk.is_some(), |order| order.was_at_risk);
        self.exposure += lease.exposed_until(at.min(self.until));
        let ended_at = lease.order.map_or(at, |order| order.at);
        match cause {
            EndCause::Released { .. } => return,
            EndCause::Expired => {
                self.lag.lasts(ended_at.saturating_since(lease.due));
                self.false_expiries += u128::from(was_at_risk && ended_at <= self.until);
            }
            EndCause::Revoked { .. } => {}
        }
        if was_at_risk {
            self.lost.insert((lease.holder, resource));
        }
    }

    fn find(&mut self, resource: ResourceId, is_it: impl Fn(&Lease) -> bool) -> Option<&mut Lease> {
        self.live.get_mut(&resource)?.iter_mut().find(|lease| is_it(lease))
    }

    /// Something may change about the leases of a resource.
    fn change(&mut self, at: SimInstant, resource: ResourceId, hosts: &Hosts, change: impl Fn(&mut Lease)) {
        let work = Work::of(resource, &self.stuck);
        for lease in self.live.get_mut(&resource).into_iter().flatten() {
            change(lease);
            self.exposure += lease.weigh(at, self.until, hosts, work);
        }
    }
}

impl Work {
    fn of(member: ResourceId, stuck: &BTreeSet<ResourceId>) -> Self {
        if stuck.contains(&member) { Self::StandsStill } else { Self::GoesOn }
    }
}

impl Lease {
    const fn new(grantor: NodeId, id: LeaseId, holder: NodeId, token: Token, due: SimInstant) -> Self {
        Self {
            grantor,
            id,
            holder,
            token,
            application: None,
            registered: None,
            due,
            order: None,
            hold: Hold::Untold,
            at_risk: None,
        }
    }

    fn is_of(&self, node: NodeId) -> bool {
        self.holder == node || self.application == Some(node)
    }

    /// Finds out whether it is at risk now, and says for how many nanoseconds it has been.
    fn weigh(&mut self, at: SimInstant, until: SimInstant, hosts: &Hosts, work: Work) -> u128 {
        let runs = hosts.runs(self.holder) && self.application.is_none_or(|node| hosts.runs(node));
        let is_at_risk = self.hold == Hold::Claimed && runs && work == Work::GoesOn;
        match (is_at_risk, self.at_risk) {
            (true, None) => {
                self.at_risk = Some(at);
                0
            }
            (false, Some(_)) => self.exposed_until(at.min(until)),
            _ => 0,
        }
    }

    /// For how many nanoseconds it has been at risk; no longer.
    fn exposed_until(&mut self, at: SimInstant) -> u128 {
        self.at_risk.take().map_or(0, |since| u128::from(at.saturating_since(since).as_nanos()))
    }
}

#[cfg(test)]
mod tests {
    use super::super::script::*;
    use super::{Epoch, InstanceId, Status};

    fn held() -> [Line; 2] {
        [at(s(1), G, grants(1, A)), at(s(2), A, claims(1))]
    }

    #[test]
    fn an_end_is_late_by_what_it_was_ordered_after_the_term() {
        let ended = |then: &[Line]| in_order(&[&held(), then]);
        let lag = |lines: &[Line], expected: &[u64]| lengths(Metric::ExpiryLag, lines, s(60), expected);
        lag(&ended(&[at(ms(11_250), G, orders_end(1, EXPIRED)), at(s(12), G, ends(1, EXPIRED))]), &[250]);
        lag(&ended(&[at(ms(11_250), G, ends(1, EXPIRED))]), &[250]);
        lag(&ended(&[at(s(4), G, renews(1)), at(s(15), G, ends(1, EXPIRED))]), &[1_000]);
        lag(&ended(&[at(s(10), G, ends(1, EXPIRED))]), &[0]);
        lag(&ended(&[at(s(12), G, ends(1, EndCause::Released { by: A }))]), &[]);
        // An order that was given up is not the one that ended it.
        let given_up = [
            at(s(12), G, orders_end(1, EXPIRED)),
            at(s(13), G, renews(1)),
            at(s(25), G, orders_end(1, EXPIRED)),
            at(s(26), G, ends(1, EXPIRED)),
        ];
        lag(&ended(&given_up), &[2_000]);
        let recovered = [at(s(6), G, recovers(1, A, None)), at(s(17), G, ends(1, EXPIRED))];
        lag(&ended(&recovered), &[1_000]);
    }

    #[test]
    fn an_expiry_is_false_while_the_holder_runs_and_wants_its_lease() {
        let count = |between: &[Line], expected: u128, seconds: u128| {
            let lines = in_order(&[&held(), between, &[at(s(12), G, ends(1, EXPIRED))]]);
            events(Metric::FalseExpiry, &lines, s(60), expected, seconds);
        };
        count(&[], 1, 10);
        count(&[at(s(9), A, lapses(1))], 1, 10);
        count(&[at(s(7), A, DIES)], 0, 5);
        count(&[at(s(7), A, DIES), at(s(8), A, COMES_BACK)], 0, 5);
        count(&[at(s(7), A, STOPS)], 0, 5);
        count(&[at(s(7), A, STOPS), at(s(8), A, GOES_ON)], 1, 9);
        count(&[at(s(7), B, DIES)], 1, 10);
        count(&[at(s(7), A, ends_claim(1, LET_GO))], 0, 5);
        count(&[at(s(7), A, NodeEvent::Withdrew { resource: R })], 0, 5);
        // What it was when the end was ordered counts.
        count(&[at(s(10), G, orders_end(1, EXPIRED)), at(s(11), A, DIES)], 1, 9);
        count(&[at(s(10), A, STOPS), at(s(11), G, orders_end(1, EXPIRED)), at(s(12), A, GOES_ON)], 0, 8);
        let untold = [at(s(1), G, grants(1, A)), at(s(12), G, ends(1, EXPIRED))];
        events(Metric::FalseExpiry, &untold, s(60), 0, 0);
        let released = in_order(&[&held(), &[at(s(12), G, ends(1, EndCause::Released { by: A }))]]);
        events(Metric::FalseExpiry, &released, s(60), 0, 10);
        events(Metric::FalseExpiry, &held(), s(60), 0, 58);
    }

    /// An instance of [`B`] under the first lease.
    fn registers(status: Status) -> RegistryEvent {
        RegistryEvent::Registered {
            instance: InstanceId(0),
            service: leasehold_core::id::ServiceId(0),
            capabilities: leasehold_core::id::Capabilities(0),
            lease: LeaseId(1),
            epoch: Epoch(1),
            node: B,
            status,
            revision: leasehold_core::id::Revision(1),
        }
    }

    #[test]
    fn a_suspicion_is_false_while_what_is_suspected_lives_and_is_routed_to() {
        let becomes = |status| RegistryEvent::StatusChanged {
            instance: InstanceId(0),
            epoch: Epoch(1),
            status,
            revision: leasehold_core::id::Revision(2),
        };
        let count = |first: Status, then: &[Line], expected: u128, seconds: u128| {
            let beside = [at(s(1), G, grants(1, A)), at(s(1), G, registers(first)), at(s(2), A, claims(1))];
            events(Metric::FalseSuspicion, &in_order(&[&beside, then]), s(12), expected, seconds);
        };
        let suspects = |second| at(s(second), G, becomes(Status::Suspect));
        let passes = |second| at(s(second), G, becomes(Status::Passing));
        count(Status::Passing, &[], 0, 10);
        count(Status::Passing, &[suspects(7)], 1, 10);
        count(Status::Passing, &[suspects(7), suspects(8)], 1, 10);
        count(Status::Passing, &[suspects(7), passes(8), suspects(9)], 2, 10);
        // The dead, the stopped and the stuck are suspected rightly, and who is not routed to loses nothing.
        count(Status::Passing, &[at(s(6), B, DIES), suspects(7)], 0, 4);
        count(Status::Passing, &[at(s(6), A, STOPS), suspects(7), at(s(9), A, GOES_ON)], 0, 7);
        count(Status::Passing, &[at(s(6), B, RegistryEvent::WorkStopped { member: R }), suspects(7)], 0, 4);
        count(Status::Critical, &[suspects(7)], 0, 10);
        count(Status::Passing, &[at(s(7), G, becomes(Status::Critical)), suspects(8)], 0, 10);
        // Another registration of it.
        let other = RegistryEvent::StatusChanged {
            instance: InstanceId(0),
            epoch: Epoch(2),
            status: Status::Suspect,
            revision: leasehold_core::id::Revision(2),
        };
        count(Status::Passing, &[at(s(7), G, other)], 0, 10);
    }

    #[test]
    fn an_instance_that_is_stuck_or_whose_application_died_may_expire() {
        let registered = registers(Status::Passing);
        let count = |between: &[Line], expected: u128, seconds: u128| {
            let beside = [at(s(1), G, grants(1, A)), at(s(1), G, registered), at(s(2), A, claims(1))];
            let lines = in_order(&[&beside, between, &[at(s(12), G, ends(1, EXPIRED))]]);
            events(Metric::FalseExpiry, &lines, s(60), expected, seconds);
        };
        count(&[], 1, 10);
        count(&[at(s(7), B, DIES)], 0, 5);
        count(&[at(s(7), C, DIES)], 1, 10);
        let stuck = at(s(7), B, RegistryEvent::WorkStopped { member: R });
        count(&[stuck], 0, 5);
        count(&[stuck, at(s(9), B, RegistryEvent::WorkWentOn { member: R })], 1, 8);
        let leaves = RegistryEvent::DeregistrationSent { member: R, lease: LeaseId(1) };
        count(&[at(s(7), A, leaves)], 0, 5);
    }

    #[test]
    fn a_flap_is_a_lease_that_comes_back_to_who_lost_one_alive() {
        let count = |then: &[Line], expected: u128, seconds: u128| {
            let lines = in_order(&[&held(), &[at(s(12), G, ends(1, EXPIRED))], then]);
            events(Metric::Flaps, &lines, s(60), expected, seconds);
        };
        count(&[], 0, 10);
        count(&[at(s(13), G, grants(2, A))], 1, 10);
        count(&[at(s(13), G, grants(2, B))], 0, 10);
        count(&[at(s(13), A, DIES), at(s(14), A, COMES_BACK), at(s(15), G, grants(2, A))], 0, 10);
        let twice = [
            at(s(13), G, grants(2, A)),
            at(s(14), A, claims(2)),
            at(s(24), G, ends(2, EXPIRED)),
            at(s(25), G, grants(3, A)),
        ];
        count(&twice, 2, 20);
        let given_back = in_order(&[
            &held(),
            &[at(s(5), G, ends(1, EndCause::Released { by: A })), at(s(6), G, grants(2, A))],
        ]);
        events(Metric::Flaps, &given_back, s(60), 0, 3);
        let reason = leasehold_core::event::Revocation::Administrator;
        let revoked = in_order(&[
            &held(),
            &[at(s(5), G, ends(1, EndCause::Revoked { reason })), at(s(6), G, grants(2, A))],
        ]);
        events(Metric::Flaps, &revoked, s(60), 1, 3);
    }

    #[test]
    fn what_comes_when_faults_are_over_is_neither_counted_nor_exposure() {
        let lines = in_order(&[
            &held(),
            &[at(s(12), G, ends(1, EXPIRED)), at(s(14), G, grants(2, A)), at(s(15), A, claims(2))],
            &[at(s(26), G, ends(2, EXPIRED))],
        ]);
        let second = 1_000_000_000;
        for (chaos, expiries, flaps, seconds) in
            [("11s", 0, 0, 9), ("12s", 1, 0, 10), ("20s", 1, 1, 10 + 5), ("26s", 2, 1, 10 + 11)]
        {
            let found = |metric| amount_within(chaos, metric, &lines, s(60)).to_string();
            let of = |count| super::Amount::of_part(count, seconds * second).to_string();
            assert_eq!(found(Metric::FalseExpiry), of(expiries), "{chaos}");
            assert_eq!(found(Metric::Flaps), of(flaps), "{chaos}");
            assert_eq!(amount_within(chaos, Metric::ExpiryLag, &lines, s(60)).values().count(), 2, "{chaos}");
        }
        // What was decided before counts, when it is told later.
        let ordered = [at(s(10), G, orders_end(1, EXPIRED)), at(s(13), G, ends(1, EXPIRED))];
        let found = amount_within("11s", Metric::FalseExpiry, &in_order(&[&held(), &ordered]), s(60));
        assert_eq!(found.to_string(), super::Amount::of_part(1, 9 * second).to_string());
    }

    #[test]
    fn a_restart_of_the_grantor_ends_what_it_does_not_find() {
        let superseded = in_order(&[&held(), &[at(s(6), G, recovers(2, B, None)), at(s(7), B, claims(2))]]);
        events(Metric::FalseExpiry, &superseded, s(10), 0, 4 + 3);
        let over = in_order(&[&held(), &[at(s(13), G, recovers(1, A, Some(EXPIRED)))]]);
        events(Metric::FalseExpiry, &over, s(60), 1, 11);
    }

    #[test]
    fn a_system_that_never_tells_of_ends_fills_no_memory() {
        let mut leases = super::Leases::until(s(600));
        let hosts = super::Hosts::new(5);
        for lease in 0..1_000 {
            leases.hear(s(lease), G, &grants(lease, A).kind(), None, &hosts);
        }
        assert_eq!(leases.live[&R].len(), super::MOST);
    }
}
