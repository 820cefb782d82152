//! What became of each fault: fired, and then landed and over for each of its targets.

use leasehold_core::id::{FaultId, NodeId};
use leasehold_core::outcome::FaultOutcome;
use leasehold_core::time::SimInstant;

/// The book of all faults of a plan.
pub(crate) struct Ledger {
    entries: Vec<Entry>,
}

#[derive(Clone, Debug, Default)]
struct Entry {
    fired: Option<SimInstant>,
    landed: Option<SimInstant>,
    targets: Vec<Struck>,
}

#[derive(Clone, Copy, Debug)]
struct Struck {
    node: NodeId,
    landed: bool,
    over: bool,
}

/// They stand by id.
fn place_of(targets: &[Struck], node: NodeId) -> Option<usize> {
    targets.binary_search_by_key(&node, |struck| struck.node).ok()
}

impl Ledger {
    pub(crate) fn new(faults: usize) -> Self {
        Self { entries: vec![Entry::default(); faults] }
    }

    pub(crate) fn has_fired(&self, fault: FaultId) -> bool {
        self.entries[usize::from(fault.0)].fired.is_some()
    }

    pub(crate) fn fire(&mut self, fault: FaultId, now: SimInstant, targets: &[NodeId]) {
        debug_assert!(targets.is_sorted(), "whom a fault strikes is resolved by id");
        let entry = &mut self.entries[usize::from(fault.0)];
        entry.fired = Some(now);
        entry.targets = targets.iter().map(|&node| Struck { node, landed: false, over: false }).collect();
    }

    /// Whom a fault was resolved to, by id.
    pub(crate) fn targets(&self, fault: FaultId) -> Vec<NodeId> {
        self.entries[usize::from(fault.0)].targets.iter().map(|struck| struck.node).collect()
    }

    /// The targets among the ends of a link. If neither is one, the fault concerns the link for its first target.
    pub(crate) fn concerned(&self, fault: FaultId, from: NodeId, to: NodeId) -> [Option<NodeId>; 2] {
        let targets = &self.entries[usize::from(fault.0)].targets;
        let is_target = |node: NodeId| place_of(targets, node).map(|_| node);
        match [is_target(from), is_target(to)] {
            [None, None] => [targets.first().map(|struck| struck.node), None],
            ends => ends,
        }
    }

    /// A fault touched something of a target. Whether for the first time.
    pub(crate) fn land(&mut self, fault: FaultId, node: NodeId, now: SimInstant) -> bool {
        let entry = &mut self.entries[usize::from(fault.0)];
        entry.landed.get_or_insert(now);
        let place = place_of(&entry.targets, node);
        place.is_some_and(|place| !std::mem::replace(&mut entry.targets[place].landed, true))
    }

    /// A fault touches nothing of a target any more. Whether that is new.
    pub(crate) fn end(&mut self, fault: FaultId, node: NodeId) -> bool {
        let entry = &mut self.entries[usize::from(fault.0)];
        let place = place_of(&entry.targets, node);
        place.is_some_and(|place| !std::mem::replace(&mut entry.targets[place].over, true))
    }

    pub(crate) fn outcomes(&self) -> Vec<FaultOutcome> {
        let outcome = |entry: &Entry| FaultOutcome {
            fired: entry.fired,
            targets: entry.targets.iter().map(|struck| struck.node).collect(),
            landed: entry.landed,
        };
        self.entries.iter().map(outcome).collect()
    }
}
