//! What a plan asks for and this engine cannot do.

use leasehold_core::id::FaultId;
use leasehold_core::plan::{Action, Plan};

use crate::policy::{ShellPolicy, Transport};

/// Something that a plan asks for and that does not happen on this engine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Inexpressible {
    /// What.
    pub subject: Subject,
    /// Why not.
    pub because: &'static str,
}

/// Which part of a plan something is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Subject {
    /// A fault.
    Fault(FaultId),
    /// What the network does without any fault: its share of duplicates.
    NetworkDuplicates,
}

/// What of a plan this engine cannot do. A run with any of it judges less than it was asked to.
///
/// A stream carries each byte once and in order, so a network that duplicates or reorders messages does neither to what
/// streams carry; datagrams it does both to. All other faults happen: what a fault loses of a stream is lost above it, and
/// what a fault delays, clogs or holds there holds up what is behind it.
pub fn inexpressible(plan: &Plan, policy: &ShellPolicy) -> Vec<Inexpressible> {
    let reasons = Reasons::of(policy.heartbeats);
    let duplicates = (plan.network.duplicate.as_ppm() > 0)
        .then_some(Inexpressible { subject: Subject::NetworkDuplicates, because: reasons.once });
    let faults = (0..).map(FaultId).zip(&plan.faults).filter_map(|(fault, planned)| {
        let Action::Link { worse, .. } = planned.action else { return None };
        let because = match (worse.duplicate.as_ppm() > 0, worse.reorder.is_zero()) {
            (true, _) => reasons.once,
            (false, false) => reasons.in_order,
            (false, true) => return None,
        };
        Some(Inexpressible { subject: Subject::Fault(fault), because })
    });
    duplicates.into_iter().chain(faults).collect()
}

/// Why streams do not do it.
struct Reasons {
    once: &'static str,
    in_order: &'static str,
}

impl Reasons {
    const fn of(heartbeats: Transport) -> Self {
        match heartbeats {
            Transport::Tcp => Self {
                once: "a stream carries once what is sent: nothing on it is duplicated",
                in_order: "a stream carries in order what is sent: nothing on it is overtaken",
            },
            Transport::Udp => Self {
                once: "only heartbeats are duplicated: all else travels on streams, which carry once what is sent",
                in_order: "only heartbeats are overtaken: all else travels on streams, which carry in order what is sent",
            },
        }
    }
}
