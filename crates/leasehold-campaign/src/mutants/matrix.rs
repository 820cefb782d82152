//! Which invariants catch which bugs: whole runs of seeds that detected something.

use std::collections::{BTreeMap, VecDeque};

use leasehold_check::Invariant;
use leasehold_scenario::{Faults, System, Trial};

use super::figures::{Figures, SCRIPTED_SEEDS};
use super::rows::Row;
use super::seen::Seen;
use super::{MeasuredRow, MutantsOrder};
use crate::desk::{Foreman, work};
use crate::sweep::{NoThreads, Wish, broken_by};

/// What no known bug brings out, and why that is so. Whatever else no bug brings out is a gap.
pub const UNEXERCISED: &[(Invariant, &str)] = &[
    (
        Invariant::AppliedOnce,
        "The lists have no bug of task queues yet. scenarios/breaks/task-applied-twice violates it, and \
         holds/task-deduplication is its safe twin.",
    ),
    (
        Invariant::MonotonicReads,
        "The lists have no bug of it. scenarios/breaks/reads-go-back violates it: a client that asks replicas of different age.",
    ),
];

/// Bugs against invariants.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Matrix {
    /// By row, in the order of ids.
    pub rows: Vec<MatrixRow>,
}

/// What the whole runs of a row violated.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MatrixRow {
    /// How many runs there were.
    pub runs: u64,
    /// By invariant; those that were never violated are left out.
    pub caught: BTreeMap<Invariant, Caught>,
}

/// In how many runs of a row an invariant was violated.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Caught {
    /// First, or at the same instant as the first.
    pub first: u64,
    /// At all.
    pub at_all: u64,
    /// And no other was.
    pub alone: u64,
}

/// A whole run that is to be made.
#[derive(Clone, Copy, Debug)]
struct Job {
    row: usize,
    seed: u64,
    faults: Faults,
}

impl Matrix {
    /// Makes the runs again that detected something, each to its end. Nothing if it was wished otherwise meanwhile.
    pub(super) fn of(order: &MutantsOrder<'_>, rows: &[MeasuredRow]) -> Result<Option<Self>, NoThreads> {
        let does = |job: Job| {
            let is_wanted = (order.wish)() == Wish::GoOn;
            // A panic of the harness was told when the row was measured: what it broke is left out here.
            is_wanted.then(|| broken_by(|| run(&order.rows[job.row], job, order.systems)).ok())
        };
        let jobs = rows.iter().enumerate().flat_map(|(place, row)| jobs(place, &row.figures));
        let matrix = Self { rows: vec![MatrixRow::default(); rows.len()] };
        let mut filling = Filling { jobs: jobs.collect(), matrix, cut_short: None };
        work(order.jobs, 2 * order.jobs.get(), &does, &mut filling)?;
        Ok(filling.cut_short.is_none().then_some(filling.matrix))
    }

    /// The invariants that no row violated.
    pub fn unexercised(&self) -> Vec<Invariant> {
        let is_idle = |invariant: &Invariant| !self.rows.iter().any(|row| row.caught.contains_key(invariant));
        Invariant::ALL.into_iter().filter(is_idle).collect()
    }
}

/// Why no known bug has to bring an invariant out; nothing if one has to.
pub fn excused(invariant: Invariant) -> Option<&'static str> {
    UNEXERCISED.iter().find(|(idle, _)| *idle == invariant).map(|(_, why)| *why)
}

/// What chance found; of a row that only its own schedule breaks, that.
fn jobs(row: usize, figures: &Figures) -> Vec<Job> {
    let is_scripted = figures.as_written.is_some() && figures.detecting.is_empty();
    let (faults, seeds) = match is_scripted {
        true => (Faults::Scripted, (0..SCRIPTED_SEEDS.min(figures.seeds)).collect()),
        false => (Faults::Random, figures.detecting.clone()),
    };
    seeds.into_iter().map(|seed| Job { row, seed, faults }).collect()
}

fn run(row: &Row, job: Job, systems: &[&dyn System]) -> Seen {
    let scenario = match (&row.as_written, job.faults) {
        (Some((breaks, _)), Faults::Scripted) => breaks,
        _ => &row.by_chance,
    };
    let trial = Trial::meant_for(row.engine(), scenario, job.seed, job.faults, systems);
    Seen::of(&trial.run(row.engine(), &mut ()))
}

struct Filling {
    jobs: VecDeque<Job>,
    matrix: Matrix,
    /// If it was wished that there is no more.
    cut_short: Option<()>,
}

impl Foreman<Job, Option<Option<Seen>>> for Filling {
    fn next(&mut self) -> Option<Job> {
        self.jobs.pop_front().filter(|_| self.cut_short.is_none())
    }

    fn take(&mut self, job: Job, done: Option<Option<Seen>>) {
        match done {
            None => self.cut_short = Some(()),
            Some(None) => {}
            Some(Some(seen)) => self.matrix.rows[job.row].add(&seen),
        }
    }
}

impl MatrixRow {
    fn add(&mut self, seen: &Seen) {
        self.runs += 1;
        let first = seen.first_among(|_| true);
        for &invariant in seen.violated.keys() {
            let caught = self.caught.entry(invariant).or_default();
            caught.at_all += 1;
            caught.first += u64::from(first.contains(&invariant));
            caught.alone += u64::from(seen.violated.len() == 1);
        }
    }
}

#[cfg(test)]
mod tests {
    use leasehold_core::SimInstant;

    use super::*;

    fn seen(violated: &[(Invariant, u64)]) -> Seen {
        let violated = violated.iter().map(|&(which, at)| (which, SimInstant::from_nanos(at))).collect();
        Seen { violated, judged: Vec::new(), gave_up: false, broken_off: None, hazards: 0 }
    }

    #[test]
    fn first_alone_and_at_all_are_told_apart() {
        use Invariant::{Exclusivity, Fencing, SelfStop};
        let mut row = MatrixRow::default();
        row.add(&seen(&[(Exclusivity, 5), (Fencing, 5), (SelfStop, 9)]));
        row.add(&seen(&[(Fencing, 3)]));
        row.add(&seen(&[(SelfStop, 2), (Fencing, 7)]));
        let of = |first, at_all, alone| Caught { first, at_all, alone };
        let expected = [(Exclusivity, of(1, 1, 0)), (Fencing, of(2, 3, 1)), (SelfStop, of(1, 2, 0))];
        assert_eq!((row.runs, row.caught), (3, expected.into()));
        let matrix = Matrix { rows: vec![MatrixRow { runs: 1, caught: expected.into() }] };
        assert_eq!(matrix.unexercised().len(), Invariant::ALL.len() - 3);
    }

    /// The list is no place for what a bug does bring out, nor for two reasons.
    #[test]
    fn a_reason_is_given_once() {
        for (place, (invariant, why)) in UNEXERCISED.iter().enumerate() {
            assert!(!why.trim().is_empty());
            assert!(UNEXERCISED[..place].iter().all(|(other, _)| other != invariant), "{}", invariant.name());
            assert_eq!(excused(*invariant), Some(*why));
        }
    }
}
