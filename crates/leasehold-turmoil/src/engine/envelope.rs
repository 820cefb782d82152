//! What stands before the bytes of each write, so that the simulated network knows the messages in a stream.

use crate::net::Label;

/// What some bytes are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A message, or its first part, with its number.
    Message(u64),
    /// More of the message before.
    Rest,
    /// No message at all.
    Control,
}

/// How long an envelope is: kind, number, length of what follows.
pub(crate) const ENVELOPE: usize = 1 + 8 + 4;

const MESSAGE: u8 = 0;
const REST: u8 = 1;
const CONTROL: u8 = 2;

/// Bytes in their envelope. A message gets its number when it is sent.
pub(crate) fn seal(label: Label, bytes: &[u8]) -> Vec<u8> {
    let kind = match label {
        Label::Message(..) => MESSAGE,
        Label::Rest => REST,
        Label::Control => CONTROL,
    };
    let length =
        u32::try_from(bytes.len()).expect("no frame is longer than the longest, and that is told in 32 bits");
    let mut sealed = Vec::with_capacity(ENVELOPE + bytes.len());
    sealed.push(kind);
    sealed.extend_from_slice(&0_u64.to_le_bytes());
    sealed.extend_from_slice(&length.to_le_bytes());
    sealed.extend_from_slice(bytes);
    sealed
}

/// Gives a sealed message its number.
pub(crate) fn number(sealed: &mut [u8], number: u64) {
    sealed[1..9].copy_from_slice(&number.to_le_bytes());
}

/// What an envelope says: what the bytes behind it are, and how many.
pub(crate) fn open(envelope: &[u8]) -> (Kind, usize) {
    let number = u64::from_le_bytes(envelope[1..9].try_into().expect("eight bytes"));
    let length = u32::from_le_bytes(envelope[9..ENVELOPE].try_into().expect("four bytes"));
    let kind = match envelope[0] {
        MESSAGE => Kind::Message(number),
        REST => Kind::Rest,
        CONTROL => Kind::Control,
        other => unreachable!("no envelope has the kind {other}"),
    };
    (kind, length as usize)
}

#[cfg(test)]
mod tests {
    use leasehold_core::node::{Leg, Purpose};

    use super::*;

    #[test]
    fn an_envelope_says_what_was_put_on_it() {
        let mut message = seal(Label::Message(Purpose::Renew, Leg::Reply), b"hello");
        number(&mut message, u64::MAX - 1);
        assert_eq!(open(&message), (Kind::Message(u64::MAX - 1), 5));
        assert_eq!(&message[ENVELOPE..], b"hello");
        assert_eq!(open(&seal(Label::Rest, b"")), (Kind::Rest, 0));
        assert_eq!(open(&seal(Label::Control, b"x")), (Kind::Control, 1));
    }
}
