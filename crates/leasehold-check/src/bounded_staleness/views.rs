//! Hop two: what the registry routes no more, and views still answer with.
//!
//! A table of clients and instances, and a list of what is stale for each client. What is stale is judged at each fresh
//! answer with it, and told once; it is measured when the view drops it, when the registry routes it again, or when the
//! run ends: until the last fresh answer before.

use alloc::vec::Vec;

use leasehold_core::event::{Asked, LookupAnswer, Status};
use leasehold_core::id::{Epoch, InstanceId};
use leasehold_core::plan::Role;
use leasehold_core::trace::Header;
use leasehold_core::{NodeId, SimInstant, Span};

use super::departure::{Departed, Departure};
use super::visibility::{self, Sight};
use super::{Court, Grounds, standing};
use crate::assumptions::CLOCKS;
use crate::book::Case;
use crate::calm::Errand;
use crate::finding::Fact;
use crate::measure::Standing;
use crate::metric::Metric;
use crate::roster::Registration;
use crate::stretch::calm_since;

/// Instances are numbered from 0; beyond this number none is followed.
const MOST: usize = 1 << 16;

/// All views that answer lookups.
#[derive(Debug)]
pub(super) struct Views {
    /// By node.
    clients: Vec<Option<Client>>,
    followers: Vec<NodeId>,
    shown: Shown,
}

/// The view of one client.
#[derive(Debug)]
struct Client {
    /// Its column in what is shown.
    column: usize,
    stale: Vec<Stale>,
    asked: Option<Asked>,
    last_fresh: Option<SimInstant>,
    /// Since when it has been a view of something.
    established: Option<SimInstant>,
}

/// What all views say of all instances: by instance, then by client. A change is heard of by all clients, one after the
/// other, so what they say of one instance stands together.
#[derive(Debug)]
struct Shown {
    columns: usize,
    rows: Vec<Vec<Entry>>,
}

/// What a view says of an instance, in eight bytes: there are as many as clients times instances.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Entry(u64);

impl Entry {
    const fn new(epoch: Epoch, status: Option<Status>) -> Self {
        let status = match status {
            None => 0,
            Some(Status::Passing) => 1,
            Some(Status::Suspect) => 2,
            Some(Status::Critical) => 3,
        };
        Self((epoch.0.saturating_add(1) << 2) | status)
    }

    /// Whether a lookup answers with it, under this epoch.
    fn is_routed(self, epoch: Epoch) -> bool {
        self == Self::new(epoch, Some(Status::Passing))
    }

    /// Whether it is of this registration, listed or not.
    const fn is_of(self, epoch: Epoch) -> bool {
        self.0 >> 2 == epoch.0.saturating_add(1)
    }

    /// Whether the view has listed this registration, or a later one.
    const fn has_seen(self, epoch: Epoch) -> bool {
        self.0 >> 2 > epoch.0
    }
}

/// What a view still lists although it has departed.
#[derive(Clone, Copy, Debug)]
struct Stale {
    departure: Departure,
    /// Since when the view lists it, if it came to only after it had departed: what was answered before was without it.
    listed_at: SimInstant,
    /// The last fresh answer to a question that was asked before the present one.
    settled: Option<SimInstant>,
    /// What was allowed at the last fresh answer with it, or at the one that was told.
    allowed: Option<Allowance>,
    told: Told,
}

/// Whether it was answered with for too long, and somebody was told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Told {
    Not,
    Told,
}

/// A client, and what it relies on.
#[derive(Clone, Copy)]
struct Reader<'a> {
    node: NodeId,
    followers: &'a [NodeId],
}

/// Until when a view may answer with what has departed.
#[derive(Clone, Copy, Debug)]
struct Allowance {
    bound: Option<Span>,
    grounds: Grounds,
}

impl Views {
    pub(super) fn new(header: &Header) -> Self {
        let nodes = (0..).map(NodeId).zip(&header.nodes);
        let mut columns = 0;
        let client = |role| {
            (role == Role::Discovery).then(|| {
                columns += 1;
                Client::new(columns - 1)
            })
        };
        Self {
            clients: header.nodes.iter().map(|node| node.role).map(client).collect(),
            followers: nodes.filter(|(_, node)| node.role == Role::Follower).map(|(node, _)| node).collect(),
            shown: Shown { columns, rows: Vec::new() },
        }
    }

    fn all(&mut self) -> impl Iterator<Item = (Reader<'_>, &mut Client, &Shown)> {
        let Self { clients, followers, shown } = self;
        let clients = (0..).map(NodeId).zip(clients);
        clients.filter_map(|(node, client)| Some((Reader { node, followers }, client.as_mut()?, &*shown)))
    }

    fn of(&mut self, node: NodeId) -> Option<(Reader<'_>, &mut Client, &mut Shown)> {
        let Self { clients, followers, shown } = self;
        Some((Reader { node, followers }, clients.get_mut(node.index())?.as_mut()?, shown))
    }

    /// The registry routes something no more: views that list it are stale.
    pub(super) fn departed(&mut self, departure: &Departure) {
        for (_, client, shown) in self.all() {
            if shown.by(client, departure.instance).is_routed(departure.epoch) {
                let listed_at = SimInstant::START;
                client.stale.push(Stale::new(departure, listed_at));
            }
        }
    }

    /// It does again.
    pub(super) fn routed_again(&mut self, cx: &mut Court, known: &Registration) {
        for (reader, client, _) in self.all() {
            client.freshen(cx, reader, |departure| {
                (departure.instance, departure.epoch) == (known.instance, known.epoch)
            });
        }
    }

    /// A registration ended: whoever has not shown it by now never will.
    pub(super) fn ended(&mut self, cx: &mut Court, known: &Registration) {
        for (reader, client, shown) in self.all() {
            client.missed(cx, reader, shown, known);
        }
    }

    pub(super) fn lists(
        &mut self,
        cx: &mut Court,
        departed: &Departed,
        node: NodeId,
        instance: InstanceId,
        listed: (Epoch, Status),
    ) {
        let Some((reader, client, shown)) = self.of(node) else { return };
        let (epoch, status) = listed;
        let (before, entry) = (shown.by(client, instance), Entry::new(epoch, Some(status)));
        if entry == before {
            return;
        }
        client.freshen(cx, reader, |departure| departure.instance == instance);
        shown.set(client, instance, entry);
        let known = cx.scene.roster.get(instance, epoch);
        if let Some(known) = known.filter(|known| client.is_due(known) && !before.has_seen(epoch)) {
            let grounds = reader.since_before(cx, known.registered_at);
            visibility::judge(cx, node, known, grounds, Sight::Shown);
        }
        if !status.is_routed() || known.is_some_and(|known| known.status.is_routed()) {
            return;
        }
        match departed.get(instance, epoch) {
            Some(departure) => {
                let listed_at = cx.scene.now;
                client.stale.push(Stale::new(departure, listed_at));
            }
            None if departed.may_have_been(instance, epoch) => cx.book.excuse(),
            None => never_was(cx, node, instance, epoch),
        }
    }

    pub(super) fn drops(&mut self, cx: &mut Court, node: NodeId, instance: InstanceId, epoch: Epoch) {
        let Some((reader, client, shown)) = self.of(node) else { return };
        // That of a later registration may have come before.
        if shown.by(client, instance).is_of(epoch) {
            client.freshen(cx, reader, |departure| departure.instance == instance);
            shown.set(client, instance, Entry::new(epoch, None));
        }
    }

    pub(super) fn advanced(&mut self, now: SimInstant, node: NodeId) {
        if let Some((_, client, _)) = self.of(node) {
            client.established.get_or_insert(now);
        }
    }

    pub(super) fn answered(
        &mut self,
        cx: &mut Court,
        when: SimInstant,
        node: NodeId,
        asked: Asked,
        answer: LookupAnswer,
    ) {
        let Some((reader, client, _)) = self.of(node) else { return };
        if client.asked != Some(asked) {
            client.settle();
            client.asked = Some(asked);
        }
        if answer == LookupAnswer::Fresh {
            client.last_fresh = Some(when);
            client.established.get_or_insert(when);
            for stale in client.stale.iter_mut().filter(|stale| stale.is_answered(when, asked)) {
                stale.answered(cx, reader, when);
            }
        }
    }

    /// A process died, and its view with it.
    pub(super) fn crashed(&mut self, cx: &mut Court, node: NodeId) {
        let Some((reader, client, shown)) = self.of(node) else { return };
        client.freshen(cx, reader, |_| true);
        shown.forget(client);
        *client = Client::new(client.column);
    }

    /// The run is over.
    pub(super) fn finish(&mut self, cx: &mut Court) {
        let roster = &cx.scene.roster;
        for (reader, client, shown) in self.all() {
            client.freshen(cx, reader, |_| true);
            if cx.scene.processes.of(reader.node).is_up() {
                roster.all().for_each(|known| client.missed(cx, reader, shown, known));
            }
        }
    }
}

impl Shown {
    fn by(&self, client: &Client, instance: InstanceId) -> Entry {
        let row = self.rows.get(instance.0 as usize).map_or(&[][..], Vec::as_slice);
        row.get(client.column).copied().unwrap_or_default()
    }

    fn set(&mut self, client: &Client, instance: InstanceId, entry: Entry) {
        let place = instance.0 as usize;
        if place >= MOST {
            return;
        }
        if self.rows.len() <= place {
            self.rows.resize_with(place + 1, Vec::new);
        }
        let row = &mut self.rows[place];
        if row.is_empty() {
            row.resize(self.columns, Entry::default());
        }
        row[client.column] = entry;
    }

    /// A client begins anew.
    fn forget(&mut self, client: &Client) {
        for row in self.rows.iter_mut().filter(|row| !row.is_empty()) {
            row[client.column] = Entry::default();
        }
    }
}

impl Client {
    /// One that shows nothing yet.
    fn new(column: usize) -> Self {
        Self { column, stale: Vec::new(), asked: None, last_fresh: None, established: None }
    }

    /// Whether the view was there before a registration, and so has to come to show it, if that is asked for.
    fn is_due(&self, known: &Registration) -> bool {
        self.established.is_some_and(|since| since <= known.registered_at)
            && self.asked.is_none_or(|asked| asked.fits(known.service, known.capabilities))
    }

    /// Nothing will make the view show a registration any more.
    fn missed(&self, cx: &mut Court, reader: Reader<'_>, shown: &Shown, known: &Registration) {
        if self.is_due(known) && !shown.by(self, known.instance).has_seen(known.epoch) {
            let grounds = reader.since_before(cx, known.registered_at);
            visibility::judge(cx, reader.node, known, grounds, Sight::Never);
        }
    }

    /// The question changes: writes down until when the one before was answered.
    fn settle(&mut self) {
        let Self { stale, asked, last_fresh, .. } = self;
        for stale in stale {
            stale.settled = stale.last_answer(*asked, *last_fresh);
        }
        *last_fresh = None;
    }

    /// The view lists some of what is stale no more.
    fn freshen(&mut self, cx: &mut Court, reader: Reader<'_>, fits: impl Fn(&Departure) -> bool) {
        let mut place = 0;
        while let Some(mut stale) = self.stale.get(place).copied() {
            if fits(&stale.departure) {
                self.stale.swap_remove(place);
                if let Some(last) = stale.last_answer(self.asked, self.last_fresh) {
                    stale.judge(cx, reader, last);
                }
            } else {
                place += 1;
            }
        }
    }
}

/// A view lists as passing what the registry never had.
fn never_was(cx: &mut Court, node: NodeId, instance: InstanceId, epoch: Epoch) {
    cx.book.judge();
    let at = cx.scene.now;
    cx.book.violation(at, "listed-what-never-was", || Case {
        nodes: [node].into_iter().chain(cx.scene.roster.registry()).collect(),
        resource: None,
        evidence: [Fact::Answered { at, client: node, instance, epoch }].into(),
    });
}

impl Stale {
    const fn new(departure: &Departure, listed_at: SimInstant) -> Self {
        Self { departure: *departure, listed_at, settled: None, allowed: None, told: Told::Not }
    }

    /// Whether a fresh answer to this question has it.
    fn is_answered(&self, when: SimInstant, asked: Asked) -> bool {
        asked.fits(self.departure.service, self.departure.capabilities) && self.listed_at <= when
    }

    fn last_answer(&self, asked: Option<Asked>, last_fresh: Option<SimInstant>) -> Option<SimInstant> {
        let answered = |last: &SimInstant| asked.is_some_and(|asked| self.is_answered(*last, asked));
        self.settled.max(last_fresh.filter(answered))
    }

    /// A fresh answer has it.
    fn answered(&mut self, cx: &mut Court, reader: Reader<'_>, when: SimInstant) {
        if self.told == Told::Told {
            return;
        }
        let allowance = reader.allowance(cx, self.departure.excluded_at);
        self.allowed = Some(allowance);
        self.tell(cx, reader, when, allowance);
    }

    /// Tells of an answer that came too late.
    fn tell(&mut self, cx: &mut Court, reader: Reader<'_>, last: SimInstant, allowance: Allowance) {
        let Allowance { bound: Some(allowed), grounds } = allowance else { return };
        let measured = last.saturating_since(self.departure.excluded_at);
        if standing(measured, Some(allowed), grounds) == Standing::Violated {
            let what = "time answered with after the registry sent nobody to it any more";
            let bound = Fact::Bound { what, allowed, measured };
            self.told = Told::Told;
            self.violation(cx, reader.node, last, bound);
        }
    }

    /// It is stale no more: measures until when it was answered with.
    fn judge(&mut self, cx: &mut Court, reader: Reader<'_>, last: SimInstant) {
        let Departure { gone, first, excluded_at, .. } = self.departure;
        let allowance = self.allowed.unwrap_or_else(|| reader.allowance(cx, excluded_at));
        if self.told == Told::Not {
            self.tell(cx, reader, last, allowance);
        }
        let Allowance { bound, grounds } = allowance;
        let standing = cx.weigh(Metric::Propagation, last.saturating_since(excluded_at), bound, grounds);
        let Some((since, _)) = gone else { return };
        let bound = bound.map(|bound| bound.saturating_add(first.bound));
        let is_outside = [first.standing, standing].contains(&Standing::Outside);
        let grounds = if is_outside { Grounds::Fail } else { Grounds::Hold };
        cx.weigh(Metric::Staleness, last.saturating_since(since), bound, grounds);
    }

    fn violation(&self, cx: &mut Court, node: NodeId, last: SimInstant, bound: Fact) {
        let Departure { instance, epoch, member, excluded_at, .. } = self.departure;
        let Some(registry) = cx.scene.roster.registry() else { return };
        let excluded = Fact::Excluded { at: excluded_at, registry, instance, epoch };
        let answered = Fact::Answered { at: last, client: node, instance, epoch };
        cx.book.violation(cx.scene.now, "answered-too-long", || Case {
            nodes: [node, registry].into(),
            resource: member,
            evidence: self.departure.gone_fact().into_iter().chain([excluded, answered, bound]).collect(),
        });
    }
}

impl Reader<'_> {
    /// How long its view may answer with what departed then: the least of what is promised and holds.
    fn allowance(&self, cx: &Court, excluded_at: SimInstant) -> Allowance {
        let bounds = &cx.bounds;
        let watch = bounds.watch.filter(|_| self.since_before(cx, excluded_at) == Grounds::Hold);
        let dead_watch = bounds.dead_watch.and_then(|bound| self.dead_watch(cx, excluded_at, bound));
        let least = [watch, dead_watch, bounds.cache].into_iter().flatten().min();
        let holds = least.is_some() && self.clocks_hold(cx, excluded_at);
        let grounds = if holds { Grounds::Hold } else { Grounds::Fail };
        Allowance { bound: least.or(bounds.watch).or(bounds.dead_watch), grounds }
    }

    /// The same, by the watch that replaces one that is dead. Whatever disturbed it since then, it has to recover from.
    fn dead_watch(&self, cx: &Court, excluded_at: SimInstant, bound: Span) -> Option<Span> {
        let calm_since = calm_since(excluded_at, cx.scene.now, |since| self.is_calm(cx, since))?;
        if calm_since == excluded_at {
            return Some(bound);
        }
        let recovered = bound.max(cx.bounds.recovery.unwrap_or(bound));
        Some((calm_since - excluded_at).saturating_add(recovered))
    }

    /// Whether nothing has disturbed its watch since so long before an instant that a dead one was replaced by then.
    fn since_before(&self, cx: &Court, instant: SimInstant) -> Grounds {
        let recovery = cx.bounds.recovery.unwrap_or(Span::ZERO).max(cx.bounds.visibility);
        let since = SimInstant::START + instant.since_start().saturating_sub(recovery);
        if self.is_calm(cx, since) { Grounds::Hold } else { Grounds::Fail }
    }

    /// Whether all that a healthy watch relies on was so from `since` to now.
    fn is_calm(&self, cx: &Court, since: SimInstant) -> bool {
        let scene = cx.scene;
        let hears = |node: NodeId| {
            scene.calm.ran_since(node, since) && !scene.calm.lost_since(node, Errand::Reading, since)
        };
        let in_time = |node: NodeId| !scene.calm.late_since(node, since);
        let reads = |node: NodeId| in_time(node) && hears(node);
        let serves = |registry: NodeId| in_time(registry) && scene.calm.ran_since(registry, since);
        reads(self.node)
            && self.followers.iter().all(|follower| reads(*follower))
            && scene.roster.registry().is_some_and(serves)
            && self.clocks_hold(cx, since)
    }

    fn clocks_hold(&self, cx: &Court, since: SimInstant) -> bool {
        let scene = cx.scene;
        let mut nodes = self.followers.iter().copied().chain(scene.roster.registry()).chain([self.node]);
        !nodes.any(|node| scene.assumptions.excused_since(node, since, &CLOCKS))
    }
}
