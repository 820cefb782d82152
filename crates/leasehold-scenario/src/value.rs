//! The values of scenario files: durations, chances, rates, latencies, shares of a TTL.
//!
//! Each has its own `Deserialize`, exact integer arithmetic, and messages in the words of the file: what was
//! expected, what was found, and the least change that makes it right. A message's further lines are help
//! lines; [`Tables`](crate::Tables) takes them apart again. Systems can do the same in their own types.

mod burst;
mod latency;
mod length;
mod number;
mod ratio;
mod share;
mod whole;

pub use burst::BurstTable;
pub use latency::LatencyTable;
pub use length::{AutoOrLength, LONGEST, Length, Offset};
pub use ratio::{Bound, Percent, Rate};
pub use share::Share;
pub use whole::Whole;

use core::fmt;
use core::marker::PhantomData;

use serde::de::{Deserializer, Error, Visitor};

use crate::suggest::shown;

/// A value that is written as a text in quotes.
pub(crate) trait FromText: Sized {
    /// What it looks like, with an example: completes "expected ...".
    const EXPECTED: &'static str;

    /// Reads it.
    fn from_text(text: &str) -> Result<Self, Reason>;

    /// What somebody who wrote a bare number may have meant: a help line.
    fn meant_by(number: &str) -> String;
}

/// Why a text is not the value that was expected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Reason {
    /// Completes "found ...: ...". Empty if there is nothing more to say.
    why: String,
    /// What to write instead.
    help: Option<String>,
}

impl Reason {
    pub(crate) fn new(why: impl Into<String>) -> Self {
        Self { why: why.into(), help: None }
    }

    pub(crate) fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }
}

/// Deserialises a [`FromText`].
pub(crate) fn from_text<'de, T: FromText, D: Deserializer<'de>>(deserializer: D) -> Result<T, D::Error> {
    deserializer.deserialize_any(TextVisitor(PhantomData))
}

/// Reads a [`FromText`] in the middle of another visitor.
pub(crate) fn visit_text<T: FromText, E: Error>(text: &str) -> Result<T, E> {
    T::from_text(text).map_err(|reason| E::custom(complaint::<T>(&shown(text), reason)))
}

/// Complains about a bare number in the middle of another visitor.
pub(crate) fn visit_number<T: FromText, E: Error>(number: impl fmt::Display) -> E {
    let number = number.to_string();
    let is_finite = number.parse().is_ok_and(f64::is_finite);
    let reason =
        if is_finite { Reason::new("it has no unit").help(T::meant_by(&number)) } else { Reason::new("") };
    E::custom(complaint::<T>(&format!("the number {number}"), reason))
}

fn complaint<T: FromText>(found: &str, reason: Reason) -> String {
    let mut message = format!("expected {}, found {found}", T::EXPECTED);
    if !reason.why.is_empty() {
        message.push_str(": ");
        message.push_str(&reason.why);
    }
    if let Some(help) = reason.help {
        message.push('\n');
        message.push_str(&help);
    }
    message
}

struct TextVisitor<T>(PhantomData<T>);

impl<T: FromText> Visitor<'_> for TextVisitor<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(T::EXPECTED)
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<T, E> {
        visit_text(text)
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<T, E> {
        Err(visit_number::<T, E>(number))
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<T, E> {
        Err(visit_number::<T, E>(number))
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<T, E> {
        Err(visit_number::<T, E>(number))
    }
}

/// Implements `Deserialize` by [`FromText`].
macro_rules! deserialize_from_text {
    ($($name:ident),*) => {$(
        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                crate::value::from_text(deserializer)
            }
        }
    )*};
}
pub(crate) use deserialize_from_text;

#[cfg(test)]
mod tests;
