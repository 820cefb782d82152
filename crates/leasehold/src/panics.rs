//! Where a node panicked: without the default hook's noise in the middle of a log.

use std::cell::RefCell;
use std::panic::{self, PanicHookInfo};
use std::sync::Once;
use std::thread;

thread_local! {
    static WATCHED: RefCell<Watch> = const { RefCell::new(Watch::Off) };
}

enum Watch {
    Off,
    On,
    Seen(String),
}

/// Runs something in which nodes may panic, and says where the last one that did was in the source.
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
    WATCHED.set(Watch::On);
    let result = run();
    match WATCHED.replace(Watch::Off) {
        Watch::Seen(place) => (result, Some(place)),
        Watch::On | Watch::Off => (result, None),
    }
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

/// Whether this thread is watched, so that the panic is somebody's to report.
fn note(info: &PanicHookInfo<'_>) -> bool {
    WATCHED.with_borrow_mut(|watch| match watch {
        Watch::Off => false,
        Watch::On | Watch::Seen(_) => {
            let place = info.location().map_or_else(String::new, ToString::to_string);
            *watch = Watch::Seen(place);
            true
        }
    })
}
