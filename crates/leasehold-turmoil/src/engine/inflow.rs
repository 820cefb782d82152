//! What comes on a stream: the bytes of messages whose fate is decided, without their envelopes.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, ReadBuf};

use crate::engine::envelope::{ENVELOPE, Kind, open};
use crate::engine::fates::Verdict;
use crate::engine::stage::Stage;

/// Reads a stream up to the first message whose fate is not decided: what is behind it waits too, as it does on any
/// stream.
pub(crate) struct Inflow {
    buffer: Buffer,
    part: Part,
    /// What became of the last message: the rest of it shares that.
    last: Verdict,
}

/// What comes next on a stream.
#[derive(Clone, Copy, Debug)]
enum Part {
    Envelope,
    /// A message of so many bytes that waits for its verdict.
    Undecided {
        number: u64,
        length: usize,
    },
    /// So many bytes that are handed on, and how many of them before a read ends though there are more.
    Taken {
        length: usize,
        piece: usize,
    },
    /// So many bytes of something that was lost.
    Skipped {
        length: usize,
    },
}

impl Inflow {
    pub(crate) fn new() -> Self {
        Self { buffer: Buffer::new(), part: Part::Envelope, last: Verdict::Arrives }
    }

    /// Streams know no frames: a read may end within a message, and bring several. So do these.
    pub(crate) fn poll_read(
        &mut self,
        stream: &mut (impl AsyncRead + Unpin),
        stage: &Stage,
        cx: &mut Context<'_>,
        into: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        let mut read = 0;
        while read < into.len() {
            match self.part {
                Part::Undecided { number, length } => {
                    let verdict = stage.fates(|fates| fates.on_stream(number, cx.waker()));
                    let Some(verdict) = verdict else { break };
                    self.last = verdict;
                    self.part = part(verdict, length, cut(number, length));
                }
                Part::Taken { length: 0, .. } | Part::Skipped { length: 0 } => self.part = Part::Envelope,
                Part::Taken { length, piece } if self.buffer.has_some() => {
                    let taken = self.buffer.take(piece, &mut into[read..]);
                    read += taken;
                    let (length, piece) = (length - taken, piece - taken);
                    self.part = Part::Taken { length, piece: if piece == 0 { length } else { piece } };
                    if piece == 0 && length > 0 {
                        return Poll::Ready(Ok(read));
                    }
                }
                Part::Skipped { length } if self.buffer.has_some() => {
                    self.part = Part::Skipped { length: length - self.buffer.skip(length) };
                }
                Part::Envelope if self.buffer.has_envelope() => {
                    self.part = match self.buffer.take_envelope() {
                        (Kind::Message(number), length) => Part::Undecided { number, length },
                        (Kind::Rest, length) => part(self.last, length, length),
                        (Kind::Control, length) => part(Verdict::Arrives, length, length),
                    }
                }
                Part::Envelope | Part::Taken { .. } | Part::Skipped { .. } => {
                    if read > 0 {
                        break;
                    }
                    if ready!(self.buffer.poll_fill(stream, cx))? == 0 {
                        return Poll::Ready(Ok(0));
                    }
                }
            }
        }
        if read == 0 && !into.is_empty() { Poll::Pending } else { Poll::Ready(Ok(read)) }
    }
}

/// One message in so many is read in two pieces, if nothing else cuts it: chosen by us, so that in every run some are,
/// and a shell that takes reads for frames works for a while.
const CUT_ONE_IN: u64 = 8;

/// Where a message is cut: after so many of its bytes, or not at all.
fn cut(number: u64, length: usize) -> usize {
    let place = number / CUT_ONE_IN % (length.max(1) as u64);
    if number.is_multiple_of(CUT_ONE_IN) && place > 0 { place as usize } else { length }
}

/// What to do with the next so many bytes, and where they are cut.
fn part(verdict: Verdict, length: usize, piece: usize) -> Part {
    match verdict {
        Verdict::Arrives => Part::Taken { length, piece },
        Verdict::Lost => Part::Skipped { length },
    }
}

/// What was read from a stream and not handed on yet.
struct Buffer {
    bytes: Box<[u8]>,
    start: usize,
    end: usize,
}

impl Buffer {
    /// Chosen by us: most frames fit.
    const SIZE: usize = 1024;

    fn new() -> Self {
        Self { bytes: vec![0; Self::SIZE].into(), start: 0, end: 0 }
    }

    fn has_some(&self) -> bool {
        self.start < self.end
    }

    /// Reads more, and says how many bytes; none at the end of the stream.
    fn poll_fill(
        &mut self,
        stream: &mut (impl AsyncRead + Unpin),
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<usize>> {
        self.bytes.copy_within(self.start..self.end, 0);
        (self.start, self.end) = (0, self.end - self.start);
        let mut room = ReadBuf::new(&mut self.bytes[self.end..]);
        ready!(Pin::new(stream).poll_read(cx, &mut room))?;
        let read = room.filled().len();
        self.end += read;
        Poll::Ready(Ok(read))
    }

    fn has_envelope(&self) -> bool {
        self.end - self.start >= ENVELOPE
    }

    fn take_envelope(&mut self) -> (Kind, usize) {
        let envelope = open(&self.bytes[self.start..self.end]);
        self.start += ENVELOPE;
        envelope
    }

    fn take(&mut self, most: usize, into: &mut [u8]) -> usize {
        let here = &self.bytes[self.start..self.end];
        let taken = most.min(here.len()).min(into.len());
        into[..taken].copy_from_slice(&here[..taken]);
        self.start += taken;
        taken
    }

    fn skip(&mut self, most: usize) -> usize {
        let skipped = most.min(self.end - self.start);
        self.start += skipped;
        skipped
    }
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;
    use std::task::Waker;

    use leasehold_core::id::NodeId;
    use leasehold_core::node::{Leg, Purpose};

    use super::*;
    use crate::engine::envelope::{number, seal};
    use crate::engine::fates::{Address, Carrier, Link, Way};
    use crate::net::Label;

    const CLASS: (Purpose, Leg) = (Purpose::Write, Leg::Request);

    /// A stage on which these messages were sent on one stream.
    fn stage(numbers: std::ops::Range<u64>) -> Stage {
        let socket = SocketAddr::from(([192, 168, 0, 1], 1));
        let carrier = Carrier::Stream(Way { from: socket, to: socket });
        let address = Address { from: NodeId(0), to: NodeId(1), class: CLASS };
        let stage = Stage::default();
        for number in numbers {
            stage.fates(|fates| fates.expect(number, address, carrier, Link::Whole));
        }
        stage
    }

    fn message(which: u64, text: &str) -> Vec<u8> {
        let mut sealed = seal(Label::Message(CLASS.0, CLASS.1), text.as_bytes());
        number(&mut sealed, which);
        sealed
    }

    /// Reads once, into so much room. Nothing if that has to wait.
    fn read(inflow: &mut Inflow, stream: &mut &[u8], stage: &Stage, room: usize) -> Option<String> {
        let mut buffer = vec![0; room];
        match inflow.poll_read(stream, stage, &mut Context::from_waker(Waker::noop()), &mut buffer) {
            Poll::Ready(read) => {
                buffer.truncate(read.expect("bytes can always be read"));
                Some(String::from_utf8(buffer).expect("these are letters"))
            }
            Poll::Pending => None,
        }
    }

    #[test]
    fn what_is_behind_an_undecided_message_waits_and_what_was_lost_is_skipped_with_its_rest() {
        let stage = stage(1..4);
        let control = seal(Label::Control, b"ping");
        let rest = seal(Label::Rest, b"tail");
        let bytes = [
            control.clone(),
            message(1, "one"),
            rest.clone(),
            message(2, "two"),
            rest,
            message(3, ""),
            control,
        ];
        let (bytes, mut inflow) = (bytes.concat(), Inflow::new());
        let mut stream = &bytes[..];
        let mut read = || read(&mut inflow, &mut stream, &stage, 99);
        assert_eq!(read().as_deref(), Some("ping"));
        assert_eq!(read(), None);
        stage.fates(|fates| fates.lost(1));
        assert_eq!(read(), None, "now the second is undecided");
        assert_eq!(stage.fates(|fates| (fates.arrives(3), fates.arrives(2))), (None, None));
        assert_eq!(read().as_deref(), Some("twotailping"), "several in one read");
        assert_eq!(read().as_deref(), Some(""), "the end");
    }

    #[test]
    fn messages_are_cut_by_the_room_there_is_by_the_buffer_and_some_by_their_number() {
        let stage = stage(0..17);
        let long = "x".repeat(3_000);
        let bytes: Vec<u8> =
            (8..17).flat_map(|which| message(which, if which == 9 { &long } else { "abcdef" })).collect();
        for which in 8..17 {
            stage.fates(|fates| fates.arrives(which));
        }
        let (mut stream, mut inflow) = (&bytes[..], Inflow::new());
        let mut read = |room| read(&mut inflow, &mut stream, &stage, room).expect("all have arrived");
        assert_eq!(read(99), "a", "message 8 is cut after its first letter");
        assert_eq!(read(3), "bcd");
        let mut all = String::new();
        loop {
            match read(2_000) {
                end if end.is_empty() => break,
                more => all.push_str(&more),
            }
        }
        assert_eq!(all, ["ef", &long, &"abcdef".repeat(7)].concat());
    }
}
