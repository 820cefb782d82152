//! Known bugs, and how they fare: is each found by chance, and does nothing cry wolf over its safe twin?
//!
//! A *row* is a scenario with a `[bug]` table. Each seed of it is two runs with random faults and without those that the
//! scenario scripts: the design as it is written, which ends as soon as an invariant that the row names is violated, and
//! its safe variant, which runs to its end and may violate nothing at all.

mod figures;
mod folder;
mod matrix;
mod measuring;
mod object;
mod page;
mod rows;
mod seen;

use std::num::NonZeroUsize;

use leasehold_check::Invariant;
use leasehold_scenario::{BugId, System};

use crate::sweep::{NoThreads, Wish};

pub use figures::{Figures, RowStanding, SafeFigures, ScriptFigures};
pub use folder::MutantsFolder;
pub use leasehold_report::{Interval, median};
pub use matrix::{Caught, Matrix, MatrixRow, UNEXERCISED, excused};
pub use page::{catalogue, of_thousand};
pub use rows::{Completeness, Missing, Row, RowsError, RowsOrder, rows};

/// What is to be measured, and how.
pub struct MutantsOrder<'a> {
    /// The rows, in the order of their ids.
    pub rows: &'a [Row],
    /// How many seeds each has at most, from 0 on.
    pub seeds: u64,
    /// Whether each has all of them.
    pub extent: Extent,
    /// The systems that the scenarios name.
    pub systems: &'a [&'a dyn System],
    /// On how many threads.
    pub jobs: NonZeroUsize,
    /// Asked before each run, on any thread. Whatever is more than to go on ends it.
    pub wish: &'a (dyn Fn() -> Wish + Sync),
}

/// How many of its seeds a row has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Extent {
    /// All: for rates.
    #[default]
    All,
    /// As many as it takes to see that it is found: for CI.
    UntilFound,
}

/// Is told how far it is, on the thread that called.
pub trait Onlooker {
    /// A seed of a row was measured. Those of one row come in order.
    fn seed(&mut self, row: &Row, figures: &Figures);
}

/// What was measured.
#[derive(Clone, Debug)]
pub struct Measured {
    /// How many seeds each row had at most.
    pub seeds: u64,
    /// Whether each had all of them.
    pub extent: Extent,
    /// By row, in the order of ids.
    pub rows: Vec<MeasuredRow>,
    /// Which invariants catch which bugs; nothing where rows were measured only until they were found, or not to their end.
    pub matrix: Option<Matrix>,
}

/// What was measured of a row.
#[derive(Clone, Debug)]
pub struct MeasuredRow {
    /// The sum of its seeds.
    pub figures: Figures,
    /// How it fares; nothing if it was not measured to its end.
    pub standing: Option<RowStanding>,
}

/// What `mutants.json` calls itself.
pub(crate) const WHAT: &str = "leasehold mutants";

impl Measured {
    /// Whether all was measured to its end.
    pub fn is_complete(&self) -> bool {
        let is_there = self.extent == Extent::UntilFound || self.matrix.is_some();
        is_there && self.rows.iter().all(|row| row.standing.is_some())
    }

    /// The invariants that no bug brings out, and nobody said why. Only all known bugs together say so.
    pub fn gaps(&self) -> Vec<Invariant> {
        let is_whole = self.rows.len() == BugId::all().count();
        let idle = self.matrix.iter().filter(|_| is_whole).flat_map(Matrix::unexercised);
        idle.filter(|invariant| excused(*invariant).is_none()).collect()
    }
}

/// Measures all rows. The same order gives the same figures, whatever the threads.
///
/// # Errors
///
/// If the threads could not be started.
pub fn measure(order: &MutantsOrder<'_>, onlooker: &mut dyn Onlooker) -> Result<Measured, NoThreads> {
    let rows = measuring::measure(order, onlooker)?;
    let is_over = rows.iter().all(|row| row.standing.is_some());
    let matrix = match order.extent {
        Extent::All if is_over => Matrix::of(order, &rows)?,
        Extent::All | Extent::UntilFound => None,
    };
    Ok(Measured { seeds: order.seeds, extent: order.extent, rows, matrix })
}
