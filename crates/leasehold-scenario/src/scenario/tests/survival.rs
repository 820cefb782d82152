//! Files that are hardly files: nothing makes the reader panic.

use proptest::prelude::*;

use super::{GOOD, SHORT, parse};
use crate::toy::Toy;
use crate::{Scenario, Source, Style};

#[test]
fn a_full_mebibyte_of_nonsense_is_refused() {
    let full = |line: &dyn Fn(usize) -> String| -> String {
        (0..)
            .map(line)
            .scan(SHORT.len(), |size, line| {
                *size += line.len();
                (*size < 1 << 20).then_some(line)
            })
            .collect()
    };
    for more in [
        full(&|index| format!("k{index} = 1\n")),
        full(&|index| format!("[t{index}]\n")),
        full(&|_| "[[fault]]\n".to_owned()),
        full(&|_| "[".to_owned()),
        full(&|_| "a.".to_owned()),
        full(&|_| "\"".to_owned()),
        format!("k = \"{}\"\n", full(&|_| "x".to_owned())),
        format!("{} = 1\n", full(&|_| "x".to_owned())),
        format!("renew = [{}]\n", full(&|_| "1,".to_owned())),
        format!("# {} \0", full(&|_| "x".to_owned())),
    ] {
        let shown = parse(&format!("{SHORT}{more}"), &[]).unwrap_err().to_string();
        assert!(shown.len() < 20_000, "{}", shown.len());
    }
}

/// Reads a text that may be anything, and shows what is wrong with it.
fn survives(text: &str, overlays: &[String]) {
    let source = Source::from_text("any.toml", text).with_overlays(overlays);
    if let Err(error) = Scenario::parse(source, &[&Toy]) {
        for diagnostic in error.diagnostics() {
            if let Some(span) = &diagnostic.span {
                let _ = error.source_text().locate(span);
            }
        }
        assert!(error.render(Style::Plain).starts_with("error: "));
    }
}

/// Pieces that mean something to the reader, for mutations that get past the first look.
const PIECES: [&str; 24] = [
    "\n",
    "=",
    "\"",
    "[",
    "]",
    "[[fault]]\n",
    "{",
    "}",
    ".",
    ",",
    "#",
    "-",
    "%",
    "0",
    "9999999999999999999999",
    "1e400",
    "nan",
    "ttl",
    "holder",
    "\u{feff}",
    "\r",
    "\u{1}",
    "ä",
    "lease = ",
];

proptest! {
    #[test]
    fn no_text_makes_it_panic(text in "(?s).{0,200}", overlay in "(?s).{0,40}") {
        survives(&text, &[]);
        survives(SHORT, &[overlay]);
    }

    #[test]
    fn no_toml_makes_it_panic(
        text in "([a-z]{1,4}(\\.[a-z]{1,4})? ?= ?(\"[a-z0-9%]{0,5}\"|-?[0-9]{1,25}|\\[[0-9]{0,2}\\]|\\{ \\}|true)\n|\\[\\[?(lease|fault|clocks|expect|network)(\\.[a-z])?\\]?\\]\n){0,12}"
    ) {
        survives(&text, &[]);
    }

    #[test]
    fn no_mutation_of_a_good_file_makes_it_panic(
        edits in prop::collection::vec((0..GOOD.len(), 0..12_usize, 0..PIECES.len()), 1..5)
    ) {
        let mut text = GOOD.to_owned();
        for (at, length, piece) in edits {
            let at = at.min(text.len());
            let end = (at + length).min(text.len());
            if text.is_char_boundary(at) && text.is_char_boundary(end) {
                text.replace_range(at..end, PIECES[piece]);
            }
        }
        survives(&text, &[]);
    }

    #[test]
    fn no_overlay_makes_it_panic(
        key in "(schema|name|lease|lease\\.ttl|fault|fault\\.[0-9]|fault\\.0\\.(on|at|when|do|for)|clocks\\.[a-z]{1,4}|expect\\.(reach|also)(\\.0)?)(\\.[a-z]{1,3})?",
        value in "(\\PC{0,12}|-?[0-9]{1,22}[a-z%]{0,2}|\\[.{0,4}\\]?|\\{ ?[a-z] ?= ?1 ?\\}?)",
    ) {
        survives(GOOD, &[format!("{key}={value}")]);
    }
}
