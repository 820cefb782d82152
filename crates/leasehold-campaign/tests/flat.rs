//! The memory of a sweep does not grow with the number of its runs.
//!
//! One test in a process of its own: it looks at what the whole process holds.
#![cfg(target_os = "linux")]
#![expect(clippy::unwrap_used, reason = "a test may fail so")]

use std::num::NonZeroUsize;
use std::ops::ControlFlow;

use leasehold_campaign::{
    Audit, Expectation, Finding, Overseer, Program, ProgramOptions, RunRecord, SweepOrder, Tally, Until,
    Wish, sweep,
};
use leasehold_scenario::{Faults, SingleGrantor, System, Variant};

const SYSTEMS: &[&dyn System] = &[&SingleGrantor];

/// What the process holds, in KiB.
fn resident() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

/// Looks when a tenth of the runs is done, and when all are.
struct Scale {
    early: u64,
    runs: u64,
    after: u64,
}

impl Overseer for Scale {
    fn record(&mut self, _: &RunRecord, _: &Tally) -> ControlFlow<()> {
        self.runs += 1;
        if self.runs == self.after {
            self.early = resident();
        }
        ControlFlow::Continue(())
    }

    fn investigated(&mut self, _: Finding) -> ControlFlow<()> {
        ControlFlow::Continue(())
    }
}

#[test]
fn ten_times_the_runs_take_no_more_memory() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("short.toml");
    // Without a fence and with pauses: failures are counted too.
    let text = "schema = 1\nsummary = \"A short run.\"\n[lease]\nttl = \"200ms\"\n[network]\nlatency = \"1ms\"\n\
                [resource]\nfence = \"none\"\n[chaos]\ndraw = []\nonly = [\"pause\", \"crash\"]\n\
                [phases]\nchaos = \"500ms\"\nsettle = \"0s\"\n";
    std::fs::write(&path, text).unwrap();
    let options = ProgramOptions {
        seeds: "0..20000".parse().unwrap(),
        overlays: Vec::new(),
        variant: Variant::AsWritten,
        faults: Faults::Random,
        expectation: Expectation::Counts,
        engine: None,
    };
    let program = Program::load(&[path], options, SYSTEMS).unwrap();
    let order = SweepOrder {
        program: &program,
        positions: 0..program.total(),
        systems: SYSTEMS,
        jobs: NonZeroUsize::new(2).unwrap(),
        audit: Audit::default(),
        until: Until::default(),
        wish: &|| Wish::GoOn,
    };
    let mut scale = Scale { early: 0, runs: 0, after: 2_000 };
    sweep(&order, &mut scale).unwrap();
    let late = resident();
    assert_eq!(scale.runs, 20_000);
    let grown = late.saturating_sub(scale.early);
    assert!(
        grown < 2_048,
        "18,000 more runs took {grown} KiB more than the {} KiB of the first",
        scale.early
    );
}
