//! Registrations that a registry routes no more.

use alloc::vec::Vec;

use leasehold_core::id::{Capabilities, Epoch, InstanceId, ServiceId};
use leasehold_core::{NodeId, ResourceId, SimInstant, Span};

use crate::finding::{Fact, Gone};
use crate::measure::Standing;
use crate::roster::Registration;

/// How many departures of one instance are remembered, for views that come to list it although it has gone.
///
/// Chosen by us: few views lag by more.
const REMEMBERED: usize = 4;

/// Instances are numbered from 0; beyond this number none is followed.
const MOST: usize = 1 << 16;

/// What came of the first hop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct HopOne {
    pub(super) bound: Span,
    pub(super) standing: Standing,
}

impl HopOne {
    /// There is none: the registry itself ended it.
    pub(super) const NONE: Self = Self { bound: Span::ZERO, standing: Standing::InBound };
}

/// A registration that the registry has ceased to route.
#[derive(Clone, Copy, Debug)]
pub(super) struct Departure {
    pub(super) instance: InstanceId,
    pub(super) epoch: Epoch,
    pub(super) service: ServiceId,
    pub(super) capabilities: Capabilities,
    pub(super) node: NodeId,
    pub(super) member: Option<ResourceId>,
    /// Since when it is gone, and how; nothing if it lives.
    pub(super) gone: Option<(SimInstant, Gone)>,
    pub(super) first: HopOne,
    pub(super) excluded_at: SimInstant,
}

impl Departure {
    pub(super) const fn new(
        registration: &Registration,
        gone: Option<(SimInstant, Gone)>,
        first: HopOne,
        excluded_at: SimInstant,
    ) -> Self {
        let Registration { instance, epoch, service, capabilities, node, member, .. } = *registration;
        Self { instance, epoch, service, capabilities, node, member, gone, first, excluded_at }
    }

    /// How it went, as evidence.
    pub(super) fn gone_fact(&self) -> Option<Fact> {
        let Self { instance, epoch, node, .. } = *self;
        self.gone.map(|(at, how)| Fact::Gone { at, instance, epoch, node, how })
    }
}

/// The latest departures of each instance.
#[derive(Debug, Default)]
pub(super) struct Departed {
    instances: Vec<Vec<Departure>>,
}

impl Departed {
    pub(super) fn push(&mut self, departure: Departure) {
        let place = departure.instance.0 as usize;
        if place >= MOST {
            return;
        }
        if self.instances.len() <= place {
            self.instances.resize_with(place + 1, Vec::new);
        }
        let known = &mut self.instances[place];
        known.retain(|before| before.epoch != departure.epoch);
        if known.len() == REMEMBERED {
            known.remove(0);
        }
        known.push(departure);
    }

    /// Whether a registration whose departure is not remembered may have been there: it was before those that are.
    pub(super) fn may_have_been(&self, instance: InstanceId, epoch: Epoch) -> bool {
        let place = instance.0 as usize;
        let known = self.instances.get(place).map_or(&[][..], Vec::as_slice);
        let oldest = known.iter().map(|departure| departure.epoch).min();
        place >= MOST || (known.len() == REMEMBERED && oldest.is_some_and(|oldest| epoch < oldest))
    }

    /// The last departure of a registration, if it is remembered.
    pub(super) fn get(&self, instance: InstanceId, epoch: Epoch) -> Option<&Departure> {
        self.instances.get(instance.0 as usize)?.iter().find(|departure| departure.epoch == epoch)
    }
}
