//! Jacobson's estimate of what is late: smoothed lateness and its deviation.

use alloc::vec::Vec;

use leasehold_core::clock::Reading;
use leasehold_core::time::Span;

use super::Beginning;
use super::part::{Part, Scene};

/// A lease is left alive until the smoothed lateness and four deviations after the next heartbeat was expected.
///
/// A heartbeat is expected one interval after the last. Lateness is smoothed with the gain 1/8, its deviation with 1/4;
/// the first sample R sets them to R and R/2. Source: Jacobson 1988, in the words of RFC 6298, section 2; applied to
/// heartbeats by Bertier, Marin and Sens 2002.
#[derive(Debug)]
pub(super) struct SmoothedLateness {
    heartbeat: Span,
    members: Vec<Lateness>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Lateness {
    /// The last heartbeat: when it came, and its number.
    last: Option<(Reading, u64)>,
    estimate: Option<Estimate>,
}

/// In nanoseconds. Lateness is negative where a heartbeat came early.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Estimate {
    smoothed: i64,
    deviation: i64,
}

impl Estimate {
    fn first(sample: i64) -> Self {
        Self { smoothed: sample, deviation: sample.saturating_abs() / 2 }
    }

    fn next(self, sample: i64) -> Self {
        // The deviation first: it goes by the smoothed value of before.
        let error = sample.saturating_sub(self.smoothed);
        Self {
            smoothed: self.smoothed + error / 8,
            deviation: self.deviation - self.deviation / 4 + error.saturating_abs() / 4,
        }
    }

    fn patience(self) -> Span {
        let late = self.smoothed.saturating_add(self.deviation.saturating_mul(4));
        Span::from_nanos(u64::try_from(late).unwrap_or(0))
    }
}

impl SmoothedLateness {
    pub(super) fn new(heartbeat: Span, members: usize) -> Self {
        Self { heartbeat, members: alloc::vec![Lateness::default(); members] }
    }
}

impl Part for SmoothedLateness {
    fn began(&mut self, member: usize, _: Reading, _: Beginning) {
        self.members[member] = Lateness::default();
    }

    fn renewed(&mut self, member: usize, number: u64, at: Reading) {
        let lateness = &mut self.members[member];
        let Some((last, last_number)) = lateness.last.replace((at, number)) else { return };
        // Where heartbeats were lost, this one was expected so many intervals later.
        let expected = self.heartbeat.scale(number.saturating_sub(last_number).max(1), 1);
        let late = i128::from(at.saturating_since(last).as_nanos()) - i128::from(expected.as_nanos());
        let sample = i64::try_from(late).unwrap_or(i64::MAX / 8);
        lateness.estimate = Some(match lateness.estimate {
            None => Estimate::first(sample),
            Some(estimate) => estimate.next(sample),
        });
    }

    fn gives(&mut self, member: usize, scene: &Scene<'_>) -> Span {
        let late = self.members[member].estimate.map_or(Span::ZERO, Estimate::patience);
        self.heartbeat.saturating_add(late).saturating_sub(scene.tenures[member].term)
    }
}
