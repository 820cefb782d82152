//! `[holder]`: how holders behave.

use leasehold_core::{ClockKind, Span};
use leasehold_protocol::policy::{
    AfterWaiting, Anchor, BackInContact, Backoff, GiveUp, GrantorPolicy, HolderPolicy, Identity, Interval,
    Leave, Lifetime, LostContact, Margin, WorkPolicy,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::LeaseTable;
use crate::field::{length, not_zero, seconds, spanned, written};
use crate::names::names;
use crate::schema::Named;
use crate::value::{AutoOrLength, Length, Percent, Share, Stretch, Whole};
use crate::{Diagnostic, Diagnostics, Environment, Spanned};

/// The most keys that a holder attaches to its lease. Chosen by us: each is an event when it ends.
const MOST_KEYS: u32 = 100;

/// `[holder]`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct HolderTable {
    /// The clock that deadlines are measured on.
    #[schemars(with = "Named<ClockKind>")]
    clock: ClockKind,
    /// What the deadline is counted from.
    deadline_from: DeadlineFrom,
    /// What it gives up of the TTL; auto is enough for the declared clock rates.
    margin: Spanned<AutoOrLength>,
    /// How many TTLs it takes a grant to last.
    ttl_multiplier: Spanned<Whole<1, 10>>,
    /// For how long a round of renewal may fail; a round begins a renewal interval after the last. Instead of a margin.
    renew_deadline: Option<Spanned<Length>>,
    /// A renewal may come earlier by up to this share of the interval.
    renew_jitter: Percent,
    /// The first wait before it asks again; each is twice the last.
    retry: Spanned<Length>,
    /// The longest such wait.
    retry_cap: Spanned<Length>,
    /// A wait is stretched by up to this share.
    jitter: Stretch,
    /// How often it asks again while it waits for the resource.
    poll: Spanned<Length>,
    /// When it stops to try for a renewal.
    give_up: GiveUpName,
    /// What it does when its deadline comes and nothing was heard.
    on_lost_contact: Spanned<OnLostContact>,
    /// What one in jeopardy does when it is in contact again.
    back_in_contact: Spanned<BackInContactName>,
    /// In which order it leaves.
    leave: LeaveName,
    /// What it does with a grant that it waited for.
    after_waiting: AfterWaitingName,
    /// Who it says it is.
    identity: IdentityName,
    /// How urgently each wants the resource.
    priority: Spanned<Priorities>,
    /// How many keys it attaches to its lease.
    keys: Whole<0, MOST_KEYS>,
    /// How often it asks who holds the resource; never unless it is given.
    asks_who: Option<Spanned<Length>>,
}

names! {
    DeadlineFrom for Anchor { #[default] FirstSend, LatestRetry, Receipt }
    GiveUpName for GiveUp { #[default] AtDeadline, AtFirstError }
    OnLostContact for LostContact { #[default] Stop, Jeopardy, GoOn }
    BackInContactName for BackInContact { #[default] ComparesTheLease, TrustsItsRecord }
    LeaveName for Leave { #[default] StopThenRelease, ReleaseThenStop }
    AfterWaitingName for AfterWaiting { #[default] Confirm, Trust }
    IdentityName for Identity { #[default] Process, Node, Shared }
}

/// How urgently each of the holders wants the resource.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Priorities {
    /// All alike.
    #[default]
    Equal,
    /// The first least, the last most.
    ByNumber,
}

impl Priorities {
    /// The priority of a holder, by its place from 0.
    pub(crate) fn of(self, index: u16) -> u8 {
        match self {
            Self::Equal => 0,
            Self::ByNumber => {
                u8::try_from(index + 1).expect("no more holders than priorities were let through")
            }
        }
    }
}

impl Default for HolderTable {
    fn default() -> Self {
        let Backoff { first, cap, .. } = Backoff::default();
        Self {
            clock: ClockKind::Boot,
            deadline_from: DeadlineFrom::default(),
            margin: spanned(AutoOrLength::Auto),
            ttl_multiplier: spanned(Whole(1)),
            renew_deadline: None,
            renew_jitter: Percent::default(),
            retry: spanned(Length(first)),
            retry_cap: spanned(Length(cap)),
            jitter: Stretch { ppm: Backoff::default().jitter_ppm },
            poll: seconds(1),
            give_up: GiveUpName::default(),
            on_lost_contact: spanned(OnLostContact::default()),
            back_in_contact: spanned(BackInContactName::default()),
            leave: LeaveName::default(),
            after_waiting: AfterWaitingName::default(),
            identity: IdentityName::default(),
            priority: spanned(Priorities::default()),
            keys: Whole(0),
            asks_who: None,
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
        let lifetime = match &self.renew_deadline {
            None => Lifetime::Margin(margin),
            Some(deadline) => Lifetime::RenewDeadline(length(deadline)),
        };
        let renew = match *lease.renew.get_ref() {
            Share::Fixed(span) => Interval::Fixed(span),
            Share::OfTtl { numerator, denominator } => Interval::OfTtl { numerator, denominator },
        };
        let (first, cap) = (length(&self.retry), length(&self.retry_cap));
        let retry = Backoff { first, cap, jitter_ppm: self.jitter.ppm };
        match &self.renew_deadline {
            _ if ttl.is_zero() => {}
            None => self.check_renewal(&mut found, lease, margin, renew.of(ttl)),
            Some(deadline) => self.check_renew_deadline(&mut found, lease, deadline, renew.of(ttl), retry),
        }
        for (value, what) in
            [(&self.retry, "a first retry"), (&self.retry_cap, "a longest retry"), (&self.poll, "a poll")]
        {
            not_zero(&mut found, value, what);
        }
        let trusts = *self.back_in_contact.get_ref() == BackInContactName::TrustsItsRecord;
        if trusts && *self.on_lost_contact.get_ref() != OnLostContact::Jeopardy {
            let message = "a holder that stops, or never does, waits for no contact";
            let help = "write on_lost_contact = \"jeopardy\", or remove this";
            found.push(Diagnostic::at(self.back_in_contact.span(), message).help(help));
        }
        if let Some(asks_who) = &self.asks_who {
            not_zero(&mut found, asks_who, "a question");
        }
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
        found.or(HolderPolicy {
            clock: self.clock,
            ttl,
            ttl_multiplier: self.ttl_multiplier.get_ref().0,
            renew,
            renew_jitter_ppm: self.renew_jitter.0.as_ppm(),
            anchor: self.deadline_from.into(),
            lifetime,
            retry,
            poll: length(&self.poll),
            give_up: self.give_up.into(),
            lost_contact: (*self.on_lost_contact.get_ref()).into(),
            back_in_contact: (*self.back_in_contact.get_ref()).into(),
            leave: self.leave.into(),
            after_waiting: self.after_waiting.into(),
            identity: self.identity.into(),
            priority: 0,
            keys: self.keys.0,
            asks_who: self.asks_who.as_ref().map(length),
        })
    }

    /// Who lets its lease run out has lost no contact, and does not wait for one.
    pub(crate) fn check_lapse(&self, work: &WorkPolicy) -> Result<(), Diagnostics> {
        if !work.kind.lets_lapse() || *self.on_lost_contact.get_ref() == OnLostContact::Stop {
            return Ok(());
        }
        let message = "holders that read from copies let their leases run out: that is no lost contact";
        Err(Diagnostic::at(self.on_lost_contact.span(), message)
            .label("expected stop")
            .help("write on_lost_contact = \"stop\", or leave it out")
            .into())
    }

    /// The priorities of so many holders.
    pub(crate) fn priorities(&self, holders: u16) -> Result<Priorities, Diagnostics> {
        let priorities = *self.priority.get_ref();
        if priorities == Priorities::ByNumber && holders > u16::from(u8::MAX) {
            let message = format!("a priority for each of {holders} holders");
            return Err(Diagnostic::at(self.priority.span(), message)
                .label(format!("there are {} priorities", u8::MAX))
                .help(format!("write topology.holders = {} or less", u8::MAX))
                .into());
        }
        Ok(priorities)
    }

    fn check_renewal(&self, found: &mut Diagnostics, lease: &LeaseTable, margin: Margin, renew: Span) {
        let ttl = length(&lease.ttl);
        let multiplier = u64::from(self.ttl_multiplier.get_ref().0);
        let term = margin.term(ttl.scale(multiplier, 1));
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

    /// What client-go demands: LeaseDuration > RenewDeadline > JitterFactor * RetryPeriod. It does not look at the
    /// sum of the two that it waits for, and so neither does this: a holder may claim for longer than its lease.
    fn check_renew_deadline(
        &self,
        found: &mut Diagnostics,
        lease: &LeaseTable,
        written_deadline: &Spanned<Length>,
        renew: Span,
        retry: Backoff,
    ) {
        let (ttl, deadline, longest) = (length(&lease.ttl), length(written_deadline), retry.longest(renew));
        let at = |message: String| Diagnostic::at(written_deadline.span(), message);
        if written(&self.margin) {
            let diagnostic = at("a renew_deadline beside a margin".to_owned())
                .label("a holder claims until either is over, not both")
                .related(self.margin.span(), "the margin")
                .help("leave out one of the two");
            found.push(diagnostic);
        }
        if self.ttl_multiplier.get_ref().0 > 1 {
            let diagnostic = at("a renew_deadline beside a ttl_multiplier".to_owned())
                .label("a renew deadline goes by no TTL")
                .related(self.ttl_multiplier.span(), "the multiplier")
                .help("leave out one of the two");
            found.push(diagnostic);
        }
        if renew.is_zero() {
            found.push(
                Diagnostic::at(lease.renew.span(), "a renewal interval of 0s")
                    .label("expected more than zero"),
            );
        } else if deadline >= ttl {
            let diagnostic = at(format!("a renew_deadline of {deadline} under a TTL of {ttl}"))
                .label("expected renew_deadline < ttl")
                .related(lease.ttl.span(), format!("the TTL is {ttl}"))
                .help(format!("write a renew_deadline below {ttl}, or a lease.ttl above {deadline}"));
            found.push(diagnostic);
        } else if deadline <= longest {
            let diagnostic =
                at(format!("a renew_deadline of {deadline}, when the next renewal may come after {longest}"))
                    .label(format!("expected renew_deadline > renew*(1+jitter), which is {longest}"))
                    .related(lease.renew.span(), format!("a renewal comes after {renew}"))
                    .help(format!("write a renew_deadline above {longest}, or an earlier lease.renew"));
            found.push(diagnostic);
        }
    }
}

/// A grant out of the queue is confirmed by a renewal, so no bound on the next grant holds where that may take
/// longer than the term.
pub(crate) fn check_round_trip(
    lease: &LeaseTable,
    grantor: &GrantorPolicy,
    holder: &HolderPolicy,
    environment: &Environment,
) -> Result<(), Diagnostics> {
    let mut found = Diagnostics::default();
    let delay = environment.latency.longest();
    let (what, write) = match grantor.writes_renewals() {
        false => ("a round trip", Span::ZERO),
        true => ("a round trip, and a write in between,", environment.disk.longest()),
    };
    let round_trip = delay.saturating_add(delay).saturating_add(write);
    let ttl = length(&lease.ttl);
    let term = holder.term(ttl);
    if round_trip >= term {
        let message = format!("{what} can take {round_trip}, and a holder has {term} of a TTL of {ttl}");
        let raise = match holder.lifetime {
            Lifetime::Margin(_) => "lease.ttl",
            Lifetime::RenewDeadline(_) => "holder.renew_deadline",
        };
        found.push(
            Diagnostic::at(lease.ttl.span(), message).label("expected a term that is longer than that").help(
                format!("raise {raise}, or give the latency in [network] an earlier end: max = \"...\""),
            ),
        );
    }
    found.or(())
}
