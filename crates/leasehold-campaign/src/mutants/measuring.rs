//! Runs the seeds of all rows, and adds up what they show in the order of seeds.

use std::collections::BTreeMap;

use super::figures::Figures;
use super::seen::Showed;
use super::{Extent, MeasuredRow, MutantsOrder, Onlooker};
use crate::desk::{Foreman, work};
use crate::sweep::{NoThreads, Wish, broken_by};

/// How many seeds each thread may be ahead of the oldest of a row that is not over. Chosen by us as for sweeps: no matter
/// for memory.
const AHEAD: usize = 64;

/// One seed of a row.
#[derive(Clone, Copy, Debug)]
struct Job {
    row: usize,
    seed: u64,
}

/// What came of it; nothing if it was not begun. The harness itself may have panicked.
type Done = Option<Result<Box<Showed>, String>>;

pub(super) fn measure(
    order: &MutantsOrder<'_>,
    onlooker: &mut dyn Onlooker,
) -> Result<Vec<MeasuredRow>, NoThreads> {
    let does = |job: Job| {
        let row = &order.rows[job.row];
        let is_wanted = (order.wish)() == Wish::GoOn;
        is_wanted.then(|| broken_by(|| Box::new(Showed::of(row, job.seed, order.systems))))
    };
    let most = match order.extent {
        Extent::All => AHEAD * order.jobs.get(),
        // What is run behind the seed that finds a row is run in vain.
        Extent::UntilFound => 2 * order.jobs.get(),
    };
    let mut measuring = Measuring::new(order, onlooker);
    work(order.jobs, most, &does, &mut measuring)?;
    Ok(measuring.finish())
}

struct Measuring<'a> {
    order: &'a MutantsOrder<'a>,
    onlooker: &'a mut dyn Onlooker,
    rows: Vec<UnderWay>,
    stage: Stage,
}

/// A row that is being measured.
struct UnderWay {
    /// The seed that is handed out next.
    next: u64,
    /// Results that came before their turn.
    ahead: BTreeMap<u64, Result<Box<Showed>, String>>,
    figures: Figures,
    stage: Stage,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    Running,
    Over,
}

impl<'a> Measuring<'a> {
    fn new(order: &'a MutantsOrder<'a>, onlooker: &'a mut dyn Onlooker) -> Self {
        let rows = order.rows.iter().map(|row| UnderWay {
            next: 0,
            ahead: BTreeMap::new(),
            figures: Figures::of(&row.bug),
            stage: Stage::Running,
        });
        Self { order, onlooker, rows: rows.collect(), stage: Stage::Running }
    }

    /// How many seeds of a row may be under way at once.
    fn window(&self) -> u64 {
        let window = match self.order.extent {
            Extent::All => AHEAD * self.order.jobs.get(),
            Extent::UntilFound => self.order.jobs.get(),
        };
        window as u64
    }

    fn finish(self) -> Vec<MeasuredRow> {
        let rows = self.order.rows.iter().zip(self.rows);
        let rows = rows.map(|(row, UnderWay { figures, stage, .. })| {
            let standing = (stage == Stage::Over).then(|| figures.standing(&row.bug));
            MeasuredRow { figures, standing }
        });
        rows.collect()
    }

    /// Adds up what has its turn now.
    fn fold(&mut self, place: usize) {
        let (row, under_way) = (&self.order.rows[place], &mut self.rows[place]);
        while under_way.stage == Stage::Running
            && let Some(result) = under_way.ahead.remove(&under_way.figures.seeds)
        {
            let seed = under_way.figures.seeds;
            match result {
                Ok(showed) => under_way.figures.add(&row.bug, seed, &showed),
                Err(message) => under_way.figures.broke(seed, &message),
            }
            let is_enough = match self.order.extent {
                Extent::All => false,
                Extent::UntilFound => under_way.figures.is_settled(&row.bug),
            };
            if is_enough || under_way.figures.seeds >= self.order.seeds {
                under_way.stage = Stage::Over;
                under_way.ahead.clear();
            }
            self.onlooker.seed(row, &under_way.figures);
        }
    }
}

impl Foreman<Job, Done> for Measuring<'_> {
    fn next(&mut self) -> Option<Job> {
        if self.stage == Stage::Over {
            return None;
        }
        let (window, seeds) = (self.window(), self.order.seeds);
        let has_room = |row: &UnderWay| {
            row.stage == Stage::Running && row.next < seeds && row.next - row.figures.seeds < window
        };
        let place = self.rows.iter().position(has_room)?;
        let under_way = &mut self.rows[place];
        let job = Job { row: place, seed: under_way.next };
        under_way.next += 1;
        Some(job)
    }

    fn take(&mut self, job: Job, done: Done) {
        let Some(result) = done else {
            self.stage = Stage::Over;
            return;
        };
        if self.rows[job.row].stage == Stage::Running {
            self.rows[job.row].ahead.insert(job.seed, result);
            self.fold(job.row);
        }
    }
}
