//! The register, held against one that tries every instant.
//!
//! The checker reckons with the earliest instant of each effect, drops what allows less, and forgets what has ended. Here
//! nothing of that is done: time is a grid, all that can have been is kept, and each answer is looked for at every point
//! between its question and itself. So the two share the rules (docs/invariants.md), and no line of code.
//!
//! A TTL of 15 s is over after 12 s at the earliest; so with a grid of 2 s whatever can be can be on the grid.

use std::collections::BTreeSet;
use std::vec;
use std::vec::Vec;

use proptest::collection::vec as some;
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;

use super::*;
use crate::invariant::Invariant;
use crate::script::*;

/// Points of the grid to a term.
const TERM: u64 = 6;
const NODES: [NodeId; 3] = [A, B, C];

const fn point(n: u64) -> SimInstant {
    s(2 * n)
}

/// What happens at a point of the grid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Thing {
    Asked(usize, Operation),
    Told(usize, Answer),
    Granted(u64, usize),
    Revoked(u64),
    Over(u64),
}

impl Thing {
    fn event(self, n: u64) -> Event {
        match self {
            Self::Asked(who, operation) => at(point(n), NODES[who], asks(operation)),
            Self::Told(who, answer) => at(point(n), NODES[who], told(answer)),
            Self::Granted(lease, who) => at(point(n), G, granted(lease, NODES[who])),
            Self::Revoked(lease) => at(point(n), G, end_ordered(lease, REVOKED)),
            Self::Over(lease) => at(point(n), G, ended(lease, EXPIRED)),
        }
    }
}

type History = Vec<(u64, Thing)>;

/// An operation that was answered.
struct Answered {
    who: usize,
    answer: Answer,
    began: u64,
    told: u64,
}

/// A lease that holds: which, when it was granted, and since when its term runs.
type Holding = (u64, u64, u64);

/// What the register may be: who holds, how many grants have taken effect, and which answers have been found.
type World = (Option<Holding>, usize, u64);

/// All of a history, as the oracle sees it.
struct Oracle {
    answered: Vec<Answered>,
    offers: Vec<(u64, usize)>,
    /// When a node first asked for the resource.
    asked: [Option<u64>; 3],
    /// A lease that somebody entitled wants to end, since when.
    ends: Vec<(u64, u64)>,
    over: Vec<(u64, u64)>,
}

impl Oracle {
    fn new(history: &[(u64, Thing)]) -> Self {
        let mut this =
            Self { answered: vec![], offers: vec![], asked: [None; 3], ends: vec![], over: vec![] };
        let mut open: Vec<(usize, Operation, u64)> = vec![];
        for &(n, thing) in history {
            match thing {
                Thing::Asked(who, operation) => {
                    open.retain(|(other, asked, _)| {
                        *other != who || discriminant(asked) != discriminant(&operation)
                    });
                    open.push((who, operation, n));
                    match operation {
                        Operation::Acquire => _ = this.asked[who].get_or_insert(n),
                        Operation::Release { lease } => this.ends.push((lease.0, n)),
                        Operation::Renew { .. } | Operation::Get => {}
                    }
                }
                Thing::Told(who, answer) => {
                    let place = open
                        .iter()
                        .position(|(other, asked, _)| *other == who && belongs(*asked, answer))
                        .expect("it was asked");
                    let (.., began) = open.remove(place);
                    this.answered.push(Answered { who, answer, began, told: n });
                }
                Thing::Granted(lease, who) => this.offers.push((lease, who)),
                Thing::Revoked(lease) => this.ends.push((lease, n)),
                Thing::Over(lease) => this.over.push((lease, n)),
            }
        }
        this
    }

    /// Whether there is a way in which all that was answered can have come about.
    fn can_be(&self) -> bool {
        let last = self.answered.iter().map(|answered| answered.told).max().unwrap_or(0);
        let all = (1 << self.answered.len()) - 1;
        let mut worlds: BTreeSet<World> = [(None, 0, 0)].into();
        for now in 0..=last {
            let mut to_do: Vec<World> = worlds.iter().copied().collect();
            while let Some(world) = to_do.pop() {
                for next in self.next(world, now) {
                    if worlds.insert(next) {
                        to_do.push(next);
                    }
                }
            }
        }
        worlds.iter().any(|(.., found)| *found == all)
    }

    fn next(&self, (held, taken, found): World, now: u64) -> Vec<World> {
        let mut worlds = vec![];
        match held {
            None => {
                if let Some(&(lease, who)) = self.offers.get(taken)
                    && self.asked[who].is_some_and(|asked| asked <= now)
                {
                    worlds.push((Some((lease, now, now)), taken + 1, found));
                }
            }
            Some((lease, _, began)) => {
                let is_wanted = self.ends.iter().any(|(end, since)| *end == lease && *since <= now);
                if began + TERM <= now || is_wanted {
                    worlds.push((None, taken, found));
                }
            }
        }
        for (place, answered) in self.answered.iter().enumerate() {
            let is_found = found & (1 << place) != 0;
            if !is_found && (answered.began..=answered.told).contains(&now) {
                let held = self.seen(answered, held, taken, now);
                worlds.extend(held.map(|held| (held, taken, found | (1 << place))));
            }
        }
        worlds
    }

    /// Who holds after this answer was made now; nothing if it cannot have been.
    fn seen(
        &self,
        Answered { who, answer, began, told }: &Answered,
        held: Option<Holding>,
        taken: usize,
        now: u64,
    ) -> Option<Option<Holding>> {
        let holds = |lease: LeaseId| held.is_some_and(|(held, ..)| held == lease.0);
        let can_be = match *answer {
            // The grant itself, at the instant at which it takes effect.
            Answer::Granted { lease, .. } => {
                let is_new = held.is_some_and(|(held, granted, _)| (held, granted) == (lease.0, now));
                return (is_new && self.offers[taken - 1].1 == *who).then_some(held);
            }
            Answer::Renewed { lease } => {
                return held.filter(|_| holds(lease)).map(|(held, granted, _)| Some((held, granted, now)));
            }
            Answer::Refused => true,
            // Its end was decided, and may not be durable yet.
            Answer::Gone { lease } => {
                let is_wanted = self.ends.iter().any(|(end, since)| *end == lease.0 && since <= told);
                !holds(lease) || is_wanted || held.is_some_and(|(.., began)| began + TERM <= *told)
            }
            Answer::Released { lease } => !holds(lease),
            Answer::HeldBy { lease, holder, .. } => {
                let was_over = self.over.iter().any(|(over, since)| *over == lease.0 && since < began);
                holds(lease) && NODES[self.offers[taken - 1].1] == holder && !was_over
            }
            Answer::HeldByNobody => held.is_none(),
        };
        can_be.then_some(held)
    }
}

const fn belongs(operation: Operation, answer: Answer) -> bool {
    match (operation, answer) {
        (Operation::Acquire, Answer::Granted { .. } | Answer::Refused)
        | (Operation::Get, Answer::HeldBy { .. } | Answer::HeldByNobody) => true,
        (Operation::Renew { lease }, Answer::Renewed { lease: told } | Answer::Gone { lease: told })
        | (Operation::Release { lease }, Answer::Released { lease: told }) => lease.0 == told.0,
        _ => false,
    }
}

/// What a seed says of the next event: how long after the one before, what kind, and two choices.
type Dice = (u64, u8, usize, usize);

/// A history in which nothing is answered that was not asked, and in which only one lease is offered after the other. What is
/// answered may be right or wrong.
fn history(dice: &[Dice]) -> History {
    let mut history: History = vec![];
    let mut now = 1;
    let (mut next, mut told) = (1, 0);
    let mut open: Vec<(usize, Operation)> = vec![];
    for &(later, kind, one, other) in dice {
        now += later;
        let lease = |which: usize| LeaseId(1 + which as u64 % told.max(1));
        let thing = match kind {
            0..=2 => Thing::Asked(one % 3, Operation::Acquire),
            3 | 4 if told > 0 => Thing::Asked(one % 3, Operation::Renew { lease: lease(other) }),
            5 if told > 0 => Thing::Asked(one % 3, Operation::Release { lease: lease(other) }),
            6 => Thing::Asked(one % 3, Operation::Get),
            7..=9 => {
                next += 1;
                Thing::Granted(next - 1, one % 3)
            }
            10 if told > 0 => Thing::Revoked(lease(one).0),
            11 if told > 0 => Thing::Over(lease(one).0),
            _ if open.is_empty() => continue,
            _ => {
                let (who, operation) = open.remove(one % open.len());
                Thing::Told(who, answer(operation, other, &history))
            }
        };
        match thing {
            Thing::Asked(who, operation) => {
                open.retain(|(other, asked)| {
                    *other != who || discriminant(asked) != discriminant(&operation)
                });
                open.push((who, operation));
            }
            Thing::Told(_, Answer::Granted { lease, .. } | Answer::HeldBy { lease, .. }) => {
                told = told.max(lease.0);
            }
            _ => {}
        }
        history.push((now, thing));
    }
    history
}

/// Something that can be answered to this.
fn answer(operation: Operation, choice: usize, history: &[(u64, Thing)]) -> Answer {
    let offers: Vec<(u64, usize)> = history
        .iter()
        .filter_map(|(_, thing)| match thing {
            Thing::Granted(lease, who) => Some((*lease, *who)),
            _ => None,
        })
        .collect();
    let offer = offers.len().checked_sub(1 + choice % 3).map(|place| offers[place]);
    match (operation, offer) {
        (Operation::Acquire, Some((lease, _))) => {
            Answer::Granted { lease: LeaseId(lease), token: t(lease), ttl: TTL }
        }
        (Operation::Acquire, None) => Answer::Refused,
        (Operation::Renew { lease }, _) if choice.is_multiple_of(4) => Answer::Gone { lease },
        (Operation::Renew { lease }, _) => Answer::Renewed { lease },
        (Operation::Release { lease }, _) => Answer::Released { lease },
        (Operation::Get, Some((lease, who))) if !choice.is_multiple_of(4) => {
            Answer::HeldBy { lease: LeaseId(lease), holder: NODES[who], token: t(lease) }
        }
        (Operation::Get, _) => Answer::HeldByNobody,
    }
}

/// Whether the checker objects to the last answer of what happened so far.
fn objects(history: &[(u64, Thing)]) -> bool {
    let events: Vec<Event> = history.iter().map(|(n, thing)| thing.event(*n)).collect();
    !report(Invariant::LinearizableRegister, &events, s(500)).clauses().is_empty()
}

#[test]
fn the_checker_objects_to_what_no_instant_explains_and_to_nothing_else() {
    let mut runner = TestRunner::deterministic();
    let strategy = some((1..4u64, 0..20u8, 0..60usize, 0..60usize), 6..=16);
    let (mut explained, mut refuted) = (0, 0);
    for _ in 0..10_000 {
        let dice = strategy.new_tree(&mut runner).unwrap().current();
        let history = history(&dice);
        for end in 1..=history.len() {
            let Thing::Told(..) = history[end - 1].1 else { continue };
            let so_far = &history[..end];
            let can_be = Oracle::new(so_far).can_be();
            assert_eq!(!objects(so_far), can_be, "{so_far:#?}");
            if !can_be {
                refuted += 1;
                break;
            }
            explained += 1;
        }
    }
    assert!(explained > 10_000 && refuted > 2_000, "both have to occur: {explained} and {refuted}");
}
