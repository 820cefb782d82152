//! The search, held against one that tries every order.

use std::collections::BTreeSet;
use std::vec;
use std::vec::Vec;

use proptest::collection::vec as some;
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;

use super::*;

/// How long a term is.
const TERM: u64 = 80;

/// A lock whose holder has it for a term, and no shorter unless he drops it.
#[derive(Debug)]
struct Lock;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Locked {
    at: u64,
    /// By whom, and until when at least.
    by: Option<(u8, u64)>,
}

#[derive(Clone, Copy, Debug)]
enum Ask {
    Take(u8),
    Renew(u8),
    Drop(u8),
    Look,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Say {
    Yes,
    No,
    By(Option<u8>),
}

impl Object for Lock {
    type State = Locked;
    type Operation = Ask;
    type Answer = Say;

    fn effects(
        &self,
        state: &Locked,
        call: Call<Ask>,
        _: Option<(Say, SimInstant)>,
        effects: &mut Vec<(Say, Locked)>,
    ) {
        let at = state.at.max(call.began.as_nanos());
        let holder = state.by.map(|(by, _)| by);
        let (answer, by) = match call.operation {
            Ask::Take(by) if holder.is_none() => (Say::Yes, Some((by, at + TERM))),
            Ask::Renew(by) if holder == Some(by) => (Say::Yes, Some((by, at + TERM))),
            Ask::Drop(by) if holder == Some(by) => (Say::Yes, None),
            Ask::Take(_) | Ask::Renew(_) | Ask::Drop(_) => (Say::No, state.by),
            Ask::Look => (Say::By(holder), state.by),
        };
        effects.push((answer, Locked { at, by }));
    }

    fn steps(&self, state: &Locked, now: SimInstant, states: &mut Vec<Locked>) {
        if let Some((_, until)) = state.by
            && until <= now.as_nanos()
        {
            states.push(Locked { at: state.at.max(until), by: None });
        }
    }

    fn covers(more: &Locked, less: &Locked) -> bool {
        let holder = |state: &Locked| state.by.map(|(by, _)| by);
        let until = |state: &Locked| state.by.map(|(_, until)| until);
        holder(more) == holder(less) && more.at <= less.at && until(more) <= until(less)
    }
}

const FREE: Locked = Locked { at: 0, by: None };

/// An operation of a history.
#[derive(Clone, Copy, Debug)]
struct Done {
    ask: Ask,
    began: u64,
    /// When it was answered, and what; nothing if it never was.
    ended: Option<(u64, Say)>,
}

impl Done {
    fn call(&self) -> Call<Ask> {
        Call { operation: self.ask, began: SimInstant::from_nanos(self.began) }
    }

    fn is_before(&self, other: &Self) -> bool {
        self.ended.is_some_and(|(ended, _)| ended < other.began)
    }
}

/// By the search: as things happened.
fn searched(history: &[Done], limit: usize) -> Explained {
    let begins = history.iter().enumerate().map(|(n, done)| (done.began, n, None));
    let ends =
        history.iter().enumerate().filter_map(|(n, done)| done.ended.map(|(at, say)| (at, n, Some(say))));
    let mut events: Vec<(u64, usize, Option<Say>)> = begins.chain(ends).collect();
    events.sort_unstable();
    let mut search = Search::<Lock>::with_limit(FREE, limit);
    let mut keys = vec![None; history.len()];
    for (at, n, say) in events {
        match say {
            None => keys[n] = Some(search.begin(history[n].call())),
            Some(say) => match search.end(&Lock, keys[n].unwrap(), say, SimInstant::from_nanos(at)) {
                Explained::Yes => {}
                other => return other,
            },
        }
    }
    Explained::Yes
}

/// By trying every order: one after the other, each no earlier than what it follows.
fn can_be_told(history: &[Done], state: &Locked, left: &BTreeSet<usize>) -> bool {
    if left.iter().all(|n| history[*n].ended.is_none()) {
        return true;
    }
    let mut states = vec![];
    Lock.steps(state, SimInstant::from_nanos(u64::MAX), &mut states);
    if states.iter().any(|state| can_be_told(history, state, left)) {
        return true;
    }
    left.iter().any(|&n| {
        let done = history[n];
        if left.iter().any(|other| history[*other].is_before(&done)) {
            return false;
        }
        let mut effects = vec![];
        Lock.effects(state, done.call(), None, &mut effects);
        let others = left.iter().copied().filter(|other| *other != n).collect();
        effects.iter().any(|(say, state)| {
            done.ended.is_none_or(|(ended, answer)| *say == answer && state.at <= ended)
                && can_be_told(history, state, &others)
        })
    })
}

/// What a seed says of an operation: by whom, what, when, how long, at which share of that it takes effect, and whether its
/// answer is lost.
type Dice = (u8, u8, u64, u64, u64, bool);

/// What happened to a lock that did one thing at a time, its terms so much longer than they have to be. All instants are
/// different: a place and an operation have one of their own.
fn happened(dice: &[Dice], longer: u64) -> Vec<Done> {
    let asks: Vec<(u64, usize, Done)> = dice
        .iter()
        .zip(0..)
        .map(|(&(by, what, start, length, share, is_lost), n)| {
            let ask = match what {
                0..=3 => Ask::Take(by),
                4 | 5 => Ask::Renew(by),
                6 => Ask::Drop(by),
                _ => Ask::Look,
            };
            let (began, ended) = (start * 16 + 2 * n, (start + length) * 16 + 2 * n + 1);
            let ended = (!is_lost).then_some((ended, Say::No));
            (began + length * 16 * share / 100, n as usize, Done { ask, began, ended })
        })
        .collect();
    let mut order = asks.clone();
    order.sort_unstable_by_key(|(at, n, _)| (*at, *n));
    let mut history: Vec<Done> = asks.iter().map(|(_, _, done)| *done).collect();
    let mut state = FREE;
    for (at, n, done) in order {
        if state.by.is_some_and(|(_, until)| until + longer <= at) {
            state.by = None;
        }
        let mut effects = vec![];
        let call = Call { operation: done.ask, began: SimInstant::from_nanos(at) };
        Lock.effects(&state, call, None, &mut effects);
        let (say, after) = effects[0];
        state = after;
        history[n].ended = done.ended.map(|(ended, _)| (ended, say));
    }
    history
}

fn a_say() -> impl Strategy<Value = Say> {
    prop_oneof![
        Just(Say::Yes),
        Just(Say::No),
        prop_oneof![Just(None), (0..3u8).prop_map(Some)].prop_map(Say::By),
    ]
}

/// What a lock did, and in half of all cases one answer to which it gave another.
fn a_history() -> impl Strategy<Value = Vec<Done>> {
    let dice = (0..3u8, 0..9u8, 0..14u64, 1..14u64, 0..100u64, prop::bool::weighted(0.15));
    let wrong = prop::option::of((0..6usize, a_say()));
    (some(dice, 1..=6), prop_oneof![Just(0), Just(40)], wrong).prop_map(|(dice, longer, wrong)| {
        let mut history = happened(&dice, longer);
        if let Some((n, say)) = wrong {
            let n = n % history.len();
            history[n].ended = history[n].ended.map(|(at, _)| (at, say));
        }
        history
    })
}

#[test]
fn the_search_finds_what_trying_every_order_finds() {
    let mut runner = TestRunner::deterministic();
    let (mut can, mut cannot) = (0, 0);
    for _ in 0..6_000 {
        let history = a_history().new_tree(&mut runner).unwrap().current();
        let all = (0..history.len()).collect();
        let expected = can_be_told(&history, &FREE, &all);
        let found = searched(&history, LIMIT);
        assert_eq!(found, if expected { Explained::Yes } else { Explained::No }, "{history:#?}");
        if expected { can += 1 } else { cannot += 1 }
    }
    assert!(can > 1_500 && cannot > 1_000, "both have to occur: {can} can be told, {cannot} cannot");
}

#[test]
fn what_a_lock_did_can_be_told() {
    let mut runner = TestRunner::deterministic();
    let dice = (0..3u8, 0..9u8, 0..14u64, 1..14u64, 0..100u64, prop::bool::weighted(0.15));
    let strategy = (some(dice, 1..=8), prop_oneof![Just(0), Just(40)]);
    for _ in 0..2_000 {
        let (dice, longer) = strategy.new_tree(&mut runner).unwrap().current();
        let history = happened(&dice, longer);
        assert_eq!(searched(&history, 20 * LIMIT), Explained::Yes, "{history:#?}");
    }
}

const fn done(ask: Ask, began: u64, ended: u64, say: Say) -> Done {
    Done { ask, began, ended: Some((ended, say)) }
}

/// A term that was begun at 10, at the earliest, can be over at 90.
#[test]
fn a_term_is_over_at_its_bound_and_no_sooner() {
    let second = |ended| {
        let first = done(Ask::Take(1), 10, 20, Say::Yes);
        searched(&[first, done(Ask::Take(2), 30, ended, Say::Yes)], LIMIT)
    };
    assert_eq!((second(89), second(90)), (Explained::No, Explained::Yes));
}

#[test]
fn what_is_not_answered_may_have_taken_effect_or_not() {
    let unanswered = Done { ask: Ask::Drop(1), began: 30, ended: None };
    let first = done(Ask::Take(1), 10, 20, Say::Yes);
    let look = |say| searched(&[first, unanswered, done(Ask::Look, 40, 41, say)], LIMIT);
    assert_eq!((look(Say::By(Some(1))), look(Say::By(None))), (Explained::Yes, Explained::Yes));
    assert_eq!(look(Say::By(Some(2))), Explained::No);
}

#[test]
fn too_much_to_look_at_is_unknown() {
    let looks = (0..6).map(|n| done(Ask::Look, 30 + n, 100 + n, Say::By(Some(1))));
    let mut history: Vec<Done> = [done(Ask::Take(1), 10, 20, Say::Yes)].into_iter().chain(looks).collect();
    history.push(done(Ask::Take(2), 40, 95, Say::Yes));
    assert_eq!(searched(&history, LIMIT), Explained::Yes);
    assert_eq!(searched(&history, 50), Explained::Unknown);
}

#[test]
fn nothing_is_kept_of_what_has_ended() {
    let mut search = Search::<Lock>::new(FREE);
    let mut at = 0;
    let mut ask = |search: &mut Search<Lock>, operation, say| {
        at += 1_000;
        let key = search.begin(Call { operation, began: SimInstant::from_nanos(at) });
        assert_eq!(search.end(&Lock, key, say, SimInstant::from_nanos(at + 10)), Explained::Yes);
    };
    for n in 0..100 {
        ask(&mut search, Ask::Take(n % 3), Say::Yes);
        ask(&mut search, Ask::Look, Say::By(None));
    }
    assert_eq!((search.states().count(), search.pending.len()), (1, 0));
    let given_up: Vec<Key> =
        (0..20).map(|_| search.begin(Call { operation: Ask::Take(9), began: SimInstant::START })).collect();
    given_up.into_iter().for_each(|key| search.forget(key));
    assert_eq!((search.states().count(), search.pending.len()), (1, 0));
}
