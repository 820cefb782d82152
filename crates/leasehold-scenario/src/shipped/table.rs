//! The shipped system's tables, and the rules between their values.

use leasehold_core::{ClockKind, Span};
use leasehold_protocol::policy::{
    Anchor, Backoff, Expiry, Fence, GrantorPolicy, HolderPolicy, Interval, Lifetime, Margin, Reads,
    ResourcePolicy, WorkPolicy,
};
use serde::Deserialize;
use toml::Spanned;

use crate::diagnostic::is_written;
use crate::value::{AutoOrLength, Length, Percent, Share, Whole};
use crate::{Diagnostic, Diagnostics, Environment};

/// The most holders and the most resources. Chosen by us: well above what one grantor is studied with, and low
/// enough that a mistyped zero does not fill the memory.
const MOST: u32 = 400;

fn spanned<T>(value: T) -> Spanned<T> {
    Spanned::new(0..0, value)
}

fn seconds(secs: u64) -> Spanned<Length> {
    spanned(Length(Span::from_secs(secs)))
}

fn millis(millis: u64) -> Spanned<Length> {
    spanned(Length(Span::from_millis(millis)))
}

fn length(value: &Spanned<Length>) -> Span {
    value.get_ref().0
}

/// Whether the file says so, or it is the default.
fn written<T>(value: &Spanned<T>) -> bool {
    is_written(&value.span())
}

/// Refuses a length of zero.
fn not_zero(found: &mut Diagnostics, value: &Spanned<Length>, what: &str) {
    if length(value).is_zero() {
        found.push(Diagnostic::at(value.span(), format!("{what} of 0s")).label("expected more than zero"));
    }
}

/// `[lease]`: the term and its renewal.
#[derive(Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct LeaseTable {
    ttl: Spanned<Length>,
    renew: Spanned<Share>,
    sweep: Option<Spanned<Length>>,
}

impl Default for LeaseTable {
    fn default() -> Self {
        let third = Share::OfTtl { numerator: 1, denominator: 3 };
        Self { ttl: seconds(10), renew: spanned(third), sweep: None }
    }
}

/// `[grantor]`.
#[derive(Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct GrantorTable {
    clock: ClockKind,
    ttl_min: Spanned<Length>,
    ttl_max: Spanned<Length>,
}

impl Default for GrantorTable {
    fn default() -> Self {
        let GrantorPolicy { clock, ttl_min, ttl_max, .. } = GrantorPolicy::default();
        Self { clock, ttl_min: spanned(Length(ttl_min)), ttl_max: spanned(Length(ttl_max)) }
    }
}

impl GrantorTable {
    pub(crate) fn policy(&self, lease: &LeaseTable) -> Result<GrantorPolicy, Diagnostics> {
        let mut found = Diagnostics::default();
        let (min, max) = (length(&self.ttl_min), length(&self.ttl_max));
        not_zero(&mut found, &self.ttl_min, "a shortest TTL");
        if min > max {
            let message = format!("the shortest TTL, {min}, is longer than the longest, {max}");
            found.push(if written(&self.ttl_min) {
                Diagnostic::at(self.ttl_min.span(), message)
                    .related(self.ttl_max.span(), format!("the longest is {max}"))
            } else {
                Diagnostic::at(self.ttl_max.span(), message)
                    .related(self.ttl_min.span(), format!("the shortest is {min}"))
            });
        } else if !(min..=max).contains(&length(&lease.ttl)) {
            found.push(self.out_of_limits(&lease.ttl));
        }
        let expiry = match &lease.sweep {
            None => Expiry::ExactTimer,
            Some(every) => {
                not_zero(&mut found, every, "a sweep interval");
                Expiry::Sweep { every: length(every), at_most: None }
            }
        };
        found.or(GrantorPolicy {
            clock: self.clock,
            ttl_min: min,
            ttl_max: max,
            expiry,
            ..GrantorPolicy::default()
        })
    }

    /// A TTL beyond one of the limits: of the two, what the file says is wrong.
    fn out_of_limits(&self, ttl: &Spanned<Length>) -> Diagnostic {
        let (min, max) = (length(&self.ttl_min), length(&self.ttl_max));
        let span = length(ttl);
        let (limit, key, what, beyond) = match span > max {
            true => (&self.ttl_max, "ttl_max", "longest", "above"),
            false => (&self.ttl_min, "ttl_min", "shortest", "below"),
        };
        let value = length(limit);
        if !written(ttl) {
            return Diagnostic::at(limit.span(), format!("the {what} TTL is {value}"))
                .label(format!("the TTL of {span} is {beyond} it"))
                .help(format!("write {key} = \"{span}\", or set lease.ttl = \"{value}\""));
        }
        let diagnostic =
            Diagnostic::at(ttl.span(), format!("a TTL of {span}, which the grantor would not grant"))
                .label(format!("expected {min} to {max}"));
        diagnostic.help(match span.is_zero() {
            true => format!("write ttl = \"{value}\" or more"),
            false => format!("write ttl = \"{value}\", or set grantor.{key} = \"{span}\""),
        })
    }
}

/// `[holder]`.
#[derive(Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct HolderTable {
    clock: ClockKind,
    deadline_from: DeadlineFrom,
    margin: Spanned<AutoOrLength>,
    retry: Spanned<Length>,
    retry_cap: Spanned<Length>,
    jitter: Percent,
    poll: Spanned<Length>,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum DeadlineFrom {
    FirstSend,
    Receipt,
}

impl Default for HolderTable {
    fn default() -> Self {
        let Backoff { first, cap, .. } = Backoff::default();
        Self {
            clock: ClockKind::Boot,
            deadline_from: DeadlineFrom::FirstSend,
            margin: spanned(AutoOrLength::Auto),
            retry: spanned(Length(first)),
            retry_cap: spanned(Length(cap)),
            jitter: Percent(
                leasehold_core::plan::Chance::from_ppm(Backoff::default().jitter_ppm)
                    .expect("the default jitter is below one"),
            ),
            poll: seconds(1),
        }
    }
}

impl HolderTable {
    pub(crate) fn policy(
        &self,
        lease: &LeaseTable,
        environment: &Environment,
    ) -> Result<HolderPolicy, Diagnostics> {
        let mut found = Diagnostics::default();
        let ttl = length(&lease.ttl);
        let margin = match *self.margin.get_ref() {
            AutoOrLength::Auto => Margin::ForDrift(environment.clock_rate),
            AutoOrLength::Length(span) => Margin::Fixed(span),
        };
        let renew = match *lease.renew.get_ref() {
            Share::Fixed(span) => Interval::Fixed(span),
            Share::OfTtl { numerator, denominator } => Interval::OfTtl { numerator, denominator },
        };
        if !ttl.is_zero() {
            self.check_renewal(&mut found, lease, margin, renew.of(ttl));
        }
        for (value, what) in
            [(&self.retry, "a first retry"), (&self.retry_cap, "a longest retry"), (&self.poll, "a poll")]
        {
            not_zero(&mut found, value, what);
        }
        let (first, cap) = (length(&self.retry), length(&self.retry_cap));
        if first > cap {
            let diagnostic = if written(&self.retry) {
                let message = format!("the first retry, after {first}, is above the cap");
                Diagnostic::at(self.retry.span(), message)
                    .related(self.retry_cap.span(), format!("the cap is {cap}"))
            } else {
                Diagnostic::at(self.retry_cap.span(), format!("a longest retry of {cap}"))
                    .label(format!("below the first retry of {first}"))
            };
            found.push(diagnostic.help(format!("write retry_cap = \"{first}\" or more")));
        }
        let anchor = match self.deadline_from {
            DeadlineFrom::FirstSend => Anchor::FirstSend,
            DeadlineFrom::Receipt => Anchor::Receipt,
        };
        found.or(HolderPolicy {
            clock: self.clock,
            ttl,
            renew,
            anchor,
            lifetime: Lifetime::Margin(margin),
            retry: Backoff { first, cap, jitter_ppm: self.jitter.0.as_ppm() },
            poll: length(&self.poll),
            ..HolderPolicy::new(ttl, environment.clock_rate)
        })
    }

    fn check_renewal(&self, found: &mut Diagnostics, lease: &LeaseTable, margin: Margin, renew: Span) {
        let ttl = length(&lease.ttl);
        let term = margin.term(ttl);
        if term.is_zero() {
            found.push(
                Diagnostic::at(self.margin.span(), format!("a margin that leaves nothing of a TTL of {ttl}"))
                    .label(format!("expected less than {ttl}")),
            );
        } else if renew >= term && written(&lease.renew) {
            let message = if renew >= ttl {
                format!("a renewal after {renew}, when the lease of {ttl} is over")
            } else {
                format!("a renewal after {renew}, when the holder has stopped after {term}")
            };
            found.push(
                Diagnostic::at(lease.renew.span(), message)
                    .label(format!("expected renew < {term}, the TTL less the margin"))
                    .related(lease.ttl.span(), format!("the TTL is {ttl}"))
                    .help("write renew = \"ttl/3\", which leaves time for two more tries"),
            );
        } else if renew >= term {
            let (margin, help) = match margin {
                Margin::Fixed(span) => (format!("a margin of {span}"), "write a smaller `margin`"),
                Margin::ForDrift(rate) => {
                    (format!("a margin for clocks that are off by {rate}"), "lower `clock_rate` in [bounds]")
                }
            };
            let place = if written(&self.margin) { self.margin.span() } else { lease.ttl.span() };
            let message =
                format!("{margin} leaves {term} of a TTL of {ttl}, and the renewal comes after {renew}");
            found.push(Diagnostic::at(place, message).help(format!("{help}, or set an earlier lease.renew")));
        } else if renew.is_zero() {
            found.push(
                Diagnostic::at(lease.renew.span(), "a renewal interval of 0s")
                    .label("expected more than zero"),
            );
        }
    }
}

/// A grant out of the queue is confirmed by a renewal, so no bound on the next grant holds where that may take
/// longer than the term.
pub(crate) fn check_round_trip(
    lease: &LeaseTable,
    holder: &HolderPolicy,
    environment: &Environment,
) -> Result<(), Diagnostics> {
    let mut found = Diagnostics::default();
    let delay = environment.latency.longest();
    let round_trip = delay.saturating_add(delay);
    let ttl = length(&lease.ttl);
    let term = holder.term(ttl);
    if round_trip >= term {
        let message =
            format!("a round trip can take {round_trip}, and a holder has {term} of a TTL of {ttl}");
        found.push(
            Diagnostic::at(lease.ttl.span(), message)
                .label("expected a term longer than two of the longest delays")
                .help("raise lease.ttl, or give the latency in [network] an earlier end: max = \"...\""),
        );
    }
    found.or(())
}

/// `[work]`: what a holder does while it holds.
#[derive(Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct WorkTable {
    every: Spanned<Length>,
    think: Spanned<Length>,
    retry: Spanned<Length>,
}

impl Default for WorkTable {
    fn default() -> Self {
        let WorkPolicy { every, think, retry, .. } = WorkPolicy::default();
        let of = |span: Span| millis(span.as_nanos() / 1_000_000);
        Self { every: of(every), think: of(think), retry: of(retry) }
    }
}

impl WorkTable {
    pub(crate) fn policy(&self) -> Result<WorkPolicy, Diagnostics> {
        let mut found = Diagnostics::default();
        not_zero(&mut found, &self.every, "a cycle of work");
        not_zero(&mut found, &self.retry, "a retry of work");
        let (every, think, retry) = (length(&self.every), length(&self.think), length(&self.retry));
        found.or(WorkPolicy { every, think, retry, ..WorkPolicy::default() })
    }
}

/// `[resource]`.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct ResourceTable {
    fence: FenceName,
    reads: ReadsName,
}

#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum FenceName {
    #[default]
    HighestToken,
    None,
}

#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum ReadsName {
    #[default]
    RaiseMark,
    LeaveMark,
}

impl ResourceTable {
    pub(crate) fn policy(&self) -> ResourcePolicy {
        ResourcePolicy {
            fence: match self.fence {
                FenceName::HighestToken => Fence::HighestToken,
                FenceName::None => Fence::None,
            },
            reads: match self.reads {
                ReadsName::RaiseMark => Reads::RaiseMark,
                ReadsName::LeaveMark => Reads::LeaveMark,
            },
            ..ResourcePolicy::default()
        }
    }
}

/// `[topology]`.
#[derive(Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct TopologyTable {
    /// The system has one.
    #[serde(rename = "grantors")]
    _grantors: Whole<1, 1>,
    holders: Whole<1, MOST>,
    resources: Spanned<Whole<1, MOST>>,
}

impl Default for TopologyTable {
    fn default() -> Self {
        Self { _grantors: Whole(1), holders: Whole(3), resources: spanned(Whole(1)) }
    }
}

/// How many there are of each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Topology {
    pub(crate) holders: u16,
    pub(crate) resources: u16,
}

impl TopologyTable {
    pub(crate) fn counts(&self) -> Result<Topology, Diagnostics> {
        let (Whole(holders), Whole(resources)) = (self.holders, *self.resources.get_ref());
        if resources > holders {
            let message = format!("{resources} resources for {holders} holders");
            return Err(Diagnostic::at(self.resources.span(), message)
                .label("expected at most one resource a holder")
                .help(format!("write holders = {resources} or more"))
                .into());
        }
        let count = |count| u16::try_from(count).expect("400 fit into an u16");
        Ok(Topology { holders: count(holders), resources: count(resources) })
    }
}
