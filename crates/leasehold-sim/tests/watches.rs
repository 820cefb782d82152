//! What becomes of watches: each fault does what its neighbours do not, and all else that is said gets through.

mod common;

use std::convert::Infallible;

use leasehold_core::clock::ClockKind;
use leasehold_core::event::LossCause;
use leasehold_core::node::{Leg, Purpose, Slot};
use leasehold_core::plan::{
    Action, Chance, FaultPlan, Group, Latency, NodePlan, Pick, Role, Target, Trigger, WatchFault,
};
use leasehold_core::*;
use serde::{Deserialize, Serialize};

use common::{Ran, fault_on, ms, quiet, within};

/// Everybody ticks every 10 ms. Whoever is watched tells its watchers then; a watcher says that it still watches, and
/// asks a question, which is answered.
struct Post;

#[derive(Clone, Debug, Serialize, Deserialize)]
enum Note {
    Watching(u64),
    News(u64),
    Question(u64),
    Answer(u64),
}

impl Message for Note {
    fn class(&self) -> (Purpose, Leg) {
        match self {
            Self::Watching(_) => (Purpose::Watch, Leg::Request),
            Self::News(_) => (Purpose::Watch, Leg::Reply),
            Self::Question(_) => (Purpose::Query, Leg::Request),
            Self::Answer(_) => (Purpose::Query, Leg::Reply),
        }
    }
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Nothing;

impl Record for Nothing {
    fn slot(&self) -> Slot {
        Slot(0)
    }
}

impl Protocol for Post {
    type Message = Note;
    type Record = Nothing;
    type Command = Infallible;
}

const TICK: Span = Span::from_millis(10);
const S: NodeId = NodeId(0);
/// Watches the first, and is watched by the last.
const F: NodeId = NodeId(1);
const C: NodeId = NodeId(2);
const D: NodeId = NodeId(3);

/// Who watches whom.
const WATCHES: [(NodeId, NodeId); 3] = [(F, S), (C, S), (D, F)];

/// What was heard, as the resource of an event.
const WATCHING: ResourceId = ResourceId(0);
const NEWS: ResourceId = ResourceId(1);
const QUESTION: ResourceId = ResourceId(2);
const ANSWER: ResourceId = ResourceId(3);

struct Postman {
    me: NodeId,
    ticks: u64,
}

impl Node<Post> for Postman {
    fn handle(&mut self, ctx: &mut Context<'_, Post>, input: Input<Post>) {
        match input {
            Input::Received { from, message } => {
                let (resource, op) = match message {
                    Note::Watching(n) => (WATCHING, n),
                    Note::News(n) => (NEWS, n),
                    Note::Question(n) => (QUESTION, n),
                    Note::Answer(n) => (ANSWER, n),
                };
                ctx.emit(NodeEvent::DuplicateRecognised { resource, writer: from, op: OpId(op) });
                if let Note::Question(n) = message {
                    ctx.send(from, Note::Answer(n));
                }
            }
            _ => {
                self.ticks += 1;
                ctx.emit(NodeEvent::EffectIssued { resource: NEWS, token: Token(0), op: OpId(self.ticks) });
                for (watcher, watched) in WATCHES {
                    if watched == self.me {
                        ctx.send(watcher, Note::News(self.ticks));
                    }
                    if watcher == self.me {
                        ctx.send(watched, Note::Watching(self.ticks));
                        ctx.send(watched, Note::Question(self.ticks));
                    }
                }
                ctx.arm(TimerId(0), ctx.read(ClockKind::Boot) + TICK);
            }
        }
    }
}

fn plan(faults: Vec<FaultPlan>) -> Plan {
    let node = |(name, role): (&str, Role)| NodePlan {
        name: name.to_owned(),
        role,
        relies_on: ClockKind::Boot,
        rate: RateError::ZERO,
        wall_offset: 0,
        disk: Latency::Constant(Span::ZERO),
        starts: Span::ZERO,
    };
    let nodes = [
        ("server", Role::Registry),
        ("follower", Role::Follower),
        ("client-1", Role::Discovery),
        ("client-2", Role::Discovery),
    ];
    let mut plan = quiet(nodes.map(node).into(), faults, 1_000);
    plan.network.latency = Latency::Constant(Span::from_millis(50));
    plan
}

fn run(plan: &Plan) -> Ran {
    let mut events = Vec::new();
    let make = |me| Box::new(Postman { me, ticks: 0 }) as Box<dyn Node<Post>>;
    let outcome = leasehold_sim::run::<Post>(plan, &make, &[], &mut events);
    assert_eq!(outcome.end, RunEnd::Completed);
    let ran = Ran { outcome, events };
    for node in [S, F, C, D] {
        assert_eq!(within(&ran.ticked(node), 0, 3_000), 300, "nobody is kept from ticking");
    }
    ran
}

/// A fault on the watches of somebody, from 505 to 605.
fn watch_fault(on: Target, what: WatchFault) -> Ran {
    run(&plan(vec![fault_on(505, on, Action::Watch(what), 100)]))
}

impl Ran {
    /// What `to` heard of `from`, by the number of the sender's tick, and when.
    fn heard(&self, what: ResourceId, from: NodeId, to: NodeId) -> Vec<(u64, u64)> {
        let heard = self.events.iter().filter(|event| event.node == Some(to));
        let heard = heard.filter_map(|event| match event.kind {
            EventKind::Node(NodeEvent::DuplicateRecognised { resource, writer, op }) => {
                ((resource, writer) == (what, from)).then_some((op.0, event.at.as_nanos() / 1_000_000))
            }
            _ => None,
        });
        heard.collect()
    }

    /// The ticks of which `to` never heard, of those that it should have heard of.
    fn missed(&self, what: ResourceId, from: NodeId, to: NodeId) -> Vec<u64> {
        let heard: Vec<u64> = self.heard(what, from, to).into_iter().map(|(tick, _)| tick).collect();
        (1..290).filter(|tick| !heard.contains(tick)).collect()
    }

    /// Whether all that is said beside watches arrived when it should.
    fn answers_as_ever(&self) -> bool {
        WATCHES.into_iter().all(|(watcher, watched)| {
            let in_time = |heard: Vec<(u64, u64)>, after| {
                heard.len() > 280 && heard.iter().all(|(tick, at)| *at == (tick - 1) * 10 + after)
            };
            in_time(self.heard(QUESTION, watcher, watched), 50)
                && in_time(self.heard(ANSWER, watched, watcher), 100)
        })
    }

    fn landed_on(&self, node: NodeId) -> bool {
        !self.world(node, WorldEvent::FaultLanded { fault: FaultId(0) }).is_empty()
    }
}

fn ticks(range: std::ops::RangeInclusive<u64>) -> Vec<u64> {
    range.collect()
}

/// Tick 52 is at 510. With 50 ms on the way, ticks 47 to 51 are under way at 505, and 57 to 61 at 605.
#[test]
fn a_dropped_watch_is_dead_in_both_directions_and_a_gap_swallows_only_what_is_told_meanwhile() {
    let dropped = watch_fault(Target::Node(C), WatchFault::Drop);
    assert_eq!(dropped.missed(NEWS, S, C), ticks(47..=61), "what was under way at 505, and what was sent");
    assert_eq!(dropped.missed(WATCHING, C, S), ticks(47..=61));
    assert_eq!(dropped.outcome.faults[0].landed, Some(ms(510)));

    let gap = watch_fault(Target::Node(C), WatchFault::Gap);
    assert_eq!(gap.missed(NEWS, S, C), ticks(52..=61), "what was under way arrives");
    assert_eq!(gap.missed(WATCHING, C, S), []);

    for ran in [dropped, gap] {
        assert_eq!(ran.missed(NEWS, S, F), [], "another's watch on the same server");
        assert!(ran.answers_as_ever());
        assert_eq!(ran.world(C, WorldEvent::FaultHealed { fault: FaultId(0) }), [605]);
        let lost = WorldEvent::MessageLost {
            to: C,
            purpose: Purpose::Watch,
            leg: Leg::Reply,
            cause: LossCause::Fault,
        };
        assert_eq!(ran.world(S, lost).len(), ran.missed(NEWS, S, C).len());
    }
}

#[test]
fn a_stalled_watch_tells_all_in_order_when_the_fault_is_over() {
    let ran = watch_fault(Target::Node(C), WatchFault::Stall);
    let heard: Vec<(u64, u64)> =
        ran.heard(NEWS, S, C).into_iter().filter(|(tick, _)| (46..=62).contains(tick)).collect();
    let at = |tick| match tick {
        47..=61 => 605,
        _ => (tick - 1) * 10 + 50,
    };
    assert_eq!(heard, (46..=62).map(|tick| (tick, at(tick))).collect::<Vec<_>>());
    assert_eq!(ran.missed(WATCHING, C, S), []);
    assert!(ran.answers_as_ever());
    assert_eq!(ran.missed(NEWS, S, F), []);
}

#[test]
fn a_stalled_watch_keeps_no_more_than_a_link_does() {
    let mut plan = plan(vec![fault_on(505, Target::Node(C), Action::Watch(WatchFault::Stall), 100)]);
    plan.receive_buffer = 4;
    let ran = run(&plan);
    assert_eq!(ran.missed(NEWS, S, C), ticks(51..=61));
    assert!(ran.answers_as_ever());
}

/// A follower's own watch is what a gap or a stall is about; dead are those that it serves too.
#[test]
fn a_follower_watches_and_is_watched() {
    for what in [WatchFault::Gap, WatchFault::Stall, WatchFault::Drop] {
        let ran = watch_fault(Target::Node(F), what);
        let in_time = |(tick, at): &(u64, u64)| *at == (tick - 1) * 10 + 50;
        assert!(!ran.heard(NEWS, S, F).iter().all(in_time) || !ran.missed(NEWS, S, F).is_empty(), "{what:?}");
        assert_eq!(!ran.missed(NEWS, F, D).is_empty(), what == WatchFault::Drop, "{what:?}");
        assert!(ran.heard(NEWS, F, D).iter().all(in_time) && ran.answers_as_ever(), "{what:?}");
        assert!(ran.landed_on(F) && !ran.landed_on(D), "{what:?}");
    }
    let both = Target::Drawn { pick: Pick::All, from: Group::Role(Role::Discovery) };
    let ran = watch_fault(both, WatchFault::Gap);
    assert!(ran.landed_on(C) && ran.landed_on(D) && !ran.landed_on(F));
    assert_eq!((ran.missed(NEWS, S, F), ran.missed(NEWS, F, D)), (vec![], ticks(52..=61)));
}

#[test]
fn all_watches_are_well_when_the_run_settles() {
    for what in [WatchFault::Drop, WatchFault::Gap, WatchFault::Stall] {
        let ran = run(&plan(vec![fault_on(1_505, Target::Node(C), Action::Watch(what), 0)]));
        let late: Vec<u64> = ran.missed(NEWS, S, C).into_iter().filter(|tick| *tick > 200).collect();
        assert!(late.is_empty(), "{what:?}: {late:?}");
        assert_eq!(ran.world(C, WorldEvent::FaultHealed { fault: FaultId(0) }), [2_000]);
        let missed = ran.missed(NEWS, S, C).len();
        assert_eq!(missed == 0, what == WatchFault::Stall, "{what:?}: {missed}");
    }
}

/// Without the fault the rest of the run is as with it.
#[test]
fn a_watch_fault_leaves_the_fate_of_other_messages_alone() {
    let with = |faults| {
        let mut plan = plan(faults);
        plan.network.latency = Latency::Uniform { min: Span::from_millis(1), max: Span::from_millis(40) };
        plan.network.loss = Chance::from_ppm(100_000).unwrap();
        let mut events = Vec::new();
        let make = |me| Box::new(Postman { me, ticks: 0 }) as Box<dyn Node<Post>>;
        let outcome = leasehold_sim::run::<Post>(&plan, &make, &[], &mut events);
        Ran { outcome, events }
    };
    let calm = with(vec![]);
    for what in [WatchFault::Drop, WatchFault::Gap, WatchFault::Stall] {
        let ran = with(vec![fault_on(505, Target::Node(C), Action::Watch(what), 100)]);
        for (watcher, watched) in WATCHES {
            let heard = |ran: &Ran| ran.heard(ANSWER, watched, watcher);
            assert_eq!(heard(&ran), heard(&calm), "{what:?}");
        }
        assert_ne!(ran.heard(NEWS, S, C), calm.heard(NEWS, S, C));
        assert_eq!(ran.heard(NEWS, S, F), calm.heard(NEWS, S, F));
    }
}

#[test]
fn a_watch_that_tells_nothing_is_not_touched() {
    let mut plan = plan(vec![fault_on(505, Target::Node(S), Action::Watch(WatchFault::Gap), 100)]);
    plan.faults[0].trigger = Trigger::At(ms(505));
    let ran = run(&plan);
    assert_eq!((ran.outcome.faults[0].fired, ran.outcome.faults[0].landed), (Some(ms(505)), None));
}
