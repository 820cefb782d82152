//! What faults do, to whom, and for how long.

use leasehold_core::id::CommandId;
use leasehold_core::plan::{Action, Condition, FaultKind, Role, Target, WatchFault};
use leasehold_core::time::{RateError, Span};

use super::Season;
use super::length::between;
use super::links::{links, worse};
use crate::stream::Stream;
use crate::template::{CommandEffect, CommandTemplate};

/// The longest jump of a wall clock. Chosen by us: a clock that is set to the wrong zone.
const LONGEST_JUMP: Span = Span::from_secs(3_600);

/// The shortest time that a strobed clock stays on a side: no file can say less.
const SHORTEST_STROBE: Span = Span::from_millis(1);

/// So often a strobed clock jumps at the most. Chosen by us: each jump is an event, and more show nothing new.
const MOST_JUMPS: u64 = 500;

/// What a fault does, without when.
#[derive(Clone, Copy, Debug)]
pub(super) struct Act {
    pub(super) target: Target,
    pub(super) action: Action,
    pub(super) lasts: Option<Span>,
}

/// Draws what a fault of this kind does; nothing if there is nobody to do it to. `on` is whom it strikes, if that is decided
/// and faults of this kind can do something to them.
pub(super) fn act(
    season: &Season<'_>,
    kind: FaultKind,
    aim: Option<Condition>,
    on: Option<Target>,
    stream: &mut Stream,
) -> Option<Act> {
    let lasts = season.lengths.lasts(stream);
    let on_links = |action: fn(_) -> Action, stream: &mut Stream| {
        links(season.cast, aim, on, stream).map(|(target, scope)| Act {
            target,
            action: action(scope),
            lasts,
        })
    };
    let on_nodes = |action: Action, stream: &mut Stream| {
        let lasts = match action {
            Action::Restart | Action::WallStep(_) => None,
            _ => lasts,
        };
        let target = match kind {
            FaultKind::Stall => season.cast.writer(aim, on, stream),
            _ => {
                let drawn = season.cast.target(aim, stream);
                on.unwrap_or(drawn)
            }
        };
        Act { target, action, lasts }
    };
    Some(match kind {
        FaultKind::Partition => on_links(Action::Partition, stream)?,
        FaultKind::Clog => on_links(Action::Clog, stream)?,
        FaultKind::Hold => on_links(Action::Hold, stream)?,
        FaultKind::Link => {
            let (target, scope) = links(season.cast, aim, on, stream)?;
            let worse = worse(&season.lengths, stream);
            Act { target, action: Action::Link { scope, worse }, lasts }
        }
        FaultKind::Command => return command(season, lasts, on, stream),
        FaultKind::WatchDrop | FaultKind::WatchStall | FaultKind::WatchGap => {
            let what = match kind {
                FaultKind::WatchDrop => WatchFault::Drop,
                FaultKind::WatchStall => WatchFault::Stall,
                _ => WatchFault::Gap,
            };
            let watchers = season.cast.watchers(stream)?;
            let target =
                on.filter(|on| season.cast.role_of(*on).is_some_and(Role::can_watch)).unwrap_or(watchers);
            Act { target, action: Action::Watch(what), lasts }
        }
        kind => {
            let action = season.on_nodes(kind, lasts, stream);
            on_nodes(action, stream)
        }
    })
}

/// One of the system's commands, to somebody who takes it: one that a certain node takes, if there is such a one.
fn command(season: &Season<'_>, lasts: Option<Span>, on: Option<Target>, stream: &mut Stream) -> Option<Act> {
    let commands = &season.template.commands;
    let role = on.and_then(|on| season.cast.role_of(on));
    let there: Vec<usize> = (0..commands.len())
        .filter(|&id| commands[id].effect != CommandEffect::Nothing)
        .filter(|&id| season.cast.has(commands[id].role))
        .collect();
    let taken: Vec<usize> = there.iter().copied().filter(|&id| Some(commands[id].role) == role).collect();
    let (among, on) = if taken.is_empty() { (there, None) } else { (taken, on) };
    let place = stream.below(among.len() as u64) as usize;
    let id = *among.get(place)?;
    let CommandTemplate { role, effect } = commands[id];
    let drawn = season.cast.of_role(role, stream)?;
    let id = u16::try_from(id).expect("a system has few commands");
    let lasts = lasts.filter(|_| effect == CommandEffect::Lasting);
    Some(Act { target: on.unwrap_or(drawn), action: Action::Command(CommandId(id)), lasts })
}

impl Season<'_> {
    /// What is done to nodes, with its numbers.
    fn on_nodes(&self, kind: FaultKind, lasts: Option<Span>, stream: &mut Stream) -> Action {
        match kind {
            FaultKind::Swizzle => Action::Swizzle,
            FaultKind::Pause => Action::Pause,
            FaultKind::Suspend => Action::Suspend,
            FaultKind::Throttle => {
                let most = self.lengths.ttl.scale(1, 3).min(Span::from_secs(2));
                let least = Span::from_micros(100).min(most);
                Action::Throttle { step: between(least, most, stream) }
            }
            FaultKind::Stall => Action::Stall,
            FaultKind::Crash => Action::Crash,
            FaultKind::Torn => Action::Torn,
            FaultKind::Wipe => Action::Wipe,
            FaultKind::Restart => Action::Restart,
            FaultKind::ClockRate => Action::ClockRate(self.rate(stream)),
            FaultKind::ClockFreeze => Action::ClockFreeze,
            FaultKind::WallStep => Action::WallStep(self.jump(stream)),
            FaultKind::WallStrobe => {
                let by = self.jump(stream);
                let lasts = lasts.unwrap_or(self.template.phases.chaos);
                let least = lasts.scale(1, MOST_JUMPS).max(SHORTEST_STROBE);
                Action::WallStrobe { by, every: between(least, self.lengths.ttl.max(least), stream) }
            }
            FaultKind::Partition
            | FaultKind::Link
            | FaultKind::Clog
            | FaultKind::Hold
            | FaultKind::WatchDrop
            | FaultKind::WatchStall
            | FaultKind::WatchGap
            | FaultKind::Command => unreachable!("links, watches and commands are drawn apart"),
        }
    }

    /// A rate within the declared bound, or where a scenario asks for it, beyond; at one of the ends in half of the
    /// cases.
    fn rate(&self, stream: &mut Stream) -> RateError {
        let declared = self.template.clock_rate;
        let limit = match self.template.chaos.clock_rate {
            Some(widened) if stream.happens(500_000) => widened.max(declared),
            _ => declared,
        };
        let ppb = stream.symmetric_with_corners(u64::from(limit.as_ppb()));
        RateError::from_ppb(ppb).expect("a declared drift is at most one half")
    }

    /// From a millisecond to an hour in either direction, often about as long as a lease lasts.
    fn jump(&self, stream: &mut Stream) -> i64 {
        let any = between(Span::from_millis(1), LONGEST_JUMP, stream);
        let about_a_term = between(self.lengths.ttl.scale(1, 2), self.lengths.ttl.scale(2, 1), stream);
        let by = stream.weighted(&[(60, any), (25, about_a_term), (15, self.lengths.ttl)]);
        let by = by.min(LONGEST_JUMP).as_nanos() as i64;
        if stream.below(2) == 0 { by } else { -by }
    }
}
