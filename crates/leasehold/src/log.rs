//! The event log: one line an event, routine traffic folded.

mod fleet;

use std::collections::BTreeMap;

use anstyle::{AnsiColor, Style};
use leasehold_check::Finding;
use leasehold_core::clock::Reading;
use leasehold_core::event::{Claim, ClaimEnd, EndCause, EventKind, LossCause, NodeEvent, WorldEvent};
use leasehold_core::{ClockKind, Event, FaultId, Leg, NodeId, Purpose, ResourceId, SimInstant, Token};
use leasehold_scenario::{ClosedBecause, Note, Observer};

use self::fleet::{Fleet, Told};
use crate::names::Names;
use crate::page::{Page, styled};
use crate::words;

const FAULT: Style = AnsiColor::Yellow.on_default();
const ALARM: Style = AnsiColor::Red.on_default().bold();
const HAZARD: Style = AnsiColor::Magenta.on_default();
const LEASE: Style = AnsiColor::Cyan.on_default();
const DIM: Style = Style::new().dimmed();
const PLAIN: Style = Style::new();

/// Whether routine traffic is folded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Detail {
    /// Transitions, faults, claims, and what is suspicious.
    Folded,
    /// Every event.
    Full,
}

/// Prints events as they happen.
pub(crate) struct Log<'a> {
    page: &'a mut Page,
    names: &'a Names,
    detail: Detail,
    routine: Routine,
    /// What there is of a registry, its members and its views.
    fleet: Fleet,
    /// The newest token that each resource has accepted a write with.
    accepted: BTreeMap<ResourceId, Token>,
    /// How many leases of each resource were given back in a row, since anything else happened to it or to anybody.
    given_back: BTreeMap<ResourceId, u64>,
    /// How many suspicious writes were accepted.
    suspicious: u64,
    /// The fault that fired last, and when: on many nodes it fires once.
    fired: Option<(SimInstant, FaultId)>,
    node_width: usize,
}

/// After so many leases in a row that were granted and given back, more of that is routine. Chosen by us.
const ROUTINE_AFTER: u64 = 3;

/// So many suspicious writes are shown, which is as many as have their violation told.
const MOST_SUSPICIOUS: u64 = 8;

/// What has been folded since the last line.
#[derive(Default)]
struct Routine {
    writes: BTreeMap<(ResourceId, Token), u64>,
    leases: u64,
    suspicious: u64,
    renewals: u64,
    duplicates: u64,
    /// Messages that did not arrive, by what they were.
    lost: BTreeMap<&'static str, u64>,
    /// What shells did, by what that was.
    shells: BTreeMap<&'static str, u64>,
}

/// How an event is shown.
enum Weight {
    Shown(Style),
    Folded,
}

impl<'a> Log<'a> {
    pub(crate) fn new(page: &'a mut Page, names: &'a Names, detail: Detail) -> Self {
        let node_width = node_width(names);
        page.line(format_args!("{}", styled(DIM, heading(node_width))));
        Self {
            page,
            names,
            detail,
            routine: Routine::default(),
            fleet: Fleet::default(),
            accepted: BTreeMap::new(),
            given_back: BTreeMap::new(),
            suspicious: 0,
            fired: None,
            node_width,
        }
    }

    /// Prints what is still folded.
    pub(crate) fn finish(mut self) {
        self.unfold();
    }

    fn weigh(&mut self, event: &Event) -> Weight {
        let at = event.at;
        let weight = match &event.kind {
            EventKind::Node(event) => self.weigh_report(event),
            EventKind::World(event) => self.weigh_world(at, event),
        };
        match (weight, self.detail) {
            (Weight::Folded, Detail::Full) => Weight::Shown(PLAIN),
            (weight, _) => weight,
        }
    }

    /// Whether leases of this resource come and go as they should.
    fn is_routine(&self, resource: ResourceId) -> bool {
        self.given_back.get(&resource).is_some_and(|leases| *leases >= ROUTINE_AFTER)
    }

    fn unless_routine(&self, resource: ResourceId, style: Style) -> Weight {
        if self.is_routine(resource) { Weight::Folded } else { Weight::Shown(style) }
    }

    fn weigh_report(&mut self, event: &NodeEvent) -> Weight {
        match *event {
            NodeEvent::Granted { resource, .. } => {
                if self.is_routine(resource) {
                    self.routine.leases += 1;
                }
                self.unless_routine(resource, LEASE)
            }
            NodeEvent::ClaimStarted(Claim { resource, .. })
            | NodeEvent::ClaimEnded { resource, reason: ClaimEnd::Released, .. } => {
                self.unless_routine(resource, LEASE)
            }
            NodeEvent::Ended { resource, cause: EndCause::Released { .. }, .. } => {
                let weight = self.unless_routine(resource, LEASE);
                *self.given_back.entry(resource).or_default() += 1;
                weight
            }
            NodeEvent::Ended { resource, .. }
            | NodeEvent::Recovered { resource, .. }
            | NodeEvent::ClaimEnded { resource, .. }
            | NodeEvent::Withdrew { resource } => {
                self.given_back.remove(&resource);
                Weight::Shown(LEASE)
            }
            NodeEvent::Queued { resource, .. } | NodeEvent::BarrierRaised { resource, .. } => {
                self.unless_routine(resource, PLAIN)
            }
            NodeEvent::AccessRefused { .. } => Weight::Shown(HAZARD),
            NodeEvent::EffectAccepted { resource, token, replaced, based_on, .. } => {
                let newest = self.accepted.insert(resource, token);
                let suspicious = newest.is_some_and(|newest| token < newest)
                    || based_on.is_some_and(|seen| seen != replaced);
                if suspicious {
                    self.suspicious += 1;
                    if self.suspicious <= MOST_SUSPICIOUS {
                        return Weight::Shown(ALARM);
                    }
                    self.routine.suspicious += 1;
                    return Weight::Folded;
                }
                if newest != Some(token) && !self.is_routine(resource) {
                    return Weight::Shown(PLAIN);
                }
                *self.routine.writes.entry((resource, token)).or_default() += 1;
                Weight::Folded
            }
            NodeEvent::Renewed { .. } => {
                self.routine.renewals += 1;
                Weight::Folded
            }
            NodeEvent::DuplicateRecognised { .. } => {
                self.routine.duplicates += 1;
                Weight::Folded
            }
            NodeEvent::ClaimRenewed(_)
            | NodeEvent::Asked { .. }
            | NodeEvent::Told { .. }
            | NodeEvent::RenewalAcknowledged { .. }
            | NodeEvent::RenewalTaken { .. }
            | NodeEvent::ReleaseTaken { .. }
            | NodeEvent::EndOrdered { .. }
            | NodeEvent::KeyAttached { .. }
            | NodeEvent::KeyEnded { .. }
            | NodeEvent::TaskApplied { .. }
            | NodeEvent::TableHolds { .. }
            | NodeEvent::ReadServed { .. }
            | NodeEvent::EffectIssued { .. }
            | NodeEvent::Probed(_) => Weight::Folded,
            NodeEvent::Registry(_) | NodeEvent::Discovery(_) => Weight::Shown(LEASE),
        }
    }

    fn weigh_world(&mut self, at: SimInstant, event: &WorldEvent) -> Weight {
        match *event {
            WorldEvent::MessageLost { purpose, leg, cause, .. } => {
                let what = match (cause, purpose, leg) {
                    (LossCause::Overflow, ..) => "message to a full buffer",
                    (LossCause::Disconnected, ..) => "message without a connection",
                    (_, Purpose::Acquire, Leg::Request) => "acquire",
                    (_, Purpose::Acquire, Leg::Reply) => "answer to an acquire",
                    (_, Purpose::Renew, Leg::Request) => "renewal",
                    (_, Purpose::Renew, Leg::Reply) => "answer to a renewal",
                    (_, Purpose::Release, _) => "message of a release",
                    (_, Purpose::Read, Leg::Request) => "read",
                    (_, Purpose::Write, Leg::Request) => "write",
                    (_, Purpose::Read | Purpose::Write, Leg::Reply) => "answer to a read or write",
                    (_, Purpose::Watch, _) => "message of a watch",
                    (_, Purpose::Probe, _) => "probe",
                    (_, Purpose::Call, _) => "call",
                    (_, Purpose::Query, Leg::Request) => "query",
                    (_, Purpose::Query, Leg::Reply) => "answer to a query",
                    (_, Purpose::Other, _) => "message",
                };
                *self.routine.lost.entry(what).or_default() += 1;
                Weight::Folded
            }
            WorldEvent::ClaimLapsed { resource, .. } | WorldEvent::ClaimResumed { resource, .. } => {
                self.given_back.remove(&resource);
                Weight::Shown(LEASE)
            }
            WorldEvent::FaultFired { fault } if self.fired == Some((at, fault)) => Weight::Folded,
            WorldEvent::FaultFired { fault } => {
                self.fired = Some((at, fault));
                self.given_back.clear();
                self.fleet.turn();
                Weight::Shown(FAULT)
            }
            WorldEvent::FaultLanded { .. } | WorldEvent::FaultHealed { .. } => {
                self.given_back.clear();
                Weight::Shown(FAULT)
            }
            WorldEvent::AssumptionBroken { .. }
            | WorldEvent::AssumptionRestored { .. }
            | WorldEvent::Panicked => Weight::Shown(ALARM),
            WorldEvent::PhaseEntered { .. } => Weight::Shown(DIM),
            WorldEvent::Started => Weight::Shown(PLAIN),
            WorldEvent::Crashed
            | WorldEvent::Restarted { .. }
            | WorldEvent::Paused
            | WorldEvent::Suspended
            | WorldEvent::Resumed
            | WorldEvent::ClockRateChanged { .. }
            | WorldEvent::WallStepped { .. }
            | WorldEvent::ClocksFroze
            | WorldEvent::ClocksThawed
            | WorldEvent::DiskStalled
            | WorldEvent::DiskFlows
            | WorldEvent::DiskWiped
            | WorldEvent::Throttled
            | WorldEvent::Unthrottled
            | WorldEvent::CommandGiven { .. } => Weight::Shown(FAULT),
        }
    }

    fn is_folded(&self, told: &Option<Told>) -> bool {
        self.detail == Detail::Folded && matches!(told, Some(Told::Folded))
    }

    fn unfold(&mut self) {
        let routine = std::mem::take(&mut self.routine);
        let mut parts: Vec<String> = Vec::new();
        if routine.leases > 0 {
            parts.push(words::counted(routine.leases, "lease granted and given back"));
        }
        let mut writes: BTreeMap<ResourceId, (u64, Token, Token)> = BTreeMap::new();
        for (&(resource, token), &count) in &routine.writes {
            let (all, _, newest) = writes.entry(resource).or_insert((0, token, token));
            (*all, *newest) = (*all + count, token);
        }
        parts.extend(writes.into_iter().map(|(resource, (count, oldest, newest))| {
            let tokens = match oldest == newest {
                true => format!("token {newest}"),
                false => format!("tokens {oldest} to {newest}"),
            };
            format!("{} accepted{} with {tokens}", words::counted(count, "write"), self.names.on(resource))
        }));
        if routine.suspicious > 0 {
            parts.push(words::counted(routine.suspicious, "write more out of order"));
        }
        if routine.renewals > 0 {
            parts.push(words::counted(routine.renewals, "renewal"));
        }
        self.fleet.unfold(self.names, &mut parts);
        if routine.duplicates > 0 {
            parts.push(words::counted(routine.duplicates, "duplicate"));
        }
        let lost: Vec<String> =
            routine.lost.iter().map(|(what, &count)| words::counted(count, what)).collect();
        if !lost.is_empty() {
            parts.push(format!("lost on the way: {}", lost.join(", ")));
        }
        let shells = routine.shells.iter().map(|(what, &count)| words::counted(count, what));
        parts.extend(shells);
        if self.detail == Detail::Folded && !parts.is_empty() {
            let width = 11 + 2 + self.node_width + 2 + 11;
            let text = format!("{:width$}  … {}", "", parts.join(", "));
            self.page.line(format_args!("{}", styled(DIM, text)));
        }
    }

    fn show(&mut self, event: &Event, style: Style, text: &str) {
        let line = row(self.names, self.node_width, event, &styled(style, text));
        self.page.line(format_args!("{line}"));
    }
}

/// How wide the column of the nodes is.
pub(crate) fn node_width(names: &Names) -> usize {
    names.longest_node().max(4)
}

/// What stands above rows of events.
pub(crate) fn heading(node_width: usize) -> String {
    format!("{:>11}  {:node_width$}  {:>11}  what happened", "true time", "node", "its clock")
}

/// An event in its columns, with what happened in words.
pub(crate) fn row(names: &Names, node_width: usize, event: &Event, text: &str) -> String {
    let (node, clock) = match event.node {
        Some(node) => (names.node(node), Reading::new(ClockKind::Boot, event.local).to_string()),
        None => ("", String::new()),
    };
    format!("{:>11}  {node:node_width$}  {clock:>11}  {text}", event.at)
}

/// What a shell did, where it is routine: in words that can be counted.
fn routine_of(note: &Note) -> Option<&'static str> {
    Some(match note {
        Note::Opened { .. } | Note::Accepted { .. } => return None,
        Note::NotOpened { .. } => "attempt to connect that failed",
        Note::Closed { because: ClosedBecause::End, .. } => "connection closed",
        Note::Closed { because: ClosedBecause::Broke(_), .. } => "connection broken",
        Note::Closed { because: ClosedBecause::Silent, .. } => "connection given up, for nothing was heard",
        Note::Closed { because: ClosedBecause::Replaced, .. } => "connection replaced",
        Note::Outdated { .. } => "message of a dead process thrown away",
        _ => return None,
    })
}

/// Whether a shell did what it does only when something is wrong with what it was sent, or with itself.
fn is_odd(note: &Note) -> bool {
    !matches!(note, Note::Opened { .. } | Note::Accepted { .. }) && routine_of(note).is_none()
}

impl Observer for Log<'_> {
    fn note(&mut self, at: SimInstant, node: NodeId, note: &Note) {
        if self.detail == Detail::Full || is_odd(note) {
            self.unfold();
            let (width, name) = (self.node_width, self.names.node(node));
            let text = styled(DIM, format!("shell: {}", words::noted(self.names, note)));
            self.page.line(format_args!("{at:>11}  {name:width$}  {:>11}  {text}", ""));
        } else if let Some(what) = routine_of(note) {
            *self.routine.shells.entry(what).or_default() += 1;
        }
    }

    fn event(&mut self, event: &Event) {
        let told = self.fleet.hear(self.names, event);
        let (Weight::Shown(style), false) = (self.weigh(event), self.is_folded(&told)) else { return };
        let more = match told {
            Some(Told::Shown(more)) => more,
            Some(Told::Folded) | None => String::new(),
        };
        self.unfold();
        self.show(event, style, &format!("{}{more}", words::happened(self.names, event)));
    }

    fn finding(&mut self, finding: &Finding) {
        self.unfold();
        let style = match finding {
            Finding::Violation(_) => ALARM,
            Finding::Hazard(_) => HAZARD,
        };
        let text = styled(style, words::found(finding));
        let width = self.node_width + 2 + 11;
        self.page.line(format_args!("{:>11}  {:width$}  {text}", finding.at(), ""));
    }
}
