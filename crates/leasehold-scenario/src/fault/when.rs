//! The conditions that a fault can wait for.

use leasehold_core::plan::Condition;

use crate::suggest::{cut, listed, nearest};
use crate::value::{FromText, Length, Reason, deserialize_from_text};

/// A condition: `ttl_remaining < N%`, `expiry_within LENGTH`, `grant_in_flight`, `renewal_in_flight`,
/// `after_takeover` or `end_ordered`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct When(pub(super) Condition);

deserialize_from_text!(When);

const NAMES: [&str; 6] = [
    "ttl_remaining",
    "expiry_within",
    "grant_in_flight",
    "renewal_in_flight",
    "after_takeover",
    "end_ordered",
];

/// How they are written.
const FORMS: [&str; 6] = [
    "ttl_remaining < N%",
    "expiry_within 2s",
    "grant_in_flight",
    "renewal_in_flight",
    "after_takeover",
    "end_ordered",
];

impl FromText for When {
    const EXPECTED: &'static str = r#"a condition such as "ttl_remaining < 10%""#;
    const EXAMPLES: &'static [&'static str] = &[
        "ttl_remaining < 10%",
        "expiry_within 2s",
        "grant_in_flight",
        "renewal_in_flight",
        "after_takeover",
        "end_ordered",
    ];

    fn from_text(text: &str) -> Result<Self, Reason> {
        let text = text.trim();
        let end = text.find(|c: char| !(c.is_alphanumeric() || c == '_' || c == '-')).unwrap_or(text.len());
        let (name, rest) = text.split_at(end);
        let rest = rest.trim();
        let condition = match name {
            "ttl_remaining" => return ttl_remaining(rest).map(Self),
            "expiry_within" => return expiry_within(rest).map(Self),
            "grant_in_flight" => Condition::GrantInFlight,
            "renewal_in_flight" => Condition::RenewalInFlight,
            "after_takeover" => Condition::AfterTakeover,
            "end_ordered" => Condition::EndOrdered,
            _ => return Err(unknown(name)),
        };
        if rest.is_empty() {
            return Ok(Self(condition));
        }
        Err(Reason::new(format!("nothing can follow {name}")).help(format!("write \"{name}\"")))
    }

    fn meant_by(number: &str) -> String {
        format!(r#"write "ttl_remaining < {number}%""#)
    }
}

fn unknown(name: &str) -> Reason {
    let reason = Reason::new(match name {
        "" => "the name of a condition should stand first".to_owned(),
        name => format!("no condition is called {}", cut(name)),
    });
    reason.help(match nearest(name, NAMES) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("expected {}", listed(FORMS)),
    })
}

fn ttl_remaining(rest: &str) -> Result<Condition, Reason> {
    let wrong =
        |why: &str| Reason::new(why).help("it is written ttl_remaining < N%, with a whole N from 1 to 100");
    let rest = rest.strip_prefix('<').ok_or_else(|| wrong("a `<` should follow ttl_remaining"))?;
    let digits = rest.trim().strip_suffix('%').ok_or_else(|| wrong("a percentage should follow the `<`"))?;
    let digits = digits.trim_end();
    let whole = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    if !whole {
        return Err(wrong("the percentage is a whole number"));
    }
    match digits.parse() {
        Ok(percent @ 1..=100) => Ok(Condition::TtlRemainingBelow { percent }),
        _ => Err(wrong("the percentage lies between 1 and 100")),
    }
}

fn expiry_within(rest: &str) -> Result<Condition, Reason> {
    let help = "it is written expiry_within 2s";
    match Length::from_text(rest) {
        Ok(Length(left)) if left.is_zero() => {
            Err(Reason::new("nothing is left of a term that is over within 0s").help(help))
        }
        Ok(Length(left)) => Ok(Condition::ExpiryWithin { left }),
        Err(_) => Err(Reason::new("a duration should follow expiry_within").help(help)),
    }
}
