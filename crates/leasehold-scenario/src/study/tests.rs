use super::*;

const HEAD: &str = "\
schema = 1
summary = \"A study.\"
scenario = \"../holds/x.toml\"
";

const TTL: &str = "[parameters]\nttl = { key = \"lease.ttl\", values = [\"5s\", \"10s\"] }\n";

fn read_text(text: &str) -> Result<StudyFile, ScenarioError> {
    StudyFile::parse(Source::of_file(Path::new("studies/some.toml"), text), Path::new("studies"))
}

fn read_with(more: &str) -> StudyFile {
    read_text(&format!("{HEAD}{more}")).unwrap_or_else(|error| panic!("{error}"))
}

/// What is said of a study that begins well and goes on so.
fn said(more: &str) -> String {
    match read_text(&format!("{HEAD}{more}")) {
        Ok(_) => panic!("this is fine: {more}"),
        Err(error) => error.to_string(),
    }
}

fn values(study: &StudyFile, parameter: usize) -> Vec<String> {
    match &study.parameters[parameter].axis {
        Axis::Values(values) => values.iter().map(ToString::to_string).collect(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_study_says_what_it_varies_and_what_it_asks() {
    let study = read_with(
        "seeds = 20\nfaults = \"scripted\"\nrefused = \"drop\"\n\
         metrics = [\"staleness\"]\nobjectives = [\"failover.p99 < 15s\"]\nconstraints = [\"renew < ttl/2\"]\n\
         [set]\n\"lease.sweep\" = \"1s\"\nholder = { retry = \"1s\" }\n\
         [parameters]\nrenew = { key = \"lease.renew\", derive = \"ttl/3\" }\n\
         ttl = { key = [\"lease.ttl\", \"grantor.ttl_max\"], values = [\"9s\", \"30s\"] }\n",
    );
    assert_eq!((study.name.as_str(), study.seeds), ("some", (0, 20)));
    assert_eq!(study.scenario, Path::new("studies/../holds/x.toml"));
    assert_eq!((study.faults, study.refused), (Faults::Scripted, Refused::Drop));
    let set: Vec<(&str, &str)> =
        study.settings.iter().map(|set| (set.key.as_str(), set.value.as_deref().unwrap())).collect();
    assert_eq!(set, [("lease.sweep", "\"1s\""), ("holder.retry", "\"1s\"")]);
    // Axes come before what follows from them, whatever the file's order.
    let names: Vec<&str> = study.parameters.iter().map(|parameter| parameter.name.as_str()).collect();
    assert_eq!(names, ["ttl", "renew"]);
    assert_eq!(values(&study, 0), ["9s", "30s"]);
    // What objectives and trade need is measured too.
    assert_eq!(study.metrics, [Metric::Staleness, Metric::Failover, Metric::FalseExpiry, Metric::Load]);
    assert_eq!(study.trade, USUAL_TRADE);

    let point = study.complete(&[Quantity::of_text("9s")]).unwrap();
    assert_eq!(study.told(&point), "ttl = 9s, renew = 3s");
    assert!(study.meets(&study.constraints[0], &point).unwrap());
    let laid: Vec<(String, String)> =
        study.overlay(&point).into_iter().map(|set| (set.key, set.value.unwrap())).collect();
    let laid: Vec<(&str, &str)> = laid.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect();
    assert_eq!(laid, [("lease.ttl", "\"9s\""), ("grantor.ttl_max", "\"9s\""), ("lease.renew", "\"3s\"")]);
}

#[test]
fn ranges_are_linear_or_logarithmic_and_their_ends_are_exact() {
    let range =
        |more: &str| values(&read_with(&format!("[parameters]\nttl = {{ key = \"lease.ttl\", {more} }}")), 0);
    assert_eq!(range("from = \"5s\", to = \"30s\", steps = 6"), ["5s", "10s", "15s", "20s", "25s", "30s"]);
    assert_eq!(
        range("from = \"100ms\", to = \"10s\", steps = 5, scale = \"log\""),
        ["100ms", "316ms", "1s", "3.16s", "10s"]
    );
    assert_eq!(range("from = 1, to = 10, steps = 4"), ["1", "4", "7", "10"]);
    assert_eq!(range("from = \"1.2345s\", to = \"2.3456s\", steps = 3"), ["1.2345s", "1.79s", "2.3456s"]);
    let open = read_with(
        "sample = { latin_hypercube = 9 }\n[parameters]\nttl = { key = \"lease.ttl\", from = \"5s\", to = \"30s\" }",
    );
    assert!(matches!(open.parameters[0].axis, Axis::Between(..)));
    assert_eq!(open.parameters[0].axis.between(0.5).to_string(), "17.5s");
}

#[test]
fn what_is_wrong_is_told_with_what_to_write_instead() {
    for (more, words) in [
        // Nothing to vary, or no way to.
        ("", &["the study varies nothing", "[parameters]"][..]),
        ("[parameters]\nttl = { key = \"lease.ttl\" }", &["`ttl` has no values"]),
        ("[parameters]\nttl = { key = \"lease.ttl\", values = [] }", &["there are no values"]),
        (
            "[parameters]\nttl = { key = \"lease.ttl\", values = [\"5s\", \"5000ms\"] }",
            &["stands there twice"],
        ),
        ("[parameters]\nttl = { key = \"lease ttl\", values = [\"5s\"] }", &["`lease ttl` is no key path"]),
        ("[parameters]\nttl = { values = [\"5s\"] }", &["`ttl` sets nothing"]),
        (
            "[parameters]\nttl = { key = \"a.b\", values = [\"5s\"], derive = \"ttl\" }",
            &["more than one kind"],
        ),
        (
            "[parameters]\nttl = { key = \"a.b\", valeus = [\"5s\"] }",
            &["unknown key `valeus`", "did you mean `values`?"],
        ),
        ("[parameters]\n\"2\" = { key = \"a.b\", values = [\"5s\"] }", &["`2` cannot be the name"]),
        ("[parameters]\nmin = { key = \"a.b\", values = [\"5s\"] }", &["`min` cannot be the name"]),
        (
            "[parameters]\na = { key = \"a.b\", values = [1] }\nb = { key = \"a.b\", values = [1] }",
            &["`a.b` is set twice", "here too"],
        ),
        // Ranges.
        ("[parameters]\nttl = { key = \"a.b\", from = \"5s\", steps = 2 }", &["a range has two ends"]),
        ("[parameters]\nttl = { key = \"a.b\", from = \"5s\", to = \"9s\" }", &["the range has no steps"]),
        (
            "[parameters]\nttl = { key = \"a.b\", from = \"5s\", to = \"9s\", steps = 1 }",
            &["2 to 1000 steps, found 1"],
        ),
        (
            "[parameters]\nttl = { key = \"a.b\", from = \"9s\", to = \"5s\", steps = 3 }",
            &["from 9s to 5s: it has no length"],
        ),
        (
            "[parameters]\nttl = { key = \"a.b\", from = 1, to = \"5s\", steps = 3 }",
            &["begins with a number and ends with a length of time"],
        ),
        (
            "[parameters]\nttl = { key = \"a.b\", from = \"none\", to = \"all\", steps = 3 }",
            &["between two numbers or lengths"],
        ),
        (
            "[parameters]\nttl = { key = \"a.b\", from = \"0s\", to = \"5s\", steps = 3, scale = \"log\" }",
            &["cannot begin at or below 0"],
        ),
        (
            "[parameters]\nttl = { key = \"a.b\", from = \"1s\", to = \"1001ms\", steps = 9 }",
            &["9 steps are too many"],
        ),
        (
            "[parameters]\nttl = { key = \"a.b\", values = [\"1s\"], steps = 3 }",
            &["`steps` belongs to a range"],
        ),
        // Expressions.
        (
            "[parameters]\nttl = { key = \"a.b\", values = [\"1s\"] }\nr = { key = \"a.c\", derive = \"tll/3\" }",
            &["no parameter is called `tll`", "did you mean `ttl`?"],
        ),
        (
            "[parameters]\nttl = { key = \"a.b\", values = [\"1s\"] }\nr = { key = \"a.c\", derive = \"q/3\" }\nq = { key = \"a.d\", derive = \"ttl\" }",
            &["`q/3` needs `q`, which comes later"],
        ),
        ("[parameters]\nr = { key = \"a.c\", derive = \"r\" }", &["the study varies nothing"]),
        (
            "constraints = [\"renew < ttl\"]\n[parameters]\nttl = { key = \"a.b\", values = [\"1s\"] }",
            &["no parameter is called `renew`"],
        ),
        (
            "constraints = [\"ttl\"]\n[parameters]\nttl = { key = \"a.b\", values = [\"1s\"] }",
            &["there is no comparison here"],
        ),
        // Metrics and goals.
        ("metrics = [\"failovr\"]\n", &["`failovr` is no metric", "did you mean `failover`?"]),
        ("objectives = [\"failover < 15s\"]\n", &["which number of them?", "failover.p99"]),
        ("objectives = [\"faliover.p99 < 15s\"]\n", &["`faliover` is no metric"]),
        ("objectives = [\"load < 3s\"]\n", &["a rate such as"]),
        ("trade = [\"failover.p98\"]\n", &["`failover` has no `p98`"]),
        ("metrics = [\"load\", \"load\"]\n", &["this stands there twice"]),
        // The rest.
        ("seeds = 0\n", &["0 seeds are none"]),
        ("seeds = \"9..3\"\n", &["`9..3` holds no seed"]),
        ("seeds = \"all\"\n", &["`all` is no range of seeds"]),
        ("sample = { latin_hypercube = 0 }\n", &["0 points cannot be drawn"]),
        ("faults = \"none\"\n", &["unknown name `none`", "`random` or `scripted`"]),
        ("refused = \"ignore\"\n", &["expected `error` or `drop`"]),
        ("set = 3\n", &["`set` is no table"]),
        ("parametres = 3\n", &["unknown key `parametres`", "did you mean `parameters`?"]),
    ] {
        let text = if more.contains("[parameters]") || more.is_empty() {
            more.to_owned()
        } else {
            format!("{more}{TTL}")
        };
        let said = said(&text);
        for words in words {
            assert!(said.contains(words), "{more}\n{said}\nexpected {words}");
        }
        assert!(said.contains("studies/some.toml"), "{said}");
    }
}

#[test]
fn what_is_missing_at_the_top_is_told() {
    for (left_out, words) in [
        ("schema", "the study has no `schema`"),
        ("summary", "the study has no `summary`"),
        ("scenario", "the study has no `scenario`"),
    ] {
        let head: String =
            HEAD.lines().filter(|line| !line.starts_with(left_out)).map(|line| format!("{line}\n")).collect();
        let said = read_text(&format!("{head}{TTL}")).unwrap_err().to_string();
        assert!(said.contains(words), "{said}");
    }
    let said =
        read_text(&format!("{}{TTL}", HEAD.replace("schema = 1", "schema = 2"))).unwrap_err().to_string();
    assert!(said.contains("schema 2 is not known here"), "{said}");
    let said = said_of_name("name = \"other\"\n");
    assert!(said.contains("the study is called `other`, and its file `some`"), "{said}");
}

fn said_of_name(name: &str) -> String {
    read_text(&format!("{name}{HEAD}{TTL}")).unwrap_err().to_string()
}

#[test]
fn a_wrong_word_in_an_expression_is_underlined_where_it_stands() {
    let more =
        "constraints = [\"2 * renew < ttl\"]\n[parameters]\nttl = { key = \"a.b\", values = [\"1s\"] }";
    let error = read_text(&format!("{HEAD}{more}")).unwrap_err();
    let span = error.diagnostics().iter().next().unwrap().span.clone().unwrap();
    assert_eq!(&error.source_text().text()[span], "renew");
}

#[test]
fn what_cannot_be_reckoned_is_told_with_the_point() {
    let study = read_with(
        "constraints = [\"ttl < tries\"]\n[parameters]\nttl = { key = \"a.b\", values = [\"1s\"] }\n\
         tries = { values = [0, 2] }\nrenew = { key = \"a.c\", derive = \"ttl / tries\" }\n",
    );
    let axes = |tries: f64| [Quantity::of_text("1s"), Quantity::Number(tries)];
    let wrong = study.complete(&axes(0.0)).unwrap_err();
    assert!(wrong.message.contains("`ttl / tries` comes to nothing"), "{}", wrong.message);
    assert!(wrong.notes.iter().any(|note| note.contains("ttl = 1s, tries = 0")), "{:?}", wrong.notes);
    let point = study.complete(&axes(2.0)).unwrap();
    let wrong = study.meets(&study.constraints[0], &point).unwrap_err();
    assert!(wrong.message.contains("1s is a length of time, and 2 is a number"), "{}", wrong.message);
}

const CHOICES: &str = "\
[parameters.ttl]
key = \"lease.ttl\"
values = [\"5s\", \"10s\"]
[parameters.policy.choices]
none = {}
\"10s\" = { \"grace.detector\" = \"fixed\", \"grace.fixed\" = \"10s\" }
guard = { grace = { rate_guard = {}, pass = \"2s\" } }
[parameters.situation.choices.crash]
fault = [ { at = \"60s\", on = \"instance\", pick = \"all\", do = \"crash\" } ]
[parameters.situation.choices.\"a, \\\"b\\\"\"]
fault = []
";

fn laid(study: &StudyFile, axes: &[Quantity]) -> Vec<String> {
    let told = |set: Setting| format!("{} = {}", set.key, set.value.unwrap());
    study.overlay(&study.complete(axes).unwrap()).into_iter().map(told).collect()
}

fn word(name: &str) -> Quantity {
    Quantity::Word(name.to_owned())
}

#[test]
fn a_choice_lays_its_keys_over_the_scenario_and_its_value_is_its_name() {
    let study =
        read_with(&format!("constraints = [\"situation != 'crash'\", \"policy == '10s'\"]\n{CHOICES}"));
    // In the order of the file, not in that of the alphabet.
    assert_eq!(values(&study, 1), ["none", "10s", "guard"]);
    assert_eq!(values(&study, 2), ["crash", "a, \"b\""]);
    assert_eq!(study.parameters[1].keys, ["grace.detector", "grace.fixed", "grace.rate_guard", "grace.pass"]);
    let ttl = Quantity::of_text("5s");
    assert_eq!(
        laid(&study, &[ttl.clone(), word("10s"), word("crash")]),
        [
            "lease.ttl = \"5s\"",
            "grace.detector = \"fixed\"",
            "grace.fixed = \"10s\"",
            "fault = [{ at = \"60s\", on = \"instance\", pick = \"all\", do = \"crash\" }]"
        ]
    );
    // That a table is there can be all that matters.
    assert_eq!(
        laid(&study, &[ttl.clone(), word("guard"), word("a, \"b\"")]),
        ["lease.ttl = \"5s\"", "grace.rate_guard = {}", "grace.pass = \"2s\"", "fault = []"]
    );
    // A name is a name, even if it looks like a length of time.
    let point = study.complete(&[ttl, word("10s"), word("crash")]).unwrap();
    assert!(!study.meets(&study.constraints[0], &point).unwrap());
    assert!(study.meets(&study.constraints[1], &point).unwrap());
    assert_eq!(study.told(&point), "ttl = 5s, policy = 10s, situation = crash");
}

#[test]
fn wrong_choices_are_told_where_they_stand() {
    for (more, underlined, words) in [
        ("[parameters]\na = { choices = {} }", "{}", &["there are no choices", "none = {}"][..]),
        ("[parameters]\na = { choices = 3 }", "3", &["expected a table"]),
        ("[parameters.a.choices]\nx = \"5s\"", "5s", &["the choice `x` is this string", "none = {}"]),
        ("[parameters.a.choices]\nx = { \"lease ttl\" = 3 }", "lease ttl", &["`lease ttl` is no key path"]),
        ("[parameters.a.choices]\n\" x\" = { \"a.b\" = 3 }", " x", &["neither begins nor ends with a space"]),
        ("[parameters.a.choices]\n\"\\u001b[31m\" = { \"a.b\" = 3 }", "u001b[31m", &["nobody can read it"]),
        (
            "[parameters.a.choices]\nx = { \"a.b\" = 3, a = { b = 4 } }",
            "b",
            &["`a.b` is set twice by one choice", "here too"],
        ),
        (
            "[parameters.a]\nkey = \"a.b\"\n[parameters.a.choices]\nx = { \"a.c\" = 3 }",
            "\"a.b\"",
            &["`key` has no meaning beside choices", "remove one"],
        ),
        (
            "[parameters.a]\nsteps = 3\n[parameters.a.choices]\nx = { \"a.c\" = 3 }",
            "3",
            &["`steps` has no meaning beside choices"],
        ),
        ("[parameters.a.choices]\nx = {}", "", &["`a` sets nothing"]),
        // Both would set the fixed grace.
        (
            "[parameters.a.choices]\nx = { \"grace.fixed\" = \"1s\" }\n[parameters.b]\nkey = \"grace\"\nvalues = [1, 2]",
            "",
            &["is set twice, by", "here too"],
        ),
    ] {
        let text = format!("{HEAD}{more}");
        let Err(error) = read_text(&text) else { panic!("this is fine: {more}") };
        let said = error.to_string();
        for words in words {
            assert!(said.contains(words), "{more}\n{said}\nexpected {words}");
        }
        let spans = error.diagnostics().iter().filter_map(|found| found.span.clone());
        let marked: Vec<&str> = spans.map(|span| &text[span]).collect();
        assert!(marked.iter().any(|marked| marked.contains(underlined)), "{more}\n{marked:?}");
    }
}

const ASKED: &str = "objectives = [\"failover.p99 < 15s\"]\n";

#[test]
fn advice_can_be_given_for_each_value_of_a_parameter() {
    assert_eq!(read_with(CHOICES).each, None);
    let each = |name: &str| read_with(&format!("each = \"{name}\"\n{ASKED}{CHOICES}")).each;
    assert_eq!((each("situation"), each("ttl")), (Some(2), Some(0)));
    for (more, words) in [
        (format!("each = \"situaton\"\n{ASKED}{CHOICES}"), "did you mean `situation`?"),
        (format!("each = \"x\"\n{ASKED}{CHOICES}"), "there are ttl, policy, situation"),
        (format!("each = \"ttl\"\n{ASKED}{TTL}"), "`ttl` is all that the study varies"),
        (
            format!("each = \"r\"\n{ASKED}{TTL}r = {{ key = \"a.b\", derive = \"ttl/2\" }}"),
            "`r` has no values of its own",
        ),
        (format!("each = \"situation\"\n{CHOICES}"), "asks for nothing"),
        (format!("each = 3\n{ASKED}{CHOICES}"), "expected a text in quotes"),
    ] {
        let said = said(&more);
        assert!(said.contains(words), "{more}\n{said}");
    }
}

#[test]
fn a_table_that_is_only_there_can_be_set_for_all_points() {
    let study = read_with(&format!("[set]\ngrace = {{ rate_guard = {{}} }}\n{TTL}"));
    let set: Vec<(&str, Option<&str>)> =
        study.settings.iter().map(|set| (set.key.as_str(), set.value.as_deref())).collect();
    assert_eq!(set, [("grace.rate_guard", Some("{}"))]);
}
