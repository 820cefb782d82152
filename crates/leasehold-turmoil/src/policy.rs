//! What a shell can do one way or another. The safe choice is the default; the others are mistakes that shells make.

use leasehold_core::time::Span;

/// How a shell works.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ShellPolicy {
    /// What heartbeats and renewals, and the answers to them, travel on.
    pub heartbeats: Transport,
    /// How many connections a pair of nodes has.
    pub lanes: Lanes,
    /// How long it waits for a connection to open.
    pub connect_within: Span,
    /// How long it waits before it opens a connection again, at first. Doubles up to `backoff_max`.
    pub backoff: Span,
    /// How long it waits at most.
    pub backoff_max: Span,
    /// How often whoever opened a connection asks whether the other end is there, if nothing else is heard.
    pub ping_every: Span,
    /// A connection on which whoever opened it heard nothing for so long is dead. It is noticed within a
    /// [`ping_every`](Self::ping_every) more.
    pub silent_after: Span,
    /// The longest frame, in bytes.
    pub longest_frame: u32,
    /// How many messages wait for a connection, or for room on it; more are given up, the oldest first.
    pub outbox: u32,
    /// How long a connection that was replaced is still listened to: what was late on it may come.
    pub linger: Span,
    /// Whom answers go to.
    pub replies: Replies,
    /// Which processes of a peer are listened to.
    pub incarnations: Incarnations,
    /// What a read is taken for.
    pub framing: Framing,
    /// What becomes of messages that left, and of which nobody knows whether they came.
    pub unanswered: Unanswered,
    /// How long connections are accepted.
    pub accepting: Accepting,
}

/// What messages travel on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Transport {
    /// A connection: in order, with back-pressure.
    #[default]
    Tcp,
    /// Datagrams: each by itself, lost when nobody takes them.
    Udp,
}

/// How many connections a pair of nodes has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Lanes {
    /// One for requests, one for heartbeats, one for watches.
    #[default]
    Apart,
    /// One for all: what is large holds up what is urgent.
    One,
}

/// Whom answers go to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Replies {
    /// To the latest connection that the peer has opened; nowhere if there is none any more.
    #[default]
    ToThePeer,
    /// What found no connection is kept, and goes to whatever process of the peer connects next: it may be an answer to
    /// nothing that this one asked.
    ToTheNextConnection,
    /// To the place in the list of connections at which the peer's stood when it was opened. When one that stands before it
    /// is closed, the others move up, and the answer goes to somebody else.
    ToThePlace,
}

/// Which processes of a peer are listened to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Incarnations {
    /// The newest one that was heard of: what is late of an older one is thrown away.
    #[default]
    NewestOnly,
    /// All: an old connection goes on delivering what its dead process said, as if its successor said it now.
    Any,
}

/// What a read is taken for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Framing {
    /// Some bytes: frames are put together from as many reads as it takes.
    #[default]
    Reassembled,
    /// One frame: right as long as frames are small and come one at a time. What is left over of a read is thrown away,
    /// and a frame that is split over two reads is taken for garbage.
    OneRead,
}

/// What becomes of messages that left, and of which nobody knows whether they came, when their connection dies.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Unanswered {
    /// They are gone: a node that waits for an answer asks again.
    #[default]
    Gone,
    /// The shell sends them again on the next connection, and never gives anything up: what had arrived comes twice, and
    /// what is long out of date comes late.
    SentAgain,
}

/// How long connections are accepted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Accepting {
    /// Always.
    #[default]
    Always,
    /// The next one when the last one is over.
    OneAtATime,
    /// Until one of them breaks, or brings garbage.
    UntilAnError,
}

impl Default for ShellPolicy {
    /// The times are chosen by us: a dead connection is replaced well within the shortest TTL that is usual (10 s).
    /// `linger` is longer than any message is late in the scenarios.
    fn default() -> Self {
        Self {
            heartbeats: Transport::Tcp,
            lanes: Lanes::Apart,
            connect_within: Span::from_millis(200),
            backoff: Span::from_millis(20),
            backoff_max: Span::from_millis(320),
            ping_every: Span::from_millis(200),
            silent_after: Span::from_millis(600),
            longest_frame: 1 << 20,
            outbox: 256,
            linger: Span::from_secs(30),
            replies: Replies::default(),
            incarnations: Incarnations::default(),
            framing: Framing::default(),
            unanswered: Unanswered::default(),
            accepting: Accepting::default(),
        }
    }
}
