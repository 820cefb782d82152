//! `[registry]`: how the registry behaves.

use leasehold_core::{ClockKind, Span};
use leasehold_protocol::policy::{KeysEnd, ReleaseCheck, Renewals};
use leasehold_protocol::registry::grace::GracePolicy;
use leasehold_protocol::registry::policy::{
    FeedPolicy, HeartbeatCheck, HeartbeatOrder, InboxOrder, InboxPolicy, LateHeartbeat, LeaseIds, Liveness,
    ProbePolicy, RegisteredAgain, Registrations, RegistryPolicy, RenewalNews, RenewalTerm, Unhealthy,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::RegistrationTable;
use crate::field::{length, not_zero, spanned, written};
use crate::names::names;
use crate::schema::Named;
use crate::shipped::ends::{Ends, RestartName, restart};
use crate::value::{Length, Whole};
use crate::{Diagnostic, Diagnostics, Spanned};

names! {
    /// How the registry finds out who lives.
    LivenessName for Liveness { #[default] Push, Pull, Hybrid }
    /// When a registration is answered.
    RegistrationsName for Registrations { #[default] AnsweredWhenDurable, AnsweredAtOnce }
    /// By what a heartbeat is told from one that was overtaken.
    HeartbeatOrderName for HeartbeatOrder { #[default] Number, WallStamp }
    /// What a heartbeat has to name to be counted.
    HeartbeatCheckName for HeartbeatCheck { #[default] LeaseAndEpoch, Member }
    /// When a heartbeat is answered.
    AnswersName for Renewals { #[default] AtOnce, OnceDurable, OnceDurableUnchecked }
    /// What becomes of a heartbeat for a lease that is over.
    LateHeartbeatName for LateHeartbeat { #[default] Refused, TakenUntilRecorded, Revives }
    /// What a heartbeat does to a term.
    RenewalTermName for RenewalTerm { #[default] FromNow, AddedTwice }
    /// What a deregistration has to name.
    DeregisterCheckName for ReleaseCheck { #[default] LeaseAndToken, HolderName, Nothing }
    /// What becomes of a registration that a member asks for again.
    AgainName for RegisteredAgain { #[default] Replaces, SecondEntry }
    /// What becomes of a member that is unable to do its work.
    UnhealthyName for Unhealthy { #[default] Marked, Revoked }
    /// How what hangs on a lease vanishes.
    EndsName for KeysEnd { #[default] Together, OneByOne }
    /// How leases are numbered.
    IdsName for LeaseIds { #[default] Durable, Volatile }
    /// Whether heartbeats are published to watchers.
    RenewalNewsName for RenewalNews { #[default] Never, Published }
    /// In which order messages are served.
    OrderName for InboxOrder { #[default] HeartbeatsFirst, Arrival }
}

/// `[registry]`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct RegistryTable {
    /// The clock that terms are measured on.
    #[schemars(with = "Named<ClockKind>")]
    clock: ClockKind,
    /// The shortest TTL it gives.
    ttl_min: Spanned<Length>,
    /// The longest TTL it gives.
    ttl_max: Spanned<Length>,
    /// How it finds out who lives.
    liveness: Spanned<LivenessName>,
    /// How many leases a sweep ends; all unless it is given.
    sweep_at_most: Option<Spanned<Whole<1, 1_000_000>>>,
    /// A sweep comes so many times later while a fault slows it down; eight times unless it is given.
    slow_sweep: Option<Spanned<Whole<2, 1_000>>>,
    /// Leases end at the end of the bucket of time, of this length, in which their term ends.
    buckets: Option<Spanned<Length>>,
    /// What a restart gives to leases that live.
    restart: Spanned<RestartName>,
    /// How much more than a term, with restart = extra.
    restart_extra: Option<Spanned<Length>>,
    /// When a registration is answered.
    registrations: RegistrationsName,
    /// What a heartbeat has to name to be counted.
    heartbeat_check: HeartbeatCheckName,
    /// By what a heartbeat is told from one that was overtaken.
    heartbeat_order: HeartbeatOrderName,
    /// When a heartbeat is answered.
    answers: AnswersName,
    /// What becomes of a heartbeat for a lease that is over.
    late_heartbeat: LateHeartbeatName,
    /// What a heartbeat does to a term.
    renewal: RenewalTermName,
    /// What a deregistration has to name.
    deregister_check: DeregisterCheckName,
    /// What becomes of a registration that a member asks for again.
    again: AgainName,
    /// What becomes of a member that is unable to do its work.
    unhealthy: UnhealthyName,
    /// How what hangs on a lease vanishes.
    ends: EndsName,
    /// How leases are numbered.
    ids: IdsName,
    /// Whether heartbeats are published to watchers.
    renewals: RenewalNewsName,
    /// How long it takes for each message; no time unless it is given.
    service_time: Option<Spanned<Length>>,
    /// How many messages may wait for it.
    queue: Option<Spanned<Whole<1, 1_000_000>>>,
    /// In which order it serves them.
    order: Option<Spanned<OrderName>>,
}

/// How many messages wait at most unless the file says so. Chosen by us.
const QUEUE: u32 = 1_000;

/// The longest that a message may wait for those before it. Chosen by us: no client waits for so long, and a run would have
/// to.
const LONGEST_WAIT: Span = Span::from_secs(3_600);

impl Default for RegistryTable {
    fn default() -> Self {
        let RegistryPolicy { clock, ttl_min, ttl_max, .. } = RegistryPolicy::default();
        Self {
            clock,
            ttl_min: spanned(Length(ttl_min)),
            ttl_max: spanned(Length(ttl_max)),
            liveness: spanned(LivenessName::default()),
            sweep_at_most: None,
            slow_sweep: None,
            buckets: None,
            restart: spanned(RestartName::default()),
            restart_extra: None,
            registrations: RegistrationsName::default(),
            heartbeat_check: HeartbeatCheckName::default(),
            heartbeat_order: HeartbeatOrderName::default(),
            answers: AnswersName::default(),
            late_heartbeat: LateHeartbeatName::default(),
            renewal: RenewalTermName::default(),
            deregister_check: DeregisterCheckName::default(),
            again: AgainName::default(),
            unhealthy: UnhealthyName::default(),
            ends: EndsName::default(),
            ids: IdsName::default(),
            renewals: RenewalNewsName::default(),
            service_time: None,
            queue: None,
            order: None,
        }
    }
}

/// What other tables say about the registry.
pub(crate) struct Beside<'t> {
    pub(crate) registration: &'t RegistrationTable,
    pub(crate) grace: GracePolicy,
    pub(crate) probe: ProbePolicy,
    pub(crate) feed: FeedPolicy,
}

impl RegistryTable {
    /// How it finds out who lives, and where that stands.
    pub(crate) fn liveness(&self) -> Spanned<Liveness> {
        Spanned::new(self.liveness.span(), (*self.liveness.get_ref()).into())
    }

    pub(crate) fn policy(&self, beside: Beside<'_>) -> Result<RegistryPolicy, Diagnostics> {
        let mut found = Diagnostics::default();
        let Beside { registration, grace, probe, feed } = beside;
        self.check_limits(registration, &mut found);
        let ends = Ends {
            sweep: registration.sweep.as_ref(),
            sweep_key: "registration.sweep",
            sweep_at_most: self.sweep_at_most.as_ref(),
            buckets: self.buckets.as_ref(),
        };
        if let (Some(slower), None) = (&self.slow_sweep, ends.sweep) {
            found.push(
                Diagnostic::at(slower.span(), "there is no sweep that could come later")
                    .help(ends.how_to_sweep()),
            );
        }
        let expiry = ends.expiry(&mut found);
        let restart = found.keep(restart(&self.restart, self.restart_extra.as_ref()));
        let inbox = self.inbox(&mut found);
        let suspect_after = registration.suspect_after(&mut found, grace.longest());
        let Some(restart) = restart else { return Err(found) };
        let RegistryPolicy { slow_sweep, .. } = RegistryPolicy::default();
        found.or(RegistryPolicy {
            clock: self.clock,
            ttl_min: length(&self.ttl_min),
            ttl_max: length(&self.ttl_max),
            liveness: (*self.liveness.get_ref()).into(),
            heartbeat: registration.interval(),
            suspect_after,
            grace,
            expiry,
            restart,
            registrations: self.registrations.into(),
            heartbeat_check: self.heartbeat_check.into(),
            heartbeat_order: self.heartbeat_order.into(),
            answers: self.answers.into(),
            late_heartbeat: self.late_heartbeat.into(),
            renewal: self.renewal.into(),
            deregister_check: self.deregister_check.into(),
            again: self.again.into(),
            unhealthy: self.unhealthy.into(),
            ends: self.ends.into(),
            ids: self.ids.into(),
            renewals: self.renewals.into(),
            probe,
            inbox,
            slow_sweep: self.slow_sweep.as_ref().map_or(slow_sweep, |slower| slower.get_ref().0),
            feed,
        })
    }

    /// What it gives lies between two limits, and what members ask for between those.
    fn check_limits(&self, registration: &RegistrationTable, found: &mut Diagnostics) {
        let (min, max, ttl) = (length(&self.ttl_min), length(&self.ttl_max), registration.ttl());
        not_zero(found, &self.ttl_min, "a shortest TTL");
        if min > max {
            let (at, other) = match written(&self.ttl_min) {
                true => (&self.ttl_min, &self.ttl_max),
                false => (&self.ttl_max, &self.ttl_min),
            };
            let message = format!("the shortest TTL, {min}, is longer than the longest, {max}");
            found.push(
                Diagnostic::at(at.span(), message)
                    .label("expected ttl_min <= ttl_max")
                    .related(other.span(), format!("the other is {}", length(other))),
            );
        } else if !(min..=max).contains(&ttl) && !ttl.is_zero() {
            let (key, limit) =
                if ttl > max { ("ttl_max", &self.ttl_max) } else { ("ttl_min", &self.ttl_min) };
            let asked = &registration.ttl;
            let (place, other) = match written(asked) {
                true => (asked.span(), limit.span()),
                false => (limit.span(), asked.span()),
            };
            found.push(
                Diagnostic::at(place, format!("a TTL of {ttl}, which the registry would not give"))
                    .label(format!("expected ttl_min <= ttl <= ttl_max, {min} to {max}"))
                    .related(other, format!("{key} is {}, and the TTL {ttl}", length(limit)))
                    .help(format!("write a ttl from {min} to {max}, or set registry.{key} = \"{ttl}\"")),
            );
        }
    }

    fn inbox(&self, found: &mut Diagnostics) -> Option<InboxPolicy> {
        let Some(service) = &self.service_time else {
            let spans = [self.queue.as_ref().map(Spanned::span), self.order.as_ref().map(Spanned::span)];
            for span in spans.into_iter().flatten() {
                found.push(
                    Diagnostic::at(span, "messages that are served in no time do not wait")
                        .help("add service_time = \"1ms\" beside it, or remove this"),
                );
            }
            return None;
        };
        not_zero(found, service, "a service time");
        let limit = self.queue.as_ref().map_or(QUEUE, |queue| queue.get_ref().0);
        let wait = length(service).scale(limit.into(), 1);
        if wait >= LONGEST_WAIT {
            let message =
                format!("a queue of {limit}, with {} for each message, takes {wait}", length(service));
            let mut diagnostic = Diagnostic::at(service.span(), message)
                .label(format!("expected service_time * queue < {LONGEST_WAIT}"))
                .help("serve messages faster, or let fewer wait");
            if let Some(queue) = &self.queue {
                diagnostic = diagnostic.related(queue.span(), "so many wait");
            }
            found.push(diagnostic);
        }
        let order = self.order.as_ref().map_or_else(InboxOrder::default, |order| (*order.get_ref()).into());
        Some(InboxPolicy { service: length(service), limit, order })
    }
}
