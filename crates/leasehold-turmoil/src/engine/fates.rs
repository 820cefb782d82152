//! What becomes of messages whose bytes are under way.
//!
//! The bytes of a message get to its receiver within a tick, and wait there for a verdict: the conductor decides when it
//! arrives, or that it does not.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::net::SocketAddr;
use std::task::Waker;

use leasehold_core::id::NodeId;
use leasehold_core::node::{Leg, Purpose};

/// One direction of a connection: from which socket to which.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Way {
    pub(crate) from: SocketAddr,
    pub(crate) to: SocketAddr,
}

/// An end of a way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    Writer,
    Reader,
}

/// What carries a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Carrier {
    Stream(Way),
    Datagram,
}

/// What was said of a message first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    Arrives,
    Lost,
}

/// From whom to whom a message goes, and what it is about: enough to tell that it was given up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Address {
    pub(crate) from: NodeId,
    pub(crate) to: NodeId,
    pub(crate) class: (Purpose, Leg),
}

/// Where the bytes of a message are.
#[derive(Debug)]
enum Body {
    /// Under way, or in a socket.
    Coming,
    /// A datagram that was read, and waits for verdicts.
    Here(Vec<u8>),
    /// Read, or skipped.
    Taken,
    /// Nobody will ever read them.
    Gone,
}

struct Letter {
    address: Address,
    carrier: Carrier,
    verdict: Option<Verdict>,
    /// How many copies arrived before the bytes of a datagram did.
    ahead: u32,
    body: Body,
    settled: bool,
    reader: Option<Waker>,
}

/// Datagrams that have arrived at a host and were not received yet.
#[derive(Debug, Default)]
struct Inbox {
    waiting: VecDeque<Vec<u8>>,
    receiver: Option<Waker>,
}

/// All messages of which not everything is said and done.
#[derive(Default)]
pub(crate) struct Fates {
    letters: BTreeMap<u64, Letter>,
    inboxes: BTreeMap<NodeId, Inbox>,
    /// Ways of which one end is closed: which.
    half_closed: BTreeMap<Way, End>,
    /// Letters to look at when something was cut, so that all need not be: those of the last tick.
    fresh: BTreeSet<u64>,
}

/// Whether the network carries the bytes of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Link {
    Whole,
    Severed,
}

impl Fates {
    /// A message was sent in this tick.
    pub(crate) fn expect(&mut self, number: u64, address: Address, carrier: Carrier, link: Link) {
        let unread = match carrier {
            Carrier::Stream(way) => self.half_closed.get(&way) == Some(&End::Reader),
            Carrier::Datagram => false,
        };
        let body = if unread || link == Link::Severed { Body::Gone } else { Body::Coming };
        let letter = Letter { address, carrier, verdict: None, ahead: 0, body, settled: false, reader: None };
        self.letters.insert(number, letter);
        self.fresh.insert(number);
    }

    /// What was sent in the last tick has got to its receiver, or was cut.
    pub(crate) fn tick_is_over(&mut self) {
        self.fresh.clear();
    }

    /// A link was severed: what was sent on it in the last tick is gone.
    pub(crate) fn cut(&mut self, from: NodeId, to: NodeId) {
        for number in &self.fresh {
            if let Some(letter) = self.letters.get_mut(number)
                && (letter.address.from, letter.address.to) == (from, to)
            {
                letter.body = Body::Gone;
            }
        }
    }

    /// A message, or a copy of it, arrives. Gives its address if there are no bytes to read.
    pub(crate) fn arrives(&mut self, number: u64) -> Option<Address> {
        let letter = self.letters.get_mut(&number)?;
        let is_first = letter.verdict.is_none();
        letter.verdict.get_or_insert(Verdict::Arrives);
        match (&letter.body, letter.carrier) {
            (Body::Gone, _) => return is_first.then_some(letter.address),
            (Body::Here(bytes), _) => {
                let inbox = self.inboxes.entry(letter.address.to).or_default();
                inbox.put(bytes.clone());
            }
            (Body::Coming | Body::Taken, Carrier::Datagram) => letter.ahead += 1,
            (Body::Coming | Body::Taken, Carrier::Stream(_)) => letter.wake(),
        }
        None
    }

    /// A message, or a copy of it, does not arrive.
    pub(crate) fn lost(&mut self, number: u64) {
        if let Some(letter) = self.letters.get_mut(&number) {
            letter.verdict.get_or_insert(Verdict::Lost);
            letter.wake();
        }
    }

    /// Nothing more will be said of a message.
    pub(crate) fn settled(&mut self, number: u64) {
        if let Some(letter) = self.letters.get_mut(&number) {
            letter.settled = true;
            if !matches!(letter.body, Body::Coming) {
                self.letters.remove(&number);
            }
        }
    }

    /// What is to be done with a message whose bytes are next on a stream. If nothing is said yet, `reader` is woken when
    /// it is.
    pub(crate) fn on_stream(&mut self, number: u64, reader: &Waker) -> Option<Verdict> {
        let letter = self.letters.get_mut(&number).expect("a message is kept until its bytes are taken");
        let Some(verdict) = letter.verdict else {
            letter.reader = Some(reader.clone());
            return None;
        };
        letter.body = Body::Taken;
        if letter.settled {
            self.letters.remove(&number);
        }
        Some(verdict)
    }

    /// The bytes of a datagram came to its host.
    pub(crate) fn came(&mut self, number: u64, bytes: &[u8]) {
        let Some(letter) = self.letters.get_mut(&number) else { return };
        for _ in 0..letter.ahead {
            self.inboxes.entry(letter.address.to).or_default().put(bytes.to_vec());
        }
        letter.ahead = 0;
        if letter.settled {
            self.letters.remove(&number);
        } else {
            letter.body = Body::Here(bytes.to_vec());
        }
    }

    /// The next datagram that has arrived at a host. If there is none, `receiver` is woken when there is.
    pub(crate) fn receive(&mut self, node: NodeId, receiver: &Waker) -> Option<Vec<u8>> {
        let inbox = self.inboxes.entry(node).or_default();
        let datagram = inbox.waiting.pop_front();
        if datagram.is_none() {
            inbox.receiver = Some(receiver.clone());
        }
        datagram
    }

    /// An end of a way was closed. Gives what has arrived on it and will not be read.
    pub(crate) fn closed(&mut self, way: Way, end: End) -> Vec<Address> {
        match self.half_closed.get(&way) {
            Some(&other) if other != end => {
                self.half_closed.remove(&way);
            }
            _ => {
                self.half_closed.insert(way, end);
            }
        }
        if end == End::Writer {
            return Vec::new();
        }
        self.give_up(|letter| letter.carrier == Carrier::Stream(way))
    }

    /// The process of a host is dead: what is in its sockets is gone.
    pub(crate) fn died(&mut self, node: NodeId) {
        self.inboxes.remove(&node);
        // What has arrived died with it, and needs no word.
        let _ = self.give_up(|letter| letter.address.to == node);
    }

    /// Nobody will read the bytes of such messages. Gives those that had arrived.
    fn give_up(&mut self, concerned: impl Fn(&Letter) -> bool) -> Vec<Address> {
        let mut arrived = Vec::new();
        self.letters.retain(|_, letter| {
            if !concerned(letter) || !matches!(letter.body, Body::Coming) {
                return true;
            }
            letter.body = Body::Gone;
            letter.reader = None;
            if letter.verdict == Some(Verdict::Arrives) {
                arrived.push(letter.address);
            }
            !letter.settled
        });
        arrived
    }
}

impl Letter {
    fn wake(&mut self) {
        if let Some(reader) = self.reader.take() {
            reader.wake();
        }
    }
}

impl Inbox {
    fn put(&mut self, bytes: Vec<u8>) {
        self.waiting.push_back(bytes);
        if let Some(receiver) = self.receiver.take() {
            receiver.wake();
        }
    }
}
#[cfg(test)]
mod tests {
    use super::*;

    const A: NodeId = NodeId(0);
    const B: NodeId = NodeId(1);
    const ADDRESS: Address = Address { from: A, to: B, class: (Purpose::Write, Leg::Request) };

    fn way() -> Way {
        let socket = |port| SocketAddr::from(([192, 168, 0, 1], port));
        Way { from: socket(1), to: socket(2) }
    }

    /// One message on a stream, and one datagram, on a link that is whole.
    fn two() -> Fates {
        let mut fates = Fates::default();
        fates.expect(0, ADDRESS, Carrier::Stream(way()), Link::Whole);
        fates.expect(1, ADDRESS, Carrier::Datagram, Link::Whole);
        fates
    }

    fn received(fates: &mut Fates) -> Option<Vec<u8>> {
        fates.receive(B, Waker::noop())
    }

    #[test]
    fn a_stream_takes_the_first_verdict_and_knows_no_copies() {
        let mut fates = two();
        assert_eq!(fates.on_stream(0, Waker::noop()), None);
        assert_eq!(fates.arrives(0), None);
        fates.lost(0);
        assert_eq!(fates.on_stream(0, Waker::noop()), Some(Verdict::Arrives));
        assert_eq!(fates.arrives(0), None);
        fates.settled(0);
        assert!(!fates.letters.contains_key(&0), "nothing is kept of it");
    }

    #[test]
    fn a_message_is_kept_until_its_bytes_were_taken() {
        let mut fates = two();
        fates.lost(0);
        fates.settled(0);
        assert_eq!(fates.on_stream(0, Waker::noop()), Some(Verdict::Lost));
        assert!(!fates.letters.contains_key(&0));
    }

    #[test]
    fn each_copy_of_a_datagram_is_received() {
        let mut fates = two();
        assert_eq!(fates.arrives(1), None);
        fates.came(1, b"x");
        assert_eq!(received(&mut fates), Some(b"x".to_vec()), "the one that was ahead of the bytes");
        assert_eq!(received(&mut fates), None);
        assert_eq!(fates.arrives(1), None);
        fates.settled(1);
        assert_eq!(received(&mut fates), Some(b"x".to_vec()));
        assert!(!fates.letters.contains_key(&1));

        let mut fates = two();
        fates.lost(1);
        fates.settled(1);
        fates.came(1, b"x");
        assert_eq!(received(&mut fates), None);
        assert!(!fates.letters.contains_key(&1));
    }

    #[test]
    fn what_was_cut_under_way_and_arrives_all_the_same_is_given_up_once() {
        let mut fates = two();
        fates.cut(B, A);
        fates.cut(A, B);
        for number in [0, 1] {
            assert_eq!(fates.arrives(number), Some(ADDRESS), "its bytes are gone");
            assert_eq!(fates.arrives(number), None);
            fates.settled(number);
        }
        assert!(fates.letters.is_empty());
        let mut fates = two();
        fates.tick_is_over();
        fates.cut(A, B);
        assert_eq!(fates.arrives(0), None, "its bytes were there before");
    }

    #[test]
    fn a_reader_that_goes_leaves_what_had_arrived_unread_and_what_comes_later_too() {
        let mut fates = two();
        assert_eq!(fates.arrives(0), None);
        fates.expect(2, ADDRESS, Carrier::Stream(way()), Link::Whole);
        assert_eq!(fates.closed(way(), End::Reader), [ADDRESS], "the one that had arrived");
        assert_eq!(fates.arrives(2), Some(ADDRESS));
        fates.expect(3, ADDRESS, Carrier::Stream(way()), Link::Whole);
        assert_eq!(fates.arrives(3), Some(ADDRESS), "written by whom it was not told yet");
        assert_eq!(fates.closed(way(), End::Writer), []);
        assert!(fates.half_closed.is_empty());
        for number in 0..4 {
            fates.settled(number);
        }
        assert_eq!(fates.letters.keys().copied().collect::<Vec<_>>(), [1], "the datagram is still expected");
    }

    #[test]
    fn a_dead_process_reads_nothing_and_a_datagram_on_the_way_is_for_its_successor() {
        let mut fates = two();
        fates.expect(2, ADDRESS, Carrier::Datagram, Link::Whole);
        fates.came(2, b"late");
        assert_eq!(fates.arrives(0), None);
        fates.died(B);
        assert_eq!(fates.arrives(1), Some(ADDRESS), "it was in the dead one's socket");
        assert_eq!(fates.arrives(2), None);
        assert_eq!(received(&mut fates), Some(b"late".to_vec()));
    }
}
