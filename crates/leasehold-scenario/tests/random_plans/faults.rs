//! Any faults at all, also such as no scenario file can ask for.

use leasehold_core::plan::{
    Action, Burst, Chance, Condition, Cut, FaultPlan, Group, Pick, Role, Scope, Target, Trigger, WatchFault,
    Worsening,
};
use leasehold_core::{CommandId, NodeId, Purpose, RateError, SimInstant, Span};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

use crate::world::{World, millis};

/// The longest that a fault lasts, if it has an end of its own.
const LONGEST_FAULT_MILLIS: u64 = 30_000;

/// Who can be struck, and what they can be told.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cast {
    pub(crate) nodes: u16,
    pub(crate) roles: &'static [Role],
    /// Those that watch something.
    watchers: &'static [Role],
    /// Who takes the commands, in their order; who is anybody else, if nothing is said.
    takers: &'static [Option<Role>],
}

impl Cast {
    /// Around a lease. Only a grantor can be told to revoke.
    pub(crate) const fn of_a_lease(nodes: u16) -> Self {
        let roles = &[Role::Grantor, Role::Contender, Role::Resource];
        Self { nodes, roles, watchers: &[], takers: &[None, Some(Role::Grantor)] }
    }

    /// Around a registry. The commands are deregister, revoke, expire, slow-sweep, stop-work, turn-unready and
    /// freeze-cache.
    pub(crate) const fn of_a_registry(nodes: u16) -> Self {
        use Role::{Discovery, Follower, Instance, Registry, Sidecar};
        let takers = &[
            Some(Instance),
            Some(Registry),
            Some(Registry),
            Some(Registry),
            Some(Instance),
            Some(Instance),
            Some(Discovery),
        ];
        Self {
            nodes,
            roles: &[Registry, Instance, Sidecar, Discovery, Follower],
            watchers: &[Discovery, Follower],
            takers,
        }
    }
}

fn target(cast: Cast) -> impl Strategy<Value = Target> {
    let nodes = cast.nodes;
    let role = || select(cast.roles.to_vec());
    let group = prop_oneof![3 => role().prop_map(Group::Role), 1 => Just(Group::Everybody)];
    let pick = prop_oneof![
        Just(Pick::Minority),
        Just(Pick::Majority),
        Just(Pick::All),
        (1..=nodes).prop_map(Pick::Random),
    ];
    prop_oneof![
        3 => (0..nodes).prop_map(|node| Target::Node(NodeId(node))),
        3 => Just(Target::Holder),
        1 => Just(Target::ExHolder),
        3 => role().prop_map(Target::one_of),
        2 => (pick, group).prop_map(|(pick, from)| Target::Drawn { pick, from }),
    ]
}

fn chance() -> impl Strategy<Value = Chance> {
    let ppm = prop_oneof![Just(0), 0..=1_000_000_u32, Just(1_000_000)];
    ppm.prop_map(|ppm| Chance::from_ppm(ppm).expect("at most one"))
}

fn rate(bound_ppm: u32) -> impl Strategy<Value = RateError> {
    let bound = i64::from(bound_ppm) * 1_000;
    let ppb =
        prop_oneof![select(vec![-bound, bound]), -bound..=bound, RateError::MIN.as_ppb()..=2_000_000_000,];
    ppb.prop_map(|ppb| RateError::from_ppb(ppb).expect("in range"))
}

fn scope(cast: Cast) -> impl Strategy<Value = Scope> {
    prop_oneof![
        2 => Just(Scope::Isolate),
        2 => target(cast).prop_map(Scope::Between),
        2 => target(cast).prop_map(Scope::OneWay),
        1 => select(vec![Scope::Majority, Scope::Ring, Scope::Bridge]),
    ]
}

pub(crate) fn burst() -> impl Strategy<Value = Option<Burst>> {
    let burst = (millis(10_000), millis(10_000), chance());
    proptest::option::of(burst.prop_map(|(good, bad, loss)| Burst { good, bad, loss }))
}

fn worsening() -> impl Strategy<Value = Worsening> {
    let no_span = || prop_oneof![Just(Span::ZERO), millis(LONGEST_FAULT_MILLIS)];
    let slow = prop_oneof![Just(Span::ZERO), millis(1_000)];
    (no_span(), chance(), chance(), no_span(), slow, burst()).prop_map(
        |(delay, loss, duplicate, reorder, slow, burst)| Worsening {
            delay,
            loss,
            duplicate,
            reorder,
            slow,
            burst,
        },
    )
}

fn link_action(cast: Cast) -> impl Strategy<Value = Action> {
    prop_oneof![
        3 => scope(cast).prop_map(Action::Partition),
        3 => (scope(cast), worsening()).prop_map(|(scope, worse)| Action::Link { scope, worse }),
        1 => scope(cast).prop_map(Action::Clog),
        1 => scope(cast).prop_map(Action::Hold),
        1 => Just(Action::Swizzle),
    ]
}

fn action(cast: Cast, bound_ppm: u32) -> impl Strategy<Value = Action> {
    let commands = cast.takers.len() as u16;
    let on_watches = select(vec![WatchFault::Drop, WatchFault::Stall, WatchFault::Gap]);
    let watch = match cast.watchers.is_empty() {
        true => link_action(cast).boxed(),
        false => on_watches.prop_map(Action::Watch).boxed(),
    };
    let offset = || -3_600_000_000_000..=3_600_000_000_000_i64;
    prop_oneof![
        2 => watch,
        5 => link_action(cast),
        2 => Just(Action::Pause),
        1 => Just(Action::Suspend),
        1 => millis(1_000).prop_map(|step| Action::Throttle { step }),
        1 => Just(Action::Stall),
        2 => Just(Action::Crash),
        1 => Just(Action::Torn),
        1 => Just(Action::Wipe),
        2 => Just(Action::Restart),
        1 => rate(bound_ppm).prop_map(Action::ClockRate),
        1 => Just(Action::ClockFreeze),
        1 => offset().prop_map(Action::WallStep),
        1 => (offset(), millis(10_000)).prop_map(|(by, every)| Action::WallStrobe { by, every }),
        2 => (0..commands).prop_map(|command| Action::Command(CommandId(command))),
    ]
}

fn condition() -> impl Strategy<Value = Condition> {
    prop_oneof![
        3 => (1..=100_u8).prop_map(|percent| Condition::TtlRemainingBelow { percent }),
        1 => millis(20_000).prop_map(|left| Condition::ExpiryWithin { left }),
        1 => select(vec![
            Condition::GrantInFlight,
            Condition::RenewalInFlight,
            Condition::AfterTakeover,
            Condition::EndOrdered,
        ]),
    ]
}

/// An instant in the chaos: anywhere, shortly after the instant that the faults of a plan have in common, or
/// shortly before the end.
fn instant(chaos: Span, focus: Span) -> impl Strategy<Value = SimInstant> {
    let last = chaos.saturating_sub(Span::from_nanos(1));
    let anywhere = (0..chaos.as_nanos()).prop_map(Span::from_nanos);
    let after_focus = millis(4_000).prop_map(move |after| focus.saturating_add(after).min(last));
    let before_end = millis(4_000).prop_map(move |before| last.saturating_sub(before));
    prop_oneof![anywhere, after_focus, before_end].prop_map(|span| SimInstant::START + span)
}

fn fault(cast: Cast, bound_ppm: u32, chaos: Span, focus: Span) -> BoxedStrategy<FaultPlan> {
    let trigger = prop_oneof![
        3 => instant(chaos, focus).prop_map(Trigger::At),
        1 => condition().prop_map(Trigger::when),
        1 => (condition(), instant(chaos, focus))
            .prop_map(|(condition, from)| Trigger::When { condition, from }),
    ];
    let lasts = prop_oneof![4 => millis(LONGEST_FAULT_MILLIS).prop_map(Some), 1 => Just(None)];
    let cut = prop_oneof![
        (0..=6_u16).prop_map(Cut::After),
        select(Purpose::ALL.to_vec()).prop_map(Cut::BeforeSend),
    ];
    (trigger, target(cast), action(cast, bound_ppm), lasts, cut, any::<prop::sample::Index>())
        .prop_map(move |(trigger, target, action, lasts, cut, which)| {
            let target = match action {
                Action::Command(CommandId(id)) => cast.takers[usize::from(id)].map_or(target, Target::one_of),
                Action::Watch(_) => Target::one_of(*which.get(cast.watchers)),
                _ => target,
            };
            FaultPlan { trigger, target, action, lasts, cut }
        })
        .boxed()
}

/// A few faults or many, some of them close together.
pub(crate) fn some_faults(world: &World, cast: Cast) -> BoxedStrategy<Vec<FaultPlan>> {
    let (bound_ppm, chaos) = (world.bound_ppm, world.chaos);
    let focus = (0..chaos.as_nanos()).prop_map(Span::from_nanos);
    let faults = focus.prop_flat_map(move |focus| {
        let fault = fault(cast, bound_ppm, chaos, focus);
        prop_oneof![3 => vec(fault.clone(), 0..=8), 1 => vec(fault, 0..=24)]
    });
    faults.boxed()
}
