//! Listening to a failing run for what bears on its failure.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use leasehold_check::Finding;
use leasehold_core::event::{Claim, LossCause, NodeEvent, WorldEvent};
use leasehold_core::{Event, EventKind, FaultId, NodeId, SimInstant};
use leasehold_scenario::Observer;

use super::fleet::{Belief, Fleet};
use super::focus::{Ending, Focus};
use super::tenure::{Routine, TenureId, Tenures};
use super::{Loss, LostMessages, Moment};

/// So many events are kept at most, the latest. Chosen by us: a story has twenty sentences.
const MOST_KEPT: usize = 512;

/// So many tenures are told where the evidence names none, the latest.
const WIDE: usize = 3;

/// Keeps what may have to be told. What it is about is known before: the run is run for the second time.
pub(super) struct Chronicle<'e> {
    ending: &'e Ending,
    focus: Focus,
    /// The faults that are told of.
    faults: &'e [FaultId],
    tenures: Tenures,
    routine: BTreeMap<TenureId, Routine>,
    /// What there is of a registry, its members and its views.
    fleet: Fleet,
    /// Whether there is a registry: then leases are those of members, of which only those in the evidence matter.
    has_registry: bool,
    kept: VecDeque<(Event, Option<TenureId>)>,
    lost: Vec<(Loss, LostMessages)>,
    /// The tenures that began last, for a failure whose evidence names none.
    latest: VecDeque<TenureId>,
}

impl<'e> Chronicle<'e> {
    pub(super) fn new(ending: &'e Ending, faults: &'e [FaultId]) -> Self {
        Self {
            ending,
            focus: Focus::of(ending),
            faults,
            tenures: Tenures::default(),
            routine: BTreeMap::new(),
            fleet: Fleet::default(),
            has_registry: false,
            kept: VecDeque::new(),
            lost: Vec::new(),
            latest: VecDeque::new(),
        }
    }

    /// What is to be told, in the order of time, and what everybody believed at its end.
    pub(super) fn finish(self) -> (Vec<Moment>, Vec<Belief>) {
        let told = self.told();
        let mut nodes = self.focus.nodes.clone();
        for (event, tenure) in &self.kept {
            if tenure.is_some_and(|tenure| told.contains(&tenure)) {
                nodes.extend(event.node);
                if let EventKind::Node(NodeEvent::Granted { holder, .. }) = event.kind {
                    nodes.insert(holder);
                }
            }
        }
        let begins = self.kept.iter().find(|(_, tenure)| tenure.is_some_and(|tenure| told.contains(&tenure)));
        let begins = begins.map_or(SimInstant::START, |(event, _)| event.at);
        let mut moments: Vec<Moment> = Vec::new();
        for (event, tenure) in &self.kept {
            let bears = match tenure {
                Some(tenure) => told.contains(tenure),
                None => self.bears(event, &nodes, begins),
            };
            if bears {
                moments.push(Moment::Event(*event));
            }
        }
        for (tenure, routine) in self.routine.iter().filter(|(tenure, _)| told.contains(tenure)) {
            if routine.renewed.0 + routine.heard.0 > 0 {
                moments.push(Moment::Renewals(*tenure, self.tenures.lease(*tenure), *routine));
            }
            if routine.wrote.0 > 0 && self.focus.is_about_work {
                moments.push(Moment::Writes(*tenure, *routine));
            }
        }
        let between = |loss: &Loss| nodes.contains(&loss.from) && nodes.contains(&loss.to);
        let lost = self
            .lost
            .iter()
            .filter(|(loss, lost)| between(loss) && lost.last >= begins && lost.first < self.ending.at);
        moments.extend(lost.map(|(loss, lost)| Moment::Lost(*loss, *lost)));
        moments.extend(self.fleet.late().map(|late| Moment::Late(*late)));
        if self.focus.instances.is_empty() {
            let told = |event: &Event| self.kept.iter().any(|(known, _)| known == event);
            moments
                .extend(self.fleet.latest().filter(|event| !told(event)).map(|event| Moment::Event(*event)));
        }
        moments.sort_by_key(Moment::at);
        (moments, self.fleet.beliefs(&self.focus))
    }

    /// The tenures that the evidence names.
    fn told(&self) -> BTreeSet<TenureId> {
        if self.focus.is_wide() {
            if self.has_registry {
                return BTreeSet::new();
            }
            return self.latest.iter().copied().collect();
        }
        let resource = self.ending.resource;
        let named = self.focus.leases.iter().filter_map(|lease| self.tenures.of_lease(resource, *lease));
        let mut told: BTreeSet<TenureId> = named.collect();
        for token in &self.focus.tokens {
            // The latest with this token, unless another with it is named.
            let known = self.kept.iter().filter_map(|(_, tenure)| *tenure);
            let fits = |tenure: &TenureId| {
                tenure.token == *token && resource.is_none_or(|resource| resource == tenure.resource)
            };
            if !told.iter().any(fits) {
                told.extend(known.filter(fits).max());
            }
        }
        told
    }

    /// Whether an event that is of no tenure is to be told.
    fn bears(&self, event: &Event, nodes: &BTreeSet<NodeId>, begins: SimInstant) -> bool {
        let EventKind::World(seen) = event.kind else { return true };
        match seen {
            WorldEvent::FaultFired { fault }
            | WorldEvent::FaultLanded { fault }
            | WorldEvent::FaultHealed { fault } => self.faults.contains(&fault),
            // What a fault did to a node before all this began still has to be told if the fault is.
            _ => {
                event.node.is_some_and(|node| nodes.contains(&node))
                    && (event.at >= begins || self.is_done_by_a_fault(event))
            }
        }
    }

    fn is_done_by_a_fault(&self, event: &Event) -> bool {
        self.kept.iter().any(|(other, _)| {
            let EventKind::World(
                WorldEvent::FaultLanded { fault: by } | WorldEvent::FaultHealed { fault: by },
            ) = other.kind
            else {
                return false;
            };
            (other.at, other.node) == (event.at, event.node) && self.faults.contains(&by)
        })
    }

    fn keep(&mut self, event: &Event, tenure: Option<TenureId>) {
        if self.kept.len() == MOST_KEPT {
            self.kept.pop_front();
        }
        self.kept.push_back((*event, tenure));
    }

    fn concerns(&self, tenure: TenureId) -> bool {
        let is_of_it = self.ending.resource.is_none_or(|resource| resource == tenure.resource);
        let is_named = self.focus.tokens.contains(&tenure.token)
            || self.tenures.lease(tenure).is_some_and(|lease| self.focus.leases.contains(&lease));
        is_of_it && (is_named || self.focus.is_wide())
    }

    fn is_evidence(&self, event: &Event) -> bool {
        match (event.kind, event.node) {
            // It may have left long before it arrived.
            (EventKind::Node(NodeEvent::EffectIssued { token, op, .. }), Some(writer)) => {
                self.focus.effects.contains(&(writer, token, op))
            }
            (EventKind::Node(NodeEvent::RenewalAcknowledged { .. }), _) if !self.focus.is_about_answers => {
                false
            }
            (EventKind::Node(NodeEvent::Asked { .. } | NodeEvent::Told { .. }), _)
                if !self.focus.is_about_operations =>
            {
                false
            }
            _ => self.focus.instants.contains(&event.at),
        }
    }

    fn hear_tenure(&mut self, event: &Event, tenure: TenureId) {
        if !self.concerns(tenure) {
            return;
        }
        if self.focus.is_wide() && !self.latest.contains(&tenure) {
            self.latest.push_back(tenure);
            if self.latest.len() > WIDE
                && let Some(old) = self.latest.pop_front()
            {
                self.routine.remove(&old);
            }
        }
        let is_evidence = self.is_evidence(event);
        let routine = self.routine.entry(tenure).or_default();
        match (event.kind, event.node) {
            (EventKind::Node(NodeEvent::Renewed { ttl, .. }), _) => {
                routine.renewed = (routine.renewed.0 + 1, Some((event.at, ttl)));
            }
            (EventKind::Node(NodeEvent::ClaimRenewed(Claim { deadline, .. })), Some(node)) => {
                routine.heard = (routine.heard.0 + 1, Some((event.at, node, deadline)));
            }
            (EventKind::Node(NodeEvent::EffectAccepted { writer, replaced, .. }), _) if !is_evidence => {
                routine.wrote = (routine.wrote.0 + 1, Some((event.at, writer, replaced.next())));
            }
            (EventKind::Node(said), _) if is_evidence || is_a_turn(&said) => self.keep(event, Some(tenure)),
            (EventKind::World(_), _) => self.keep(event, Some(tenure)),
            (EventKind::Node(_), _) => {}
        }
    }

    fn hear_loss(&mut self, event: &Event) {
        if let EventKind::World(WorldEvent::MessageLost { to, purpose, leg, cause }) = event.kind
            && let Some(from) = event.node
            && cause != LossCause::Noise
        {
            let loss = Loss { from, to, purpose, leg, cause };
            match self.lost.iter_mut().find(|(known, _)| *known == loss) {
                Some((_, lost)) => *lost = LostMessages { last: event.at, count: lost.count + 1, ..*lost },
                None => self.lost.push((loss, LostMessages { first: event.at, last: event.at, count: 1 })),
            }
        }
    }
}

/// Whether an event changes who holds or claims, rather than to go on with it.
const fn is_a_turn(said: &NodeEvent) -> bool {
    matches!(
        said,
        NodeEvent::Granted { .. }
            | NodeEvent::Recovered { .. }
            | NodeEvent::Ended { .. }
            | NodeEvent::ClaimStarted(_)
            | NodeEvent::ClaimEnded { .. }
    )
}

impl Observer for Chronicle<'_> {
    fn event(&mut self, event: &Event) {
        if event.at > self.ending.at {
            return;
        }
        if let EventKind::Node(NodeEvent::Registry(_)) = event.kind {
            self.has_registry = true;
        }
        if self.fleet.hear(&self.focus, event) {
            self.keep(event, None);
            return;
        }
        if let Some(tenure) = self.tenures.of(event) {
            self.hear_tenure(event, tenure);
            return;
        }
        match event.kind {
            EventKind::World(WorldEvent::MessageLost { .. }) => self.hear_loss(event),
            EventKind::World(
                WorldEvent::Started
                | WorldEvent::PhaseEntered { .. }
                | WorldEvent::AssumptionBroken { .. }
                | WorldEvent::AssumptionRestored { .. },
            )
            | EventKind::Node(_) => {}
            EventKind::World(_) => self.keep(event, None),
        }
    }

    fn finding(&mut self, _: &Finding) {}
}
