//! When somebody who comes back is let in.

use leasehold_protocol::registry::grace::{Damping, Ejection};
use schemars::JsonSchema;
use serde::Deserialize;

use super::{not_nothing, ppm, share};
use crate::field::{length, not_zero, spanned, written};
use crate::value::{Length, Percent, Whole};
use crate::{Diagnostic, Diagnostics, Spanned};

/// How flaps are counted and forgotten.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(super) struct DampingTable {
    /// What an involuntary end costs.
    penalty: Spanned<Whole<1, 1_000_000>>,
    /// In so long the penalty decays to its half.
    half_life: Spanned<Length>,
    /// Above this a member is kept out.
    suppress: Spanned<Whole<1, 1_000_000>>,
    /// Until it is down at this.
    reuse: Spanned<Whole<1, 1_000_000>>,
    /// But for so long at most.
    longest: Spanned<Length>,
}

impl Default for DampingTable {
    fn default() -> Self {
        let Damping { penalty, half_life, suppress, reuse, longest } = Damping::default();
        Self {
            penalty: spanned(Whole(penalty)),
            half_life: spanned(Length(half_life)),
            suppress: spanned(Whole(suppress)),
            reuse: spanned(Whole(reuse)),
            longest: spanned(Length(longest)),
        }
    }
}

impl DampingTable {
    pub(super) fn policy(&self, found: &mut Diagnostics) -> Damping {
        not_zero(found, &self.half_life, "a half-life");
        not_zero(found, &self.longest, "a longest time to be kept out");
        let (Whole(suppress), Whole(reuse)) = (*self.suppress.get_ref(), *self.reuse.get_ref());
        let policy = Damping {
            penalty: self.penalty.get_ref().0,
            half_life: length(&self.half_life),
            suppress,
            reuse,
            longest: length(&self.longest),
        };
        if reuse >= suppress {
            let (place, other) = match written(&self.reuse) {
                true => (&self.reuse, (&self.suppress, format!("suppress is {suppress}"))),
                false => (&self.suppress, (&self.reuse, format!("reuse is {reuse}"))),
            };
            found.push(
                Diagnostic::at(place.span(), format!("kept out above {suppress}, and let in below {reuse}"))
                    .label("expected reuse < suppress")
                    .related(other.0.span(), other.1),
            );
        } else if !policy.half_life.is_zero() && !policy.reaches_its_limit() {
            let message = format!(
                "no penalty is above {:.0}, which decays to {reuse} within {}",
                policy.ceiling(),
                policy.longest
            );
            let place = if written(&self.longest) { self.longest.span() } else { self.suppress.span() };
            found.push(
                Diagnostic::at(place, message)
                    .label("a threshold that is never reached: expected suppress < reuse * 2^(longest / half_life)")
                    .help("write a longer `longest`, a shorter `half_life`, or a lower `suppress`"),
            );
        }
        policy
    }
}

/// How long who expired is kept out.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(super) struct EjectionTable {
    /// The first time it is kept out for so long, the second for twice that, and so on.
    base: Spanned<Length>,
    /// But for so long at most.
    longest: Spanned<Length>,
    /// For each such time that it is well, one ejection is forgotten.
    forget: Spanned<Length>,
    /// At most this share of all members is out at once; one may be in any case.
    share: Spanned<Percent>,
}

impl Default for EjectionTable {
    fn default() -> Self {
        let Ejection { base, longest, forget, share_ppm } = Ejection::default();
        Self {
            base: spanned(Length(base)),
            longest: spanned(Length(longest)),
            forget: spanned(Length(forget)),
            share: share(share_ppm),
        }
    }
}

impl EjectionTable {
    pub(super) fn policy(&self, found: &mut Diagnostics) -> Ejection {
        not_zero(found, &self.base, "a first ejection");
        not_zero(found, &self.forget, "a time in which an ejection is forgotten");
        not_nothing(found, &self.share, "a share that may be out");
        let (base, longest) = (length(&self.base), length(&self.longest));
        if longest < base {
            let place = if written(&self.longest) { self.longest.span() } else { self.base.span() };
            found.push(
                Diagnostic::at(place, format!("a first ejection of {base}, and none longer than {longest}"))
                    .label("expected base <= longest"),
            );
        }
        Ejection { base, longest, forget: length(&self.forget), share_ppm: ppm(&self.share) }
    }
}
