use leasehold_core::plan::{Action, Chance, Condition, Cut, Role, Scope, Target, Trigger};
use leasehold_core::{CommandId, NodeId, RateError, SimInstant, Span};

use super::*;
use crate::toy::Toy;
use crate::{Scenario, ScenarioError, Source};

const HEAD: &str = "schema = 1\nname = \"x\"\nsummary = \"s\"\n[lease]\nttl = \"10s\"\n[[fault]]\n";

/// A scenario of one fault. Its lines begin with the seventh.
fn parse(fault: &str) -> Result<Scenario, ScenarioError> {
    Scenario::parse(Source::from_text("x.toml", format!("{HEAD}{fault}")), &[&Toy])
}

fn planned(fault: &str) -> FaultPlan {
    let scenario = parse(fault).unwrap_or_else(|error| panic!("{error}"));
    scenario.template.faults[0].clone()
}

fn at(seconds: u64) -> Trigger {
    Trigger::At(SimInstant::START + Span::from_secs(seconds))
}

const GRANTOR: Target = Target::Node(NodeId(0));
const HOLDER_1: Target = Target::Node(NodeId(1));

#[test]
fn every_action_is_read() {
    let ten = |on: &str, rest: &str| {
        let fault = planned(&format!("at = \"10s\"\non = \"{on}\"\n{rest}"));
        assert_eq!(fault.trigger, at(10));
        (fault.target, fault.action, fault.lasts, fault.cut)
    };
    let whole = Cut::After(0);
    let ppm = |ppm| Chance::from_ppm(ppm).unwrap();
    for (on, rest, expected) in [
        (
            "holder-1",
            "do = \"partition\"\nfor = \"20s\"",
            (HOLDER_1, Action::Partition(Scope::Isolate), Some(Span::from_secs(20)), whole),
        ),
        (
            "holder",
            "do = \"partition\"\nshape = \"isolate\"",
            (Target::Holder, Action::Partition(Scope::Isolate), None, whole),
        ),
        (
            "holder",
            "do = \"partition\"\nto = \"grantor\"",
            (Target::Holder, Action::Partition(Scope::Between(Target::OneOf(Role::Grantor))), None, whole),
        ),
        (
            "grantor",
            "do = \"partition\"\nto = \"ex-holder\"\nshape = \"one-way\"",
            (Target::OneOf(Role::Grantor), Action::Partition(Scope::OneWay(Target::ExHolder)), None, whole),
        ),
        (
            "contender",
            "do = \"link\"\nto = \"grantor-1\"\nloss = \"10%\"\ndelay = \"5ms\"\nduplicate = \"1%\"",
            (
                Target::OneOf(Role::Contender),
                Action::Link {
                    scope: Scope::Between(GRANTOR),
                    delay: Span::from_millis(5),
                    loss: ppm(100_000),
                    duplicate: ppm(10_000),
                },
                None,
                whole,
            ),
        ),
        ("holder", "do = \"pause\"\nafter = 2", (Target::Holder, Action::Pause, None, Cut::After(2))),
        (
            "holder",
            "do = \"suspend\"\nbefore = \"renew\"",
            (Target::Holder, Action::Suspend, None, Cut::BeforeSend(Purpose::Renew)),
        ),
        ("resource", "do = \"crash\"", (Target::OneOf(Role::Resource), Action::Crash, None, whole)),
        ("grantor-1", "do = \"restart\"", (GRANTOR, Action::Restart, None, whole)),
        (
            "holder-1",
            "do = \"clock.rate\"\nrate = \"-20%\"",
            (HOLDER_1, Action::ClockRate(RateError::from_ppb(-200_000_000).unwrap()), None, whole),
        ),
        (
            "holder-1",
            "do = \"clock.wall-step\"\nby = \"-3s\"",
            (HOLDER_1, Action::WallStep(-3_000_000_000), None, whole),
        ),
        ("holder-1", "do = \"revoke\"", (HOLDER_1, Action::Command(CommandId(1)), None, whole)),
    ] {
        assert_eq!(ten(on, rest), expected, "{rest}");
    }
}

#[test]
fn conditions_are_read_with_and_without_spaces() {
    for (text, percent) in
        [("ttl_remaining < 10%", 10), ("ttl_remaining<1%", 1), (" ttl_remaining  <  100 % ", 100)]
    {
        let fault = planned(&format!("when = \"{text}\"\non = \"holder\"\ndo = \"pause\""));
        assert_eq!(fault.trigger, Trigger::When(Condition::TtlRemainingBelow { percent }), "{text}");
    }
}

#[test]
fn a_fault_may_outlast_chaos_but_not_begin_after_it() {
    let fault = planned("at = \"59.999s\"\nfor = \"1h\"\non = \"holder\"\ndo = \"pause\"");
    assert_eq!(fault.lasts, Some(Span::from_secs(3_600)));
    assert!(parse("at = \"60s\"\non = \"holder\"\ndo = \"pause\"").is_err());
}

#[test]
fn a_node_comes_before_a_role_of_the_same_name() {
    let name = |text: &str| Spanned::new(0..0, text.to_owned());
    let node = |name: &str, role| crate::NodeSpec {
        name: name.to_owned(),
        role,
        relies_on: leasehold_core::ClockKind::Boot,
        contends_for: Vec::new(),
    };
    let nodes = [node("a", Role::Contender), node("grantor", Role::Contender), node("b", Role::Grantor)];
    let cast = Cast { nodes: &nodes, commands: &[] };
    assert_eq!(cast.resolve(&name("grantor")).unwrap(), Target::Node(NodeId(1)));
    assert_eq!(cast.resolve(&name("holder")).unwrap(), Target::Holder);
    let registry = cast.resolve(&name("registry")).unwrap_err();
    assert_eq!(registry.message, "there is no registry in this scenario");
    assert!(cast.is_same(Target::OneOf(Role::Grantor), Target::Node(NodeId(2))));
    assert!(!cast.is_same(Target::OneOf(Role::Contender), Target::Node(NodeId(0))));
    let no_contender = Cast { nodes: &nodes[2..], commands: &[] };
    assert!(no_contender.resolve(&name("holder")).is_err());
}

#[test]
fn broken_rules_are_shown_where_they_are_broken() {
    let cases: &[(&str, (usize, usize), &[&str])] = &[
        (
            "on = \"holder\"\ndo = \"pause\"",
            (6, 1),
            &["this fault never fires: it has neither `at` nor `when`"],
        ),
        (
            "at = \"1s\"\nwhen = \"ttl_remaining < 9%\"\non = \"holder\"\ndo = \"pause\"",
            (8, 8),
            &["both `at` and `when`", "the other is here"],
        ),
        (
            "at = \"60s\"\non = \"holder\"\ndo = \"pause\"",
            (7, 6),
            &["this fault is set for 60s, when chaos is over", "faults fire while chaos lasts, until 60s"],
        ),
        ("at = \"-1s\"\non = \"holder\"\ndo = \"pause\"", (7, 6), &["a duration is never negative"]),
        (
            "at = \"1s\"\nfor = \"0s\"\non = \"holder\"\ndo = \"pause\"",
            (8, 7),
            &["a fault that lasts 0s touches nothing"],
        ),
        (
            "at = \"1s\"\non = \"holdr\"\ndo = \"pause\"",
            (8, 6),
            &["no node or role is called `holdr`", "did you mean `holder`?"],
        ),
        (
            "at = \"1s\"\non = \"zebra\"\ndo = \"pause\"",
            (8, 6),
            &[
                "nodes: grantor-1, holder-1 to holder-3, resource-1; roles: grantor, holder, ex-holder, contender, resource",
            ],
        ),
        (
            "at = \"1s\"\non = \"registry\"\ndo = \"pause\"",
            (8, 6),
            &["there is no registry in this scenario"],
        ),
        (
            "at = \"1s\"\non = \"holder\"\ndo = \"puase\"",
            (9, 6),
            &["no fault is called `puase`", "did you mean `pause`?"],
        ),
        ("at = \"1s\"\non = \"holder\"\ndo = \"shutdwn\"", (9, 6), &["did you mean `shutdown`?"]),
        ("at = \"1s\"\non = \"holder\"\ndo = \"wall-step\"", (9, 6), &["did you mean `clock.wall-step`?"]),
        (
            "at = \"1s\"\non = \"holder\"\ndo = \"zebra\"",
            (9, 6),
            &["`clock.wall-step`, `shutdown` or `revoke`"],
        ),
        (
            "at = \"1s\"\non = \"grantor\"\ndo = \"shutdown\"",
            (8, 6),
            &["a grantor cannot be told to shutdown", "`shutdown` is for nodes of the role contender"],
        ),
        (
            "at = \"1s\"\non = \"holder\"\ndo = \"pause\"\nto = \"grantor\"",
            (10, 6),
            &["`to` means nothing for `pause`", "`pause` takes `for`, `before` or `after`"],
        ),
        (
            "at = \"1s\"\non = \"holder\"\ndo = \"restart\"\nfor = \"1s\"",
            (10, 7),
            &["`for` means nothing for `restart`", "`restart` has no keys of its own"],
        ),
        (
            "at = \"1s\"\non = \"holder\"\ndo = \"shutdown\"\nfor = \"1s\"",
            (10, 7),
            &["`for` means nothing for `shutdown`"],
        ),
        (
            "at = \"1s\"\non = \"holder\"\ndo = \"clock.wall-step\"\nby = \"+1s\"\nfor = \"1s\"",
            (11, 7),
            &["`clock.wall-step` takes `by`"],
        ),
        (
            "at = \"1s\"\non = \"holder\"\ndo = \"partition\"\nto = \"grantor\"\nshape = \"isolate\"",
            (10, 6),
            &["so it has no peer", "remove `to`"],
        ),
        (
            "at = \"1s\"\non = \"holder\"\ndo = \"partition\"\nshape = \"one-way\"",
            (10, 9),
            &["this shape needs a peer"],
        ),
        (
            "at = \"1s\"\non = \"holder\"\ndo = \"link\"\nloss = \"1%\"\nshape = \"symmetric\"",
            (11, 9),
            &["this shape needs a peer"],
        ),
        (
            "at = \"1s\"\non = \"holder\"\ndo = \"partition\"\nshape = \"oneway\"",
            (10, 9),
            &["`oneway` is no value of `shape`", "did you mean `one-way`?"],
        ),
        (
            "at = \"1s\"\non = \"grantor\"\ndo = \"partition\"\nto = \"grantor-1\"",
            (10, 6),
            &["both ends of the link are the same", "the other end"],
        ),
        (
            "at = \"1s\"\non = \"holder-1\"\ndo = \"partition\"\nto = \"holder-9\"",
            (10, 6),
            &["the holders are holder-1 to holder-3"],
        ),
        (
            "at = \"1s\"\non = \"holder\"\ndo = \"link\"",
            (9, 6),
            &["this link gets no worse", "expected `loss`, `delay` or `duplicate` beside it"],
        ),
        ("at = \"1s\"\non = \"holder\"\ndo = \"link\"\nloss = \"0%\"", (9, 6), &["this link gets no worse"]),
        ("at = \"1s\"\non = \"holder\"\ndo = \"clock.rate\"", (9, 6), &["add `rate = \"+20%\"`"]),
        ("at = \"1s\"\non = \"holder\"\ndo = \"clock.wall-step\"", (9, 6), &["add `by = \"+3s\"`"]),
        (
            "at = \"1s\"\non = \"holder\"\ndo = \"clock.wall-step\"\nby = \"0s\"",
            (10, 6),
            &["a step of 0s changes nothing"],
        ),
        (
            "at = \"1s\"\non = \"holder\"\ndo = \"pause\"\nbefore = \"write\"\nafter = 1",
            (11, 9),
            &["both `before` and `after`"],
        ),
        (
            "at = \"1s\"\non = \"holder\"\ndo = \"pause\"\nbefore = \"writ\"",
            (10, 10),
            &["`writ` is no value of `before`", "did you mean `write`?"],
        ),
        (
            "at = \"1s\"\non = \"holder\"\ndo = \"pause\"\nafter = -1",
            (10, 9),
            &["expected a whole number from 0 to 65535"],
        ),
        (
            "at = \"1s\"\non = \"holder\"\ndo = \"pause\"\nfro = \"1s\"",
            (10, 1),
            &["unknown key `fro` in [[fault]]", "did you mean `for`?"],
        ),
        ("at = \"1s\"\non = \"holder\"", (6, 1), &["[[fault]] has no `do`", "add `do = \"pause\"`"]),
        (
            "when = \"ttl < 10%\"\non = \"holder\"\ndo = \"pause\"",
            (7, 8),
            &[
                "the only thing that can be compared is ttl_remaining",
                "a condition is written ttl_remaining < N%",
            ],
        ),
        ("when = \"ttl_remaining > 10%\"\non = \"holder\"\ndo = \"pause\"", (7, 8), &["a `<` should follow"]),
        (
            "when = \"ttl_remaining < 10\"\non = \"holder\"\ndo = \"pause\"",
            (7, 8),
            &["a percentage should follow"],
        ),
        (
            "when = \"ttl_remaining < 0%\"\non = \"holder\"\ndo = \"pause\"",
            (7, 8),
            &["lies between 1 and 100"],
        ),
        (
            "when = \"ttl_remaining < 101%\"\non = \"holder\"\ndo = \"pause\"",
            (7, 8),
            &["lies between 1 and 100"],
        ),
        ("when = \"ttl_remaining < 1.5%\"\non = \"holder\"\ndo = \"pause\"", (7, 8), &["a whole number"]),
        ("when = 10\non = \"holder\"\ndo = \"pause\"", (7, 8), &["write \"ttl_remaining < 10%\""]),
    ];
    for (fault, (line, column), words) in cases {
        let error = parse(fault).expect_err(fault);
        let shown = error.to_string();
        let position = format!(" --> x.toml:{line}:{column}\n");
        assert!(shown.contains(&position), "expected {position} in\n{shown}");
        for word in *words {
            assert!(shown.contains(word), "expected {word} in\n{shown}");
        }
        assert_eq!(error.diagnostics().iter().count(), 1, "one mistake, one message:\n{shown}");
    }
}

#[test]
fn faults_are_told_in_words() {
    for (fault, expected) in [
        (
            "when = \"ttl_remaining < 70%\"\non = \"holder\"\ndo = \"pause\"\nfor = \"15s\"\nbefore = \"write\"",
            "pause holder before its next write for 15s, when ttl_remaining < 70%",
        ),
        (
            "at = \"12s\"\non = \"holder-1\"\ndo = \"partition\"\nfor = \"20s\"",
            "cut all links of holder-1 for 20s, at 12s",
        ),
        (
            "at = \"12s\"\non = \"holder\"\ndo = \"partition\"\nto = \"grantor\"",
            "cut the links between holder and grantor until all is healed, at 12s",
        ),
        (
            "at = \"12s\"\non = \"holder\"\ndo = \"partition\"\nto = \"grantor\"\nshape = \"one-way\"\nfor = \"1s\"",
            "cut the link from holder to grantor for 1s, at 12s",
        ),
        (
            "at = \"1s\"\non = \"holder\"\ndo = \"link\"\nloss = \"0.25%\"\ndelay = \"5ms\"\nduplicate = \"30%\"\nfor = \"1s\"",
            "lose 0.25%, duplicate 30% and delay by 5ms on all links of holder for 1s, at 1s",
        ),
        (
            "at = \"1s\"\non = \"ex-holder\"\ndo = \"crash\"\nafter = 2\nfor = \"5s\"",
            "crash ex-holder after 2 outputs of its next step for 5s, at 1s",
        ),
        ("at = \"1s\"\non = \"grantor-1\"\ndo = \"restart\"", "restart grantor-1, at 1s"),
        (
            "at = \"1s\"\non = \"holder\"\ndo = \"suspend\"\nafter = 1",
            "suspend holder after 1 output of its next step until all is healed, at 1s",
        ),
        (
            "at = \"1s\"\non = \"holder\"\ndo = \"clock.rate\"\nrate = \"500ppm\"\nfor = \"10s\"",
            "run the clocks of holder at +500ppm for 10s, at 1s",
        ),
        (
            "at = \"1s\"\non = \"holder\"\ndo = \"clock.wall-step\"\nby = \"-3s\"",
            "step the wall clock of holder by -3s, at 1s",
        ),
        ("at = \"1s\"\non = \"holder-2\"\ndo = \"shutdown\"", "tell holder-2: shutdown, at 1s"),
    ] {
        let scenario = parse(fault).unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(scenario.fault_descriptions(), [expected]);
    }
    let stray = FaultPlan {
        target: Target::Node(NodeId(9)),
        ..planned("at = \"1s\"\non = \"holder\"\ndo = \"revoke\"")
    };
    assert_eq!(describe(&stray, &[], &[]), "tell node 9: command 1, at 1s");
}
