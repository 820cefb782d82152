//! Instants on the command line.

use leasehold_core::SimInstant;
use leasehold_scenario::value::Length;
use serde::Deserialize;
use serde::de::value::{Error, StrDeserializer};

/// An instant of true time: a duration since the start such as `12s` or `1m 30s`, or a number of seconds as it stands in
/// logs.
pub(crate) fn instant(text: &str) -> Result<SimInstant, String> {
    let read = |text: &str| Length::deserialize(StrDeserializer::<Error>::new(text));
    let bare_number = !text.is_empty() && text.chars().all(|c| c.is_ascii_digit() || c == '.');
    let length = if bare_number { read(&format!("{text}s")) } else { read(text) };
    length.map(|length| SimInstant::START + length.0).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_instant_is_a_duration_or_what_stands_in_a_log() {
        for (text, nanos) in
            [("12s", 12_000_000_000), ("18.015965", 18_015_965_000), ("1m 30s", 90_000_000_000), ("0", 0)]
        {
            assert_eq!(instant(text), Ok(SimInstant::from_nanos(nanos)), "{text}");
        }
        for wrong in ["", "-1s", "soon", "1.2.3", "."] {
            assert!(instant(wrong).is_err(), "{wrong}");
        }
    }
}
