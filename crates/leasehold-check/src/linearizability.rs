//! Can a history of overlapping operations be told one after the other?
//!
//! The search takes operations as they begin and end, and keeps every *configuration* that could explain what was
//! answered so far: a state of the object, and the operations under way that have taken effect in it. When an operation
//! ends, each configuration goes on, by effects of what is under way and by internal steps of the object, until that
//! operation has taken effect with that answer. What has none left is not linearizable. Configurations that were seen
//! are not looked at again, and of two the one that allows less is dropped; so as soon as nothing is under way, few
//! remain, and nothing is kept of the operations that have ended.
//!
//! Sources: J. Wing and C. Gong, "Testing and verifying concurrent objects", 1993, for the search; G. Lowe, "Testing for
//! linearizability", 2017, for taking effect just in time, at an end, and for the memory of configurations.

#[cfg(test)]
mod tests;

use alloc::vec::Vec;
use core::fmt::Debug;
use core::mem;

use leasehold_core::SimInstant;

/// How many configurations a search looks at to explain one answer, before it says that it does not know.
///
/// Chosen by us: a register of leases needs a few, and some hundreds when all requests hang in a partition.
pub(crate) const LIMIT: usize = 4_000;

/// An object without concurrency: what a history is compared with.
///
/// Time is part of its state: a lower bound on when its last step was. An effect or a step comes as early as it can, for
/// what is possible after a later one is possible after the earlier one too.
pub(crate) trait Object {
    /// What it is.
    type State: Clone + Ord + Debug;
    /// What is asked of it.
    type Operation: Copy + Debug;
    /// What it answers.
    type Answer: Copy + Ord + Debug;

    /// What comes of an operation that takes effect in `state`: answers, and the states after.
    ///
    /// `told` is the answer that was given just now, or nothing if none was yet: then effects are left out that are not
    /// lost by waiting for the answer.
    fn effects(
        &self,
        state: &Self::State,
        operation: Call<Self::Operation>,
        told: Option<(Self::Answer, SimInstant)>,
        effects: &mut Vec<(Self::Answer, Self::State)>,
    );

    /// What it can do by itself in `state`, no later than `now`.
    fn steps(&self, state: &Self::State, now: SimInstant, states: &mut Vec<Self::State>);

    /// Whether all that can follow `less` can follow `more`.
    fn covers(more: &Self::State, less: &Self::State) -> bool;
}

/// An operation that began.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Call<T> {
    pub(crate) operation: T,
    pub(crate) began: SimInstant,
}

/// Names an operation that is under way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Key(u64);

/// What a search makes of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Explained {
    /// It can be explained.
    Yes,
    /// It cannot, whatever took effect when. The search stands as before.
    No,
    /// There was too much to look at. The search stands as before.
    Unknown,
}

/// One way in which all that was answered so far can have come about.
#[derive(Debug)]
struct Configuration<O: Object> {
    state: O::State,
    /// What is under way, has taken effect, and will have to be answered so. In the order of keys.
    done: Vec<(Key, O::Answer)>,
}

/// All that could be, after what was told.
#[derive(Debug)]
pub(crate) struct Search<O: Object> {
    /// In order, and none of them allows only what another does.
    configurations: Vec<Configuration<O>>,
    /// In the order of keys.
    pending: Vec<(Key, Call<O::Operation>)>,
    next: Key,
    limit: usize,
    desk: Desk<O>,
}

impl<O: Object> Search<O> {
    /// Begins with an object in this state, and nothing under way.
    pub(crate) fn new(state: O::State) -> Self {
        Self::with_limit(state, LIMIT)
    }

    /// The same with another limit.
    pub(crate) fn with_limit(state: O::State, limit: usize) -> Self {
        let configurations = [Configuration { state, done: Vec::new() }].into();
        Self { configurations, pending: Vec::new(), next: Key(0), limit, desk: Desk::default() }
    }

    /// An operation begins.
    pub(crate) fn begin(&mut self, call: Call<O::Operation>) -> Key {
        let key = self.next;
        self.next = Key(key.0 + 1);
        self.pending.push((key, call));
        key
    }

    /// An operation that will never be answered. What it may have done stays done.
    pub(crate) fn forget(&mut self, key: Key) {
        self.pending.retain(|(pending, _)| *pending != key);
        for configuration in &mut self.configurations {
            configuration.done.retain(|(done, _)| *done != key);
        }
        self.configurations.sort_unstable();
        self.thin_out();
    }

    /// The states that could be.
    pub(crate) fn states(&self) -> impl Iterator<Item = &O::State> {
        self.configurations.iter().map(|configuration| &configuration.state)
    }

    /// An operation was answered.
    pub(crate) fn end(&mut self, object: &O, key: Key, answer: O::Answer, now: SimInstant) -> Explained {
        let Some(call) = self.pending.iter().find(|(pending, _)| *pending == key).map(|(_, call)| *call)
        else {
            return Explained::Unknown;
        };
        let mut desk = mem::take(&mut self.desk);
        let explained = self.explain(object, (key, call), answer, now, &mut desk);
        if explained == Explained::Yes {
            self.pending.retain(|(pending, _)| *pending != key);
            mem::swap(&mut self.configurations, &mut desk.explaining);
            self.thin_out();
        }
        self.desk = desk;
        explained
    }

    /// Looks for all that explains an answer.
    fn explain(
        &self,
        object: &O,
        (key, call): (Key, Call<O::Operation>),
        answer: O::Answer,
        now: SimInstant,
        desk: &mut Desk<O>,
    ) -> Explained {
        let Desk { explaining, seen, to_do, scratch } = desk;
        explaining.clear();
        seen.clone_from(&self.configurations);
        to_do.clone_from(&self.configurations);
        while let Some(configuration) = to_do.pop() {
            if let Some(place) = configuration.done.iter().position(|(done, _)| *done == key) {
                if configuration.done[place].1 == answer {
                    insert(explaining, configuration.without(place));
                }
                continue;
            }
            object.effects(&configuration.state, call, Some((answer, now)), &mut scratch.effects);
            for (effect, state) in scratch.effects.drain(..) {
                if effect == answer {
                    insert(explaining, Configuration { state, done: configuration.done.clone() });
                }
            }
            self.go_on(object, &configuration, key, now, scratch, |next| {
                if insert(seen, next.clone()) == Inserted::New {
                    to_do.push(next);
                }
            });
            if seen.len() > self.limit {
                return Explained::Unknown;
            }
        }
        match explaining.is_empty() {
            true => Explained::No,
            false => Explained::Yes,
        }
    }

    /// Where a configuration can go by itself, or by what is under way but for `key`.
    fn go_on(
        &self,
        object: &O,
        from: &Configuration<O>,
        key: Key,
        now: SimInstant,
        Scratch { effects, states }: &mut Scratch<O>,
        mut found: impl FnMut(Configuration<O>),
    ) {
        object.steps(&from.state, now, states);
        for state in states.drain(..) {
            found(Configuration { state, done: from.done.clone() });
        }
        for &(other, call) in &self.pending {
            if other == key || from.done.iter().any(|(done, _)| *done == other) {
                continue;
            }
            object.effects(&from.state, call, None, effects);
            for (answer, state) in effects.drain(..) {
                found(from.with(other, answer, state));
            }
        }
    }

    /// Drops what allows nothing that another does not.
    fn thin_out(&mut self) {
        let mut place = 0;
        while place < self.configurations.len() {
            let this = &self.configurations[place];
            let mut others = self.configurations.iter().enumerate().filter(|(other, _)| *other != place);
            // Of two that allow the same, the first stays.
            let is_covered =
                others.any(|(other, that)| that.covers(this) && (other < place || !this.covers(that)));
            if is_covered {
                self.configurations.remove(place);
            } else {
                place += 1;
            }
        }
    }
}

/// Whether a configuration was there already.
#[derive(PartialEq, Eq)]
enum Inserted {
    New,
    Known,
}

/// Puts a configuration in its place among others that are in order.
fn insert<O: Object>(among: &mut Vec<Configuration<O>>, new: Configuration<O>) -> Inserted {
    match among.binary_search(&new) {
        Ok(_) => Inserted::Known,
        Err(place) => {
            among.insert(place, new);
            Inserted::New
        }
    }
}

/// What a search works with: kept, so that a steady run does not allocate.
#[derive(Debug)]
struct Desk<O: Object> {
    explaining: Vec<Configuration<O>>,
    seen: Vec<Configuration<O>>,
    to_do: Vec<Configuration<O>>,
    scratch: Scratch<O>,
}

impl<O: Object> Default for Desk<O> {
    fn default() -> Self {
        Self {
            explaining: Vec::new(),
            seen: Vec::new(),
            to_do: Vec::new(),
            scratch: Scratch { effects: Vec::new(), states: Vec::new() },
        }
    }
}

/// What the object says comes next, on its way into configurations.
#[derive(Debug)]
struct Scratch<O: Object> {
    effects: Vec<(O::Answer, O::State)>,
    states: Vec<O::State>,
}

impl<O: Object> Configuration<O> {
    fn with(&self, key: Key, answer: O::Answer, state: O::State) -> Self {
        let mut done = self.done.clone();
        let place = done.partition_point(|(other, _)| *other < key);
        done.insert(place, (key, answer));
        Self { state, done }
    }

    fn without(mut self, place: usize) -> Self {
        self.done.remove(place);
        self
    }

    fn covers(&self, other: &Self) -> bool {
        self.done == other.done && O::covers(&self.state, &other.state)
    }
}

// By hand, for the derived ones would ask as much of the object itself.
impl<O: Object> Clone for Configuration<O> {
    fn clone(&self) -> Self {
        Self { state: self.state.clone(), done: self.done.clone() }
    }
}

impl<O: Object> PartialEq for Configuration<O> {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl<O: Object> Eq for Configuration<O> {}

impl<O: Object> PartialOrd for Configuration<O> {
    fn partial_cmp(&self, other: &Self) -> Option<core::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl<O: Object> Ord for Configuration<O> {
    fn cmp(&self, other: &Self) -> core::cmp::Ordering {
        self.state.cmp(&other.state).then_with(|| self.done.cmp(&other.done))
    }
}
