//! How far `mutants` is.

use std::time::Duration;

use leasehold_campaign::{Extent, Figures, MutantsOrder, Onlooker, Row};

use super::arguments::MutantsArgs;
use crate::progress::{LINE_EVERY, Shown};
use crate::sweep::clock::Stopwatch;
use crate::words::{counted, grouped};

/// Says on standard error how far it is.
pub(super) struct Progress<'a> {
    stopwatch: &'a Stopwatch,
    /// How many seeds there are at most.
    total: u64,
    seeds: u64,
    shown: Shown,
    /// When the words are due again.
    due: Duration,
}

impl<'a> Progress<'a> {
    pub(super) fn begin(args: &MutantsArgs, order: &MutantsOrder<'_>, stopwatch: &'a Stopwatch) -> Self {
        let rows = order.rows.len() as u64;
        let total = order.seeds.saturating_mul(rows);
        let shown = if args.quiet {
            Shown::Nothing
        } else {
            let most = match order.extent {
                Extent::All => "",
                Extent::UntilFound => "at most ",
            };
            anstream::eprintln!(
                "mutants: {}, {most}{} each on {}",
                counted(rows, "bug"),
                counted(order.seeds, "seed"),
                counted(order.jobs.get() as u64, "thread")
            );
            Shown::begin(total)
        };
        Self { stopwatch, total, seeds: 0, shown, due: LINE_EVERY }
    }

    /// It is over.
    pub(super) fn finish(self) {
        self.shown.finish();
    }
}

impl Onlooker for Progress<'_> {
    fn seed(&mut self, row: &Row, figures: &Figures) {
        self.seeds += 1;
        match &self.shown {
            Shown::Bar(bar) => {
                bar.set_position(self.seeds);
                let detected = grouped(figures.detected);
                bar.set_message(format!("{} {}: {detected} detected", row.bug.id, row.name()));
            }
            Shown::Lines if self.stopwatch.elapsed() >= self.due => {
                self.due = self.stopwatch.elapsed() + LINE_EVERY;
                let (seeds, total) = (grouped(self.seeds), grouped(self.total));
                anstream::eprintln!("{seeds} of {total} seeds, at {} {}", row.bug.id, row.name());
            }
            Shown::Lines | Shown::Nothing => {}
        }
    }
}
