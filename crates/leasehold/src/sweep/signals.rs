//! Being interrupted: the first signal ends a sweep in order, a second at once.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::flag;

use crate::exit::Exit;

/// What was caught so far.
pub(crate) struct Signals {
    caught: Arc<AtomicUsize>,
}

/// Which signal, and how the command ends after it.
const SIGNALS: [(i32, Exit, i32); 2] = [(SIGINT, Exit::Interrupted, 130), (SIGTERM, Exit::Terminated, 143)];

impl Signals {
    /// From now on. Where a signal cannot be caught, it ends the command as it always did.
    pub(crate) fn listen() -> Self {
        let caught = Arc::new(AtomicUsize::new(0));
        let any = Arc::new(AtomicBool::new(false));
        for (place, (signal, _, code)) in (1..).zip(SIGNALS) {
            // They act in this order, so the flag of the first signal does not end the command itself.
            let _ = flag::register_conditional_shutdown(signal, code, Arc::clone(&any));
            let _ = flag::register(signal, Arc::clone(&any));
            let _ = flag::register_usize(signal, Arc::clone(&caught), place);
        }
        Self { caught }
    }

    /// How the command ends after what was caught, if anything was.
    pub(crate) fn caught(&self) -> Option<Exit> {
        let place = self.caught.load(Ordering::Relaxed).checked_sub(1)?;
        SIGNALS.get(place).map(|(_, exit, _)| *exit)
    }
}
