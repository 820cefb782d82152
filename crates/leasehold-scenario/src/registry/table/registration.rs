//! `[registration]`: the term and the heartbeats that keep it.

use leasehold_core::Span;
use leasehold_protocol::policy::Interval;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Bounded, check_below};
use crate::field::{length, not_zero, seconds, spanned, written};
use crate::value::{Length, Share, Whole};
use crate::{Diagnostic, Diagnostics, Spanned};

/// `[registration]`: the term of a membership, and the heartbeats that keep it.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct RegistrationTable {
    /// What members ask for.
    pub(super) ttl: Spanned<Length>,
    /// How often they send a heartbeat; below the TTL.
    pub(super) heartbeat: Spanned<Share>,
    /// They send one when the rest of the term falls below this, instead of every `heartbeat`.
    renew_below: Option<Spanned<Share>>,
    /// After so many missed heartbeats a member is suspect, and not routed to.
    suspect_after: Spanned<Whole<1, 1_000>>,
    /// Who is suspect.
    suspects: SuspectsName,
    /// The registry looks at its leases this often; each has an exact timer unless it is given.
    pub(super) sweep: Option<Spanned<Length>>,
}

/// Who is suspect.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
enum SuspectsName {
    /// Who missed `suspect_after` heartbeats.
    #[default]
    Late,
    /// Nobody: a member passes until its lease ends.
    Nobody,
}

impl Default for RegistrationTable {
    /// The numbers of the mission: a TTL of 30 s, a heartbeat every 10 s, three of them missed.
    fn default() -> Self {
        let third = Share::OfTtl { numerator: 1, denominator: 3 };
        Self {
            ttl: seconds(30),
            heartbeat: spanned(third),
            renew_below: None,
            suspect_after: spanned(Whole(3)),
            suspects: SuspectsName::default(),
            sweep: None,
        }
    }
}

impl RegistrationTable {
    /// T, as members ask for it.
    pub(crate) fn ttl(&self) -> Span {
        length(&self.ttl)
    }

    /// How often a heartbeat is sent, as a policy.
    pub(crate) fn heartbeat(&self) -> Interval {
        match *self.every().get_ref() {
            Share::Fixed(span) => Interval::Fixed(span),
            Share::OfTtl { numerator, denominator } => Interval::OfTtl { numerator, denominator },
        }
    }

    /// h: how often a heartbeat is sent.
    pub(crate) fn interval(&self) -> Span {
        self.every().get_ref().of(self.ttl())
    }

    /// How often a heartbeat is sent, as it is written or follows from what is.
    pub(super) fn every(&self) -> Spanned<Share> {
        let Some(below) = &self.renew_below else {
            return Spanned::new(self.heartbeat.span(), *self.heartbeat.get_ref());
        };
        let every = match *below.get_ref() {
            Share::Fixed(rest) => Share::Fixed(self.ttl().saturating_sub(rest)),
            Share::OfTtl { numerator, denominator } => {
                Share::OfTtl { numerator: denominator.saturating_sub(numerator), denominator }
            }
        };
        Spanned::new(below.span(), every)
    }

    /// One of two says how often heartbeats are sent, and they are not sent all the time.
    fn check_rest(&self, found: &mut Diagnostics) {
        let Some(below) = &self.renew_below else { return };
        if written(&self.heartbeat) {
            found.push(
                Diagnostic::at(below.span(), "two say when a heartbeat is sent")
                    .related(self.heartbeat.span(), "the other is here")
                    .help("keep one of `heartbeat` and `renew_below`"),
            );
        } else if self.interval().is_zero() && !self.ttl().is_zero() {
            let (rest, ttl) = (below.get_ref().of(self.ttl()), self.ttl());
            found.push(
                Diagnostic::at(below.span(), format!("the rest of a term of {ttl} is always below {rest}"))
                    .label("expected renew_below < ttl"),
            );
        }
    }

    /// After how many missed heartbeats somebody is suspect. `grace` is the longest that is given beyond the TTL.
    pub(super) fn suspect_after(&self, found: &mut Diagnostics, grace: Span) -> u32 {
        let Whole(misses) = *self.suspect_after.get_ref();
        if self.suspects == SuspectsName::Nobody {
            if written(&self.suspect_after) {
                found.push(
                    Diagnostic::at(self.suspect_after.span(), "nobody is ever suspect")
                        .label("so there is nothing to count")
                        .help("write suspects = \"late\", or remove this"),
                );
            }
            return u32::MAX;
        }
        let (after, end) = (self.interval().scale(u64::from(misses), 1), self.ttl().saturating_add(grace));
        if written(&self.suspect_after) && after >= end && !self.ttl().is_zero() {
            let message =
                format!("{misses} missed heartbeats take {after}, when the lease is over after {end}");
            found.push(
                Diagnostic::at(self.suspect_after.span(), message)
                    .label(
                        "a threshold that is never reached: expected suspect_after * heartbeat < ttl + grace",
                    )
                    .related(self.ttl.span(), format!("the TTL is {}", self.ttl()))
                    .help("lower suspect_after, send heartbeats more often, or write suspects = \"nobody\""),
            );
        }
        misses
    }

    /// The rules between term and heartbeats.
    pub(crate) fn check(&self) -> Result<(), Diagnostics> {
        let mut found = Diagnostics::default();
        not_zero(&mut found, &self.ttl, "a TTL");
        self.check_rest(&mut found);
        if self.renew_below.is_none() && self.interval().is_zero() && !self.ttl().is_zero() {
            found.push(
                Diagnostic::at(self.heartbeat.span(), "a heartbeat interval of 0s")
                    .label("expected more than zero"),
            );
        } else if !self.interval().is_zero() && !self.ttl().is_zero() {
            let heartbeat = Bounded::new(&self.every(), "heartbeat", "a heartbeat interval", self.interval());
            let ttl = Bounded::new(&self.ttl, "ttl", "a TTL", self.ttl());
            let why = "lets every lease expire between two heartbeats";
            check_below(
                &mut found,
                &heartbeat,
                &ttl,
                why,
                "write heartbeat = \"ttl/3\", which leaves time for two more",
            );
        }
        found.or(())
    }
}
