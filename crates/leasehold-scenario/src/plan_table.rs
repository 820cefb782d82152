//! `[plan]`: a scenario that leaves nothing to a seed.

use std::collections::BTreeMap;

use leasehold_core::Span;
use leasehold_core::noise::NoiseKey;
use schemars::JsonSchema;
use serde::Deserialize;
use toml::de::DeTable;

use crate::deployment::NodeSpec;
use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::spanned::Spanned;
use crate::suggest::{cut, which_node};
use crate::value::{FromText, Length, Reason, ToText, deserialize_from_text};

/// `[plan]`: nothing is left to a seed. Clock rates, wall offsets and start times are zero unless they are given.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct PlanTable {
    /// The key of all noise: 0 unless it is given.
    noise: Option<KeyText>,
    /// When the process of each node starts: at once unless it is given.
    starts: BTreeMap<String, Spanned<Length>>,
}

impl PlanTable {
    /// The key of all noise.
    pub(crate) fn noise(&self) -> NoiseKey {
        self.noise.map_or(NoiseKey(0), |key| key.0)
    }

    /// When each process starts, in the order of the nodes.
    ///
    /// # Errors
    ///
    /// If there is no such node.
    pub(crate) fn starts(&self, nodes: &[NodeSpec]) -> Result<Vec<Span>, Diagnostics> {
        let mut found = Diagnostics::default();
        let mut starts = vec![Span::ZERO; nodes.len()];
        for (name, start) in &self.starts {
            match nodes.iter().position(|node| node.name == *name) {
                Some(index) => starts[index] = start.get_ref().0,
                None => {
                    let names: Vec<&str> = nodes.iter().map(|node| node.name.as_str()).collect();
                    let message = format!("no node is called `{}`", cut(name));
                    found.push(Diagnostic::at(start.span(), message).help(which_node(name, &names)));
                }
            }
        }
        found.or(starts)
    }
}

/// Refuses limits of random faults beside a plan.
pub(crate) fn check_alone(root: &DeTable<'_>) -> Result<(), Diagnostic> {
    let span_of = |name| root.get_key_value(name).map(|(key, _)| key.span());
    match (span_of("plan"), span_of("chaos")) {
        (Some(plan), Some(chaos)) => {
            Err(Diagnostic::at(chaos, "[chaos] draws faults, but [plan] leaves nothing to a seed")
                .related(plan, "because of this")
                .help("remove one of the two"))
        }
        _ => Ok(()),
    }
}

/// A key of noise: `"0x5f3c"`, or the same in decimal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct KeyText(pub(crate) NoiseKey);

deserialize_from_text!(KeyText);

impl ToText for KeyText {
    fn to_text(&self) -> String {
        format!("{:#x}", self.0.0)
    }
}

impl FromText for KeyText {
    const EXPECTED: &'static str = r#"a key of noise such as "0x5f3c""#;
    const PATTERN: Option<&'static str> = Some(r"^\s*(0[xX][0-9a-fA-F]{1,16}|[0-9]{1,20})\s*$");
    const EXAMPLES: &'static [&'static str] = &["0x5f3c", "17"];

    fn from_text(text: &str) -> Result<Self, Reason> {
        let text = text.trim();
        let (digits, radix) = match text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")) {
            Some(digits) => (digits, 16),
            None => (text, 10),
        };
        if digits.is_empty() || !digits.chars().all(|c| c.is_digit(radix)) {
            return Err(Reason::new("it is a whole number, in decimal or after 0x in hexadecimal"));
        }
        match u64::from_str_radix(digits, radix) {
            Ok(key) => Ok(Self(NoiseKey(key))),
            Err(_) => Err(Reason::new("it does not fit into 64 bits")),
        }
    }

    fn meant_by(number: &str) -> String {
        format!(r#"write "{number}", in quotes"#)
    }
}
