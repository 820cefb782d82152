//! Messages that wait their turn.

use alloc::collections::VecDeque;

use leasehold_core::id::NodeId;

use crate::registry::RegistryMessage;
use crate::registry::policy::{InboxOrder, InboxPolicy};

/// A message, and who sent it.
pub(super) type Letter = (NodeId, RegistryMessage);

/// A bounded queue, served one message at a time, each of which takes a while.
///
/// It stands for a registry with too little capacity: heartbeats that wait behind other load let leases expire
/// whose holders are well (CockroachDB's node liveness; etcd PR 20492).
#[derive(Debug)]
pub(super) struct Inbox {
    policy: InboxPolicy,
    /// What is worked at now.
    serving: Option<Letter>,
    /// What is served first.
    urgent: VecDeque<Letter>,
    others: VecDeque<Letter>,
}

/// What became of a message that arrived.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Arrival {
    /// It is worked at from now on.
    Served,
    /// It waits.
    Waits,
    /// There is no room: this one, or another, is dropped.
    Overflowed(Letter),
}

impl Inbox {
    pub(super) fn new(policy: InboxPolicy) -> Self {
        Self { policy, serving: None, urgent: VecDeque::new(), others: VecDeque::new() }
    }

    pub(super) fn arrived(&mut self, letter: Letter) -> Arrival {
        if self.serving.is_none() {
            self.serving = Some(letter);
            return Arrival::Served;
        }
        let is_urgent = self.policy.order == InboxOrder::HeartbeatsFirst && says_who_lives(&letter.1);
        let is_full = self.urgent.len() + self.others.len() >= self.policy.limit as usize;
        let room_for = if is_full && is_urgent { self.others.pop_back() } else { None };
        if is_full && room_for.is_none() {
            return Arrival::Overflowed(letter);
        }
        if is_urgent {
            self.urgent.push_back(letter);
        } else {
            self.others.push_back(letter);
        }
        room_for.map_or(Arrival::Waits, Arrival::Overflowed)
    }

    /// What was worked at is done.
    pub(super) fn served(&mut self) -> Option<Letter> {
        let done = self.serving.take();
        self.serving = self.urgent.pop_front().or_else(|| self.others.pop_front());
        done
    }

    /// Whether something is worked at.
    pub(super) fn is_busy(&self) -> bool {
        self.serving.is_some()
    }
}

/// Whether a message keeps somebody on the list.
fn says_who_lives(message: &RegistryMessage) -> bool {
    matches!(message, RegistryMessage::Heartbeat { .. } | RegistryMessage::ProbeAnswer { .. })
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;
    use leasehold_core::clock::LocalInstant;
    use leasehold_core::event::{Asked, Health};
    use leasehold_core::id::{LeaseId, RequestId, ResourceId};
    use leasehold_core::time::Span;

    fn heartbeat(member: u32) -> Letter {
        let (member, lease, health) = (ResourceId(member), LeaseId(1), Health::Ready);
        let stamp = LocalInstant::from_nanos(0);
        (NodeId(1), RegistryMessage::Heartbeat { member, lease, epoch: None, number: 0, stamp, health })
    }

    fn query(request: u64) -> Letter {
        (NodeId(2), RegistryMessage::Query { request: RequestId(request), asked: Asked::All, known: None })
    }

    fn inbox(order: InboxOrder) -> Inbox {
        Inbox::new(InboxPolicy { service: Span::from_millis(1), limit: 2, order })
    }

    fn served(inbox: &mut Inbox) -> Vec<Letter> {
        core::iter::from_fn(|| inbox.served()).collect()
    }

    #[test]
    fn heartbeats_overtake_everything_else_or_nothing() {
        for (order, second, third) in [
            (InboxOrder::HeartbeatsFirst, heartbeat(0), query(2)),
            (InboxOrder::Arrival, query(2), heartbeat(0)),
        ] {
            let mut inbox = inbox(order);
            assert_eq!(inbox.arrived(query(1)), Arrival::Served);
            assert_eq!(inbox.arrived(query(2)), Arrival::Waits);
            assert_eq!(inbox.arrived(heartbeat(0)), Arrival::Waits);
            assert_eq!(served(&mut inbox), [query(1), second, third], "{order:?}");
        }
    }

    #[test]
    fn a_full_inbox_drops_the_newest_but_no_heartbeat_before_another_message() {
        for (order, left) in [
            (InboxOrder::HeartbeatsFirst, [heartbeat(1), heartbeat(0), query(1)]),
            (InboxOrder::Arrival, [heartbeat(1), query(1), query(2)]),
        ] {
            let mut inbox = inbox(order);
            inbox.arrived(heartbeat(1));
            inbox.arrived(query(1));
            inbox.arrived(query(2));
            assert_eq!(inbox.arrived(query(3)), Arrival::Overflowed(query(3)));
            let dropped = if order == InboxOrder::Arrival { heartbeat(0) } else { query(2) };
            assert_eq!(inbox.arrived(heartbeat(0)), Arrival::Overflowed(dropped));
            assert_eq!(served(&mut inbox), left, "{order:?}");
        }
        let mut inbox = inbox(InboxOrder::HeartbeatsFirst);
        for member in 0..3 {
            inbox.arrived(heartbeat(member));
        }
        assert_eq!(inbox.arrived(heartbeat(3)), Arrival::Overflowed(heartbeat(3)));
        assert_eq!(served(&mut inbox), [heartbeat(0), heartbeat(1), heartbeat(2)]);
    }
}
