//! What somebody believes a registry to list.

use leasehold_core::event::{Advance, Asked, DiscoveryEvent, NodeEvent, Status};
use leasehold_core::id::{Capabilities, Epoch, InstanceId, NodeId, Revision, ServiceId};
use leasehold_core::node::Context;

use super::RegistryProtocol;
use super::list::{Difference, Effect, Key, List, Row};
use super::message::{Change, Entry};

type Ctx<'a> = Context<'a, RegistryProtocol>;

/// What a view keeps of an instance: what lookups and calls need, in 24 bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Seen {
    pub(super) instance: InstanceId,
    pub(super) epoch: Epoch,
    pub(super) node: NodeId,
    capabilities: Capabilities,
    service: ServiceId,
    status: Status,
}

impl Row for Seen {
    fn of(entry: &Entry) -> Self {
        let Entry { offer, epoch, status, .. } = *entry;
        Self {
            instance: offer.instance,
            epoch,
            node: offer.node,
            capabilities: offer.capabilities,
            service: offer.service,
            status,
        }
    }

    fn key(&self) -> Key {
        (self.instance, self.epoch)
    }

    fn status(&self) -> Status {
        self.status
    }
}

/// Whether a view is of all that a registry lists.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Extent {
    /// It is.
    Whole,
    /// It is of what somebody asks for.
    Part,
}

/// What somebody believes a registry to list, at a revision.
///
/// It reports each difference that there is, and what it comes to: the number that sums it up can be compared with
/// that of the registry's own list at that revision.
#[derive(Debug)]
pub(super) struct View {
    /// What lookups ask for.
    asked: Asked,
    extent: Extent,
    list: List<Seen>,
    /// How many a lookup answers with.
    routed: u32,
    revision: Option<Revision>,
}

impl View {
    /// One of nothing yet, for lookups that ask for this.
    pub(super) fn new(asked: Asked, extent: Extent) -> Self {
        Self { asked, extent, list: List::default(), routed: 0, revision: None }
    }

    /// Which revision it shows; nothing if it shows nothing yet.
    pub(super) fn revision(&self) -> Option<Revision> {
        self.revision
    }

    /// With how many instances a lookup is answered.
    pub(super) fn routed(&self) -> u32 {
        self.routed
    }

    /// Takes changes that lead to a revision.
    pub(super) fn apply(&mut self, ctx: &mut Ctx<'_>, changes: &[Change], upto: Revision, by: Advance) {
        for change in changes {
            match self.list.apply(change) {
                Effect::Nothing => {}
                Effect::Put { now, before } => {
                    self.count(before, Some(now));
                    listed(ctx, now.instance, now.epoch, now.status);
                }
                Effect::Removed(gone) => {
                    self.count(Some(gone), None);
                    dropped(ctx, gone.key());
                }
            }
        }
        self.advance(ctx, upto, by);
    }

    /// Takes all there is at a revision. Only what differs is reported.
    pub(super) fn replace(&mut self, ctx: &mut Ctx<'_>, entries: &[Entry], revision: Revision, by: Advance) {
        self.list.replace(entries, |difference| match difference {
            Difference::Listed(entry) => listed(ctx, entry.offer.instance, entry.epoch, entry.status),
            Difference::Gone(row) => dropped(ctx, row.key()),
        });
        let routed = self.list.rows().iter().filter(|row| is_routed(self.asked, row)).count();
        self.routed = u32::try_from(routed).expect("instances are numbered by 32 bits");
        self.advance(ctx, revision, by);
    }

    /// Claims to be what the registry was at this revision.
    pub(super) fn advance(&mut self, ctx: &mut Ctx<'_>, revision: Revision, by: Advance) {
        self.revision = Some(revision);
        if self.extent == Extent::Whole {
            ctx.emit(NodeEvent::Discovery(DiscoveryEvent::ViewAdvanced {
                revision,
                entries: u32::try_from(self.list.len()).expect("instances are numbered by 32 bits"),
                fingerprint: self.list.fingerprint(),
                by,
            }));
        }
    }

    fn count(&mut self, before: Option<Seen>, now: Option<Seen>) {
        let asked = self.asked;
        let routed = |row: Option<Seen>| u32::from(row.is_some_and(|row| is_routed(asked, &row)));
        self.routed = self.routed + routed(now) - routed(before);
    }

    /// Who a lookup answers with, beginning after a registration and ending with that.
    pub(super) fn routed_after(&self, key: Key) -> impl Iterator<Item = &Seen> {
        let rows = self.list.rows();
        let first = self.list.position(key).map_or_else(|at| at, |at| at + 1);
        rows[first..].iter().chain(&rows[..first]).filter(|row| is_routed(self.asked, row))
    }

    /// Whether a registration stands in it.
    pub(super) fn lists(&self, key: Key) -> bool {
        self.list.position(key).is_ok()
    }
}

fn is_routed(asked: Asked, row: &Seen) -> bool {
    row.status.is_routed() && asked.fits(row.service, row.capabilities)
}

fn listed(ctx: &mut Ctx<'_>, instance: InstanceId, epoch: Epoch, status: Status) {
    ctx.emit(NodeEvent::Discovery(DiscoveryEvent::ViewListed { instance, epoch, status }));
}

fn dropped(ctx: &mut Ctx<'_>, (instance, epoch): Key) {
    ctx.emit(NodeEvent::Discovery(DiscoveryEvent::ViewDropped { instance, epoch }));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thousand_views_of_a_thousand_instances_fit_into_thirty_megabytes() {
        assert_eq!(size_of::<Seen>(), 24);
    }
}
