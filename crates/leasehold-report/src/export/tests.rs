use std::collections::BTreeMap;

use leasehold_core::event::{LossCause, WorldEvent};
use leasehold_core::passage::Came;
use leasehold_core::plan::Role;
use leasehold_core::trace::Header;
use leasehold_core::{Event, NodeId, Passage, SimInstant};
use proptest::prelude::*;
use serde_json::Value;

use super::*;
use crate::sample::{A, B, G, S, cast, header, ms, passage, pause, report, to};

#[derive(Clone, Copy, Debug)]
enum Heard {
    Event(Event),
    Passage(Passage),
}

fn exported(format: Format, header: &Header, heard: &[Heard], ended_at: SimInstant) -> String {
    let mut bytes = Vec::new();
    let mut exporter = exporter(format, header, &mut bytes);
    for one in heard {
        match one {
            Heard::Event(event) => exporter.event(event),
            Heard::Passage(passage) => exporter.message(passage),
        }
    }
    exporter.finish(&report(ended_at)).unwrap();
    String::from_utf8(bytes).unwrap()
}

/// The paused holder, with its messages.
fn run() -> Vec<Heard> {
    let lost = Came::Lost { cause: LossCause::Noise };
    let mut heard: Vec<Heard> = pause().into_iter().map(Heard::Event).collect();
    for (at, number, from, node, came) in [
        (ms(500), 1, A, G, Came::Sent),
        (ms(510), 1, A, G, Came::Arrived),
        (ms(512), 1, A, G, Came::Arrived),
        (ms(600), 2, B, G, Came::Sent),
        (ms(600), 2, B, G, lost),
        (ms(18_000), 3, A, S, Came::Sent),
        (ms(18_000), 4, A, G, Came::Sent),
        (ms(18_004), 3, A, S, Came::Arrived),
    ] {
        heard.push(Heard::Passage(passage(at, number, from, node, came)));
    }
    heard.push(Heard::Event(to(G, ms(19_000), WorldEvent::Throttled)));
    heard.push(Heard::Event(to(G, ms(19_500), WorldEvent::Paused)));
    heard.sort_by_key(|one| match one {
        Heard::Event(event) => event.at,
        Heard::Passage(passage) => passage.at,
    });
    heard
}

fn trace_events() -> Vec<Value> {
    let text = exported(Format::Perfetto, &cast(), &run(), ms(20_000));
    let trace: Value = serde_json::from_str(&text).expect("one JSON object");
    trace["traceEvents"].as_array().expect("a list").clone()
}

fn of_phase<'e>(events: &'e [Value], phase: &str) -> Vec<&'e Value> {
    events.iter().filter(|event| event["ph"] == phase).collect()
}

#[test]
fn every_lease_begins_and_ends_once() {
    let events = trace_events();
    let ends = |phase| -> Vec<(String, f64)> {
        let of = of_phase(&events, phase);
        of.iter()
            .map(|event| (event["id"].as_str().unwrap().to_owned(), event["ts"].as_f64().unwrap()))
            .collect()
    };
    // Times are microseconds; the second lease is open when the run ends.
    assert_eq!(ends("b"), [("0.1".to_owned(), 1_000_000.0), ("0.2".to_owned(), 11_600_000.0)]);
    assert_eq!(ends("e"), [("0.1".to_owned(), 11_500_000.0), ("0.2".to_owned(), 20_000_000.0)]);
    for phase in ["b", "e"] {
        assert!(of_phase(&events, phase).iter().all(|event| event["pid"] == 2 && event["cat"] == "lease"));
    }
}

#[test]
fn every_flow_begins_and_ends_once_on_a_slice_of_its_own() {
    let events = trace_events();
    let slices = of_phase(&events, "X");
    let ids = |phase| -> Vec<u64> {
        of_phase(&events, phase).iter().map(|event| event["id"].as_u64().unwrap()).collect()
    };
    // A copy, a lost message and one that is under way have no flow.
    assert_eq!(ids("s"), [1, 3]);
    assert_eq!(ids("f"), [1, 3]);
    for flow in of_phase(&events, "s").into_iter().chain(of_phase(&events, "f")) {
        let bound = slices.iter().filter(|slice| {
            ["pid", "tid", "ts"].iter().all(|field| slice[field] == flow[field])
                && slice["args"]["message"] == flow["id"]
        });
        assert_eq!(bound.count(), 1, "{flow}");
    }
}

#[test]
fn slices_of_a_thread_follow_each_other_or_stand_within_each_other() {
    let events = trace_events();
    let mut threads: BTreeMap<(u64, u64), Vec<(f64, f64)>> = BTreeMap::new();
    for slice in of_phase(&events, "X") {
        let (from, length) = (slice["ts"].as_f64().unwrap(), slice["dur"].as_f64().unwrap());
        assert!(length > 0.0, "{slice}");
        let thread = (slice["pid"].as_u64().unwrap(), slice["tid"].as_u64().unwrap());
        threads.entry(thread).or_default().push((from, from + length));
    }
    assert!(threads.len() > 6, "{threads:?}");
    for (thread, slices) in threads {
        for pair in slices.windows(2) {
            let [(from, until), (next, next_until)] = pair else { unreachable!("they are two") };
            assert!(from <= next, "{thread:?}: time goes on");
            assert!(until <= next || next_until <= until, "{thread:?}: {pair:?} cut each other");
        }
    }
    for phase in ["i", "C"] {
        let times: Vec<f64> =
            of_phase(&events, phase).iter().map(|event| event["ts"].as_f64().unwrap()).collect();
        assert!(!times.is_empty() && times.is_sorted(), "{phase}: {times:?}");
    }
}

#[test]
fn processes_have_names_and_a_mark_is_a_counter() {
    let events = trace_events();
    let names: Vec<&str> = of_phase(&events, "M")
        .iter()
        .filter(|event| event["name"] == "process_name")
        .map(|event| event["args"]["name"].as_str().unwrap())
        .collect();
    assert_eq!(names, ["the world", "grantor", "holder-1", "holder-2", "resource"]);
    let tokens: Vec<u64> =
        of_phase(&events, "C").iter().map(|event| event["args"]["token"].as_u64().unwrap()).collect();
    assert_eq!(tokens, [1, 2]);
}

#[test]
fn lines_of_json_name_whom_they_tell_of() {
    let text = exported(Format::Jsonl, &cast(), &run(), ms(20_000));
    let lines: Vec<Value> =
        text.lines().map(|line| serde_json::from_str(line).expect("a line is JSON")).collect();
    assert_eq!(lines.len(), run().len() + 2);
    assert_eq!(lines[0]["nodes"][1]["name"], "holder-1");
    let granted = lines.iter().find(|line| !line["event"]["granted"].is_null()).unwrap();
    assert_eq!(granted["event"]["granted"]["holder"], "holder-1");
    assert_eq!(granted["event"]["granted"]["token"], 1);
    assert_eq!(granted["told"], "grants lease 1 to holder-1 for 10s, token 1");
    let message = lines.iter().find(|line| line["message"] == 2 && line["came"] != "sent").unwrap();
    assert_eq!((&message["from"], &message["came"]["lost"]["cause"]), (&"holder-2".into(), &"noise".into()));
    assert_eq!(lines.last().unwrap()["verdict"], "pass");
}

#[test]
fn what_cannot_be_written_is_said_at_the_end() {
    struct Full;
    impl io::Write for Full {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(io::ErrorKind::StorageFull.into())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    for format in [Format::Perfetto, Format::Shiviz, Format::Jsonl] {
        let mut exporter = exporter(format, &cast(), Full);
        exporter.event(&pause()[0]);
        let error = exporter.finish(&report(ms(1))).expect_err("there is no room");
        assert_eq!(error.kind(), io::ErrorKind::StorageFull);
    }
}

/// One line of a log: whose it is, and what that one knew.
#[derive(Debug)]
struct Logged {
    host: String,
    clock: BTreeMap<String, u64>,
    event: String,
}

/// Takes a log apart as its first line says: host, clock, time, event.
fn logged(text: &str) -> Vec<Logged> {
    let mut lines = text.lines();
    assert_eq!(lines.next(), Some(r"(?<host>\S+) (?<clock>\{.*?\}) (?<time>\S+) (?<event>.*)"));
    assert_eq!(lines.next(), Some(""), "there is one execution");
    lines
        .map(|line| {
            let (host, rest) = line.split_once(' ').unwrap();
            let (clock, rest) = rest.split_at(rest.find('}').unwrap() + 1);
            let (_, event) = rest.trim_start().split_once(' ').unwrap();
            let clock = serde_json::from_str(clock).unwrap();
            Logged { host: host.to_owned(), clock, event: event.to_owned() }
        })
        .collect()
}

#[test]
fn hosts_have_names_that_the_expression_takes() {
    let names =
        [("a b", Role::Grantor), ("a}b", Role::Contender), ("a_b", Role::Contender), ("", Role::Resource)];
    let heard = [A, B, S, G].map(|node| Heard::Event(to(node, ms(1), WorldEvent::Started)));
    let log = logged(&exported(Format::Shiviz, &header(&names), &heard, ms(2)));
    let hosts: std::collections::BTreeSet<&str> = log.iter().map(|line| line.host.as_str()).collect();
    assert_eq!(hosts.len(), 4, "{hosts:?}");
}

#[derive(Clone, Copy, Debug)]
enum Move {
    Happen(u16),
    Send(u16, u16),
    /// A message, by its place among those that were sent.
    Arrive(usize),
    Lose(usize),
}

fn moves() -> impl Strategy<Value = Vec<Move>> {
    let one = prop_oneof![
        (0..4_u16).prop_map(Move::Happen),
        (0..4_u16, 0..4_u16).prop_map(|(from, to)| Move::Send(from, to)),
        (0..20_usize).prop_map(Move::Arrive),
        (0..20_usize).prop_map(Move::Lose),
    ];
    prop::collection::vec(one, 1..60)
}

proptest! {
    /// A clock is below another exactly if its event could have caused the other's (Mattern 1989): whatever is sent, lost,
    /// copied or overtaken.
    #[test]
    fn clocks_tell_what_happened_before_what(moves in moves()) {
        let mut heard = Vec::new();
        let mut sent: Vec<(NodeId, NodeId, usize)> = Vec::new();
        // The events in their order: whose, and which one before it, other than the last of the same host, it heard of.
        let mut happened: Vec<(NodeId, Option<usize>)> = Vec::new();
        for (at, one) in (1..).map(ms).zip(moves) {
            match one {
                Move::Happen(node) => {
                    heard.push(Heard::Event(to(NodeId(node), at, WorldEvent::Started)));
                    happened.push((NodeId(node), None));
                }
                Move::Send(from, node) => {
                    let (from, node) = (NodeId(from), NodeId(node));
                    heard.push(Heard::Passage(passage(at, sent.len() as u64, from, node, Came::Sent)));
                    sent.push((from, node, happened.len()));
                    happened.push((from, None));
                }
                Move::Arrive(place) => {
                    let Some((from, node, cause)) = sent.get(place).copied() else { continue };
                    heard.push(Heard::Passage(passage(at, place as u64, from, node, Came::Arrived)));
                    happened.push((node, Some(cause)));
                }
                Move::Lose(place) => {
                    let Some((from, node, _)) = sent.get(place).copied() else { continue };
                    let came = Came::Lost { cause: LossCause::Noise };
                    heard.push(Heard::Passage(passage(at, place as u64, from, node, came)));
                }
            }
        }
        let log = logged(&exported(Format::Shiviz, &cast(), &heard, ms(1_000)));
        prop_assert_eq!(log.len(), happened.len());

        // Which events each could have been caused by.
        let mut causes: Vec<Vec<bool>> = Vec::new();
        for (place, (node, heard_of)) in happened.iter().enumerate() {
            let before = (0..place).rev().find(|other| happened[*other].0 == *node);
            let mut own = vec![false; happened.len()];
            for cause in before.into_iter().chain(*heard_of) {
                own[cause] = true;
                for (mark, known) in own.iter_mut().zip(&causes[cause]) {
                    *mark |= *known;
                }
            }
            causes.push(own);
        }
        let mut counts: BTreeMap<&str, u64> = BTreeMap::new();
        for line in &log {
            let count = counts.entry(&line.host).or_default();
            *count += 1;
            prop_assert_eq!(line.clock.get(&line.host), Some(&*count), "{}: events of a host are counted", line.event);
        }
        let knows = |later: usize, earlier: usize| {
            log[earlier].clock.iter().all(|(host, count)| log[later].clock.get(host).is_some_and(|known| known >= count))
        };
        for (later, known) in causes.iter().enumerate() {
            for (earlier, is_cause) in known.iter().enumerate() {
                if earlier != later {
                    prop_assert_eq!(*is_cause, knows(later, earlier), "{:?} and {:?}", &log[earlier], &log[later]);
                }
            }
        }
    }
}
