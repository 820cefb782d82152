//! Runs a program: many runs on many threads, and what they come to in the order of their positions.

mod audit;
mod sum;

pub use audit::Audit;
pub use sum::{Plateau, Until};

use std::collections::{BTreeMap, VecDeque};
use std::num::NonZeroUsize;
use std::ops::{ControlFlow, Range};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};

use leasehold_report::{Histograms, meter_of_budgets};
use leasehold_scenario::{Digest, System};
use rayon::{Scope, ThreadPool, ThreadPoolBuilder};
use thiserror::Error;

use crate::fingerprint::Fingerprint;
use crate::investigation::{Confirmation, Investigation};
use crate::program::{Expectation, Job, Program};
use crate::record::RunRecord;
use crate::tally::{Novelty, Tally};
use sum::Sum;

/// The names of the threads that run nodes begin with this, so that a panic hook can tell them from others.
pub const THREAD: &str = "leasehold sweep";

/// How many runs each thread may be ahead of the oldest that is not over. Chosen by us: so many that a long run keeps
/// nobody waiting, so few that they are no matter for memory.
const AHEAD: u64 = 64;

/// A part of a program, and how it is to be run.
pub struct SweepOrder<'a> {
    /// The program.
    pub program: &'a Program,
    /// Which positions of it.
    pub positions: Range<u64>,
    /// The systems that its scenarios name.
    pub systems: &'a [&'a dyn System],
    /// On how many threads.
    pub jobs: NonZeroUsize,
    /// Which runs are run twice.
    pub audit: Audit,
    /// When there have been enough, beside the end of the positions.
    pub until: Until,
    /// Asked before each run and between the runs of an investigation, on any thread.
    pub wish: &'a (dyn Fn() -> Wish + Sync),
}

/// What whoever ordered a sweep wants now. Never goes back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Wish {
    /// On with it.
    GoOn,
    /// No run is begun any more; failures are still looked into.
    NoMoreRuns,
    /// As soon as it can be.
    Hurry,
}

/// Is told what comes out of a sweep, on the thread that called it.
pub trait Overseer {
    /// A run is over. They come in the order of their positions, whatever the threads did. The tally has it already.
    /// To break ends the sweep.
    fn record(&mut self, record: &RunRecord, tally: &Tally) -> ControlFlow<()>;

    /// The first failure of its kind was looked into. They come in the order of their positions too, but records of
    /// later ones may come before. To break ends the sweep.
    fn investigated(&mut self, finding: Finding) -> ControlFlow<()>;
}

/// The first failure of its kind, looked into.
#[derive(Debug)]
pub struct Finding {
    /// The position of the run.
    pub position: u64,
    /// The run.
    pub job: Job,
    /// What was found.
    pub investigation: Investigation,
}

/// What a sweep came to.
#[derive(Debug)]
pub struct SweepEnd {
    /// The sum of its runs.
    pub tally: Tally,
    /// All positions below this are done.
    pub done_to: u64,
    /// Why it ended.
    pub reason: Reason,
    /// How many runs were run twice.
    pub audited: u64,
    /// Runs that are missing, because the harness itself panicked.
    pub broken: Vec<Broken>,
}

/// Why a sweep ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// Everything was run.
    Complete,
    /// There were as many failing runs as were asked for.
    EnoughFailures,
    /// Nothing new came for a long time.
    Plateau,
    /// It was wished.
    Asked,
}

/// A run in which the harness itself panicked: a bug of ours.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Broken {
    /// The run.
    pub job: Job,
    /// What the panic said.
    pub message: String,
}

/// Why a sweep did not begin.
#[derive(Debug, Error)]
#[error("{jobs} threads could not be started: {reason}")]
pub struct NoThreads {
    jobs: NonZeroUsize,
    reason: String,
}

/// A sweep that may have been begun before.
pub struct Sweep<'a> {
    order: &'a SweepOrder<'a>,
    sum: Sum,
    /// The position that comes next.
    next: u64,
    /// Failures that are to be looked into.
    open: VecDeque<Suspect>,
}

/// Whether the first failure of its kind was looked into already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Known {
    /// It was.
    LookedInto,
    /// It is still to be.
    Open,
}

/// A failure that is to be looked into.
struct Suspect {
    position: u64,
    job: Job,
    fingerprint: Fingerprint,
    digest: Digest,
}

/// What a thread hands back.
enum Done {
    Ran { position: u64, result: Ran },
    Investigated { place: usize, result: Box<Result<Finding, Broken>> },
}

enum Ran {
    Fine(Box<RunRecord>, Runs),
    Broken(Broken),
    Skipped,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Runs {
    One,
    Two,
}

/// Runs what was ordered, and tells the overseer. The same order gives the same records, whatever the threads.
///
/// # Errors
///
/// If the threads could not be started.
pub fn sweep(order: &SweepOrder<'_>, overseer: &mut dyn Overseer) -> Result<SweepEnd, NoThreads> {
    Sweep::new(order).run(overseer)
}

/// Threads that run nodes, named by what they do.
pub(crate) fn threads(jobs: NonZeroUsize, doing: &str) -> Result<ThreadPool, NoThreads> {
    let name = format!("{THREAD} {doing}");
    ThreadPoolBuilder::new()
        .num_threads(jobs.get())
        .thread_name(move |place| format!("{name}{place}"))
        .build()
        .map_err(|error| NoThreads { jobs, reason: error.to_string() })
}

impl<'a> Sweep<'a> {
    /// One that begins with the first position.
    pub fn new(order: &'a SweepOrder<'a>) -> Self {
        let sum = Sum::new(order.until);
        Self { order, sum, next: order.positions.start, open: VecDeque::new() }
    }

    /// Takes over a run that was done before. They have to come in the order of positions, from the first on. Says
    /// whether it brought a failure that was not known; `known` says then whether it was looked into.
    ///
    /// # Panics
    ///
    /// If it is of another position than the next.
    pub fn take_over(&mut self, record: &RunRecord, known: impl FnOnce(&Fingerprint) -> Known) {
        assert_eq!(record.position, self.next, "runs are taken over in their order");
        self.next += 1;
        if self.sum.add(record) == Novelty::NewFailure
            && record.failed.first().is_some_and(|first| known(first) == Known::Open)
        {
            self.open.extend(Suspect::of(record));
        }
    }

    /// The sum of what was taken over.
    pub fn tally(&self) -> &Tally {
        self.sum.tally()
    }

    /// Runs what is left.
    ///
    /// # Errors
    ///
    /// If the threads could not be started.
    pub fn run(self, overseer: &mut dyn Overseer) -> Result<SweepEnd, NoThreads> {
        let jobs = self.order.jobs;
        let pool = threads(jobs, "")?;
        let closed = AtomicBool::new(false);
        Ok(pool.in_place_scope(|scope| {
            let (sender, receiver) = channel();
            let desk = Desk {
                order: self.order,
                scope,
                closed: &closed,
                sender,
                sum: self.sum,
                next: self.next,
                folded: self.next,
                ahead: BTreeMap::new(),
                under_way: 0,
                suspects: 0,
                told: 0,
                findings: BTreeMap::new(),
                reason: Reason::Complete,
                audited: 0,
                broken: Vec::new(),
            };
            desk.work(self.open, &receiver, overseer)
        }))
    }
}

impl Suspect {
    fn of(record: &RunRecord) -> Option<Self> {
        let fingerprint = record.failed.first()?.clone();
        let job = Job { scenario: record.scenario, seed: record.seed };
        Some(Self { position: record.position, job, fingerprint, digest: record.digest })
    }
}

/// Where work is handed out and results come in. Threads take work in the order in which it is handed out.
struct Desk<'d, 's> {
    order: &'s SweepOrder<'s>,
    scope: &'d Scope<'s>,
    /// Whether no run is begun any more.
    closed: &'s AtomicBool,
    sender: Sender<Done>,
    sum: Sum,
    /// The position that is handed out next.
    next: u64,
    /// The position that is added up next.
    folded: u64,
    /// Results that came before their turn.
    ahead: BTreeMap<u64, Ran>,
    /// How much was handed out and has not come back.
    under_way: u64,
    /// How many failures were given to be looked into.
    suspects: usize,
    /// How many of them were told on.
    told: usize,
    /// Those that came before their turn.
    findings: BTreeMap<usize, Box<Result<Finding, Broken>>>,
    reason: Reason,
    audited: u64,
    broken: Vec<Broken>,
}

impl Desk<'_, '_> {
    fn work(
        mut self,
        open: VecDeque<Suspect>,
        receiver: &Receiver<Done>,
        overseer: &mut dyn Overseer,
    ) -> SweepEnd {
        open.into_iter().for_each(|suspect| self.look_into(suspect));
        if let Some(reason) = self.sum.enough() {
            self.close(reason);
        }
        loop {
            self.hand_out();
            if self.under_way == 0 {
                break;
            }
            let done = receiver.recv().expect("a sender is kept here");
            self.under_way -= 1;
            match done {
                Done::Ran { position, result } => {
                    self.ahead.insert(position, result);
                    self.fold(overseer);
                }
                Done::Investigated { place, result } => {
                    self.findings.insert(place, result);
                    self.tell(overseer);
                }
            }
        }
        SweepEnd {
            tally: self.sum.into_tally(),
            done_to: self.folded,
            reason: self.reason,
            audited: self.audited,
            broken: self.broken,
        }
    }

    fn is_closed(&self) -> bool {
        self.closed.load(Ordering::Relaxed)
    }

    fn close(&mut self, reason: Reason) {
        if !self.is_closed() {
            self.closed.store(true, Ordering::Relaxed);
            self.reason = reason;
        }
    }

    fn hand_out(&mut self) {
        let window = AHEAD.saturating_mul(self.order.jobs.get() as u64);
        while !self.is_closed() && self.next < self.order.positions.end && self.next - self.folded < window {
            let (order, closed, sender) = (self.order, self.closed, self.sender.clone());
            let position = self.next;
            self.scope.spawn(move |_| {
                let result = if closed.load(Ordering::Relaxed) || (order.wish)() > Wish::GoOn {
                    Ran::Skipped
                } else {
                    order.run(position)
                };
                // Nobody listens any more only if the caller panicked.
                let _ = sender.send(Done::Ran { position, result });
            });
            self.next += 1;
            self.under_way += 1;
        }
    }

    /// Adds up what has its turn now.
    fn fold(&mut self, overseer: &mut dyn Overseer) {
        while !self.is_closed()
            && let Some(result) = self.ahead.remove(&self.folded)
        {
            match result {
                Ran::Skipped => {
                    self.close(Reason::Asked);
                    return;
                }
                Ran::Broken(broken) => {
                    self.broken.push(broken);
                    self.folded += 1;
                }
                Ran::Fine(record, runs) => {
                    self.folded += 1;
                    self.audited += u64::from(runs == Runs::Two);
                    self.add(&record, overseer);
                }
            }
        }
    }

    fn add(&mut self, record: &RunRecord, overseer: &mut dyn Overseer) {
        if self.sum.add(record) == Novelty::NewFailure
            && let Some(suspect) = Suspect::of(record)
        {
            self.look_into(suspect);
        }
        let flow = overseer.record(record, self.sum.tally());
        if flow.is_break() {
            self.close(Reason::Asked);
        } else if let Some(reason) = self.sum.enough()
            && self.folded < self.order.positions.end
        {
            self.close(reason);
        }
    }

    fn look_into(&mut self, suspect: Suspect) {
        let (order, sender, place) = (self.order, self.sender.clone(), self.suspects);
        self.scope.spawn(move |_| {
            let result = Box::new(order.investigate(suspect));
            let _ = sender.send(Done::Investigated { place, result });
        });
        self.suspects += 1;
        self.under_way += 1;
    }

    /// Tells on the findings that have their turn now.
    fn tell(&mut self, overseer: &mut dyn Overseer) {
        while let Some(result) = self.findings.remove(&self.told) {
            self.told += 1;
            match *result {
                Ok(finding) => {
                    if overseer.investigated(finding).is_break() {
                        self.close(Reason::Asked);
                    }
                }
                Err(broken) => self.broken.push(broken),
            }
        }
    }
}

impl SweepOrder<'_> {
    fn run(&self, position: u64) -> Ran {
        let job = self.program.job(position);
        let run = || {
            let trial = self.program.trial(job, self.systems);
            let mut samples = Histograms::default();
            let engine = self.program.engine(job.scenario);
            let expectation = self.program.options().expectation;
            let mut meter = match expectation {
                Expectation::Counts => meter_of_budgets(&trial, engine),
                Expectation::Ignored => None,
            };
            let report = trial.run(engine, &mut (&mut samples, &mut meter));
            let budgets = meter.map(|meter| meter.finish(report.outcome.ended_at)).unwrap_or_default();
            let record = RunRecord::of(position, job, &trial, &report, &samples, expectation);
            let record = record.with_budgets(budgets);
            let name = &self.program.entries()[job.scenario].scenario.name;
            if !self.audit.picks(name, job.seed) {
                return (record, Runs::One);
            }
            // From the seed on: a plan that is drawn differently is as bad as a run that differs.
            let again = self.program.trial(job, self.systems).run(engine, &mut ());
            (record.audited(again.digest), Runs::Two)
        };
        match guarded(job, run) {
            Ok((record, runs)) => Ran::Fine(Box::new(record), runs),
            Err(broken) => Ran::Broken(broken),
        }
    }

    fn investigate(&self, suspect: Suspect) -> Result<Finding, Broken> {
        let Suspect { position, job, fingerprint, digest } = suspect;
        guarded(job, || {
            let trial = self.program.trial(job, self.systems);
            let engine = self.program.engine(job.scenario);
            let report = trial.run(engine, &mut ());
            let again = report.digest;
            // Of a run that is another each time nothing smaller can be found.
            let stop = || again != digest || (self.wish)() == Wish::Hurry;
            let mut investigation =
                Investigation::new(trial, report, fingerprint, engine, self.systems, &stop);
            if again != digest {
                investigation.confirmation = Confirmation::Differs(digest);
            }
            Finding { position, job, investigation }
        })
    }
}

/// What a run comes to, if the harness does not panic.
pub(crate) fn guarded<T>(job: Job, run: impl FnOnce() -> T) -> Result<T, Broken> {
    broken_by(run).map_err(|message| Broken { job, message })
}

/// The same of what is no run of a sweep: or what the panic said.
pub(crate) fn broken_by<T>(run: impl FnOnce() -> T) -> Result<T, String> {
    catch_unwind(AssertUnwindSafe(run)).map_err(|panic| {
        let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
        let text = text.or_else(|| panic.downcast_ref::<String>().cloned());
        text.unwrap_or_else(|| "a panic without a message".to_owned())
    })
}

#[cfg(test)]
mod tests;
