//! Frames survive any cut, and nothing that comes off a socket can hurt.
#![expect(clippy::unwrap_used, reason = "a test may fail so")]

use leasehold_core::id::{Incarnation, NodeId};
use leasehold_turmoil::Lane;
use leasehold_turmoil::wire::{Decoder, Frame, Hello, Letter, Refusal, VERSION, WireError};
use proptest::collection::vec;
use proptest::prelude::*;
use serde::{Deserialize, Serialize};

const LONGEST: u32 = 256;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
enum Say {
    Number(u64),
    Bytes(Vec<u8>),
    Nothing,
}

fn lanes() -> impl Strategy<Value = Lane> {
    prop_oneof![Just(Lane::Requests), Just(Lane::Heartbeats), Just(Lane::Watch)]
}

fn refusals() -> impl Strategy<Value = Refusal> {
    prop_oneof![Just(Refusal::Outdated), Just(Refusal::Twin), Just(Refusal::Unknown)]
}

fn messages() -> impl Strategy<Value = Say> {
    prop_oneof![
        any::<u64>().prop_map(Say::Number),
        vec(any::<u8>(), 0..200).prop_map(Say::Bytes),
        Just(Say::Nothing),
    ]
}

fn frames() -> impl Strategy<Value = Frame<Say>> {
    let hello =
        (any::<u16>(), any::<u32>(), any::<u64>(), lanes()).prop_map(|(node, incarnation, process, lane)| {
            Frame::Hello(Hello { node: NodeId(node), incarnation: Incarnation(incarnation), process, lane })
        });
    prop_oneof![
        1 => hello,
        6 => messages().prop_map(Frame::Message),
        1 => Just(Frame::Ping),
        1 => Just(Frame::Pong),
        1 => refusals().prop_map(Frame::Refused),
    ]
}

/// All frames of some bytes that come in pieces, and what is wrong at the end.
fn decoded(pieces: impl IntoIterator<Item = impl AsRef<[u8]>>) -> (Vec<Frame<Say>>, Result<(), WireError>) {
    let mut decoder = Decoder::new(LONGEST);
    let mut frames = Vec::new();
    for piece in pieces {
        decoder.feed(piece.as_ref());
        loop {
            match decoder.next_frame() {
                Ok(Some(frame)) => frames.push(frame),
                Ok(None) => break,
                Err(error) => return (frames, Err(error)),
            }
        }
    }
    (frames, decoder.finish())
}

fn bytes_of(frames: &[Frame<Say>]) -> Vec<u8> {
    frames.iter().flat_map(|frame| frame.to_bytes(LONGEST).unwrap()).collect()
}

fn pieces(bytes: &[u8], mut cuts: Vec<usize>) -> Vec<&[u8]> {
    cuts.iter_mut().for_each(|cut| *cut %= bytes.len() + 1);
    cuts.extend([0, bytes.len()]);
    cuts.sort_unstable();
    cuts.windows(2).map(|ends| &bytes[ends[0]..ends[1]]).collect()
}

proptest! {
    #[test]
    fn any_cut_of_any_frames_gives_the_same_frames(
        sent in vec(frames(), 0..12),
        cuts in vec(any::<usize>(), 0..20),
    ) {
        let bytes = bytes_of(&sent);
        let (got, end) = decoded(pieces(&bytes, cuts));
        prop_assert_eq!(got, sent);
        prop_assert_eq!(end, Ok(()));
    }

    #[test]
    fn the_end_within_a_frame_is_noticed_and_costs_only_that_frame(
        sent in vec(frames(), 1..6),
        lost in 1_usize..6,
    ) {
        let bytes = bytes_of(&sent);
        let last = sent.last().unwrap().to_bytes(LONGEST).unwrap().len();
        let lost = lost.min(last - 1);
        let (got, end) = decoded([&bytes[..bytes.len() - lost]]);
        prop_assert_eq!(&got[..], &sent[..sent.len() - 1]);
        prop_assert_eq!(end, Err(WireError::Truncated { got: last - lost }));
    }

    #[test]
    fn arbitrary_bytes_do_no_harm(bytes in vec(any::<u8>(), 0..2000), cuts in vec(any::<usize>(), 0..8)) {
        prop_assert_eq!(decoded(pieces(&bytes, cuts)), decoded([&bytes]));
        let _ = Letter::<Say>::from_bytes(&bytes, LONGEST);
    }

    /// Bytes that look like frames get further into the decoder than arbitrary ones.
    #[test]
    fn a_flipped_byte_does_no_harm(
        sent in vec(frames(), 1..6),
        place in any::<usize>(),
        flip in 1_u8..,
    ) {
        let mut bytes = bytes_of(&sent);
        let place = place % bytes.len();
        bytes[place] ^= flip;
        let (got, _) = decoded([&bytes]);
        // What stood before the frame with that byte is as it was.
        let mut untouched = 0;
        let mut end = 0;
        for frame in &sent {
            end += frame.to_bytes(LONGEST).unwrap().len();
            if end > place {
                break;
            }
            untouched += 1;
        }
        prop_assert!(got.len() >= untouched);
        prop_assert_eq!(&got[..untouched], &sent[..untouched]);
    }

    #[test]
    fn a_datagram_comes_back(from in any::<u16>(), incarnation in any::<u32>(), message in messages()) {
        let letter = Letter { from: NodeId(from), incarnation: Incarnation(incarnation), message };
        let bytes = letter.to_bytes(LONGEST).unwrap();
        prop_assert_eq!(Letter::from_bytes(&bytes, LONGEST), Ok(letter));
    }
}

/// A frame with this body.
fn framed(body: &[u8]) -> Vec<u8> {
    let length = u32::try_from(body.len()).unwrap();
    [&length.to_be_bytes()[..], body].concat()
}

#[test]
fn what_is_wrong_is_said() {
    const MESSAGE: u8 = 2;
    let ping = Frame::<Say>::Ping.to_bytes(LONGEST).unwrap();
    let cases: [(&str, Vec<u8>, WireError); 8] = [
        ("no room for version and kind", framed(&[VERSION]), WireError::TooShort { length: 1 }),
        ("nothing at all", framed(&[]), WireError::TooShort { length: 0 }),
        ("another version", framed(&[9, MESSAGE, 0]), WireError::UnknownVersion { version: 9 }),
        ("another version, at once", vec![0, 0, 0, 99, 9], WireError::UnknownVersion { version: 9 }),
        ("a kind from the future", framed(&[VERSION, 77]), WireError::UnknownKind { kind: 77 }),
        (
            "one byte too many",
            framed(&[VERSION, MESSAGE, 2, 0]),
            WireError::TrailingBytes { kind: "message", extra: 1 },
        ),
        (
            "longer than allowed, said at once",
            vec![255, 255, 255, 255],
            WireError::TooLong { length: u64::from(u32::MAX), longest: LONGEST },
        ),
        (
            "a datagram's kind on a connection",
            framed(&[VERSION, 5, 0, 0, 2]),
            WireError::UnknownKind { kind: 5 },
        ),
    ];
    for (name, bytes, error) in cases {
        // What stands before it has come, and it is said again and again.
        let (frames, end) = decoded([[ping.clone(), bytes].concat()]);
        assert_eq!(frames, [Frame::Ping], "{name}");
        assert_eq!(end, Err(error), "{name}");
    }
    let (_, end) = decoded([framed(&[VERSION, MESSAGE, 200])]);
    assert!(matches!(end, Err(WireError::Garbage { kind: "message", .. })), "{end:?}");
}

#[test]
fn the_limit_is_the_same_on_both_ends() {
    // Version, kind, variant and two bytes of length.
    let fits = Frame::Message(Say::Bytes(vec![7; LONGEST as usize - 5]));
    let bytes = fits.to_bytes(LONGEST).unwrap();
    assert_eq!(decoded([&bytes]), (vec![fits], Ok(())));
    let too_long = Frame::Message(Say::Bytes(vec![7; LONGEST as usize - 4]));
    let length = u64::from(LONGEST) + 1;
    assert_eq!(too_long.to_bytes(LONGEST), Err(WireError::TooLong { length, longest: LONGEST }));
    let bytes = too_long.to_bytes(LONGEST + 1).unwrap();
    assert_eq!(decoded([&bytes]).1, Err(WireError::TooLong { length, longest: LONGEST }));
}

/// A list that says it has four thousand million entries is no reason to make room for them: postcard reads as many as
/// there are.
#[test]
fn a_lying_length_reserves_nothing() {
    let body = [VERSION, 2, 1, 0xff, 0xff, 0xff, 0xff, 0x0f];
    let (_, end) = decoded([framed(&body)]);
    assert!(matches!(end, Err(WireError::Garbage { kind: "message", .. })), "{end:?}");
}

/// The bytes of the wire format are kept: see `docs/wire-format.md`, which shows these.
#[test]
fn the_bytes_are_as_documented() {
    let hello = Hello { node: NodeId(3), incarnation: Incarnation(1), process: 7, lane: Lane::Heartbeats };
    assert_eq!(Frame::<Say>::Hello(hello).to_bytes(LONGEST).unwrap(), [0, 0, 0, 6, 1, 1, 3, 1, 7, 1]);
    assert_eq!(Frame::<Say>::Ping.to_bytes(LONGEST).unwrap(), [0, 0, 0, 2, 1, 3]);
    assert_eq!(Frame::<Say>::Pong.to_bytes(LONGEST).unwrap(), [0, 0, 0, 2, 1, 4]);
    assert_eq!(Frame::<Say>::Refused(Refusal::Twin).to_bytes(LONGEST).unwrap(), [0, 0, 0, 3, 1, 6, 1]);
    let message = Frame::Message(Say::Number(300));
    assert_eq!(message.to_bytes(LONGEST).unwrap(), [0, 0, 0, 5, 1, 2, 0, 0xac, 0x02]);
    let letter = Letter { from: NodeId(3), incarnation: Incarnation(1), message: Say::Nothing };
    assert_eq!(letter.to_bytes(LONGEST).unwrap(), [1, 5, 3, 1, 2]);
}
