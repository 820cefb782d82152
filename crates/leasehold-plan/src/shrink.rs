//! From a failing case to a small one, by trying what can be left out.
//!
//! Delta debugging (Zeller and Hildebrandt, "Simplifying and isolating failure-inducing input", 2002) on the explicit
//! plan: first the faults, then all that surrounds them. It runs nothing: whoever drives it says of each proposal
//! whether it still fails.

mod chunks;
mod details;
mod dial;
mod horizon;
mod legal;
mod nodes;
mod noise;
mod size;
mod state;
mod times;
mod triggers;

#[cfg(test)]
mod tests;

use std::collections::{BTreeSet, VecDeque};
use std::fmt::{self, Write as _};

use leasehold_core::outcome::FaultOutcome;
use leasehold_core::time::SimInstant;

use crate::case::Case;
use chunks::Chunks;
use size::Size;
use state::{Offer, State};

/// What is known of the run of a failing case. Nothing of it has to be known: it only says where to look first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Facts {
    /// What became of each fault, by id; empty if that is not known.
    pub faults: Vec<FaultOutcome>,
    /// When it failed.
    pub failed_at: Option<SimInstant>,
}

/// A key of a scenario's tables that counts something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Count {
    /// The key path.
    pub key: String,
    /// The least there can be.
    pub least: u32,
    /// What it is now, or more.
    pub current: u32,
}

/// What became of a case that fails too.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Accepted {
    /// It is the smallest so far.
    Best,
    /// It is no smaller than the best, which stays.
    NotSmaller,
}

/// Makes a failing case smaller: call [`propose`](Self::propose), see whether the proposal fails too, and say so
/// by [`accept`](Self::accept) or [`reject`](Self::reject).
///
/// Every proposal is smaller than the case it is made of under an order without infinite descents, and none is made
/// twice: so it ends, whatever it is told. When it has ended, no single fault can be left out.
#[derive(Clone, Debug)]
pub struct Shrinker {
    best: State,
    size: Size,
    stage: Stage,
    /// Whether something was accepted since the first stage began.
    progress: Progress,
    /// What the stage still has to offer, for stages with a menu.
    menu: VecDeque<Offer>,
    chunks: Chunks,
    proposed: Option<Offer>,
    tried: BTreeSet<[u8; 16]>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Progress {
    Stuck,
    Smaller,
}

/// What is tried, in this order: what saves most runs first. Later stages open earlier ones, so they come round until
/// none finds anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Stage {
    /// Without the faults that never touched anything, or came too late.
    Idle,
    /// An earlier end.
    Horizon,
    /// Names instead of draws.
    Pinned,
    /// Without some faults.
    Faults,
    /// Without drawn values of the scenario's tables.
    Settings,
    /// Without noise.
    Noise,
    /// Fewer nodes.
    Counts,
    /// Instants instead of conditions.
    Triggers,
    /// The simplest form of each fault.
    Details,
    /// Shorter and rounder numbers.
    Times,
    /// Everything earlier.
    Shift,
    /// The faults in order.
    Order,
}

impl Stage {
    const ALL: [Self; 12] = [
        Self::Idle,
        Self::Horizon,
        Self::Pinned,
        Self::Faults,
        Self::Settings,
        Self::Noise,
        Self::Counts,
        Self::Triggers,
        Self::Details,
        Self::Times,
        Self::Shift,
        Self::Order,
    ];

    fn next(self) -> Option<Self> {
        Self::ALL.get(self as usize + 1).copied()
    }
}

impl Shrinker {
    /// A shrinker for a case that fails.
    pub fn new(case: Case, facts: Facts) -> Self {
        let best = State::new(case, facts);
        let mut shrinker = Self {
            size: Size::of(&best),
            best,
            stage: Stage::Idle,
            progress: Progress::Stuck,
            menu: VecDeque::new(),
            chunks: Chunks::default(),
            proposed: None,
            tried: BTreeSet::new(),
        };
        shrinker.enter(Stage::Idle);
        shrinker
    }

    /// Takes these keys out of the scenario's tables too: a seed decided them once, and they stand there since. Those of
    /// `expect` stay. Call it before [`with_counts`](Self::with_counts).
    #[must_use]
    pub fn with_drawn(mut self, keys: &[String]) -> Self {
        let new = keys.iter().filter(|key| state::can_be_undone(key) && !self.best.drawn.contains(key));
        let new: Vec<String> = new.cloned().collect();
        self.best.drawn.extend(new);
        self.size = Size::of(&self.best);
        self.enter(self.stage);
        self
    }

    /// Lowers these keys too.
    #[must_use]
    pub fn with_counts(mut self, counts: Vec<Count>) -> Self {
        self.best.counts = counts;
        self.best.drawn.retain(|key| self.best.counts.iter().all(|count| count.key != *key));
        self.size = Size::of(&self.best);
        self.enter(self.stage);
        self
    }

    /// The smallest case so far that fails.
    pub fn best(&self) -> &Case {
        &self.best.case
    }

    /// What is to be tried next; nothing when there is nothing left to try. A proposal about which nothing was said
    /// counts as rejected.
    pub fn propose(&mut self) -> Option<Case> {
        self.proposed = None;
        loop {
            let Some(offer) = self.next_offer() else {
                match (self.stage.next(), self.progress) {
                    (Some(next), _) => self.enter(next),
                    (None, Progress::Stuck) => return None,
                    (None, Progress::Smaller) => {
                        self.progress = Progress::Stuck;
                        self.enter(Stage::ALL[0]);
                    }
                }
                continue;
            };
            if self.is_worth_trying(&offer.state) {
                let case = offer.state.case.clone();
                self.proposed = Some(offer);
                return Some(case);
            }
            self.skip();
        }
    }

    /// The proposal fails too. `case` is what it came to when it was realised: other settings can mean other nodes.
    /// `facts` are those of its run; without them those of the runs before are used as far as they go.
    ///
    /// What is not smaller when it is realised is not taken: the best stays what it was.
    pub fn accept(&mut self, case: Case, facts: Option<Facts>) -> Accepted {
        let Some(Offer { knob, mut state }) = self.proposed.take() else { return Accepted::NotSmaller };
        state.case = case;
        if let Some(facts) = facts {
            state.facts = facts;
        }
        let size = Size::of(&state);
        if size >= self.size {
            self.skip();
            return Accepted::NotSmaller;
        }
        self.best = state;
        self.size = size;
        self.progress = Progress::Smaller;
        match self.stage {
            Stage::Faults => self.chunks.took(self.best.case.plan.faults.len()),
            Stage::Settings => self.chunks.took(self.best.drawn.len()),
            _ => {
                self.menu = self.offers();
                // What stands before was tried on nearly the same case.
                self.menu.retain(|offer| offer.knob >= knob);
            }
        }
        Accepted::Best
    }

    /// The proposal does not fail.
    pub fn reject(&mut self) {
        if self.proposed.take().is_some() {
            self.skip();
        }
    }

    fn enter(&mut self, stage: Stage) {
        self.stage = stage;
        self.menu = self.offers();
        self.chunks = match stage {
            Stage::Faults => Chunks::of(self.best.case.plan.faults.len()),
            Stage::Settings => Chunks::of(self.best.drawn.len()),
            _ => Chunks::default(),
        };
    }

    /// What a stage with a menu has to offer for the best case.
    fn offers(&self) -> VecDeque<Offer> {
        let best = &self.best;
        let offers = match self.stage {
            Stage::Idle => best.without_idle_faults(),
            Stage::Horizon => horizon::earlier_ends(best),
            Stage::Pinned => triggers::pinned(best),
            Stage::Faults | Stage::Settings => Vec::new(),
            Stage::Noise => noise::quieter(best),
            Stage::Counts => nodes::fewer(best),
            Stage::Triggers => triggers::instants(best),
            Stage::Details => details::simpler(best),
            Stage::Times => times::rounder(best),
            Stage::Shift => horizon::shifted(best),
            Stage::Order => horizon::in_order(best),
        };
        offers.into()
    }

    /// The offer that the stage is at, which stays there until it is skipped or taken.
    fn next_offer(&self) -> Option<Offer> {
        match self.stage {
            Stage::Faults => self.chunks.current().map(|chunk| self.best.without_faults(chunk)),
            Stage::Settings => self.chunks.current().map(|chunk| self.best.without_drawn(chunk)),
            _ => self.menu.front().cloned(),
        }
    }

    fn skip(&mut self) {
        match self.stage {
            Stage::Faults | Stage::Settings => self.chunks.left(),
            _ => {
                self.menu.pop_front();
            }
        }
    }

    fn is_worth_trying(&mut self, state: &State) -> bool {
        Size::of(state) < self.size
            && legal::is_expressible(&state.case.plan)
            && self.tried.insert(print(&state.case))
    }
}

/// What tells one case from another.
fn print(case: &Case) -> [u8; 16] {
    struct Hashed(blake3::Hasher);
    impl fmt::Write for Hashed {
        fn write_str(&mut self, text: &str) -> fmt::Result {
            self.0.update(text.as_bytes());
            Ok(())
        }
    }
    let mut hashed = Hashed(blake3::Hasher::new());
    write!(hashed, "{case:?}").expect("hashing does not fail");
    let mut print = [0; 16];
    print.copy_from_slice(&hashed.0.finalize().as_bytes()[..16]);
    print
}
