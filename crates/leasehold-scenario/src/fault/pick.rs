//! How many nodes of a role a fault strikes.

use leasehold_core::plan::Pick;

use crate::suggest::{listed, nearest};
use crate::value::{FromText, Reason, ToText, deserialize_from_text};

/// `"one"`, `"minority"`, `"majority"`, `"all"`, or `"random:N"`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct PickText(pub(super) Pick);

deserialize_from_text!(PickText);

const WORDS: [(&str, Pick); 4] =
    [("one", Pick::One), ("minority", Pick::Minority), ("majority", Pick::Majority), ("all", Pick::All)];

impl ToText for PickText {
    fn to_text(&self) -> String {
        match self.0 {
            Pick::One => "one".to_owned(),
            Pick::Minority => "minority".to_owned(),
            Pick::Majority => "majority".to_owned(),
            Pick::All => "all".to_owned(),
            Pick::Random(count) => format!("random:{count}"),
        }
    }
}

impl FromText for PickText {
    const EXPECTED: &'static str = r#"a selection such as "minority" or "random:2""#;
    const PATTERN: Option<&'static str> = Some("^(one|minority|majority|all|random:[1-9][0-9]*)$");
    const EXAMPLES: &'static [&'static str] = &["one", "minority", "majority", "all", "random:2"];

    fn from_text(text: &str) -> Result<Self, Reason> {
        let text = text.trim();
        if let Some((_, pick)) = WORDS.iter().find(|(word, _)| *word == text) {
            return Ok(Self(*pick));
        }
        let names = || WORDS.iter().map(|(word, _)| *word);
        let Some(count) = text.strip_prefix("random:") else {
            return Err(Reason::new("").help(match (text, nearest(text, names())) {
                ("random", _) => "say how many: \"random:2\"".to_owned(),
                (_, Some(near)) => format!("did you mean `{near}`?"),
                (_, None) => format!("expected {}", listed(names().chain(["random:2"]))),
            }));
        };
        let whole = !count.is_empty() && count.bytes().all(|byte| byte.is_ascii_digit());
        match count.parse::<u16>() {
            Ok(count @ 1..) if whole => Ok(Self(Pick::Random(count))),
            Ok(0) if whole => Err(Reason::new("a fault on nobody touches nothing").help("remove the fault")),
            _ => Err(Reason::new("a whole number should follow the `:`")),
        }
    }

    fn meant_by(number: &str) -> String {
        format!(r#"write "random:{number}""#)
    }
}
