//! Bad files, and what is said about them.

use expect_test::{Expect as Expected, expect};

use super::{GOOD, SHORT, parse};
use crate::Style;

/// Puts `to` in the place of `from` in the good file, and holds what is said about it to a position and some
/// words.
fn assert_refused(from: &str, to: &str, at: (usize, usize), words: &[&str]) {
    assert_eq!(GOOD.matches(from).count(), 1, "{from} stands there once");
    let text = GOOD.replacen(from, to, 1);
    let error = parse(&text, &[]).expect_err(to);
    let shown = error.to_string();
    let position = format!(" --> good.toml:{}:{}\n", at.0, at.1);
    assert!(shown.contains(&position), "expected {position} in\n{shown}");
    for word in words {
        assert!(shown.contains(word), "expected {word} in\n{shown}");
    }
    assert!(shown.contains('^'), "nothing is underlined in\n{shown}");
    assert_eq!(error.diagnostics().iter().count(), 1, "one mistake, one message:\n{shown}");
}

/// What stands in the good file, what is put in its place, the position that is shown, and words of the message.
type Case = (&'static str, &'static str, (usize, usize), &'static [&'static str]);

#[test]
fn a_mistake_is_shown_where_it_stands_with_what_to_write() {
    let cases: &[Case] = &[
        // Misspelt keys, tables and values.
        ("ttl = \"10s\"", "tll = \"10s\"", (6, 1), &["unknown key `tll` in [lease]", "did you mean `ttl`?"]),
        ("[lease]", "[leese]", (5, 2), &["unknown table `[leese]`", "did you mean `[lease]`?"]),
        ("summary =", "sumary =", (3, 1), &["unknown key `sumary`", "did you mean `summary`?"]),
        ("renew =", "renw =", (7, 1), &["unknown key `renw` in [lease]", "did you mean `renew`?"]),
        ("[topology]", "[topolgy]", (10, 2), &["unknown table `[topolgy]`", "did you mean `[topology]`?"]),
        ("[topology]", "[zebra]", (10, 2), &["`[zebra]`", "known here are schema, name", "lease, topology"]),
        ("summary =", "title = 1\nsummary =", (3, 1), &["unknown key `title`"]),
        (
            "\"last-token\"",
            "\"lst-token\"",
            (8, 9),
            &["`lst-token` is no value of `fence`", "did you mean `last-token`?"],
        ),
        ("\"last-token\"", "\"zebra\"", (8, 9), &["expected `highest-token`, `last-token` or `none`"]),
        (
            "wall_offset =",
            "wall_ofset =",
            (27, 1),
            &["unknown key `wall_ofset` in [clocks]", "did you mean `wall_offset`?"],
        ),
        (
            "[clocks.holder-2]",
            "[clocks.holdr-2]",
            (29, 9),
            &["no node is called `holdr-2`", "did you mean `holder-2`?"],
        ),
        (
            "rate = \"+500ppm\"",
            "rat = \"+500ppm\"",
            (30, 1),
            &["unknown key `rat` in [clocks.holder-2]", "did you mean `rate`?"],
        ),
        (
            "\"no-lost-update\"",
            "\"no-lost-updates\"",
            (49, 13),
            &["`no-lost-updates` is no invariant", "did you mean `no-lost-update`?"],
        ),
        ("\"no-lost-update\"", "\"I25\"", (49, 13), &["did you mean `no-lost-update`?"]),
        (
            "\"stale-write-attempted\"",
            "\"stale-write-atempted\"",
            (52, 10),
            &["unknown name `stale-write-atempted`", "did you mean `stale-write-attempted`?"],
        ),
        ("[\"fencing\"]", "[\"fencin\"]", (50, 9), &["did you mean `fencing`?"]),
        // Wrong types.
        (
            "ttl = \"10s\"",
            "ttl = 10",
            (6, 7),
            &[
                "expected a duration such as \"10s\" or \"1m 30s\", found the number 10",
                "write \"10s\" for 10 seconds",
            ],
        ),
        ("ttl = \"10s\"", "ttl = true", (6, 7), &["expected a duration", "found boolean `true`"]),
        ("ttl = \"10s\"", "ttl = [1]", (6, 7), &["expected a duration", "found a list"]),
        (
            "holders = 2",
            "holders = \"two\"",
            (11, 11),
            &["expected a whole number from 0 to 65535, found string \"two\""],
        ),
        (
            "holders = 2",
            "holders = -1",
            (11, 11),
            &["expected a whole number from 0 to 65535, found integer `-1`"],
        ),
        ("holders = 2", "holders = 2.5", (11, 11), &["found floating point `2.5`"]),
        (
            "holders = 2",
            "holders = 99999999999999999999",
            (11, 11),
            &["expected a whole number from 0 to 65535"],
        ),
        ("schema = 1", "schema = \"1\"", (1, 10), &["expected a whole number, found string \"1\""]),
        ("name = \"good\"", "name = 7", (2, 8), &["expected a text in quotes, found integer `7`"]),
        // Impossible numbers.
        (
            "ttl = \"10s\"",
            "ttl = \"-10s\"",
            (6, 7),
            &["a duration is never negative", "leave out the sign: \"10s\""],
        ),
        ("ttl = \"10s\"", "ttl = \"0s\"", (6, 7), &["a lease of 0s ends before it begins"]),
        ("ttl = \"10s\"", "ttl = \"999999999999d\"", (6, 7), &["more than 366 days"]),
        (
            "\"ttl/3\"",
            "\"10s\"",
            (7, 9),
            &[
                "the lease is over before it is renewed, after 10s",
                "the TTL is 10s",
                "write renew = \"ttl/3\"",
            ],
        ),
        ("\"ttl/3\"", "\"ttl/0\"", (7, 9), &["at least 1"]),
        ("\"100ppm\"", "\"60%\"", (14, 14), &["more than 50%"]),
        (
            "rate = \"50ppm\"",
            "rate = \"101ppm\"",
            (26, 8),
            &[
                "rates of up to 101ppm are drawn, but [bounds] declares 100ppm",
                "a drawn rate must stay within [bounds]",
            ],
        ),
        ("min = \"1ms\"", "min = \"9ms\"", (17, 11), &["`min` is 9ms and `max` only 5ms", "swap the two"]),
        ("loss = \"0.1%\"", "loss = \"101%\"", (18, 8), &["more than 100%"]),
        ("receive_buffer = 64", "receive_buffer = 0", (20, 18), &["expected 1 to 65536, found integer `0`"]),
        ("receive_buffer = 64", "receive_buffer = 65537", (20, 18), &["expected 1 to 65536"]),
        ("chaos = \"40s\"", "chaos = \"0s\"", (45, 9), &["expected more than 0s"]),
        (
            "never = [\"taken-over\"]",
            "never = [\"taken-over\", \"expired-while-paused\"]",
            (53, 24),
            &["`expired-while-paused` cannot be both: to be reached, and never"],
        ),
        (
            "settle = \"30s\"",
            "settle = \"atuo\"",
            (46, 10),
            &["expected \"auto\", or a duration such as \"10ms\", found \"atuo\"\n", "did you mean `auto`?"],
        ),
        // The head.
        (
            "schema = 1",
            "schema = 2",
            (1, 10),
            &["schema 2 is unknown to this version", "expected 1", "written for a later version"],
        ),
        ("name = \"good\"", "name = \"a b\"", (2, 8), &["this name cannot be the name of a file"]),
        (
            "summary = \"A holder stops for longer than its TTL.\"",
            "summary = \" \"",
            (3, 11),
            &["the summary is empty"],
        ),
        (
            "name = \"good\"",
            "name = \"good\"\nsystem = \"tyo\"",
            (3, 10),
            &["no system is called `tyo`", "did you mean `toy`?"],
        ),
        (
            "name = \"good\"",
            "name = \"good\"\nsystem = 5",
            (3, 10),
            &["expected the name of a system, in quotes"],
        ),
        // Expectations.
        (
            "violation =",
            "verdict =",
            (49, 11),
            &["`no-lost-update` is an invariant, no verdict", "write violation = \"no-lost-update\""],
        ),
        (
            "violation = \"no-lost-update\"\n",
            "verdict = \"pass\"\n",
            (50, 8),
            &["`also` stands only beside `violation`"],
        ),
        (
            "also =",
            "verdict = \"pass\"\nalso =",
            (50, 11),
            &["`verdict` and `violation` exclude each other", "the other is here"],
        ),
        ("[\"fencing\"]", "[\"no-lost-update\"]", (50, 9), &["`no-lost-update` is already expected"]),
        // Dates, which TOML has and scenarios have not.
        ("ttl = \"10s\"", "ttl = 2020-01-01", (6, 7), &["found a date"]),
        ("\"3ms\"", "07:30:00", (23, 11), &["found a date"]),
        ("[\"fencing\"]", "[2020-01-01]", (50, 9), &["found a date"]),
        // Keys in the wrong table.
        ("ttl = \"10s\"", "ttl = \"10s\"\nsystem = \"toy\"", (7, 1), &["`system` belongs at the top"]),
        (
            "[clocks.holder-2]\nrate = \"+500ppm\"",
            "[clocks.holder-3]\nrate = \"+500ppm\"",
            (29, 9),
            &["the holders are holder-1 to holder-2"],
        ),
        (
            "wall_offset = \"2s\"",
            "holder-1 = \"5%\"",
            (27, 1),
            &["`holder-1` is a node", "write [clocks.holder-1] with rate = \"+5%\""],
        ),
        // Not TOML.
        ("ttl = \"10s\"", "ttl = \"10s", (6, 11), &["this text has no closing quote"]),
        (
            "ttl = \"10s\"",
            "ttl = 10s",
            (6, 7),
            &["a value without quotes", "values with a unit or a name stand in quotes: \"10s\""],
        ),
        ("[lease]", "[lease", (5, 7), &["this is not TOML"]),
        ("ttl = \"10s\"", "ttl = \"10s\"\nttl = \"9s\"", (7, 1), &["`ttl` stands there twice", "remove one"]),
        // The wrong shape of a table.
        (
            "[[fault]]\nat = \"20s\"\non = \"grantor-1\"\ndo = \"crash\"\n",
            "[record]\n",
            (39, 2),
            &["unknown table `[record]`"],
        ),
    ];
    for (from, to, at, words) in cases {
        assert_refused(from, to, *at, words);
    }
}

#[test]
fn a_missing_key_says_where_it_belongs() {
    let said = |text: &str| parse(text, &[]).expect_err(text).to_string();
    let without = |line: &str| said(&SHORT.replace(line, ""));
    assert!(without("schema = 1\n").contains("add `schema = 1` at the top"));
    let no_name = without("name = \"short\"\n");
    assert!(
        no_name.contains("has no `name`, and stands in no file")
            && no_name.contains("add `name = \"...\"` at")
    );
    assert!(without("summary = \"s\"\n").contains("the scenario has no `summary`"));
    assert!(without("ttl = \"10s\"\n").contains("[lease] has no `ttl`"));
    let no_table = without("[lease]\nttl = \"10s\"\n");
    assert!(no_table.contains("add the table [lease] with `ttl = ...`"), "{no_table}");
    let no_rate = said(&format!("{SHORT}[clocks.holder-1]\n"));
    assert!(
        no_rate.contains("good.toml:6:9") && no_rate.contains("[clocks.holder-1] says nothing"),
        "{no_rate}"
    );
    assert!(said("[fault]\nat = \"1s\"\n").contains("write [[fault]], with two brackets"));
    assert!(said("lease = 5\n").contains("expected a table, found integer `5`"));
}

#[test]
fn all_mistakes_are_told_at_once_in_the_order_of_the_file() {
    let text = GOOD
        .replace("summary =", "sumary =")
        .replace("ttl = \"10s\"", "ttl = 10")
        .replace("renew =", "renw =")
        .replace("loss = \"0.1%\"", "loss = 0.1")
        .replace("on = \"grantor-1\"", "on = \"grantor-1\"\nfor = \"0\"");
    let error = parse(&text, &[]).unwrap_err();
    let lines: Vec<Option<usize>> = error
        .diagnostics()
        .iter()
        .map(|d| d.span.as_ref().map(|span| error.source_text().locate(span).1.line))
        .collect();
    assert_eq!(lines, [Some(3), Some(6), Some(7), Some(18), Some(42)], "{error}");
}

#[test]
fn many_mistakes_are_counted() {
    let mut text = SHORT.to_owned();
    for index in 0..50 {
        text.push_str(&format!("[table-{index}]\n"));
    }
    let shown = parse(&text, &[]).unwrap_err().to_string();
    assert!(shown.ends_with("... and 30 more"), "{shown}");
}

fn check(text: &str, overlays: &[&str], expected: &Expected) {
    expected.assert_eq(&parse(text, overlays).unwrap_err().to_string());
}

#[test]
fn diagnostics_read_like_this() {
    check(
        &GOOD.replace("renew =", "renw ="),
        &[],
        &expect![[r#"
        error: unknown key `renw` in [lease]
         --> good.toml:7:1
          |
        7 | renw = "ttl/3"
          | ^^^^
          |
          = help: did you mean `renew`?"#]],
    );
    check(
        &GOOD.replace("[topology]", "[topolgy]"),
        &[],
        &expect![[r#"
        error: unknown table `[topolgy]`
          --> good.toml:10:2
           |
        10 | [topolgy]
           |  ^^^^^^^
           |
           = help: did you mean `[topology]`?"#]],
    );
    check(
        &GOOD.replace("\"ttl/3\"", "\"12s\""),
        &[],
        &expect![[r#"
        error: the lease is over before it is renewed, after 12s
         --> good.toml:7:9
          |
        6 | ttl = "10s"
          |       ----- the TTL is 10s
        7 | renew = "12s"
          |         ^^^^^ expected less than the TTL
          |
          = help: write renew = "ttl/3""#]],
    );
    check(
        &GOOD.replace("at = \"20s\"", "at = \"2m\""),
        &[],
        &expect![[r#"
        error: this fault is set for 120s, when chaos is over
          --> good.toml:40:6
           |
        40 | at = "2m"
           |      ^^^^ faults fire while chaos lasts, until 40s
        ...
        45 | chaos = "40s"
           |         ----- chaos ends here
           |
           = help: let it fire earlier, or raise `chaos` in [phases]"#]],
    );
    check(
        &GOOD.replace("ttl = \"10s\"", "ttl = 10s"),
        &[],
        &expect![[r#"
        error: a value without quotes
         --> good.toml:6:7
          |
        6 | ttl = 10s
          |       ^^^
          |
          = help: values with a unit or a name stand in quotes: "10s""#]],
    );
    check(
        GOOD,
        &["lease.ttl=-5s"],
        &expect![[r#"
        error: expected a duration such as "10s" or "1m 30s", found "-5s": a duration is never negative
         --> --set:1:11
          |
        1 | lease.ttl=-5s
          |           ^^^
          |
          = help: leave out the sign: "5s""#]],
    );
    check(
        GOOD,
        &["lease.ttl=2s", "lease.renew=3s"],
        &expect![[r#"
        error: the lease is over before it is renewed, after 3s
         --> --set:1:13
          |
        1 | lease.renew=3s
          |             ^^ expected less than the TTL
          |
         ::: --set:1:11
          |
        1 | lease.ttl=2s
          |           -- the TTL is 2s
          |
          = help: write renew = "ttl/3""#]],
    );
    check(
        GOOD,
        &["fault.1.on=holdr", "clocks.rate=1%"],
        &expect![[r#"
            error: no node or role is called `holdr`
             --> --set:1:12
              |
            1 | fault.1.on=holdr
              |            ^^^^^
              |
              = help: did you mean `holder`?

            error: rates of up to 1% are drawn, but [bounds] declares 100ppm
             --> --set:1:13
              |
            1 | clocks.rate=1%
              |             ^^ a drawn rate must stay within [bounds]
              |
              = help: raise `clock_rate` in [bounds], or lower this
              = help: to break the assumption on purpose, use [clocks.NODE], or a fault with do = "clock.rate""#]],
    );
    check(
        &SHORT.replace("schema = 1\n", ""),
        &[],
        &expect![[r#"
        error: the scenario has no `schema`
        --> good.toml
         = help: add `schema = 1` at the top"#]],
    );
}

#[test]
fn colour_is_only_colour() {
    let error = parse(&GOOD.replace("renew =", "renw ="), &[]).unwrap_err();
    let coloured = error.render(Style::Coloured);
    assert!(coloured.contains('\u{1b}'));
    let mut plain = String::new();
    let mut inside = false;
    for c in coloured.chars() {
        match c {
            '\u{1b}' => inside = true,
            'm' if inside => inside = false,
            _ if inside => {}
            c => plain.push(c),
        }
    }
    assert_eq!(plain, error.render(Style::Plain));
}
