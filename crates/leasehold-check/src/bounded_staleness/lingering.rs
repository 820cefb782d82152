//! Hop one: what is gone, and still routed by the registry.
//!
//! What is gone is remembered until its registration ends, for a heartbeat that arrives late may have it routed again.

use alloc::vec::Vec;

use leasehold_core::id::{Epoch, InstanceId};
use leasehold_core::{LeaseId, NodeId, ResourceId, SimInstant, Span};

use super::departure::HopOne;
use super::{Court, Grounds};
use crate::book::Case;
use crate::calm::Errand;
use crate::finding::{Fact, Gone};
use crate::measure::Standing;
use crate::metric::Metric;
use crate::processes::Process;
use crate::roster::Registration;
use crate::scene::Scene;
use crate::stretch::{RanOut, ran_out};

/// Members are numbered from 0; beyond this number none is followed.
const MOST: usize = 1 << 16;

/// A registration that is gone, and that the registry has not ended.
#[derive(Clone, Copy, Debug)]
struct Linger {
    instance: InstanceId,
    epoch: Epoch,
    lease: LeaseId,
    member: Option<ResourceId>,
    since: SimInstant,
    how: Gone,
    /// The last heartbeat that its member had sent by then.
    last_heartbeat: Option<u64>,
    /// When one of those arrived that should have been there before.
    late_heartbeat: Option<(SimInstant, Option<u64>)>,
    deadline: Deadline,
}

/// Whether its bound has run out while nothing excused it. What happens later is no excuse.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Deadline {
    /// It cannot have before this instant.
    Ahead(SimInstant),
    /// Nobody waits for it: it is not routed, or it has no bound any more.
    None,
    /// It did, at this instant.
    Missed(SimInstant),
}

/// All of them.
#[derive(Debug, Default)]
pub(super) struct Lingering {
    gone: Vec<Linger>,
    /// The last heartbeat of each member, and under which lease.
    sent: Vec<Option<(LeaseId, u64)>>,
}

impl Lingering {
    pub(super) fn sent(&mut self, member: ResourceId, lease: LeaseId, number: u64) {
        let place = member.0 as usize;
        if place >= MOST {
            return;
        }
        if self.sent.len() <= place {
            self.sent.resize(place + 1, None);
        }
        self.sent[place] = Some((lease, number));
    }

    /// A registration is gone since then. What is remembered of it already, stays.
    pub(super) fn push(&mut self, cx: &mut Court, known: &Registration, since: SimInstant, how: Gone) {
        let Registration { instance, epoch, lease, member, .. } = *known;
        if let Some(linger) = self.gone.iter_mut().find(|linger| linger.is(known)) {
            linger.wait(cx);
            return;
        }
        let sent = member.and_then(|member| self.sent.get(member.0 as usize).copied().flatten());
        let last_heartbeat = sent.filter(|(of, _)| *of == lease).map(|(_, number)| number);
        let late_heartbeat = None;
        let deadline = Deadline::None;
        let mut new =
            Linger { instance, epoch, lease, member, since, how, last_heartbeat, late_heartbeat, deadline };
        new.wait(cx);
        self.gone.push(new);
    }

    /// A heartbeat of a lease left: whatever runs again under it lives.
    pub(super) fn lives_again(&mut self, scene: &Scene, lease: LeaseId) {
        self.gone.retain(|linger| {
            let runs = || {
                let known = scene.roster.get(linger.instance, linger.epoch);
                known.is_some_and(|known| scene.processes.of(known.node) == Process::Running)
            };
            linger.lease != lease || linger.how != Gone::Crashed || !runs()
        });
    }

    /// A heartbeat with this number reached the registry; or one was counted of a member that sends none.
    pub(super) fn heartbeat(&mut self, cx: &Court, lease: LeaseId, number: Option<u64>) {
        let now = cx.scene.now;
        let Self { gone, sent } = self;
        for linger in gone.iter_mut().filter(|linger| linger.lease == lease) {
            // What left in a step that a crash cut short may have gone untold.
            let told = linger.member.and_then(|member| sent.get(member.0 as usize).copied().flatten());
            let next = told.filter(|(of, _)| *of == lease).map_or(0, |(_, last)| last + 1);
            let was_sent_before = match (number, linger.last_heartbeat) {
                (Some(number), _) if number == next => true,
                (Some(number), Some(last)) => number <= last,
                (Some(_), None) => false,
                (None, last) => last.is_none(),
            };
            if was_sent_before && now - linger.since > cx.bounds.heartbeat_delay {
                linger.late_heartbeat = Some((now, number));
            }
        }
    }

    /// The registry routes a registration no more.
    pub(super) fn excluded(&mut self, cx: &mut Court, known: &Registration) -> HopOne {
        let Some(linger) = self.gone.iter_mut().find(|linger| linger.is(known)) else { return HopOne::NONE };
        let hop = linger.judge(cx, known, "listed-too-long");
        linger.deadline = Deadline::None;
        hop
    }

    /// The registry says that it has swept late, and that it should have at an instant: nothing ran out since then.
    pub(super) fn swept_late(&mut self, cx: &mut Court, due: SimInstant) {
        for linger in &mut self.gone {
            if matches!(linger.deadline, Deadline::Missed(at) if due <= at) {
                linger.wait(cx);
            }
        }
    }

    /// Some bound may have run out.
    pub(super) fn on_time(&mut self, cx: &mut Court) {
        let now = cx.scene.now;
        for linger in &mut self.gone {
            match linger.deadline {
                Deadline::Ahead(due) if due <= now => linger.deadline = linger.look(cx),
                _ => {}
            }
            if let Deadline::Ahead(due) = linger.deadline {
                cx.book.remind(due);
            }
        }
    }

    /// A registration is over.
    pub(super) fn ended(&mut self, known: &Registration) {
        self.gone.retain(|linger| !linger.is(known));
    }

    /// The run is over.
    pub(super) fn finish(&mut self, cx: &mut Court) {
        let scene = cx.scene;
        let runs = scene.roster.registry().is_some_and(|node| scene.processes.of(node) == Process::Running);
        for linger in self.gone.drain(..) {
            let (_, bound) = linger.bound(cx);
            let known =
                scene.roster.get(linger.instance, linger.epoch).filter(|known| known.status.is_routed());
            if let Some(known) = known
                && runs
                && cx.scene.now - linger.since > bound
            {
                linger.judge(cx, known, "never-excluded");
            }
        }
    }
}

impl Linger {
    fn is(&self, known: &Registration) -> bool {
        (self.instance, self.epoch) == (known.instance, known.epoch)
    }

    fn bound(&self, cx: &Court) -> (Metric, Span) {
        match self.how {
            Gone::Left => (Metric::Deregistration, cx.bounds.deregistration),
            Gone::Crashed | Gone::Ended => (Metric::Exclusion, cx.bounds.exclusion),
        }
    }

    /// It is routed: waits for its bound to run out.
    fn wait(&mut self, cx: &mut Court) {
        let (_, bound) = self.bound(cx);
        let due = self.since.saturating_add(bound).max(cx.scene.now);
        self.deadline = Deadline::Ahead(due);
        cx.book.remind(due);
    }

    fn look(&self, cx: &Court) -> Deadline {
        let known = cx.scene.roster.get(self.instance, self.epoch);
        let Some(known) = known.filter(|known| known.status.is_routed()) else { return Deadline::None };
        if self.is_excused_for_good(cx.scene, known) {
            return Deadline::None;
        }
        let (_, bound) = self.bound(cx);
        match ran_out(cx.scene.now, bound, |since| !self.is_excused_since(cx.scene, since)) {
            RanOut::Now => Deadline::Missed(cx.scene.now),
            RanOut::NotBefore(due) => Deadline::Ahead(due),
        }
    }

    fn judge(&self, cx: &mut Court, known: &Registration, clause: &'static str) -> HopOne {
        let scene = cx.scene;
        let (metric, bound) = self.bound(cx);
        let measured = cx.scene.now - self.since;
        let is_excused =
            self.is_excused_for_good(scene, known) || self.is_excused_since(scene, scene.ago(bound));
        let was_missed = matches!(self.deadline, Deadline::Missed(_));
        let grounds = if was_missed || !is_excused { Grounds::Hold } else { Grounds::Fail };
        let standing = cx.weigh(metric, measured, Some(bound), grounds);
        if let (Standing::Violated, Some(registry)) = (standing, scene.roster.registry()) {
            let Registration { instance, epoch, node, .. } = *known;
            let gone = Fact::Gone { at: self.since, instance, epoch, node, how: self.how };
            let what = "time routed by the registry after it was gone";
            cx.book.violation(scene.now, clause, || Case {
                nodes: [registry, node].into(),
                resource: known.member,
                evidence: [known.fact(registry), gone]
                    .into_iter()
                    .chain(self.late_heartbeat(registry))
                    .chain([Fact::Bound { what, allowed: bound, measured }])
                    .collect(),
            });
        }
        HopOne { bound, standing }
    }

    /// The heartbeat that came too late, as evidence.
    fn late_heartbeat(&self, registry: NodeId) -> Option<Fact> {
        let (at, number) = self.late_heartbeat?;
        let (member, number, lease) = (self.member?, number?, self.lease);
        Some(Fact::HeartbeatArrived { at, registry, member, lease, number })
    }

    /// Whether something has spoilt its bound once and for all.
    fn is_excused_for_good(&self, scene: &Scene, known: &Registration) -> bool {
        let member = known.holder.unwrap_or(known.node);
        match self.how {
            // What the registry was told may be lost with its process, and is asked for again later.
            Gone::Left => {
                let late = |node: NodeId| scene.calm.late_since(node, self.since);
                !scene.registry_was_fit(self.since)
                    || late(member)
                    || scene.roster.registry().is_some_and(late)
                    || scene.calm.lost_since(member, Errand::Membership, self.since)
                    || !scene.calm.ran_since(member, self.since)
            }
            Gone::Crashed | Gone::Ended => known.has_sidecar(),
        }
    }

    /// Whether something from `since` to now excuses it.
    fn is_excused_since(&self, scene: &Scene, since: SimInstant) -> bool {
        self.late_heartbeat.is_some_and(|(late, _)| since <= late) || !scene.registry_was_fit(since)
    }
}
