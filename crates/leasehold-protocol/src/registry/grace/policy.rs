//! Which grace a registry has, and with which parameters.

use leasehold_core::time::Span;

/// Which grace a registry has. All parts work together; by default there is none of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GracePolicy {
    /// How often members send heartbeats: what detectors and guards expect.
    pub heartbeat: Span,
    /// How long beyond its term a lease is left alive.
    pub detector: Detector,
    /// Detector and extensions together give no more than this.
    pub at_most: Span,
    /// What the registry's own lateness does.
    pub late_sweep: LateSweep,
    /// A lease that was recovered after a restart gets so much more, once.
    pub failover: Option<Span>,
    /// A member is suspect when its term and its grace are over, and its lease is due so much later.
    pub second_stage: Option<Span>,
    /// Lateness in common widens the grace of all.
    pub congestion: Option<Congestion>,
    /// Ends are withheld while too few heartbeats come.
    pub rate_guard: Option<RateGuard>,
    /// Ends are slowed down by the share of a zone that is late.
    pub zone_guard: Option<ZoneGuard>,
    /// Ends need the word of several observers.
    pub quorum: Option<Quorum>,
    /// Who comes and goes too often is kept out for a while.
    pub damping: Option<Damping>,
    /// Who expired is kept out for longer each time, and only so many at once.
    pub ejection: Option<Ejection>,
    /// Terms grow with the number of members.
    pub rate_scaled: Option<RateScaled>,
    /// How often ends that were withheld are asked for again: a pass.
    pub pass: Span,
}

impl Default for GracePolicy {
    /// None at all. The pass is chosen by us.
    fn default() -> Self {
        Self {
            heartbeat: Span::from_secs(10),
            detector: Detector::None,
            at_most: Span::ZERO,
            late_sweep: LateSweep::default(),
            failover: None,
            second_stage: None,
            congestion: None,
            rate_guard: None,
            zone_guard: None,
            quorum: None,
            damping: None,
            ejection: None,
            rate_scaled: None,
            pass: Span::from_secs(10),
        }
    }
}

impl GracePolicy {
    /// The longest time beyond its term that a lease is left alive before it is due, on the registry's clock.
    pub fn longest(&self) -> Span {
        let second_stage = self.second_stage.unwrap_or(Span::ZERO);
        self.longest_listed().saturating_add(second_stage).min(self.at_most)
    }

    /// The longest time beyond its term that a member may still be listed as passing: as
    /// [`longest`](Self::longest), without the second stage.
    pub fn longest_listed(&self) -> Span {
        let detector = match self.detector {
            Detector::None => Span::ZERO,
            Detector::Fixed(span) => span,
            Detector::Missed(beats) => self.heartbeat.scale(u64::from(beats), 1),
            Detector::RiseAndFall(RiseAndFall { fall, .. }) => self.heartbeat.scale(u64::from(fall), 1),
            Detector::PhiNormal(_)
            | Detector::PhiExponential(_)
            | Detector::Chen(_)
            | Detector::Jacobson
            | Detector::Lifeguard(_) => self.at_most,
        };
        let widens = self.congestion.is_some() || self.late_sweep == LateSweep::Compensated;
        let extensions = if widens { self.at_most } else { self.failover.unwrap_or(Span::ZERO) };
        detector.saturating_add(extensions).min(self.at_most)
    }

    /// The longest time that the guards withhold an end that is due, on the registry's clock, with so many members;
    /// nothing if there is no limit. Each wait of a guard ends with the next try.
    pub fn longest_withheld(&self, members: u32, tries: Tries) -> Option<Span> {
        let pass = tries.round_up(self.pass);
        let mut longest = Span::ZERO;
        if let Some(quorum) = &self.quorum {
            longest = longest.saturating_add(tries.round_up(quorum.limit?)).saturating_add(pass);
        }
        if let Some(guard) = &self.rate_guard {
            let limit = tries.round_up(guard.limit?);
            let passes = tries.rounds(members, guard.pass_share_ppm) + 1;
            longest = longest.saturating_add(limit).saturating_add(pass.scale(passes, 1));
        }
        if let Some(guard) = &self.zone_guard {
            longest = longest
                .saturating_add(tries.round_up(guard.limit?))
                .saturating_add(tries.round_up(guard.every).scale(u64::from(members), 1))
                .saturating_add(pass);
        }
        if let Some(ejection) = &self.ejection {
            let rounds = tries.rounds(members, ejection.share_ppm);
            longest = longest.saturating_add(tries.round_up(ejection.longest).scale(rounds, 1));
        }
        Some(longest)
    }

    /// Whether any guard slows down or withholds ends.
    pub fn has_guard(&self) -> bool {
        self.quorum.is_some()
            || self.rate_guard.is_some()
            || self.zone_guard.is_some()
            || self.ejection.is_some()
    }

    /// The longest time that a member which registers anew is kept out, if it goes on sending heartbeats.
    pub fn longest_kept_out(&self) -> Span {
        let damping = self.damping.map_or(Span::ZERO, |damping| damping.longest);
        let ejection = self.ejection.map_or(Span::ZERO, |ejection| ejection.longest);
        let rise = match self.detector {
            // Heartbeats in a row are one and a half intervals apart at most, and it is asked as often.
            Detector::RiseAndFall(RiseAndFall { rise, .. }) => {
                self.heartbeat.scale(3 * (u64::from(rise) + 1), 2)
            }
            _ => Span::ZERO,
        };
        damping.max(ejection).max(rise)
    }

    /// The longest term that a member gets that asks for this one, with so many members.
    pub fn longest_term(&self, asked: Span, members: u32) -> Span {
        self.rate_scaled.map_or(asked, |scaled| scaled.base(members).scale(2, 1))
    }
}

/// When ends that guards withhold are tried again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tries {
    /// With a sweep, or with buckets: only every so often. As soon as the guards say if there is neither.
    pub every: Option<Span>,
    /// One of them ends no more than so many.
    pub at_most: Option<u32>,
}

impl Tries {
    /// How long a wait is that begins with a try and ends with one.
    fn round_up(&self, wait: Span) -> Span {
        match self.every.filter(|every| !every.is_zero()) {
            None => wait,
            Some(every) => every.scale(wait.as_nanos().div_ceil(every.as_nanos()), 1),
        }
    }

    /// How many rounds it takes for all to end, a share of them in each, rounded up: of whatever number there are, no more
    /// than so many members.
    fn rounds(&self, members: u32, share_ppm: u32) -> u64 {
        let by_share = MILLION.div_ceil(share_ppm.max(1)).min(members);
        let by_try = self.at_most.map_or(0, |most| members.div_ceil(most.max(1)));
        u64::from(by_share.max(by_try))
    }
}

/// Shares are in parts of this.
pub(super) const MILLION: u32 = 1_000_000;

/// How long beyond its term a lease is left alive. A detector that would give a member up before its term is over gives
/// no grace.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Detector {
    /// Not at all.
    #[default]
    None,
    /// So long (Consul: as long as the term).
    Fixed(Span),
    /// Until so many heartbeats are missing.
    Missed(u32),
    /// Until so many intervals in a row went by without a heartbeat; who was down needs a number in a row with one.
    RiseAndFall(RiseAndFall),
    /// Until the silence is too unlikely, intervals being normally distributed (Hayashibara et al. 2004; Akka).
    PhiNormal(PhiNormal),
    /// Until the silence is too unlikely, intervals being exponentially distributed (Cassandra).
    PhiExponential(PhiExponential),
    /// Until a margin after the estimated arrival (Chen, Toueg and Aguilera 2002: NFD-E).
    Chen(Chen),
    /// Until the smoothed lateness and four deviations after the expected arrival (Jacobson 1988; RFC 6298).
    Jacobson,
    /// Until a suspicion that observers confirm runs out (Dadgar, Phillips and Currey 2018).
    Lifeguard(Lifeguard),
}

impl Detector {
    /// How long after the last heartbeat it gives up a member whose heartbeats always came in time, every `heartbeat`;
    /// nothing if it does not count from heartbeats. With more jitter it waits longer.
    pub fn usual_patience(&self, heartbeat: Span) -> Option<Span> {
        match *self {
            Self::None | Self::Fixed(_) | Self::Lifeguard(_) => None,
            Self::Missed(beats) => Some(heartbeat.scale(u64::from(beats), 1)),
            Self::RiseAndFall(policy) => Some(heartbeat.scale(u64::from(policy.fall), 1)),
            Self::PhiNormal(policy) => Some(policy.patience(heartbeat, Span::ZERO)),
            Self::PhiExponential(policy) => Some(policy.patience(heartbeat)),
            Self::Chen(policy) => Some(heartbeat.saturating_add(policy.margin)),
            Self::Jacobson => Some(heartbeat),
        }
    }
}

/// How often something has to be missing, or there, in a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RiseAndFall {
    /// So many intervals in a row without a heartbeat: down.
    pub fall: u32,
    /// So many in a row with one: up.
    pub rise: u32,
}

impl Default for RiseAndFall {
    /// Those of HAProxy.
    fn default() -> Self {
        Self { fall: 3, rise: 2 }
    }
}

/// Phi accrual with normally distributed intervals.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PhiNormal {
    /// −log10 of how unlikely the silence has to be.
    pub threshold: u32,
    /// Deviations below this are taken to be this.
    pub least_deviation: Span,
    /// Silence is counted from so much later.
    pub pause: Span,
    /// How many intervals are remembered.
    pub window: u32,
}

impl Default for PhiNormal {
    /// Those of Akka's cluster.
    fn default() -> Self {
        Self {
            threshold: 8,
            least_deviation: Span::from_millis(100),
            pause: Span::from_secs(3),
            window: 1_000,
        }
    }
}

/// Phi accrual with exponentially distributed intervals.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PhiExponential {
    /// −log10 of how unlikely the silence has to be.
    pub threshold: u32,
    /// How many intervals are remembered.
    pub window: u32,
}

impl Default for PhiExponential {
    /// Those of Cassandra.
    fn default() -> Self {
        Self { threshold: 8, window: 1_000 }
    }
}

/// Chen's detector with expected arrivals.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Chen {
    /// α: how long after its estimated arrival a heartbeat is missed.
    pub margin: Span,
    /// How many arrivals are remembered.
    pub window: u32,
}

impl Default for Chen {
    /// A margin from the middle of what is usual; the window of the paper's experiments is 32.
    fn default() -> Self {
        Self { margin: Span::from_millis(200), window: 32 }
    }
}

/// A suspicion that runs out sooner the more observers confirm it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lifeguard {
    /// The shortest suspicion, in intervals and in powers of ten of the number of members.
    pub multiplier: u32,
    /// The longest suspicion, in shortest ones.
    pub longest: u32,
    /// The interval.
    pub interval: Span,
    /// How long a registry in good health waits before it suspects; one that is late itself waits up to eight times
    /// as long.
    pub timeout: Span,
}

impl Default for Lifeguard {
    /// Those of memberlist.
    fn default() -> Self {
        Self { multiplier: 4, longest: 6, interval: Span::from_secs(1), timeout: Span::from_millis(500) }
    }
}

/// What the registry's own lateness does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LateSweep {
    /// Nothing.
    #[default]
    Ignored,
    /// It is added to every deadline (Eureka).
    Compensated,
}

/// Lateness in common widens the grace of all. Ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Congestion {
    /// When a greater share of all members than this is late in one window, grace widens; in parts per million.
    pub share_ppm: u32,
    /// How long a window is.
    pub window: Span,
    /// A heartbeat is late when it comes so much later than expected.
    pub late: Span,
    /// The first widening, and what grace narrows by with each window without.
    pub step: Span,
    /// Further widenings multiply by this.
    pub factor: u32,
}

impl Default for Congestion {
    /// Chosen by us: a window in which every member has to be heard of at least once, doubling.
    fn default() -> Self {
        Self {
            share_ppm: 200_000,
            window: Span::from_secs(15),
            late: Span::from_secs(2),
            step: Span::from_secs(5),
            factor: 2,
        }
    }
}

/// Ends are withheld while too few heartbeats come (Eureka's self-preservation).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RateGuard {
    /// Ends are withheld while not more than this share of the expected heartbeats came, in parts per million.
    pub threshold_ppm: u32,
    /// Heartbeats are counted over windows of this length.
    pub window: Span,
    /// Over which of them.
    pub counted: Counted,
    /// In one pass at most this share of all members ends, in parts per million.
    pub pass_share_ppm: u32,
    /// With fewer members than this it does nothing.
    pub least_members: u32,
    /// How many heartbeats are expected.
    pub expected: Expected,
    /// After it has withheld ends for so long it does so no more; it withholds them for ever if nothing is said.
    pub limit: Option<Span>,
}

impl Default for RateGuard {
    /// Threshold, share and window are Eureka's. With seven members the loss of one leaves 0.857 of the heartbeats: the
    /// fewest with which one crash does not trip the guard. The limit is chosen by us.
    fn default() -> Self {
        Self {
            threshold_ppm: 850_000,
            window: Span::from_secs(60),
            counted: Counted::default(),
            pass_share_ppm: 150_000,
            least_members: 7,
            expected: Expected::default(),
            limit: Some(Span::from_secs(120)),
        }
    }
}

/// Over which window heartbeats are counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Counted {
    /// Over the one that ends now: of the full window before, as much counts as it still has in common with it. Ours.
    #[default]
    Sliding,
    /// Over the last full one: what happened since does not count yet (Eureka).
    FullWindow,
}

/// How many heartbeats are expected.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Expected {
    /// As many as the members that are left send.
    #[default]
    FollowsEnds,
    /// As many as all send that ever registered and did not leave: who expired is still expected (Eureka #1073).
    IgnoresExpiries,
}

/// Ends are slowed down by the share of a zone that is late (Kubernetes' node lifecycle controller).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ZoneGuard {
    /// In a zone one lease ends in so long.
    pub every: Span,
    /// From this share of a zone being late on, one ends in `slow`; in parts per million.
    pub threshold_ppm: u32,
    /// How slow it is then. No end at all in a zone with at most `small` members.
    pub slow: Span,
    /// A zone is small up to this many members.
    pub small: u32,
    /// After a zone was slow or stopped for so long it is as fast as others; never if nothing is said.
    pub limit: Option<Span>,
}

impl Default for ZoneGuard {
    /// Those of Kubernetes; the limit is chosen by us.
    fn default() -> Self {
        Self {
            every: Span::from_secs(10),
            threshold_ppm: 550_000,
            slow: Span::from_secs(100),
            small: 50,
            limit: Some(Span::from_secs(120)),
        }
    }
}

/// Ends need the word of several observers (Redis Sentinel).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quorum {
    /// q: so many observers have to miss the member.
    pub observers: u32,
    /// What an observer said counts for so long.
    pub fresh: Span,
    /// After so long without a quorum the registry's word is enough; never if nothing is said.
    pub limit: Option<Span>,
}

impl Default for Quorum {
    /// Chosen by us.
    fn default() -> Self {
        Self { observers: 2, fresh: Span::from_secs(10), limit: Some(Span::from_secs(60)) }
    }
}

/// Who comes and goes too often is kept out for a while (RFC 2439).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Damping {
    /// What an involuntary end costs.
    pub penalty: u32,
    /// In so long the penalty decays to its half.
    pub half_life: Span,
    /// Above this a member is kept out.
    pub suppress: u32,
    /// Until it is below this.
    pub reuse: u32,
    /// But for so long at most.
    pub longest: Span,
}

impl Default for Damping {
    /// The usual ones.
    fn default() -> Self {
        Self {
            penalty: 1_000,
            half_life: Span::from_secs(15 * 60),
            suppress: 2_000,
            reuse: 750,
            longest: Span::from_secs(60 * 60),
        }
    }
}

/// Who expired is kept out for longer each time, and only so many at once (Envoy's outlier ejection).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ejection {
    /// The first time it is kept out for so long, the second for twice that, and so on.
    pub base: Span,
    /// But for so long at most.
    pub longest: Span,
    /// For each such time that it is well, one ejection is forgotten.
    pub forget: Span,
    /// At most this share of all members is out at once, in parts per million; one may be in any case.
    pub share_ppm: u32,
}

impl Default for Ejection {
    /// Those of Envoy.
    fn default() -> Self {
        Self {
            base: Span::from_secs(30),
            longest: Span::from_secs(300),
            forget: Span::from_secs(10),
            share_ppm: 100_000,
        }
    }
}

/// Terms grow with the number of members (Nomad).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RateScaled {
    /// No term is shorter.
    pub least: Span,
    /// R: so many terms begin anew in a second at most.
    pub per_second: u32,
}

impl Default for RateScaled {
    /// Those of Nomad.
    fn default() -> Self {
        Self { least: Span::from_secs(10), per_second: 50 }
    }
}

impl Ejection {
    /// How many of so many members may be out at once. Envoy ejects while the share that is out is below the limit.
    pub(super) fn at_once(&self, members: u32) -> u32 {
        let share = u64::from(members) * u64::from(self.share_ppm);
        let most = share.div_ceil(u64::from(MILLION)).min(u64::from(members));
        u32::try_from(most).expect("at most all members").max(1)
    }
}

impl RateScaled {
    /// The term with so many members, before chance adds up to as much again.
    pub(super) fn base(&self, members: u32) -> Span {
        Span::from_secs(1).scale(u64::from(members), u64::from(self.per_second.max(1))).max(self.least)
    }
}
