use leasehold_core::plan::{
    Action, Burst, Chance, Condition, Cut, Group, Pick, Role, Scope, Target, Trigger, Worsening,
};
use leasehold_core::{CommandId, NodeId, RateError, SimInstant, Span};

use super::*;
use crate::toy::Toy;
use crate::{Scenario, ScenarioError, Source};

mod watching;

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
const EVERYBODY: Target = Target::Drawn { pick: Pick::All, from: Group::Everybody };

#[test]
fn a_spread_leaves_the_instant_to_the_seed() {
    let fault = "at = \"10s\"\nspread = \"5s\"\non = \"grantor\"\ndo = \"pause\"\n";
    let scenario = parse(fault).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(scenario.template.spreads, [Span::from_secs(5)]);
    assert_eq!(planned(&fault.replace("spread = \"5s\"\n", "")).trigger, at(10));
    let until_the_end = parse("at = \"55s\"\nspread = \"5s\"\non = \"grantor\"\ndo = \"pause\"");
    assert!(until_the_end.is_err(), "the end is not within");
    assert!(parse("at = \"55s\"\nspread = \"4999ms\"\non = \"grantor\"\ndo = \"pause\"").is_ok());
    let explicit = parse(&format!("{fault}[plan]\n"));
    let told = explicit.err().map(|error| error.to_string()).unwrap_or_default();
    assert!(told.contains("fault 1 has a `spread`, but with [plan] nothing is left to a seed"), "{told}");
}

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
            (Target::Holder, Action::Partition(Scope::Between(Target::one_of(Role::Grantor))), None, whole),
        ),
        (
            "grantor",
            "do = \"partition\"\nto = \"ex-holder\"\nshape = \"one-way\"",
            (Target::one_of(Role::Grantor), Action::Partition(Scope::OneWay(Target::ExHolder)), None, whole),
        ),
        (
            "contender",
            "do = \"link\"\nto = \"grantor-1\"\nloss = \"10%\"\ndelay = \"5ms\"\nduplicate = \"1%\"",
            (
                Target::one_of(Role::Contender),
                Action::Link {
                    scope: Scope::Between(GRANTOR),
                    worse: Worsening {
                        delay: Span::from_millis(5),
                        loss: ppm(100_000),
                        duplicate: ppm(10_000),
                        ..Worsening::NONE
                    },
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
        ("resource", "do = \"crash\"", (Target::one_of(Role::Resource), Action::Crash, None, whole)),
        ("grantor-1", "do = \"restart\"", (GRANTOR, Action::Restart, None, whole)),
        ("grantor-1", "do = \"restart\"\nstrikes = \"now\"", (GRANTOR, Action::Restart, None, Cut::Now)),
        ("holder", "do = \"pause\"\nstrikes = \"next-step\"", (Target::Holder, Action::Pause, None, whole)),
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
        (
            "holder",
            "do = \"link\"\nreorder = \"20ms\"\nslow = \"5ms\"\nburst = { good = \"10s\", bad = \"200ms\", loss = \"60%\" }",
            (
                Target::Holder,
                Action::Link {
                    scope: Scope::Isolate,
                    worse: Worsening {
                        reorder: Span::from_millis(20),
                        slow: Span::from_millis(5),
                        burst: Some(Burst {
                            good: Span::from_secs(10),
                            bad: Span::from_millis(200),
                            loss: ppm(600_000),
                        }),
                        ..Worsening::NONE
                    },
                },
                None,
                whole,
            ),
        ),
        (
            "holder",
            "do = \"partition\"\nshape = \"majority\"",
            (Target::Holder, Action::Partition(Scope::Majority), None, whole),
        ),
        (
            "grantor",
            "do = \"link\"\nloss = \"10%\"\nshape = \"bridge\"",
            (
                Target::one_of(Role::Grantor),
                Action::Link {
                    scope: Scope::Bridge,
                    worse: Worsening { loss: ppm(100_000), ..Worsening::NONE },
                },
                None,
                whole,
            ),
        ),
        (
            "all",
            "do = \"partition\"\nshape = \"ring\"",
            (EVERYBODY, Action::Partition(Scope::Ring), None, whole),
        ),
        (
            "holder",
            "do = \"clog\"\nto = \"all\"\nshape = \"one-way\"",
            (Target::Holder, Action::Clog(Scope::OneWay(EVERYBODY)), None, whole),
        ),
        (
            "holder",
            "do = \"hold\"\nto = \"grantor\"",
            (Target::Holder, Action::Hold(Scope::Between(Target::one_of(Role::Grantor))), None, whole),
        ),
        ("all", "do = \"swizzle\"", (EVERYBODY, Action::Swizzle, None, whole)),
        (
            "holder",
            "do = \"throttle\"\nstep = \"50ms\"",
            (Target::Holder, Action::Throttle { step: Span::from_millis(50) }, None, whole),
        ),
        ("grantor", "do = \"stall\"", (Target::one_of(Role::Grantor), Action::Stall, None, whole)),
        ("holder", "do = \"torn\"\nafter = 1", (Target::Holder, Action::Torn, None, Cut::After(1))),
        (
            "grantor-1",
            "do = \"wipe\"\nbefore = \"renew\"",
            (GRANTOR, Action::Wipe, None, Cut::BeforeSend(Purpose::Renew)),
        ),
        ("all", "do = \"clock.freeze\"", (EVERYBODY, Action::ClockFreeze, None, whole)),
        (
            "holder",
            "do = \"clock.strobe\"\nby = \"+2s\"\nevery = \"100ms\"",
            (
                Target::Holder,
                Action::WallStrobe { by: 2_000_000_000, every: Span::from_millis(100) },
                None,
                whole,
            ),
        ),
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
        assert_eq!(fault.trigger, Trigger::when(Condition::TtlRemainingBelow { percent }), "{text}");
    }
}

#[test]
fn conditions_without_a_number_are_read_and_may_count_later() {
    let left = Span::from_secs(2);
    for (text, condition) in [
        ("grant_in_flight", Condition::GrantInFlight),
        (" renewal_in_flight ", Condition::RenewalInFlight),
        ("after_takeover", Condition::AfterTakeover),
        ("end_ordered", Condition::EndOrdered),
        ("expiry_within 2s", Condition::ExpiryWithin { left }),
        ("expiry_within  2000 ms", Condition::ExpiryWithin { left }),
    ] {
        let fault = planned(&format!("when = \"{text}\"\non = \"holder\"\ndo = \"pause\""));
        assert_eq!(fault.trigger, Trigger::when(condition), "{text}");
    }
    let fault = planned("when = \"grant_in_flight\"\nfrom = \"20s\"\non = \"holder\"\ndo = \"pause\"");
    let from = SimInstant::START + Span::from_secs(20);
    assert_eq!(fault.trigger, Trigger::When { condition: Condition::GrantInFlight, from });
}

#[test]
fn selections_are_read() {
    let contenders = |pick| Target::Drawn { pick, from: Group::Role(Role::Contender) };
    for (on, pick, expected) in [
        ("contender", "one", contenders(Pick::One)),
        ("contender", "minority", contenders(Pick::Minority)),
        ("contender", "majority", contenders(Pick::Majority)),
        ("contender", "all", contenders(Pick::All)),
        ("contender", "random:3", contenders(Pick::Random(3))),
        ("all", "minority", Target::Drawn { pick: Pick::Minority, from: Group::Everybody }),
        ("all", "all", EVERYBODY),
    ] {
        let fault = planned(&format!("at = \"1s\"\non = \"{on}\"\npick = \"{pick}\"\ndo = \"crash\""));
        assert_eq!(fault.target, expected, "{on} {pick}");
    }
    let told = planned("at = \"1s\"\non = \"contender\"\npick = \"all\"\ndo = \"shutdown\"");
    assert_eq!(told.target, contenders(Pick::All));
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
    assert!(cast.is_same(Target::one_of(Role::Grantor), Target::Node(NodeId(2))));
    assert!(!cast.is_same(Target::one_of(Role::Contender), Target::Node(NodeId(0))));
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
        ("at = \"1s\"\non = \"holder\"\ndo = \"zebra\"", (9, 6), &["`watch.gap`, `shutdown` or `revoke`"]),
        (
            "at = \"1s\"\non = \"grantor\"\ndo = \"shutdown\"",
            (8, 6),
            &["a grantor cannot be told to shutdown", "`shutdown` is for nodes of the role contender"],
        ),
        (
            "at = \"1s\"\non = \"holder\"\ndo = \"pause\"\nto = \"grantor\"",
            (10, 6),
            &["`to` means nothing for `pause`", "`pause` takes `for`, `before`, `after` or `strikes`"],
        ),
        (
            "at = \"1s\"\non = \"holder\"\ndo = \"restart\"\nfor = \"1s\"",
            (10, 7),
            &["`for` means nothing for `restart`", "`restart` takes `strikes`"],
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
            "at = \"1s\"\non = \"holder\"\ndo = \"pause\"\nafter = 1\nstrikes = \"now\"",
            (10, 9),
            &["waits for no step"],
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
            &["no condition is called ttl", "expected `ttl_remaining < N%`, `expiry_within 2s`,"],
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
        (
            "when = \"ttl_remainin < 10%\"\non = \"holder\"\ndo = \"pause\"",
            (7, 8),
            &["no condition is called ttl_remainin", "did you mean `ttl_remaining`?"],
        ),
        (
            "when = \"grant_in_flight < 10%\"\non = \"holder\"\ndo = \"pause\"",
            (7, 8),
            &["nothing can follow grant_in_flight"],
        ),
        (
            "when = \"expiry_within\"\non = \"holder\"\ndo = \"pause\"",
            (7, 8),
            &["a duration should follow expiry_within", "it is written expiry_within 2s"],
        ),
        (
            "when = \"expiry_within 0s\"\non = \"holder\"\ndo = \"pause\"",
            (7, 8),
            &["nothing is left of a term that is over within 0s"],
        ),
        (
            "at = \"1s\"\nfrom = \"2s\"\non = \"holder\"\ndo = \"pause\"",
            (8, 8),
            &["`from` means nothing for a fault with `at`", "it fires at this instant"],
        ),
        (
            "when = \"grant_in_flight\"\nspread = \"2s\"\non = \"holder\"\ndo = \"pause\"",
            (8, 10),
            &["`spread` means nothing for a fault without `at`"],
        ),
        (
            "at = \"58s\"\nspread = \"3s\"\non = \"holder\"\ndo = \"pause\"",
            (8, 10),
            &["this fault may fire as late as 61s, when chaos is over", "lower `at` or `spread`"],
        ),
        (
            "when = \"grant_in_flight\"\nfrom = \"60s\"\non = \"holder\"\ndo = \"pause\"",
            (8, 8),
            &["this fault waits until 60s, when chaos is over", "lower `from`, or raise `chaos` in [phases]"],
        ),
        (
            "at = \"1s\"\non = \"holder-1\"\npick = \"all\"\ndo = \"pause\"",
            (9, 8),
            &["`holder-1` is one node: there is nothing to pick", "or write on = \"contender\""],
        ),
        (
            "at = \"1s\"\non = \"ex-holder\"\npick = \"one\"\ndo = \"pause\"",
            (9, 8),
            &["`ex-holder` is one node"],
        ),
        (
            "at = \"1s\"\non = \"contender\"\npick = \"random:4\"\ndo = \"pause\"",
            (9, 8),
            &["there are only 3 contenders", "expected at most random:3"],
        ),
        (
            "at = \"1s\"\non = \"grantor\"\npick = \"random:2\"\ndo = \"pause\"",
            (9, 8),
            &["there is only 1 grantor"],
        ),
        (
            "at = \"1s\"\non = \"grantor\"\npick = \"minority\"\ndo = \"pause\"",
            (9, 8),
            &["a minority of 1 grantor is nobody", "write pick = \"one\""],
        ),
        (
            "at = \"1s\"\non = \"contender\"\npick = \"minorty\"\ndo = \"pause\"",
            (9, 8),
            &["expected a selection", "did you mean `minority`?"],
        ),
        (
            "at = \"1s\"\non = \"contender\"\npick = \"zebra\"\ndo = \"pause\"",
            (9, 8),
            &["expected `one`, `minority`, `majority`, `all` or `random:2`"],
        ),
        (
            "at = \"1s\"\non = \"contender\"\npick = \"random\"\ndo = \"pause\"",
            (9, 8),
            &["say how many: \"random:2\""],
        ),
        (
            "at = \"1s\"\non = \"contender\"\npick = \"random:0\"\ndo = \"pause\"",
            (9, 8),
            &["a fault on nobody touches nothing"],
        ),
        (
            "at = \"1s\"\non = \"contender\"\npick = \"random:x\"\ndo = \"pause\"",
            (9, 8),
            &["a whole number should follow the `:`"],
        ),
        ("at = \"1s\"\non = \"contender\"\npick = 2\ndo = \"pause\"", (9, 8), &["write \"random:2\""]),
        ("at = \"1s\"\non = \"any\"\ndo = \"pause\"", (8, 6), &["all nodes together are called `all`"]),
        (
            "at = \"1s\"\non = \"all\"\ndo = \"shutdown\"",
            (8, 6),
            &["not every node can be told to shutdown", "write on = \"contender\" and pick = \"all\""],
        ),
        (
            "at = \"1s\"\non = \"all\"\ndo = \"partition\"",
            (8, 6),
            &["nobody is left", "write shape = \"ring\", or fewer nodes"],
        ),
        (
            "at = \"1s\"\non = \"all\"\ndo = \"clog\"\nshape = \"bridge\"",
            (10, 9),
            &["nobody is left whom all nodes could be cut off from"],
        ),
        (
            "at = \"1s\"\non = \"holder\"\ndo = \"partition\"\nshape = \"ring\"",
            (10, 9),
            &["a ring joins all nodes", "these are not all", "write on = \"all\""],
        ),
        (
            "at = \"1s\"\non = \"all\"\npick = \"majority\"\ndo = \"partition\"\nshape = \"ring\"",
            (11, 9),
            &["a ring joins all nodes", "without `pick`"],
        ),
        (
            "at = \"1s\"\non = \"all\"\npick = \"random:4\"\ndo = \"partition\"\nshape = \"bridge\"",
            (11, 9),
            &["a bridge needs two nodes to stand between", "beside its targets there are 1"],
        ),
        (
            "at = \"1s\"\non = \"holder\"\ndo = \"partition\"\nto = \"grantor\"\nshape = \"majority\"",
            (10, 6),
            &["`majority` concerns all nodes, so it has no peer"],
        ),
        (
            "at = \"1s\"\non = \"contender\"\npick = \"all\"\ndo = \"hold\"\nto = \"holder-2\"",
            (11, 6),
            &["both ends of the link are the same"],
        ),
        (
            "at = \"1s\"\non = \"holder\"\ndo = \"swizzle\"\nto = \"grantor\"",
            (10, 6),
            &["`to` means nothing for `swizzle`", "`swizzle` takes `for`"],
        ),
        (
            "at = \"1s\"\non = \"holder\"\ndo = \"clog\"\ndelay = \"1s\"",
            (10, 9),
            &["`delay` means nothing for `clog`", "`clog` takes `for`, `to` or `shape`"],
        ),
        (
            "at = \"1s\"\non = \"holder\"\ndo = \"stall\"\nbefore = \"write\"",
            (10, 10),
            &["`before` means nothing for `stall`"],
        ),
        ("at = \"1s\"\non = \"holder\"\ndo = \"throttle\"", (9, 6), &["add `step = \"50ms\"`"]),
        (
            "at = \"1s\"\non = \"holder\"\ndo = \"throttle\"\nstep = \"0s\"",
            (10, 8),
            &["a process that takes 0s for an input is not slow"],
        ),
        (
            "at = \"1s\"\non = \"holder\"\ndo = \"clock.strobe\"\nevery = \"1s\"",
            (9, 6),
            &["`clock.strobe` does not say how far"],
        ),
        (
            "at = \"1s\"\non = \"holder\"\ndo = \"clock.strobe\"\nby = \"1s\"",
            (9, 6),
            &["`clock.strobe` does not say how often", "add `every = \"100ms\"`"],
        ),
        (
            "at = \"1s\"\non = \"holder\"\ndo = \"clock.strobe\"\nby = \"1s\"\nevery = \"1us\"",
            (11, 9),
            &["more often than can be simulated", "expected at least 1ms"],
        ),
        ("at = \"1s\"\non = \"holder\"\ndo = \"freeze\"", (9, 6), &["did you mean `clock.freeze`?"]),
        (
            "at = \"1s\"\non = \"holder\"\ndo = \"link\"\nburst = { good = \"1s\", bad = \"1s\" }",
            (10, 9),
            &["has no `loss`"],
        ),
        (
            "at = \"1s\"\non = \"holder\"\ndo = \"link\"\nburst = { good = \"1s\", bad = \"1us\", loss = \"1%\" }",
            (10, 9),
            &["`bad` is 1us, expected at least 1ms on average"],
        ),
        (
            "at = \"1s\"\non = \"holder\"\ndo = \"link\"\nburst = { good = \"1s\", bad = \"1s\", loss = \"0%\" }",
            (10, 9),
            &["a burst that loses 0% is none", "raise `loss`"],
        ),
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
        (
            "when = \"grant_in_flight\"\nfrom = \"20s\"\non = \"contender\"\npick = \"minority\"\ndo = \"partition\"\nfor = \"1s\"",
            "cut all links between a minority of the contenders and the rest for 1s, when grant_in_flight, from 20s on",
        ),
        (
            "at = \"1s\"\non = \"contender\"\npick = \"all\"\ndo = \"shutdown\"",
            "tell all contenders: shutdown, at 1s",
        ),
        (
            "when = \"expiry_within 2s\"\non = \"contender\"\npick = \"random:2\"\ndo = \"torn\"",
            "crash 2 drawn contenders, losing all writes under way, when expiry_within 2s",
        ),
        (
            "at = \"1s\"\non = \"all\"\ndo = \"partition\"\nshape = \"ring\"\nfor = \"1s\"",
            "cut all links but those of a ring of all nodes for 1s, at 1s",
        ),
        (
            "at = \"1s\"\non = \"grantor\"\ndo = \"partition\"\nshape = \"bridge\"\nfor = \"1s\"",
            "cut all links between two halves of the nodes beside grantor for 1s, at 1s",
        ),
        (
            "at = \"1s\"\non = \"holder\"\ndo = \"clog\"\nto = \"all\"\nshape = \"one-way\"\nfor = \"1s\"",
            "clog the links from holder to all nodes for 1s, at 1s",
        ),
        (
            "at = \"1s\"\non = \"holder\"\ndo = \"hold\"\nshape = \"majority\"\nfor = \"1s\"",
            "hold what is on all links between holder, with others up to a minority, and the rest for 1s, at 1s",
        ),
        (
            "at = \"1s\"\non = \"all\"\npick = \"majority\"\ndo = \"swizzle\"\nfor = \"8s\"",
            "clog the links of a majority of the nodes one after the other, and heal them in another order for 8s, at 1s",
        ),
        (
            "at = \"1s\"\non = \"holder\"\ndo = \"link\"\nreorder = \"20ms\"\nslow = \"5ms\"\nburst = { good = \"10s\", bad = \"200ms\", loss = \"60%\" }",
            "lose 60% in bursts of 200ms every 10s, reorder by up to 20ms and carry one message every 5ms on all links of holder until all is healed, at 1s",
        ),
        (
            "at = \"1s\"\non = \"holder\"\ndo = \"throttle\"\nstep = \"50ms\"\nfor = \"1s\"",
            "slow holder down to 50ms an input for 1s, at 1s",
        ),
        (
            "at = \"1s\"\non = \"grantor\"\ndo = \"stall\"\nfor = \"1s\"",
            "stall the disk of grantor for 1s, at 1s",
        ),
        ("at = \"1s\"\non = \"grantor\"\ndo = \"wipe\"", "crash grantor, losing its disk, at 1s"),
        (
            "at = \"1s\"\non = \"holder\"\ndo = \"clock.freeze\"",
            "freeze the clocks of holder until all is healed, at 1s",
        ),
        (
            "when = \"after_takeover\"\non = \"holder\"\ndo = \"clock.strobe\"\nby = \"-2s\"\nevery = \"100ms\"\nfor = \"1s\"",
            "strobe the wall clock of holder by -2s every 100ms for 1s, when after_takeover",
        ),
        (
            "when = \"end_ordered\"\nfrom = \"5s\"\non = \"grantor-1\"\ndo = \"torn\"\nfor = \"1s\"",
            "crash grantor-1, losing all writes under way for 1s, when end_ordered, from 5s on",
        ),
    ] {
        let scenario = parse(fault).unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(scenario.describe(&scenario.template.faults), [expected]);
    }
    let stray = FaultPlan {
        target: Target::Node(NodeId(9)),
        ..planned("at = \"1s\"\non = \"holder\"\ndo = \"revoke\"")
    };
    assert_eq!(describe(&stray, &[], &[]), "tell node 9: command 1, at 1s");
}
