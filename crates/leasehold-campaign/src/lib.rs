//! Many seeds: sweeps, shards and their merge, and what becomes of a failure.
//!
//! A sweep makes a [`RunRecord`] of every run. A [`Tally`] is nothing but a sum of records: so shards can be merged by
//! reading their records again, in any order, and the sum is that of one unsharded sweep. A run that fails has a
//! [`Fingerprint`]; the first of each is run again, shrunk, and stored as a folder.
//!
//! # What this crate does not do
//!
//! It prints nothing, looks at no clock and no environment variable, and installs no signal handler: whoever calls it
//! says when to stop. It knows no protocol and no engine beside what a [`Scenario`](leasehold_scenario::Scenario)
//! gives it.

mod caption;
mod confirm;
mod desk;
mod explain;
mod failure;
mod files;
mod fingerprint;
mod investigation;
mod junit;
mod merge;
mod mutants;
mod pairs;
mod placed;
mod program;
mod record;
mod results;
mod seeds;
mod shard;
mod shrink;
mod standing;
mod story;
mod study;
mod sweep;
mod tally;
mod trace;

pub use caption::caption;
pub use confirm::{Agreement, Candidate, Candidates, Confirmed, confirm};
pub use explain::{Dissection, Part, leave_out, shows};
pub use failure::{
    ClosestCallRecord, DrawnRecord, FAILURE_FORMAT, FailureError, FailureFolder, FailureRecord, Origin,
    ScenarioRecord, SettingRecord, ShrunkRecord, ViolationRecord, shell_path, shell_word, store,
};
pub use files::{Found, scenario_files};
pub use fingerprint::Fingerprint;
pub use investigation::{Confirmation, Investigation, Search, Shrunk};
pub use junit::junit;
pub use merge::{MergeError, Merged, TwoDigests, merge};
pub use mutants::{
    Caught, Completeness, Extent, Figures, Interval, Matrix, MatrixRow, Measured, MeasuredRow, Missing,
    MutantsFolder, MutantsOrder, Onlooker, Row, RowStanding, RowsError, RowsOrder, SafeFigures,
    ScriptFigures, UNEXERCISED, catalogue, excused, measure, median, of_thousand, rows,
};
pub use placed::PlacedFile;
pub use program::{Entry, Expectation, Job, LeftOut, Program, ProgramError, ProgramOptions};
pub use record::{FaultCount, InvariantCount, MeasureCount, RunRecord};
pub use results::{
    Expects, FaultSource, Kept, Manifest, MeasureSummary, Order, OrderedScenario, Records, Replace, Results,
    ResultsError, ResultsWriter, StoredFailure, Timing, VariantName,
};
pub use seeds::{BadSeeds, SeedRange, seed};
pub use shard::{Shard, ShardError, Taken};
pub use shrink::{Failure, MOST_RUNS, Progress, most_runs, shrink};
pub use standing::{Standing, Unmet, Whole};
pub use story::{
    Belief, Ending, Late, Listing, Loss, LostMessages, Moment, Routine, Sentence, Story, TenureId, Wrong,
};
pub use study::{
    FailedRun, KeptStudy, MergedStudy, Point, PointSum, RunRows, Size, Study, StudyEnd, StudyError,
    StudyFolder, StudyManifest, StudyMergeError, StudyOrder, StudyOverseer, StudyResults, StudyRun,
    StudyWhat, is_study, merge_studies, number, run_study,
};
pub use sweep::{
    Audit, Broken, Finding, Known, NoThreads, Overseer, Plateau, Reason, Sweep, SweepEnd, SweepOrder, THREAD,
    Until, Wish, sweep,
};
pub use tally::{FailureTally, MeasureTally, Novelty, ScenarioTally, Tally, closer};
pub use trace::{
    Comparison, Continuation, Difference, Parting, Recorded, Recorder, RejudgeError, Rejudged, TraceError,
    TraceProblem, TraceReader, parting, rejudge,
};
