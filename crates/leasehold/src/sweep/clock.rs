//! How long a sweep takes. Nothing that is stored depends on it.

use std::time::{Duration, Instant};

/// Says how long ago it was started.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Stopwatch(Instant);

impl Stopwatch {
    pub(crate) fn start() -> Self {
        Self(now())
    }

    pub(crate) fn elapsed(&self) -> Duration {
        now().saturating_duration_since(self.0)
    }
}

#[expect(clippy::disallowed_methods, reason = "time budgets and rates are of the machine, not of a run")]
fn now() -> Instant {
    Instant::now()
}
