//! `[grace]`: what the registry does for those that are late.

mod detector;
mod extension;
mod guard;
mod readmission;
#[cfg(test)]
mod tests;

use leasehold_core::Span;
use leasehold_protocol::registry::grace::{Detector, GracePolicy, LateSweep};
use leasehold_protocol::registry::policy::ProbePolicy;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use self::detector::{ChenTable, DetectorName, LifeguardTable, PhiTable, RiseAndFallTable};
use self::extension::{CongestionTable, RateScaledTable};
use self::guard::{QuorumTable, RateGuardTable, ZoneGuardTable};
use self::readmission::{DampingTable, EjectionTable};
use super::{Counts, RegistrationTable};
use crate::field::{length, not_zero, spanned, written};
use crate::names::names;
use crate::value::{Length, NeverOrLength, Share, Whole};
use crate::{Diagnostic, Diagnostics, Spanned};

names! {
    /// What the registry's own lateness does.
    LateSweepName for LateSweep { #[default] Ignored, Compensated }
}

/// `[grace]`: what the registry does for those that are late. Each part is there if it is named, and all work together.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct GraceTable {
    /// How long beyond its term a lease is left alive.
    detector: Spanned<DetectorName>,
    /// Detector and extensions together give no more than this.
    at_most: Spanned<Share>,
    /// How long, with `detector = "fixed"`: the TTL unless it is given.
    fixed: Option<Spanned<Share>>,
    /// Until how many heartbeats are missing, with `detector = "missed"`: 5 unless it is given.
    missed: Option<Spanned<Whole<1, 1_000>>>,
    /// How `detector = "rise-and-fall"` counts.
    rise_and_fall: Option<Spanned<RiseAndFallTable>>,
    /// How `detector = "phi-normal"` and `"phi-exponential"` reckon.
    phi: Option<Spanned<PhiTable>>,
    /// How `detector = "chen"` reckons.
    chen: Option<Spanned<ChenTable>>,
    /// How `detector = "lifeguard"` suspects.
    lifeguard: Option<Spanned<LifeguardTable>>,
    /// What the registry's own lateness does.
    late_sweep: LateSweepName,
    /// A lease that is recovered after a restart gets so much more, until its first heartbeat.
    failover: Option<Spanned<Length>>,
    /// A member is suspect when its term and its grace are over, and its lease is due so much later.
    second_stage: Option<Spanned<Length>>,
    /// Lateness in common widens the grace of all.
    congestion: Option<Spanned<CongestionTable>>,
    /// Ends are withheld while too few heartbeats come.
    rate_guard: Option<Spanned<RateGuardTable>>,
    /// Ends are slowed down by the share of a zone that is late.
    zone_guard: Option<Spanned<ZoneGuardTable>>,
    /// Ends need the word of several observers.
    quorum: Option<Spanned<QuorumTable>>,
    /// Who comes and goes too often is kept out for a while.
    damping: Option<Spanned<DampingTable>>,
    /// Who expired is kept out for longer each time, and only so many at once.
    ejection: Option<Spanned<EjectionTable>>,
    /// Terms grow with the number of members, whatever TTL they ask for.
    rate_scaled: Option<Spanned<RateScaledTable>>,
    /// How often ends that were withheld are asked for again: a pass.
    pass: Spanned<Length>,
}

impl Default for GraceTable {
    fn default() -> Self {
        Self {
            detector: spanned(DetectorName::default()),
            at_most: spanned(Share::OfTtl { numerator: 1, denominator: 1 }),
            fixed: None,
            missed: None,
            rise_and_fall: None,
            phi: None,
            chen: None,
            lifeguard: None,
            late_sweep: LateSweepName::default(),
            failover: None,
            second_stage: None,
            congestion: None,
            rate_guard: None,
            zone_guard: None,
            quorum: None,
            damping: None,
            ejection: None,
            rate_scaled: None,
            pass: spanned(Length(GracePolicy::default().pass)),
        }
    }
}

impl GraceTable {
    /// The policy, for so many members and observers; these probe as told.
    pub(crate) fn policy(
        &self,
        registration: &RegistrationTable,
        counts: Counts,
        probe: &ProbePolicy,
    ) -> Result<GracePolicy, Diagnostics> {
        let mut found = Diagnostics::default();
        let times = Times::new(registration, self);
        not_zero(&mut found, &self.pass, "a pass");
        let detector = self.detector(&mut found, &times);
        let policy = GracePolicy {
            heartbeat: times.heartbeat,
            detector,
            at_most: times.at_most,
            late_sweep: self.late_sweep.into(),
            failover: self.failover.as_ref().map(length),
            second_stage: self.second_stage.as_ref().map(length),
            congestion: self.congestion.as_ref().map(|table| table.get_ref().policy(&mut found, &times)),
            rate_guard: self
                .rate_guard
                .as_ref()
                .map(|table| table.get_ref().policy(&mut found, &times, counts)),
            zone_guard: self.zone_guard.as_ref().map(|table| table.get_ref().policy(&mut found)),
            quorum: self
                .quorum
                .as_ref()
                .map(|table| table.get_ref().policy(&mut found, table.span(), counts, probe)),
            damping: self.damping.as_ref().map(|table| table.get_ref().policy(&mut found)),
            ejection: self.ejection.as_ref().map(|table| table.get_ref().policy(&mut found)),
            rate_scaled: self
                .rate_scaled
                .as_ref()
                .map(|table| table.get_ref().policy(&mut found, &registration.every())),
            pass: length(&self.pass),
        };
        let policy = self.check_at_most(&mut found, policy, &times);
        found.or(policy)
    }

    /// What is given has to fit under `at_most`, and that has to be for something.
    fn check_at_most(&self, found: &mut Diagnostics, policy: GracePolicy, times: &Times) -> GracePolicy {
        let gives = policy.detector != Detector::None
            || policy.late_sweep == LateSweep::Compensated
            || policy.failover.is_some()
            || policy.second_stage.is_some()
            || policy.congestion.is_some();
        if !gives {
            if written(&self.at_most) {
                found.push(
                    Diagnostic::at(self.at_most.span(), "a limit, of grace that nothing gives")
                        .help("name a detector, such as detector = \"fixed\", or remove this"),
                );
            }
            return GracePolicy { at_most: Span::ZERO, ..policy };
        }
        let at_most = times.at_most;
        if at_most.is_zero() {
            let diagnostic = Diagnostic::at(self.at_most.span(), "grace of at most 0s is none");
            found.push(diagnostic.label("expected more than zero").help("write at_most = \"ttl\""));
            return policy;
        }
        let stages = [("failover", &self.failover), ("second_stage", &self.second_stage)];
        for (key, value) in stages.iter().filter_map(|(key, value)| Some((key, value.as_ref()?))) {
            not_zero(found, value, "an extension");
            self.check_fits(found, key, value, length(value), at_most);
        }
        if let Some(fixed) = self.fixed.as_ref().filter(|_| matches!(policy.detector, Detector::Fixed(_))) {
            self.check_fits(found, "fixed", fixed, fixed.get_ref().of(times.ttl), at_most);
        }
        policy
    }

    fn check_fits<T>(
        &self,
        found: &mut Diagnostics,
        key: &str,
        value: &Spanned<T>,
        span: Span,
        at_most: Span,
    ) {
        if span <= at_most {
            return;
        }
        let mut diagnostic =
            Diagnostic::at(value.span(), format!("{span}, of which at most {at_most} is given"))
                .label(format!("expected {key} <= at_most"));
        if written(&self.at_most) {
            diagnostic = diagnostic.related(self.at_most.span(), format!("at_most is {at_most}"));
        }
        found.push(diagnostic.help(format!("write at_most = \"{span}\" or more beside it")));
    }
}

/// The times that grace goes by.
struct Times {
    ttl: Span,
    heartbeat: Span,
    at_most: Span,
}

impl Times {
    fn new(registration: &RegistrationTable, grace: &GraceTable) -> Self {
        let ttl = registration.ttl();
        Self { ttl, heartbeat: registration.interval(), at_most: grace.at_most.get_ref().of(ttl) }
    }
}

/// A share by default, in parts per million.
fn share(ppm: u32) -> Spanned<crate::value::Percent> {
    let chance = leasehold_core::plan::Chance::from_ppm(ppm).expect("a default share is at most one");
    spanned(crate::value::Percent(chance))
}

/// A share, in parts per million.
fn ppm(value: &Spanned<crate::value::Percent>) -> u32 {
    value.get_ref().0.as_ppm()
}

/// A limit by default.
fn limit(value: Option<Span>) -> Spanned<NeverOrLength> {
    spanned(value.map_or(NeverOrLength::Never, NeverOrLength::Length))
}

/// Refuses a share of nothing.
fn not_nothing(found: &mut Diagnostics, value: &Spanned<crate::value::Percent>, what: &str) {
    if ppm(value) == 0 {
        found.push(Diagnostic::at(value.span(), format!("{what} of 0%")).label("expected more than zero"));
    }
}

/// Refuses a limit of zero, under which a guard withholds nothing.
fn check_limit(found: &mut Diagnostics, value: &Spanned<NeverOrLength>) {
    if value.get_ref().span().is_some_and(Span::is_zero) {
        found.push(
            Diagnostic::at(value.span(), "a guard that withholds ends for 0s withholds none")
                .label("expected more than zero")
                .help("write limit = \"never\" for one that never gives way, or remove the guard"),
        );
    }
}
