//! Faults on those who watch, and commands that last.

use std::sync::Arc;

use leasehold_core::CommandId;
use leasehold_core::plan::{Pick, WatchFault};

use super::*;
use crate::{Faults, Trial};

const HEAD: &str =
    "schema = 1\nname = \"x\"\nsummary = \"s\"\n[lease]\nttl = \"10s\"\n[topology]\nwatchers = 3\n";

/// A scenario of one fault. Its lines begin with the ninth.
fn parse(fault: &str) -> Result<Scenario, ScenarioError> {
    Scenario::parse(Source::from_text("x.toml", format!("{HEAD}[[fault]]\n{fault}")), &[&Toy])
}

const ALL_WATCHERS: Target = Target::Drawn { pick: Pick::All, from: Group::Role(Role::Discovery) };

#[test]
fn watches_and_lasting_commands_are_read_told_and_written() {
    let ten = Some(Span::from_secs(10));
    let freeze = Action::Command(CommandId(2));
    let one = Target::one_of(Role::Discovery);
    for (fault, target, action, lasts, told) in [
        (
            "on = \"discovery\"\ndo = \"watch.drop\"\nfor = \"10s\"",
            one,
            Action::Watch(WatchFault::Drop),
            ten,
            "drop the watches of discovery for 10s, at 1s",
        ),
        (
            "on = \"discovery-2\"\ndo = \"watch.stall\"",
            Target::Node(NodeId(6)),
            Action::Watch(WatchFault::Stall),
            None,
            "stall the watches of discovery-2 until all is healed, at 1s",
        ),
        (
            "on = \"discovery\"\npick = \"all\"\ndo = \"watch.gap\"\nfor = \"10s\"",
            ALL_WATCHERS,
            Action::Watch(WatchFault::Gap),
            ten,
            "lose what the watches of all discovery clients tell for 10s, at 1s",
        ),
        (
            "on = \"discovery-2\"\ndo = \"freeze-cache\"\nfor = \"10s\"",
            Target::Node(NodeId(6)),
            freeze,
            ten,
            "tell discovery-2: freeze-cache for 10s, at 1s",
        ),
        (
            "on = \"discovery\"\ndo = \"freeze-cache\"",
            one,
            freeze,
            None,
            "tell discovery: freeze-cache, at 1s",
        ),
    ] {
        let scenario = parse(&format!("at = \"1s\"\n{fault}")).unwrap_or_else(|error| panic!("{error}"));
        let faults = &scenario.template.faults;
        assert_eq!((faults[0].target, faults[0].action, faults[0].lasts), (target, action, lasts), "{fault}");
        assert_eq!(scenario.describe(faults), [told]);
        let trial = Trial::new(&Arc::new(scenario), 3, Faults::Scripted, &[&Toy]);
        let again = trial.read_again([], &[&Toy]).unwrap_or_else(|error| panic!("{error}"));
        let read = &again.plan().faults;
        assert_eq!(
            (read[0].target, read[0].action, read[0].lasts),
            (target, action, lasts),
            "{}",
            trial.to_toml()
        );
    }
}

#[test]
fn who_watches_nothing_has_no_watch_to_lose() {
    for (fault, place, words) in [
        ("on = \"grantor\"\ndo = \"watch.drop\"", "10:6", "a grantor watches nothing"),
        ("on = \"holder\"\ndo = \"watch.gap\"", "10:6", "expected a node of the role discovery or follower"),
        ("on = \"discovery\"\ndo = \"watch.gap\"\nbefore = \"query\"", "12:10", "`before` means nothing"),
        ("on = \"holder\"\ndo = \"shutdown\"\nfor = \"3s\"", "12:7", "`for` means nothing for `shutdown`"),
        ("on = \"holder\"\ndo = \"freeze-cache\"", "10:6", "a contender cannot be told to freeze-cache"),
    ] {
        let shown = parse(&format!("at = \"1s\"\n{fault}")).expect_err(fault).to_string();
        assert!(shown.contains(words), "expected {words} in\n{shown}");
        assert!(shown.contains(&format!(" --> x.toml:{place}\n")), "expected {place} in\n{shown}");
    }
}

#[test]
fn random_faults_are_on_watches_only_where_somebody_watches() {
    let only = |text: &str| {
        let text = format!("{text}[chaos]\nonly = [\"watch.gap\"]\n");
        Scenario::parse(Source::from_text("x.toml", text), &[&Toy]).map(|_| ())
    };
    only(HEAD).unwrap_or_else(|error| panic!("{error}"));
    let nobody = HEAD.replace("watchers = 3", "watchers = 0");
    let shown = only(&nobody).expect_err("nobody watches").to_string();
    assert!(shown.contains("nobody here watches anything: nothing is drawn"), "{shown}");
    assert!(shown.contains(" --> x.toml:9:9\n"), "{shown}");
}
