//! What a scenario leaves open, and how a seed closes it.

use leasehold_core::clock::ClockKind;
use leasehold_core::noise::NoiseKey;
use leasehold_core::plan::{FaultPlan, Latency, NetworkPlan, NodePlan, Phases, Plan, Role, Trigger};
use leasehold_core::time::{Drift, RateError, Span};

use crate::case::Drawn;
use crate::chaos::{Chaos, Script};
use crate::stream::{Purpose, Stream};
use crate::swarm::Swarm;

/// A plan with open places.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Template {
    /// The hosts.
    pub nodes: Vec<NodeTemplate>,
    /// What every link does.
    pub network: NetworkPlan,
    /// What goes wrong, as scripted.
    pub faults: Vec<FaultPlan>,
    /// By up to how much later each of them fires than its instant says.
    pub spreads: Vec<Span>,
    /// How long the run's parts last.
    pub phases: Phases,
    /// The declared bound on clock rates.
    pub clock_rate: Drift,
    /// How many messages a stopped process's host buffers.
    pub receive_buffer: u32,
    /// The key of the noise, if the scenario leaves nothing open: every seed then gives the same plan.
    pub noise: Option<NoiseKey>,
    /// Within which limits random faults are drawn.
    pub chaos: Chaos,
    /// The longest TTL that is granted: what random faults are aligned to.
    pub ttl: Span,
    /// The commands of the system, by id.
    pub commands: Vec<CommandTemplate>,
}

/// A command as a generator sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CommandTemplate {
    /// The role that takes it.
    pub role: Role,
    /// How long it has to do with the node that is told.
    pub effect: CommandEffect,
}

/// How long a command has to do with the node that is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CommandEffect {
    /// It would do nothing: it is not drawn.
    Nothing,
    /// It takes no time.
    AtOnce,
    /// It is taken back when its fault is over.
    Lasting,
}

/// A random plan, and what was drawn for all of its faults together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Generated {
    /// The plan.
    pub plan: Plan,
    /// For people.
    pub drawn: Vec<Drawn>,
}

/// One host with open places.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NodeTemplate {
    /// Its unique name.
    pub name: String,
    /// What it is for.
    pub role: Role,
    /// The clock that its protocol reads.
    pub relies_on: ClockKind,
    /// How long its disk takes for a write.
    pub disk: Latency,
    /// The rate of its clocks.
    pub rate: RateDraw,
    /// What its wall clock shows at the start.
    pub wall_offset: OffsetDraw,
    /// When its process starts.
    pub starts: StartDraw,
}

/// Where a clock's rate comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RateDraw {
    /// It is given.
    Fixed(RateError),
    /// It is drawn within a bound, at one of its ends in half of the cases.
    Within(Drift),
}

/// Where a wall clock's offset from true time comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OffsetDraw {
    /// It is given, in nanoseconds.
    Fixed(i64),
    /// It is drawn at most this far in either direction, at one of the ends in half of the cases.
    Within(Span),
}

/// Where the instant at which a process starts comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StartDraw {
    /// It is given, from the start of the run.
    Fixed(Span),
    /// It is drawn evenly below this.
    Within(Span),
}

impl RateDraw {
    fn draw(self, rates: &mut Stream) -> RateError {
        let limit = match self {
            Self::Within(limit) => limit,
            Self::Fixed(_) => Drift::ZERO,
        };
        let ppb = rates.symmetric_with_corners(u64::from(limit.as_ppb()));
        match self {
            Self::Within(_) => RateError::from_ppb(ppb).expect("a declared drift is at most one half"),
            Self::Fixed(rate) => rate,
        }
    }
}

impl OffsetDraw {
    fn draw(self, offsets: &mut Stream) -> i64 {
        let limit = match self {
            Self::Within(limit) => limit,
            Self::Fixed(_) => Span::ZERO,
        };
        let drawn = offsets.symmetric_with_corners(limit.as_nanos());
        match self {
            Self::Within(_) => drawn,
            Self::Fixed(offset) => offset,
        }
    }
}

impl StartDraw {
    fn draw(self, starts: &mut Stream) -> Span {
        let limit = match self {
            Self::Within(limit) => limit,
            Self::Fixed(_) => Span::ZERO,
        };
        let drawn = Span::from_nanos(starts.below(limit.as_nanos()));
        match self {
            Self::Within(_) => drawn,
            Self::Fixed(start) => start,
        }
    }
}

impl Template {
    /// The plan for one seed. Every node takes its draws whether it needs them or not, so that fixing one clock
    /// leaves the others as they were.
    pub fn expand(&self, seed: u64) -> Plan {
        let mut rates = Stream::new(seed, Purpose::ClockRates);
        let mut offsets = Stream::new(seed, Purpose::WallOffsets);
        let mut starts = Stream::new(seed, Purpose::Starts);
        let nodes = self
            .nodes
            .iter()
            .map(|node| NodePlan {
                name: node.name.clone(),
                role: node.role,
                relies_on: node.relies_on,
                rate: node.rate.draw(&mut rates),
                wall_offset: node.wall_offset.draw(&mut offsets),
                disk: node.disk,
                starts: node.starts.draw(&mut starts),
            })
            .collect();
        Plan {
            nodes,
            network: self.network,
            noise: self.noise.unwrap_or_else(|| NoiseKey(Stream::new(seed, Purpose::NoiseKey).draw())),
            faults: self.spread_faults(seed),
            phases: self.phases,
            clock_rate: self.clock_rate,
            receive_buffer: self.receive_buffer,
        }
    }

    /// Each takes its draw whether it needs it or not, so that one that stays where it is leaves the others as they were.
    fn spread_faults(&self, seed: u64) -> Vec<FaultPlan> {
        let mut draws = Stream::new(seed, Purpose::Spreads);
        let spreads = self.spreads.iter().copied().chain(core::iter::repeat(Span::ZERO));
        let fires = |(fault, spread): (&FaultPlan, Span)| {
            let later = Span::from_nanos(draws.below(spread.as_nanos()));
            let trigger = match fault.trigger {
                Trigger::At(at) => Trigger::At(at.saturating_add(later)),
                when @ Trigger::When { .. } => when,
            };
            FaultPlan { trigger, ..fault.clone() }
        };
        self.faults.iter().zip(spreads).map(fires).collect()
    }

    /// The plan for one seed, with random faults beside the scripted ones or in their place.
    pub fn generate(&self, seed: u64) -> Generated {
        let mut plan = self.expand(seed);
        if self.chaos.script == Script::LeftOut {
            plan.faults.clear();
        }
        let Swarm { faults, drawn } = Swarm::draw(self, seed);
        plan.faults.extend(faults);
        Generated { plan, drawn }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use leasehold_core::plan::{Action, Chance, Cut, Target};
    use leasehold_core::{NodeId, SimInstant};
    use proptest::prelude::*;

    fn template(rates: [RateDraw; 3]) -> Template {
        let node = |(i, rate): (usize, &RateDraw)| NodeTemplate {
            name: format!("n{i}"),
            role: Role::Contender,
            relies_on: ClockKind::Boot,
            disk: Latency::Constant(Span::ZERO),
            rate: *rate,
            wall_offset: OffsetDraw::Within(Span::from_secs(1)),
            starts: StartDraw::Within(Span::from_millis(50)),
        };
        Template {
            nodes: rates.iter().enumerate().map(node).collect(),
            network: NetworkPlan {
                latency: Latency::Constant(Span::from_millis(1)),
                loss: Chance::NEVER,
                duplicate: Chance::NEVER,
                burst: None,
            },
            faults: Vec::new(),
            spreads: Vec::new(),
            phases: Phases { chaos: Span::from_secs(1), settle: Span::from_secs(1) },
            clock_rate: Drift::from_ppb(500_000).unwrap(),
            receive_buffer: 16,
            noise: None,
            chaos: Chaos::default(),
            ttl: Span::from_secs(10),
            commands: Vec::new(),
        }
    }

    #[test]
    fn a_fault_fires_up_to_its_spread_later_and_moves_no_other() {
        let at = |seconds| FaultPlan {
            trigger: Trigger::At(SimInstant::START + Span::from_secs(seconds)),
            target: Target::Node(NodeId(0)),
            action: Action::Crash,
            lasts: None,
            cut: Cut::After(0),
        };
        let mut template = template([RateDraw::Fixed(RateError::ZERO); 3]);
        template.faults = vec![at(1), at(2), at(3)];
        let instants = |template: &Template, seed| {
            template.expand(seed).faults.iter().map(|fault| fault.trigger).collect::<Vec<_>>()
        };
        assert_eq!(
            instants(&template, 7),
            template.faults.iter().map(|fault| fault.trigger).collect::<Vec<_>>()
        );
        let spread = Span::from_secs(5);
        template.spreads = vec![Span::ZERO, spread, spread];
        let all: Vec<_> = (0..200).map(|seed| instants(&template, seed)).collect();
        let later = |place: usize, from: u64| {
            let begin = Span::from_secs(from).as_nanos();
            all.iter().map(move |triggers| match triggers[place] {
                Trigger::At(at) => at.since_start().as_nanos() - begin,
                Trigger::When { .. } => unreachable!("it has an instant"),
            })
        };
        assert!(later(0, 1).all(|later| later == 0));
        for (place, from) in [(1, 2), (2, 3)] {
            assert!(later(place, from).all(|later| later < spread.as_nanos()));
            let early = later(place, from).filter(|later| *later < spread.as_nanos() / 2).count();
            assert!((60..140).contains(&early), "{early} of 200 in the first half");
        }
        let before = instants(&template, 7);
        template.spreads[1] = Span::ZERO;
        assert_eq!(instants(&template, 7)[2], before[2]);
    }

    proptest! {
        #[test]
        fn a_seed_always_gives_the_same_plan_and_stays_in_range(seed: u64) {
            let drift = Drift::from_ppb(500_000).unwrap();
            let open = template([RateDraw::Within(drift); 3]);
            let plan = open.expand(seed);
            prop_assert_eq!(&plan, &open.expand(seed));
            for node in &plan.nodes {
                prop_assert!(node.rate.is_within(drift));
                prop_assert!(node.wall_offset.unsigned_abs() <= 1_000_000_000);
                prop_assert!(node.starts < Span::from_millis(50));
            }
        }

        #[test]
        fn fixing_one_node_leaves_everything_else_as_it_was(seed: u64) {
            let drift = Drift::from_ppb(500_000).unwrap();
            let fixed = RateError::from_ppb(77).unwrap();
            let open = template([RateDraw::Within(drift); 3]);
            let before = open.expand(seed);
            let mut closed = open;
            closed.nodes[1].rate = RateDraw::Fixed(fixed);
            closed.nodes[1].wall_offset = OffsetDraw::Fixed(-3);
            closed.nodes[1].starts = StartDraw::Fixed(Span::from_secs(2));
            let after = closed.expand(seed);
            prop_assert_eq!(&before.nodes[0], &after.nodes[0]);
            let node = &after.nodes[1];
            prop_assert_eq!((node.rate, node.wall_offset, node.starts), (fixed, -3, Span::from_secs(2)));
            prop_assert_eq!(&before.nodes[2], &after.nodes[2]);
            prop_assert_eq!(before.noise, after.noise);
        }
    }
}
