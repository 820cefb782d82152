//! Sentences with code in them, as Markdown writes it: between backticks.

/// A piece of a sentence. Whoever writes it escapes it, whichever it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Piece<'t> {
    /// Words.
    Text(&'t str),
    /// Code, without its backticks.
    Code(&'t str),
}

/// The pieces of a sentence. A backtick without a second one is a backtick, and so are two with nothing in between.
pub(crate) fn pieces<T: AsRef<str> + ?Sized>(sentence: &T) -> Vec<Piece<'_>> {
    let mut rest = sentence.as_ref();
    let mut pieces = Vec::new();
    let mut from = 0;
    while let Some(open) = rest[from..].find('`').map(|at| from + at) {
        let Some(close) = rest[open + 1..].find('`').map(|at| open + 1 + at) else { break };
        if close == open + 1 {
            from = close + 1;
            continue;
        }
        if open > 0 {
            pieces.push(Piece::Text(&rest[..open]));
        }
        pieces.push(Piece::Code(&rest[open + 1..close]));
        (rest, from) = (&rest[close + 1..], 0);
    }
    if !rest.is_empty() {
        pieces.push(Piece::Text(rest));
    }
    pieces
}

#[cfg(test)]
mod tests {
    use super::Piece::{Code, Text};
    use super::*;

    #[test]
    fn what_stands_between_backticks_is_code() {
        for (sentence, expected) in [
            ("plain", &[Text("plain")][..]),
            ("`a < b` is missed", &[Code("a < b"), Text(" is missed")]),
            ("of `a`, `b` is", &[Text("of "), Code("a"), Text(", "), Code("b"), Text(" is")]),
            ("a `b", &[Text("a `b")]),
            ("a `b` c`", &[Text("a "), Code("b"), Text(" c`")]),
            ("`` and `é`", &[Text("`` and "), Code("é")]),
            ("``", &[Text("``")]),
            ("", &[]),
        ] {
            assert_eq!(pieces(sentence), expected, "{sentence}");
        }
    }
}
