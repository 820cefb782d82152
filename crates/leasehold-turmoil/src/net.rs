//! The seam to the network: what the shell needs of sockets.

use std::future::Future;
use std::io;

use leasehold_core::id::NodeId;
use leasehold_core::node::{Leg, Purpose};

/// What a connection is for. Each pair of nodes has one a lane, so that what is large or slow on one holds up nothing on
/// another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
#[repr(u8)]
pub enum Lane {
    /// What is asked and answered.
    Requests,
    /// What keeps leases: [`Purpose::Renew`].
    Heartbeats,
    /// What watches tell: [`Purpose::Watch`]. Lives long.
    Watch,
}

/// What a network has to know of some bytes to decide their fate. A real network does not ask.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Label {
    /// One message of the protocol, whole or the first part of it.
    Message(Purpose, Leg),
    /// The rest of a message whose first part was written before.
    Rest,
    /// The shell's own: who speaks, is somebody there.
    Control,
}

/// The sockets of one host. Nodes are addressed by their ids: whoever makes a net knows where they are.
pub trait Net: Clone + 'static {
    /// Accepts connections.
    type Listener: Listener<Reader = Self::Reader, Writer = Self::Writer>;
    /// The half of a connection that bytes come from.
    type Reader: Reader;
    /// The half of a connection that bytes go to. Dropping it closes that half.
    type Writer: Writer;
    /// Sends and receives datagrams.
    type Datagrams: Datagrams;

    /// Begins to accept connections.
    ///
    /// # Errors
    ///
    /// If the address is taken or cannot be used.
    fn listen(&self) -> impl Future<Output = io::Result<Self::Listener>>;

    /// Opens a connection. May take for ever: the shell gives up after a while.
    ///
    /// # Errors
    ///
    /// If nobody listens there, or nothing gets there.
    fn connect(&self, to: NodeId) -> impl Future<Output = io::Result<(Self::Reader, Self::Writer)>>;

    /// Begins to receive datagrams.
    ///
    /// # Errors
    ///
    /// If the address is taken or cannot be used.
    fn datagrams(&self) -> impl Future<Output = io::Result<Self::Datagrams>>;
}

/// Accepts connections.
pub trait Listener: 'static {
    /// As of the net.
    type Reader: Reader;
    /// As of the net.
    type Writer: Writer;

    /// Waits for the next connection. May be given up at any time without loss.
    ///
    /// # Errors
    ///
    /// If this connection could not be taken: later ones may.
    fn accept(&self) -> impl Future<Output = io::Result<(Self::Reader, Self::Writer)>>;
}

/// The half of a connection that bytes come from.
pub trait Reader: 'static {
    /// Where the other end is, as people write it, if this network tells.
    fn origin(&self) -> Option<String> {
        None
    }

    /// Reads some bytes, as many as there are at least one; 0 at the end. May be given up at any time without loss.
    ///
    /// # Errors
    ///
    /// If the connection broke.
    fn read(&mut self, buffer: &mut [u8]) -> impl Future<Output = io::Result<usize>>;
}

/// The half of a connection that bytes go to.
pub trait Writer: 'static {
    /// Writes all these bytes, and waits while there is no room for them. If it is given up, some may have left.
    ///
    /// # Errors
    ///
    /// If the connection broke.
    fn write(&mut self, label: Label, bytes: &[u8]) -> impl Future<Output = io::Result<()>>;
}

/// Sends and receives datagrams.
pub trait Datagrams: 'static {
    /// Sends one. That it left says nothing of its arrival.
    ///
    /// # Errors
    ///
    /// If it cannot be sent: too large, or no such address.
    fn send(&self, to: NodeId, label: Label, bytes: &[u8]) -> impl Future<Output = io::Result<()>>;

    /// Waits for the next one, and says how many of its bytes are in the buffer; the rest is lost. May be given up at any
    /// time without loss.
    ///
    /// # Errors
    ///
    /// If none can be received now: later ones may.
    fn receive(&self, buffer: &mut [u8]) -> impl Future<Output = io::Result<usize>>;
}
