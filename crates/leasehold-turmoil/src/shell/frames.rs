//! The frames of a connection, as they are read off it.

use leasehold_core::node::Protocol;
use serde::de::DeserializeOwned;

use crate::net::{Net, Reader};
use crate::note::ClosedBecause;
use crate::policy::{Framing, ShellPolicy};
use crate::wire::{Decoder, Frame, Hello, WireError};

/// How much is read at once: chosen by us, so small that a list of some hundred entries comes in pieces.
const READ: usize = 512;

/// Reads frames off a connection.
pub(super) struct Frames<R> {
    reader: R,
    decoder: Decoder,
    policy: ShellPolicy,
    buffer: Vec<u8>,
}

impl<R: Reader> Frames<R> {
    pub(super) fn new(reader: R, policy: ShellPolicy) -> Self {
        Self { reader, decoder: Decoder::new(policy.longest_frame), policy, buffer: vec![0; READ] }
    }

    /// Where the other end is, if the network tells.
    pub(super) fn origin(&self) -> Option<String> {
        self.reader.origin()
    }

    /// Waits for the next frame. May be given up at any time without loss.
    pub(super) async fn next<T: DeserializeOwned>(&mut self) -> Result<Frame<T>, ClosedBecause> {
        loop {
            if let Some(frame) = self.decoder.next_frame().map_err(|error| garbage(&error))? {
                if self.policy.framing == Framing::OneRead {
                    self.decoder = Decoder::new(self.policy.longest_frame);
                }
                return Ok(frame);
            }
            if self.policy.framing == Framing::OneRead {
                // What this read brought was taken for all of a frame.
                self.decoder.finish().map_err(|error| garbage(&error))?;
            }
            match self.reader.read(&mut self.buffer).await {
                Ok(0) if self.decoder.finish().is_ok() => return Err(ClosedBecause::End),
                Ok(0) => return Err(ClosedBecause::Truncated),
                Ok(count) => self.decoder.feed(&self.buffer[..count]),
                Err(error) => return Err(ClosedBecause::Broke(error.to_string())),
            }
        }
    }
}

fn garbage(error: &WireError) -> ClosedBecause {
    ClosedBecause::Garbage(error.to_string())
}

/// The first frame of either end says who it is.
pub(super) async fn expect_hello<P: Protocol, N: Net>(
    frames: &mut Frames<N::Reader>,
) -> Result<Hello, ClosedBecause> {
    match frames.next::<P::Message>().await? {
        Frame::Hello(hello) => Ok(hello),
        Frame::Refused(refusal) => Err(ClosedBecause::Refused(refusal)),
        Frame::Message(_) | Frame::Ping | Frame::Pong => {
            Err(ClosedBecause::Garbage("the first frame does not say who speaks".to_owned()))
        }
    }
}
