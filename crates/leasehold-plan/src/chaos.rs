//! What may go wrong at random: the limits within which a generator draws.

use leasehold_core::plan::{Chance, FaultKind};
use leasehold_core::{Drift, Span};

/// The limits of random plans: what stands in a scenario's `[chaos]` table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chaos {
    /// What becomes of the faults that the scenario scripts.
    pub script: Script,
    /// The kinds of faults that may be drawn, in the order of [`FaultKind::ALL`].
    pub kinds: Vec<FaultKind>,
    /// How many faults are drawn at most.
    pub most: u16,
    /// How many of the faults aim at lease-critical instants, at least and on average.
    pub aimed: Chance,
    /// The longest that a fault with an end of its own lasts; three TTLs unless it is given.
    pub longest: Option<Span>,
    /// How far a `clock.rate` fault may take a clock from true time; the declared bound unless it is given.
    pub clock_rate: Option<Drift>,
    /// Which values that the scenario leaves open are drawn too.
    pub parts: Vec<Part>,
    /// Values to draw instead of what stands in the scenario, by key path: TOML texts.
    pub values: Vec<(String, Vec<String>)>,
}

/// What becomes of scripted faults in a random plan.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Script {
    /// They stand beside the random ones.
    #[default]
    Kept,
    /// They are left out.
    LeftOut,
}

/// A part of a scenario that may be left open.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Part {
    /// How many nodes there are of each role.
    Topology,
    /// TTLs, intervals, margins.
    Timing,
    /// Latencies, losses, disks, wall clocks.
    Network,
    /// The design decisions, among those that are safe.
    Policies,
    /// How long the phases last.
    Phases,
}

impl Part {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Topology, Self::Timing, Self::Network, Self::Policies, Self::Phases];

    /// The name as it stands in scenario files.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Topology => "topology",
            Self::Timing => "timing",
            Self::Network => "network",
            Self::Policies => "policies",
            Self::Phases => "phases",
        }
    }
}

impl Default for Chaos {
    /// All but wipe. What breaks a declared assumption, such as a stall or a frozen clock, is drawn too, and excuses
    /// what it must. A wipe takes away what was synced, and no resource can undo that: it is drawn only where a
    /// scenario asks for it.
    fn default() -> Self {
        Self {
            script: Script::Kept,
            kinds: FaultKind::ALL.into_iter().filter(|kind| *kind != FaultKind::Wipe).collect(),
            most: 12,
            aimed: Chance::from_ppm(200_000).expect("below one"),
            longest: None,
            clock_rate: None,
            parts: Part::ALL.to_vec(),
            values: Vec::new(),
        }
    }
}
