//! Since when links and processes have been as they should.
//!
//! Some bounds hold only while nothing is lost or late. What is lost, events say, as they say which processes do not
//! run or are slow. That a message is late, no event says; so a fault that can delay messages is taken to have delayed
//! all of them, to and from each node that it lands on, from then until, once it is over, they have had time to
//! arrive. What fires and touches no message delays none.

use alloc::vec::Vec;

use leasehold_core::event::Phase;
use leasehold_core::plan::Role;
use leasehold_core::trace::{Delaying, Header, LinksTouched};
use leasehold_core::{EventKind, FaultId, Leg, NodeId, Purpose, SimInstant, Span, WorldEvent};

/// What a lost message was about, as far as that matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Errand {
    /// A registration or a deregistration, either way.
    Membership,
    /// A query or a watch, either way.
    Reading,
}

impl Errand {
    const fn of(purpose: Purpose) -> Option<Self> {
        match purpose {
            Purpose::Acquire | Purpose::Release => Some(Self::Membership),
            Purpose::Query | Purpose::Watch => Some(Self::Reading),
            _ => None,
        }
    }
}

/// Whether messages may be late.
#[derive(Clone, Copy, Debug, Default)]
struct Lateness {
    /// How many faults delay messages, each once for each node that it landed on.
    at_work: u32,
    /// Until when messages may have been late that no fault delays any more.
    until: Option<SimInstant>,
}

impl Lateness {
    const fn begin(&mut self) {
        self.at_work += 1;
    }

    fn end(&mut self, until: SimInstant) {
        self.at_work = self.at_work.saturating_sub(1);
        self.until = self.until.max(Some(until));
    }

    fn since(&self, since: SimInstant) -> bool {
        self.at_work > 0 || self.until.is_some_and(|until| since <= until)
    }
}

/// What disturbed one node, and when it last did.
#[derive(Clone, Copy, Debug, Default)]
struct Trouble {
    late: Lateness,
    /// Whether it takes part in registration and heartbeats: not if it only reads.
    is_member: bool,
    membership_lost: Option<SimInstant>,
    reading_lost: Option<SimInstant>,
    is_stopped: bool,
    is_slow: bool,
    /// Whether it does not keep its view up to date.
    is_frozen: bool,
    /// When its process last began to run as it should again.
    ran_again: Option<SimInstant>,
}

/// What disturbed whom, and when.
#[derive(Debug)]
pub(crate) struct Calm {
    nodes: Vec<Trouble>,
    delaying: Vec<Delaying>,
    /// Those that are at work, with each node that they landed on.
    landed: Vec<(Delaying, NodeId)>,
    /// Of those that registration and heartbeats take.
    late_members: Lateness,
    /// Of faults that do not say where.
    late_anywhere: Lateness,
    delay: Span,
    swept_late: Option<SimInstant>,
}

impl Calm {
    pub(crate) fn new(header: &Header) -> Self {
        let trouble = |role| {
            let is_member = !matches!(role, Role::Discovery | Role::Follower);
            Trouble { is_member, ..Trouble::default() }
        };
        Self {
            nodes: header.nodes.iter().map(|node| trouble(node.role)).collect(),
            delaying: header.delaying.clone(),
            landed: Vec::new(),
            late_members: Lateness::default(),
            late_anywhere: Lateness::default(),
            delay: header.bounds.delay,
            swept_late: None,
        }
    }

    fn landed(&mut self, fault: FaultId, node: NodeId) {
        let Some(fault) = self.delaying.iter().find(|known| known.fault == fault).copied() else { return };
        self.landed.push((fault, node));
        self.concerned(fault, node, Lateness::begin);
    }

    fn healed(&mut self, now: SimInstant, fits: impl Fn(FaultId, NodeId) -> bool) {
        if !self.landed.iter().any(|(fault, node)| fits(fault.fault, *node)) {
            return;
        }
        let until = now.saturating_add(self.delay).saturating_add(self.longest());
        while let Some(place) = self.landed.iter().position(|(fault, node)| fits(fault.fault, *node)) {
            let (fault, node) = self.landed.swap_remove(place);
            self.concerned(fault, node, |late| late.end(until));
        }
    }

    /// How long all faults that are at work together may delay one message.
    fn longest(&self) -> Span {
        let at_work = |fault: &&Delaying| self.landed.iter().any(|(landed, _)| landed == *fault);
        let delays = self.delaying.iter().filter(at_work).map(|fault| fault.longest);
        delays.fold(Span::ZERO, Span::saturating_add)
    }

    fn concerned(&mut self, fault: Delaying, node: NodeId, tell: impl Fn(&mut Lateness)) {
        let Some(trouble) = self.nodes.get_mut(node.index()) else { return };
        match fault.links {
            LinksTouched::AtTargets => tell(&mut trouble.late),
            LinksTouched::Anywhere => tell(&mut self.late_anywhere),
        }
        if trouble.is_member || fault.links == LinksTouched::Anywhere {
            tell(&mut self.late_members);
        }
    }

    pub(crate) fn hear(&mut self, now: SimInstant, node: Option<NodeId>, event: &EventKind) {
        let EventKind::World(event) = event else { return };
        match *event {
            WorldEvent::FaultLanded { fault } => {
                if let Some(node) = node {
                    self.landed(fault, node);
                }
            }
            WorldEvent::FaultHealed { fault } => {
                self.healed(now, |landed, at| landed == fault && Some(at) == node);
            }
            WorldEvent::PhaseEntered { phase: Phase::Settle } => self.healed(now, |_, _| true),
            WorldEvent::MessageLost { to, purpose, leg: Leg::Request | Leg::Reply, .. } => {
                self.lost(now, node.into_iter().chain([to]), purpose);
            }
            _ => {
                if let Some(trouble) = node.and_then(|node| self.nodes.get_mut(node.index())) {
                    trouble.hear(now, event);
                }
            }
        }
    }

    /// Whether messages to or from the node may have been late at some time from `since` to now.
    pub(crate) fn late_since(&self, node: NodeId, since: SimInstant) -> bool {
        self.late_anywhere.since(since)
            || self.nodes.get(node.index()).is_some_and(|trouble| trouble.late.since(since))
    }

    /// Whether those of registration and heartbeats may have been, anybody's.
    pub(crate) fn members_late_since(&self, since: SimInstant) -> bool {
        self.late_members.since(since)
    }

    /// A message between these was lost: on its way, or by a registry that had no room for it. Heartbeats are not
    /// counted here: whoever drops those has nothing to excuse it.
    pub(crate) fn lost(&mut self, now: SimInstant, ends: impl IntoIterator<Item = NodeId>, purpose: Purpose) {
        let Some(errand) = Errand::of(purpose) else { return };
        for end in ends {
            if let Some(trouble) = self.nodes.get_mut(end.index()) {
                match errand {
                    Errand::Membership => trouble.membership_lost = Some(now),
                    Errand::Reading => trouble.reading_lost = Some(now),
                }
            }
        }
    }

    /// Whether the node's process ran, at its ordinary speed, from `since` to now.
    pub(crate) fn ran_since(&self, node: NodeId, since: SimInstant) -> bool {
        self.nodes.get(node.index()).is_some_and(|trouble| {
            let runs = !trouble.is_stopped && !trouble.is_slow && !trouble.is_frozen;
            runs && trouble.ran_again.is_none_or(|again| again < since)
        })
    }

    /// Whether a message of this kind to or from the node was lost from `since` to now.
    pub(crate) fn lost_since(&self, node: NodeId, errand: Errand, since: SimInstant) -> bool {
        self.nodes.get(node.index()).is_some_and(|trouble| {
            let lost = match errand {
                Errand::Membership => trouble.membership_lost,
                Errand::Reading => trouble.reading_lost,
            };
            lost.is_some_and(|lost| since <= lost)
        })
    }

    /// A registry's sweep ran late.
    pub(crate) fn swept_late(&mut self, now: SimInstant) {
        self.swept_late = Some(now);
    }

    /// Whether one did from `since` to now.
    pub(crate) fn swept_late_since(&self, since: SimInstant) -> bool {
        self.swept_late.is_some_and(|late| since <= late)
    }

    /// A view is not kept up to date from now on.
    pub(crate) fn froze(&mut self, node: NodeId) {
        if let Some(trouble) = self.nodes.get_mut(node.index()) {
            trouble.is_frozen = true;
        }
    }

    /// It is again.
    pub(crate) fn thawed(&mut self, now: SimInstant, node: NodeId) {
        if let Some(trouble) = self.nodes.get_mut(node.index()) {
            trouble.is_frozen = false;
            trouble.ran_again = Some(now);
        }
    }

    /// Something in the view of the node itself shows that it missed something.
    pub(crate) fn missed(&mut self, now: SimInstant, node: NodeId) {
        if let Some(trouble) = self.nodes.get_mut(node.index()) {
            trouble.reading_lost = Some(now);
        }
    }
}

impl Trouble {
    fn hear(&mut self, now: SimInstant, event: &WorldEvent) {
        match event {
            WorldEvent::Crashed => {
                self.is_stopped = true;
                self.is_frozen = false;
            }
            WorldEvent::Paused | WorldEvent::Suspended => self.is_stopped = true,
            WorldEvent::Restarted { .. } | WorldEvent::Resumed => {
                self.is_stopped = false;
                self.ran_again = Some(now);
            }
            WorldEvent::Throttled => self.is_slow = true,
            WorldEvent::Unthrottled => {
                self.is_slow = false;
                self.ran_again = Some(now);
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use alloc::vec;

    use super::*;
    use crate::script::*;

    /// As it stands after these events. The first fault delays messages, by half a second more than the network does;
    /// the second does not; the third does anywhere.
    fn after(events: &[Event]) -> Calm {
        let mut header = registry::registry_header(&[]);
        let longest = Span::from_millis(500);
        header.delaying = vec![
            Delaying { fault: FaultId(0), longest, links: LinksTouched::AtTargets },
            Delaying { fault: FaultId(2), longest, links: LinksTouched::Anywhere },
        ];
        let mut calm = Calm::new(&header);
        for event in events {
            calm.hear(event.at, event.node, &event.kind);
        }
        calm
    }

    const FIRED: WorldEvent = WorldEvent::FaultFired { fault: FaultId(0) };
    const LANDED: WorldEvent = WorldEvent::FaultLanded { fault: FaultId(0) };
    const HEALED: WorldEvent = WorldEvent::FaultHealed { fault: FaultId(0) };

    /// The delay of the script's network is half a second, and so is the fault's own.
    #[test]
    fn messages_may_be_late_from_the_landing_until_the_last_has_arrived() {
        assert!(!after(&[]).late_since(A, s(0)));
        assert!(!after(&[at(s(1), A, FIRED)]).late_since(A, s(0)), "it has touched nothing");
        assert!(!after(&[at(s(1), A, FIRED), at(s(2), A, HEALED)]).late_since(A, s(0)), "nor will it");
        assert!(after(&[at(s(1), A, LANDED)]).late_since(A, s(90)), "it lasts");
        let over = after(&[at(s(1), A, LANDED), at(s(2), A, HEALED)]);
        assert!(over.late_since(A, s(3)), "sent just before it was over");
        assert!(!over.late_since(A, just_after(s(3))));
        let two = [at(s(1), A, LANDED), at(s(1), B, LANDED), at(s(2), A, HEALED)];
        assert!(after(&two).late_since(B, s(90)), "one of its targets is not healed yet");
        assert!(!after(&two).late_since(A, s(90)));
        let settled = after(&[two[0], two[1], two[2], world(s(3), SETTLE)]);
        assert!(settled.late_since(B, s(4)) && !settled.late_since(B, just_after(s(4))));
        let other = WorldEvent::FaultLanded { fault: FaultId(1) };
        assert!(!after(&[at(s(1), A, other)]).late_since(A, s(0)), "that one delays nothing");
    }

    #[test]
    fn only_messages_of_whom_it_landed_on_are_late() {
        let calm = after(&[at(s(1), C, LANDED)]);
        assert!(calm.late_since(C, s(90)));
        assert!(!calm.late_since(A, s(0)) && !calm.late_since(G, s(0)));
        assert!(!calm.members_late_since(s(0)), "C only reads");
        assert!(after(&[at(s(1), B, LANDED)]).members_late_since(s(90)));
        let anywhere = after(&[at(s(1), C, WorldEvent::FaultLanded { fault: FaultId(2) })]);
        assert!(anywhere.late_since(A, s(90)) && anywhere.members_late_since(s(90)));
    }

    /// Both may have delayed one message.
    #[test]
    fn delays_add_up() {
        let other = |event: fn(FaultId) -> WorldEvent| event(FaultId(2));
        let landed = |fault| WorldEvent::FaultLanded { fault };
        let healed = |fault| WorldEvent::FaultHealed { fault };
        let both = [at(s(1), A, LANDED), at(s(1), A, other(landed)), at(s(2), A, HEALED)];
        let calm = after(&[&both[..], &[at(s(2), A, other(healed))]].concat());
        assert!(calm.late_since(A, SimInstant::from_nanos(3_500_000_000)));
        assert!(!calm.late_since(A, SimInstant::from_nanos(3_500_000_001)));
    }

    #[test]
    fn a_loss_disturbs_both_ends_and_only_its_own_kind() {
        let lost = |purpose| {
            let leg = Leg::Request;
            after(&[at(s(5), A, WorldEvent::MessageLost { to: G, purpose, leg, cause: LossCause::Noise })])
        };
        for (purpose, errand, other) in [
            (Purpose::Watch, Errand::Reading, Errand::Membership),
            (Purpose::Query, Errand::Reading, Errand::Membership),
            (Purpose::Release, Errand::Membership, Errand::Reading),
            (Purpose::Acquire, Errand::Membership, Errand::Reading),
        ] {
            let calm = lost(purpose);
            for (node, is_end) in [(A, true), (G, true), (B, false)] {
                assert_eq!(calm.lost_since(node, errand, s(5)), is_end);
                assert!(!calm.lost_since(node, errand, just_after(s(5))));
                assert!(!calm.lost_since(node, other, s(0)));
            }
        }
        assert!(!lost(Purpose::Renew).lost_since(A, Errand::Membership, s(0)));
    }

    #[test]
    fn a_process_runs_since_it_goes_on_again() {
        for (stop, go) in [
            (PAUSED, RESUMED),
            (SUSPENDED, RESUMED),
            (CRASHED, RESTARTED),
            (WorldEvent::Throttled, WorldEvent::Unthrottled),
        ] {
            let stopped = after(&[at(s(5), A, stop)]);
            assert!(!stopped.ran_since(A, s(90)) && stopped.ran_since(B, s(0)));
            let again = after(&[at(s(5), A, stop), at(s(7), A, go)]);
            assert!(!again.ran_since(A, s(7)) && again.ran_since(A, just_after(s(7))));
        }
        let slow_and_stopped =
            [at(s(5), A, WorldEvent::Throttled), at(s(6), A, PAUSED), at(s(7), A, RESUMED)];
        assert!(!after(&slow_and_stopped).ran_since(A, s(90)));
    }
}
