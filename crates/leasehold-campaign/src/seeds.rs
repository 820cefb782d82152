//! A range of seeds, as it is typed.

use std::fmt;
use std::str::FromStr;

use thiserror::Error;

/// The seeds from one to before another. Never empty.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SeedRange {
    start: u64,
    end: u64,
}

/// What is wrong with a seed or a range of seeds, in words.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum BadSeeds {
    /// Something that is no number.
    #[error("`{text}` is no seed ({reason}): expected 0 to {max} or 0x0 to {max:#x}", max = u64::MAX)]
    NoNumber {
        /// What was typed.
        text: String,
        /// Why it is none.
        reason: String,
    },
    /// One number.
    #[error(
        "`{text}` is one seed, not a range: write {from}..{to} for this one alone, or 0..{text} for all below it"
    )]
    NoRange {
        /// What was typed.
        text: String,
        /// The seed.
        from: u64,
        /// The one after it.
        to: u64,
    },
    /// As many seeds as there are between a number and itself.
    #[error("{start}..{start} is empty: the end does not count; write {start}..={start} for one seed")]
    Empty {
        /// The number.
        start: u64,
    },
    /// The end stands before the start.
    #[error("{start}..{end} runs backwards: write {end}..{start}")]
    Reversed {
        /// What stands first.
        start: u64,
        /// What stands last.
        end: u64,
    },
    /// The last seed there is, as a last one that counts.
    #[error("{max} cannot be the last seed of a range: write ..{max} to stop before it", max = u64::MAX)]
    BeyondTheLast,
}

impl SeedRange {
    /// The seeds from `start` to before `end`.
    ///
    /// # Errors
    ///
    /// If there are none.
    pub fn new(start: u64, end: u64) -> Result<Self, BadSeeds> {
        match start.cmp(&end) {
            std::cmp::Ordering::Less => Ok(Self { start, end }),
            std::cmp::Ordering::Equal => Err(BadSeeds::Empty { start }),
            std::cmp::Ordering::Greater => Err(BadSeeds::Reversed { start, end }),
        }
    }

    /// The first.
    pub const fn start(&self) -> u64 {
        self.start
    }

    /// The one after the last.
    pub const fn end(&self) -> u64 {
        self.end
    }

    /// How many there are.
    pub const fn count(&self) -> u64 {
        self.end - self.start
    }
}

/// A seed, decimal or hexadecimal (`0x11`).
///
/// # Errors
///
/// If it is no number of 64 bits.
pub fn seed(text: &str) -> Result<u64, BadSeeds> {
    let parsed = match text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")) {
        Some(digits) => u64::from_str_radix(digits, 16),
        None => text.parse(),
    };
    parsed.map_err(|error| BadSeeds::NoNumber { text: text.to_owned(), reason: error.to_string() })
}

impl FromStr for SeedRange {
    type Err = BadSeeds;

    /// Reads `A..B` or `A..=B`, each decimal or hexadecimal.
    fn from_str(text: &str) -> Result<Self, BadSeeds> {
        let Some((start, end)) = text.split_once("..") else {
            let from = seed(text.trim())?;
            let to = from.checked_add(1).ok_or(BadSeeds::BeyondTheLast)?;
            return Err(BadSeeds::NoRange { text: text.trim().to_owned(), from, to });
        };
        let start = seed(start.trim())?;
        let Some(last) = end.strip_prefix('=') else { return Self::new(start, seed(end.trim())?) };
        let last = seed(last.trim())?;
        if last < start {
            return Err(BadSeeds::Reversed { start, end: last });
        }
        Self::new(start, last.checked_add(1).ok_or(BadSeeds::BeyondTheLast)?)
    }
}

impl fmt::Display for SeedRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}..{}", self.start, self.end)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_range_is_decimal_or_hexadecimal_and_may_name_its_last() {
        for (text, start, end) in [
            ("0..10", 0, 10),
            ("0x10..0x20", 16, 32),
            ("5..0X7", 5, 7),
            (" 1 .. 3 ", 1, 3),
            ("0..=9", 0, 10),
            ("7..=7", 7, 8),
            ("0..18446744073709551615", 0, u64::MAX),
        ] {
            assert_eq!(text.parse(), SeedRange::new(start, end), "{text}");
        }
    }

    #[test]
    fn what_is_no_range_is_told_with_what_to_write_instead() {
        for (text, words) in [
            ("100", "write 100..101 for this one alone, or 0..100 for all below it"),
            ("4..4", "4..4 is empty: the end does not count; write 4..=4 for one seed"),
            ("9..3", "9..3 runs backwards: write 3..9"),
            ("9..=3", "9..3 runs backwards"),
            ("0..=18446744073709551615", "write ..18446744073709551615 to stop before it"),
            ("18446744073709551615", "cannot be the last seed"),
            ("a..3", "`a` is no seed (invalid digit"),
            ("1..", "`` is no seed (cannot parse integer from empty string)"),
            ("..5", "`` is no seed"),
            ("1...5", "`.5` is no seed"),
            ("-1..5", "`-1` is no seed"),
            ("0..18446744073709551616", "expected 0 to 18446744073709551615 or 0x0 to 0xffffffffffffffff"),
            ("", "`` is no seed"),
        ] {
            let told = text.parse::<SeedRange>().expect_err(text).to_string();
            assert!(told.contains(words), "{text}: {told}");
        }
    }

    proptest! {
        #[test]
        fn a_range_reads_as_it_is_written(start in 0..u64::MAX, more in 1_u64..) {
            let range = SeedRange::new(start, start.saturating_add(more)).unwrap();
            prop_assert_eq!(range.to_string().parse(), Ok(range));
            prop_assert!(range.count() >= 1);
        }
    }
}
