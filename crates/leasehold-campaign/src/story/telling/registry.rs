//! Sentences about registries, members and views.

use leasehold_check::Gone;
use leasehold_core::event::{DiscoveryEvent, NodeEvent, RegistryEvent};
use leasehold_core::{LeaseId, NodeId, SimInstant};

use leasehold_report::Names;
use leasehold_report::words::{self, clock_time, counted};

use super::own;
use crate::story::{Belief, Late, Listing, Routine, Story};

/// So many views are told by name. Chosen by us.
const MOST_NAMED: usize = 3;

/// What a node of a registry's system says, as a sentence.
pub(super) fn reported(names: &Names, node: NodeId, said: &NodeEvent) -> String {
    let who = names.node(node);
    let text = words::registry::of_itself(names, Some(node), words::reported(names, said));
    match said {
        // These are said of somebody else, in whole sentences.
        NodeEvent::Ended { .. } => format!("{who} notes that {text}"),
        NodeEvent::Registry(RegistryEvent::Deregistered { .. }) => format!("{who} notes that {text}"),
        NodeEvent::Registry(
            RegistryEvent::HeartbeatArrived { .. } | RegistryEvent::RegistrationArrived { .. },
        ) => format!("{text} at {who}"),
        NodeEvent::Registry(
            RegistryEvent::WorkStopped { .. }
            | RegistryEvent::WorkWentOn { .. }
            | RegistryEvent::ReadinessChanged { .. },
        ) => text,
        NodeEvent::Discovery(
            DiscoveryEvent::ViewListed { .. }
            | DiscoveryEvent::ViewDropped { .. }
            | DiscoveryEvent::ViewAdvanced { .. }
            | DiscoveryEvent::ViewLapsed,
        ) => text.strip_prefix("its view").map_or(text.clone(), |rest| format!("the view of {who}{rest}")),
        _ => format!("{who} {}", own(&text)),
    }
}

/// Heartbeats that came for somebody who was gone.
pub(super) fn late(names: &Names, late: &Late) -> String {
    let member = names.member(late.member);
    let since = late.first.saturating_since(late.gone_since);
    if late.count == 1 {
        return format!(
            "a heartbeat of {member} for lease {} arrives, {since} after it was gone",
            late.lease
        );
    }
    let (count, last) = (counted(late.count, "heartbeat"), clock_time(late.last));
    format!(
        "from here on {count} of {member} for lease {} arrive, the first {since} after it was gone, the last at {last}",
        late.lease
    )
}

/// How often a lease was renewed, and when its term is over.
pub(super) fn renewals(lease: Option<LeaseId>, routine: &Routine) -> String {
    let (Some(lease), (count, Some((begins, ttl)))) = (lease, routine.renewed) else { return String::new() };
    format!(
        "lease {lease} is renewed {}: its last term begins at {} and is over at about {}",
        counted(count, "time"),
        clock_time(begins),
        clock_time(begins.saturating_add(ttl))
    )
}

/// Who believed what when it was found, in a sentence for each instance that it is about.
pub(super) fn beliefs(names: &Names, story: &Story) -> Vec<String> {
    story.beliefs.iter().map(|belief| believed(names, belief, story.ending.at)).collect()
}

fn believed(names: &Names, belief: &Belief, at: SimInstant) -> String {
    let ago = |since: SimInstant| at.saturating_since(since);
    let truth = match belief.gone {
        None => match belief.stands_still {
            None => "its process runs".to_owned(),
            Some(since) => format!("its process runs, but its work stands still for {}", ago(since)),
        },
        Some((since, Gone::Crashed)) => format!("its process died {} ago", ago(since)),
        Some((since, Gone::Left)) => format!("it asked to be deregistered {} ago", ago(since)),
        Some((since, Gone::Ended)) => format!("its registration ended {} ago", ago(since)),
    };
    let registry = match belief.registry {
        Listing::As(status) => format!("the registry lists it as {}", status.name()),
        Listing::Ended(since, cause) => {
            format!(
                "the registry lists it no more since {}: its lease {}",
                clock_time(since),
                words::ended(names, cause)
            )
        }
    };
    let mut named: Vec<&str> = belief.views.iter().take(MOST_NAMED).map(|view| names.node(*view)).collect();
    if belief.views.len() > MOST_NAMED {
        named.push("and others");
    }
    let of = counted(belief.of as u64, "view");
    let views = match belief.views.len() {
        0 => format!("none of {of} lists it"),
        1 => format!("1 of {of} lists it: {}", named[0]),
        count => format!("{count} of {of} list it: {}", named.join(", ")),
    };
    format!("who believes what of {}: {truth}; {registry}; {views}", names.instance(belief.instance))
}
