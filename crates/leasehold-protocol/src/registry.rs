//! Registration under leases, and discovery: a registry, those that are registered there, and those that look them
//! up.
//!
//! A *member* registers its *instances* under one lease and keeps that with heartbeats. When the lease ends, for
//! whatever reason, all that hangs on it vanishes at one revision. *Discovery clients* keep a view of what the
//! registry lists, by watching or by polling it, or one of its *followers*, and answer lookups from that.
//!
//! Heartbeats change no revision and cause no watch event: only registrations, changes of status and ends do.

pub mod bounds;
mod changes;
mod discovery;
mod feed;
mod follower;
pub mod grace;
mod instance;
mod list;
mod member;
mod message;
mod observer;
#[cfg(test)]
pub(crate) mod pair;
pub mod policy;
mod record;
#[cfg(test)]
mod scripted;
mod server;
mod sidecar;
mod view;

pub use discovery::Discovery;
pub use follower::Follower;
pub use instance::Instance;
pub use message::{Change, Entry, Offer, ProbeKind, QueryResult, RefusedBecause, RegistryMessage};
pub use observer::Observer;
pub use record::RegistryRecord;
pub use server::Registry;
pub use sidecar::Sidecar;

use alloc::sync::Arc;
use alloc::vec::Vec;

use leasehold_core::{NodeId, Protocol, ResourceId};

/// The protocol of this module's nodes.
#[derive(Clone, Copy, Debug)]
pub struct RegistryProtocol;

impl Protocol for RegistryProtocol {
    type Message = RegistryMessage;
    type Record = RegistryRecord;
    type Command = RegistryCommand;
}

/// What a plan can tell a node of this protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RegistryCommand {
    /// To a member: deregister, and go.
    Deregister,
    /// To the registry: revoke a lease, of the member that was renewed last.
    Revoke,
    /// To the registry: expire that lease now.
    Expire,
    /// To the registry: sweep late from now on.
    SlowSweep,
    /// To the registry: sweep in time again.
    SweepInTime,
    /// To an application: its work stands still from now on, though its process runs.
    StopWork,
    /// To an application: its work goes on.
    GoOnWorking,
    /// To an application: it is not ready to be called.
    TurnUnready,
    /// To an application: it is ready again.
    TurnReady,
    /// To whoever has a cache: it is not brought up to date from now on, and nobody notices.
    FreezeCache,
    /// To whoever has a cache: it is again.
    ThawCache,
}

/// Who is where in a deployment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Places {
    /// The registry.
    pub registry: NodeId,
    /// Those that keep a copy of its list.
    pub followers: Vec<NodeId>,
    /// Those that probe members for it.
    pub observers: Vec<NodeId>,
    /// The members, by their [`ResourceId`].
    pub members: Vec<MemberPlace>,
}

/// Where a member is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MemberPlace {
    /// The member.
    pub member: ResourceId,
    /// The application.
    pub application: NodeId,
    /// Who sends its heartbeats, if it does not itself.
    pub sidecar: Option<NodeId>,
    /// Its instances.
    pub offers: Arc<[Offer]>,
    /// The zone that it runs in: guards may go by that.
    pub zone: u16,
}
