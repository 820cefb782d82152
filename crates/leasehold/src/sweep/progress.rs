//! How far a sweep is.

use std::time::Duration;

use leasehold_campaign::{LeftOut, Program, SweepOrder, Tally};

use super::arguments::SweepArgs;
use super::clock::Stopwatch;
use super::page::{percent, rate, times};
use crate::progress::{BAR_EVERY, LINE_EVERY, Shown};
use crate::words::{counted, grouped};

/// Says on standard error how far it is.
pub(crate) struct Progress<'a> {
    program: &'a Program,
    stopwatch: &'a Stopwatch,
    total: u64,
    /// How many were run now.
    runs: u64,
    shown: Shown,
    /// When the words are due again.
    due: Duration,
}

impl<'a> Progress<'a> {
    pub(crate) fn begin(
        args: &SweepArgs,
        program: &'a Program,
        order: &SweepOrder<'_>,
        stopwatch: &'a Stopwatch,
    ) -> Self {
        let total = order.positions.end - order.positions.start;
        let shown = if args.quiet {
            Shown::Nothing
        } else {
            anstream::eprintln!(
                "sweep: {}, {} on {}",
                counted(program.entries().len() as u64, "scenario"),
                counted(total, "run"),
                counted(order.jobs.get() as u64, "thread")
            );
            for LeftOut { path, why } in program.left_out() {
                anstream::eprintln!("left out: {path}: {why}");
            }
            Shown::begin(total)
        };
        let due = match shown {
            Shown::Lines => LINE_EVERY,
            Shown::Bar(_) | Shown::Nothing => Duration::ZERO,
        };
        Self { program, stopwatch, total, runs: 0, shown, due }
    }

    /// A run is over.
    pub(crate) fn tick(&mut self, tally: &Tally) {
        self.runs += 1;
        if let Shown::Bar(bar) = &self.shown {
            // More than were run now, if it goes on where another was interrupted.
            bar.set_position(tally.runs());
        }
        let every = match self.shown {
            Shown::Bar(_) => BAR_EVERY,
            Shown::Lines => LINE_EVERY,
            Shown::Nothing => return,
        };
        let elapsed = self.stopwatch.elapsed();
        if elapsed < self.due {
            return;
        }
        self.due = elapsed + every;
        let words = self.words(tally, elapsed);
        match &self.shown {
            Shown::Bar(bar) => bar.set_message(words),
            Shown::Lines => {
                let runs = tally.runs();
                let left = percent(runs as f64 / self.total as f64);
                anstream::eprintln!("{} of {} runs ({left}), {words}", grouped(runs), grouped(self.total));
            }
            Shown::Nothing => {}
        }
    }

    /// It is over.
    pub(crate) fn finish(self) {
        self.shown.finish();
    }

    fn words(&self, tally: &Tally, elapsed: Duration) -> String {
        let seconds = elapsed.as_secs_f64().max(1e-3);
        let simulated: u128 = tally.scenarios.iter().map(|scenario| scenario.simulated_ns).sum();
        let now = self.runs as f64 / tally.runs().max(1) as f64;
        let mut words = format!(
            "{} a second, {} real time, {}",
            rate(self.runs as f64 / seconds),
            times(simulated as f64 * now / 1e9 / seconds),
            counted(tally.failed(), "failure")
        );
        let closest = tally.closest(|place| self.program.must_hold(place)).into_iter().filter_map(
            |(invariant, (call, scenario, seed))| {
                let of = call.of.filter(|of| !of.is_zero())?;
                Some((call.left.as_nanos() as f64 / of.as_nanos() as f64, invariant, scenario, seed))
            },
        );
        if let Some((share, invariant, scenario, seed)) =
            closest.min_by(|one, other| one.0.total_cmp(&other.0))
        {
            let scenario = &self.program.entries()[scenario].id;
            let (share, invariant) = (percent(share), invariant.name());
            words.push_str(&format!(", closest {share} of {invariant} left ({scenario}, seed {seed})"));
        }
        words
    }
}
