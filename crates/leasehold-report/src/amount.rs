//! What runs gave of one metric.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::histogram::{BadHistogram, Histogram};

/// What runs gave of one metric.
///
/// Each run gives a *part* and a *whole*: the sum of its values and how many there are; how often something happened and the
/// time in which it could have; the part and the whole of a share. All sums are exact until they are beyond 128 bits, and
/// stop there.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Amount {
    values: Histogram,
    /// How long what did not end had lasted when its run was over. None of it is a value, and no sum has it.
    open: Histogram,
    sums: Sums,
}

/// What is kept of the parts x and the wholes w of runs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Sums {
    /// How many runs have a whole.
    pub(crate) runs: u128,
    /// How many have a part.
    pub(crate) any: u128,
    /// Σx.
    pub(crate) part: u128,
    /// Σw.
    pub(crate) whole: u128,
    /// Σx².
    pub(crate) part_squared: u128,
    /// Σxw.
    pub(crate) product: u128,
    /// Σw².
    pub(crate) whole_squared: u128,
    /// The greatest x.
    pub(crate) most_part: u128,
    /// The greatest w.
    pub(crate) most_whole: u128,
    /// The greatest value.
    pub(crate) greatest: u128,
}

/// A text that is no amount.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadAmount {
    /// Its sums are not what they should be.
    #[error("`{text}` are no sums of runs: ten whole numbers were expected")]
    Sums {
        /// The text.
        text: String,
    },
    /// Its values are no histogram.
    #[error(transparent)]
    Values(#[from] BadHistogram),
}

impl Amount {
    /// What a run gave whose values these are; `part` is their sum, and `greatest` the greatest.
    pub(crate) fn of_values(values: Histogram, part: u128, greatest: u64) -> Self {
        let whole = u128::from(values.count());
        let sums = Sums { greatest: u128::from(greatest), ..Sums::of_run(part, whole) };
        Self { values, open: Histogram::default(), sums }
    }

    /// What a run gave that has this part of this whole.
    pub(crate) fn of_part(part: u128, whole: u128) -> Self {
        Self { sums: Sums::of_run(part, whole), ..Self::default() }
    }

    /// The same, and what had not ended yet.
    #[must_use]
    pub(crate) fn with_open(self, open: Histogram) -> Self {
        Self { open, ..self }
    }

    /// Adds another.
    pub fn add(&mut self, other: &Self) {
        self.values.add(&other.values);
        self.open.add(&other.open);
        let (one, two) = (self.sums, other.sums);
        self.sums = Sums {
            runs: one.runs.saturating_add(two.runs),
            any: one.any.saturating_add(two.any),
            part: one.part.saturating_add(two.part),
            whole: one.whole.saturating_add(two.whole),
            part_squared: one.part_squared.saturating_add(two.part_squared),
            product: one.product.saturating_add(two.product),
            whole_squared: one.whole_squared.saturating_add(two.whole_squared),
            most_part: one.most_part.max(two.most_part),
            most_whole: one.most_whole.max(two.most_whole),
            greatest: one.greatest.max(two.greatest),
        };
    }

    /// The values, if it has some.
    pub fn values(&self) -> &Histogram {
        &self.values
    }

    /// How long what did not end had lasted.
    pub(crate) const fn open(&self) -> &Histogram {
        &self.open
    }

    pub(crate) const fn sums(&self) -> &Sums {
        &self.sums
    }
}

impl Sums {
    fn of_run(part: u128, whole: u128) -> Self {
        let has_whole = whole > 0;
        Self {
            runs: u128::from(has_whole),
            any: u128::from(has_whole && part > 0),
            part,
            whole,
            part_squared: part.saturating_mul(part),
            product: part.saturating_mul(whole),
            whole_squared: whole.saturating_mul(whole),
            most_part: part,
            most_whole: whole,
            greatest: 0,
        }
    }

    const fn numbers(&self) -> [u128; 10] {
        [
            self.runs,
            self.any,
            self.part,
            self.whole,
            self.part_squared,
            self.product,
            self.whole_squared,
            self.most_part,
            self.most_whole,
            self.greatest,
        ]
    }
}

/// Ten numbers apart by `/`, then the values behind a `:` if there are some, and what did not end behind another. It stands in
/// `sums.jsonl`.
impl fmt::Display for Amount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, number) in self.sums.numbers().into_iter().enumerate() {
            let sign = if place == 0 { "" } else { "/" };
            write!(f, "{sign}{number}")?;
        }
        match (self.values.is_empty(), self.open.is_empty()) {
            (true, true) => Ok(()),
            (false, true) => write!(f, ":{}", self.values),
            (_, false) => write!(f, ":{}:{}", self.values, self.open),
        }
    }
}

impl FromStr for Amount {
    type Err = BadAmount;

    /// Reads what [`Display`](fmt::Display) writes, and nothing else.
    fn from_str(text: &str) -> Result<Self, BadAmount> {
        let (sums, histograms) = text.split_once(':').unwrap_or((text, ""));
        let (values, open) = histograms.split_once(':').unwrap_or((histograms, ""));
        let bad = || BadAmount::Sums { text: sums.to_owned() };
        let numbers: Option<Vec<u128>> = sums.split('/').map(|number| number.parse().ok()).collect();
        let numbers: [u128; 10] = numbers.and_then(|numbers| numbers.try_into().ok()).ok_or_else(bad)?;
        let [runs, any, part, whole, part_squared, product, whole_squared, most_part, most_whole, greatest] =
            numbers;
        let sums = Sums {
            runs,
            any,
            part,
            whole,
            part_squared,
            product,
            whole_squared,
            most_part,
            most_whole,
            greatest,
        };
        let amount = Self { values: values.parse()?, open: open.parse()?, sums };
        if amount.to_string() == text { Ok(amount) } else { Err(bad()) }
    }
}

impl From<Amount> for String {
    fn from(amount: Amount) -> Self {
        amount.to_string()
    }
}

impl TryFrom<String> for Amount {
    type Error = BadAmount;

    fn try_from(text: String) -> Result<Self, BadAmount> {
        text.parse()
    }
}
