//! The digest of a run: two runs with the same digest had the same events.

use std::fmt;
use std::ops::ControlFlow;
use std::str::FromStr;

use leasehold_core::{Event, EventKind, EventSink};

/// No event takes more bytes than this: 18 for its head, and at most ten for each of its integers.
const LARGEST_EVENT: usize = 256;
const BUFFER: usize = 16 * 1024;

/// Digests events as they come.
///
/// Each event is written as its true time, its node, its reading (little-endian, of fixed width), who said it,
/// and the postcard form of what it says; all of it goes through BLAKE3.
pub struct Digester {
    hasher: blake3::Hasher,
    buffer: Box<[u8; BUFFER]>,
    filled: usize,
    events: u64,
}

/// The digest of a run.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Digest([u8; 32]);

/// A text is not 64 hexadecimal digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected 64 hexadecimal digits")]
pub struct NoDigest;

impl Default for Digester {
    fn default() -> Self {
        let hasher = blake3::Hasher::new_derive_key("leasehold 2026-11-21 run digest v1");
        Self { hasher, buffer: Box::new([0; BUFFER]), filled: 0, events: 0 }
    }
}

impl Digester {
    /// How many events there were.
    pub fn events(&self) -> u64 {
        self.events
    }

    /// The digest of all events so far.
    pub fn finish(mut self) -> Digest {
        self.hasher.update(&self.buffer[..self.filled]);
        Digest(*self.hasher.finalize().as_bytes())
    }

    fn put(&mut self, bytes: &[u8]) {
        self.buffer[self.filled..self.filled + bytes.len()].copy_from_slice(bytes);
        self.filled += bytes.len();
    }
}

impl EventSink for Digester {
    fn on_event(&mut self, event: &Event) -> ControlFlow<()> {
        if BUFFER - self.filled < LARGEST_EVENT {
            self.hasher.update(&self.buffer[..self.filled]);
            self.filled = 0;
        }
        self.events += 1;
        self.put(&event.at.as_nanos().to_le_bytes());
        self.put(&event.node.map_or(u16::MAX, |node| node.0).to_le_bytes());
        self.put(&event.local.to_le_bytes());
        let rest = &mut self.buffer[self.filled + 1..];
        let (speaker, written) = match &event.kind {
            EventKind::Node(said) => (0, postcard::to_slice(said, rest)),
            EventKind::World(said) => (1, postcard::to_slice(said, rest)),
        };
        let length = written.expect("an event fits what is kept free for it").len();
        self.buffer[self.filled] = speaker;
        self.filled += 1 + length;
        ControlFlow::Continue(())
    }
}

impl fmt::Display for Digest {
    /// Writes 64 hexadecimal digits.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl FromStr for Digest {
    type Err = NoDigest;

    /// Reads what `Display` writes.
    fn from_str(text: &str) -> Result<Self, NoDigest> {
        let digits: Option<Vec<u32>> = text.chars().map(|c| c.to_digit(16)).collect();
        let digits = digits.filter(|digits| digits.len() == 64).ok_or(NoDigest)?;
        let byte = |place: usize| u8::try_from(digits[2 * place] << 4 | digits[2 * place + 1]);
        Ok(Self(std::array::from_fn(|place| byte(place).expect("two hexadecimal digits are a byte"))))
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use leasehold_core::event::{NodeEvent, WorldEvent};
    use leasehold_core::{NodeId, ResourceId, SimInstant};

    fn event(at: u64, kind: EventKind) -> Event {
        Event { at: SimInstant::from_nanos(at), node: Some(NodeId(1)), local: 5, kind }
    }

    fn digest(events: &[Event]) -> Digest {
        let mut digester = Digester::default();
        for event in events {
            let _ = digester.on_event(event);
        }
        digester.finish()
    }

    #[test]
    fn every_part_of_an_event_counts() {
        let base = event(7, EventKind::World(WorldEvent::Paused));
        let others = [
            event(8, base.kind),
            Event { node: None, ..base },
            Event { node: Some(NodeId(2)), ..base },
            Event { local: 6, ..base },
            event(7, EventKind::World(WorldEvent::Resumed)),
            // Its variant has the same number as that of `Paused` does among the world's.
            event(7, EventKind::Node(NodeEvent::Withdrew { resource: ResourceId(0) })),
        ];
        for other in others {
            assert_ne!(digest(&[base]), digest(&[other]), "{other:?}");
        }
        assert_ne!(digest(&[base]), digest(&[base, base]));
        assert_eq!(digest(&[base]), digest(&[base]));
    }

    #[test]
    fn a_digest_is_read_as_it_is_written() {
        let digest = digest(&[event(7, EventKind::World(WorldEvent::Paused))]);
        let text = digest.to_string();
        assert_eq!(text.parse(), Ok(digest));
        for wrong in ["", &text[1..], &format!("{text}0"), &text.replace(&text[..1], "g")] {
            assert_eq!(wrong.parse::<Digest>(), Err(NoDigest), "{wrong}");
        }
    }

    #[test]
    fn the_buffer_is_emptied_in_time() {
        let many: Vec<Event> = (0..10_000).map(|i| event(i, EventKind::World(WorldEvent::Paused))).collect();
        let mut swapped = many.clone();
        swapped.swap(4_000, 4_001);
        assert_ne!(digest(&many), digest(&swapped));
    }
}
