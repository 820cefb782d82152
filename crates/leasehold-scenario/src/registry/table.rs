//! The tables of the system `registry`, and the rules between their values.

mod budget;
mod discovery;
mod feed;
mod grace;
mod instance;
mod member;
mod observer;
mod registration;
mod server;
mod topology;

pub(super) use self::budget::BudgetTable;
pub(super) use self::discovery::{CallsTable, DiscoveryTable, FollowerTable};
pub(super) use self::feed::FeedTable;
pub(super) use self::grace::GraceTable;
pub(super) use self::instance::{InstanceTable, SidecarTable};
pub(super) use self::member::{Fleet, MemberTable};
pub(super) use self::observer::{ObserverTable, ProbeTable};
pub(super) use self::registration::RegistrationTable;
pub(super) use self::server::{Beside, RegistryTable};
pub(super) use self::topology::{Counts, TopologyTable};

use leasehold_core::Span;
use leasehold_protocol::policy::Backoff;
use leasehold_protocol::registry::policy::Liveness;

use crate::field::{length, not_zero, written};
use crate::value::Length;
use crate::{Diagnostic, Diagnostics, Spanned};

/// Two numbers of a back-off, in order and above zero.
fn backoff(
    found: &mut Diagnostics,
    retry: &Spanned<Length>,
    cap: &Spanned<Length>,
    jitter_ppm: u32,
) -> Backoff {
    not_zero(found, retry, "a first retry");
    not_zero(found, cap, "a longest retry");
    let (first, most) = (length(retry), length(cap));
    if first > most {
        let diagnostic = if written(retry) {
            Diagnostic::at(retry.span(), format!("the first retry, after {first}, is above the cap"))
                .label("expected retry <= retry_cap")
                .related(cap.span(), format!("the cap is {most}"))
        } else {
            Diagnostic::at(cap.span(), format!("a longest retry of {most}"))
                .label(format!("below the first retry of {first}: expected retry <= retry_cap"))
        };
        found.push(diagnostic.help(format!("write retry_cap = \"{first}\" or more")));
    }
    Backoff { first, cap: most, jitter_ppm }
}

/// Refuses `small >= large`, at whichever of the two the file says; of two defaults nothing is said.
fn check_below(found: &mut Diagnostics, small: &Bounded<'_>, large: &Bounded<'_>, why: &str, help: &str) {
    if small.span < large.span || !(small.is_written() || large.is_written()) {
        return;
    }
    let rule = format!("expected {} < {}", small.key, large.key);
    let (at, other) = if small.is_written() { (small, large) } else { (large, small) };
    found.push(
        Diagnostic::at(at.place.clone(), format!("{} of {} {why}", at.what, at.span))
            .label(rule)
            .related(other.place.clone(), format!("{} is {}", other.key, other.span))
            .help(help),
    );
}

/// A length in an inequality.
struct Bounded<'a> {
    /// Where it stands; an empty range if it is the default.
    place: std::ops::Range<usize>,
    /// Its key, as it is shown.
    key: &'a str,
    /// What it is: `a heartbeat interval`.
    what: &'a str,
    /// How long it is.
    span: Span,
}

impl<'a> Bounded<'a> {
    fn new<T>(value: &Spanned<T>, key: &'a str, what: &'a str, span: Span) -> Self {
        Self { place: value.span(), key, what, span }
    }

    fn is_written(&self) -> bool {
        crate::diagnostic::is_written(&self.place)
    }
}

/// Refuses tables about somebody who is not there, or about something that nobody does.
pub(super) fn check_used(
    liveness: &Spanned<Liveness>,
    probe: &Option<Spanned<ProbeTable>>,
    sidecar: &Option<Spanned<SidecarTable>>,
    follower: &Option<Spanned<FollowerTable>>,
    observer: &Option<Spanned<ObserverTable>>,
    counts: Counts,
) -> Result<(), Diagnostics> {
    let mut found = Diagnostics::default();
    let mut nobody = |place: std::ops::Range<usize>, who: &str, key: &str| {
        found.push(
            Diagnostic::at(place, format!("this is about {who}, and there are none"))
                .label(format!("expected topology.{key} > 0"))
                .help(format!("write topology.{key} = 1 or more, or remove this")),
        );
    };
    if let (Some(table), 0) = (sidecar, counts.sidecars) {
        nobody(table.span(), "sidecars", "sidecars");
    }
    if let (Some(table), 0) = (follower, counts.followers) {
        nobody(table.span(), "followers", "followers");
    }
    if let (Some(table), 0) = (observer, counts.observers) {
        nobody(table.span(), "observers", "observers");
    }
    let probes = *liveness.get_ref() != Liveness::Push || counts.observers > 0;
    if let Some(table) = probe.as_ref().filter(|_| !probes) {
        found.push(
            Diagnostic::at(table.span(), "this is about probes, and nobody probes")
                .label("members send heartbeats: liveness = \"push\"")
                .help("write registry.liveness = \"hybrid\" or \"pull\", or remove this"),
        );
    }
    if *liveness.get_ref() == Liveness::Pull && counts.sidecars > 0 {
        found.push(
            Diagnostic::at(
                liveness.span(),
                "sidecars that send heartbeats, and a registry that expects none",
            )
            .label("expected liveness = \"push\" or \"hybrid\" with sidecars")
            .help("write topology.sidecars = 0"),
        );
    }
    found.or(())
}
