//! The judge: listens to a run, live or recorded, and says what it was worth.

use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec::Vec;
use core::error::Error;
use core::fmt;
use core::ops::ControlFlow;

use leasehold_core::trace::Header;
use leasehold_core::{Event, EventKind, EventSink, SimInstant};

use crate::acknowledged_is_alive::AcknowledgedIsAlive;
use crate::applied_once::AppliedOnce;
use crate::atomic_end::AtomicEnd;
use crate::book::Book;
use crate::bounded_staleness::BoundedStaleness;
use crate::checker::{Checker, Topics};
use crate::conservation::Conservation;
use crate::exclusivity::Exclusivity;
use crate::false_expiry::FalseExpiry;
use crate::fencing::Fencing;
use crate::finding::Finding;
use crate::hazard::Hazards;
use crate::invariant::Invariant;
use crate::linearizable_register::LinearizableRegister;
use crate::liveness::Liveness;
use crate::load::Load;
use crate::lock_delay::LockDelay;
use crate::mass_expiry::MassExpiry;
use crate::measure::{MeasureReport, Sample};
use crate::monotonic_reads::MonotonicReads;
use crate::no_early_end::NoEarlyEnd;
use crate::no_immortal_lease::NoImmortalLease;
use crate::no_lost_update::NoLostUpdate;
use crate::no_resurrection::NoResurrection;
use crate::owner_only::OwnerOnly;
use crate::progress::Progress;
use crate::reach::Reach;
use crate::report::Judgement;
use crate::scene::Scene;
use crate::self_stop::SelfStop;
use crate::token_order::TokenOrder;
use crate::watch::Watch;

/// Judges one run from its events.
///
/// A node event without a node is malformed; it is not judged.
#[derive(Debug)]
pub struct Judge {
    scene: Scene,
    seats: Vec<Seat>,
    hazards: Hazards,
    reach: Reach,
    /// The run ends when one of these is violated.
    ends_at: Vec<Invariant>,
    stage: Stage,
    news: News,
    /// Whether there are samples of the latest event.
    sampled: News,
    /// The first instant that a checker wants to be reminded of.
    due: Option<SimInstant>,
}

/// Whether something was found that was not handed out yet: asked after every event, so it must cost nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum News {
    None,
    Some,
}

/// A checker with its books.
#[derive(Debug)]
struct Seat {
    topics: Topics,
    checker: Box<dyn Checker>,
    book: Book,
}

/// Whether the run still goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    Running,
    Over,
}

impl Judge {
    /// A judge for the run that this header stands before. It judges the invariants that the header names.
    ///
    /// # Errors
    ///
    /// If the header names an invariant that is not known here, as a trace of a newer version may.
    pub fn new(header: &Header) -> Result<Self, UnknownInvariant> {
        for name in &header.invariants {
            if Invariant::from_name(name).is_none() {
                return Err(UnknownInvariant { name: name.clone() });
            }
        }
        let applies = |invariant: &Invariant| header.invariants.iter().any(|name| name == invariant.name());
        let seat = |invariant| {
            let checker = checker(invariant, header);
            Seat { topics: checker.topics(), checker, book: Book::new(invariant) }
        };
        Ok(Self {
            scene: Scene::new(header),
            seats: Invariant::ALL.into_iter().filter(applies).map(seat).collect(),
            hazards: Hazards::default(),
            reach: Reach::default(),
            ends_at: Vec::new(),
            stage: Stage::Running,
            news: News::None,
            sampled: News::None,
            due: None,
        })
    }

    /// The same, but it ends the run as soon as one of these invariants is violated. What only the end of a run can show ends
    /// none.
    #[must_use]
    pub fn stop_at_violation_of(mut self, invariants: &[Invariant]) -> Self {
        self.ends_at = invariants.to_vec();
        self
    }

    /// Whether one of these was violated so far.
    fn violated(&self, among: &[Invariant]) -> bool {
        let violated = |seat: &Seat| seat.book.report().violations > 0;
        self.seats.iter().any(|seat| violated(seat) && among.contains(&seat.book.report().invariant))
    }

    /// The kept violations and hazards that were found since this was last called: for a log that tells them
    /// at their place. Costs next to nothing if there are none; need not be called at all.
    pub fn drain_findings(&mut self) -> impl Iterator<Item = Finding> {
        let Self { seats, hazards, news, .. } = self;
        let (seats, hazards) = match core::mem::replace(news, News::None) {
            News::Some => (seats.as_mut_slice(), Some(hazards)),
            News::None => (&mut [][..], None),
        };
        let violations = seats.iter_mut().flat_map(|seat| seat.book.hand_out()).cloned();
        let sightings = hazards.into_iter().flat_map(|hazards| hazards.hand_out().cloned());
        violations.map(Finding::Violation).chain(sightings.map(Finding::Hazard))
    }

    /// What the latest event completed the measurement of, or the end of the run. Costs next to nothing if that is
    /// nothing. What is not taken before the next event is gone; [`Judgement::measures`] sums up all of it.
    pub fn drain_samples(&mut self) -> impl Iterator<Item = Sample> {
        let seats = match core::mem::replace(&mut self.sampled, News::None) {
            News::Some => self.seats.as_mut_slice(),
            News::None => &mut [],
        };
        seats.iter_mut().flat_map(|seat| seat.book.samples().drain(..))
    }

    /// The run is over at this instant: judges what is still open and sums up. Call
    /// [`drain_findings`](Self::drain_findings) once more to have what only the end showed.
    ///
    /// # Panics
    ///
    /// If it is called twice: a run ends once.
    pub fn finish(&mut self, ended_at: SimInstant) -> Judgement {
        assert_eq!(self.stage, Stage::Running, "a run ends once");
        self.stage = Stage::Over;
        self.drop_samples();
        self.news = News::Some;
        self.sampled = News::Some;
        self.pass_until(ended_at);
        self.scene.finish(ended_at);
        self.hazards.finish(&self.scene);
        for Seat { checker, book, .. } in &mut self.seats {
            checker.finish(&self.scene, book);
        }
        let near = self.seats.iter().map(|seat| seat.book.near_the_bound()).sum();
        Judgement {
            invariants: self.seats.iter().map(|seat| seat.book.report().clone()).collect(),
            hazards: self.hazards.reports(),
            reach: self.reach.counts(&self.hazards, near),
            assumptions: self.scene.assumptions.times_broken(),
            measures: self.measures(),
        }
    }

    /// Lets checkers look at whatever was due before this instant, as it stood when it was.
    fn pass_until(&mut self, now: SimInstant) {
        while let Some(due) = self.due.filter(|due| *due < now) {
            self.scene.now = self.scene.now.max(due);
            for Seat { checker, book, .. } in &mut self.seats {
                if book.due().is_some_and(|due| due <= self.scene.now) {
                    book.take_due();
                    checker.on_time(&self.scene, book);
                    if book.has_news() {
                        self.news = News::Some;
                    }
                    if !book.samples().is_empty() {
                        self.sampled = News::Some;
                    }
                }
            }
            self.due = self.seats.iter().filter_map(|seat| seat.book.due()).min();
        }
    }

    fn measures(&self) -> Vec<MeasureReport> {
        let mut measures: Vec<_> = self.seats.iter().flat_map(|seat| seat.book.measures()).copied().collect();
        measures.sort_by_key(|measure| measure.metric);
        measures
    }

    /// Nobody wanted those of the event before.
    fn drop_samples(&mut self) {
        if core::mem::replace(&mut self.sampled, News::None) == News::Some {
            for seat in &mut self.seats {
                seat.book.samples().clear();
            }
        }
    }
}

impl EventSink for Judge {
    /// Judges one event.
    ///
    /// # Panics
    ///
    /// If the run is over, or if the event is from before the last one: both are bugs of the caller.
    fn on_event(&mut self, event: &Event) -> ControlFlow<()> {
        assert_eq!(self.stage, Stage::Running, "no event comes after the end of the run");
        assert!(self.scene.now <= event.at, "events come in the order of time");
        self.drop_samples();
        if self.due.is_some_and(|due| due < event.at) {
            self.pass_until(event.at);
        }
        self.scene.hear(event);
        self.hazards.hear(&self.scene, event.node, &event.kind);
        self.reach.hear(&self.scene, event.node, &event.kind);
        let (mut news, mut sampled, mut due) = (self.hazards.has_news(), false, self.due);
        let topic = Topics::of(&event.kind);
        for Seat { topics, checker, book } in &mut self.seats {
            if !topics.meets(topic) {
                continue;
            }
            match (&event.kind, event.node) {
                (EventKind::Node(said), Some(node)) => checker.on_node(&self.scene, node, said, book),
                (EventKind::Node(_), None) => {}
                (EventKind::World(done), node) => checker.on_world(&self.scene, node, done, book),
            }
            news |= book.has_news();
            sampled |= !book.samples().is_empty();
            due = due.or_else(|| book.due());
            if let (Some(before), Some(new)) = (due, book.due()) {
                due = Some(before.min(new));
            }
        }
        self.due = due;
        if sampled {
            self.sampled = News::Some;
        }
        if news {
            self.news = News::Some;
        }
        self.scene.conclude(event);
        match self.news {
            News::Some if self.violated(&self.ends_at) => ControlFlow::Break(()),
            News::Some | News::None => ControlFlow::Continue(()),
        }
    }
}

fn checker(invariant: Invariant, header: &Header) -> Box<dyn Checker> {
    match invariant {
        Invariant::Exclusivity => Box::new(Exclusivity::default()),
        Invariant::Fencing => Box::new(Fencing::default()),
        Invariant::TokenOrder => Box::new(TokenOrder),
        Invariant::NoEarlyEnd => Box::new(NoEarlyEnd),
        Invariant::NoImmortalLease => Box::new(NoImmortalLease::default()),
        Invariant::AcknowledgedIsAlive => Box::new(AcknowledgedIsAlive::default()),
        Invariant::NoResurrection => Box::new(NoResurrection),
        Invariant::OwnerOnly => Box::new(OwnerOnly::default()),
        Invariant::LockDelay => Box::new(LockDelay::default()),
        Invariant::SelfStop => Box::new(SelfStop::default()),
        Invariant::AppliedOnce => Box::new(AppliedOnce::default()),
        Invariant::AtomicEnd => Box::new(AtomicEnd::default()),
        Invariant::Conservation => Box::new(Conservation::default()),
        Invariant::Liveness => Box::new(Liveness::new(&header.nodes)),
        Invariant::LinearizableRegister => Box::new(LinearizableRegister::default()),
        Invariant::NoLostUpdate => Box::new(NoLostUpdate::default()),
        Invariant::MonotonicReads => Box::new(MonotonicReads::default()),
        Invariant::MassExpiry => Box::new(MassExpiry::default()),
        Invariant::Progress => Box::new(Progress::default()),
        Invariant::Load => Box::new(Load::default()),
        Invariant::FalseExpiry => Box::new(FalseExpiry::default()),
        Invariant::Watch => Box::new(Watch::default()),
        Invariant::BoundedStaleness => Box::new(BoundedStaleness::new(header)),
    }
}

/// A header names an invariant that is not known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownInvariant {
    /// The name.
    pub name: String,
}

impl fmt::Display for UnknownInvariant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "there is no invariant `{}`; there are", self.name)?;
        for (place, invariant) in Invariant::ALL.iter().enumerate() {
            let separator = if place == 0 { "" } else { "," };
            write!(f, "{separator} {}", invariant.name())?;
        }
        Ok(())
    }
}

impl Error for UnknownInvariant {}

#[cfg(test)]
mod tests {
    use alloc::borrow::ToOwned;
    use alloc::string::ToString;

    use super::*;
    use crate::hazard::Hazard;
    use crate::script::*;

    fn judge(invariants: &[Invariant]) -> Judge {
        Judge::new(&header(invariants)).unwrap()
    }

    #[test]
    fn only_the_named_invariants_are_judged_each_once_and_in_order() {
        let named = [Invariant::Liveness, Invariant::Fencing, Invariant::Liveness];
        let judgement = judge(&named).finish(s(1));
        let judged: Vec<_> = judgement.invariants.iter().map(|report| report.invariant).collect();
        assert_eq!(judged, [Invariant::Fencing, Invariant::Liveness]);
        assert_eq!(judge(&Invariant::ALL).finish(s(1)).invariants.len(), Invariant::ALL.len());
    }

    #[test]
    fn an_unknown_invariant_is_refused_by_name() {
        let mut header = header(&[Invariant::Fencing]);
        header.invariants.push("fence".to_owned());
        let error = Judge::new(&header).unwrap_err();
        assert_eq!(error, UnknownInvariant { name: "fence".to_owned() });
        let told = error.to_string();
        assert!(told.starts_with("there is no invariant `fence`; there are exclusivity, fencing,"), "{told}");
    }

    #[test]
    fn a_judge_lets_the_run_go_on_unless_it_was_told_to_stop() {
        let (fine, older) = (at(s(1), S, accepted(B, 2)), at(s(2), S, accepted(A, 1)));
        let mut patient = judge(&[Invariant::Fencing]);
        assert!(patient.on_event(&fine).is_continue());
        assert!(!patient.violated(&[Invariant::Fencing]));
        assert!(patient.on_event(&older).is_continue());
        assert!(patient.violated(&[Invariant::Fencing]));
        let mut strict = judge(&[Invariant::Fencing]).stop_at_violation_of(&[Invariant::Fencing]);
        assert!(strict.on_event(&fine).is_continue());
        assert!(strict.on_event(&older).is_break());
        let mut waits_for_another =
            judge(&[Invariant::Fencing]).stop_at_violation_of(&[Invariant::Exclusivity]);
        assert!(waits_for_another.on_event(&fine).is_continue());
        assert!(waits_for_another.on_event(&older).is_continue());
    }

    #[test]
    fn findings_come_once_and_at_their_events() {
        let mut judge = judge(&[Invariant::Fencing, Invariant::NoImmortalLease]);
        let found = |judge: &mut Judge, event: Event| {
            assert!(judge.on_event(&event).is_continue());
            judge.drain_findings().collect::<Vec<_>>()
        };
        for start in starts() {
            assert!(found(&mut judge, start).is_empty());
        }
        assert!(found(&mut judge, at(s(1), G, granted(1, A))).is_empty());
        assert!(found(&mut judge, at(s(1), S, accepted(B, 2))).is_empty());
        let findings = found(&mut judge, at(s(2), S, accepted(A, 1)));
        assert!(matches!(&findings[..], [Finding::Violation(one)] if one.clause == "accepted-older-token"));
        let findings = found(&mut judge, at(s(3), A, issued(1)));
        assert!(matches!(&findings[..], [Finding::Hazard(one)] if one.hazard == Hazard::EffectOutsideClaim));
        assert_eq!(findings[0].at(), s(3));
        let judgement = judge.finish(s(90));
        let findings: Vec<_> = judge.drain_findings().collect();
        assert!(matches!(&findings[..], [Finding::Violation(one)] if one.clause == "never-ended"));
        assert_eq!(judgement.violations().len(), 2);
    }

    #[test]
    fn broken_assumptions_are_reported_by_node() {
        let events = [
            at(s(1), A, broken(Assumption::ClockRuns)),
            at(s(2), A, restored(Assumption::ClockRuns)),
            at(s(3), A, broken(Assumption::ClockRuns)),
        ];
        let judgement = judgement(&[], &events, s(9));
        assert_eq!(judgement.assumptions, [(A, Assumption::ClockRuns, 2)]);
    }

    #[test]
    fn events_of_nobody_and_of_nodes_beyond_the_header_do_no_harm() {
        let nobody = Event { node: None, ..at(s(1), A, claim_started(1)) };
        let beyond = NodeId(99);
        let events = [
            nobody,
            at(s(2), beyond, WorldEvent::Started),
            at(s(2), beyond, broken(Assumption::ClockRate)),
            at(s(3), beyond, claim_started(2)),
            at(s(4), beyond, granted(1, beyond)),
        ];
        let judgement = judgement(&Invariant::ALL, &events, s(9));
        assert!(judgement.violations().is_empty());
        assert_eq!(judgement.of(Invariant::Exclusivity).unwrap().judged, 1);
    }

    #[test]
    #[should_panic(expected = "a run ends once")]
    fn a_run_ends_once() {
        let mut judge = judge(&[]);
        judge.finish(s(1));
        judge.finish(s(2));
    }

    #[test]
    fn a_judgement_is_written_down_with_names() {
        let events = [at(s(1), S, accepted(B, 2)), at(s(2), S, accepted(A, 1))];
        let judgement = judgement(&[Invariant::Fencing], &events, s(9));
        let written = serde_json::to_value(&judgement).unwrap();
        let report = &written["invariants"][0];
        assert_eq!(report["invariant"], "fencing");
        assert_eq!(report["evidence"][0]["clause"], "accepted-older-token");
        assert_eq!(report["evidence"][0]["evidence"][0]["accepted"]["token"], 2);
        assert_eq!(written["hazards"][2]["hazard"], "unfenced-window");
        assert_eq!(written["reach"][0][0], "expired-while-paused");
    }
}
