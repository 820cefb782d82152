//! The invariants by name. Source: docs/invariants.md.

use serde::{Deserialize, Serialize};

/// A statement that must hold in every run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Invariant {
    /// I1.
    Exclusivity,
    /// I2.
    Fencing,
    /// I3.
    TokenOrder,
    /// I4.
    NoEarlyEnd,
    /// I5.
    NoImmortalLease,
    /// I6.
    AcknowledgedIsAlive,
    /// I7.
    NoResurrection,
    /// I8.
    OwnerOnly,
    /// I10.
    BoundedStaleness,
    /// I11.
    Watch,
    /// I12.
    FalseExpiry,
    /// I13.
    Load,
    /// I14.
    Progress,
    /// I16.
    LockDelay,
    /// I17.
    SelfStop,
    /// I18.
    MassExpiry,
    /// I19.
    AppliedOnce,
    /// I21.
    AtomicEnd,
    /// I22.
    Conservation,
    /// I23.
    Liveness,
    /// I24.
    LinearizableRegister,
    /// I25.
    NoLostUpdate,
    /// I26.
    MonotonicReads,
}

impl Invariant {
    /// All of them, in the order of their ids.
    pub const ALL: [Self; 23] = [
        Self::Exclusivity,
        Self::Fencing,
        Self::TokenOrder,
        Self::NoEarlyEnd,
        Self::NoImmortalLease,
        Self::AcknowledgedIsAlive,
        Self::NoResurrection,
        Self::OwnerOnly,
        Self::BoundedStaleness,
        Self::Watch,
        Self::FalseExpiry,
        Self::Load,
        Self::Progress,
        Self::LockDelay,
        Self::SelfStop,
        Self::MassExpiry,
        Self::AppliedOnce,
        Self::AtomicEnd,
        Self::Conservation,
        Self::Liveness,
        Self::LinearizableRegister,
        Self::NoLostUpdate,
        Self::MonotonicReads,
    ];

    /// The id in docs/invariants.md.
    pub const fn id(self) -> &'static str {
        match self {
            Self::Exclusivity => "I1",
            Self::Fencing => "I2",
            Self::TokenOrder => "I3",
            Self::NoEarlyEnd => "I4",
            Self::NoImmortalLease => "I5",
            Self::AcknowledgedIsAlive => "I6",
            Self::NoResurrection => "I7",
            Self::OwnerOnly => "I8",
            Self::BoundedStaleness => "I10",
            Self::Watch => "I11",
            Self::FalseExpiry => "I12",
            Self::Load => "I13",
            Self::Progress => "I14",
            Self::LockDelay => "I16",
            Self::SelfStop => "I17",
            Self::MassExpiry => "I18",
            Self::AppliedOnce => "I19",
            Self::AtomicEnd => "I21",
            Self::Conservation => "I22",
            Self::Liveness => "I23",
            Self::LinearizableRegister => "I24",
            Self::NoLostUpdate => "I25",
            Self::MonotonicReads => "I26",
        }
    }

    /// The name as it stands in scenario files and reports.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Exclusivity => "exclusivity",
            Self::Fencing => "fencing",
            Self::TokenOrder => "token-order",
            Self::NoEarlyEnd => "no-early-end",
            Self::NoImmortalLease => "no-immortal-lease",
            Self::AcknowledgedIsAlive => "acknowledged-is-alive",
            Self::NoResurrection => "no-resurrection",
            Self::OwnerOnly => "owner-only",
            Self::BoundedStaleness => "bounded-staleness",
            Self::Watch => "watch",
            Self::FalseExpiry => "false-expiry",
            Self::Load => "load",
            Self::Progress => "progress",
            Self::LockDelay => "lock-delay",
            Self::SelfStop => "self-stop",
            Self::MassExpiry => "mass-expiry",
            Self::AppliedOnce => "applied-once",
            Self::AtomicEnd => "atomic-end",
            Self::Conservation => "conservation",
            Self::Liveness => "liveness",
            Self::LinearizableRegister => "linearizable-register",
            Self::NoLostUpdate => "no-lost-update",
            Self::MonotonicReads => "monotonic-reads",
        }
    }

    /// The invariant with this name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|invariant| invariant.name() == name)
    }

    /// What must hold, in one sentence.
    pub const fn statement(self) -> &'static str {
        match self {
            Self::Exclusivity => "no two holders claim one resource at the same instant",
            Self::Fencing => {
                "accepted tokens never decrease, and nothing with the current or a newer token is refused as stale"
            }
            Self::TokenOrder => {
                "tokens of a resource strictly increase over grants; a renewal keeps the token"
            }
            Self::NoEarlyEnd => "no lease ends before its term is over, unless somebody entitled ended it",
            Self::NoImmortalLease => "every lease is gone when its term and the grantor's slack are over",
            Self::AcknowledgedIsAlive => {
                "who is told that his lease is renewed has a live lease, and no end of it was ordered before"
            }
            Self::NoResurrection => "an ended lease never lives again, and lease ids only grow",
            Self::OwnerOnly => {
                "a release ends only the lease that it named, and only if it comes from that lease's holder"
            }
            Self::BoundedStaleness => {
                "no view answers with an instance that is gone, or lacks one that is new, for longer than the bound"
            }
            Self::Watch => {
                "a view is what the registry was at the view's revision: each change came once and in order, or all anew"
            }
            Self::FalseExpiry => {
                "no lease of a live instance expires within the declared faults, beyond the budget"
            }
            Self::Load => "registrations and heartbeats a second stay under the declared cap",
            Self::Progress => "an instance whose work stands still loses its lease",
            Self::LockDelay => {
                "after an involuntary end nobody is granted the resource before the lock-delay is over"
            }
            Self::SelfStop => "a holder's work has stopped before its lease is over at the grantor",
            Self::MassExpiry => "no more than the declared share of leases expires within one window",
            Self::AppliedOnce => "each task of a resource is applied once, and in order",
            Self::AtomicEnd => {
                "all keys that are attached to a lease vanish at one revision, and none outlives it"
            }
            Self::Conservation => "grants = releases + expiries + revocations + held, at every moment",
            Self::Liveness => "once all is healed, a resource does not go unclaimed for long",
            Self::LinearizableRegister => {
                "what contenders are told fits a grantor that does one thing at a time, and ends no term too early"
            }
            Self::NoLostUpdate => "every accepted read-modify-write saw its predecessor",
            Self::MonotonicReads => "no discovery client sees a revision and then an older one",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_invariant_is_written_by_its_name_and_found_by_it() {
        for invariant in Invariant::ALL {
            let quoted = serde_json::to_string(&invariant).unwrap();
            assert_eq!(quoted.trim_matches('"'), invariant.name());
            assert_eq!(Invariant::from_name(invariant.name()), Some(invariant));
        }
        assert_eq!(Invariant::from_name("exclusive"), None);
    }
}
