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
