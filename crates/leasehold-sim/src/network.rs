//! The network: what becomes of a message on its way.

use leasehold_core::id::{FaultId, NodeId};
use leasehold_core::noise::{NoiseKey, Use};
use leasehold_core::plan::{Chance, NetworkPlan};
use leasehold_core::time::{SimInstant, Span};

use crate::latency::Sampler;

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
    nodes: usize,
    latency: Sampler,
    loss: u32,
    duplicate: u32,
    links: Vec<Link>,
    disturbances: Vec<Disturbance>,
}

#[derive(Clone, Copy, Default)]
struct Link {
    ordinals: Ordinals,
    /// How many disturbances concern this link; nearly always none.
    disturbed: u32,
}

/// A fault that concerns links.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Disturbance {
    pub(crate) fault: FaultId,
    pub(crate) links: Links,
    pub(crate) effect: Effect,
}

/// Which directed links.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Links {
    Of(NodeId),
    Between(NodeId, NodeId),
    OneWay(NodeId, NodeId),
}

impl Links {
    fn contain(self, from: NodeId, to: NodeId) -> bool {
        match self {
            Self::Of(node) => (from == node) != (to == node),
            Self::Between(a, b) => (from, to) == (a, b) || (from, to) == (b, a),
            Self::OneWay(a, b) => (from, to) == (a, b),
        }
    }
}

/// What a disturbance does to the messages of its links.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Effect {
    Cut,
    Worsen { delay: Span, loss: Chance, duplicate: Chance },
}

/// What becomes of one message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    /// It arrives after this long, and perhaps once more.
    Arrives { after: Span, again_after: Option<Span> },
    /// The network's own loss took it.
    LostToNoise,
    /// A fault took it.
    LostTo(FaultId),
}

impl Network {
    pub(crate) fn new(nodes: usize, plan: &NetworkPlan) -> Self {
        Self {
            nodes,
            latency: Sampler::new(plan.latency),
            loss: plan.loss.as_ppm(),
            duplicate: plan.duplicate.as_ppm(),
            links: vec![Link::default(); nodes * nodes],
            disturbances: Vec::new(),
        }
    }

    /// From now on the network itself neither loses nor duplicates.
    pub(crate) fn calm(&mut self) {
        self.loss = 0;
        self.duplicate = 0;
    }

    pub(crate) fn disturb(&mut self, disturbance: Disturbance) {
        self.disturbances.push(disturbance);
        self.count_disturbed();
    }

    pub(crate) fn heal(&mut self, fault: FaultId) {
        self.disturbances.retain(|d| d.fault != fault);
        self.count_disturbed();
    }

    fn count_disturbed(&mut self) {
        for from in 0..self.nodes {
            for to in 0..self.nodes {
                let concerns = |d: &&Disturbance| d.links.contain(NodeId(from as u16), NodeId(to as u16));
                self.links[from * self.nodes + to].disturbed =
                    self.disturbances.iter().filter(concerns).count() as u32;
            }
        }
    }

    /// The fault that cuts a link now, if one does: also takes what is under way.
    pub(crate) fn cut_by(&self, from: NodeId, to: NodeId) -> Option<FaultId> {
        if self.links[from.index() * self.nodes + to.index()].disturbed == 0 {
            return None;
        }
        self.disturbances
            .iter()
            .find(|d| matches!(d.effect, Effect::Cut) && d.links.contain(from, to))
            .map(|d| d.fault)
    }

    /// Decides the fate of a message sent now. Reports to `touched` each fault that changed it.
    ///
    /// Draws come in a fixed order (loss, latency, duplication), and each fault has draws of its own, so that a
    /// fault that ends leaves the rest of the fate as it was.
    pub(crate) fn fate(
        &mut self,
        from: NodeId,
        to: NodeId,
        now: SimInstant,
        key: NoiseKey,
        mut touched: impl FnMut(FaultId),
    ) -> Fate {
        if let Some(fault) = self.cut_by(from, to) {
            touched(fault);
            return Fate::LostTo(fault);
        }
        let link = &mut self.links[from.index() * self.nodes + to.index()];
        let ordinal = link.ordinals.next(now);
        let mut draws = key.draws(Use::Message, from, to, now, ordinal);
        let lost = draws.chance(self.loss);
        let mut after = self.latency.sample(&mut draws);
        let mut again = draws.chance(self.duplicate).then(|| self.latency.sample(&mut draws));
        if lost {
            return Fate::LostToNoise;
        }
        if link.disturbed > 0 {
            for disturbance in &self.disturbances {
                let Effect::Worsen { delay, loss, duplicate } = disturbance.effect else { continue };
                if !disturbance.links.contain(from, to) {
                    continue;
                }
                let aside = ordinal | (u32::from(disturbance.fault.0) + 1) << 16;
                let mut draws = key.draws(Use::Message, from, to, now, aside);
                if draws.chance(loss.as_ppm()) {
                    touched(disturbance.fault);
                    return Fate::LostTo(disturbance.fault);
                }
                let duplicated = again.is_none() && draws.chance(duplicate.as_ppm());
                if duplicated {
                    again = Some(self.latency.sample(&mut draws));
                }
                if duplicated || !delay.is_zero() {
                    touched(disturbance.fault);
                }
                after += delay;
                again = again.map(|span| span + delay);
            }
        }
        Fate::Arrives { after, again_after: again }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use leasehold_core::plan::Latency;

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
            },
        )
    }

    fn fate(network: &mut Network, from: NodeId, to: NodeId, at: u64) -> Fate {
        network.fate(from, to, SimInstant::from_nanos(at), NoiseKey(1), |_| ())
    }

    fn disturb(network: &mut Network, links: Links, effect: Effect) {
        network.disturb(Disturbance { fault: FAULT, links, effect });
    }

    #[test]
    fn partitions_cut_just_the_links_they_name() {
        let lost = |links| {
            let mut network = network(0, 0);
            disturb(&mut network, links, Effect::Cut);
            [(A, B), (B, A), (A, C), (C, A), (B, C), (C, B)]
                .map(|(from, to)| fate(&mut network, from, to, 5) == Fate::LostTo(FAULT))
        };
        assert_eq!(lost(Links::Of(A)), [true, true, true, true, false, false]);
        assert_eq!(lost(Links::Between(A, B)), [true, true, false, false, false, false]);
        assert_eq!(lost(Links::OneWay(A, B)), [true, false, false, false, false, false]);
    }

    #[test]
    fn a_healed_link_treats_messages_as_if_nothing_had_been() {
        let mut disturbed = network(100_000, 100_000);
        let mut calm = network(100_000, 100_000);
        disturb(&mut disturbed, Links::Of(A), Effect::Cut);
        for at in 0..100 {
            fate(&mut disturbed, A, B, at);
        }
        disturbed.heal(FAULT);
        for at in 100..1_000 {
            assert_eq!(fate(&mut disturbed, A, B, at), fate(&mut calm, A, B, at));
        }
    }

    #[test]
    fn a_worse_link_loses_delays_and_duplicates() {
        let worsen = |delay, loss, duplicate| Effect::Worsen {
            delay: Span::from_millis(delay),
            loss: Chance::from_ppm(loss).unwrap(),
            duplicate: Chance::from_ppm(duplicate).unwrap(),
        };
        let mut slow = network(0, 0);
        disturb(&mut slow, Links::OneWay(A, B), worsen(50, 0, 0));
        assert!(
            matches!(fate(&mut slow, A, B, 1), Fate::Arrives { after, .. } if after > Span::from_millis(50))
        );
        assert!(
            matches!(fate(&mut slow, B, A, 1), Fate::Arrives { after, .. } if after <= Span::from_millis(1))
        );

        let mut lossy = network(0, 0);
        disturb(&mut lossy, Links::Between(A, B), worsen(0, 300_000, 0));
        let lost = (0..10_000).filter(|&at| fate(&mut lossy, B, A, at) == Fate::LostTo(FAULT)).count();
        assert!((2_800..3_200).contains(&lost), "{lost}");

        let mut doubling = network(0, 0);
        disturb(&mut doubling, Links::Of(A), worsen(0, 0, 300_000));
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

    #[test]
    fn two_messages_of_one_instant_have_fates_of_their_own() {
        let mut network = network(0, 0);
        assert_ne!(fate(&mut network, A, B, 7), fate(&mut network, A, B, 7));
    }

    #[test]
    fn everybody_touched_is_told() {
        let mut network = network(0, 0);
        disturb(&mut network, Links::Of(A), Effect::Cut);
        let mut touched = Vec::new();
        network.fate(A, B, SimInstant::START, NoiseKey(1), |fault| touched.push(fault));
        network.fate(B, C, SimInstant::START, NoiseKey(1), |fault| touched.push(fault));
        assert_eq!(touched, [FAULT]);
    }
}
