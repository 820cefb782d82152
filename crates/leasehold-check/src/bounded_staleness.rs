//! I10: no view answers with an instance that is gone, or lacks one that is new, for longer than the bound.
//!
//! Source: docs/timing.md, section 7. Staleness is judged where somebody can be misled by it: at lookups that were
//! answered as fresh. What a client answers as stale, saying so, is not judged, nor is a view that nobody asks.
//!
//! An instance is gone when its process has died or its member has asked to be deregistered; if the registry ends its
//! registration for another reason, from then on. Two hops lead from there to the last wrong answer:
//!
//! * *Hop one*: from then until the registry routes the instance no more, because its registration ended or it became
//!   suspect or critical. Bound: [`DiscoveryBounds::exclusion`](leasehold_core::bounds::DiscoveryBounds::exclusion),
//!   or `deregistration` if the member asked for it.
//! * *Hop two*: from then until the last fresh answer from a view that still lists it as passing, in that registration,
//!   or until the registry routes it again: a view tells registrations apart by instance and epoch, and so does this.
//!   Also judged of instances that are not gone. Bound: the least of `watch`, `dead_watch` and `cache` of those that
//!   hold.
//!
//! Both together are measured against both bounds together, and not judged: where each hop is in time, so are both. In the
//! other direction, a view that was there before shows a new registration within `visibility`.
//!
//! **Violations**
//!
//! * `listed-too-long`, `never-excluded`: hop one took longer; the second if the run ended before the registry had
//!   noticed.
//! * `answered-too-long`: hop two took longer. It is found at the first such answer.
//! * `listed-what-never-was`: a view lists as passing what the registry never had, as far as is remembered.
//! * `shown-too-late`, `never-shown`: a view came to list a new registration too late, or not at all before it ended or
//!   the run did.
//!
//! **What a bound relies on.** A measurement beyond its bound is *outside* instead of a violation if something was not
//! so that the bound relies on:
//!
//! * Hop one: it takes a stretch of the bound's length in which nothing was wrong, and once there was one, nothing excuses
//!   what follows. In it the registry ran at its ordinary speed, swept in time, and
//!   no assumption about its clocks and disk was broken; and no heartbeat that had been sent before the instance was
//!   gone arrived later than `heartbeat_delay` after that, whether it was routed meanwhile or not. A heartbeat that no
//!   event says to have been sent left in the step that a crash cut short. A guard that withholds ends is no excuse: its limit is in
//!   the bound. A deregistration moreover needs that no message of its kind to or from the member was lost, that none
//!   may have been late, and that the registry ran ever since it was asked: its process may have forgotten it. An application whose sidecar goes on is not judged here: that is I14's.
//! * Hop two, by a watch: since long enough before for a dead watch to be replaced, no query or watch message to or from
//!   the client, or any follower, was lost, none may have been late, the client missed nothing by its own account, and
//!   client, followers and registry ran at their ordinary speed. By a dead watch: the same, from the change on. By the
//!   cache: nothing of that, so it is what a client's own guard promises whatever the network does. For all of them the
//!   clocks of client, followers and registry.
//! * Visibility: as for a watch.
//!
//! **What cannot be known from events.** That a message is late, no event says. So as long as a fault is at work that can
//! delay messages, anywhere, all of them are taken to be late, until they have had time to arrive. Which source a client
//! asks is not said, so any follower's trouble is every client's.
//!
//! **A frozen cache** is reported by whoever keeps it. It does not run as it should, so what a watch promises and
//! visibility are not judged. The cache bound is: a view that is not brought up to date must become too old.
//!
//! Judged: each measurement. Closest call: the least that was left of a bound. Measured: both hops, both together,
//! visibility, and how many calls went to each instance that is gone, for which there is no bound: not to one that left,
//! for it answers while it drains; and of nothing if nobody calls.

mod calls;
mod departure;
mod lingering;
#[cfg(test)]
mod tests;
mod views;
mod visibility;

use leasehold_core::event::{DiscoveryEvent, RegistryEvent, Status};
use leasehold_core::trace::Header;
use leasehold_core::{DiscoveryBounds, NodeEvent, NodeId, Span, WorldEvent};

use crate::book::Book;
use crate::checker::{Checker, Topics};
use crate::finding::Gone;
use crate::measure::Standing;
use crate::metric::Metric;
use crate::roster::Registration;
use crate::scene::Scene;

use calls::Calls;
use departure::{Departed, Departure};
use lingering::Lingering;
use views::Views;

/// Follows each instance from when it is gone to the last answer with it.
#[derive(Debug)]
pub(crate) struct BoundedStaleness {
    lingering: Lingering,
    departed: Departed,
    views: Views,
    calls: Calls,
}

impl BoundedStaleness {
    pub(crate) fn new(header: &Header) -> Self {
        Self {
            lingering: Lingering::default(),
            departed: Departed::default(),
            views: Views::new(header),
            calls: Calls::default(),
        }
    }

    /// A registration is gone now.
    fn gone(&mut self, cx: &mut Court, known: &Registration, how: Gone) {
        self.lingering.push(cx, known, cx.scene.now, how);
        self.calls.gone(cx, known.instance, known.epoch, how);
    }

    /// The registry routes a registration no more.
    fn excluded(&mut self, cx: &mut Court, registration: &Registration, ended: Option<Gone>) {
        let first = self.lingering.excluded(cx, registration);
        let gone = registration.gone.or_else(|| ended.map(|how| (cx.scene.now, how)));
        let departure = Departure::new(registration, gone, first, cx.scene.now);
        self.departed.push(departure);
        self.views.departed(&departure);
    }

    fn hear_registry(&mut self, cx: &mut Court, node: NodeId, event: &RegistryEvent) {
        let scene = cx.scene;
        match *event {
            RegistryEvent::HeartbeatSent { member, lease, number } => {
                self.lingering.sent(member, lease, number);
                self.lingering.lives_again(scene, lease);
            }
            RegistryEvent::DeregistrationSent { lease, .. } => {
                for known in scene.roster.of_lease(lease).filter(|known| known.gone.is_none()) {
                    self.gone(cx, known, Gone::Left);
                }
            }
            _ if !scene.roster.is_of(node) => {}
            RegistryEvent::SweptLate { late } => self.lingering.swept_late(cx, scene.swept_late_since(late)),
            RegistryEvent::HeartbeatArrived { lease, number, .. } => {
                self.lingering.heartbeat(cx, lease, Some(number));
            }
            RegistryEvent::Registered { .. } | RegistryEvent::RegistrationRecovered { .. } => {
                let new = scene.roster.begun_by(scene.now, event, &scene.leases, &scene.processes);
                new.into_iter().for_each(|new| self.began(cx, &new));
            }
            RegistryEvent::StatusChanged { instance, epoch, status, .. } => {
                if let Some(known) = scene.roster.get(instance, epoch) {
                    self.changed(cx, known, status);
                }
            }
            RegistryEvent::Deregistered { instance, epoch, .. } => {
                if let Some(known) = scene.roster.get(instance, epoch) {
                    self.ended(cx, known);
                }
            }
            RegistryEvent::RevisionRecovered { .. } => {
                scene.roster.unrecovered().for_each(|known| self.ended(cx, known));
            }
            _ => {}
        }
    }

    fn began(&mut self, cx: &mut Court, new: &Registration) {
        if let Some(known) = cx.scene.roster.get(new.instance, new.epoch) {
            self.changed(cx, known, new.status);
            return;
        }
        // A registry that lost its disk may give an epoch again that it gave before. Whoever still lists that is right.
        if new.status.is_routed() && self.departed.get(new.instance, new.epoch).is_some() {
            self.views.routed_again(cx, new);
        }
        if let Some((_, how)) = new.gone {
            self.gone(cx, new, how);
        }
    }

    fn changed(&mut self, cx: &mut Court, known: &Registration, status: Status) {
        match (known.status.is_routed(), status.is_routed()) {
            (true, false) => self.excluded(cx, known, None),
            (false, true) => {
                self.views.routed_again(cx, known);
                if let Some((since, how)) = known.gone {
                    self.lingering.push(cx, known, since, how);
                }
            }
            _ => {}
        }
    }

    fn ended(&mut self, cx: &mut Court, known: &Registration) {
        self.views.ended(cx, known);
        if known.gone.is_none() {
            self.calls.gone(cx, known.instance, known.epoch, Gone::Ended);
        }
        if known.status.is_routed() {
            self.excluded(cx, known, Some(Gone::Ended));
        }
        self.lingering.ended(known);
    }

    fn hear_view(&mut self, cx: &mut Court, node: NodeId, event: &DiscoveryEvent) {
        match *event {
            DiscoveryEvent::ViewListed { instance, epoch, status } => {
                self.views.lists(cx, &self.departed, node, instance, (epoch, status));
            }
            DiscoveryEvent::ViewDropped { instance, epoch } => self.views.drops(cx, node, instance, epoch),
            DiscoveryEvent::ViewAdvanced { .. } => self.views.advanced(cx.scene.now, node),
            DiscoveryEvent::LookupAnswered { asked, answer, .. } => {
                // What a stop held back was answered before it.
                let when = cx.scene.when(node).decided_since;
                self.views.answered(cx, when, node, asked, answer);
            }
            DiscoveryEvent::CallSent { instance, epoch, .. } => {
                self.calls.somebody_calls();
                let is_listed = cx.scene.roster.get(instance, epoch);
                if is_listed.is_none_or(|known| known.gone.is_some()) {
                    self.calls.called(cx, instance, epoch);
                }
            }
            _ => {}
        }
    }
}

impl Checker for BoundedStaleness {
    fn topics(&self) -> Topics {
        Topics::REGISTRY.and(Topics::VIEWS).and(Topics::PROCESSES).and(Topics::LEASES)
    }

    fn on_node(&mut self, scene: &Scene, node: NodeId, event: &NodeEvent, book: &mut Book) {
        let Some(bounds) = scene.bounds.discovery else { return };
        let cx = &mut Court { scene, bounds, book };
        match *event {
            NodeEvent::Registry(ref event) => self.hear_registry(cx, node, event),
            NodeEvent::Discovery(ref event) => self.hear_view(cx, node, event),
            NodeEvent::Renewed { lease, .. } if scene.roster.is_of(node) => {
                self.lingering.heartbeat(cx, lease, None);
            }
            _ => {}
        }
    }

    fn on_world(&mut self, scene: &Scene, node: Option<NodeId>, event: &WorldEvent, book: &mut Book) {
        let (Some(node), Some(bounds)) = (node, scene.bounds.discovery) else { return };
        if !matches!(event, WorldEvent::Crashed) {
            return;
        }
        let cx = &mut Court { scene, bounds, book };
        for known in scene.roster.of_node(node).filter(|known| known.gone.is_none()) {
            self.gone(cx, known, Gone::Crashed);
        }
        self.views.crashed(cx, node);
    }

    fn on_time(&mut self, scene: &Scene, book: &mut Book) {
        let Some(bounds) = scene.bounds.discovery else { return };
        self.lingering.on_time(&mut Court { scene, bounds, book });
    }

    fn finish(&mut self, scene: &Scene, book: &mut Book) {
        let Some(bounds) = scene.bounds.discovery else { return };
        let cx = &mut Court { scene, bounds, book };
        self.lingering.finish(cx);
        self.views.finish(cx);
        self.calls.finish(cx);
    }
}

/// What a judgement needs.
struct Court<'a> {
    scene: &'a Scene,
    bounds: DiscoveryBounds,
    book: &'a mut Book,
}

/// Whether what a bound relies on was so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Grounds {
    Hold,
    Fail,
}

/// What a length says about its bound.
fn standing(value: Span, bound: Option<Span>, grounds: Grounds) -> Standing {
    match bound {
        Some(bound) if value > bound && grounds == Grounds::Fail => Standing::Outside,
        Some(bound) if value > bound => Standing::Violated,
        Some(_) | None => Standing::InBound,
    }
}

impl Court<'_> {
    /// Weighs a length against its bound, and writes down what comes of it. Without a bound anything is fine.
    fn weigh(&mut self, metric: Metric, value: Span, bound: Option<Span>, grounds: Grounds) -> Standing {
        let standing = standing(value, bound, grounds);
        match (standing, bound) {
            (Standing::Outside, _) => self.book.excuse(),
            (Standing::InBound, Some(bound)) => {
                self.book.judge();
                self.book.slack(bound - value, Some(bound));
            }
            (Standing::InBound, None) => {}
            (Standing::Violated, _) => self.book.judge(),
        }
        self.measure(metric, value.as_nanos(), bound.map(Span::as_nanos), standing);
        standing
    }

    fn measure(&mut self, metric: Metric, value: u64, bound: Option<u64>, standing: Standing) {
        self.book.measure(self.scene.now, metric, value, bound, standing);
    }
}
