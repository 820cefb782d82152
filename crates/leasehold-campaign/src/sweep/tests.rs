use std::num::NonZeroU64;
use std::path::Path;
use std::sync::atomic::AtomicU64;

use leasehold_core::plan::Chance;
use leasehold_scenario::{Faults, SingleGrantor, Variant};

use super::*;
use crate::program::{Expectation, ProgramOptions};

/// Two scenarios of a few simulated seconds: the first loses updates, the other passes.
fn program(seeds: &str) -> Program {
    let scenarios = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../scenarios");
    let paths = ["breaks/pause-without-fencing.toml", "holds/gc-pause-across-expiry.toml"];
    let overlay = |text: &str| text.to_owned();
    let options = ProgramOptions {
        seeds: seeds.parse().unwrap(),
        overlays: [
            "lease.ttl=1s",
            "fault.0.from=500ms",
            "fault.0.for=2s",
            "phases.chaos=4s",
            "phases.settle=1s",
        ]
        .map(overlay)
        .into(),
        variant: Variant::AsWritten,
        faults: Faults::Scripted,
        expectation: Expectation::Ignored,
        engine: None,
    };
    Program::load(&paths.map(|path| scenarios.join(path)), options, &[&SingleGrantor]).unwrap()
}

const SYSTEMS: &[&dyn System] = &[&SingleGrantor];

fn order<'a>(program: &'a Program, jobs: usize) -> SweepOrder<'a> {
    SweepOrder {
        program,
        positions: 0..program.total(),
        systems: SYSTEMS,
        jobs: NonZeroUsize::new(jobs).unwrap(),
        audit: Audit::of(Chance::from_ppm(300_000).unwrap()),
        until: Until::default(),
        wish: &|| Wish::GoOn,
    }
}

/// Keeps all that it is told, and has enough after so many records.
struct Listener {
    records: Vec<RunRecord>,
    findings: Vec<(u64, Job, String)>,
    enough: usize,
}

impl Listener {
    fn new() -> Self {
        Self { records: Vec::new(), findings: Vec::new(), enough: usize::MAX }
    }
}

impl Overseer for Listener {
    fn record(&mut self, record: &RunRecord, tally: &Tally) -> ControlFlow<()> {
        self.records.push(record.clone());
        assert_eq!(tally.runs(), self.records.len() as u64);
        if self.records.len() == self.enough { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    }

    fn investigated(&mut self, finding: Finding) -> ControlFlow<()> {
        assert_eq!(finding.investigation.confirmation, Confirmation::Same);
        let fingerprint = finding.investigation.fingerprint.slug();
        self.findings.push((finding.position, finding.job, fingerprint));
        ControlFlow::Continue(())
    }
}

fn swept(order: &SweepOrder<'_>) -> (SweepEnd, Listener) {
    let mut listener = Listener::new();
    let end = sweep(order, &mut listener).unwrap();
    (end, listener)
}

#[test]
fn any_number_of_threads_gives_the_same_records_in_order() {
    let program = program("0..40");
    let (end, one) = swept(&order(&program, 1));
    assert!(one.records.iter().map(|record| record.position).eq(0..80));
    assert_eq!((end.reason, end.done_to, end.tally.runs()), (Reason::Complete, 80, 80));
    assert!(end.broken.is_empty());
    assert!((10..40).contains(&end.audited), "about a third is run twice: {}", end.audited);
    assert!(end.tally.scenarios[0].failed > 20, "the unfenced design fails");
    assert_eq!(end.tally.scenarios[1].failed, 0, "the other holds");
    assert!(!one.findings.is_empty() && one.findings.is_sorted());
    let first = &one.records[usize::try_from(one.findings[0].0).unwrap()];
    assert_eq!(first.failed[0].slug(), one.findings[0].2);
    for jobs in [2, 5] {
        let (more_end, more) = swept(&order(&program, jobs));
        assert_eq!(more.records, one.records, "{jobs} threads");
        assert_eq!(more.findings, one.findings);
        assert_eq!((more_end.tally, more_end.audited), (end.tally.clone(), end.audited));
    }
}

#[test]
fn a_sweep_stops_after_so_many_failing_runs_whatever_the_threads() {
    let program = program("0..200");
    for jobs in [1, 4] {
        let mut order = order(&program, jobs);
        order.until.failures = NonZeroU64::new(7);
        let (end, listener) = swept(&order);
        assert_eq!((end.reason, end.tally.failed()), (Reason::EnoughFailures, 7));
        assert_eq!(listener.records.iter().filter(|record| !record.failed.is_empty()).count(), 7);
        assert!(!listener.records.last().unwrap().failed.is_empty(), "it stops at the seventh");
        assert_eq!(end.done_to, listener.records.len() as u64);
    }
}

#[test]
fn a_sweep_stops_when_nothing_new_comes() {
    let program = program("0..100000");
    let program = program.only((0..3_000).map(|seed| Job { scenario: 0, seed: seed % 7 }));
    assert_eq!(program.total(), 7, "each run counts once");
    let mut few = order(&program, 2);
    few.until.plateau = Plateau::Stop;
    assert_eq!(swept(&few).0.reason, Reason::Complete);

    let mut sum = Sum::new(few.until);
    let mut record = swept(&few).1.records.remove(0);
    let mut runs = 0;
    let mut until_enough = |record: &RunRecord| {
        while sum.enough().is_none() {
            sum.add(record);
            runs += 1;
        }
        runs
    };
    assert_eq!(until_enough(&record), 1_001, "one new run, and a thousand after it");
    record.scenario = 1;
    sum.add(&record);
    assert_eq!(sum.enough(), None, "what is new in one scenario is new");
}

#[test]
fn whoever_ordered_it_can_end_it_and_has_all_up_to_there() {
    let program = program("0..500");
    let begun = AtomicU64::new(0);
    let wish = || match begun.fetch_add(1, Ordering::Relaxed) {
        0..=50 => Wish::GoOn,
        _ => Wish::NoMoreRuns,
    };
    let order = SweepOrder { wish: &wish, ..order(&program, 3) };
    let (end, listener) = swept(&order);
    assert_eq!(end.reason, Reason::Asked);
    assert!((49..=51).contains(&end.done_to), "what was begun is finished: {}", end.done_to);
    assert!(listener.records.iter().map(|record| record.position).eq(0..end.done_to));
    assert!(!listener.findings.is_empty(), "what failed is still looked into");
}

#[test]
fn an_overseer_that_has_enough_ends_it() {
    let program = program("0..500");
    let order = order(&program, 3);
    let mut listener = Listener { enough: 9, ..Listener::new() };
    let end = sweep(&order, &mut listener).unwrap();
    assert_eq!((end.reason, end.done_to, listener.records.len()), (Reason::Asked, 9, 9));
}

#[test]
fn a_sweep_that_goes_on_is_one_that_was_never_interrupted() {
    let program = program("0..30");
    let (whole_end, whole) = swept(&order(&program, 2));
    for from in [0, 1, 17, 60] {
        for known in [Known::LookedInto, Known::Open] {
            let order = order(&program, 2);
            let mut sweep = Sweep::new(&order);
            let earlier = &whole.records[..from];
            earlier.iter().for_each(|record| sweep.take_over(record, |_| known));
            let mut listener = Listener::new();
            listener.records.extend_from_slice(earlier);
            let end = sweep.run(&mut listener).unwrap();
            assert_eq!((&listener.records, &end.tally), (&whole.records, &whole_end.tally));
            let open = |finding: &&(u64, Job, String)| known == Known::Open || finding.0 >= from as u64;
            let expected: Vec<_> = whole.findings.iter().filter(open).cloned().collect();
            assert_eq!(listener.findings, expected, "from {from}, {known:?}");
        }
    }
}

#[test]
fn a_part_of_the_positions_is_the_same_part_of_the_whole() {
    let program = program("0..30");
    let (_, whole) = swept(&order(&program, 2));
    let (end, part) = swept(&SweepOrder { positions: 13..44, ..order(&program, 2) });
    assert_eq!(part.records, whole.records[13..44]);
    assert_eq!((end.done_to, end.reason), (44, Reason::Complete));
}

#[test]
fn a_panic_of_the_harness_is_kept_with_its_run() {
    let job = Job { scenario: 3, seed: 17 };
    let told = |result: Result<(), Broken>| result.unwrap_err().message;
    assert_eq!(told(guarded(job, || panic!("one"))), "one");
    assert_eq!(told(guarded(job, || panic!("{} two", 1))), "1 two");
    assert_eq!(guarded(job, || 5), Ok(5));
}
