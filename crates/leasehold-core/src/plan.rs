//! A plan: the complete input of one run.
//!
//! Topology, clocks, network, disks, every fault with its trigger, the phases and the noise key. Same plan, same
//! nodes: same digest, on any machine and day. A plan may hold triggers that wait for a condition; the
//! [`Outcome`](crate::Outcome) records the instants at which they fired.

mod kind;

pub use kind::FaultKind;

use alloc::string::String;
use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

use crate::clock::ClockKind;
use crate::id::{CommandId, NodeId};
use crate::node::Purpose;
use crate::noise::NoiseKey;
use crate::time::{Drift, RateError, SimInstant, Span};
use crate::trace::LinksTouched;

/// The complete input of one run, beside the nodes themselves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// The hosts; a node's id is its position here.
    pub nodes: Vec<NodePlan>,
    /// What every link does unless a fault says otherwise.
    pub network: NetworkPlan,
    /// The key of all noise.
    pub noise: NoiseKey,
    /// What goes wrong; a fault's id is its position here.
    pub faults: Vec<FaultPlan>,
    /// How long the run's parts last.
    pub phases: Phases,
    /// The declared bound on clock rates. A rate outside breaks an assumption.
    pub clock_rate: Drift,
    /// How many messages a stopped process's host buffers, and a link on which a clog or a hold keeps them; more
    /// are lost.
    pub receive_buffer: u32,
}

/// One host and the process on it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NodePlan {
    /// Its unique name.
    pub name: String,
    /// What it is for.
    pub role: Role,
    /// The clock that its protocol reads. A suspend of it breaks an assumption, and logs show it.
    pub relies_on: ClockKind,
    /// The rate of all its clocks.
    pub rate: RateError,
    /// What its wall clock shows at the start, in nanoseconds from true time.
    pub wall_offset: i64,
    /// How long its disk takes for a write.
    pub disk: Latency,
    /// When its process starts.
    pub starts: Span,
}

/// What a node is for: faults and phases go by it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// Decides who holds a lease.
    Grantor,
    /// Wants to hold one. At any time it is a holder, an ex-holder, or just a contender.
    Contender,
    /// What a lease protects.
    Resource,
    /// Keeps instances under leases.
    Registry,
    /// Is registered.
    Instance,
    /// Looks instances up.
    Discovery,
    /// Keeps a copy of a registry's list, and answers from it.
    Follower,
    /// Sends heartbeats for an instance that runs beside it.
    Sidecar,
    /// Watches whether instances live, for a registry.
    Observer,
}

impl Role {
    /// All of them.
    pub const ALL: [Self; 9] = [
        Self::Grantor,
        Self::Contender,
        Self::Resource,
        Self::Registry,
        Self::Instance,
        Self::Discovery,
        Self::Follower,
        Self::Sidecar,
        Self::Observer,
    ];

    /// The name as it stands in scenario files.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Grantor => "grantor",
            Self::Contender => "contender",
            Self::Resource => "resource",
            Self::Registry => "registry",
            Self::Instance => "instance",
            Self::Discovery => "discovery",
            Self::Follower => "follower",
            Self::Sidecar => "sidecar",
            Self::Observer => "observer",
        }
    }

    /// Whether nodes of this role can claim something, and so be `holder` or `ex-holder`.
    pub const fn can_claim(self) -> bool {
        matches!(self, Self::Contender | Self::Instance | Self::Sidecar)
    }

    /// Whether nodes of this role may watch others.
    pub const fn can_watch(self) -> bool {
        matches!(self, Self::Discovery | Self::Follower)
    }

    /// Whether nodes of this role are brought up again when the run settles. Of the contenders, the first is, and only
    /// if none is up; so it is with discovery clients, and with instances, each together with its sidecar.
    pub const fn is_core(self) -> bool {
        matches!(self, Self::Grantor | Self::Resource | Self::Registry | Self::Follower | Self::Observer)
    }
}

/// How long something takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Latency {
    /// Always the same.
    Constant(Span),
    /// Evenly between two lengths, both included.
    Uniform {
        /// The shortest.
        min: Span,
        /// The longest.
        max: Span,
    },
    /// Log-normal, cut off at a longest.
    LogNormal {
        /// Half are shorter.
        median: Span,
        /// One in a hundred is longer. Above the median.
        p99: Span,
        /// None is longer. At least `p99`.
        max: Span,
    },
}

impl Latency {
    /// The longest it can be.
    pub const fn longest(&self) -> Span {
        match *self {
            Self::Constant(span) => span,
            Self::Uniform { max, .. } | Self::LogNormal { max, .. } => max,
        }
    }

    /// Nothing takes less time than this.
    pub const fn shortest(&self) -> Span {
        match *self {
            Self::Constant(span) => span,
            Self::Uniform { min, .. } => min,
            Self::LogNormal { .. } => Span::ZERO,
        }
    }
}

/// A chance in parts per million, from 0 to 1,000,000.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Chance(u32);

impl Chance {
    /// Never.
    pub const NEVER: Self = Self(0);
    /// Always.
    pub const ALWAYS: Self = Self(1_000_000);

    /// A chance in parts per million; `None` above one.
    pub const fn from_ppm(ppm: u32) -> Option<Self> {
        if ppm > 1_000_000 { None } else { Some(Self(ppm)) }
    }

    /// The chance in parts per million.
    pub const fn as_ppm(self) -> u32 {
        self.0
    }
}

/// What every link does. From the settle phase on, nothing is lost or duplicated any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NetworkPlan {
    /// How long a message takes. Messages may overtake each other.
    pub latency: Latency,
    /// How many are lost; with bursts, while a link is in its good state.
    pub loss: Chance,
    /// How many arrive twice; the copy has a latency of its own.
    pub duplicate: Chance,
    /// Loss that comes in bursts, on each directed link by itself.
    pub burst: Option<Burst>,
}

/// Loss in bursts: a link is in a good or in a bad state, and stays in each for an exponentially distributed time
/// (Gilbert 1960, Elliott 1963). Its state is a function of the noise key, the link and the time, never of messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Burst {
    /// How long the good state lasts on average. At least a nanosecond.
    pub good: Span,
    /// How long the bad state lasts on average. At least a nanosecond.
    pub bad: Span,
    /// How many messages are lost in the bad state.
    pub loss: Chance,
}

/// How long the parts of a run last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Phases {
    /// Faults fire.
    pub chaos: Span,
    /// All are healed; liveness is judged.
    pub settle: Span,
}

impl Phases {
    /// When all faults heal.
    pub fn settles_at(&self) -> SimInstant {
        SimInstant::START + self.chaos
    }

    /// When the run ends.
    pub fn ends_at(&self) -> SimInstant {
        self.settles_at() + self.settle
    }
}

/// One fault.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FaultPlan {
    /// When it fires.
    pub trigger: Trigger,
    /// Whom it strikes. Roles are resolved when it fires.
    pub target: Target,
    /// What it does.
    pub action: Action,
    /// How long; until the run settles if nothing is said. Without meaning for what has no duration.
    pub lasts: Option<Span>,
    /// Where in the outputs of the target's next step a pause, suspend or crash falls.
    pub cut: Cut,
}

/// When a fault fires. Each fires once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trigger {
    /// At an instant.
    At(SimInstant),
    /// When something holds or happens for the first time from an instant on.
    When {
        /// What.
        condition: Condition,
        /// From when on it counts.
        from: SimInstant,
    },
}

impl Trigger {
    /// When a condition is met, whenever that is.
    pub const fn when(condition: Condition) -> Self {
        Self::When { condition, from: SimInstant::START }
    }
}

/// A lease-critical condition, resolved from events. Each has a node as its subject.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Condition {
    /// What is left of some claim, on its holder's clock, drops below this share of its TTL. The claim's holder
    /// is the subject.
    TtlRemainingBelow {
        /// The share, in percent: 1 to 100.
        percent: u8,
    },
    /// A lease was granted just now, and its holder does not know it yet. It is the subject.
    GrantInFlight,
    /// A node that claims sent a renewal just now, and it will arrive. The sender is the subject.
    RenewalInFlight,
    /// The term of a live lease will be over within this much true time, as the clock that its grantor relies on
    /// runs now. The lease's holder is the subject.
    ExpiryWithin {
        /// How long before.
        left: Span,
    },
    /// A resource was granted just now after its last lease had expired. The new holder is the subject.
    AfterTakeover,
    /// A grantor decided just now to end a lease, for whatever reason, and nobody else knows it yet: the instant
    /// after a sweep, for one. The lease's holder is the subject, if the engine has heard who that is.
    EndOrdered,
}

/// Whom a fault strikes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target {
    /// This node.
    Node(NodeId),
    /// The node with the latest claim that is still open; the subject of the condition, if there is one.
    Holder,
    /// The node whose claim ended last and that does not claim now.
    ExHolder,
    /// Some nodes of a group, picked by the noise key.
    Drawn {
        /// How many.
        pick: Pick,
        /// Of whom.
        from: Group,
    },
}

impl Target {
    /// One of the nodes of a role.
    pub const fn one_of(role: Role) -> Self {
        Self::Drawn { pick: Pick::One, from: Group::Role(role) }
    }
}

/// Nodes that something is picked from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Group {
    /// Those of a role.
    Role(Role),
    /// All nodes.
    Everybody,
}

/// How many nodes of a group are picked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pick {
    /// One; of contenders, one that does not claim now.
    One,
    /// As many as are less than half of them.
    Minority,
    /// As few as are more than half of them.
    Majority,
    /// All of them.
    All,
    /// So many; all if they are fewer.
    Random(u16),
}

impl Pick {
    /// How many that is, of a group of so many.
    pub const fn count(self, of: usize) -> usize {
        let wanted = match self {
            Self::One => 1,
            Self::Minority => of.saturating_sub(1) / 2,
            Self::Majority => of / 2 + 1,
            Self::All => of,
            Self::Random(count) => count as usize,
        };
        if wanted < of { wanted } else { of }
    }
}

/// What a fault does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Messages do not get through, nor do those under way.
    Partition(Scope),
    /// Links get worse, on top of what they do anyway.
    Link {
        /// Which.
        scope: Scope,
        /// How.
        worse: Worsening,
    },
    /// Messages sent meanwhile leave when it heals, each then with its ordinary latency. Those under way arrive.
    Clog(Scope),
    /// Messages sent meanwhile and those under way arrive when it heals, all at once, in the order of sending.
    Hold(Scope),
    /// The targets are isolated by clogs, one after the other in a drawn order during the first half of the fault's
    /// duration, and healed in another during the second.
    Swizzle,
    /// The process stops; its clocks run (a GC pause).
    Pause,
    /// The machine stops; its monotonic clock stands still (a VM suspend).
    Suspend,
    /// The process is slow: each input keeps it busy for a while, and further ones wait.
    Throttle {
        /// For how long.
        step: Span,
    },
    /// The disk completes no write; timers and network go on.
    Stall,
    /// The process dies. It comes back after the fault's duration, if it has one. Of the writes under way the disk
    /// keeps the first few.
    Crash,
    /// As a crash, but the disk keeps no write that was under way.
    Torn,
    /// The process dies and its disk loses everything. It comes back after the fault's duration, or at once.
    Wipe,
    /// The process dies and comes back at once, or just comes back if it is down.
    Restart,
    /// All clocks of the host run at another rate.
    ClockRate(RateError),
    /// All clocks of the host stand still, and go on from there.
    ClockFreeze,
    /// The wall clock jumps by so many nanoseconds.
    WallStep(i64),
    /// The wall clock jumps and jumps back, again and again, and stands in the end where it would have been.
    WallStrobe {
        /// By so many nanoseconds.
        by: i64,
        /// How long it stays on either side. At least a nanosecond.
        every: Span,
    },
    /// The node is told something, and when the fault's duration is over, if it has one, that this is over.
    Command(CommandId),
    /// The watches of the targets suffer: messages about [`Purpose::Watch`], to and from them.
    Watch(WatchFault),
}

impl Action {
    /// How messages take longer by it than on a healthy link, and arrive nevertheless: by how much those do that are
    /// sent just before it is over, and where.
    pub fn delays_messages(&self) -> Option<(Span, LinksTouched)> {
        match self {
            Self::Link { scope, worse } => {
                let longest = worse.longest_delay();
                (!longest.is_zero()).then(|| (longest, scope.links_touched()))
            }
            // What they keep leaves, or arrives, when they are over.
            Self::Clog(scope) | Self::Hold(scope) => Some((Span::ZERO, scope.links_touched())),
            Self::Swizzle | Self::Watch(WatchFault::Stall) => Some((Span::ZERO, LinksTouched::AtTargets)),
            Self::Partition(_)
            | Self::Watch(WatchFault::Drop | WatchFault::Gap)
            | Self::Pause
            | Self::Suspend
            | Self::Throttle { .. }
            | Self::Stall
            | Self::Crash
            | Self::Torn
            | Self::Wipe
            | Self::Restart
            | Self::ClockRate(_)
            | Self::ClockFreeze
            | Self::WallStep(_)
            | Self::WallStrobe { .. }
            | Self::Command(_) => None,
        }
    }
}

/// What happens to watches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WatchFault {
    /// Nothing about a watch gets through, in either direction: it is dead, and nobody says so.
    Drop,
    /// What a watch tells arrives when the fault is over, all at once and in order.
    Stall,
    /// What a watch tells meanwhile is lost, and the watch goes on after it.
    Gap,
}

/// How a link gets worse.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Worsening {
    /// Every message takes this much longer.
    pub delay: Span,
    /// So many more are lost.
    pub loss: Chance,
    /// So many more arrive twice.
    pub duplicate: Chance,
    /// Every message takes up to this much longer, each by a draw of its own: messages overtake each other.
    pub reorder: Span,
    /// A message occupies the link for so long, and the next waits its turn.
    pub slow: Span,
    /// More are lost in bursts.
    pub burst: Option<Burst>,
}

/// How many messages are taken to wait at once for a link that each of them occupies. Chosen by us: who sends them waits
/// for answers, or seconds.
const WAITING: u64 = 16;

impl Worsening {
    /// How much longer than on a healthy link a message may take.
    pub fn longest_delay(&self) -> Span {
        self.delay.saturating_add(self.reorder).saturating_add(self.slow.scale(WAITING, 1))
    }

    /// No change.
    pub const NONE: Self = Self {
        delay: Span::ZERO,
        loss: Chance::NEVER,
        duplicate: Chance::NEVER,
        reorder: Span::ZERO,
        slow: Span::ZERO,
        burst: None,
    };
}

/// Which links are meant, seen from the targets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// All between a target and a node that is none, in both directions.
    Isolate,
    /// To the peers and back.
    Between(Target),
    /// To the peers only.
    OneWay(Target),
    /// All between a minority of all nodes and the rest. The targets are of the minority; the others of it are drawn.
    Majority,
    /// All between targets that are not neighbours in a ring, whose order is drawn.
    Ring,
    /// All between two drawn halves of the nodes that are no targets: only the targets reach both.
    Bridge,
}

impl Scope {
    const fn links_touched(self) -> LinksTouched {
        match self {
            Self::Isolate | Self::Between(_) | Self::OneWay(_) | Self::Ring => LinksTouched::AtTargets,
            Self::Majority | Self::Bridge => LinksTouched::Anywhere,
        }
    }
}

/// Where a pause or crash falls: in the ordered outputs of the target's next step that has any (and, for
/// [`Cut::BeforeSend`], of the next that has such a message). What stands before the cut leaves; the rest
/// leaves at the resume, stamped then, or never. So it can fall between a check and the act it allowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cut {
    /// After so many outputs.
    After(u16),
    /// Before the step's first message about this, and before whatever it reported just ahead of it.
    BeforeSend(Purpose),
    /// Between two steps, the moment the fault fires: it waits for nothing, so it strikes many targets at one instant.
    Now,
}
