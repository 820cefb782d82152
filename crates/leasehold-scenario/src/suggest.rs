//! What somebody may have meant, and how lists of names are written.

use std::borrow::Cow;

use strsim::damerau_levenshtein;

/// Longer words than this are not typing errors; comparing them would only take time.
const LONGEST_WORD: usize = 64;

/// The candidate that `word` is most likely a misspelling of: one in three letters may be wrong, at least one.
/// Letter case and the difference between `-` and `_` count for nothing.
pub(crate) fn nearest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    if word.len() > LONGEST_WORD {
        return None;
    }
    let plain = |text: &str| text.to_lowercase().replace('_', "-");
    let word = plain(word);
    let allowed = (word.chars().count() / 3).max(1);
    candidates
        .into_iter()
        .filter(|candidate| candidate.len() <= LONGEST_WORD)
        .map(|candidate| (damerau_levenshtein(&word, &plain(candidate)), candidate))
        .filter(|(distance, _)| *distance <= allowed)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// The names in backticks: `` `a`, `b` or `c` ``.
pub(crate) fn listed<'a>(names: impl IntoIterator<Item = &'a str>) -> String {
    let quoted: Vec<String> = names.into_iter().map(|name| format!("`{name}`")).collect();
    match quoted.as_slice() {
        [] => "nothing".to_owned(),
        [one] => one.clone(),
        [most @ .., last] => format!("{} or {last}", most.join(", ")),
    }
}

/// The help line for a wrong name: the nearest right one, or all of them.
pub(crate) fn did_you_mean<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str> + Clone) -> String {
    match nearest(word, candidates.clone()) {
        Some(candidate) => format!("did you mean `{candidate}`?"),
        None => format!("expected {}", listed(candidates)),
    }
}

/// The help line for a name that no node has.
pub(crate) fn which_node(name: &str, nodes: &[&str]) -> String {
    siblings(name, nodes).unwrap_or_else(|| match nearest(name, nodes.iter().copied()) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("the nodes are {}", in_ranges(nodes)),
    })
}

/// A help line with the nodes whose names differ from this one only in the number, if there are any.
pub(crate) fn siblings(name: &str, nodes: &[&str]) -> Option<String> {
    let (stem, _) = numbered(name)?;
    let of_stem = |node: &&&str| numbered(node).is_some_and(|(other, _)| other == stem);
    let siblings: Vec<&str> = nodes.iter().filter(of_stem).copied().collect();
    match siblings.as_slice() {
        [] => None,
        [only] => Some(format!("there is only {only}")),
        several => Some(format!("the {stem}s are {}", in_ranges(several))),
    }
}

/// Names, those that are numbered in a row as one: `grantor, holder-1 to holder-3`.
pub(crate) fn in_ranges(names: &[&str]) -> String {
    let follow = |one: &&str, next: &&str| match (numbered(one), numbered(next)) {
        (Some((stem, number)), Some((other, after))) => stem == other && number + 1 == after,
        _ => false,
    };
    let ranges = names.chunk_by(follow).map(|range| match range {
        [first, .., last] => format!("{first} to {last}"),
        _ => range.concat(),
    });
    ranges.collect::<Vec<String>>().join(", ")
}

/// The parts of `holder-3`.
fn numbered(name: &str) -> Option<(&str, u32)> {
    let (stem, number) = name.rsplit_once('-')?;
    Some((stem, u32::from(number.parse::<u16>().ok()?)))
}

/// What somebody wrote, quoted, with control characters escaped, and cut where it gets too long for a message.
pub(crate) fn shown(text: &str) -> String {
    format!("{:?}", cut(text))
}

/// A text, cut where it gets too long for a message.
pub(crate) fn cut(text: &str) -> Cow<'_, str> {
    const LONGEST_SHOWN: usize = 60;
    match text.char_indices().nth(LONGEST_SHOWN) {
        Some((end, _)) => Cow::Owned(format!("{}...", &text[..end])),
        None => Cow::Borrowed(text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_is_recognised_and_a_different_word_is_not() {
        let words = ["highest-token", "last-token", "none"];
        assert_eq!(nearest("highest-tokn", words), Some("highest-token"));
        assert_eq!(nearest("Highest_Token", words), Some("highest-token"));
        assert_eq!(nearest("nnoe", words), Some("none"));
        assert_eq!(nearest("equality", words), None);
        assert_eq!(nearest("", words), None);
        assert_eq!(nearest(&"x".repeat(1 << 20), words), None);
    }

    #[test]
    fn lists_read_as_a_sentence() {
        assert_eq!(listed([]), "nothing");
        assert_eq!(listed(["a"]), "`a`");
        assert_eq!(listed(["a", "b", "c"]), "`a`, `b` or `c`");
        assert_eq!(did_you_mean("nne", ["none", "last"]), "did you mean `none`?");
        assert_eq!(did_you_mean("zebra", ["none", "last"]), "expected `none` or `last`");
    }

    #[test]
    fn nodes_that_are_numbered_stand_in_ranges() {
        let nodes = ["grantor", "holder-1", "holder-2", "holder-3", "server-1", "x-2"];
        assert_eq!(in_ranges(&nodes), "grantor, holder-1 to holder-3, server-1, x-2");
        assert_eq!(which_node("holder-9", &nodes), "the holders are holder-1 to holder-3");
        assert_eq!(which_node("server-2", &nodes), "there is only server-1");
        assert_eq!(which_node("granter", &nodes), "did you mean `grantor`?");
        assert_eq!(which_node("zebra-1", &nodes[..2]), "the nodes are grantor, holder-1");
    }

    #[test]
    fn what_is_shown_is_one_short_line() {
        assert_eq!(shown("a\nb"), r#""a\nb""#);
        assert_eq!(shown(&"x".repeat(100)).len(), 65);
    }
}
