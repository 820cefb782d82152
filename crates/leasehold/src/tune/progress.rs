//! How far a study is, and what is kept of it on the way.

use std::ops::ControlFlow;
use std::time::Duration;

use leasehold_campaign::{Study, StudyFolder, StudyOrder, StudyOverseer, StudyRun};

use super::arguments::TuneArgs;
use crate::progress::{BAR_EVERY, LINE_EVERY, Shown};
use crate::sweep::clock::Stopwatch;
use crate::words::{counted, grouped};

/// Says on standard error how far it is.
pub(super) struct Progress<'a> {
    study: &'a Study,
    folder: StudyFolder,
    stopwatch: &'a Stopwatch,
    total: u64,
    runs: u64,
    failed: u64,
    shown: Shown,
    /// When the words are due again.
    due: Duration,
}

impl<'a> Progress<'a> {
    pub(super) fn begin(
        args: &TuneArgs,
        order: &StudyOrder<'a>,
        folder: StudyFolder,
        stopwatch: &'a Stopwatch,
    ) -> Self {
        let study = order.study;
        let (points, seeds) = (study.points().len() as u64, order.seeds.end - order.seeds.start);
        let total = points.saturating_mul(seeds);
        let shown = if args.quiet {
            Shown::Nothing
        } else {
            anstream::eprintln!(
                "tune: {}, {} each, {} on {}",
                counted(points, "point"),
                counted(seeds, "seed"),
                counted(total, "run"),
                counted(order.jobs.get() as u64, "thread")
            );
            if study.dropped() > 0 {
                anstream::eprintln!("dropped by constraints: {}", counted(study.dropped(), "point"));
            }
            if study.refused() > 0 {
                anstream::eprintln!(
                    "refused by the scenario's reader: {}",
                    counted(study.refused(), "point")
                );
            }
            Shown::begin(total)
        };
        let due = match shown {
            Shown::Lines => LINE_EVERY,
            Shown::Bar(_) | Shown::Nothing => Duration::ZERO,
        };
        Self { study, folder, stopwatch, total, runs: 0, failed: 0, shown, due }
    }

    /// It is over. Gives back what is kept.
    pub(super) fn finish(self) -> StudyFolder {
        self.shown.finish();
        self.folder
    }

    fn words(&self, elapsed: Duration) -> String {
        let (runs, left) = (self.runs.max(1), self.total - self.runs);
        let seconds = elapsed.as_secs_f64() * left as f64 / runs as f64;
        let failed =
            if self.failed > 0 { format!(", {} failed", grouped(self.failed)) } else { String::new() };
        format!("{} left{failed}", about(seconds))
    }
}

/// A time that is left, as people say it.
fn about(seconds: f64) -> String {
    match seconds {
        s if s < 90.0 => format!("{s:.0} s"),
        s if s < 5_400.0 => format!("{:.0} min", s / 60.0),
        s => format!("{:.1} h", s / 3_600.0),
    }
}

impl StudyOverseer for Progress<'_> {
    fn ran(&mut self) {
        self.runs += 1;
        if let Shown::Bar(bar) = &self.shown {
            bar.set_position(self.runs);
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
        let words = self.words(elapsed);
        match &self.shown {
            Shown::Bar(bar) => bar.set_message(words),
            Shown::Lines => {
                anstream::eprintln!("{} of {} runs, {words}", grouped(self.runs), grouped(self.total));
            }
            Shown::Nothing => {}
        }
    }

    fn seed(&mut self, seed: u64, runs: &[StudyRun]) -> ControlFlow<()> {
        self.failed += runs.iter().filter(|run| run.failed.is_some()).count() as u64;
        self.folder.seed(self.study, seed, runs);
        if self.folder.broken().is_some() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_is_told_as_people_say_it() {
        assert_eq!(about(12.4), "12 s");
        assert_eq!(about(600.0), "10 min");
        assert_eq!(about(9_000.0), "2.5 h");
    }
}
