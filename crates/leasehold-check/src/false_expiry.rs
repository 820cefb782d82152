//! I12: no lease of a live instance expires within the declared faults, beyond the budget.
//!
//! Source: docs/timing.md, section 7. The declared faults are those of
//! [`Envelope`](leasehold_core::bounds::Envelope): so many heartbeats of a member lost in a row, none that takes longer
//! than `heartbeat_delay`, no process that stands still for longer than so. What a registry then still expires, it
//! expires because the design is too tight, because heartbeats wait behind other messages (CockroachDB's liveness,
//! etcd PR 20492), or because they are on the thread that does the work (Kafka before KIP-62). A heartbeat counts from
//! when it arrives: that it then waited in the registry is no excuse, and that none was sent is not either.
//!
//! **Violations**, once the budget of the envelope is used up:
//!
//! * `live-member-expired`: a registry ordered the expiry of a lease although its member's processes ran.
//! * `able-instance-taken-out`: a registry listed an instance as critical, or revoked its lease for its health,
//!   although it had been able to do its work all the time.
//!
//! A member is dead while the process of its application, or of the sidecar that speaks for it, is; and it has left once
//! it asked to be deregistered, or let its registration go to register anew. Nor should it keep its lease while its work stands still (that is I14's).
//!
//! Since the last heartbeat that was counted, and `heartbeat_delay` before that, or since it was sent if that was even
//! earlier (its sender may have died meanwhile, and the next process knows nothing of the lease), these excuse:
//!
//! * more messages lost in a row than declared: heartbeats, or probes where the registry probes; and any word of the
//!   application to its sidecar;
//! * a heartbeat that took longer than declared, or is still under way after that long; where no heartbeats are
//!   sent, or a sidecar sends them, that messages may have been late;
//! * a process of the member or of the registry that stood still for longer than declared, was slow, or died;
//! * that the member may have learned of its lease never, or too late, because an answer was lost or may have been late:
//!   as long as no heartbeat under that lease has arrived, or the first may still wait in the registry;
//! * where an instance was taken out, that messages may have been late, or more probes lost than declared, within the last
//!   stretch of the length of `exclusion`, or of that which one more probe than may be lost takes: of a probe no event says
//!   when it was sent, that it is under way, or that it was answered;
//! * where an instance was listed as critical, that the registry's disk was slow within that stretch: it is told when it is
//!   durable, and was decided when it was true;
//! * the clocks of the registry and of the member, and the registry's disk.
//!
//! Judged: every order to expire a membership, every listing as critical, and each membership that lives in the end.

use alloc::collections::VecDeque;
use alloc::vec::Vec;

use leasehold_core::bounds::DiscoveryBounds;
use leasehold_core::event::{Assumption, ClaimEnd, EndCause, Health, RegistryEvent, Revocation, Status};
use leasehold_core::{LeaseId, Leg, NodeEvent, NodeId, Purpose, ResourceId, SimInstant, Span, WorldEvent};

use crate::assumptions::{CLOCKS, CLOCKS_AND_DISK};
use crate::book::{Book, Case};
use crate::calm::Errand;
use crate::checker::{Checker, Topics};
use crate::finding::Fact;
use crate::leases::Lease;
use crate::processes::Process;
use crate::roster::Registration;
use crate::scene::Scene;

/// How many heartbeats that have not arrived are remembered of a member.
///
/// Chosen by us: with more than that under way some were lost or held, and either is an excuse by then.
const UNDER_WAY: usize = 8;

/// Members and nodes are numbered from 0; beyond this number none is followed.
const MOST: usize = 1 << 16;

/// What is known of the heartbeats of one member.
#[derive(Clone, Debug, Default)]
struct Member {
    lease: LeaseId,
    /// Those of that lease that have not arrived: number, and when it left.
    under_way: VecDeque<(u64, SimInstant)>,
    /// How many were sent under that lease.
    sent: u64,
    /// How many were lost since the last that arrived.
    lost: u32,
    /// The most that were lost in a row since the last that was counted.
    lost_in_a_row: u32,
    /// When the last probes of it or answers to them were lost: one more than may be.
    probes_lost: VecDeque<SimInstant>,
    /// One took too long since the last that was counted.
    has_late: bool,
    last_arrived: Option<Fact>,
    /// When the last that arrived had left.
    arrived_sent: Option<SimInstant>,
    /// When the last that was counted had.
    counted_sent: Option<SimInstant>,
    left: Option<LeaseId>,
    unready_until: Option<SimInstant>,
    is_unready: bool,
}

/// What is known of a node's process and work.
#[derive(Clone, Copy, Debug, Default)]
struct Host {
    member: Option<ResourceId>,
    stopped_since: Option<SimInstant>,
    /// When the last of its troubles ended that was more than is declared.
    unfit_until: Option<SimInstant>,
    is_slow: bool,
    work_stopped: bool,
    /// When its last word to a sidecar was lost.
    word_lost: Option<SimInstant>,
}

/// Follows the heartbeats of all members.
#[derive(Debug, Default)]
pub(crate) struct FalseExpiry {
    members: Vec<Member>,
    hosts: Vec<Host>,
    /// How many there were so far.
    found: u32,
}

/// Why a lease ended that should not have, or what lets it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Plea {
    /// It was right to end.
    Dead,
    /// More went wrong than is declared.
    Excused,
    None,
}

impl FalseExpiry {
    fn member(&mut self, member: ResourceId) -> Option<&mut Member> {
        entry(&mut self.members, member.0 as usize)
    }

    fn host(&mut self, node: NodeId) -> &mut Host {
        entry(&mut self.hosts, node.index()).expect("node ids have 16 bits")
    }

    fn sent(&mut self, now: SimInstant, member: ResourceId, lease: LeaseId, number: u64) {
        let Some(member) = self.member(member) else { return };
        if member.lease != lease {
            // What was lost since the grant was perhaps the first of these: a loss is told as the message leaves.
            let before = core::mem::take(member);
            *member = Member {
                lease,
                lost: before.lost,
                lost_in_a_row: before.lost_in_a_row,
                probes_lost: before.probes_lost,
                left: before.left,
                unready_until: before.unready_until,
                is_unready: before.is_unready,
                ..Member::default()
            };
        }
        member.sent += 1;
        if member.under_way.len() == UNDER_WAY {
            member.under_way.pop_front();
        }
        member.under_way.push_back((number, now));
    }

    fn arrived(&mut self, scene: &Scene, registry: NodeId, event: &RegistryEvent, bounds: &DiscoveryBounds) {
        let RegistryEvent::HeartbeatArrived { member: of, lease, number } = *event else { return };
        let Some(member) = self.member(of).filter(|member| member.lease == lease) else { return };
        if let Some((_, sent)) = member.under_way.iter().find(|(sent, _)| *sent == number) {
            member.has_late |= scene.now - *sent > bounds.heartbeat_delay;
            member.arrived_sent = Some(*sent);
        }
        member.under_way.retain(|(sent, _)| *sent > number);
        member.lost = 0;
        member.last_arrived =
            Some(Fact::HeartbeatArrived { at: scene.now, registry, member: of, lease, number });
    }

    fn renewed(&mut self, member: ResourceId) {
        if let Some(member) = self.member(member) {
            if member.sent == 0 {
                member.lost = 0;
            }
            member.lost_in_a_row = member.lost;
            member.has_late = false;
            member.counted_sent = member.arrived_sent;
        }
    }

    fn lost(&mut self, node: NodeId) {
        if let Some(member) = self.host(node).member.and_then(|member| self.member(member)) {
            member.lost = member.lost.saturating_add(1);
            member.lost_in_a_row = member.lost_in_a_row.max(member.lost);
        }
    }

    fn lost_probe(&mut self, now: SimInstant, node: NodeId, allowed: u32) {
        if let Some(member) = self.host(node).member.and_then(|member| self.member(member)) {
            if member.probes_lost.len() > allowed as usize {
                member.probes_lost.pop_front();
            }
            member.probes_lost.push_back(now);
        }
    }

    /// A node's process, or its work, was in a trouble that ends now; `since` says since when, if its length matters.
    fn recovers(&mut self, now: SimInstant, node: NodeId, since: Option<SimInstant>, allowed: Span) {
        if since.is_none_or(|since| now - since > allowed) {
            self.host(node).unfit_until = Some(now);
        }
    }

    fn is_unfit(&self, scene: &Scene, node: NodeId, since: SimInstant, allowed: Span) -> bool {
        self.hosts.get(node.index()).is_some_and(|host| {
            host.is_slow
                || host.stopped_since.is_some_and(|stopped| scene.now - stopped > allowed)
                || host.unfit_until.is_some_and(|until| since <= until)
        })
    }

    /// What speaks for the end of a lease.
    fn plea(&self, scene: &Scene, lease: &Lease, bounds: &DiscoveryBounds) -> Plea {
        let Some(holder) = lease.holder else { return Plea::Excused };
        let member = self.members.get(lease.resource.0 as usize);
        let in_time =
            SimInstant::START + lease.term_began.since_start().saturating_sub(bounds.heartbeat_delay);
        let of_lease = member.filter(|member| member.lease == lease.id);
        let since = of_lease.and_then(|member| member.counted_sent).map_or(in_time, |sent| sent.min(in_time));
        let applications = || scene.roster.of_lease(lease.id).map(|registration| registration.node);
        let nodes = || applications().chain([holder]);
        let works = |node: NodeId| !self.hosts.get(node.index()).is_some_and(|host| host.work_stopped);
        let lives = |node: NodeId| scene.processes.of(node).is_up() && works(node);
        if !nodes().all(lives) || member.is_some_and(|member| member.left == Some(lease.id)) {
            return Plea::Dead;
        }
        let clocks = |node: NodeId| scene.assumptions.excused_since(node, since, &CLOCKS);
        let unfit = |node: NodeId| self.is_unfit(scene, node, since, bounds.envelope.pause);
        let word_lost = |node: NodeId| {
            let lost = self.hosts.get(node.index()).and_then(|host| host.word_lost);
            node != holder && lost.is_some_and(|lost| since <= lost)
        };
        let is_excused = unfit(lease.grantor)
            || scene.assumptions.excused_since(lease.grantor, since, &CLOCKS_AND_DISK)
            || nodes().any(|node| unfit(node) || clocks(node) || word_lost(node))
            || (applications().any(|node| node != holder)
                && nodes().chain([lease.grantor]).any(|node| scene.calm.late_since(node, since)))
            || self.were_lost_or_late(scene, lease, holder, since, bounds);
        if is_excused { Plea::Excused } else { Plea::None }
    }

    fn were_lost_or_late(
        &self,
        scene: &Scene,
        lease: &Lease,
        holder: NodeId,
        since: SimInstant,
        bounds: &DiscoveryBounds,
    ) -> bool {
        let known = self.members.get(lease.resource.0 as usize);
        let sent = known.filter(|member| member.lease == lease.id && member.sent > 0);
        let lost = known.is_some_and(|member| member.lost_in_a_row > bounds.envelope.lost_in_a_row);
        let learned_late = || {
            [holder, lease.grantor].into_iter().any(|node| scene.calm.late_since(node, since))
                || scene.calm.lost_since(holder, Errand::Membership, lease.granted_at)
        };
        let Some(member) = sent else { return lost || learned_late() };
        // The first heartbeat may still wait in the registry.
        let may_wait = member.arrived_sent.is_some_and(|sent| scene.now - sent <= bounds.heartbeat_delay);
        let is_first = member.counted_sent.is_none() && may_wait;
        if (member.last_arrived.is_none() || is_first) && learned_late() {
            return true;
        }
        let too_long = |(_, sent): &&(u64, SimInstant)| scene.now - *sent > bounds.heartbeat_delay;
        let under_way = member.under_way.iter().filter(too_long).count();
        lost || member.has_late || under_way > member.lost as usize
    }

    fn expired(&mut self, scene: &Scene, lease: &Lease, bounds: &DiscoveryBounds, book: &mut Book) {
        match self.plea(scene, lease, bounds) {
            Plea::Dead => book.judge(),
            Plea::Excused => book.excuse(),
            Plea::None => {
                book.judge();
                self.found += 1;
                if self.found <= bounds.envelope.budget {
                    return;
                }
                let order = Fact::EndOrdered {
                    at: scene.now,
                    grantor: lease.grantor,
                    lease: lease.id,
                    resource: lease.resource,
                    cause: EndCause::Expired,
                };
                let member = self.members.get(lease.resource.0 as usize);
                let arrived = member.and_then(|member| member.last_arrived);
                book.violation(scene.now, "live-member-expired", || Case {
                    nodes: [lease.grantor].into_iter().chain(lease.holder).collect(),
                    resource: Some(lease.resource),
                    evidence: [lease.term()].into_iter().chain(arrived).chain([order]).collect(),
                });
            }
        }
    }

    /// A registry found that an instance cannot do its work.
    fn taken_out(
        &mut self,
        scene: &Scene,
        lease: &Lease,
        told: Fact,
        bounds: &DiscoveryBounds,
        book: &mut Book,
    ) {
        let member = self.members.get(lease.resource.0 as usize);
        let lag = scene.ago(bounds.exclusion);
        let was_unable = member.is_some_and(|member| {
            member.is_unready || member.unready_until.is_some_and(|until| lag <= until)
        });
        if was_unable {
            book.judge();
            return;
        }
        let applications = scene.roster.of_lease(lease.id).map(|registration| registration.node);
        let mut ends = applications.chain(lease.holder).chain([lease.grantor]);
        let probed = scene.ago(bounds.exclusion.max(bounds.envelope.probes_within));
        let probed_late = ends.any(|node| scene.calm.late_since(node, probed));
        let allowed = bounds.envelope.probes_lost_in_a_row as usize;
        let probed_in_vain = member.is_some_and(|member| {
            member.probes_lost.iter().filter(|lost| probed <= **lost).count() > allowed
        });
        // A change of status waits for the disk to be told. That a lease is revoked is told as it is decided.
        let told_late = matches!(told, Fact::StatusChanged { .. })
            && scene.assumptions.excused_since(lease.grantor, lag, &[Assumption::DiskTimely]);
        match self.plea(scene, lease, bounds) {
            Plea::Dead => book.judge(),
            Plea::Excused => book.excuse(),
            Plea::None if probed_late || probed_in_vain || told_late => book.excuse(),
            Plea::None => {
                book.judge();
                self.found += 1;
                if self.found > bounds.envelope.budget {
                    book.violation(scene.now, "able-instance-taken-out", || Case {
                        nodes: [lease.grantor].into_iter().chain(lease.holder).collect(),
                        resource: Some(lease.resource),
                        evidence: [lease.term(), told].into(),
                    });
                }
            }
        }
    }

    fn hear_member(&mut self, now: SimInstant, node: NodeId, event: &RegistryEvent) {
        match *event {
            RegistryEvent::HeartbeatSent { member, lease, number } => {
                self.host(node).member = Some(member);
                self.sent(now, member, lease, number);
            }
            RegistryEvent::DeregistrationSent { member, lease } => {
                if let Some(member) = self.member(member) {
                    member.left = Some(lease);
                }
            }
            RegistryEvent::WorkStopped { .. } => self.host(node).work_stopped = true,
            RegistryEvent::WorkWentOn { .. } => {
                let host = self.host(node);
                (host.work_stopped, host.unfit_until) = (false, Some(now));
            }
            RegistryEvent::ReadinessChanged { member, readiness } => {
                if let Some(member) = self.member(member) {
                    member.is_unready = readiness == Health::NotReady;
                    member.unready_until = Some(now);
                }
            }
            _ => {}
        }
    }
}

fn entry<T: Clone + Default>(table: &mut Vec<T>, place: usize) -> Option<&mut T> {
    if place >= MOST {
        return None;
    }
    if table.len() <= place {
        table.resize(place + 1, T::default());
    }
    table.get_mut(place)
}

impl Checker for FalseExpiry {
    fn topics(&self) -> Topics {
        Topics::LEASES.and(Topics::CLAIMS).and(Topics::REGISTRY).and(Topics::PROCESSES).and(Topics::LOSSES)
    }

    fn on_node(&mut self, scene: &Scene, node: NodeId, event: &NodeEvent, book: &mut Book) {
        let Some(bounds) = scene.bounds.discovery else { return };
        match *event {
            NodeEvent::Registry(ref event) => match *event {
                RegistryEvent::HeartbeatArrived { .. } => self.arrived(scene, node, event, &bounds),
                RegistryEvent::Registered { lease, node: application, .. } => {
                    let member = scene.leases.live(node, lease).map(|lease| lease.resource);
                    let host = self.host(application);
                    host.member = host.member.or(member);
                }
                RegistryEvent::StatusChanged {
                    instance,
                    epoch,
                    status: status @ Status::Critical,
                    revision,
                } => {
                    let known = scene.roster.get(instance, epoch).filter(|known| known.status.is_routed());
                    let lease = known.and_then(|known: &Registration| scene.leases.live(node, known.lease));
                    if let Some(lease) = lease {
                        let (at, registry) = (scene.now, node);
                        let told = Fact::StatusChanged { at, registry, instance, epoch, status, revision };
                        self.taken_out(scene, lease, told, &bounds, book);
                    }
                }
                _ => self.hear_member(scene.now, node, event),
            },
            NodeEvent::Granted { resource, holder, .. } => {
                self.host(holder).member = Some(resource);
                if let Some(member) = self.member(resource) {
                    (member.lost, member.lost_in_a_row) = (0, 0);
                }
            }
            // A sidecar does so when it finds another process of its application, and registers that one.
            NodeEvent::ClaimEnded { resource, token, reason: ClaimEnd::Released, .. } => {
                let lease = scene.leases.latest(resource).filter(|lease| lease.token == token);
                if let (Some(lease), Some(member)) = (lease, self.member(resource)) {
                    member.left = Some(lease.id);
                }
            }
            NodeEvent::Renewed { resource, .. } => self.renewed(resource),
            NodeEvent::EndOrdered { resource, lease, cause } if scene.roster.is_of(node) => {
                let Some(lease) = scene.leases.live(node, lease) else { return };
                match cause {
                    EndCause::Expired => self.expired(scene, lease, &bounds, book),
                    EndCause::Revoked { reason: Revocation::HealthCheck } => {
                        let (at, grantor, lease_id) = (scene.now, node, lease.id);
                        let told = Fact::EndOrdered { at, grantor, lease: lease_id, resource, cause };
                        self.taken_out(scene, lease, told, &bounds, book);
                    }
                    EndCause::Released { .. } | EndCause::Revoked { .. } => {}
                }
            }
            _ => {}
        }
    }

    fn on_world(&mut self, scene: &Scene, node: Option<NodeId>, event: &WorldEvent, _: &mut Book) {
        let (Some(node), Some(bounds)) = (node, scene.bounds.discovery) else { return };
        let (now, allowed) = (scene.now, bounds.envelope.pause);
        match *event {
            WorldEvent::MessageLost { purpose: Purpose::Renew, leg: Leg::Request, .. } => self.lost(node),
            WorldEvent::MessageLost { purpose: Purpose::Probe, to, .. } => {
                for end in [node, to] {
                    self.lost(end);
                    self.lost_probe(now, end, bounds.envelope.probes_lost_in_a_row);
                }
            }
            WorldEvent::MessageLost { purpose: Purpose::Other, .. } => self.host(node).word_lost = Some(now),
            WorldEvent::Paused | WorldEvent::Suspended => {
                self.host(node).stopped_since.get_or_insert(now);
            }
            WorldEvent::Resumed => {
                let since = self.host(node).stopped_since.take();
                if since.is_some() {
                    self.recovers(now, node, since, allowed);
                }
            }
            WorldEvent::Crashed => self.host(node).stopped_since = None,
            WorldEvent::Restarted { .. } => {
                self.host(node).work_stopped = false;
                self.recovers(now, node, None, allowed);
            }
            WorldEvent::Throttled => self.host(node).is_slow = true,
            WorldEvent::Unthrottled => {
                self.host(node).is_slow = false;
                self.recovers(now, node, None, allowed);
            }
            _ => {}
        }
    }

    fn finish(&mut self, scene: &Scene, book: &mut Book) {
        let Some(registry) = scene.roster.registry() else { return };
        if scene.bounds.discovery.is_some() && scene.processes.of(registry) == Process::Running {
            scene.leases.all_live().filter(|lease| lease.grantor == registry).for_each(|_| book.judge());
        }
    }
}

#[cfg(test)]
mod tests;
