//! The story of a failure, in sentences.

mod registry;

use std::collections::BTreeMap;

use leasehold_core::event::{Claim, ClaimEnd, EventKind, NodeEvent, WorldEvent};
use leasehold_core::{
    Event, FaultId, LeaseId, Leg, NodeId, Purpose, Reading, ResourceId, SimInstant, Span, Token,
};

use leasehold_report::words::{clock_time, seconds};
use leasehold_report::{Names, words};

use super::{Loss, LostMessages, Moment, Routine, Story, TenureId, Wrong};

/// One sentence, and when what it tells of was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sentence {
    /// When that was.
    pub at: SimInstant,
    /// What it says.
    pub text: String,
}

/// Tells a story, in the order of time.
fn tell(names: &Names, story: &Story) -> Vec<Sentence> {
    let mut teller = Teller {
        names,
        claims: BTreeMap::new(),
        leases: BTreeMap::new(),
        stopped: BTreeMap::new(),
        accepted: BTreeMap::new(),
    };
    let mut sentences: Vec<Sentence> = Vec::new();
    let mut moments = story.moments.iter().peekable();
    while let Some(moment) = moments.next() {
        let mut text = teller.moment(moment);
        // What a fault does to a node is told in one breath with it.
        let mut joint = ":";
        while let Some(next) = moments.next_if(|next| is_one_breath(moment, next)) {
            let more = teller.moment(next);
            let who = names.node(node_of(next).expect("a breath is of one node"));
            let more = more.strip_prefix(who).map_or(more.clone(), |rest| format!("it{rest}"));
            text = format!("{text}{joint} {}", more.replace("it sees that its ", "its "));
            joint = ", and";
        }
        if !text.is_empty() {
            sentences.push(Sentence { at: moment.at(), text });
        }
    }
    sentences
}

impl Story {
    /// What happened, in sentences, in the order of time.
    pub fn sentences(&self, names: &Names) -> Vec<Sentence> {
        tell(names, self)
    }

    /// What went wrong, in one sentence.
    pub fn ending_told(&self, names: &Names) -> String {
        ending(names, self)
    }

    /// Who believed what when it was found, in a sentence for each instance that it is about.
    pub fn beliefs_told(&self, names: &Names) -> Vec<String> {
        registry::beliefs(names, self)
    }
}

fn node_of(moment: &Moment) -> Option<NodeId> {
    match moment {
        Moment::Event(event) => event.node,
        Moment::Renewals(..) | Moment::Writes(..) | Moment::Late(_) | Moment::Lost(..) => None,
    }
}

/// What went wrong, in one sentence.
fn ending(names: &Names, story: &Story) -> String {
    match &story.ending.wrong {
        Wrong::Violation { invariant, clause } => format!(
            "this violates {} {}: {} ({clause})",
            invariant.id(),
            invariant.name(),
            invariant.statement()
        ),
        Wrong::Hazard(hazard) => {
            format!("this is a hazard that the scenario forbids: {}", words::hazard(*hazard))
        }
        Wrong::Astray(probe) => format!("the run reached {}, which the scenario says is never", probe.name()),
        Wrong::End(end) => format!("the run ends here: {}", words::run_end(names, end)),
    }
}

/// Whether the second moment is what the fault of the first does.
fn is_one_breath(first: &Moment, second: &Moment) -> bool {
    let (Moment::Event(first), Moment::Event(second)) = (first, second) else { return false };
    let EventKind::World(WorldEvent::FaultLanded { .. } | WorldEvent::FaultHealed { .. }) = first.kind else {
        return false;
    };
    let is_done = match second.kind {
        EventKind::World(
            WorldEvent::FaultFired { .. } | WorldEvent::FaultLanded { .. } | WorldEvent::FaultHealed { .. },
        ) => false,
        EventKind::World(_) => true,
        EventKind::Node(_) => false,
    };
    is_done && (first.at, first.node) == (second.at, second.node)
}

/// What is known at some point of a story, so that a sentence can say what it means.
struct Teller<'n> {
    names: &'n Names,
    claims: BTreeMap<(NodeId, ResourceId, Token), Held>,
    leases: BTreeMap<(ResourceId, LeaseId), Lease>,
    /// The processes that do not run, and what is the matter with them.
    stopped: BTreeMap<NodeId, &'static str>,
    /// The newest token that each resource has accepted a write with, as far as it is told.
    accepted: BTreeMap<ResourceId, Token>,
}

/// A claim.
struct Held {
    deadline: Reading,
    /// The deadline of which it was said that the claim goes on to it, though another thinks that it is over.
    told: Option<Reading>,
    /// When it was over, if it is.
    over: Option<SimInstant>,
}

/// A lease, as its grantor sees it.
struct Lease {
    token: Token,
    term_began: SimInstant,
    ttl: Span,
    ended: Option<SimInstant>,
}

impl Teller<'_> {
    fn moment(&mut self, moment: &Moment) -> String {
        match moment {
            Moment::Event(event) => match (event.kind, event.node) {
                (EventKind::Node(said), Some(node)) => self.reported(event.at, node, &said),
                (EventKind::Node(_), None) => String::new(),
                (EventKind::World(seen), node) => self.done(event, node, &seen),
            },
            Moment::Renewals(tenure, lease, routine) => self.renewals(*tenure, *lease, routine),
            Moment::Writes(tenure, routine) => self.writes(*tenure, routine),
            Moment::Late(late) => registry::late(self.names, late),
            Moment::Lost(loss, lost) => self.lost(loss, lost),
        }
    }

    fn reported(&mut self, at: SimInstant, node: NodeId, said: &NodeEvent) -> String {
        let names = self.names;
        if names.has_registry() {
            return registry::reported(names, node, said);
        }
        let who = names.node(node);
        let plain = |event| format!("{who} {}", words::reported(names, event));
        match *said {
            NodeEvent::Granted { resource, lease, holder, token, ttl } => {
                let older = self.newer_than(resource, token);
                let still = self.still_claimed(holder, resource);
                self.leases.insert((resource, lease), Lease { token, term_began: at, ttl, ended: None });
                format!("{}{older}{still}", plain(said))
            }
            NodeEvent::Recovered { resource, lease, token, ttl, ended, .. } => {
                let ended = ended.map(|_| at);
                self.leases.insert((resource, lease), Lease { token, term_began: at, ttl, ended });
                plain(said)
            }
            NodeEvent::Ended { resource, lease, token, cause } => {
                let short = self.leases.get(&(resource, lease)).map_or_else(String::new, |lease| {
                    let into = at.saturating_since(lease.term_began);
                    format!(", {into} into a term of {}", lease.ttl)
                });
                self.end(at, resource, lease);
                let (on, cause) = (names.on(resource), words::ended(names, cause));
                let still = self.still_claimed_under(resource, token);
                format!("{who} ends lease {lease}{on}: it {cause}{short}{still}")
            }
            NodeEvent::EndOrdered { resource, lease, .. } => {
                self.end(at, resource, lease);
                plain(said)
            }
            NodeEvent::ClaimStarted(Claim { resource, token, deadline, .. }) => {
                let still = self.still_claimed(node, resource);
                self.claims.insert((node, resource, token), Held { deadline, told: None, over: None });
                let on = names.on(resource);
                format!("{who} claims{on} under token {token}, {}{still}", until(deadline))
            }
            NodeEvent::ClaimEnded { resource, token, reason, .. } => {
                let late = self.after_its_end(at, node, resource, token, "its claim was over");
                if let Some(held) = self.claims.get_mut(&(node, resource, token)) {
                    held.over.get_or_insert(at);
                }
                match reason {
                    ClaimEnd::Lapsed if !late.is_empty() => {
                        format!(
                            "{who} notices{late}, and stops acting{} under token {token}",
                            names.on(resource)
                        )
                    }
                    _ => plain(said),
                }
            }
            NodeEvent::EffectIssued { resource, token, .. } => {
                let late = self.after_its_end(at, node, resource, token, "its claim was over");
                let after = if late.is_empty() { self.after_its_lease(at, resource, token) } else { late };
                format!("{}{after}", plain(said))
            }
            NodeEvent::EffectAccepted { resource, token, .. } => {
                let newest = self.accepted.get(&resource).copied().filter(|newest| *newest > token);
                let older = newest.map_or_else(String::new, |newest| {
                    format!(". It had accepted a write under token {newest} before")
                });
                let newest = self.accepted.entry(resource).or_insert(token);
                *newest = (*newest).max(token);
                format!("{}{older}", plain(said))
            }
            _ => plain(said),
        }
    }

    fn end(&mut self, at: SimInstant, resource: ResourceId, lease: LeaseId) {
        if let Some(lease) = self.leases.get_mut(&(resource, lease)) {
            lease.ended.get_or_insert(at);
        }
    }

    fn done(&mut self, event: &Event, node: Option<NodeId>, seen: &WorldEvent) -> String {
        let names = self.names;
        let Some(node) = node else {
            return match *seen {
                WorldEvent::FaultFired { fault } => {
                    format!("fault {} fires, at nobody: {}", fault.0 + 1, names.fault(fault))
                }
                _ => String::new(),
            };
        };
        let who = names.node(node);
        match *seen {
            // When it lands is told.
            WorldEvent::FaultFired { .. } => String::new(),
            WorldEvent::FaultLanded { fault } => self.landed(fault, who),
            WorldEvent::FaultHealed { fault } => format!("fault {} is over for {who}", fault.0 + 1),
            WorldEvent::ClaimLapsed { resource, token, .. } => {
                let deadline = self.claims.get_mut(&(node, resource, token)).map(|held| {
                    held.over = Some(event.at);
                    held.deadline
                });
                let clock = deadline.map_or("clock", |deadline| deadline.clock().name());
                let on = names.on(resource);
                let unaware = match self.stopped.get(&node) {
                    Some(state) => format!(", but {who} is {state} and does not know"),
                    None => String::new(),
                };
                format!(
                    "the {clock} clock of {who} reaches its deadline: its claim{on} under token {token} is over{unaware}"
                )
            }
            WorldEvent::ClaimResumed { resource, token, .. } => {
                if let Some(held) = self.claims.get_mut(&(node, resource, token)) {
                    held.over = None;
                }
                format!("{who}: {}", words::done(names, seen))
            }
            _ => {
                self.note_process(event.at, node, seen);
                format!("{who} {}", own(&words::done(names, seen)))
            }
        }
    }

    fn landed(&self, fault: FaultId, who: &str) -> String {
        format!("fault {} strikes {who} ({})", fault.0 + 1, self.names.fault(fault))
    }

    fn note_process(&mut self, at: SimInstant, node: NodeId, seen: &WorldEvent) {
        match seen {
            WorldEvent::Paused => {
                self.stopped.insert(node, "paused");
            }
            WorldEvent::Suspended => {
                self.stopped.insert(node, "suspended");
            }
            WorldEvent::Crashed => {
                self.stopped.insert(node, "down");
                let of_it = self.claims.iter_mut().filter(|((of, ..), _)| *of == node);
                of_it.for_each(|(_, held)| {
                    held.over.get_or_insert(at);
                });
            }
            WorldEvent::Resumed | WorldEvent::Restarted { .. } => {
                self.stopped.remove(&node);
            }
            _ => {}
        }
    }

    fn renewals(&mut self, tenure: TenureId, lease: Option<LeaseId>, routine: &Routine) -> String {
        if self.names.has_registry() {
            return registry::renewals(lease, routine);
        }
        let decided = routine.renewed.1;
        if let Some((at, _)) = decided
            && let Some(known) = lease.and_then(|lease| self.leases.get_mut(&(tenure.resource, lease)))
        {
            known.term_began = at;
        }
        let claims = self.claims.iter_mut();
        let claim =
            claims.filter(|((_, on, token), _)| (*on, *token) == (tenure.resource, tenure.token)).last();
        // Before its first claim a holder may have to confirm: that is no renewal to speak of.
        let Some(((node, ..), held)) = claim else { return String::new() };
        let who = self.names.node(*node);
        let name = lease.map_or_else(|| format!("token {}", tenure.token), |lease| format!("lease {lease}"));
        let times = |count| words::counted(count, "time");
        let begun = |at: SimInstant, ttl: Span| {
            let over = clock_time(at.saturating_add(ttl));
            let count = times(routine.renewed.0);
            format!(
                "{name} is renewed {count}: its last term begins at {} and is over at about {over}",
                clock_time(at)
            )
        };
        let claims = routine.heard.1.map(|(at, _, deadline)| {
            held.deadline = deadline;
            (at, until(deadline))
        });
        match (decided, claims) {
            (Some((begins, ttl)), Some((heard, until))) if heard >= begins => {
                let way = heard.saturating_since(begins);
                let late = if way > SLOW { format!(" only {way} later") } else { String::new() };
                format!("{}; {who} hears of it{late} and claims {until}", begun(begins, ttl))
            }
            (Some((begins, ttl)), Some((heard, until))) => {
                let since = clock_time(heard);
                format!(
                    "{}; {who} does not hear of this one and claims, since {since}, {until}",
                    begun(begins, ttl)
                )
            }
            (Some((begins, ttl)), None) => format!("{}; {who} does not hear of it", begun(begins, ttl)),
            (None, Some((_, until))) => {
                format!("{who} renews {name} {}, and claims {until}", times(routine.heard.0))
            }
            (None, None) => String::new(),
        }
    }

    fn writes(&mut self, tenure: TenureId, routine: &Routine) -> String {
        let (count, Some((_, writer, version))) = routine.wrote else { return String::new() };
        let newest = self.accepted.entry(tenure.resource).or_insert(tenure.token);
        *newest = (*newest).max(tenure.token);
        let (writer, on) = (self.names.node(writer), self.names.on(tenure.resource));
        let writes = words::counted(count, "write");
        format!(
            "{writer} works: {writes} accepted{on} under token {} so far, up to version {version}",
            tenure.token
        )
    }

    fn lost(&self, loss: &Loss, lost: &LostMessages) -> String {
        let what = match (loss.purpose, loss.leg) {
            (Purpose::Acquire, Leg::Request) => "acquire",
            (Purpose::Acquire, Leg::Reply) => "answer to an acquire",
            (Purpose::Renew, Leg::Request) => "renewal",
            (Purpose::Renew, Leg::Reply) => "answer to a renewal",
            (Purpose::Release, Leg::Request) => "release",
            (Purpose::Release, Leg::Reply) => "answer to a release",
            (Purpose::Read, Leg::Request) => "read",
            (Purpose::Write, Leg::Request) => "write",
            (Purpose::Read | Purpose::Write, Leg::Reply) => "answer to a read or write",
            (Purpose::Watch, _) => "message of a watch",
            (Purpose::Probe, _) => "probe",
            (Purpose::Call, _) => "call",
            (Purpose::Query | Purpose::Other, _) => "message",
        };
        let cause = words::loss(loss.cause);
        let (from, to) = (self.names.node(loss.from), self.names.node(loss.to));
        if lost.count == 1 {
            return format!("{} from {from} does not reach {to}: {cause}", with_article(what));
        }
        let (what, last) = (words::counted(lost.count, what), clock_time(lost.last));
        let cause = cause.replace(" it", " them");
        format!("from here on {what} from {from} do not reach {to}, the last at {last}: {cause}")
    }

    /// `, while holder-1 still claims under token 1`: somebody else does.
    fn still_claimed(&mut self, node: NodeId, resource: ResourceId) -> String {
        self.open_claim(", while", |(of, on, _)| *of != node && *on == resource)
    }

    /// `, but holder-1 still claims under token 1`: whoever holds under this token.
    fn still_claimed_under(&mut self, resource: ResourceId, token: Token) -> String {
        self.open_claim(", but", |(_, on, under)| (*on, *under) == (resource, token))
    }

    fn open_claim(&mut self, joint: &str, fits: impl Fn(&(NodeId, ResourceId, Token)) -> bool) -> String {
        let mut open = self.claims.iter_mut().filter(|(claim, held)| fits(claim) && held.over.is_none());
        let Some(((node, on, token), held)) = open.next() else { return String::new() };
        let (who, on) = (self.names.node(*node), self.names.on(*on));
        let state = self.stopped.get(node).map_or_else(String::new, |state| format!(" ({state})"));
        // Once is enough.
        let until = match held.told.replace(held.deadline) {
            Some(told) if told == held.deadline => String::new(),
            _ => format!(", {}", until(held.deadline)),
        };
        format!("{joint} {who}{state} still claims{on} under token {token}{until}")
    }

    /// `, not newer than token 3, which it gave out before`.
    fn newer_than(&self, resource: ResourceId, token: Token) -> String {
        let before =
            self.leases.iter().filter(|((on, _), _)| *on == resource).map(|(_, lease)| lease.token).max();
        match before.filter(|before| *before >= token) {
            Some(before) if before == token => ", which was given out before".to_owned(),
            Some(before) => format!(", though token {before} was given out before"),
            None => String::new(),
        }
    }

    /// `, 8.005s after its claim was over`.
    fn after_its_end(
        &self,
        at: SimInstant,
        node: NodeId,
        resource: ResourceId,
        token: Token,
        what: &str,
    ) -> String {
        let over = self.claims.get(&(node, resource, token)).and_then(|held| held.over);
        over.map_or_else(String::new, |over| {
            let late = at.saturating_since(over);
            if late.is_zero() { String::new() } else { format!(", {late} after {what}") }
        })
    }

    fn after_its_lease(&self, at: SimInstant, resource: ResourceId, token: Token) -> String {
        let of_it = self.leases.iter().filter(|((on, _), lease)| *on == resource && lease.token == token);
        let ended = of_it.filter_map(|(_, lease)| lease.ended).max();
        ended.map_or_else(String::new, |ended| {
            format!(", {} after its lease was over at the grantor", at.saturating_since(ended))
        })
    }
}

/// An answer that takes longer is told as slow. Chosen by us: many times what a healthy network takes.
const SLOW: Span = Span::from_millis(500);

/// `until its boot clock shows 10.012 s`.
fn until(deadline: Reading) -> String {
    match deadline.as_nanos() {
        i64::MAX => "until it is told otherwise".to_owned(),
        nanos => format!("until its {} clock shows {}", deadline.clock().name(), seconds(i128::from(nanos))),
    }
}

/// `an answer to a renewal`.
fn with_article(what: &str) -> String {
    let article = if what.starts_with(['a', 'e', 'i', 'o', 'u']) { "an" } else { "a" };
    format!("{article} {what}")
}

/// What is said of a node's belongings reads on behind its name.
fn own(said: &str) -> String {
    said.strip_prefix("its ").map_or_else(|| said.to_owned(), |rest| format!("sees that its {rest}"))
}
