//! `[instance]` and `[sidecar]`: those that are registered, and who speaks for them.

use leasehold_core::{ClockKind, Span};
use leasehold_protocol::policy::{Backoff, Margin};
use leasehold_protocol::registry::policy::{
    Cadence, ComesBack, Flaps, HeartbeatThread, Hysteresis, Leaves, MemberPolicy, MemberWork, Naming,
    NextHeartbeat, Refused, RegisteredAnew, Sender, Unanswered,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{RegistrationTable, backoff};
use crate::field::{length, not_zero, spanned, written};
use crate::names::names;
use crate::schema::Named;
use crate::value::{AutoOrLength, Length, Percent, Stretch, Whole};
use crate::{Diagnostic, Diagnostics, Environment, Spanned};

/// The most instances, and the most keys, that a member registers under its lease. Chosen by us: each is an event
/// when the lease ends.
const MOST_UNDER_A_LEASE: u32 = 100;

/// The shortest time between two changes of readiness. Chosen by us: each is an event.
const SHORTEST_FLAP: Span = Span::from_millis(1);

/// `[instance]`: applications that are registered under leases.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct InstanceTable {
    /// The clock that its timers run on.
    #[schemars(with = "Named<ClockKind>")]
    clock: ClockKind,
    /// What it gives up of a term; auto is enough for the declared clock rates.
    margin: Spanned<AutoOrLength>,
    /// A heartbeat may come earlier by up to this share of the interval.
    jitter: Percent,
    /// What the interval between heartbeats is counted from.
    cadence: CadenceName,
    /// How often it looks whether a heartbeat is due; each leaves at its time unless it is given.
    looks_every: Option<Spanned<Length>>,
    /// When it is settled that the next heartbeat is due an interval later.
    next_heartbeat: Spanned<NextHeartbeatName>,
    /// What it does about a heartbeat that is not answered.
    unanswered: Spanned<UnansweredName>,
    /// With unanswered = blocks: after so long without an answer the connection is given up.
    dead_peer: Option<Spanned<Length>>,
    /// The first wait before it asks again; each is twice the last.
    retry: Spanned<Length>,
    /// The longest such wait.
    retry_cap: Spanned<Length>,
    /// Such a wait is stretched by up to this share.
    retry_jitter: Stretch,
    /// What its heartbeats name.
    names: NamingName,
    /// It registers anew after a drawn wait of up to this long; 0s is at once.
    comes_back: Length,
    /// What it does when a heartbeat is refused.
    refused: RefusedName,
    /// Whether heartbeats begin anew when it is registered anew.
    registered_anew: RegisteredAnewName,
    /// How it leaves.
    leaves: LeavesName,
    /// How long it answers calls after it was deregistered.
    drain: Length,
    /// Whose thread heartbeats are sent on.
    thread: ThreadName,
    /// So many bad looks at its health in a row before it says that it is not ready.
    fall: Whole<1, 1_000>,
    /// So many good ones in a row before it says that it is.
    rise: Whole<1, 1_000>,
    /// How often it looks at its own health.
    readiness: Spanned<Length>,
    /// Its readiness comes and goes by itself: how long it is ready, and then is not; steady unless it is given.
    flaps: Option<FlapsTable>,
    /// How long a task takes; the next begins at once.
    task: Spanned<Length>,
    /// How long its work may stand still before its heartbeats stop.
    progress: Spanned<Length>,
    /// How many entries it registers under its lease.
    entries: Whole<1, MOST_UNDER_A_LEASE>,
    /// How many further keys hang on its lease.
    keys: Whole<0, MOST_UNDER_A_LEASE>,
    /// What all of them can do, by name.
    pub(super) capabilities: Vec<Spanned<String>>,
}

names! {
    CadenceName for Cadence { #[default] Fixed, FromAnswer }
    UnansweredName for Unanswered { #[default] Waits, Retries, Blocks, GivesUp }
    NextHeartbeatName for NextHeartbeat { #[default] WhenSent, WhenDrained }
    RefusedName for Refused { #[default] RegistersAnew, GivesUp }
    RegisteredAnewName for RegisteredAnew { #[default] HeartbeatsGoOn, HeartbeatsStayAway }
    NamingName for Naming { #[default] LeaseAndEpoch, Member }
    LeavesName for Leaves { #[default] DeregistersThenStops, StopsThenDeregisters, JustStops }
    ThreadName for HeartbeatThread { #[default] Supervised, Apart, OfTheWork }
}

impl Default for InstanceTable {
    fn default() -> Self {
        let Backoff { first, cap, jitter_ppm } = Backoff::default();
        let Hysteresis { fall, rise } = Hysteresis::default();
        let MemberWork { task, progress, readiness, .. } = MemberWork::default();
        let MemberPolicy { drain, .. } = MemberPolicy::new(Span::ZERO);
        let ComesBack::Paced(within) = ComesBack::default() else {
            unreachable!("the safe way to come back is paced")
        };
        Self {
            clock: ClockKind::Boot,
            margin: spanned(AutoOrLength::Auto),
            jitter: Percent::default(),
            cadence: CadenceName::default(),
            looks_every: None,
            next_heartbeat: spanned(NextHeartbeatName::default()),
            unanswered: spanned(UnansweredName::default()),
            dead_peer: None,
            retry: spanned(Length(first)),
            retry_cap: spanned(Length(cap)),
            retry_jitter: Stretch { ppm: jitter_ppm },
            names: NamingName::default(),
            comes_back: Length(within),
            refused: RefusedName::default(),
            registered_anew: RegisteredAnewName::default(),
            leaves: LeavesName::default(),
            drain: Length(drain),
            thread: ThreadName::default(),
            fall: Whole(fall),
            rise: Whole(rise),
            readiness: spanned(Length(readiness)),
            flaps: None,
            task: spanned(Length(task)),
            progress: spanned(Length(progress)),
            entries: Whole(1),
            keys: Whole(0),
            capabilities: Vec::new(),
        }
    }
}

impl InstanceTable {
    /// How a member behaves that sends its heartbeats itself.
    pub(crate) fn policy(
        &self,
        registration: &RegistrationTable,
        environment: &Environment,
    ) -> Result<MemberPolicy, Diagnostics> {
        let mut found = Diagnostics::default();
        let retry = backoff(&mut found, &self.retry, &self.retry_cap, self.retry_jitter.ppm);
        for (value, what) in [
            (&self.readiness, "a look at one's health every so often,"),
            (&self.task, "a task"),
            (&self.progress, "a longest standstill"),
        ] {
            not_zero(&mut found, value, what);
        }
        found.keep(self.check_progress());
        let margin = match *self.margin.get_ref() {
            AutoOrLength::Auto => Margin::ForDrift(environment.clock_rate),
            AutoOrLength::Length(span) => Margin::Fixed(span),
        };
        if margin.term(registration.ttl()).is_zero() && !registration.ttl().is_zero() {
            let ttl = registration.ttl();
            let message = format!("a margin that leaves nothing of a TTL of {ttl}");
            found.push(Diagnostic::at(self.margin.span(), message).label(format!("expected margin < {ttl}")));
        }
        let flaps = self.flaps(&mut found);
        let dead_peer = found.keep(self.dead_peer());
        found.keep(self.check_looks());
        let Some(dead_peer) = dead_peer else { return Err(found) };
        found.or(MemberPolicy {
            clock: self.clock,
            margin,
            heartbeat: registration.heartbeat(),
            jitter_ppm: self.jitter.0.as_ppm(),
            cadence: self.cadence.into(),
            looks_every: self.looks_every.as_ref().map(length),
            next_heartbeat: (*self.next_heartbeat.get_ref()).into(),
            unanswered: (*self.unanswered.get_ref()).into(),
            dead_peer,
            retry,
            naming: self.names.into(),
            comes_back: match self.comes_back.0 {
                Span::ZERO => ComesBack::AtOnce,
                within => ComesBack::Paced(within),
            },
            refused: self.refused.into(),
            registered_anew: self.registered_anew.into(),
            leaves: self.leaves.into(),
            drain: self.drain.0,
            thread: self.thread.into(),
            sender: Sender::Itself,
            hysteresis: Hysteresis { fall: self.fall.0, rise: self.rise.0 },
            instances: u16::try_from(self.entries.0).expect("a hundred fit"),
            keys: self.keys.0,
            work: MemberWork {
                task: length(&self.task),
                progress: length(&self.progress),
                readiness: length(&self.readiness),
                flaps,
            },
            ..MemberPolicy::new(registration.ttl())
        })
    }

    /// After how long without an answer a connection is given up, where heartbeats wait for that.
    fn dead_peer(&self) -> Result<Span, Diagnostic> {
        let waits = *self.unanswered.get_ref() == UnansweredName::Blocks;
        match &self.dead_peer {
            Some(after) if !waits => {
                Err(Diagnostic::at(after.span(), "no heartbeat waits for a connection to be given up")
                    .help("write unanswered = \"blocks\", or remove this"))
            }
            Some(after) if length(after).is_zero() => {
                Err(Diagnostic::at(after.span(), "a connection that is given up after 0s")
                    .label("expected more than zero"))
            }
            Some(after) => Ok(length(after)),
            None if waits => {
                let at = self.unanswered.span();
                Err(Diagnostic::at(at, "`blocks` does not say after how long a connection is given up")
                    .help("add dead_peer = \"5s\" beside it"))
            }
            None => Ok(MemberPolicy::new(Span::ZERO).dead_peer),
        }
    }

    /// Whoever sends a heartbeat at each look has to look.
    fn check_looks(&self) -> Result<(), Diagnostics> {
        let mut found = Diagnostics::default();
        if let Some(every) = &self.looks_every {
            not_zero(&mut found, every, "a look whether a heartbeat is due every so often,");
        } else if *self.next_heartbeat.get_ref() == NextHeartbeatName::WhenDrained {
            let at = self.next_heartbeat.span();
            found.push(
                Diagnostic::at(at, "`when-drained` sends at each look, and nothing says how often that is")
                    .help("add looks_every = \"500ms\" beside it, as etcd's client looks"),
            );
        }
        found.or(())
    }

    fn flaps(&self, found: &mut Diagnostics) -> Option<Flaps> {
        let FlapsTable { ready, unready } = self.flaps.as_ref()?;
        not_zero(found, ready, "a time of being ready");
        not_zero(found, unready, "a time of not being ready");
        for time in [ready, unready].into_iter().filter(|time| !length(time).is_zero()) {
            if length(time) < SHORTEST_FLAP {
                let message = format!("readiness that changes within {}", length(time));
                found.push(
                    Diagnostic::at(time.span(), message).help(format!("{SHORTEST_FLAP} is the shortest")),
                );
            }
        }
        Some(Flaps { ready: length(ready), unready: length(unready) })
    }

    /// Whoever is supervised and takes longer for a task than it may stand still is never alive.
    fn check_progress(&self) -> Result<(), Diagnostic> {
        let (task, progress) = (length(&self.task), length(&self.progress));
        if task < progress || self.thread == ThreadName::OfTheWork {
            return Ok(());
        }
        let (at, other) = match written(&self.progress) {
            true => (&self.progress, &self.task),
            false => (&self.task, &self.progress),
        };
        Err(Diagnostic::at(
            at.span(),
            format!("work may stand still for {progress}, and a task takes {task}"),
        )
        .label("expected task < progress: nothing is seen of a task until it is done")
        .related(other.span(), format!("the other is {}", length(other)))
        .help(format!("write a `progress` above {task}, or shorter tasks")))
    }
}

/// `flaps` of `[instance]`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct FlapsTable {
    /// How long it is ready at a time.
    ready: Spanned<Length>,
    /// How long it is not.
    unready: Spanned<Length>,
}

/// `[sidecar]`: a process beside an application that sends its heartbeats.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct SidecarTable {
    /// What it goes by.
    hears: HearsName,
}

/// What a sidecar goes by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
enum HearsName {
    /// It sends heartbeats while it hears of its application's progress.
    #[default]
    Progress,
    /// It sends them, whatever it hears.
    Nothing,
}

impl SidecarTable {
    pub(crate) fn sender(&self) -> Sender {
        match self.hears {
            HearsName::Progress => Sender::Sidecar,
            HearsName::Nothing => Sender::DeafSidecar,
        }
    }
}
