//! Phi accrual: a lease is left alive until the silence is too unlikely.
//!
//! φ = −log10 P(an interval between heartbeats is longer than the silence so far), from intervals seen lately. Instead of
//! asking again and again how large φ is by now, we ask once when it will exceed its threshold.

use alloc::vec::Vec;

use leasehold_core::clock::Reading;
use leasehold_core::time::Span;

use super::part::{Part, Scene};
use super::samples::Intervals;
use super::{Beginning, PhiExponential, PhiNormal};

/// Thresholds above this mean less than the smallest number there is.
const HIGHEST: u32 = 300;

/// With normally distributed intervals: the threshold is exceeded `mean + pause + y·deviation` after the last heartbeat,
/// where a normal variable is above `y` with the probability `10^−threshold`.
///
/// Source: Hayashibara, Défago, Yared and Katayama 2004, section 4.3; pause, least deviation and the first estimate as in
/// Akka's `PhiAccrualFailureDetector`. Akka approximates the tail by a logistic function, we compute it: at a threshold
/// of 8 we wait for 5.61 deviations, Akka for 5.23.
#[derive(Debug)]
pub(super) struct NormalPhi {
    policy: PhiNormal,
    heartbeat: Span,
    /// y, in millionths.
    deviations_ppm: u64,
    members: Vec<History>,
}

/// With exponentially distributed intervals: φ = t/mean · log10(e), so the threshold is exceeded
/// `threshold · ln(10) · mean` after the last heartbeat.
///
/// Source: Cassandra's `FailureDetector`. It starts from an interval of twice the heartbeat's, and does not remember
/// longer ones.
#[derive(Debug)]
pub(super) struct ExponentialPhi {
    policy: PhiExponential,
    heartbeat: Span,
    members: Vec<History>,
}

/// What is known of one member's heartbeats.
#[derive(Clone, Debug)]
struct History {
    intervals: Intervals,
    last: Option<Reading>,
}

impl History {
    fn of_all(members: usize, window: u32) -> Vec<Self> {
        alloc::vec![Self { intervals: Intervals::new(window), last: None }; members]
    }

    fn begin(&mut self, at: Reading) {
        self.intervals.clear();
        self.last = Some(at);
    }

    /// The interval that ends now.
    fn interval(&mut self, at: Reading) -> Option<Span> {
        self.last.replace(at).map(|last| at.saturating_since(last))
    }
}

impl NormalPhi {
    pub(super) fn new(policy: PhiNormal, heartbeat: Span, members: usize) -> Self {
        Self {
            policy,
            heartbeat,
            deviations_ppm: normal_quantile_ppm(policy.threshold),
            members: History::of_all(members, policy.window),
        }
    }

    /// How long after the last heartbeat the threshold is exceeded.
    fn patience(&self, member: usize) -> Span {
        let intervals = &self.members[member].intervals;
        self.policy.patience_at(self.deviations_ppm, intervals.mean(), intervals.deviation())
    }
}

impl Part for NormalPhi {
    fn began(&mut self, member: usize, at: Reading, _: Beginning) {
        let history = &mut self.members[member];
        history.begin(at);
        // Akka's first estimate: two intervals, whose mean is the expected one, and whose deviation a quarter of it.
        let quarter = self.heartbeat.scale(1, 4);
        history.intervals.push(self.heartbeat.saturating_sub(quarter));
        history.intervals.push(self.heartbeat.saturating_add(quarter));
    }

    fn renewed(&mut self, member: usize, _: u64, at: Reading) {
        let patience = self.patience(member);
        let history = &mut self.members[member];
        // The silence of somebody who was given up says nothing of his heartbeats (Akka).
        if let Some(interval) = history.interval(at).filter(|interval| *interval <= patience) {
            history.intervals.push(interval);
        }
    }

    fn gives(&mut self, member: usize, scene: &Scene<'_>) -> Span {
        self.patience(member).saturating_sub(scene.tenures[member].term)
    }
}

impl ExponentialPhi {
    pub(super) fn new(policy: PhiExponential, heartbeat: Span, members: usize) -> Self {
        Self { policy, heartbeat, members: History::of_all(members, policy.window) }
    }

    fn longest(&self) -> Span {
        self.heartbeat.scale(2, 1)
    }

    /// How long after the last heartbeat the threshold is exceeded.
    fn patience(&self, member: usize) -> Span {
        self.policy.patience(self.members[member].intervals.mean())
    }
}

impl Part for ExponentialPhi {
    fn began(&mut self, member: usize, at: Reading, _: Beginning) {
        let longest = self.longest();
        let history = &mut self.members[member];
        history.begin(at);
        history.intervals.push(longest);
    }

    fn renewed(&mut self, member: usize, _: u64, at: Reading) {
        let longest = self.longest();
        let history = &mut self.members[member];
        if let Some(interval) = history.interval(at).filter(|interval| *interval <= longest) {
            history.intervals.push(interval);
        }
    }

    fn gives(&mut self, member: usize, scene: &Scene<'_>) -> Span {
        self.patience(member).saturating_sub(scene.tenures[member].term)
    }
}

impl PhiNormal {
    /// How long after the last heartbeat the threshold is exceeded, with intervals of this mean and deviation.
    pub(super) fn patience(&self, mean: Span, deviation: Span) -> Span {
        self.patience_at(normal_quantile_ppm(self.threshold), mean, deviation)
    }

    /// The same, where so many deviations are known to be as unlikely as the threshold.
    fn patience_at(&self, deviations_ppm: u64, mean: Span, deviation: Span) -> Span {
        let deviation = deviation.max(self.least_deviation);
        mean.saturating_add(self.pause).saturating_add(deviation.scale(deviations_ppm, 1_000_000))
    }
}

impl PhiExponential {
    /// How long after the last heartbeat the threshold is exceeded, with intervals of this mean.
    pub(super) fn patience(&self, mean: Span) -> Span {
        // ln(10), to the millionth.
        mean.scale(u64::from(self.threshold) * 2_302_585, 1_000_000)
    }
}

/// −log10 of the probability that a normal variable is more than `deviations` above its mean.
fn normal_phi(deviations: f64) -> f64 {
    -libm::log10(libm::erfc(deviations / core::f64::consts::SQRT_2) / 2.0)
}

/// How many deviations above its mean a normal variable is with the probability `10^−threshold`, in millionths, rounded
/// up.
fn normal_quantile_ppm(threshold: u32) -> u64 {
    let threshold = f64::from(threshold.min(HIGHEST));
    // At 38 deviations φ is 316. Sixty halvings are more than a double tells apart.
    let (mut below, mut above) = (0.0, 38.0);
    for _ in 0..60 {
        let middle = (below + above) / 2.0;
        if normal_phi(middle) < threshold { below = middle } else { above = middle }
    }
    libm::ceil(above * 1_000_000.0) as u64
}
