//! One run of a scenario: plan, engine, digest and checkers together.

use std::cell::RefCell;
use std::ops::ControlFlow;

use leasehold_check::{Finding, Hazard, Invariant, Judge, Judgement, Sample, Verdict};
use leasehold_core::event::Probe;
use leasehold_core::trace::Inexpressible;
use leasehold_core::{Event, EventSink, NodeId, Outcome, Passage, Plan, RunEnd, SimInstant};
use leasehold_turmoil::Note;

use crate::digest::{Digest, Digester};
use crate::engine::{Engine, Shell};
use crate::expect::{Expect, ExpectedVerdict, HazardPolicy};
use crate::scenario::Scenario;

/// Watches a run as it happens: for logs, traces and pictures. What it does changes nothing. It may be called on another
/// thread than that which began the run, while that one waits.
pub trait Observer: Send {
    /// Something happened.
    fn event(&mut self, event: &Event);
    /// The judge found something, at the event that was told last.
    fn finding(&mut self, finding: &Finding);
    /// A measurement was complete, at the event that was told last.
    fn sample(&mut self, _: &Sample) {}
    /// Something became of a message.
    fn message(&mut self, _: &Passage) {}
    /// The shell around a node did something. Nothing is judged by it, and no digest has it.
    fn note(&mut self, _: SimInstant, _: NodeId, _: &Note) {}
}

/// Watches nothing.
impl Observer for () {
    fn event(&mut self, _: &Event) {}
    fn finding(&mut self, _: &Finding) {}
}

impl<O: Observer + ?Sized> Observer for &mut O {
    fn event(&mut self, event: &Event) {
        (**self).event(event);
    }
    fn finding(&mut self, finding: &Finding) {
        (**self).finding(finding);
    }
    fn sample(&mut self, sample: &Sample) {
        (**self).sample(sample);
    }
    fn message(&mut self, passage: &Passage) {
        (**self).message(passage);
    }
    fn note(&mut self, at: SimInstant, node: NodeId, note: &Note) {
        (**self).note(at, node, note);
    }
}

impl<A: Observer, B: Observer> Observer for (A, B) {
    fn event(&mut self, event: &Event) {
        self.0.event(event);
        self.1.event(event);
    }
    fn finding(&mut self, finding: &Finding) {
        self.0.finding(finding);
        self.1.finding(finding);
    }
    fn sample(&mut self, sample: &Sample) {
        self.0.sample(sample);
        self.1.sample(sample);
    }
    fn message(&mut self, passage: &Passage) {
        self.0.message(passage);
        self.1.message(passage);
    }
    fn note(&mut self, at: SimInstant, node: NodeId, note: &Note) {
        self.0.note(at, node, note);
        self.1.note(at, node, note);
    }
}

impl<O: Observer> Observer for Option<O> {
    fn event(&mut self, event: &Event) {
        if let Some(observer) = self {
            observer.event(event);
        }
    }
    fn finding(&mut self, finding: &Finding) {
        if let Some(observer) = self {
            observer.finding(finding);
        }
    }
    fn sample(&mut self, sample: &Sample) {
        if let Some(observer) = self {
            observer.sample(sample);
        }
    }
    fn message(&mut self, passage: &Passage) {
        if let Some(observer) = self {
            observer.message(passage);
        }
    }
    fn note(&mut self, at: SimInstant, node: NodeId, note: &Note) {
        if let Some(observer) = self {
            observer.note(at, node, note);
        }
    }
}

/// All that is known of a run when it is over.
#[derive(Clone, Debug)]
pub struct Report {
    /// The seed.
    pub seed: u64,
    /// The engine.
    pub engine: Engine,
    /// Was it right?
    pub verdict: Verdict,
    /// How the scenario's expectation is not met, in words; empty if it is.
    pub unmet: Vec<String>,
    /// What of the plan the engine cannot express, and nobody allowed it to leave out. The run says nothing then of what
    /// would have come of it.
    pub inexpressible: Vec<Inexpressible>,
    /// The digest of its events.
    pub digest: Digest,
    /// How many events there were.
    pub events: u64,
    /// What became of the run and of each fault.
    pub outcome: Outcome,
    /// What the checkers say.
    pub judgement: Judgement,
}

impl Scenario {
    /// Runs the scenario as it is written under a seed, and judges it.
    pub fn run(&self, seed: u64, engine: Engine, observer: &mut dyn Observer) -> Report {
        self.run_plan(&self.plan_for(engine, seed), seed, engine, observer)
    }

    /// Runs a plan of this scenario and judges it. The seed is only told on.
    ///
    /// What the engine cannot express, and nobody allowed, makes the run inconclusive, if nothing worse came of it.
    pub fn run_plan(&self, plan: &Plan, seed: u64, engine: Engine, observer: &mut dyn Observer) -> Report {
        self.run_plan_until(plan, seed, engine, observer, &[])
    }

    /// The same, but the run ends as soon as one of these invariants is violated.
    pub(crate) fn run_plan_until(
        &self,
        plan: &Plan,
        seed: u64,
        engine: Engine,
        observer: &mut dyn Observer,
        violated: &[Invariant],
    ) -> Report {
        let header = self.header(plan, seed, engine);
        let inexpressible = self.inexpressible(plan, engine);
        engine.apart(|| {
            let judge = Judge::new(&header)
                .expect("a deployment names invariants that exist")
                .stop_at_violation_of(violated);
            let court = RefCell::new(Court { digester: Digester::default(), judge, observer });
            let mut notes = |at, node, note: &Note| court.borrow_mut().observer.note(at, node, note);
            let shell = Shell { policy: &self.shell, notes: &mut notes };
            let outcome = self.deployment.run_within(engine, plan, shell, &mut Bench(&court));
            let mut court = court.into_inner();
            let events = court.digester.events();
            let judgement = court.judge.finish(outcome.ended_at);
            court.tell();
            let digest = court.digester.finish();
            let verdict = Verdict::of(&judgement, &outcome.end, &self.expect.reach);
            let mut unmet = self.expect.unmet_by(verdict, &judgement, &outcome.end);
            let verdict = match inexpressible.is_empty() {
                true => verdict,
                false => verdict.max(Verdict::Inconclusive),
            };
            unmet.extend(inexpressible.iter().map(ToString::to_string));
            Report { seed, engine, verdict, unmet, inexpressible, digest, events, outcome, judgement }
        })
    }
}

struct Court<'o> {
    digester: Digester,
    judge: Judge,
    observer: &'o mut dyn Observer,
}

impl Court<'_> {
    fn tell(&mut self) {
        for finding in self.judge.drain_findings() {
            self.observer.finding(&finding);
        }
        for sample in self.judge.drain_samples() {
            self.observer.sample(&sample);
        }
    }
}

/// Where events come in, while notes come in beside them.
struct Bench<'c, 'o>(&'c RefCell<Court<'o>>);

impl EventSink for Bench<'_, '_> {
    fn on_event(&mut self, event: &Event) -> ControlFlow<()> {
        let court = &mut *self.0.borrow_mut();
        let _ = court.digester.on_event(event);
        let flow = court.judge.on_event(event);
        court.observer.event(event);
        court.tell();
        flow
    }

    fn on_message(&mut self, passage: &Passage) {
        self.0.borrow_mut().observer.message(passage);
    }
}

impl Expect {
    /// How a run does not meet this expectation, in words; empty if it does.
    pub fn unmet_by(&self, verdict: Verdict, judgement: &Judgement, end: &RunEnd) -> Vec<String> {
        let mut unmet = self.unexpected(judgement);
        match &self.verdict {
            ExpectedVerdict::Pass => unmet.extend(given_up(judgement)),
            ExpectedVerdict::Violation { invariant, .. } if !violated(judgement).contains(invariant) => {
                unmet.push(format!("{} {} was not violated", invariant.id(), invariant.name()));
            }
            ExpectedVerdict::Panic if !matches!(end, RunEnd::Panicked { .. }) => {
                unmet.push("no node panicked".to_owned());
            }
            ExpectedVerdict::Vacuous if verdict != Verdict::Vacuous => {
                unmet.push(format!("expected to be vacuous, but the verdict is {}", verdict.name()));
            }
            _ => {}
        }
        unmet.extend(self.broken_off(end));
        // A panic ends a run before it gets anywhere.
        if !matches!(self.verdict, ExpectedVerdict::Vacuous | ExpectedVerdict::Panic) {
            if judgement.judged() == 0 {
                unmet.push("nothing was judged".to_owned());
            }
            for missed in self.missed(judgement) {
                unmet.push(format!("the run did not reach {}", missed.name()));
            }
        }
        unmet.extend(self.hazards(judgement));
        unmet.extend(self.astray(judgement));
        unmet
    }

    /// What one of many runs did that none of them may, in words: a violation, a panic or a hazard that is not
    /// expected, or a place that no run may reach. What has to happen at least once is asked of all runs together.
    pub fn wrong_in(&self, judgement: &Judgement, end: &RunEnd) -> Vec<String> {
        let parts = [
            self.unexpected(judgement),
            self.broken_off(end),
            self.hazards(judgement),
            self.astray(judgement),
        ];
        parts.concat()
    }

    /// The violations that are not expected.
    fn unexpected(&self, judgement: &Judgement) -> Vec<String> {
        let expected = match &self.verdict {
            ExpectedVerdict::Pass => Vec::new(),
            ExpectedVerdict::Violation { invariant, also } => {
                also.iter().chain([invariant]).copied().collect()
            }
            ExpectedVerdict::Panic | ExpectedVerdict::Vacuous => return Vec::new(),
        };
        let others = violated(judgement).into_iter().filter(|invariant| !expected.contains(invariant));
        others.map(|other| format!("{} {} was violated", other.id(), other.name())).collect()
    }

    /// How the run ended before its time, if that is not expected.
    fn broken_off(&self, end: &RunEnd) -> Vec<String> {
        match end {
            RunEnd::Panicked { .. } if self.verdict != ExpectedVerdict::Panic => {
                vec!["a node panicked".to_owned()]
            }
            RunEnd::Livelock { .. } => vec!["the nodes were in a livelock".to_owned()],
            RunEnd::Panicked { .. } | RunEnd::Completed | RunEnd::Stopped => Vec::new(),
        }
    }

    /// The hazards, if there must be none.
    fn hazards(&self, judgement: &Judgement) -> Vec<String> {
        if self.hazard == HazardPolicy::Allowed {
            return Vec::new();
        }
        let seen = judgement.hazards.iter().filter(|report| report.seen > 0);
        seen.map(|report| format!("there were hazards: {}", Hazard::name(report.hazard))).collect()
    }

    /// The places that a run reached and may not, in words.
    fn astray(&self, judgement: &Judgement) -> Vec<String> {
        let reached = self.forbidden(judgement);
        reached.into_iter().map(|probe| format!("the run reached {}", probe.name())).collect()
    }

    /// The places that a run reached and may not.
    pub fn forbidden(&self, judgement: &Judgement) -> Vec<Probe> {
        self.never.iter().copied().filter(|&probe| judgement.reached(probe) > 0).collect()
    }

    /// The places that a run had to reach and did not.
    pub fn missed(&self, judgement: &Judgement) -> Vec<Probe> {
        self.reach.iter().copied().filter(|&probe| judgement.reached(probe) == 0).collect()
    }
}

/// The invariants whose checkers gave up, in words.
fn given_up(judgement: &Judgement) -> impl Iterator<Item = String> {
    let gave_up = judgement.invariants.iter().filter(|report| report.unknown > 0);
    gave_up.map(|report| {
        let (id, name) = (report.invariant.id(), report.invariant.name());
        format!("the checker of {id} {name} gave up: whether it holds is not known")
    })
}

/// The invariants that were violated.
fn violated(judgement: &Judgement) -> Vec<Invariant> {
    let reports = judgement.invariants.iter().filter(|report| report.violations > 0);
    reports.map(|report| report.invariant).collect()
}

impl Report {
    /// Whether all that is missing is that the run did not get where it should have.
    pub fn only_missed_reach(&self, expect: &Expect) -> bool {
        let without_reach = Expect { reach: Vec::new(), ..expect.clone() };
        without_reach.unmet_by(self.verdict, &self.judgement, &self.outcome.end).is_empty()
    }
}
