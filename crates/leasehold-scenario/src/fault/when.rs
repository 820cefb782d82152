//! The conditions that a fault can wait for.

use leasehold_core::plan::Condition;

use crate::value::{FromText, Reason, deserialize_from_text};

/// A condition: `ttl_remaining < N%`, with N from 1 to 100.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct When(pub(super) Condition);

deserialize_from_text!(When);

const GRAMMAR: &str = "a condition is written ttl_remaining < N%, with a whole N from 1 to 100";

impl FromText for When {
    const EXPECTED: &'static str = r#"a condition such as "ttl_remaining < 10%""#;

    fn from_text(text: &str) -> Result<Self, Reason> {
        let wrong = |why: &str| Reason::new(why).help(GRAMMAR);
        let rest = text
            .trim()
            .strip_prefix("ttl_remaining")
            .ok_or_else(|| wrong("the only thing that can be compared is ttl_remaining"))?;
        let rest =
            rest.trim_start().strip_prefix('<').ok_or_else(|| wrong("a `<` should follow ttl_remaining"))?;
        let digits =
            rest.trim().strip_suffix('%').ok_or_else(|| wrong("a percentage should follow the `<`"))?;
        let digits = digits.trim_end();
        let whole = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
        if !whole {
            return Err(wrong("the percentage is a whole number"));
        }
        match digits.parse() {
            Ok(percent @ 1..=100) => Ok(Self(Condition::TtlRemainingBelow { percent })),
            _ => Err(wrong("the percentage lies between 1 and 100")),
        }
    }

    fn meant_by(number: &str) -> String {
        format!(r#"write "ttl_remaining < {number}%""#)
    }
}
