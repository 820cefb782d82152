use leasehold_core::Span;
use leasehold_core::plan::{Chance, Latency};
use leasehold_protocol::registry::policy::*;

use super::*;
use crate::{Scenario, ScenarioError, SingleGrantor, Source};

fn parse(text: &str) -> Result<Scenario, ScenarioError> {
    let head = "schema = 1\nname = \"x\"\nsummary = \"s\"\nsystem = \"registry\"\n";
    Scenario::parse(Source::from_text("x.toml", format!("{head}{text}")), &[&SingleGrantor, &RegistrySystem])
}

fn refusal(text: &str) -> String {
    parse(text).map(|_| ()).expect_err(text).to_string()
}

fn design(text: &str) -> Design {
    let source = Source::from_text("x.toml", text);
    let root = crate::overlay::read(&source).unwrap();
    let (mut tables, _) = Tables::new(root, RegistrySystem.tables().to_vec(), &[]);
    let latency = Latency::Constant(Span::from_millis(1));
    let clock_rate = leasehold_core::Drift::from_ppb(500_000).unwrap();
    let environment = Environment { clock_rate, latency, disk: latency, loss: Chance::NEVER };
    Design::read(&mut tables, &environment).unwrap_or_else(|found| panic!("{text}: {found:?}"))
}

#[test]
fn an_empty_scenario_is_the_safe_default() {
    let scenario = parse("").unwrap();
    let names: Vec<&str> = scenario.deployment.nodes().iter().map(|node| node.name.as_str()).collect();
    assert_eq!(names, ["registry", "instance-1", "instance-2", "instance-3", "discovery-1"]);
    assert_eq!(scenario.deployment.bounds().longest_ttl, Span::from_secs(30));
    assert_eq!(scenario.deployment.invariants(), OF_REGISTRATIONS);
    assert!(scenario.deployment.reckoning().unwrap().warnings.is_empty());
    let design = design("");
    assert_eq!(design.registry, RegistryPolicy::default());
    assert_eq!(design.discovery, DiscoveryPolicy::default());
    assert_eq!(design.follower.source, DiscoveryPolicy::default());
    assert_eq!(design.follower.feed, FeedPolicy::default());
    let rate = leasehold_core::Drift::from_ppb(500_000).unwrap();
    let margin = leasehold_protocol::policy::Margin::ForDrift(rate);
    assert_eq!(design.member, MemberPolicy { margin, ..MemberPolicy::new(Span::from_secs(30)) });
}

#[test]
fn everybody_has_a_place() {
    let text = "[topology]\ninstances = 3\nsidecars = 2\nfollowers = 2\nobservers = 1\ndiscovery = 3\nzones = 2\n\
                services = [\"web\", \"db\"]\n[instance]\nentries = 2\ncapabilities = [\"gpu\"]\n\
                [[member]]\nname = \"agent-a\"\ncapabilities = [\"ssd\", \"gpu\"]\n[[member]]\nservice = \"web\"\nzone = 1\n\
                [discovery]\nsource = \"by-turns\"\n";
    let design = design(text);
    let names: Vec<String> = (0..design.size()).map(|id| design.spec(design.part(NodeId(id))).name).collect();
    assert_eq!(
        names,
        [
            "registry",
            "follower-1",
            "follower-2",
            "observer-1",
            "agent-a",
            "instance-2",
            "instance-3",
            "sidecar-1",
            "sidecar-2",
            "discovery-1",
            "discovery-2",
            "discovery-3"
        ]
    );
    let places = design.places();
    assert_eq!(places.followers, [NodeId(1), NodeId(2)]);
    assert_eq!(places.observers, [NodeId(3)]);
    let members: Vec<(u16, Option<u16>, u16)> = places
        .members
        .iter()
        .map(|member| (member.application.0, member.sidecar.map(|node| node.0), member.zone))
        .collect();
    assert_eq!(members, [(4, Some(7), 0), (5, Some(8), 0), (6, None, 0)]);
    let offers: Vec<(u32, u16, u32, u16)> = places
        .members
        .iter()
        .flat_map(|member| member.offers.iter())
        .map(|offer| (offer.instance.0, offer.service.0, offer.capabilities.0, offer.node.0))
        .collect();
    assert_eq!(offers, [(0, 0, 3, 4), (1, 0, 3, 4), (2, 0, 1, 5), (3, 0, 1, 5), (4, 0, 1, 6), (5, 0, 1, 6)]);
    let sources = |index| design.sources(index, &places).iter().map(|node| node.0).collect::<Vec<u16>>();
    assert_eq!([sources(0), sources(1), sources(2)], [[0, 1, 2], [2, 1, 0], [2, 0, 1]].map(Vec::from));
}

#[test]
fn liveness_is_judged_of_applications_and_those_that_speak_for_them() {
    let scenario = parse("[topology]\nsidecars = 1\n").unwrap();
    let wants: Vec<(&str, Vec<u32>)> = scenario
        .deployment
        .nodes()
        .iter()
        .map(|node| (node.name.as_str(), node.contends_for.iter().map(|member| member.0).collect()))
        .collect();
    assert_eq!(
        wants,
        [
            ("registry", vec![]),
            ("instance-1", vec![0]),
            ("instance-2", vec![1]),
            ("instance-3", vec![2]),
            ("sidecar-1", vec![0]),
            ("discovery-1", vec![]),
        ]
    );
}

/// Heartbeats keep a lease whatever probes do.
#[test]
fn rare_probes_are_fine_where_members_send_heartbeats() {
    parse("[registry]\nliveness = \"hybrid\"\n[probe]\nevery = \"40s\"\n").unwrap();
    parse("[registry]\nliveness = \"pull\"\n[probe]\nevery = \"29s\"\n").unwrap();
}

/// What is impossible is refused where it stands, with the inequality that fails.
#[test]
fn what_is_impossible_is_refused_with_the_inequality() {
    let mut wrong = Vec::new();
    let sidecar_in_pull = "[registry]\nliveness = \"pull\"\n[topology]\nsidecars = 1\n";
    for (text, place, rule) in [
        ("[registration]\nheartbeat = \"30s\"\n", "heartbeat = \"30s\"", "expected heartbeat < ttl"),
        ("[registration]\nheartbeat = \"31s\"\n", "heartbeat = \"31s\"", "ttl is 30s, by default"),
        ("[registration]\nttl = \"0s\"\n", "ttl = \"0s\"", "expected more than zero"),
        ("[registration]\nheartbeat = \"0s\"\n", "heartbeat = \"0s\"", "expected more than zero"),
        (
            "[registration]\nsuspect_after = 3\n",
            "suspect_after = 3",
            "a threshold that is never reached: expected suspect_after * heartbeat < ttl + grace",
        ),
        (
            "[registration]\nsuspect_after = 2\nsuspects = \"nobody\"\n",
            "suspect_after",
            "nobody is ever suspect",
        ),
        ("[registry]\nttl_max = \"20s\"\n", "ttl_max", "expected ttl_min <= ttl <= ttl_max"),
        ("[registry]\nttl_min = \"2d\"\n", "ttl_min", "expected ttl_min <= ttl_max"),
        ("[registry]\nsweep_at_most = 3\n", "sweep_at_most", "there is no sweep"),
        (
            "[registry]\nservice_time = \"1h\"\nqueue = 1\n",
            "service_time",
            "a queue of 1, with 1h for each message, takes 1h",
        ),
        ("[registry]\nservice_time = \"4s\"\n", "service_time", "expected service_time * queue < 1h"),
        (
            "[instance]\nflaps = { ready = \"5s\", unready = \"1ns\" }\n",
            "unready",
            "readiness that changes within 1ns",
        ),
        ("[registry]\norder = \"arrival\"\n", "order", "served in no time do not wait"),
        ("[registry]\nqueue = 5\n", "queue", "served in no time do not wait"),
        ("[registry]\nrestart_extra = \"5s\"\n", "restart_extra", "a restart gives nothing extra"),
        ("[probe]\nevery = \"1s\"\n", "[probe]", "nobody probes"),
        (
            "[registry]\nliveness = \"pull\"\n[probe]\ntimeout = \"3s\"\n",
            "timeout",
            "expected timeout < every",
        ),
        (
            "[registry]\nliveness = \"pull\"\n[probe]\nevery = \"30s\"\n",
            "every = \"30s\"",
            "expected probe.every < ttl",
        ),
        (
            "[registry]\nliveness = \"pull\"\n[registration]\nttl = \"2s\"\n",
            "ttl = \"2s\"",
            "nothing else renews it",
        ),
        ("[discovery]\ncache = \"0s\"\n", "cache = \"0s\"", "expected cache > 0s"),
        ("[discovery]\nrefresh = \"poll\"\npoll = \"30s\"\n", "poll = \"30s\"", "expected poll < cache"),
        ("[discovery]\ncache = \"5s\"\n", "cache = \"5s\"", "expected poll < cache"),
        ("[discovery]\ndead_watch = \"5s\"\n", "dead_watch", "expected ping < dead_watch"),
        (
            "[discovery]\nrefresh = \"watch\"\nping = \"15s\"\n",
            "ping = \"15s\"",
            "expected ping < dead_watch",
        ),
        ("[discovery]\nrefresh = \"poll\"\nping = \"2s\"\n", "ping = \"2s\"", "`ping` means nothing"),
        ("[discovery]\nrefresh = \"watch\"\npoll = \"2s\"\n", "poll = \"2s\"", "`poll` means nothing"),
        (
            "[discovery]\ncache_ends = \"never\"\ncache = \"5s\"\n",
            "cache = \"5s\"",
            "of a cache that never ends",
        ),
        ("[discovery]\nretry = \"5s\"\n", "retry = \"5s\"", "expected retry <= retry_cap"),
        ("[discovery]\nsource = \"follower\"\n", "source", "expected topology.followers > 0"),
        ("[discovery]\nasks = { capability = \"gpu\" }\n", "\"gpu\"", "unknown capability `gpu`"),
        (
            "[instance]\ncapabilities = [\"gpu\"]\n[discovery]\nasks = { capability = \"gpo\" }\n",
            "\"gpo\"",
            "did you mean `gpu`?",
        ),
        ("[discovery]\nasks = { service = \"servise\" }\n", "\"servise\"", "did you mean `service`?"),
        ("[discovery]\nasks = {}\n", "asks", "expected one of `service`, `capability`, `capabilities`"),
        ("[follower]\npoll = \"2s\"\n", "[follower]", "expected topology.followers > 0"),
        ("[observer]\n", "[observer]", "expected topology.observers > 0"),
        ("[sidecar]\nhears = \"nothing\"\n", "[sidecar]", "expected topology.sidecars > 0"),
        ("[topology]\nsidecars = 4\n", "sidecars = 4", "expected sidecars <= instances"),
        (sidecar_in_pull, "liveness", "expected liveness = \"push\" or \"hybrid\" with sidecars"),
        (
            "[[member]]\nname = \"a\"\n[[member]]\nname = \"a\"\n",
            "name = \"a\"",
            "two instances are called `a`",
        ),
        ("[[member]]\nname = \"instance-2\"\n", "instance-2", "as the instance number 2 is"),
        ("[[member]]\nname = \"registry\"\n", "registry", "as what faults call `registry` is"),
        ("[[member]]\nname = \"discovery-1\"\n", "discovery-1", "as a discovery client is"),
        ("[[member]]\nname = \"a b\"\n", "a b", "cannot be the name of an instance"),
        (
            "[topology]\ninstances = 1\n[[member]]\n[[member]]\n",
            "[[member]]",
            "expected at most one [[member]]",
        ),
        ("[[member]]\nzone = 2\n", "zone = 2", "expected zone <= topology.zones"),
        ("[topology]\nservices = []\n", "services", "expected at least one name"),
        ("[topology]\nservices = [\"a\", \"a\"]\n", "services", "two services are called `a`"),
        ("[instance]\ntask = \"10s\"\n", "task = \"10s\"", "expected task < progress"),
        ("[instance]\nmargin = \"30s\"\n", "margin", "expected margin < 30s"),
        (
            "[budget]\nmass_expiry = { window = \"0s\", share = \"5%\" }\n",
            "window",
            "expected more than zero",
        ),
        ("[budget]\nmass_expiry = { window = \"5s\", share = \"100%\" }\n", "share", "expected share < 100%"),
        ("[budget]\nview_age = \"0s\"\n", "view_age", "expected more than zero"),
        ("[grace.zone_guard]\nthreshold = \"100%\"\n", "threshold", "expected threshold < 100%"),
        ("[registry]\nslow_sweep = 3\n", "slow_sweep = 3", "there is no sweep that could come later"),
        ("[instance]\nunanswered = \"blocks\"\n", "unanswered", "add dead_peer = \"5s\" beside it"),
        ("[instance]\ndead_peer = \"5s\"\n", "dead_peer", "write unanswered = \"blocks\", or remove this"),
        ("[instance]\nunanswered = \"blocks\"\ndead_peer = \"0s\"\n", "dead_peer", "expected more than zero"),
        ("[instance]\nlooks_every = \"0s\"\n", "looks_every", "expected more than zero"),
        (
            "[instance]\nnext_heartbeat = \"when-drained\"\n",
            "next_heartbeat",
            "add looks_every = \"500ms\" beside it",
        ),
        ("[calls]\nevery = \"0s\"\n", "every", "expected more than zero"),
        ("[feed]\nresponse_cache = \"0s\"\n", "response_cache", "expected more than zero"),
    ] {
        let shown = refusal(text);
        let is_underlined = shown.contains("x.toml:") && shown.contains('^');
        if !(is_underlined && shown.contains(rule) && shown.contains(place)) {
            wrong.push(format!("{text}{shown}\nexpected {place} and: {rule}\n"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// The other side of each boundary.
#[test]
fn what_just_fits_is_read() {
    for text in [
        "[registration]\nheartbeat = \"29999ms\"\n",
        "[registration]\nsuspect_after = 2\n",
        "[registration]\nsuspects = \"nobody\"\n",
        "[registry]\nttl_max = \"30s\"\nttl_min = \"30s\"\n",
        "[discovery]\nrefresh = \"poll\"\npoll = \"29999ms\"\n",
        "[discovery]\ncache = \"5001ms\"\n",
        "[discovery]\ncache_ends = \"never\"\n",
        "[discovery]\ndead_watch = \"5001ms\"\n",
        "[discovery]\nretry = \"2s\"\n",
        "[probe]\ntimeout = \"2s\"\n[registry]\nliveness = \"hybrid\"\n",
        "[probe]\nevery = \"3s\"\n[topology]\nobservers = 1\n",
        "[topology]\nsidecars = 3\n[sidecar]\n",
        "[[member]]\nname = \"instance-1\"\n",
        "[[member]]\nname = \"instance-2\"\n[[member]]\nname = \"instance-1\"\n",
        "[[member]]\nname = \"instance-4\"\n",
        "[instance]\ntask = \"9999ms\"\n",
    ] {
        let _ = parse(text).unwrap_or_else(|error| panic!("{text}\n{error}"));
    }
}

#[test]
fn a_table_of_the_other_system_is_named_as_such() {
    let shown = refusal("[lease]\nttl = \"10s\"\n");
    assert!(shown.contains("this table belongs to another system: system = \"single-grantor\""), "{shown}");
    let source = Source::from_text("x.toml", "schema = 1\nname = \"x\"\nsummary = \"s\"\n[registration]\n");
    let shown = Scenario::parse(source, &[&SingleGrantor, &RegistrySystem]).unwrap_err().to_string();
    assert!(shown.contains("system = \"registry\""), "{shown}");
}

/// What a table says arrives in the design.
#[test]
fn every_value_of_every_policy_is_read() {
    let mut seen = vec![design("")];
    for text in [
        "[registration]\nttl = \"40s\"",
        "[registration]\nheartbeat = \"5s\"",
        "[registration]\nsweep = \"500ms\"",
        "[registration]\nsuspect_after = 2",
        "[registration]\nsuspects = \"nobody\"",
        "[registry]\nclock = \"monotonic\"",
        "[registry]\nclock = \"wall\"",
        "[registry]\nttl_min = \"2s\"",
        "[registry]\nttl_max = \"40s\"",
        "[registry]\nliveness = \"pull\"",
        "[registry]\nliveness = \"hybrid\"",
        "[registration]\nsweep = \"500ms\"\n[registry]\nsweep_at_most = 3",
        "[registration]\nsweep = \"600ms\"\n[registry]\nslow_sweep = 3",
        "[registry]\nbuckets = \"2s\"",
        "[registry]\nrestart = \"remaining\"",
        "[registry]\nrestart = \"extra\"\nrestart_extra = \"5s\"",
        "[registry]\nregistrations = \"answered-at-once\"",
        "[registry]\nheartbeat_check = \"member\"",
        "[registry]\nheartbeat_order = \"wall-stamp\"",
        "[instance]\nlooks_every = \"1s\"",
        "[instance]\nlooks_every = \"1s\"\nnext_heartbeat = \"when-drained\"",
        "[instance]\nunanswered = \"gives-up\"",
        "[instance]\nunanswered = \"blocks\"\ndead_peer = \"5s\"",
        "[instance]\nunanswered = \"blocks\"\ndead_peer = \"6s\"",
        "[instance]\nrefused = \"gives-up\"",
        "[instance]\nregistered_anew = \"heartbeats-stay-away\"",
        "[budget]\nqueueing = \"1s\"",
        "[registry]\nanswers = \"once-durable\"",
        "[registry]\nanswers = \"once-durable-unchecked\"",
        "[registry]\nlate_heartbeat = \"taken-until-recorded\"",
        "[registry]\nlate_heartbeat = \"revives\"",
        "[registry]\nrenewal = \"added-twice\"",
        "[registry]\nderegister_check = \"holder-name\"",
        "[registry]\nderegister_check = \"nothing\"",
        "[registry]\nagain = \"second-entry\"",
        "[registry]\nunhealthy = \"revoked\"",
        "[registry]\nends = \"one-by-one\"",
        "[registry]\nids = \"volatile\"",
        "[registry]\nrenewals = \"published\"",
        "[registry]\nservice_time = \"2ms\"",
        "[registry]\nservice_time = \"1ms\"\nqueue = 5",
        "[registry]\nservice_time = \"1ms\"\norder = \"arrival\"",
        "[registry]\nliveness = \"hybrid\"\n[probe]\nevery = \"3s\"",
        "[registry]\nliveness = \"hybrid\"\n[probe]\ntimeout = \"500ms\"",
        "[registry]\nliveness = \"hybrid\"\n[probe]\nfall = 4",
        "[registry]\nliveness = \"hybrid\"\n[probe]\nrise = 4",
        "[feed]\nhistory = 5",
        "[feed]\nwindow = 5",
        "[feed]\nbuffer = 5",
        "[feed]\nbehind = \"skips\"",
        "[feed]\nages = \"untold\"",
        "[feed]\nresponse_cache = \"1s\"",
        "[registration]\nrenew_below = \"ttl*3/5\"",
        "[instance]\nclock = \"monotonic\"",
        "[instance]\nmargin = \"1s\"",
        "[instance]\njitter = \"10%\"",
        "[instance]\ncadence = \"from-answer\"",
        "[instance]\nunanswered = \"retries\"",
        "[instance]\nretry = \"300ms\"",
        "[instance]\nretry_cap = \"3s\"",
        "[instance]\nretry_jitter = \"0%\"",
        "[instance]\nnames = \"member\"",
        "[instance]\ncomes_back = \"0s\"",
        "[instance]\ncomes_back = \"1s\"",
        "[instance]\nleaves = \"stops-then-deregisters\"",
        "[instance]\nleaves = \"just-stops\"",
        "[instance]\ndrain = \"1s\"",
        "[instance]\nthread = \"apart\"",
        "[instance]\nthread = \"of-the-work\"",
        "[instance]\nfall = 1",
        "[instance]\nrise = 1",
        "[instance]\nreadiness = \"2s\"",
        "[instance]\nflaps = { ready = \"5s\", unready = \"1s\" }",
        "[instance]\ntask = \"2s\"",
        "[instance]\nprogress = \"20s\"",
        "[instance]\nentries = 2",
        "[instance]\nkeys = 2",
        "[instance]\ncapabilities = [\"gpu\"]",
        "[[member]]\nname = \"a\"",
        "[topology]\nservices = [\"a\", \"b\"]\n[[member]]\nservice = \"b\"",
        "[topology]\nzones = 2\n[[member]]\nzone = 2",
        "[[member]]\ncapabilities = [\"gpu\"]",
        "[topology]\nsidecars = 1\n[sidecar]\nhears = \"nothing\"",
        "[discovery]\nclock = \"monotonic\"",
        "[discovery]\nrefresh = \"watch\"",
        "[discovery]\nrefresh = \"poll\"",
        "[discovery]\npoll = \"4s\"",
        "[discovery]\ncache = \"20s\"",
        "[discovery]\ncache_ends = \"never\"",
        "[discovery]\ncache_from = \"receipt\"",
        "[discovery]\nguard = \"by-timer\"",
        "[discovery]\ncut_off = \"serves-stale\"",
        "[discovery]\ncut_off = \"serves-silently\"",
        "[discovery]\ngap = \"ignores\"",
        "[discovery]\nping = \"2s\"",
        "[discovery]\ndead_watch = \"20s\"",
        "[discovery]\nretry = \"300ms\"",
        "[discovery]\nretry_cap = \"3s\"",
        "[discovery]\nretry_jitter = \"0%\"",
        "[discovery]\norder = \"as-heard\"",
        "[topology]\nfollowers = 1\n[discovery]\nsource = \"follower\"",
        "[topology]\nfollowers = 1\n[discovery]\nsource = \"by-turns\"",
        "[discovery]\nlookup = \"2s\"",
        "[discovery]\nasks = { service = \"service\" }",
        "[instance]\ncapabilities = [\"gpu\"]\n[discovery]\nasks = { capability = \"gpu\" }",
        "[instance]\ncapabilities = [\"gpu\", \"ssd\"]\n[discovery]\nasks = { capabilities = [\"gpu\", \"ssd\"] }",
        "[calls]",
        "[calls]\nevery = \"2s\"",
        "[calls]\ntimeout = \"2s\"",
        "[calls]\nbalance = \"least-recently-failed\"",
        "[topology]\nfollowers = 1\n[follower]\nrefresh = \"poll\"",
        "[topology]\nfollowers = 1\n[follower]\ncache = \"20s\"",
        "[topology]\nfollowers = 1\n[follower]\nresponse_cache = \"1s\"",
        "[topology]\nobservers = 1\n[observer]\nclock = \"wall\"",
        "[budget]\nload = 5",
        "[budget]\nlost_in_a_row = 0",
        "[budget]\npause = \"1s\"",
        "[budget]\nfalse_expiries = 1",
        "[budget]\nview_age = \"20s\"",
        "[budget]\nmass_expiry = { window = \"1m\", share = \"15%\" }",
        "[budget]\nmass_expiry = { window = \"1m\", share = \"15%\", at_least = 2 }",
        "[topology]\ninstances = 4",
        "[topology]\nsidecars = 1",
        "[topology]\nfollowers = 1",
        "[topology]\nobservers = 1",
        "[topology]\ndiscovery = 2",
        "[topology]\nzones = 3",
        "[topology]\nservices = [\"other\"]",
        "[topology]\nstarts_within = \"2s\"",
    ] {
        let other = design(text);
        assert!(!seen.contains(&other), "{text} changes nothing");
        seen.push(other);
    }
}

#[test]
fn a_sweep_that_is_not_there_cannot_be_slowed_down() {
    let fault = "[[fault]]\nat = \"5s\"\non = \"registry\"\ndo = \"slow-sweep\"\nfor = \"5s\"\n";
    let drawn = |text: &str| {
        let scenario = parse(text).unwrap();
        let commands = scenario.deployment.commands();
        commands.iter().find(|command| command.name == "slow-sweep").map(|command| command.template().effect)
    };
    assert_eq!(drawn(""), Some(leasehold_plan::CommandEffect::Nothing));
    assert_eq!(drawn("[registration]\nsweep = \"500ms\"\n"), Some(leasehold_plan::CommandEffect::Lasting));
    let shown = parse(fault).map(|_| ()).unwrap_err().to_string();
    assert!(shown.contains("would do nothing: leases end without a sweep"), "{shown}");
    assert!(shown.contains("registration.sweep"), "{shown}");
}

/// A fault that lasts needs somebody who undoes it.
#[test]
fn commands_that_last_take_a_duration() {
    let fault = |on: &str, action: &str| {
        let fault = format!("[[fault]]\nat = \"5s\"\non = \"{on}\"\ndo = \"{action}\"\nfor = \"5s\"\n");
        parse(&format!("[registration]\nsweep = \"500ms\"\n{fault}")).map(|_| ())
    };
    for (on, action) in [
        ("registry", "slow-sweep"),
        ("instance", "stop-work"),
        ("instance", "turn-unready"),
        ("discovery", "freeze-cache"),
    ] {
        fault(on, action).unwrap_or_else(|error| panic!("{action}: {error}"));
    }
    for (on, action) in [("instance", "deregister"), ("registry", "revoke"), ("registry", "expire")] {
        let shown = fault(on, action).unwrap_err().to_string();
        assert!(shown.contains(&format!("`for` means nothing for `{action}`")), "{shown}");
    }
}

/// Half of the term gone is half of it left.
#[test]
fn heartbeats_are_timed_by_their_interval_or_by_the_rest_of_the_term() {
    let table = |text: &str| toml::from_str::<super::table::RegistrationTable>(text).unwrap();
    for (text, secs) in [
        ("", 10),
        ("renew_below = 'ttl*2/3'", 10),
        ("renew_below = 'ttl/4'", 22),
        ("renew_below = '12s'", 18),
        ("ttl = '60s'\nrenew_below = 'ttl*2/3'", 20),
    ] {
        assert_eq!(table(text).interval().as_nanos() / 1_000_000_000, secs, "{text}");
        table(text).check().unwrap_or_else(|error| panic!("{text}: {error:?}"));
    }
    for (text, what) in [
        ("renew_below = 'ttl'", "always below 30s"),
        ("renew_below = '31s'", "always below 31s"),
        ("heartbeat = '5s'\nrenew_below = '20s'", "two say when"),
    ] {
        let shown = format!("{:?}", table(text).check().unwrap_err());
        assert!(shown.contains(what), "{shown}");
    }
}
