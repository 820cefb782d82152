//! Whatever comes off a socket, cut however: the decoder gives the same frames, and does no harm.
#![no_main]

use leasehold_protocol::LeaseMessage;
use leasehold_turmoil::wire::{Decoder, Frame, Letter, WireError};
use libfuzzer_sys::fuzz_target;

const LONGEST: u32 = 4096;

type Decoded = (Vec<Frame<LeaseMessage>>, Result<(), WireError>);

fn decoded<'a>(pieces: impl Iterator<Item = &'a [u8]>) -> Decoded {
    let mut decoder = Decoder::new(LONGEST);
    let mut frames = Vec::new();
    for piece in pieces {
        decoder.feed(piece);
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

fuzz_target!(|data: &[u8]| {
    let Some((&cut, bytes)) = data.split_first() else { return };
    let whole = decoded([bytes].into_iter());
    assert_eq!(whole, decoded(bytes.chunks(usize::from(cut) + 1)));
    for frame in whole.0 {
        let again = frame.to_bytes(LONGEST).expect("it came in a frame that was not too long");
        assert_eq!(decoded([&again[..]].into_iter()), (vec![frame], Ok(())));
    }
    if let Ok(letter) = Letter::<LeaseMessage>::from_bytes(bytes, LONGEST) {
        let again = letter.to_bytes(LONGEST).expect("it came in a datagram that was not too long");
        assert_eq!(Letter::from_bytes(&again, LONGEST), Ok(letter));
    }
});
