//! `[grantor]`.

use leasehold_core::ClockKind;
use leasehold_protocol::policy::{
    Ending, GrantorPolicy, KeysEnd, LockDelayKept, Preemption, Queries, Queue, ReleaseCheck, RenewalCheck,
    RenewalOfEnded, Renewals, RevocationStyle, SameOwner, TermArithmetic, TermsFrom, Tokens,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::LeaseTable;
use crate::field::{length, not_zero, spanned, written};
use crate::names::names;
use crate::schema::Named;
use crate::shipped::ends::{Ends, RestartName, restart};
use crate::value::{Length, Whole};
use crate::{Diagnostic, Diagnostics, Spanned};

names! {
    /// Where fencing tokens come from.
    TokensName for Tokens { #[default] DurableCounter, StoreRevision, Volatile, PerOwner, Random }
    /// When a renewal is answered.
    RenewalsName for Renewals { #[default] AtOnce, OnceDurable, OnceDurableUnchecked }
    /// What becomes of a renewal that comes when its lease has ended.
    RenewalOfEndedName for RenewalOfEnded { #[default] Refused, AcknowledgedUntilRecorded, Resurrects }
    /// What a term is counted from.
    TermsFromName for TermsFrom { #[default] OwnTimer, WritersStamp }
    /// How it reckons with terms.
    TermArithmeticName for TermArithmetic { #[default] Exact, WholeSecondsZeroIsForEver, WrappingMilliseconds }
    /// What a renewal must name.
    RenewalCheckName for RenewalCheck { #[default] LeaseAndToken, HolderName, Nothing }
    /// What a release must name.
    ReleaseCheckName for ReleaseCheck { #[default] LeaseAndToken, HolderName, Nothing }
    /// Whether a grantor keeps to its lock-delay.
    LockDelayKeptName for LockDelayKept { #[default] Durable, InMemory, Never }
    /// What becomes of a contender that comes while somebody else holds the resource.
    QueueName for Queue { #[default] Fifo, None }
    /// What becomes of a contender that is the owner of the lease that lives.
    SameOwnerName for SameOwner { #[default] Waits, Revokes, TakesOver }
    /// Whether a contender with a higher priority takes the lease from its holder.
    PreemptionName for Preemption { #[default] Never, ByPriority }
    /// How a grantor revokes.
    RevocationName for RevocationStyle { #[default] Drain, AtOnce }
    /// How the keys that are attached to a lease end.
    KeysEndName for KeysEnd { #[default] Together, OneByOne }
    /// What it answers from when somebody asks who holds a resource.
    QueriesName for Queries { #[default] FromTable, FromCopy }
}

/// `[grantor]`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct GrantorTable {
    /// The clock that terms are measured on.
    #[schemars(with = "Named<ClockKind>")]
    clock: Spanned<ClockKind>,
    /// What a term is counted from; the writer's stamp is compared with the wall clock.
    terms_from: Spanned<TermsFromName>,
    /// How it reckons with terms.
    term_arithmetic: TermArithmeticName,
    /// The shortest TTL it grants.
    ttl_min: Spanned<Length>,
    /// The longest TTL it grants.
    ttl_max: Spanned<Length>,
    /// So many TTLs go by before a lease expires; holders are told the TTL.
    ttl_multiplier: Whole<1, 10>,
    /// How many leases a sweep ends; all unless it is given.
    sweep_at_most: Option<Spanned<Whole<1, 1_000_000>>>,
    /// Leases end at the end of the bucket of time, of this length, in which their term ends.
    buckets: Option<Spanned<Length>>,
    /// Where fencing tokens come from.
    tokens: TokensName,
    /// What a restart gives to leases that live.
    restart: Spanned<RestartName>,
    /// How much more than a term, with restart = extra.
    restart_extra: Option<Spanned<Length>>,
    /// When a renewal is answered.
    renewals: RenewalsName,
    /// What becomes of a renewal that comes when its lease has ended.
    renewal_of_ended: RenewalOfEndedName,
    /// What a renewal must name.
    renewal_check: RenewalCheckName,
    /// What a release must name.
    release_check: ReleaseCheckName,
    /// Whether it keeps to the lock-delay.
    lock_delay_kept: Option<Spanned<LockDelayKeptName>>,
    /// What becomes of a contender that comes while somebody else holds the resource.
    queue: Spanned<QueueName>,
    /// What becomes of a contender that is the owner of the lease that lives.
    same_owner: SameOwnerName,
    /// Whether a contender with a higher priority takes the lease from its holder.
    preemption: PreemptionName,
    /// How it revokes.
    revocation: RevocationName,
    /// How the keys that are attached to a lease end.
    keys: KeysEndName,
    /// When an end that is not durable yet is tried again.
    end_patience: Spanned<Length>,
    /// After how many tries an end is given up; never unless it is given.
    end_attempts: Option<Whole<1, 1_000>>,
    /// What it answers from when somebody asks who holds a resource.
    queries: QueriesName,
    /// How old a copy gets that it answers from.
    copy_lifetime: Spanned<Length>,
}

impl Default for GrantorTable {
    fn default() -> Self {
        let GrantorPolicy { clock, ttl_min, ttl_max, ttl_multiplier, ending, copy_lifetime, .. } =
            GrantorPolicy::default();
        Self {
            clock: spanned(clock),
            terms_from: spanned(TermsFromName::default()),
            term_arithmetic: TermArithmeticName::default(),
            ttl_min: spanned(Length(ttl_min)),
            ttl_max: spanned(Length(ttl_max)),
            ttl_multiplier: Whole(ttl_multiplier),
            sweep_at_most: None,
            buckets: None,
            tokens: TokensName::default(),
            restart: spanned(RestartName::default()),
            restart_extra: None,
            renewals: RenewalsName::default(),
            renewal_of_ended: RenewalOfEndedName::default(),
            renewal_check: RenewalCheckName::default(),
            release_check: ReleaseCheckName::default(),
            lock_delay_kept: None,
            queue: spanned(QueueName::default()),
            same_owner: SameOwnerName::default(),
            preemption: PreemptionName::default(),
            revocation: RevocationName::default(),
            keys: KeysEndName::default(),
            end_patience: spanned(Length(ending.patience)),
            end_attempts: None,
            queries: QueriesName::default(),
            copy_lifetime: spanned(Length(copy_lifetime)),
        }
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
        not_zero(&mut found, &self.end_patience, "a patience");
        self.check_stamps(&mut found);
        not_zero(&mut found, &self.copy_lifetime, "the lifetime of a copy");
        let ends = Ends {
            sweep: lease.sweep.as_ref(),
            sweep_key: "lease.sweep",
            sweep_at_most: self.sweep_at_most.as_ref(),
            buckets: self.buckets.as_ref(),
        };
        let expiry = ends.expiry(&mut found);
        let restart = found.keep(restart(&self.restart, self.restart_extra.as_ref()));
        if let Some(kept) = &self.lock_delay_kept
            && lease.lock_delay.0.is_zero()
        {
            found.push(
                Diagnostic::at(kept.span(), "there is no lock-delay that could be kept")
                    .label("says how one is kept")
                    .help("set lease.lock_delay = \"15s\", or remove this"),
            );
        }
        if self.queue.get_ref() == &QueueName::None && self.preemption == PreemptionName::ByPriority {
            found.push(
                Diagnostic::at(
                    self.queue.span(),
                    "a contender that is refused cannot stand first in the queue",
                )
                .label("preemption = \"by-priority\" needs a queue")
                .help("write queue = \"fifo\", or preemption = \"never\""),
            );
        }
        let Some(restart) = restart else { return Err(found) };
        found.or(GrantorPolicy {
            clock: *self.clock.get_ref(),
            terms_from: (*self.terms_from.get_ref()).into(),
            term_arithmetic: self.term_arithmetic.into(),
            ttl_min: min,
            ttl_max: max,
            ttl_multiplier: self.ttl_multiplier.0,
            expiry,
            tokens: self.tokens.into(),
            restart,
            extensions: lease.extensions.map(|extensions| extensions.0),
            renewals: self.renewals.into(),
            renewal_of_ended: self.renewal_of_ended.into(),
            renewal_check: self.renewal_check.into(),
            release_check: self.release_check.into(),
            lock_delay: lease.lock_delay.0,
            lock_delay_kept: self
                .lock_delay_kept
                .as_ref()
                .map_or_else(LockDelayKept::default, |kept| (*kept.get_ref()).into()),
            queue: (*self.queue.get_ref()).into(),
            same_owner: self.same_owner.into(),
            preemption: self.preemption.into(),
            revocation: self.revocation.into(),
            keys: self.keys.into(),
            ending: Ending {
                patience: length(&self.end_patience),
                attempts: self.end_attempts.map(|attempts| attempts.0),
            },
            queries: self.queries.into(),
            copy_lifetime: length(&self.copy_lifetime),
        })
    }

    /// What a holder writes is the time of a wall clock.
    fn check_stamps(&self, found: &mut Diagnostics) {
        let clock = *self.clock.get_ref();
        if *self.terms_from.get_ref() == TermsFromName::WritersStamp && clock != ClockKind::Wall {
            let message = format!("a writer's stamp is no time of the {} clock", clock.name());
            let place = if written(&self.clock) { self.clock.span() } else { self.terms_from.span() };
            found
                .push(Diagnostic::at(place, message).help("write clock = \"wall\", or leave out terms_from"));
        }
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
