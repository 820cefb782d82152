//! Probes: the registry asks members how they are, and gives them a while to answer.
//!
//! It asks whether they can do their work. In pull their lease hangs on the answer, and must not outlive the work
//! (I14); in hybrid heartbeats say that the process runs.

use alloc::sync::Arc;
use alloc::vec::Vec;

use leasehold_core::clock::Reading;
use leasehold_core::id::{Incarnation, NodeId, ResourceId};
use leasehold_core::node::Context;
use leasehold_core::time::Span;

use super::agenda::{Agenda, RowId};
use crate::registry::policy::{Liveness, ProbePolicy, RegistryPolicy};
use crate::registry::{Places, ProbeKind, RegistryMessage, RegistryProtocol};

/// Who is probed when, and which probe is not answered yet.
///
/// Members are spread evenly over the interval, in their order, so that they are not probed all at once; each keeps to
/// its place there however often it comes and goes.
#[derive(Debug)]
pub(super) struct Prober {
    policy: ProbePolicy,
    kind: ProbeKind,
    places: Arc<Places>,
    /// When the first round began.
    began: Reading,
    agenda: Agenda,
    probes: Vec<Rounds>,
    /// How many probes were sent.
    sent: u64,
}

/// How far the probing of a member is.
#[derive(Clone, Copy, Debug, Default)]
struct Rounds {
    /// It has a registration to be probed for, and this is the process that asked for it, if that is the one probed.
    who: Option<Option<Incarnation>>,
    /// The probe that is not answered yet, and when the next round begins.
    awaited: Option<(u64, Reading)>,
}

impl Prober {
    /// Nobody is probed yet. No prober if nobody ever is.
    pub(super) fn new(rules: &RegistryPolicy, places: Arc<Places>, now: Reading) -> Option<Self> {
        let kind = match rules.liveness {
            Liveness::Push => return None,
            Liveness::Pull | Liveness::Hybrid => ProbeKind::Readiness,
        };
        let probes = places.members.iter().map(|_| Rounds::default()).collect();
        let (policy, agenda) = (rules.probe, Agenda::default());
        Some(Self { policy, kind, places, began: now, agenda, probes, sent: 0 })
    }

    /// A member is registered from now on, by this process of this node.
    pub(super) fn began(&mut self, now: Reading, member: ResourceId, holder: NodeId, process: Incarnation) {
        let Some(probe) = self.probes.get_mut(member.0 as usize) else { return };
        // Of an application that somebody else speaks for, it is not known which process it is.
        let is_probed = self.places.members[member.0 as usize].application == holder;
        *probe = Rounds { who: Some(is_probed.then_some(process)), awaited: None };
        self.agenda.forget(RowId(member.0));
        self.agenda.note(RowId(member.0), self.next_round(now, member));
    }

    /// It is no more.
    pub(super) fn ended(&mut self, member: ResourceId) {
        if let Some(probe) = self.probes.get_mut(member.0 as usize) {
            *probe = Rounds::default();
            self.agenda.forget(RowId(member.0));
        }
    }

    /// When a member's place in the interval comes round next.
    fn next_round(&self, now: Reading, member: ResourceId) -> Reading {
        let count = self.probes.len().max(1) as u64;
        let first = self.began + self.policy.every.scale(u64::from(member.0), count);
        if !now.has_reached(first) {
            return first;
        }
        let every = self.policy.every.as_nanos().max(1);
        let rounds = now.saturating_since(first).as_nanos() / every + 1;
        first + Span::from_nanos(rounds.saturating_mul(every))
    }

    /// When there is something to do next, in nanoseconds of the clock.
    pub(super) fn next(&self) -> Option<i64> {
        self.agenda.first()
    }

    /// Does what is due for one member: sends a probe, or gives up on one. Tells of whom it gave up on.
    pub(super) fn due(&mut self, ctx: &mut Context<'_, RegistryProtocol>, now: Reading) -> Due {
        let Some(row) = self.agenda.take(now) else { return Due::Nothing };
        let member = ResourceId(row.0);
        let next = self.next_round(now, member);
        let probe = &mut self.probes[row.index()];
        if let Some((_, round)) = probe.awaited.take() {
            // The round after a timeout as long as the interval begins at once.
            self.agenda.note(row, round);
            return Due::Silent(member);
        }
        if probe.who.is_none() {
            return Due::Done;
        }
        // Numbers grow, and tell whose probe it was.
        let number = self.sent * self.places.members.len() as u64 + u64::from(row.0);
        self.sent += 1;
        probe.awaited = Some((number, next));
        let message = RegistryMessage::Probe { number, kind: self.kind };
        ctx.send(self.places.members[row.index()].application, message);
        self.agenda.note(row, now + self.policy.timeout.min(self.policy.every));
        Due::Done
    }

    /// An answer came. Tells which member gave it, if it is in time and from the process that is registered.
    pub(super) fn answered(&mut self, from: NodeId, number: u64, process: Incarnation) -> Option<ResourceId> {
        let index = number.checked_rem(self.probes.len() as u64)? as usize;
        let probe = &mut self.probes[index];
        let (awaited, round) = probe.awaited?;
        let is_other_process = probe.who.flatten().is_some_and(|registered| registered != process);
        if awaited != number || is_other_process || self.places.members[index].application != from {
            return None;
        }
        probe.awaited = None;
        let row = RowId(index as u32);
        self.agenda.forget(row);
        self.agenda.note(row, round);
        Some(ResourceId(row.0))
    }
}

/// What came of looking at who is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Due {
    /// Nobody is.
    Nothing,
    /// Somebody was, and it is done.
    Done,
    /// This member did not answer in time.
    Silent(ResourceId),
}
