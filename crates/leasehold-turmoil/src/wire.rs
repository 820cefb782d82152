//! Frames: what the shells of two processes say to each other, as bytes. See `docs/wire-format.md`.
//!
//! On a connection a frame is four bytes with the length of the rest, most significant first, then a byte with the version,
//! a byte with the kind, and the payload, which is [postcard](https://docs.rs/postcard). A datagram is the same without a
//! length. Nothing here reads or writes a socket.

use leasehold_core::id::{Incarnation, NodeId};
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::net::Lane;

/// The version of all that is sent. Another one is not understood.
pub const VERSION: u8 = 1;

/// The bytes before the payload that the length counts: version and kind.
const HEAD: usize = 2;
/// The bytes of the length.
const LENGTH: usize = 4;

const HELLO: u8 = 1;
const MESSAGE: u8 = 2;
const PING: u8 = 3;
const PONG: u8 = 4;
const DATAGRAM: u8 = 5;
const REFUSED: u8 = 6;

/// Who speaks: the first frame of either end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hello {
    /// The node.
    pub node: NodeId,
    /// Which of its processes.
    pub incarnation: Incarnation,
    /// Tells two processes of one incarnation apart, which there should not be: [`Machine::process`](crate::Machine::process).
    pub process: u64,
    /// What the connection is for.
    pub lane: Lane,
}

/// Why whoever accepted a connection will not speak to who opened it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Refusal {
    /// It is dead: its successor was heard of before.
    Outdated,
    /// Another process of its node and incarnation spoke first: two run at once, or a data folder was lost.
    Twin,
    /// There is no such node here: it runs another scenario.
    Unknown,
}

/// One frame of a connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Frame<M> {
    /// Who speaks.
    Hello(Hello),
    /// A message of the protocol.
    Message(M),
    /// Is somebody there?
    Ping,
    /// Yes.
    Pong,
    /// The first and last frame of whoever accepted a connection, instead of its hello.
    Refused(Refusal),
}

/// One datagram: a message, and who says it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Letter<M> {
    /// The node that says it.
    pub from: NodeId,
    /// Which of its processes.
    pub incarnation: Incarnation,
    /// What it says.
    pub message: M,
}

/// What is wrong with some bytes, or with what was to become bytes.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum WireError {
    /// The bytes end within a frame.
    #[error("the bytes end within a frame, after {got} of its bytes")]
    Truncated {
        /// How many bytes of the frame there are, its length included.
        got: usize,
    },
    /// A frame is too long.
    #[error("a frame of {length} bytes, where {longest} are the most (`longest_frame`)")]
    TooLong {
        /// How long it is, or says it is.
        length: u64,
        /// How long it may be.
        longest: u32,
    },
    /// A frame is too short to say what it is.
    #[error("a frame of {length} bytes, which has no room for version and kind")]
    TooShort {
        /// How long it is.
        length: usize,
    },
    /// A frame of another version.
    #[error("version {version} of the wire format, where only version {VERSION} is understood")]
    UnknownVersion {
        /// Which.
        version: u8,
    },
    /// A frame of a kind that is not known, or that does not belong here.
    #[error("a frame of kind {kind}, which does not belong here")]
    UnknownKind {
        /// Which.
        kind: u8,
    },
    /// The payload is not what the kind says.
    #[error("the payload of a {kind} frame cannot be read: {because}")]
    Garbage {
        /// Of which kind.
        kind: &'static str,
        /// What postcard says.
        because: String,
    },
    /// There is more in a frame than belongs there.
    #[error("{extra} bytes too many in a {kind} frame")]
    TrailingBytes {
        /// Of which kind.
        kind: &'static str,
        /// How many.
        extra: usize,
    },
}

impl<M: Serialize> Frame<M> {
    /// The frame as bytes, its length first.
    ///
    /// # Errors
    ///
    /// If it is longer than `longest`, or cannot be written down.
    pub fn to_bytes(&self, longest: u32) -> Result<Vec<u8>, WireError> {
        let start = vec![0; LENGTH];
        let mut bytes = match self {
            Self::Hello(hello) => written(start, HELLO, hello)?,
            Self::Message(message) => written(start, MESSAGE, message)?,
            Self::Ping => written(start, PING, &())?,
            Self::Pong => written(start, PONG, &())?,
            Self::Refused(refusal) => written(start, REFUSED, refusal)?,
        };
        let length = checked_length(bytes.len() - LENGTH, longest)?;
        bytes[..LENGTH].copy_from_slice(&length.to_be_bytes());
        Ok(bytes)
    }
}

impl<M: Serialize> Letter<M> {
    /// The datagram as bytes.
    ///
    /// # Errors
    ///
    /// If it is longer than `longest`, or cannot be written down.
    pub fn to_bytes(&self, longest: u32) -> Result<Vec<u8>, WireError> {
        let bytes = written(Vec::new(), DATAGRAM, self)?;
        checked_length(bytes.len(), longest)?;
        Ok(bytes)
    }
}

impl<M: for<'de> Deserialize<'de>> Letter<M> {
    /// Reads a whole datagram.
    ///
    /// # Errors
    ///
    /// If it is none, longer than `longest`, or none that this version understands.
    pub fn from_bytes(bytes: &[u8], longest: u32) -> Result<Self, WireError> {
        checked_length(bytes.len(), longest)?;
        match split_head(bytes)? {
            (DATAGRAM, payload) => read(DATAGRAM, payload),
            (kind, _) => Err(WireError::UnknownKind { kind }),
        }
    }
}

fn written(mut bytes: Vec<u8>, kind: u8, payload: &impl Serialize) -> Result<Vec<u8>, WireError> {
    bytes.extend([VERSION, kind]);
    postcard::to_extend(payload, bytes)
        .map_err(|error| WireError::Garbage { kind: name(kind), because: error.to_string() })
}

fn checked_length(length: usize, longest: u32) -> Result<u32, WireError> {
    u32::try_from(length)
        .ok()
        .filter(|&length| length <= longest)
        .ok_or(WireError::TooLong { length: length as u64, longest })
}

fn name(kind: u8) -> &'static str {
    match kind {
        HELLO => "hello",
        MESSAGE => "message",
        PING => "ping",
        PONG => "pong",
        DATAGRAM => "datagram",
        REFUSED => "refused",
        _ => "unknown",
    }
}

/// Splits kind and payload, once the version is known to be understood.
fn split_head(body: &[u8]) -> Result<(u8, &[u8]), WireError> {
    match *body {
        [VERSION, kind, ref payload @ ..] => Ok((kind, payload)),
        [version, _, ..] => Err(WireError::UnknownVersion { version }),
        _ => Err(WireError::TooShort { length: body.len() }),
    }
}

fn read<T: for<'de> Deserialize<'de>>(kind: u8, payload: &[u8]) -> Result<T, WireError> {
    let kind = name(kind);
    match postcard::take_from_bytes(payload) {
        Ok((value, [])) => Ok(value),
        Ok((_, rest)) => Err(WireError::TrailingBytes { kind, extra: rest.len() }),
        Err(error) => Err(WireError::Garbage { kind, because: error.to_string() }),
    }
}

fn read_frame<M: for<'de> Deserialize<'de>>(body: &[u8]) -> Result<Frame<M>, WireError> {
    Ok(match split_head(body)? {
        (HELLO, payload) => Frame::Hello(read(HELLO, payload)?),
        (MESSAGE, payload) => Frame::Message(read(MESSAGE, payload)?),
        (PING, payload) => {
            read::<()>(PING, payload)?;
            Frame::Ping
        }
        (PONG, payload) => {
            read::<()>(PONG, payload)?;
            Frame::Pong
        }
        (REFUSED, payload) => Frame::Refused(read(REFUSED, payload)?),
        (kind, _) => return Err(WireError::UnknownKind { kind }),
    })
}

/// Takes the bytes of a connection, cut anywhere, and gives its frames.
///
/// It keeps what belongs to a frame that is not complete yet, and never more than the longest frame and what was fed last:
/// a length is checked before anything waits for it, and reserves nothing.
#[derive(Debug)]
pub struct Decoder {
    bytes: Vec<u8>,
    /// How many of the bytes were given out as frames.
    done: usize,
    longest: u32,
}

impl Decoder {
    /// A decoder at the start of a connection.
    pub fn new(longest: u32) -> Self {
        Self { bytes: Vec::new(), done: 0, longest }
    }

    /// Takes some bytes.
    pub fn feed(&mut self, bytes: &[u8]) {
        self.bytes.drain(..self.done);
        self.done = 0;
        self.bytes.extend_from_slice(bytes);
    }

    /// The next frame, if all its bytes are there.
    ///
    /// # Errors
    ///
    /// If what comes next is no frame. Then nothing that follows is one either, as nobody knows where it would begin: the
    /// same error comes again.
    pub fn next_frame<M: for<'de> Deserialize<'de>>(&mut self) -> Result<Option<Frame<M>>, WireError> {
        let bytes = &self.bytes[self.done..];
        let Some((length, rest)) = bytes.split_first_chunk::<LENGTH>() else { return Ok(None) };
        let length = u32::from_be_bytes(*length);
        if length > self.longest {
            return Err(WireError::TooLong { length: u64::from(length), longest: self.longest });
        }
        let length = length as usize;
        if length < HEAD {
            return Err(WireError::TooShort { length });
        }
        // Another version may count its length otherwise: no need to wait for the rest.
        if let [version, ..] = *rest
            && version != VERSION
        {
            return Err(WireError::UnknownVersion { version });
        }
        let Some(body) = rest.get(..length) else { return Ok(None) };
        let frame = read_frame(body)?;
        self.done += LENGTH + length;
        Ok(Some(frame))
    }

    /// Says that nothing comes any more.
    ///
    /// # Errors
    ///
    /// If there are bytes of a frame that is not complete.
    pub fn finish(&self) -> Result<(), WireError> {
        match self.bytes.len() - self.done {
            0 => Ok(()),
            got => Err(WireError::Truncated { got }),
        }
    }
}
