//! The network: what becomes of a message on its way.

use std::collections::BTreeMap;

use leasehold_core::id::{FaultId, NodeId};
use leasehold_core::node::{Leg, Purpose};
use leasehold_core::noise::{NoiseKey, Use};
use leasehold_core::plan::{Burst, NetworkPlan, Worsening};
use leasehold_core::time::{SimInstant, Span};

use crate::burst::{Place, Source, State, Weather};
use crate::latency::Sampler;
use crate::links::{Links, Places};

/// Counts the things that happen at one instant.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Ordinals {
    at: SimInstant,
    next: u32,
}

impl Ordinals {
    pub(crate) fn next(&mut self, now: SimInstant) -> u32 {
        if self.at != now {
            *self = Self { at: now, next: 0 };
        }
        self.next += 1;
        self.next - 1
    }
}

/// All directed links.
pub(crate) struct Network {
    latency: Sampler,
    loss: u32,
    duplicate: u32,
    burst: Option<Burst>,
    places: Places,
    /// By place.
    links: Vec<Link>,
    /// By place; empty where the network has no bursts.
    weather: Vec<Weather>,
    disturbances: Vec<Disturbance>,
    /// How often a disturbance began or ended.
    changes: u64,
}

#[derive(Clone, Copy, Default)]
struct Link {
    ordinals: Ordinals,
    unclogged: Ordinals,
    /// How many disturbances concern this link; nearly always none.
    disturbed: u32,
    /// How many of its messages clogs and holds keep.
    kept: u32,
}

/// A fault that concerns links.
#[derive(Clone, Debug)]
pub(crate) struct Disturbance {
    by: Blame,
    links: Links,
    effect: Effect,
    about: About,
    /// What the effect remembers of each link that it has met.
    lanes: BTreeMap<(NodeId, NodeId), Lane>,
}

impl Disturbance {
    /// Of all messages on these links.
    pub(crate) fn new(by: Blame, links: Links, effect: Effect) -> Self {
        Self { by, links, effect, about: About::Everything, lanes: BTreeMap::new() }
    }

    /// Of such messages only.
    pub(crate) fn only(self, about: About) -> Self {
        Self { about, ..self }
    }
}

/// Whose disturbance something is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Blame {
    pub(crate) fault: FaultId,
    /// The target it is for, where each target of the fault has its own.
    pub(crate) part: Option<NodeId>,
}

impl From<FaultId> for Blame {
    fn from(fault: FaultId) -> Self {
        Self { fault, part: None }
    }
}

#[derive(Clone, Copy, Debug, Default)]
struct Lane {
    /// When a slow link has carried what it took before.
    free_at: SimInstant,
    weather: Weather,
}

/// What a disturbance does to the messages of its links.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Effect {
    /// They are lost, those under way too.
    Cut,
    /// Those that are sent meanwhile are lost. Those under way arrive.
    Lose,
    Worsen(Worsening),
    Clog,
    Hold,
}

/// Which messages a disturbance is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum About {
    Everything,
    /// What is said of watches, in either direction.
    Watches,
    /// What watches tell.
    News,
}

impl About {
    const fn includes(self, class: (Purpose, Leg)) -> bool {
        match self {
            Self::Everything => true,
            Self::Watches => matches!(class, (Purpose::Watch, _)),
            Self::News => matches!(class, (Purpose::Watch, Leg::Reply)),
        }
    }
}

/// A message as the network sees it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Letter {
    pub(crate) from: NodeId,
    pub(crate) to: NodeId,
    pub(crate) class: (Purpose, Leg),
    pub(crate) carriage: Carriage,
}

/// What carries a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Carriage {
    /// By itself: it may come twice, and overtake others.
    Apart,
    /// On a stream, once and in order. What waits for a process that is stopped or busy waits in the stream, and is not lost.
    OnAStream,
}

/// When a message sets out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Departure {
    /// As it is sent.
    Sent,
    /// Late, out of a clog: its draws are others than those of what is sent at the same instant.
    Unclogged,
}

/// Tells the ordinals of unclogged messages from those of others. So many are never sent on a link at one instant.
const UNCLOGGED: u32 = 1 << 15;

/// What becomes of one message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    /// It arrives after this long, and perhaps once more.
    Arrives { after: Span, again_after: Option<Span> },
    /// The network's own loss took it.
    LostToNoise,
    /// A fault took it.
    LostTo(FaultId),
    /// It does not set out while this lasts.
    Clogged(Blame),
    /// It is kept on its way while this lasts, in so many copies.
    Held { by: Blame, copies: u32 },
}

impl Network {
    pub(crate) fn new(nodes: usize, plan: &NetworkPlan) -> Self {
        let places = Places::new(nodes);
        let count = places.count();
        Self {
            latency: Sampler::new(plan.latency),
            loss: plan.loss.as_ppm(),
            duplicate: plan.duplicate.as_ppm(),
            burst: plan.burst,
            links: vec![Link::default(); count],
            weather: vec![Weather::default(); plan.burst.map_or(0, |_| count)],
            places,
            disturbances: Vec::new(),
            changes: 0,
        }
    }

    /// From now on the network itself neither loses nor duplicates.
    pub(crate) fn calm(&mut self) {
        self.loss = 0;
        self.duplicate = 0;
        self.burst = None;
    }

    pub(crate) fn disturb(&mut self, disturbance: Disturbance) {
        self.count(&disturbance.links, |disturbed| *disturbed += 1);
        self.disturbances.push(disturbance);
        self.changes += 1;
    }

    /// Ends a disturbance. Whether there was one.
    pub(crate) fn heal(&mut self, by: Blame) -> bool {
        let place = self.disturbances.iter().position(|d| d.by == by);
        if let Some(place) = place {
            let over = self.disturbances.remove(place);
            self.count(&over.links, |disturbed| *disturbed -= 1);
            self.changes += 1;
        }
        place.is_some()
    }

    /// Ends all disturbances.
    pub(crate) fn heal_all(&mut self) {
        self.disturbances.clear();
        self.changes += 1;
        for link in &mut self.links {
            link.disturbed = 0;
        }
    }

    /// How often a disturbance began or ended so far.
    pub(crate) fn changes(&self) -> u64 {
        self.changes
    }

    fn count(&mut self, links: &Links, change: fn(&mut u32)) {
        for (from, to, place) in self.places.all() {
            if links.contain(from, to) {
                change(&mut self.links[place].disturbed);
            }
        }
    }

    fn place(&mut self, from: NodeId, to: NodeId) -> usize {
        match self.places {
            Places::Square { nodes } => from.index() * nodes + to.index(),
            Places::Met { .. } => self.place_in_a_large_world(from, to),
        }
    }

    /// The place of a link, which may be new: it is as disturbed as if it had always been there.
    fn place_in_a_large_world(&mut self, from: NodeId, to: NodeId) -> usize {
        let place = self.places.of(from, to);
        if place == self.links.len() {
            let disturbed = self.disturbances.iter().filter(|d| d.links.contain(from, to)).count() as u32;
            self.links.push(Link { disturbed, ..Link::default() });
            if self.burst.is_some() {
                self.weather.push(Weather::default());
            }
        }
        place
    }

    /// The fault that cuts a message off now, if one does: also takes what is under way.
    pub(crate) fn cut_by(&self, letter: Letter) -> Option<FaultId> {
        self.disturbed_by(letter, Effect::Cut).map(|by| by.fault)
    }

    /// Whether a fault cuts whatever is sent on a link now, and what is under way.
    pub(crate) fn severs(&self, from: NodeId, to: NodeId) -> bool {
        self.severed_by(from, to).next().is_some()
    }

    /// The faults that do.
    pub(crate) fn severed_by(&self, from: NodeId, to: NodeId) -> impl Iterator<Item = FaultId> {
        let severs = move |d: &&Disturbance| {
            d.effect == Effect::Cut && d.about == About::Everything && d.links.contain(from, to)
        };
        self.disturbances.iter().filter(severs).map(|d| d.by.fault)
    }

    /// Makes room for one more message that is kept on a link; there is none beyond `most`.
    pub(crate) fn keep(&mut self, from: NodeId, to: NodeId, most: u32) -> bool {
        let place = self.place(from, to);
        let kept = &mut self.links[place].kept;
        let has_room = *kept < most;
        *kept += u32::from(has_room);
        has_room
    }

    /// A message that was kept on a link is kept no more.
    pub(crate) fn let_go(&mut self, from: NodeId, to: NodeId) {
        let place = self.place(from, to);
        self.links[place].kept -= 1;
    }

    /// The fault that holds a message which is under way, if one does.
    pub(crate) fn held_by(&self, letter: Letter) -> Option<Blame> {
        self.disturbed_by(letter, Effect::Hold)
    }

    fn disturbed_by(&self, letter: Letter, effect: Effect) -> Option<Blame> {
        let Letter { from, to, class, .. } = letter;
        let concerns =
            |d: &&Disturbance| d.effect == effect && d.about.includes(class) && d.links.contain(from, to);
        self.disturbances.iter().find(concerns).map(|d| d.by)
    }

    /// A message about a watch is lost before it has drawn: what else is sent on its link at this instant draws as if it
    /// had.
    fn skip_draws_of_watches(&mut self, letter: Letter, place: usize, now: SimInstant) {
        if letter.class.0 == Purpose::Watch {
            self.links[place].ordinals.next(now);
        }
    }

    /// Decides the fate of a message that sets out now. Reports to `touched` each fault that changed it.
    ///
    /// Draws come in a fixed order (loss, latency, duplication), and each fault has draws of its own, so that a
    /// fault that ends leaves the rest of the fate as it was. On a stream nothing is duplicated or reordered, and no fault touches
    /// a message by trying.
    pub(crate) fn fate(
        &mut self,
        letter: Letter,
        departure: Departure,
        now: SimInstant,
        key: NoiseKey,
        mut touched: impl FnMut(FaultId),
    ) -> Fate {
        let Letter { from, to, carriage, .. } = letter;
        let place = self.place(from, to);
        let disturbed = self.links[place].disturbed > 0;
        if disturbed {
            // What has not set out is not lost on the way.
            if let Some(by) = self.disturbed_by(letter, Effect::Clog) {
                touched(by.fault);
                return Fate::Clogged(by);
            }
            if let Some(fault) = self.cut_by(letter) {
                touched(fault);
                self.skip_draws_of_watches(letter, place, now);
                return Fate::LostTo(fault);
            }
            if let Some(by) = self.disturbed_by(letter, Effect::Lose) {
                touched(by.fault);
                self.skip_draws_of_watches(letter, place, now);
                return Fate::LostTo(by.fault);
            }
        }
        let link = &mut self.links[place];
        let ordinal = match departure {
            Departure::Sent => link.ordinals.next(now),
            Departure::Unclogged => link.unclogged.next(now) | UNCLOGGED,
        };
        let mut draws = key.draws(Use::Message, from, to, now, ordinal);
        let mut loss = self.loss;
        if let Some(burst) = &self.burst {
            let here = Place { key, source: Source::Network, from, to };
            if self.weather[place].at(now, burst, here) == State::Bad {
                loss = burst.loss.as_ppm();
            }
        }
        let lost = draws.chance(loss);
        let mut after = self.latency.sample(&mut draws);
        let mut again = draws.chance(self.duplicate).then(|| self.latency.sample(&mut draws));
        if carriage == Carriage::OnAStream {
            again = None;
        }
        if lost {
            return Fate::LostToNoise;
        }
        if !disturbed {
            return Fate::Arrives { after, again_after: again };
        }
        for disturbance in &mut self.disturbances {
            let Disturbance { by, links, effect: Effect::Worsen(worse), lanes, .. } = disturbance else {
                continue;
            };
            if !links.contain(from, to) {
                continue;
            }
            let fault = by.fault;
            let mut lane = (!worse.slow.is_zero() || worse.burst.is_some())
                .then(|| lanes.entry((from, to)).or_default());
            let aside = ordinal | (u32::from(fault.0) + 1) << 16;
            let mut draws = key.draws(Use::Message, from, to, now, aside);
            let mut lost = draws.chance(worse.loss.as_ppm());
            let duplicated =
                again.is_none() && draws.chance(worse.duplicate.as_ppm()) && carriage == Carriage::Apart;
            if let (Some(burst), Some(lane)) = (&worse.burst, &mut lane) {
                let here = Place { key, source: Source::Fault(fault), from, to };
                let bad = lane.weather.at(now, burst, here) == State::Bad;
                lost |= bad && draws.chance(burst.loss.as_ppm());
            }
            if lost {
                touched(fault);
                return Fate::LostTo(fault);
            }
            if duplicated {
                again = Some(self.latency.sample(&mut draws));
            }
            let mut later = worse.delay;
            if let Some(lane) = lane.filter(|_| !worse.slow.is_zero()) {
                lane.free_at = lane.free_at.max(now).saturating_add(worse.slow);
                later = later.saturating_add(lane.free_at - now);
            }
            let mut drawn = || Span::from_nanos(draws.draw_below(worse.reorder.as_nanos().saturating_add(1)));
            let mut late = |span: Span| {
                let overtakes = carriage == Carriage::Apart && !worse.reorder.is_zero();
                let drawn = if overtakes { drawn() } else { Span::ZERO };
                span.saturating_add(later).saturating_add(drawn)
            };
            let undisturbed = after;
            after = late(after);
            again = again.map(late);
            if duplicated || after != undisturbed {
                touched(fault);
            }
        }
        match self.disturbed_by(letter, Effect::Hold) {
            Some(by) => {
                touched(by.fault);
                Fate::Held { by, copies: 1 + u32::from(again.is_some()) }
            }
            None => Fate::Arrives { after, again_after: again },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::links::Nodes;
    use leasehold_core::plan::{Chance, Latency};

    const A: NodeId = NodeId(0);
    const B: NodeId = NodeId(1);
    const C: NodeId = NodeId(2);
    const FAULT: FaultId = FaultId(4);

    fn network(loss: u32, duplicate: u32) -> Network {
        Network::new(
            3,
            &NetworkPlan {
                latency: Latency::Uniform { min: Span::from_nanos(1), max: Span::from_nanos(1_000_000) },
                loss: Chance::from_ppm(loss).unwrap(),
                duplicate: Chance::from_ppm(duplicate).unwrap(),
                burst: None,
            },
        )
    }

    const fn letter(from: NodeId, to: NodeId) -> Letter {
        Letter { from, to, class: (Purpose::Write, Leg::Request), carriage: Carriage::Apart }
    }

    fn fate(network: &mut Network, from: NodeId, to: NodeId, at: u64) -> Fate {
        network.fate(letter(from, to), Departure::Sent, SimInstant::from_nanos(at), NoiseKey(1), |_| ())
    }

    fn disturb(network: &mut Network, links: Links, effect: Effect) {
        network.disturb(Disturbance::new(FAULT.into(), links, effect));
    }

    fn of(node: NodeId) -> Nodes {
        Nodes::new(3, &[node])
    }

    fn across(node: NodeId) -> Links {
        Links::Across(of(node))
    }

    fn between(one: NodeId, other: NodeId) -> Links {
        Links::Between(of(one), of(other))
    }

    fn one_way(from: NodeId, to: NodeId) -> Links {
        Links::OneWay(of(from), of(to))
    }

    fn worsen(change: impl FnOnce(&mut Worsening)) -> Effect {
        let mut worse = Worsening::NONE;
        change(&mut worse);
        Effect::Worsen(worse)
    }

    fn after(fate: Fate) -> Span {
        match fate {
            Fate::Arrives { after, .. } => after,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn partitions_cut_just_the_links_they_name() {
        let lost = |links| {
            let mut network = network(0, 0);
            disturb(&mut network, links, Effect::Cut);
            [(A, B), (B, A), (A, C), (C, A), (B, C), (C, B)]
                .map(|(from, to)| fate(&mut network, from, to, 5) == Fate::LostTo(FAULT))
        };
        assert_eq!(lost(across(A)), [true, true, true, true, false, false]);
        assert_eq!(lost(between(A, B)), [true, true, false, false, false, false]);
        assert_eq!(lost(one_way(A, B)), [true, false, false, false, false, false]);
    }

    #[test]
    fn a_healed_link_treats_messages_as_if_nothing_had_been() {
        let mut disturbed = network(100_000, 100_000);
        let mut calm = network(100_000, 100_000);
        disturb(&mut disturbed, across(A), Effect::Cut);
        for at in 0..100 {
            fate(&mut disturbed, A, B, at);
        }
        disturbed.heal(FAULT.into());
        for at in 100..1_000 {
            assert_eq!(fate(&mut disturbed, A, B, at), fate(&mut calm, A, B, at));
        }
    }

    #[test]
    fn a_worse_link_loses_delays_and_duplicates() {
        let worsen = |delay, loss, duplicate| {
            worsen(|worse| {
                worse.delay = Span::from_millis(delay);
                worse.loss = Chance::from_ppm(loss).unwrap();
                worse.duplicate = Chance::from_ppm(duplicate).unwrap();
            })
        };
        let mut slow = network(0, 0);
        disturb(&mut slow, one_way(A, B), worsen(50, 0, 0));
        assert!(
            matches!(fate(&mut slow, A, B, 1), Fate::Arrives { after, .. } if after > Span::from_millis(50))
        );
        assert!(
            matches!(fate(&mut slow, B, A, 1), Fate::Arrives { after, .. } if after <= Span::from_millis(1))
        );

        let mut lossy = network(0, 0);
        disturb(&mut lossy, between(A, B), worsen(0, 300_000, 0));
        let lost = (0..10_000).filter(|&at| fate(&mut lossy, B, A, at) == Fate::LostTo(FAULT)).count();
        assert!((2_800..3_200).contains(&lost), "{lost}");

        let mut doubling = network(0, 0);
        disturb(&mut doubling, across(A), worsen(0, 0, 300_000));
        let twice = |fate| matches!(fate, Fate::Arrives { again_after: Some(_), .. });
        let doubled = (0..10_000).filter(|&at| twice(fate(&mut doubling, A, B, at))).count();
        assert!((2_800..3_200).contains(&doubled), "{doubled}");
    }

    #[test]
    fn the_network_itself_loses_and_duplicates_until_calmed() {
        let mut network = network(200_000, 200_000);
        let count = |network: &mut Network, wanted: fn(Fate) -> bool| {
            (0..10_000).filter(|&at| wanted(fate(network, A, B, at))).count()
        };
        let lost = |fate| fate == Fate::LostToNoise;
        let doubled = |fate| matches!(fate, Fate::Arrives { again_after: Some(_), .. });
        assert!((1_800..2_200).contains(&count(&mut network, lost)));
        assert!((1_400..1_800).contains(&count(&mut network, doubled)), "a fifth of four fifths");
        network.calm();
        assert_eq!(count(&mut network, lost) + count(&mut network, doubled), 0);
    }

    /// In a large world a link is made when it is used first, be that before, in or after a disturbance.
    #[test]
    fn a_large_world_treats_a_link_as_a_small_one_does() {
        let burst = Burst { good: Span::from_micros(1), bad: Span::from_micros(1), loss: Chance::ALWAYS };
        let plan = NetworkPlan {
            latency: Latency::Uniform { min: Span::from_nanos(1), max: Span::from_nanos(1_000_000) },
            loss: Chance::from_ppm(100_000).unwrap(),
            duplicate: Chance::from_ppm(100_000).unwrap(),
            burst: Some(burst),
        };
        let fates = |nodes: usize| {
            let mut network = Network::new(nodes, &plan);
            let mut fates = Vec::new();
            let mut send = |network: &mut Network, links: &[(NodeId, NodeId)], from: u64| {
                for at in from..from + 1_000 {
                    fates.extend(links.iter().map(|&(from, to)| fate(network, from, to, at * 10)));
                }
            };
            send(&mut network, &[(A, B)], 0);
            let group = Nodes::new(nodes, &[A]);
            network.disturb(Disturbance::new(FAULT.into(), Links::Across(group), Effect::Cut));
            send(&mut network, &[(A, B), (C, A), (B, C)], 1_000);
            let letters = [letter(A, B), letter(B, A), letter(B, C)];
            let cut = letters.map(|letter| network.cut_by(letter));
            assert_eq!(cut, [Some(FAULT), Some(FAULT), None]);
            network.heal(FAULT.into());
            send(&mut network, &[(A, B), (C, A), (B, C), (A, C)], 2_000);
            fates
        };
        let small = fates(3);
        assert!(small.contains(&Fate::LostTo(FAULT)) && small.contains(&Fate::LostToNoise));
        assert_eq!(fates(2_000), small);
    }

    #[test]
    fn two_messages_of_one_instant_have_fates_of_their_own() {
        let mut network = network(0, 0);
        assert_ne!(fate(&mut network, A, B, 7), fate(&mut network, A, B, 7));
    }

    #[test]
    fn what_leaves_a_clog_does_not_change_the_fate_of_what_is_sent_then() {
        let fates = |unclogged: u32| {
            let mut network = network(0, 0);
            let now = SimInstant::from_nanos(7);
            for _ in 0..unclogged {
                network.fate(letter(A, B), Departure::Unclogged, now, NoiseKey(1), |_| ());
            }
            [fate(&mut network, A, B, 7), fate(&mut network, A, B, 7)]
        };
        assert_eq!(fates(0), fates(5));
    }

    #[test]
    fn everybody_touched_is_told() {
        let mut network = network(0, 0);
        disturb(&mut network, across(A), Effect::Cut);
        let mut touched = Vec::new();
        network
            .fate(letter(A, B), Departure::Sent, SimInstant::START, NoiseKey(1), |fault| touched.push(fault));
        network
            .fate(letter(B, C), Departure::Sent, SimInstant::START, NoiseKey(1), |fault| touched.push(fault));
        assert_eq!(touched, [FAULT]);
    }

    #[test]
    fn messages_overtake_each_other_only_where_each_has_a_delay_of_its_own() {
        let millis = Span::from_millis(20);
        let arrivals = |effect| {
            let mut network = network(0, 0);
            disturb(&mut network, one_way(A, B), effect);
            let mut arrive = |at: u64| at + after(fate(&mut network, A, B, at)).as_nanos();
            (0_u64..100).map(|i| arrive(i * 2_000_000)).collect::<Vec<u64>>()
        };
        let reordered = arrivals(worsen(|worse| worse.reorder = millis));
        let overtakings = reordered.windows(2).filter(|pair| pair[1] < pair[0]).count();
        assert!(overtakings > 20, "{overtakings}");
        let late = reordered.iter().zip(0_u64..).map(|(&arrival, i)| arrival - i * 2_000_000);
        assert!(late.clone().max() > Some(15_000_000) && late.max() <= Some(21_000_000));
        assert!(arrivals(worsen(|worse| worse.delay = millis)).is_sorted());
    }

    #[test]
    fn a_slow_link_carries_one_message_at_a_time_and_has_a_queue_for_each_direction() {
        let mut network = network(0, 0);
        disturb(&mut network, between(A, B), worsen(|worse| worse.slow = Span::from_millis(20)));
        let mut late = |from, to, at| {
            let nanos = after(fate(&mut network, from, to, at)).as_nanos();
            nanos / 20_000_000
        };
        assert_eq!([late(A, B, 0), late(A, B, 0), late(A, B, 0)], [1, 2, 3]);
        assert_eq!(late(B, A, 0), 1);
        assert_eq!(late(A, C, 0), 0);
        assert_eq!(late(A, B, 50_000_000), 1, "ten of the twenty of the one before, and its own");
        assert_eq!(late(A, B, 500_000_000), 1, "free again");
    }

    #[test]
    fn a_clog_keeps_what_is_sent_and_a_hold_what_is_on_its_way() {
        let by = Blame::from(FAULT);
        let mut clogged = network(0, 0);
        disturb(&mut clogged, one_way(A, B), Effect::Clog);
        assert_eq!(fate(&mut clogged, A, B, 1), Fate::Clogged(by));
        assert!(matches!(fate(&mut clogged, B, A, 1), Fate::Arrives { .. }));
        assert_eq!(clogged.held_by(letter(A, B)), None);
        let mut held = network(0, 1_000_000);
        disturb(&mut held, one_way(A, B), Effect::Hold);
        assert_eq!(fate(&mut held, A, B, 1), Fate::Held { by, copies: 2 });
        assert_eq!(held.held_by(letter(A, B)), Some(by));
        assert!(held.heal(by) && !held.heal(by));
        assert!(matches!(fate(&mut held, A, B, 2), Fate::Arrives { .. }));
    }

    /// Half of the messages that are lost in bursts have a neighbour, 1 ms away, that is lost too; without bursts
    /// hardly any.
    #[test]
    fn loss_in_bursts_comes_in_rows_and_ends_when_all_is_calm() {
        let burst = Burst { good: Span::from_millis(900), bad: Span::from_millis(100), loss: Chance::ALWAYS };
        let lost = |network: &mut Network| {
            let mut lost = |at: u64| !matches!(fate(network, A, B, at * 1_000_000), Fate::Arrives { .. });
            let lost: Vec<bool> = (0..20_000).map(&mut lost).collect();
            let rows = lost.windows(2).filter(|pair| pair[0] && pair[1]).count();
            (lost.iter().filter(|&&lost| lost).count(), rows)
        };
        let mut bursty = network(0, 0);
        bursty.burst = Some(burst);
        bursty.weather = vec![Weather::default(); 9];
        let (count, rows) = lost(&mut bursty);
        assert!(count > 800 && rows * 10 > count * 9, "{count}, {rows}");
        let (count, rows) = lost(&mut network(100_000, 0));
        assert!(count > 1_800 && rows * 5 < count, "{count}, {rows}");
        let mut faulty = network(0, 0);
        disturb(&mut faulty, one_way(A, B), worsen(|worse| worse.burst = Some(burst)));
        let (count, rows) = lost(&mut faulty);
        assert!(count > 800 && rows * 10 > count * 9, "{count}, {rows}");
        bursty.calm();
        let mut later = |at: u64| fate(&mut bursty, A, B, at + 20_000_000_000);
        assert!((0..10_000).all(|at| matches!(later(at * 1_000_000), Fate::Arrives { .. })));
    }
}
