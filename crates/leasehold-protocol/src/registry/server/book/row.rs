//! A row of the book: a member, and its latest lease.

use alloc::sync::Arc;

use leasehold_core::clock::{LocalInstant, Reading, Wall};
use leasehold_core::event::{EndCause, Health, Status};
use leasehold_core::id::{Epoch, Incarnation, LeaseId, NodeId, RequestId, ResourceId, Revision, Token};
use leasehold_core::time::Span;

use super::change::{Asked, Wish};
use crate::registry::Offer;
use crate::registry::policy::Liveness;

/// A lease, and whose it is: what a heartbeat is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::registry::server) struct Tenure {
    /// The lease.
    pub(in crate::registry::server) lease: LeaseId,
    /// The member.
    pub(in crate::registry::server) member: ResourceId,
    /// Which registration of it.
    pub(in crate::registry::server) epoch: Epoch,
    /// Who sends its heartbeats.
    pub(in crate::registry::server) holder: NodeId,
    /// Its term.
    pub(in crate::registry::server) ttl: Span,
}

impl Tenure {
    /// Its token: the epoch.
    pub(in crate::registry::server) const fn token(&self) -> Token {
        Token(self.epoch.0)
    }
}

/// A lease with what hangs on it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::registry::server) struct Lease {
    /// The lease.
    pub(in crate::registry::server) tenure: Tenure,
    /// The process that asked for it.
    pub(in crate::registry::server) incarnation: Incarnation,
    /// The request of that process.
    pub(in crate::registry::server) request: RequestId,
    /// Its instances.
    pub(in crate::registry::server) offers: Arc<[Offer]>,
    /// How many further keys hang on it.
    pub(in crate::registry::server) keys: u32,
}

impl Lease {
    /// The request that it answers.
    pub(super) const fn asked(&self) -> Asked {
        let Tenure { member, holder: node, .. } = self.tenure;
        Asked { member, node, incarnation: self.incarnation, request: self.request }
    }
}

/// A member, and its latest lease.
#[derive(Clone, Debug)]
pub(super) struct Row {
    pub(super) member: ResourceId,
    /// The latest lease.
    pub(super) lease: Option<Lease>,
    pub(super) state: State,
    /// The last epoch that was given out, as far as the policy remembers it.
    pub(super) epoch: Epoch,
    /// The newest request of its holder, so that one that was overtaken is recognised.
    pub(super) newest: Option<Asked>,
    /// A request that waits for the lease to end.
    pub(super) next: Option<Wish>,
}

#[derive(Clone, Copy, Debug, Default)]
pub(super) enum State {
    /// There is no lease, or it ended, and why.
    #[default]
    Empty,
    Ended(EndCause),
    /// The latest lease is decided but not durable yet.
    Granting {
        decided: Reading,
        revision: Revision,
        health: Health,
        status: Status,
    },
    /// It lives.
    Held(Standing),
    /// Its end is decided but not durable yet.
    Ending {
        cause: EndCause,
        revision: Revision,
        status: Status,
    },
}

/// How a member stands that has a lease. All there is to remember of its heartbeats.
#[derive(Clone, Copy, Debug)]
pub(super) struct Standing {
    /// When its term is over.
    pub(super) deadline: Reading,
    /// When it was last heard of.
    pub(super) heard: Reading,
    /// The number of the last heartbeat that was counted.
    pub(super) number: Option<u64>,
    /// What its sender's wall clock showed when that left.
    pub(super) stamp: Option<LocalInstant<Wall>>,
    /// Whether so little was heard of it that it is suspect.
    pub(super) is_late: bool,
    /// Until when it is not listed as passing, because it came and went too often. It is asked again then.
    pub(super) kept_out: Option<Reading>,
    /// How it says that it is.
    pub(super) said: Health,
    /// What probes found.
    pub(super) verdict: Verdict,
    /// How many probes in a row found it unable.
    pub(super) bad: u32,
    /// How many found it able.
    pub(super) good: u32,
    /// What its instances are listed as.
    pub(super) status: Status,
}

/// What probes found of a member.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It can do its work, or was never probed.
    Able,
    /// It cannot, or does not say so.
    Unable,
    /// It does not answer, and nothing else is heard of it.
    Silent,
}

impl Standing {
    /// A member that was heard of just now, and said this. In pull it says nothing later, and probes go on from there.
    pub(super) const fn new(now: Reading, deadline: Reading, health: Health, liveness: Liveness) -> Self {
        let (said, verdict) = match (liveness, health) {
            (Liveness::Pull, Health::NotReady) => (Health::Ready, Verdict::Unable),
            (Liveness::Pull | Liveness::Push | Liveness::Hybrid, said) => (said, Verdict::Able),
        };
        let status = first_status(health);
        let (number, stamp, is_late, kept_out, bad, good) = (None, None, false, None, 0, 0);
        Self { deadline, heard: now, number, stamp, is_late, kept_out, said, verdict, bad, good, status }
    }

    /// What it is to be listed as. One that cannot do its work stays critical when nothing is heard of it: nothing
    /// better is known.
    pub(super) const fn due_status(&self) -> Status {
        match (self.said, self.verdict) {
            (Health::NotReady, _) | (_, Verdict::Unable) => Status::Critical,
            (Health::Ready, Verdict::Silent) => Status::Suspect,
            (Health::Ready, Verdict::Able) if self.is_late || self.kept_out.is_some() => Status::Suspect,
            (Health::Ready, Verdict::Able) => Status::Passing,
        }
    }
}

/// What an instance is listed as that says this of itself.
const fn first_status(health: Health) -> Status {
    match health {
        Health::Ready => Status::Passing,
        Health::NotReady => Status::Critical,
    }
}

impl Row {
    pub(super) fn new(member: ResourceId) -> Self {
        Self { member, lease: None, state: State::Empty, epoch: Epoch(0), newest: None, next: None }
    }

    /// The latest lease's name, if there is one.
    pub(super) fn tenure(&self) -> Option<Tenure> {
        self.lease.as_ref().map(|lease| lease.tenure)
    }

    /// Its lease and how it stands, if it lives and no end of it is decided.
    pub(super) fn held(&mut self) -> Option<(Tenure, &mut Standing)> {
        let tenure = self.tenure()?;
        match &mut self.state {
            State::Held(standing) => Some((tenure, standing)),
            _ => None,
        }
    }

    /// Why its latest lease ended, or is to, if that is the one.
    pub(super) fn end_of(&self, lease: LeaseId) -> Option<EndCause> {
        let is_this = self.tenure().is_some_and(|tenure| tenure.lease == lease);
        match self.state {
            State::Ended(cause) | State::Ending { cause, .. } if is_this => Some(cause),
            _ => None,
        }
    }
}
