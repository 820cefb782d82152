//! Grace that widens with common lateness, and terms that grow with the fleet.

use leasehold_protocol::registry::grace::{Congestion, RateScaled};
use schemars::JsonSchema;
use serde::Deserialize;

use super::{Times, ppm, share};
use crate::field::{length, not_zero, spanned};
use crate::value::{Length, Percent, Share, Whole};
use crate::{Diagnostic, Diagnostics, Spanned};

/// How grace goes by lateness in common.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(super) struct CongestionTable {
    /// When a greater share of all members than this is late in one window, grace widens.
    share: Spanned<Percent>,
    /// How long a window is: longer than a heartbeat interval.
    window: Spanned<Length>,
    /// A heartbeat is late when it comes so much later than expected.
    late: Spanned<Length>,
    /// The first widening, and what grace narrows by with each window without.
    step: Spanned<Length>,
    /// Further widenings multiply by this.
    factor: Whole<1, 100>,
}

impl Default for CongestionTable {
    fn default() -> Self {
        let Congestion { share_ppm, window, late, step, factor } = Congestion::default();
        Self {
            share: share(share_ppm),
            window: spanned(Length(window)),
            late: spanned(Length(late)),
            step: spanned(Length(step)),
            factor: Whole(factor),
        }
    }
}

impl CongestionTable {
    pub(super) fn policy(&self, found: &mut Diagnostics, times: &Times) -> Congestion {
        let (window, late, step) = (length(&self.window), length(&self.late), length(&self.step));
        not_zero(found, &self.step, "a step");
        if ppm(&self.share) >= 1_000_000 {
            found.push(
                Diagnostic::at(self.share.span(), "never more than 100% of all members are late")
                    .label("a threshold that is never reached: expected share < 100%"),
            );
        }
        if window <= times.heartbeat {
            let message = format!("a window of {window}, in which members need not be heard of");
            found.push(
                Diagnostic::at(self.window.span(), message)
                    .label(format!("expected window > heartbeat, which is {}", times.heartbeat))
                    .help("write a window of one and a half heartbeat intervals"),
            );
        }
        let end = times.ttl.saturating_add(times.at_most);
        if times.heartbeat.saturating_add(late) >= end && !times.ttl.is_zero() {
            let message = format!("a heartbeat is late {late} after it was expected, when the lease is over");
            found.push(
                Diagnostic::at(self.late.span(), message)
                    .label("a threshold that is never reached: expected heartbeat + late < ttl + at_most"),
            );
        }
        if step > times.at_most && !times.at_most.is_zero() {
            let message = format!("a first widening of {step}, of which at most {} is given", times.at_most);
            found.push(Diagnostic::at(self.step.span(), message).label("expected step <= at_most"));
        }
        Congestion { share_ppm: ppm(&self.share), window, late, step, factor: self.factor.0 }
    }
}

/// How terms grow with the fleet.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(super) struct RateScaledTable {
    /// No term is shorter.
    least: Spanned<Length>,
    /// So many terms begin anew in a second at most.
    per_second: Whole<1, 1_000_000>,
}

impl Default for RateScaledTable {
    fn default() -> Self {
        let RateScaled { least, per_second } = RateScaled::default();
        Self { least: spanned(Length(least)), per_second: Whole(per_second) }
    }
}

impl RateScaledTable {
    pub(super) fn policy(&self, found: &mut Diagnostics, heartbeat: &Spanned<Share>) -> RateScaled {
        not_zero(found, &self.least, "a least term");
        let least = length(&self.least);
        if let Share::Fixed(interval) = *heartbeat.get_ref()
            && interval >= least
            && !least.is_zero()
        {
            found.push(
                Diagnostic::at(
                    heartbeat.span(),
                    format!("a heartbeat every {interval}, under a term of {least}"),
                )
                .label("expected heartbeat < grace.rate_scaled.least")
                .help("write heartbeat = \"ttl/3\": of the term that a member is given"),
            );
        }
        RateScaled { least: length(&self.least), per_second: self.per_second.0 }
    }
}
