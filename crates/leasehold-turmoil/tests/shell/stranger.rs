//! A test that speaks for itself: the other end of a connection, byte by byte.

use std::io;

use leasehold_core::id::{Incarnation, NodeId};
use leasehold_turmoil::wire::{Decoder, Frame, Hello, Refusal};
use leasehold_turmoil::{Label, Lane, Listener, Net, Reader, Writer};

use crate::host::{Say, pass};
use crate::wires::{Beginning, End, Port, Wires};

const LONGEST: u32 = 1 << 20;

/// One connection with a process.
pub(crate) struct Stranger {
    reader: End,
    writer: Beginning,
    decoder: Decoder,
}

impl Stranger {
    /// Dials a process, once it listens, and says nothing yet.
    pub(crate) async fn dial(wires: &Wires, from: NodeId, to: NodeId) -> Self {
        let (reader, writer) = loop {
            match wires.of(from).connect(to).await {
                Ok(connection) => break connection,
                Err(_) => pass(1).await,
            }
        };
        Self { reader, writer, decoder: Decoder::new(LONGEST) }
    }

    /// Dials a process, and says who it is.
    pub(crate) async fn greet(wires: &Wires, from: NodeId, incarnation: u32, lane: Lane, to: NodeId) -> Self {
        let mut stranger = Self::dial(wires, from, to).await;
        stranger.hello(from, incarnation, 0, lane).await;
        stranger
    }

    /// The same for a process with this number. Whatever comes back first.
    pub(crate) async fn greet_as(
        wires: &Wires,
        (from, incarnation, process): (NodeId, u32, u64),
        to: NodeId,
    ) -> (Self, Option<Frame<Say>>) {
        let mut stranger = Self::dial(wires, from, to).await;
        stranger.hello(from, incarnation, process, Lane::Requests).await;
        let answer = stranger.frame().await;
        (stranger, answer)
    }

    /// Waits to be dialled, and refuses.
    pub(crate) async fn refuse(port: &Port, refusal: Refusal) {
        let (reader, writer) = port.accept().await.unwrap();
        let mut stranger = Self { reader, writer, decoder: Decoder::new(LONGEST) };
        stranger.write(&Frame::<Say>::Refused(refusal).to_bytes(LONGEST).unwrap()).await;
        while stranger.frame().await.is_some() {}
    }

    /// Waits to be dialled, says who it is, and hears who the other one is.
    pub(crate) async fn answer(port: &Port, node: NodeId, incarnation: u32) -> (Self, Hello) {
        let (reader, writer) = port.accept().await.unwrap();
        let mut stranger = Self { reader, writer, decoder: Decoder::new(LONGEST) };
        let Some(Frame::Hello(hello)) = stranger.frame().await else { panic!("no hello") };
        stranger.hello(node, incarnation, 0, hello.lane).await;
        (stranger, hello)
    }

    async fn hello(&mut self, node: NodeId, incarnation: u32, process: u64, lane: Lane) {
        let hello = Hello { node, incarnation: Incarnation(incarnation), process, lane };
        self.write(&Frame::<Say>::Hello(hello).to_bytes(LONGEST).unwrap()).await;
    }

    pub(crate) async fn say(&mut self, message: Say) {
        self.write(&Frame::Message(message).to_bytes(LONGEST).unwrap()).await;
    }

    pub(crate) async fn write(&mut self, bytes: &[u8]) {
        self.try_write(bytes).await.unwrap();
    }

    pub(crate) async fn try_write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.writer.write(Label::Control, bytes).await
    }

    /// The next frame; nothing at the end.
    pub(crate) async fn frame(&mut self) -> Option<Frame<Say>> {
        let mut buffer = [0; 512];
        loop {
            if let Some(frame) = self.decoder.next_frame().unwrap() {
                return Some(frame);
            }
            let count = self.reader.read(&mut buffer).await.unwrap();
            if count == 0 {
                return None;
            }
            self.decoder.feed(&buffer[..count]);
        }
    }

    /// The next message; nothing at the end. Answers pings, if it is there.
    pub(crate) async fn hear(&mut self) -> Option<Say> {
        loop {
            match self.frame().await? {
                Frame::Message(message) => return Some(message),
                Frame::Ping => self.write(&Frame::<Say>::Pong.to_bytes(LONGEST).unwrap()).await,
                Frame::Pong | Frame::Hello(_) | Frame::Refused(_) => {}
            }
        }
    }
}
