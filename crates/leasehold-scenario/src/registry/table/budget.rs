//! `[budget]`: what the design is meant to withstand, and what it may cost.

use leasehold_core::{MassCap, Span};
use leasehold_protocol::registry::bounds::Budget;
use schemars::JsonSchema;
use serde::Deserialize;

use crate::field::{length, not_zero};
use crate::value::{Length, Percent, Whole};
use crate::{Diagnostic, Diagnostics, Spanned};

/// `[budget]`: caps that the design is judged by.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct BudgetTable {
    /// How many heartbeats and registrations may reach the registry in a second; not judged unless it is given.
    load: Option<Spanned<Whole<1, 1_000_000>>>,
    /// So many heartbeats of a member may be lost in a row without its lease expiring: as many as the TTL allows
    /// unless it is given.
    lost_in_a_row: Option<Whole<0, 1_000>>,
    /// A member may stand still for so long without its lease expiring.
    pause: Option<Length>,
    /// How many leases of live members may expire nevertheless.
    false_expiries: Option<Whole<0, 1_000_000>>,
    /// How many leases may end of themselves within a window; not judged unless it is given.
    mass_expiry: Option<Spanned<MassTable>>,
    /// So long the end of a lease may wait its turn behind others, where a sweep ends only so many: as long as it takes
    /// for all of them unless it is given.
    queueing: Option<Length>,
    /// How long after a change of the registry's list a client may answer otherwise, through all caches in between; as long
    /// as they allow together unless it is given.
    view_age: Option<Spanned<Length>>,
}

/// `mass_expiry` of `[budget]`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct MassTable {
    /// How long the window is.
    window: Spanned<Length>,
    /// The greatest share of the live leases.
    share: Spanned<Percent>,
    /// So many may end in any case: 1 unless it is given.
    #[serde(default = "one")]
    at_least: Whole<0, 1_000_000>,
}

const fn one() -> Whole<0, 1_000_000> {
    Whole(1)
}

impl BudgetTable {
    pub(crate) fn budget(&self) -> Result<Budget, Diagnostics> {
        let mut found = Diagnostics::default();
        let mass = self.mass_expiry.as_ref().map(|mass| {
            let MassTable { window, share, at_least } = mass.get_ref();
            not_zero(&mut found, window, "a window");
            if share.get_ref().0.as_ppm() >= 1_000_000 {
                found.push(
                    Diagnostic::at(share.span(), "a share of 100% caps nothing")
                        .label("expected share < 100%")
                        .help("write a smaller share, or leave out mass_expiry"),
                );
            }
            MassCap { window: length(window), share_ppm: share.get_ref().0.as_ppm(), at_least: at_least.0 }
        });
        if let Some(view_age) = &self.view_age {
            not_zero(&mut found, view_age, "an age of views");
        }
        found.or(Budget {
            load: self.load.as_ref().map(|load| load.get_ref().0),
            lost_in_a_row: self.lost_in_a_row.map(|count| count.0),
            pause: self.pause.map_or(Span::ZERO, |pause| pause.0),
            false_expiries: self.false_expiries.map_or(0, |count| count.0),
            mass,
            queueing: self.queueing.map(|queueing| queueing.0),
            view_age: self.view_age.as_ref().map(length),
        })
    }
}
