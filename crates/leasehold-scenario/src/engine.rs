//! Who runs a deployment.

use std::cell::Cell;
use std::panic::resume_unwind;
use std::thread::ThreadId;
use std::{fmt, thread};

use leasehold_core::plan::Plan;
use leasehold_core::{NodeId, SimInstant, Span};
use leasehold_turmoil::{Note, ShellPolicy};

/// An engine that can run a deployment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Engine {
    /// The discrete-event world.
    #[default]
    Sim,
    /// The nodes behind sockets, on turmoil's simulated network.
    Turmoil,
}

/// The names of the threads that run nodes behind sockets end with this.
const ENGINE_THREAD: &str = ", turmoil";

thread_local! {
    static RUNS_FOR: Cell<Option<ThreadId>> = const { Cell::new(None) };
}

/// Who waits for the run that this thread makes: another thread, where an engine gave the run one of its own, else this
/// one. So a panic hook can tell whose panic it is.
pub fn runs_for() -> ThreadId {
    RUNS_FOR.get().unwrap_or_else(|| thread::current().id())
}

impl Engine {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::Sim, Self::Turmoil];

    /// The name as it stands on the command line, in scenario files and in traces.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Sim => "sim",
            Self::Turmoil => "turmoil",
        }
    }

    /// The engine with this name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|engine| engine.name() == name)
    }

    /// Does something, a whole run, where the engine finds nothing that another run left behind. Tokio and turmoil keep
    /// state in thread-locals (the random numbers of a scheduler among it), so there each run has a fresh thread. It is
    /// called as the calling thread is: who silences that by its name silences this one too.
    pub(crate) fn apart<T: Send>(self, run: impl FnOnce() -> T + Send) -> T {
        match self {
            Self::Sim => run(),
            Self::Turmoil => thread::scope(|scope| {
                let name = format!("{}{ENGINE_THREAD}", thread::current().name().unwrap_or_default());
                let caller = runs_for();
                let run = move || {
                    RUNS_FOR.set(Some(caller));
                    run()
                };
                let thread = thread::Builder::new().name(name).spawn_scoped(scope, run);
                let thread = thread.expect("a thread can be started for a run");
                thread.join().unwrap_or_else(|panic| resume_unwind(panic))
            }),
        }
    }

    /// Why a plan does not fit this engine; nothing if it does.
    pub fn misfits(self, plan: &Plan) -> Vec<Misfit> {
        match self {
            Self::Sim => Vec::new(),
            Self::Turmoil => misfits(plan.nodes.len(), plan.phases.ends_at()),
        }
    }
}

/// The shell that surrounds each node, on an engine that has one, and who is told of it.
pub struct Shell<'a> {
    /// How it works.
    pub policy: &'a ShellPolicy,
    /// Is told what it does: for people, nothing is judged by it.
    pub notes: &'a mut dyn FnMut(SimInstant, NodeId, &Note),
}

/// Why a plan does not fit an engine whose cost grows with idle time, and faster than the hosts squared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Misfit {
    /// It has too many hosts.
    Hosts {
        /// So many.
        there: usize,
    },
    /// It takes too long.
    Length {
        /// So long, in simulated time.
        there: Span,
    },
}

/// The most hosts that fit. DESIGN section 4 says about 8; measured by us, 10 still take a few seconds a run.
pub const MOST_HOSTS: usize = 10;

/// The longest run that fits. DESIGN section 4 says about 60 s, but most scenarios have a chaos of that length and a phase
/// behind it in which they settle: chosen by us, so that these fit.
pub const LONGEST_RUN: Span = Span::from_secs(300);

fn misfits(hosts: usize, ends_at: SimInstant) -> Vec<Misfit> {
    let length = ends_at.since_start();
    let hosts = (hosts > MOST_HOSTS).then_some(Misfit::Hosts { there: hosts });
    let length = (length > LONGEST_RUN).then_some(Misfit::Length { there: length });
    hosts.into_iter().chain(length).collect()
}

impl fmt::Display for Misfit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Hosts { there } => write!(f, "it has {there} hosts, and {MOST_HOSTS} fit"),
            Self::Length { there } => write!(f, "it takes {there} of simulated time, and {LONGEST_RUN} fit"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn engines_are_found_by_their_names() {
        for engine in Engine::ALL {
            assert_eq!(Engine::from_name(engine.name()), Some(engine));
        }
        assert_eq!(Engine::from_name("simulator"), None);
    }

    #[test]
    fn what_is_as_large_as_may_be_fits_and_no_more() {
        let at_the_limit = SimInstant::START + LONGEST_RUN;
        let beyond = at_the_limit + Span::from_nanos(1);
        assert_eq!(misfits(MOST_HOSTS, at_the_limit), []);
        assert_eq!(misfits(MOST_HOSTS + 1, at_the_limit), [Misfit::Hosts { there: MOST_HOSTS + 1 }]);
        assert_eq!(misfits(MOST_HOSTS, beyond), [Misfit::Length { there: beyond.since_start() }]);
    }

    #[test]
    fn a_run_behind_sockets_has_a_thread_of_its_own() {
        let here = thread::current().id();
        assert_eq!(Engine::Sim.apart(|| thread::current().id()), here);
        let run = || (thread::current().id(), thread::current().name().map(str::to_owned));
        let (one, name) = Engine::Turmoil.apart(run);
        let (other, _) = Engine::Turmoil.apart(run);
        assert!(one != here && other != here && one != other);
        assert_eq!((runs_for(), Engine::Turmoil.apart(runs_for)), (here, here));
        let caller = thread::current().name().map(str::to_owned).expect("a test's thread has a name");
        assert_eq!(name, Some(format!("{caller}{ENGINE_THREAD}")));
    }

    #[test]
    #[should_panic(expected = "of the run")]
    fn a_panic_of_the_run_is_one_of_the_caller() {
        Engine::Turmoil.apart(|| panic!("of the run"));
    }
}
