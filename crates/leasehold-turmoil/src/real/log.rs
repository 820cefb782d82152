//! What a node has written: a file that only grows.
//!
//! ```text
//! "LEASELOG"  format (u16)  frame*
//! frame:  length (u32)  check of the length (4 bytes)  payload  check of the payload (8 bytes)
//! ```
//!
//! Numbers are little-endian. The first frame says whose log it is; each other one is a start of the process or a record,
//! in postcard. Checks are the first bytes of a BLAKE3 hash over the check before and the bytes in question: so a frame
//! counts only in its place, and a length that was changed is no length to read on with.
//!
//! What a crash can leave is a last frame that is cut short, or a tail of zeros (a file that had grown before its bytes were
//! there). Anything else is damage, also in the last frame: it may have been promised to somebody.

use std::collections::BTreeMap;

use leasehold_core::id::Incarnation;
use leasehold_core::node::Record;
use serde::{Deserialize, Serialize};

const MAGIC: &[u8; 8] = b"LEASELOG";
/// Changes with anything that an older version would misread.
const FORMAT: u16 = 1;
const LENGTH: usize = 4;
const LENGTH_CHECK: usize = 4;
const CHECK: usize = 8;

/// Whose log it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Owner {
    /// The system, whose records they are.
    pub(crate) system: String,
    /// The node's name.
    pub(crate) node: String,
}

#[derive(Debug, Serialize, Deserialize)]
enum Entry<R> {
    /// A process began.
    Began(Incarnation),
    /// The node wrote this.
    Wrote(R),
}

/// What a log holds.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Kept<R> {
    /// The latest process that began with it.
    pub(crate) incarnation: Incarnation,
    /// The latest record of each slot, by slot.
    pub(crate) records: Vec<R>,
    /// How many bytes at the end were those of a write that a crash cut short.
    pub(crate) torn: usize,
}

/// Why a log cannot be used.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadLog {
    /// It does not begin like one.
    #[error("is not a log of leasehold")]
    Foreign,
    /// It is of a version that this one cannot read.
    #[error("has format {found}, and this version of leasehold reads format {FORMAT}")]
    Format {
        /// Which one.
        found: u16,
    },
    /// It belongs to another node.
    #[error("is the log of node `{node}` of a {system}, and this is node `{wanted}` of a {wanted_system}")]
    OfAnother {
        /// The system whose node that is.
        system: String,
        /// That node.
        node: String,
        /// The system that was to be served.
        wanted_system: String,
        /// The node that was to be served.
        wanted: String,
    },
    /// Its bytes are not those that were written.
    #[error("is damaged at byte {at}: {what}")]
    Damaged {
        /// Where the frame begins.
        at: usize,
        /// What is wrong with it.
        what: &'static str,
    },
}

/// The check of everything so far, which goes into the next one.
#[derive(Clone, Copy, Debug, Default)]
struct Chain([u8; CHECK]);

impl Chain {
    fn over(self, bytes: &[u8]) -> [u8; CHECK] {
        let mut hasher = blake3::Hasher::new();
        hasher.update(&self.0);
        hasher.update(bytes);
        let mut check = [0; CHECK];
        check.copy_from_slice(&hasher.finalize().as_bytes()[..CHECK]);
        check
    }

    fn over_length(self, length: [u8; LENGTH]) -> [u8; LENGTH_CHECK] {
        let [a, b, c, d, ..] = self.over(&length);
        [a, b, c, d]
    }
}

/// Makes the bytes of a log, from its beginning.
#[derive(Debug)]
pub(crate) struct Writer {
    chain: Chain,
}

impl Writer {
    /// Begins a log for this process, with what was kept from those before it.
    pub(crate) fn begin<R: Record>(owner: &Owner, kept: &Kept<R>) -> (Self, Vec<u8>) {
        let mut bytes = MAGIC.to_vec();
        bytes.extend(FORMAT.to_le_bytes());
        let mut writer = Self { chain: Chain::default() };
        writer.frame(&encoded(owner), &mut bytes);
        writer.frame(&encoded(&Entry::<R>::Began(kept.incarnation)), &mut bytes);
        for record in &kept.records {
            writer.frame(&payload(record), &mut bytes);
        }
        (writer, bytes)
    }

    /// Appends a frame with this [`payload`] to `bytes`.
    pub(crate) fn frame(&mut self, payload: &[u8], bytes: &mut Vec<u8>) {
        let length = u32::try_from(payload.len()).expect("a record is far smaller than 4 GiB").to_le_bytes();
        bytes.extend(length);
        bytes.extend(self.chain.over_length(length));
        bytes.extend(payload);
        self.chain = Chain(self.chain.over(payload));
        bytes.extend(self.chain.0);
    }
}

/// What a frame holds that keeps a record.
pub(crate) fn payload<R: Record>(record: &R) -> Vec<u8> {
    encoded(&Entry::Wrote(record))
}

fn encoded(value: &impl Serialize) -> Vec<u8> {
    postcard::to_allocvec(value).expect("plain data can be written")
}

/// Reads a log.
pub(crate) fn read<R: Record>(bytes: &[u8], owner: &Owner) -> Result<Kept<R>, BadLog> {
    let rest = bytes.strip_prefix(MAGIC).ok_or(BadLog::Foreign)?;
    let (format, _) = rest.split_first_chunk().ok_or(BadLog::Foreign)?;
    let found = u16::from_le_bytes(*format);
    if found != FORMAT {
        return Err(BadLog::Format { found });
    }
    let mut frames = Frames { bytes, at: MAGIC.len() + format.len(), chain: Chain::default() };
    match frames.next::<Owner>()? {
        Some(found) if found == *owner => {}
        Some(Owner { system, node }) => {
            let Owner { system: wanted_system, node: wanted } = owner.clone();
            return Err(BadLog::OfAnother { system, node, wanted_system, wanted });
        }
        // A log is put in its place when all of its beginning is there.
        None => return Err(frames.damage("its beginning is missing")),
    }
    let Some(Entry::Began(mut incarnation)) = frames.next::<Entry<R>>()? else {
        return Err(frames.damage("it does not say which process began it"));
    };
    let mut slots = BTreeMap::new();
    while let Some(entry) = frames.next()? {
        match entry {
            Entry::Began(next) => incarnation = next,
            Entry::Wrote(record) => drop(slots.insert(R::slot(&record), record)),
        }
    }
    let torn = bytes.len() - frames.at;
    Ok(Kept { incarnation, records: slots.into_values().collect(), torn })
}

struct Frames<'a> {
    bytes: &'a [u8],
    at: usize,
    chain: Chain,
}

impl Frames<'_> {
    fn damage(&self, what: &'static str) -> BadLog {
        BadLog::Damaged { at: self.at, what }
    }

    /// The next frame; nothing at the end, or at what a crash left there.
    fn next<T: for<'de> Deserialize<'de>>(&mut self) -> Result<Option<T>, BadLog> {
        let rest = &self.bytes[self.at..];
        if rest.iter().all(|byte| *byte == 0) {
            return Ok(None);
        }
        let Some((length, rest)) = rest.split_first_chunk::<LENGTH>() else { return Ok(None) };
        let Some((check, rest)) = rest.split_first_chunk::<LENGTH_CHECK>() else { return Ok(None) };
        if *check != self.chain.over_length(*length) {
            return Err(self.damage("the length of a record is not what was written"));
        }
        let length = u32::from_le_bytes(*length) as usize;
        let Some((payload, rest)) = rest.split_at_checked(length) else { return Ok(None) };
        let Some((check, _)) = rest.split_first_chunk::<CHECK>() else { return Ok(None) };
        let chain = Chain(self.chain.over(payload));
        if *check != chain.0 {
            return Err(self.damage("a record is not what was written"));
        }
        let (value, left) =
            postcard::take_from_bytes(payload).map_err(|_| self.damage("a record of another version"))?;
        if !left.is_empty() {
            return Err(self.damage("a record of another version"));
        }
        self.chain = chain;
        self.at += LENGTH + LENGTH_CHECK + length + CHECK;
        Ok(Some(value))
    }
}

#[cfg(test)]
mod tests {
    use leasehold_core::node::Slot;
    use proptest::collection::vec;
    use proptest::prelude::*;
    use proptest::sample::Index;

    use super::*;

    /// A slot, and what stands there.
    #[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
    struct Line(u8, String);

    impl Record for Line {
        fn slot(&self) -> Slot {
            Slot(u64::from(self.0))
        }
    }

    fn owner() -> Owner {
        Owner { system: "single-grantor".to_owned(), node: "grantor".to_owned() }
    }

    fn line(slot: u8, text: &str) -> Line {
        Line(slot, text.to_owned())
    }

    /// A log with these writes, and where each of its frames after the beginning ends.
    fn log(writes: &[Line]) -> (Vec<u8>, Vec<usize>) {
        let kept = Kept::<Line> { incarnation: Incarnation(3), records: Vec::new(), torn: 0 };
        let (mut writer, mut bytes) = Writer::begin(&owner(), &kept);
        let mut ends = vec![bytes.len()];
        for write in writes {
            writer.frame(&payload(write), &mut bytes);
            ends.push(bytes.len());
        }
        (bytes, ends)
    }

    fn latest(writes: &[Line]) -> Vec<Line> {
        let slots: BTreeMap<u8, &Line> = writes.iter().map(|write| (write.0, write)).collect();
        slots.into_values().cloned().collect()
    }

    fn lines() -> impl Strategy<Value = Vec<Line>> {
        vec((0_u8..4, "[a-z]{0,9}").prop_map(|(slot, text)| Line(slot, text)), 0..12)
    }

    #[test]
    fn the_latest_record_of_each_slot_is_kept_over_a_compaction() {
        let (bytes, _) = log(&[line(1, "old"), line(0, "zero"), line(1, "new")]);
        let kept = read::<Line>(&bytes, &owner()).unwrap();
        assert_eq!(kept.records, [line(0, "zero"), line(1, "new")]);
        assert_eq!((kept.incarnation, kept.torn), (Incarnation(3), 0));

        let next = Kept { incarnation: Incarnation(4), ..kept };
        let (mut writer, mut bytes) = Writer::begin(&owner(), &next);
        writer.frame(&payload(&line(0, "more")), &mut bytes);
        let kept = read::<Line>(&bytes, &owner()).unwrap();
        assert_eq!(kept.records, [line(0, "more"), line(1, "new")]);
        assert_eq!(kept.incarnation, Incarnation(4));
    }

    #[test]
    fn what_is_not_this_nodes_log_is_refused() {
        let (bytes, _) = log(&[]);
        let of = |system: &str, node: &str| Owner { system: system.to_owned(), node: node.to_owned() };
        for other in [of("registry", "grantor"), of("single-grantor", "resource")] {
            let refused = read::<Line>(&bytes, &other).unwrap_err();
            assert!(matches!(&refused, BadLog::OfAnother { node, .. } if node == "grantor"), "{refused}");
        }
        assert_eq!(read::<Line>(b"", &owner()), Err(BadLog::Foreign));
        assert_eq!(read::<Line>(b"some text that is no log", &owner()), Err(BadLog::Foreign));
        let mut newer = bytes;
        newer[MAGIC.len()] = 9;
        assert_eq!(read::<Line>(&newer, &owner()), Err(BadLog::Format { found: 9 }));
    }

    #[test]
    fn a_record_that_is_not_in_its_place_is_damage() {
        let (bytes, ends) = log(&[line(0, "one"), line(0, "two"), line(0, "six")]);
        let mut without = bytes[..ends[1]].to_vec();
        without.extend(&bytes[ends[2]..]);
        assert!(matches!(read::<Line>(&without, &owner()), Err(BadLog::Damaged { at, .. }) if at == ends[1]));
    }

    proptest! {
        #[test]
        fn a_log_that_is_cut_anywhere_keeps_what_was_complete(writes in lines(), cut in any::<Index>()) {
            let (bytes, ends) = log(&writes);
            let cut = ends[0] + cut.index(bytes.len() - ends[0] + 1);
            let whole = ends.iter().filter(|end| **end <= cut).count() - 1;
            let kept = read::<Line>(&bytes[..cut], &owner()).unwrap();
            prop_assert_eq!(kept.records, latest(&writes[..whole]));
            prop_assert_eq!(kept.torn, cut - ends[whole]);
        }

        #[test]
        fn a_tail_of_zeros_is_what_a_crash_leaves(writes in lines(), zeros in 0_usize..64) {
            let (mut bytes, _) = log(&writes);
            bytes.resize(bytes.len() + zeros, 0);
            let kept = read::<Line>(&bytes, &owner()).unwrap();
            prop_assert_eq!((kept.records, kept.torn), (latest(&writes), zeros));
        }

        #[test]
        fn no_flipped_bit_passes(writes in lines(), place in any::<Index>(), bit in 0_u8..8) {
            let (mut bytes, _) = log(&writes);
            let place = place.index(bytes.len());
            bytes[place] ^= 1 << bit;
            prop_assert!(read::<Line>(&bytes, &owner()).is_err());
        }

        #[test]
        fn garbage_is_refused_and_not_fatal(garbage in vec(any::<u8>(), 1..200)) {
            let mut bytes = log(&[]).0;
            bytes.extend(&garbage);
            let read = read::<Line>(&bytes, &owner());
            // Too short to be told from a frame that was cut, or refused.
            prop_assert!(read.is_err() || garbage.len() < LENGTH + LENGTH_CHECK || garbage.iter().all(|b| *b == 0));
        }
    }
}
