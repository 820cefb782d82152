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
pub use length::{AutoOrLength, LONGEST, Length, NeverOrLength, Offset};
pub use ratio::{Bound, Percent, Rate, Stretch};
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

    /// What all texts that are one match, as a regular expression for editors; nothing if that says too little.
    const PATTERN: Option<&'static str> = None;

    /// Some of them, for editors to offer.
    const EXAMPLES: &'static [&'static str] = &[];

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

/// A value that can be written as the text that it is read from.
pub(crate) trait ToText {
    /// The text.
    fn to_text(&self) -> String;
}

/// Describes a [`FromText`] to editors.
pub(crate) fn text_schema<T: FromText>() -> schemars::Schema {
    let mut schema = schemars::json_schema!({ "type": "string", "description": T::EXPECTED });
    if let Some(pattern) = T::PATTERN {
        schema.insert("pattern".to_owned(), pattern.into());
    }
    if !T::EXAMPLES.is_empty() {
        schema.insert("examples".to_owned(), T::EXAMPLES.into());
    }
    schema
}

/// Implements `Deserialize` and `JsonSchema` by [`FromText`].
macro_rules! deserialize_from_text {
    ($($name:ident),*) => {$(
        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                crate::value::from_text(deserializer)
            }
        }

        impl schemars::JsonSchema for $name {
            fn schema_name() -> std::borrow::Cow<'static, str> {
                stringify!($name).into()
            }

            fn schema_id() -> std::borrow::Cow<'static, str> {
                concat!(module_path!(), "::", stringify!($name)).into()
            }

            fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
                crate::value::text_schema::<$name>()
            }
        }
    )*};
}
pub(crate) use deserialize_from_text;

/// Implements `Serialize` by [`ToText`]: this is how defaults are shown.
macro_rules! serialize_as_text {
    ($($name:ident),*) => {$(
        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(&crate::value::ToText::to_text(self))
            }
        }
    )*};
}
pub(crate) use serialize_as_text;

#[cfg(test)]
mod tests;
