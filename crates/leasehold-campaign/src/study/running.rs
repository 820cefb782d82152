//! Runs the seeds of all points, and adds them up in the order of seeds.
//!
//! A position is a run: seed after seed, and with each seed all points. A seed counts when all its points are done, so that
//! all points have the same seeds whenever somebody stops.

use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::ops::{ControlFlow, Range};

use leasehold_report::Meter;
use leasehold_scenario::{System, Trial};

use super::Study;
use super::sums::{PointSum, StudyRun};
use crate::desk::{Foreman, work};
use crate::sweep::{NoThreads, Wish, broken_by};

/// How many runs each thread may be ahead of the oldest that is not over. Chosen by us as for sweeps.
const AHEAD: usize = 64;

/// What is to be run of a study, and how.
pub struct StudyOrder<'a> {
    /// The study.
    pub study: &'a Study,
    /// Which seeds.
    pub seeds: Range<u64>,
    /// The systems that its scenario names.
    pub systems: &'a [&'a dyn System],
    /// On how many threads.
    pub jobs: NonZeroUsize,
    /// Asked before each run, on any thread.
    pub wish: &'a (dyn Fn() -> Wish + Sync),
}

/// Is told what comes out of a study, on the thread that called it.
pub trait StudyOverseer {
    /// A run is over, whichever.
    fn ran(&mut self);
    /// All points of a seed are done. Seeds come in order. To break ends the study.
    fn seed(&mut self, seed: u64, runs: &[StudyRun]) -> ControlFlow<()>;
}

/// What came of the seeds of a study.
#[derive(Debug)]
pub struct StudyEnd {
    /// All seeds below this are done.
    pub done_to: u64,
    /// The harness itself panicked in a run: at this point, with this seed, and with this message.
    pub broken: Option<(usize, u64, String)>,
}

/// Runs what is ordered. The sums of the points are added to.
///
/// # Errors
///
/// If the threads could not be started.
pub fn run_study(
    order: &StudyOrder<'_>,
    sums: &mut [PointSum],
    overseer: &mut dyn StudyOverseer,
) -> Result<StudyEnd, NoThreads> {
    let points = order.study.points().len();
    let does = |job: Job| {
        let is_wanted = (order.wish)() < Wish::Hurry;
        is_wanted.then(|| broken_by(|| Box::new(run(order, job))))
    };
    let mut running = Running {
        order,
        sums,
        overseer,
        next: Job { seed: order.seeds.start, point: 0 },
        done_to: order.seeds.start,
        ahead: BTreeMap::new(),
        broken: None,
        stage: Stage::Running,
    };
    // A seed can only be added up when all its points are there.
    let most = (AHEAD * order.jobs.get()).max(2 * points);
    work(order.jobs, most, &does, &mut running)?;
    Ok(StudyEnd { done_to: running.done_to, broken: running.broken })
}

fn run(order: &StudyOrder<'_>, job: Job) -> StudyRun {
    let study = order.study;
    let scenario = &study.points()[job.point].scenario;
    let engine = scenario.engine;
    let trial = Trial::meant_for(engine, scenario, job.seed, study.faults(), order.systems);
    let mut meter = Meter::of(&trial, engine, study.metrics());
    let report = trial.run(engine, &mut meter);
    let measured = meter.finish(report.outcome.ended_at);
    StudyRun::new(&trial, &report, measured)
}

/// One run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Job {
    seed: u64,
    point: usize,
}

/// What came of it; nothing if it was not begun. The harness itself may have panicked.
type Done = Option<Result<Box<StudyRun>, String>>;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    Running,
    Over,
}

struct Running<'a> {
    order: &'a StudyOrder<'a>,
    sums: &'a mut [PointSum],
    overseer: &'a mut dyn StudyOverseer,
    next: Job,
    done_to: u64,
    /// Runs of seeds that are not complete.
    ahead: BTreeMap<Job, StudyRun>,
    broken: Option<(usize, u64, String)>,
    stage: Stage,
}

impl Running<'_> {
    /// Adds up the seeds that are complete, in their order.
    fn fold(&mut self) {
        let points = self.sums.len();
        while self.stage == Stage::Running && self.done_to < self.order.seeds.end {
            let seed = self.done_to;
            let of_seed = Job { seed, point: 0 }..Job { seed, point: points };
            if self.ahead.range(of_seed).count() < points {
                return;
            }
            let later = self.ahead.split_off(&Job { seed, point: points });
            let runs: Vec<StudyRun> = std::mem::replace(&mut self.ahead, later).into_values().collect();
            for (sum, run) in self.sums.iter_mut().zip(&runs) {
                sum.add_run(seed, run);
            }
            self.done_to += 1;
            if self.overseer.seed(seed, &runs).is_break() {
                self.stage = Stage::Over;
            }
        }
    }
}

impl Foreman<Job, Done> for Running<'_> {
    fn next(&mut self) -> Option<Job> {
        let job = self.next;
        if self.stage == Stage::Over || job.seed >= self.order.seeds.end {
            return None;
        }
        // A seed that was begun is finished, unless there is a hurry.
        if job.point == 0 && (self.order.wish)() > Wish::GoOn {
            self.next.seed = self.order.seeds.end;
            return None;
        }
        let is_last = job.point + 1 == self.sums.len();
        self.next =
            if is_last { Job { seed: job.seed + 1, point: 0 } } else { Job { point: job.point + 1, ..job } };
        Some(job)
    }

    fn take(&mut self, job: Job, done: Done) {
        match done {
            None => self.stage = Stage::Over,
            Some(Err(message)) => {
                // Threads come in any order: the first of all is told.
                let is_first = self
                    .broken
                    .as_ref()
                    .is_none_or(|(point, seed, _)| job < Job { seed: *seed, point: *point });
                if is_first {
                    self.broken = Some((job.point, job.seed, message));
                }
                self.next.seed = self.order.seeds.end;
            }
            Some(Ok(run)) => {
                self.overseer.ran();
                self.ahead.insert(job, *run);
                // Only a run of the oldest seed can complete it.
                if job.seed == self.done_to {
                    self.fold();
                }
            }
        }
    }
}
