//! Where a node panicked: without the default hook's noise in the middle of a log.

use std::any::Any;
use std::panic::{self, AssertUnwindSafe, PanicHookInfo, catch_unwind, resume_unwind};
use std::sync::{Mutex, MutexGuard, Once, PoisonError};
use std::thread::{self, ThreadId};

use leasehold_campaign::shell_word;
use leasehold_scenario::runs_for;

/// The threads that watch a run, and what each saw. The run may be on a thread of its own: it counts as that of whoever
/// waits for it, as the runs of tests that are made at the same time must not be mixed up.
static WATCHED: Mutex<Vec<(ThreadId, Option<String>)>> = Mutex::new(Vec::new());

/// Runs something in which nodes may panic, and says where the last one that did was in the source.
///
/// # Panics
///
/// If that itself panics, which no node's panic makes it do: then this is a bug of ours, and is told before it goes on.
pub(crate) fn watch<T>(run: impl FnOnce() -> T) -> (T, Option<String>) {
    static INSTALLED: Once = Once::new();
    INSTALLED.call_once(|| {
        let before = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            if !note(info) {
                before(info);
            }
        }));
    });
    let here = thread::current().id();
    watched().push((here, None));
    let result = catch_unwind(AssertUnwindSafe(run));
    let seen = {
        let mut watched = watched();
        let place = watched.iter().rposition(|(thread, _)| *thread == here);
        place.and_then(|place| watched.remove(place).1)
    };
    match result {
        Ok(result) => (result, seen),
        Err(panic) => {
            anstream::eprintln!("{}", broken(seen.as_deref(), &*panic, std::env::args()));
            resume_unwind(panic)
        }
    }
}

/// What is said of a panic of ours: the hook kept it for whoever reports those of nodes.
fn broken(place: Option<&str>, panic: &(dyn Any + Send), line: impl Iterator<Item = String>) -> String {
    let text = panic.downcast_ref::<&str>().copied();
    let text = text.or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    let (text, place) = (text.unwrap_or("a panic without a message"), place.unwrap_or("an unknown place"));
    let line: Vec<String> = line.map(|word| shell_word(&word)).collect();
    format!(
        "error: the harness itself panicked, in {place}: {text}\nhelp: this is a bug of leasehold; to see it again: {}",
        line.join(" ")
    )
}

fn watched() -> MutexGuard<'static, Vec<(ThreadId, Option<String>)>> {
    // Nobody panics while it is locked.
    WATCHED.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Lets threads whose name begins so panic without a word: what runs there is caught and reported by whoever started
/// them.
pub(crate) fn silence_threads(named: &'static str) {
    static SILENCED: Once = Once::new();
    SILENCED.call_once(|| {
        let before = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            if !thread::current().name().is_some_and(|name| name.starts_with(named)) {
                before(info);
            }
        }));
    });
}

/// Whether somebody watches this thread, so that the panic is theirs to report.
fn note(info: &PanicHookInfo<'_>) -> bool {
    let whose = runs_for();
    let mut watched = watched();
    let Some((_, seen)) = watched.iter_mut().rfind(|(thread, _)| *thread == whose) else { return false };
    *seen = Some(info.location().map_or_else(String::new, ToString::to_string));
    true
}

#[cfg(test)]
mod tests {
    use std::sync::Barrier;

    use leasehold_check::Finding;
    use leasehold_core::Event;
    use leasehold_scenario::{Engine, Observer, Scenario, SingleGrantor, Source};

    use super::*;

    /// Panics at the first event, as an engine with a bug would.
    struct Bug;

    impl Observer for Bug {
        fn event(&mut self, _: &Event) {
            panic!("a bug of ours");
        }
        fn finding(&mut self, _: &Finding) {}
    }

    fn run(engine: Engine) {
        let text = "schema = 1\nname = \"x\"\nsummary = \"s\"\n";
        let source = Source::from_text("x.toml", text);
        let scenario = Scenario::parse(source, &[&SingleGrantor]).unwrap_or_else(|error| panic!("{error}"));
        scenario.run(1, engine, &mut Bug);
    }

    #[test]
    fn a_panic_of_ours_is_told_and_goes_on() {
        for engine in Engine::ALL {
            let panicked = catch_unwind(|| watch(|| run(engine))).expect_err("it goes on");
            assert_eq!(panicked.downcast_ref::<&str>(), Some(&"a bug of ours"));
        }
        let line = || ["leasehold", "run", "a b.toml"].map(str::to_owned).into_iter();
        let text = broken(Some("src/x.rs:1:2"), &"a bug of ours", line());
        assert!(text.contains("panicked, in src/x.rs:1:2: a bug of ours\n"), "{text}");
        assert!(text.ends_with("leasehold run 'a b.toml'"), "{text}");
    }

    /// As tests do that are made at the same time.
    #[test]
    fn each_watches_its_own_run() {
        let (begun, over) = (Barrier::new(2), Barrier::new(2));
        thread::scope(|scope| {
            scope.spawn(|| {
                begun.wait();
                let ((), seen) = watch(|| ());
                over.wait();
                assert_eq!(seen, None);
            });
            let (panicked, seen) = watch(|| {
                begun.wait();
                over.wait();
                catch_unwind(|| run(Engine::Turmoil)).is_err()
            });
            assert!(panicked);
            let seen = seen.expect("the place is known, though another watch ended meanwhile");
            assert!(seen.contains("panics.rs:"), "{seen}");
        });
    }
}
