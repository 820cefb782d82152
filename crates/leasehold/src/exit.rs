//! Exit codes, stable for scripts.

use std::process::ExitCode;

use leasehold_check::Verdict;

/// How a command ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    /// All is as it should be.
    Fine,
    /// An invariant was violated, or an expectation is not met.
    Violated,
    /// The command line or the scenario is wrong.
    Usage,
    /// The same input gave two digests.
    NotDeterministic,
    /// The run says nothing.
    Vacuous,
    /// Shards are missing in a merge.
    Incomplete,
    /// Safe, but a latency budget was missed.
    BudgetMissed,
    /// Results could not be written.
    NotWritten,
    /// A node panicked, or the harness itself.
    Panicked,
    /// By SIGINT: what is complete is kept.
    Interrupted,
    /// By SIGTERM: what is complete is kept.
    Terminated,
}

impl Exit {
    /// What a verdict alone comes to.
    pub(crate) fn of(verdict: Verdict) -> Self {
        match verdict {
            Verdict::Pass => Self::Fine,
            Verdict::Vacuous | Verdict::Inconclusive => Self::Vacuous,
            Verdict::BudgetMissed => Self::BudgetMissed,
            Verdict::Liveness | Verdict::Violation => Self::Violated,
            Verdict::NotDeterministic => Self::NotDeterministic,
            Verdict::Panic => Self::Panicked,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(match exit {
            Exit::Fine => 0_u8,
            Exit::Violated => 1,
            Exit::Usage => 2,
            Exit::NotDeterministic => 3,
            Exit::Vacuous => 4,
            Exit::Incomplete => 5,
            Exit::BudgetMissed => 6,
            Exit::NotWritten => 74,
            Exit::Panicked => 101,
            Exit::Interrupted => 130,
            Exit::Terminated => 143,
        })
    }
}
