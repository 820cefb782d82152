//! What a judge finds, with its evidence.
//!
//! Evidence is a list of [`Fact`]s: small, copyable, by number. Whoever shows them adds the names of the nodes.

use alloc::vec::Vec;

use leasehold_core::event::{Access, Advance, Answer, EndCause, Operation, Refusal, Status};
use leasehold_core::id::{Epoch, InstanceId, Revision};
use leasehold_core::{
    Incarnation, KeyId, LeaseId, NodeId, OpId, ResourceId, SimInstant, Span, TaskId, Token, Version,
};
use serde::Serialize;

use crate::hazard::Hazard;
use crate::invariant::Invariant;

/// How many findings of one kind are kept with their evidence; the rest are counted.
///
/// Chosen by the authors: whoever debugs reads the first, and looks at a few more to see whether they are all
/// of the same sort. A run that violates on every event must not grow the judge.
pub(crate) const KEPT: usize = 8;

/// Something the judge came upon.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Finding {
    /// An invariant was false while its preconditions held.
    Violation(Violation),
    /// Something dangerous happened that broke nothing.
    Hazard(Sighting),
}

impl Finding {
    /// When it was found, in true time.
    pub const fn at(&self) -> SimInstant {
        match self {
            Self::Violation(violation) => violation.at,
            Self::Hazard(sighting) => sighting.at,
        }
    }
}

/// An invariant was false while its preconditions held.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Violation {
    /// Which.
    pub invariant: Invariant,
    /// Which part of its statement, by a name that stays the same between versions.
    pub clause: &'static str,
    /// When it was found.
    pub at: SimInstant,
    /// The nodes that had a part in it, the most concerned first.
    pub nodes: Vec<NodeId>,
    /// The resource it was about.
    pub resource: Option<ResourceId>,
    /// What shows it, in the order in which to tell it.
    pub evidence: Vec<Fact>,
}

/// One occurrence of a hazard.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Sighting {
    /// Of which.
    pub hazard: Hazard,
    /// When it was found.
    pub at: SimInstant,
    /// The nodes that had a part in it.
    pub nodes: Vec<NodeId>,
    /// The resource it was about.
    pub resource: ResourceId,
    /// What shows it, in the order in which to tell it.
    pub evidence: Vec<Fact>,
}

/// One piece of evidence.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Fact {
    /// A process believed that it held a resource.
    Claimed {
        /// The node.
        node: NodeId,
        /// Its process.
        incarnation: Incarnation,
        /// The resource.
        resource: ResourceId,
        /// The token it claimed under.
        token: Token,
        /// Since when.
        from: SimInstant,
        /// Until when, this instant not included; nothing if it still claimed when this was found.
        until: Option<SimInstant>,
    },
    /// An operation began at a grantor.
    Asked {
        /// When.
        at: SimInstant,
        /// Who asked.
        node: NodeId,
        /// For which resource.
        resource: ResourceId,
        /// What.
        operation: Operation,
    },
    /// Its answer was taken.
    Told {
        /// When.
        at: SimInstant,
        /// Who had asked.
        node: NodeId,
        /// For which resource.
        resource: ResourceId,
        /// What it was told.
        answer: Answer,
    },
    /// What a grantor that does one thing at a time can have come to, by all answers before.
    CouldBe {
        /// Its resource.
        resource: ResourceId,
        /// The lease that holds it; nothing if none does.
        held: Option<LeaseId>,
        /// Until when that has to last, if it does and nobody gives it back.
        until: Option<SimInstant>,
    },
    /// A lease was granted.
    Granted {
        /// When.
        at: SimInstant,
        /// By whom.
        grantor: NodeId,
        /// The lease.
        lease: LeaseId,
        /// On what.
        resource: ResourceId,
        /// To whom.
        holder: NodeId,
        /// With which token.
        token: Token,
        /// For how long, on the grantor's clock.
        ttl: Span,
    },
    /// A term of a lease began anew, by a renewal or after a restart.
    TermBegan {
        /// When.
        at: SimInstant,
        /// Who decided so.
        grantor: NodeId,
        /// The lease.
        lease: LeaseId,
        /// On what.
        resource: ResourceId,
        /// The token it then had.
        token: Token,
        /// How long the term is, on the grantor's clock.
        ttl: Span,
    },
    /// A renewal was answered with yes.
    Acknowledged {
        /// When.
        at: SimInstant,
        /// By whom.
        grantor: NodeId,
        /// Of which lease.
        lease: LeaseId,
        /// On what.
        resource: ResourceId,
    },
    /// A renewal was taken.
    RenewalTaken {
        /// When.
        at: SimInstant,
        /// By whom.
        grantor: NodeId,
        /// For what.
        resource: ResourceId,
        /// The lease whose term began anew.
        lease: LeaseId,
        /// Who had asked.
        by: NodeId,
        /// The lease that he had named.
        named_lease: LeaseId,
        /// The token that he had named.
        named_token: Token,
    },
    /// A release was taken.
    ReleaseTaken {
        /// When.
        at: SimInstant,
        /// By whom.
        grantor: NodeId,
        /// For what.
        resource: ResourceId,
        /// The lease that was to end.
        lease: LeaseId,
        /// Who had asked.
        by: NodeId,
        /// The lease that he had named.
        named_lease: LeaseId,
        /// The token that he had named.
        named_token: Token,
    },
    /// A lease was to end.
    EndOrdered {
        /// Since when.
        at: SimInstant,
        /// Who decided so.
        grantor: NodeId,
        /// The lease.
        lease: LeaseId,
        /// On what.
        resource: ResourceId,
        /// Why.
        cause: EndCause,
    },
    /// A key of a lease vanished.
    KeyEnded {
        /// When.
        at: SimInstant,
        /// At whom.
        grantor: NodeId,
        /// The lease.
        lease: LeaseId,
        /// On what.
        resource: ResourceId,
        /// The key.
        key: KeyId,
        /// The revision since which it is gone.
        revision: u64,
    },
    /// A lease ended.
    Ended {
        /// When.
        at: SimInstant,
        /// Who ended it.
        grantor: NodeId,
        /// The lease.
        lease: LeaseId,
        /// On what.
        resource: ResourceId,
        /// Its token.
        token: Token,
        /// Why.
        cause: EndCause,
    },
    /// A restarted grantor found a lease on its disk.
    Recovered {
        /// When.
        at: SimInstant,
        /// Who.
        grantor: NodeId,
        /// The lease.
        lease: LeaseId,
        /// On what.
        resource: ResourceId,
        /// Its token there.
        token: Token,
        /// Nothing if it lives, else why it ended.
        ended: Option<EndCause>,
    },
    /// A resource answered a read.
    Read {
        /// When.
        at: SimInstant,
        /// Who read.
        reader: NodeId,
        /// What.
        resource: ResourceId,
        /// Under which token.
        token: Token,
        /// The version that it was shown.
        version: Version,
    },
    /// An effect was sent.
    Issued {
        /// When.
        at: SimInstant,
        /// By whom.
        writer: NodeId,
        /// To what.
        resource: ResourceId,
        /// Under which token.
        token: Token,
        /// Its sequence number.
        op: OpId,
    },
    /// A resource accepted an effect.
    Accepted {
        /// When.
        at: SimInstant,
        /// Who had sent it.
        writer: NodeId,
        /// The resource.
        resource: ResourceId,
        /// Under which token.
        token: Token,
        /// Its sequence number.
        op: OpId,
        /// The version that it replaced.
        replaced: Version,
        /// The version that its writer had read; nothing for a blind write.
        based_on: Option<Version>,
    },
    /// A resource made a token its mark for a new holder.
    BarrierRaised {
        /// When.
        at: SimInstant,
        /// The resource.
        resource: ResourceId,
        /// Who had asked.
        by: NodeId,
        /// The token.
        token: Token,
    },
    /// A task's effect was applied.
    TaskApplied {
        /// When.
        at: SimInstant,
        /// At which resource.
        resource: ResourceId,
        /// The task.
        task: TaskId,
        /// Who had worked on it.
        by: NodeId,
        /// Under which token.
        token: Token,
    },
    /// A resource refused an access.
    Refused {
        /// When.
        at: SimInstant,
        /// Who had asked.
        by: NodeId,
        /// The resource.
        resource: ResourceId,
        /// What for.
        access: Access,
        /// Under which token.
        token: Token,
        /// Why.
        refusal: Refusal,
    },
    /// An instance was registered.
    Registered {
        /// When.
        at: SimInstant,
        /// Where.
        registry: NodeId,
        /// The instance.
        instance: InstanceId,
        /// Which registration of it this was.
        epoch: Epoch,
        /// The lease that it hung on.
        lease: LeaseId,
        /// Where it ran.
        node: NodeId,
    },
    /// The status of an instance changed.
    StatusChanged {
        /// When.
        at: SimInstant,
        /// Who said so.
        registry: NodeId,
        /// The instance.
        instance: InstanceId,
        /// Its registration.
        epoch: Epoch,
        /// The new status.
        status: Status,
        /// The revision since which it was so.
        revision: Revision,
    },
    /// An instance was registered no more.
    Deregistered {
        /// When.
        at: SimInstant,
        /// Where.
        registry: NodeId,
        /// The instance.
        instance: InstanceId,
        /// Its registration.
        epoch: Epoch,
        /// The lease that it had hung on.
        lease: LeaseId,
        /// Why.
        cause: EndCause,
        /// The revision since which it was gone.
        revision: Revision,
    },
    /// An instance was gone, whoever knew it.
    Gone {
        /// Since when.
        at: SimInstant,
        /// The instance.
        instance: InstanceId,
        /// Its registration.
        epoch: Epoch,
        /// Where it had run.
        node: NodeId,
        /// How.
        how: Gone,
    },
    /// A registry routed an instance no more: lookups do not answer with it.
    Excluded {
        /// Since when.
        at: SimInstant,
        /// The registry.
        registry: NodeId,
        /// The instance.
        instance: InstanceId,
        /// Its registration.
        epoch: Epoch,
    },
    /// A lookup was answered with an instance.
    Answered {
        /// When.
        at: SimInstant,
        /// By whose view.
        client: NodeId,
        /// The instance.
        instance: InstanceId,
        /// Its registration.
        epoch: Epoch,
    },
    /// A view claimed to be what the registry was at a revision.
    Viewed {
        /// When.
        at: SimInstant,
        /// Whose view.
        node: NodeId,
        /// The revision.
        revision: Revision,
        /// How it came there.
        by: Advance,
    },
    /// A heartbeat left.
    HeartbeatSent {
        /// When.
        at: SimInstant,
        /// From whom.
        node: NodeId,
        /// Whose it was.
        member: ResourceId,
        /// Its number.
        number: u64,
    },
    /// A heartbeat reached the registry.
    HeartbeatArrived {
        /// When.
        at: SimInstant,
        /// The registry.
        registry: NodeId,
        /// Whose it was.
        member: ResourceId,
        /// The lease that it named.
        lease: LeaseId,
        /// Its number.
        number: u64,
    },
    /// The work of an application stood still.
    StoodStill {
        /// Since when.
        at: SimInstant,
        /// The application.
        node: NodeId,
        /// Why.
        why: &'static str,
    },
    /// A token was given out.
    NewestToken {
        /// For which resource.
        resource: ResourceId,
        /// The newest so far.
        token: Token,
    },
    /// What was due was put off.
    PutOff {
        /// When.
        at: SimInstant,
        /// Because of whom.
        node: NodeId,
        /// Why.
        why: &'static str,
    },
    /// A length of true time was to keep to a bound.
    Bound {
        /// What was measured.
        what: &'static str,
        /// The bound.
        allowed: Span,
        /// The measurement.
        measured: Span,
    },
    /// Two numbers were to be equal.
    Count {
        /// What was counted.
        what: &'static str,
        /// What it should be.
        expected: u64,
        /// What it was.
        found: u64,
    },
    /// How many there had been of something.
    Total {
        /// Of what.
        what: &'static str,
        /// How many.
        count: u64,
    },
}

/// How an instance went.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Gone {
    /// Its process died.
    Crashed,
    /// Its member asked to be deregistered.
    Left,
    /// The registry ended its registration for another reason.
    Ended,
}
