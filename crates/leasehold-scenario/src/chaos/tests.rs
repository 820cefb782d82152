use leasehold_core::plan::{Chance, FaultKind};
use leasehold_core::{Drift, Span};
use leasehold_plan::{Chaos, Part, Script};

use crate::toy::Toy;
use crate::{Scenario, ScenarioError, Source, Variant};

const HEAD: &str = "schema = 1\nname = \"x\"\nsummary = \"s\"\n[lease]\nttl = \"10s\"\n";

fn source(chaos: &str) -> Source {
    Source::from_text("x.toml", format!("{HEAD}{chaos}"))
}

fn parse(chaos: &str) -> Result<Chaos, ScenarioError> {
    Scenario::parse(source(chaos), &[&Toy]).map(|scenario| scenario.template.chaos)
}

fn read(chaos: &str) -> Chaos {
    parse(chaos).unwrap_or_else(|error| panic!("{error}"))
}

#[test]
fn without_a_word_everything_but_a_wipe_is_drawn() {
    for chaos in ["", "[chaos]\n"] {
        assert_eq!(read(chaos), Chaos::default());
    }
    assert!(!Chaos::default().kinds.contains(&FaultKind::Wipe));
}

#[test]
fn limits_are_what_the_table_says() {
    let chaos = read(
        "[chaos]\nscript = \"left-out\"\nonly = [\"crash\", \"pause\"]\nalso = [\"wipe\", \"crash\"]\nmost = 3\n\
         aimed = \"50%\"\nlongest = \"30s\"\nclock_rate = \"5%\"\ndraw = [\"timing\", \"topology\"]\n\
         [chaos.values]\n\"lease.ttl\" = [\"1s\", \"10s\"]\n\"topology.holders\" = [2, 5]\n",
    );
    let texts = |texts: [&str; 2]| texts.map(str::to_owned).to_vec();
    assert_eq!(
        chaos,
        Chaos {
            script: Script::LeftOut,
            kinds: vec![FaultKind::Pause, FaultKind::Crash, FaultKind::Wipe],
            most: 3,
            aimed: Chance::from_ppm(500_000).unwrap(),
            longest: Some(Span::from_secs(30)),
            clock_rate: Drift::from_ppb(50_000_000),
            parts: vec![Part::Topology, Part::Timing],
            values: vec![
                ("lease.ttl".to_owned(), texts(["\"1s\"", "\"10s\""])),
                ("topology.holders".to_owned(), texts(["2", "5"])),
            ],
        }
    );
    let without = read("[chaos]\nwithout = [\"command\", \"wipe\", \"clock.wall-step\"]\n").kinds;
    let gone = [FaultKind::Command, FaultKind::Wipe, FaultKind::WallStep];
    assert_eq!(without, FaultKind::ALL.into_iter().filter(|kind| !gone.contains(kind)).collect::<Vec<_>>());
    assert_eq!(read("[chaos]\ndraw = []\nmost = 0\n").parts, []);
}

#[test]
fn values_stand_under_paths_or_in_tables() {
    let fault = "[[fault]]\nat = \"5s\"\non = \"holder\"\ndo = \"pause\"\nfor = \"9s\"\n";
    let nested = "[chaos.values]\nlease.ttl = [\"1s\"]\n[chaos.values.fault.0]\nfor = [\"1s\", \"2s\"]\n";
    let quoted = "[chaos.values]\n\"fault.0.for\" = [\"1s\", \"2s\"]\n\"lease.ttl\" = [\"1s\"]\n";
    assert_eq!(read(&format!("{fault}{nested}")).values, read(&format!("{fault}{quoted}")).values);
    let set = source("").with_overlays(["chaos.values.lease.ttl=[\"1s\"]"]);
    let values = Scenario::parse(set, &[&Toy]).unwrap().template.chaos.values;
    assert_eq!(values, [("lease.ttl".to_owned(), vec!["\"1s\"".to_owned()])]);
}

#[test]
fn the_safe_variant_may_have_limits_of_its_own() {
    let text = "[chaos]\nonly = [\"pause\"]\nmost = 2\n[safe.chaos]\nonly = [\"crash\"]\n";
    let as_written = Scenario::parse(source(text), &[&Toy]).unwrap().template.chaos;
    let safe = Scenario::parse(source(text).as_variant(Variant::Safe), &[&Toy]).unwrap().template.chaos;
    assert_eq!((as_written.kinds, as_written.most), (vec![FaultKind::Pause], 2));
    assert_eq!((safe.kinds, safe.most), (vec![FaultKind::Crash], 2));
}

#[test]
fn every_mistake_is_shown_in_place_with_what_to_write() {
    for (chaos, place, words) in [
        ("only = [\"puase\"]", "7:9", &["no kind of fault is called `puase`", "did you mean `pause`?"][..]),
        ("without = [\"clock.rat\"]", "7:12", &["did you mean `clock.rate`?"]),
        ("also = [\"pause\", \"wip\"]", "7:18", &["did you mean `wipe`?"]),
        ("only = [\"shutdown\"]", "7:9", &["the commands of a system are one kind: write \"command\""]),
        ("only = []", "7:8", &["`only` names no kind of fault", "write `most = 0` for no random faults"]),
        ("only = \"pause\"", "7:8", &["expected a list", "write [\"pause\"]"]),
        (
            "only = [\"pause\"]\nwithout = [\"pause\"]",
            "8:12",
            &["`pause` is both in `only` and in `without`", "the other is here"],
        ),
        ("also = [\"wipe\"]\nwithout = [\"wipe\"]", "8:12", &["`wipe` is both in `also` and in `without`"]),
        (
            "script = \"left_out\"",
            "7:10",
            &["`left_out` is no value of `script`", "did you mean `left-out`?"],
        ),
        ("most = 101", "7:8", &["expected 0 to 100"]),
        ("most = \"8\"", "7:8", &["leave out the quotes: 8"]),
        ("aimed = \"150%\"", "7:9", &["it is more than 100%"]),
        ("longest = \"0s\"", "7:11", &["faults that last 0s touch nothing", "expected more than 0s"]),
        ("clock_rate = \"100ppm\"", "7:14", &["[bounds] declares 500ppm", "expected 500ppm or more"]),
        ("draw = [\"timings\"]", "7:9", &["nothing that can be left open", "did you mean `timing`?"]),
        ("drow = []", "7:1", &["unknown key `drow` in [chaos]", "did you mean `draw`?"]),
        ("[chaos.values]\n\"lease.ttl\" = []", "8:15", &["nothing to draw for `lease.ttl`"]),
        ("[chaos.values]\n\"lease.ttl\" = \"1s\"", "8:15", &["write [\"1s\"]"]),
        ("[chaos.values]\n\"leese.ttl\" = [\"1s\"]", "8:1", &["no table is called `leese`", "`lease`?"]),
        ("[chaos.values]\n\"expect.verdict\" = [\"pass\"]", "8:1", &["`expect` cannot be drawn"]),
        ("[chaos.values]\n\"lease\" = [1]", "8:1", &["`lease` is a whole table", "\"lease.key\""]),
        ("[chaos.values]\n\"lease..ttl\" = [1]", "8:1", &["`lease..ttl` is no key path"]),
        ("[chaos.values]\nlease.ttl = \"1s\"", "8:13", &["write [\"1s\"]"]),
        ("[chaos.values.lease]\nttl = []", "8:7", &["nothing to draw for `lease.ttl`"]),
        ("[chaos.values.fault.0]\n\"f or\" = [1]", "8:1", &["`fault.0.f or` is no key path"]),
        ("values = 3", "7:10", &["expected a table"]),
    ] {
        let shown = parse(&format!("[chaos]\n{chaos}\n")).expect_err(chaos).to_string();
        for words in words {
            assert!(shown.contains(words), "expected {words} in\n{shown}");
        }
        assert!(shown.contains(&format!(" --> x.toml:{place}\n")), "expected {place} in\n{shown}");
    }
    let all = FaultKind::ALL.map(|kind| format!("\"{}\"", kind.name())).join(", ");
    let shown = parse(&format!("[chaos]\nwithout = [{all}]\n")).unwrap_err().to_string();
    assert!(shown.contains("`without` leaves no kind of fault"), "{shown}");
}
