//! What leases get for what is not their holders' fault: the registry's lateness, and its restarts.

use alloc::vec::Vec;

use leasehold_core::clock::Reading;
use leasehold_core::time::Span;

use super::Beginning;
use super::part::{Part, Scene};

/// The registry's own lateness is added to every deadline: while it did not look, it did not hear either.
///
/// Source: Eureka (`EvictionTask`), which adds how much later than its interval an eviction runs. Only the lateness of the
/// latest look counts.
#[derive(Debug, Default)]
pub(super) struct LatenessCompensation {
    late: Span,
}

impl Part for LatenessCompensation {
    fn swept(&mut self, late: Span) {
        self.late = late;
    }

    fn gives(&mut self, _: usize, _: &Scene<'_>) -> Span {
        self.late
    }
}

/// A lease that was recovered after a restart gets so much more, until its first heartbeat.
///
/// Source: etcd, where a new leader extends each lease by what an election may take (1 s by default); Nomad's
/// `failover_heartbeat_ttl` of five minutes.
#[derive(Debug)]
pub(super) struct FailoverExtension {
    extra: Span,
    awaits_its_first: Vec<bool>,
}

impl FailoverExtension {
    pub(super) fn new(extra: Span, members: usize) -> Self {
        Self { extra, awaits_its_first: alloc::vec![false; members] }
    }
}

impl Part for FailoverExtension {
    fn began(&mut self, member: usize, _: Reading, how: Beginning) {
        self.awaits_its_first[member] = how == Beginning::Recovered;
    }

    fn renewed(&mut self, member: usize, _: u64, _: Reading) {
        self.awaits_its_first[member] = false;
    }

    fn gives(&mut self, member: usize, _: &Scene<'_>) -> Span {
        if self.awaits_its_first[member] { self.extra } else { Span::ZERO }
    }
}
