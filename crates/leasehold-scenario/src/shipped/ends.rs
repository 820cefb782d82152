//! What both systems say in the same words: how leases end, and what a restart gives them.

use leasehold_protocol::policy::{Expiry, Restart};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::field::{length, not_zero};
use crate::value::{Length, Whole};
use crate::{Diagnostic, Diagnostics, Spanned};

/// What a restart does to leases that live.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum RestartName {
    /// Each gets a full term.
    #[default]
    FullTerm,
    /// Each keeps the deadline it had on the wall clock.
    Remaining,
    /// Each gets a full term and `restart_extra` more.
    Extra,
}

/// What says how leases end.
pub(crate) struct Ends<'a> {
    /// The interval of sweeps.
    pub(crate) sweep: Option<&'a Spanned<Length>>,
    /// Its key, for those who have to set it.
    pub(crate) sweep_key: &'static str,
    pub(crate) sweep_at_most: Option<&'a Spanned<Whole<1, 1_000_000>>>,
    pub(crate) buckets: Option<&'a Spanned<Length>>,
}

impl Ends<'_> {
    pub(crate) fn expiry(&self, found: &mut Diagnostics) -> Expiry {
        if let (Some(at_most), None) = (self.sweep_at_most, self.sweep) {
            found.push(
                Diagnostic::at(at_most.span(), "there is no sweep that could end at most so many")
                    .help(self.how_to_sweep()),
            );
        }
        match (self.sweep, self.buckets) {
            (Some(every), Some(width)) => {
                found.push(
                    Diagnostic::at(width.span(), "leases end by buckets, and by a sweep")
                        .label("expected one of the two")
                        .related(every.span(), "the sweep is here"),
                );
                Expiry::ExactTimer
            }
            (Some(every), None) => {
                not_zero(found, every, "a sweep interval");
                let at_most = self.sweep_at_most.map(|at_most| at_most.get_ref().0);
                Expiry::Sweep { every: length(every), at_most }
            }
            (None, Some(width)) => {
                not_zero(found, width, "a bucket");
                Expiry::Buckets { width: length(width) }
            }
            (None, None) => Expiry::ExactTimer,
        }
    }

    /// What helps who says something of a sweep that is not there.
    pub(crate) fn how_to_sweep(&self) -> String {
        format!("set {} = \"500ms\", or remove this", self.sweep_key)
    }
}

/// What a restart gives, by the two keys that say so.
pub(crate) fn restart(
    name: &Spanned<RestartName>,
    extra: Option<&Spanned<Length>>,
) -> Result<Restart, Diagnostic> {
    match (*name.get_ref(), extra) {
        (RestartName::FullTerm, None) => Ok(Restart::FullTerm),
        (RestartName::Remaining, None) => Ok(Restart::Remaining),
        (RestartName::Extra, Some(extra)) => Ok(Restart::Extra(length(extra))),
        (RestartName::Extra, None) => {
            Err(Diagnostic::at(name.span(), "`extra` does not say how much more than a term")
                .help("add restart_extra = \"5s\" beside it"))
        }
        (_, Some(extra)) => Err(Diagnostic::at(extra.span(), "a restart gives nothing extra")
            .related(name.span(), "because of this")
            .help("write restart = \"extra\", or remove restart_extra")),
    }
}
