//! Where in a step a fault falls.

use leasehold_core::node::Purpose;
use leasehold_core::plan::{Action, Cut, Role};

use super::action::Act;
use super::cast::Cast;
use crate::stream::Stream;

/// The cut of a fault that strikes a step: just before a message that its target sends, after some outputs, or in no step at
/// all but now. All others have none.
///
/// What strikes several strikes them at one instant in half of the cases: a rack that loses its power, a roll-out that
/// restarts a fleet (Teleport 6889, kazoo 664). Each at a step of its own would pace them. The shares are chosen by us.
pub(super) fn cut(cast: Cast<'_>, act: &Act, stream: &mut Stream) -> Cut {
    let now = match cast.size(act.target) {
        0 | 1 => 80_000,
        _ => 500_000,
    };
    match act.action {
        Action::Pause | Action::Suspend | Action::Crash | Action::Torn | Action::Wipe | Action::Restart => {}
        _ => return Cut::After(0),
    }
    if stream.happens(now) {
        return Cut::Now;
    }
    if let Action::Restart = act.action {
        return Cut::After(0);
    }
    if stream.happens(550_000) {
        let role = cast.role_of(act.target);
        let purpose = match cast.has(Role::Registry) {
            true => purpose_around_a_registry(role, stream),
            false => purpose(role, stream),
        };
        return Cut::BeforeSend(purpose);
    }
    let some = 1 + stream.below(6) as u16;
    Cut::After(stream.weighted(&[(40, 0), (60, some)]))
}

/// What a node of this role sends: one that decides it waits for a message that may never come.
fn purpose(role: Option<Role>, stream: &mut Stream) -> Purpose {
    use Purpose::{Acquire, Other, Query, Read, Release, Renew, Write};
    let shares: &[(u32, Purpose)] = match role {
        Some(Role::Grantor) => &[(36, Renew), (32, Acquire), (20, Release), (8, Query), (4, Other)],
        Some(Role::Resource) => &[(60, Write), (36, Read), (4, Other)],
        _ => &[(30, Renew), (30, Write), (14, Acquire), (13, Release), (8, Read), (3, Query), (2, Other)],
    };
    stream.weighted(shares)
}

/// The same where there is a registry. Heartbeats are renewals.
fn purpose_around_a_registry(role: Option<Role>, stream: &mut Stream) -> Purpose {
    use Purpose::{Acquire, Call, Other, Probe, Query, Release, Renew, Watch};
    let shares: &[(u32, Purpose)] = match role {
        Some(Role::Registry) => {
            &[(30, Renew), (30, Watch), (14, Acquire), (12, Query), (8, Release), (6, Probe)]
        }
        Some(Role::Follower) => &[(65, Watch), (35, Query)],
        Some(Role::Discovery) => &[(45, Query), (35, Watch), (20, Call)],
        Some(Role::Observer) => &[(100, Probe)],
        Some(Role::Instance) => {
            &[(40, Renew), (20, Acquire), (15, Release), (10, Probe), (10, Call), (5, Other)]
        }
        _ => &[(50, Renew), (25, Acquire), (15, Release), (10, Probe)],
    };
    stream.weighted(shares)
}
