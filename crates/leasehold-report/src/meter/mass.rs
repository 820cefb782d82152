//! Mass events, and how far the load rises after them.
//!
//! A mass event is the return of many at once: within one second half of those who hold leases or want to, or every grantor
//! and registry, came back from a crash, a stop, or a cut of their links. (Their going costs nothing; what a fleet takes down
//! is what it comes back to: Teleport 6889.) What comes back of itself is not known to be a mass: a fault must have been at
//! work. The surge is the busiest second of the next minute, over the mean of the calm seconds before.

use std::collections::BTreeSet;

use leasehold_core::plan::{FaultKind, Role};
use leasehold_core::trace::Header;
use leasehold_core::{FaultId, NodeId, Plan, SimInstant, WorldEvent};

use super::hosts::Turn;
use super::load::{WINDOW, Windows};
use super::values::Values;

/// How many seconds after a mass event the load is looked at. Chosen by us: longer than most retries wait.
const AFTERMATH: u64 = 60;

/// How many calm seconds make a mean. Chosen by us: a few renewal intervals.
const CALM: u64 = 10;

/// A side of the exchange: who asks, or who is asked.
#[derive(Clone, Debug, Default)]
struct Side {
    members: BTreeSet<NodeId>,
    /// How many have to come back within a second.
    many: usize,
    /// Who came back in the last second, and when.
    back: Vec<(NodeId, SimInstant)>,
}

/// What goes on.
#[derive(Clone, Copy, Debug, Default)]
struct Aftermath {
    /// The number of its first window, and the first that is not part of it any more.
    windows: (u64, u64),
    /// How many of them are over.
    seen: u64,
    peak: u64,
    /// Mean of the calm seconds before it: so much in so many.
    before: (u64, u64),
}

/// Looks out for mass events.
#[derive(Clone, Debug)]
pub(crate) struct Mass {
    askers: Side,
    asked: Side,
    /// The faults of the plan that cut links.
    cutting: Vec<FaultId>,
    /// Who is dead, stopped or cut off, and by which fault if it is one that cuts.
    out: BTreeSet<(NodeId, Option<FaultId>)>,
    calm: (u64, u64),
    /// The first window that may be calm.
    calm_from: u64,
    aftermath: Option<Aftermath>,
    surges: Values,
}

impl Mass {
    pub(crate) fn new(header: &Header, plan: &Plan) -> Self {
        let of = |roles: &[Role]| {
            let nodes = (0..).map(NodeId).zip(&header.nodes);
            nodes.filter(|(_, node)| roles.contains(&node.role)).map(|(id, _)| id).collect::<BTreeSet<_>>()
        };
        let (askers, asked) =
            (of(&[Role::Contender, Role::Instance, Role::Sidecar]), of(&[Role::Grantor, Role::Registry]));
        let cuts = |kind| {
            matches!(kind, FaultKind::Partition | FaultKind::Clog | FaultKind::Hold | FaultKind::Swizzle)
        };
        let faults = (0..).map(FaultId).zip(&plan.faults);
        Self {
            askers: Side { many: askers.len().div_ceil(2), members: askers, back: Vec::new() },
            asked: Side { many: asked.len(), members: asked, back: Vec::new() },
            cutting: faults.filter(|(_, fault)| cuts(fault.action.kind())).map(|(id, _)| id).collect(),
            out: BTreeSet::new(),
            calm: (0, 0),
            calm_from: 0,
            aftermath: None,
            surges: Values::default(),
        }
    }

    /// Whether an event is of any interest.
    pub(crate) fn concerns(&self, node: NodeId, event: &WorldEvent, turn: Option<Turn>) -> bool {
        let is_cut = || match event {
            WorldEvent::FaultLanded { fault } | WorldEvent::FaultHealed { fault } => {
                self.cutting.contains(fault)
            }
            _ => false,
        };
        (self.askers.members.contains(&node) || self.asked.members.contains(&node))
            && (turn.is_some() || is_cut())
    }

    /// Takes an event that [concerns](Self::concerns) it; all windows before it have been told.
    pub(crate) fn hear(&mut self, at: SimInstant, node: NodeId, event: &WorldEvent, turn: Option<Turn>) {
        match (event, turn) {
            (_, Some(Turn::Dies | Turn::Stops)) => {
                self.out.insert((node, None));
            }
            (_, Some(Turn::ComesBack | Turn::GoesOn)) => self.comes_back(at, (node, None)),
            (WorldEvent::FaultLanded { fault }, None) => {
                self.out.insert((node, Some(*fault)));
            }
            (WorldEvent::FaultHealed { fault }, None) => self.comes_back(at, (node, Some(*fault))),
            _ => {}
        }
        self.calm_from = self.calm_from.max(window_of(at) + 1);
    }

    /// Some windows are over.
    pub(crate) fn take(&mut self, windows: Windows) {
        let Windows { first, many, count } = windows;
        if let Some(aftermath) = &mut self.aftermath {
            let (from, until) = aftermath.windows;
            if first < until && first + many > from {
                aftermath.peak = aftermath.peak.max(count);
                aftermath.seen += many;
            }
            if first + many >= until {
                self.calm_from = self.calm_from.max(until);
                self.close();
            }
        }
        if self.aftermath.is_none() && self.out.is_empty() {
            let calm = (first + many).saturating_sub(first.max(self.calm_from));
            self.calm = (self.calm.0 + count * calm, self.calm.1 + calm);
        }
    }

    /// The run is over, and all its windows have been told.
    pub(crate) fn finish(mut self) -> Values {
        self.close();
        self.surges
    }

    fn comes_back(&mut self, at: SimInstant, who: (NodeId, Option<FaultId>)) {
        if !self.out.remove(&who) || self.out.iter().any(|(node, _)| *node == who.0) {
            return;
        }
        let is_mass = [&mut self.askers, &mut self.asked].into_iter().any(|side| side.comes_back(at, who.0));
        let first = window_of(at);
        // What heals brings both its sides back at once: that is one event.
        let is_known = self.aftermath.is_some_and(|aftermath| first <= aftermath.windows.0 + 1);
        if is_mass && !is_known {
            self.close();
            let windows = (first, first + AFTERMATH);
            self.aftermath = Some(Aftermath { windows, seen: 0, peak: 0, before: self.calm });
        }
    }

    /// What followed the mass event is known.
    fn close(&mut self) {
        let Some(Aftermath { seen, peak, before: (sum, seconds), .. }) = self.aftermath.take() else {
            return;
        };
        if seen > 0 && seconds >= CALM && sum > 0 {
            let millionths = u128::from(peak) * u128::from(seconds) * 1_000_000 / u128::from(sum);
            self.surges.record(u64::try_from(millionths).unwrap_or(u64::MAX));
        }
    }
}

impl Side {
    /// Somebody came back; says whether that makes it a mass event. Who comes later belongs to the next one.
    fn comes_back(&mut self, at: SimInstant, node: NodeId) -> bool {
        if !self.members.contains(&node) {
            return false;
        }
        self.back.retain(|(other, when)| *other != node && at - *when < WINDOW);
        self.back.push((node, at));
        let is_mass = self.back.len() >= self.many;
        if is_mass {
            self.back.clear();
        }
        is_mass
    }
}

fn window_of(at: SimInstant) -> u64 {
    at.since_start().as_nanos() / WINDOW.as_nanos()
}

#[cfg(test)]
mod tests {
    use super::super::script::*;

    /// Two renewals a second, but in the seconds that are left out.
    fn steady(seconds: std::ops::Range<u64>) -> Vec<Line> {
        let twice = |second| [second * 1_000 + 200, second * 1_000 + 700];
        seconds.flat_map(twice).map(|millis| arrives(ms(millis), G, Purpose::Renew)).collect()
    }

    fn burst(at: SimInstant, count: usize) -> Vec<Line> {
        vec![arrives(at, G, Purpose::Acquire); count]
    }

    fn surge(parts: &[&[Line]], expected: &[u64]) {
        values(Metric::Surge, &in_order(parts), s(200), expected);
    }

    #[test]
    fn a_surge_is_the_peak_after_a_return_over_the_mean_before() {
        let restart = [at(s(20), G, DIES), at(s(25), G, COMES_BACK)];
        let (before, after) = (steady(0..20), steady(25..200));
        surge(&[&before, &restart, &after, &burst(ms(26_500), 10)], &[6_000_000]);
        surge(&[&before, &restart, &after], &[1_000_000]);
        // The minute is over; and before it came back it was not there to be loaded.
        surge(&[&before, &restart, &after, &burst(s(85), 10)], &[1_000_000]);
        surge(&[&before, &restart, &after, &burst(ms(84_999), 10)], &[6_000_000]);
        surge(&[&before, &after, &burst(ms(26_500), 10)], &[]);
        // Nine calm seconds are no mean; that in which all begin is none.
        let back = at(s(25), G, COMES_BACK);
        surge(&[&steady(0..10), &[at(s(10), G, DIES), back], &after], &[]);
        surge(&[&steady(0..11), &[at(s(11), G, DIES), back], &after], &[1_000_000]);
    }

    #[test]
    fn half_of_those_who_ask_are_a_mass_if_they_come_within_a_second() {
        let stops = [at(s(20), A, STOPS), at(s(20), B, STOPS)];
        let load = [steady(0..200), burst(s(31), 10)].concat();
        let with = |second| [stops[0], stops[1], at(s(30), A, GOES_ON), at(second, B, GOES_ON)];
        surge(&[&load, &with(ms(30_999))], &[6_000_000]);
        surge(&[&load, &with(s(31))], &[]);
        surge(&[&load, &[stops[0], at(s(30), A, GOES_ON)]], &[]);
    }

    #[test]
    fn a_cut_that_heals_is_one_event_for_both_sides() {
        let cut = |event: fn(FaultId) -> WorldEvent, when| {
            [G, A, B, C].map(|node| at(when, node, event(FaultId(0)))).to_vec()
        };
        let landed = cut(|fault| WorldEvent::FaultLanded { fault }, s(20));
        let healed = cut(|fault| WorldEvent::FaultHealed { fault }, s(30));
        let load = [steady(0..200), burst(s(31), 10)].concat();
        surge(&[&load, &landed, &healed], &[6_000_000]);
        let other = at(s(20), G, WorldEvent::FaultLanded { fault: FaultId(1) });
        let healed_other = at(s(30), G, WorldEvent::FaultHealed { fault: FaultId(1) });
        surge(&[&load, &[other, healed_other]], &[]);
    }
}
