//! What registries, members and discovery clients report, in words.

use leasehold_core::NodeId;
use leasehold_core::event::{
    Advance, Asked, Claim, ClaimEnd, DiscoveryEvent, Health, LookupAnswer, NodeEvent, RegistryEvent, Status,
};

use super::{counted, ended, until};
use crate::names::Names;

/// What a registry, or who is registered there, reports of itself.
pub fn registered(names: &Names, event: &RegistryEvent) -> String {
    match *event {
        RegistryEvent::Registered { instance, service, lease, epoch, status, revision, .. } => format!(
            "registers {} (service {}) under lease {lease}, epoch {epoch}{}, at revision {revision}",
            names.instance(instance),
            service.0 + 1,
            unless_passing(status)
        ),
        RegistryEvent::StatusChanged { instance, epoch, status, revision } => format!(
            "lists {} (epoch {epoch}) as {} from revision {revision} on",
            names.instance(instance),
            status.name()
        ),
        RegistryEvent::Deregistered { instance, lease, epoch, cause, revision } => format!(
            "{} (epoch {epoch}) is gone at revision {revision}: lease {lease} {}",
            names.instance(instance),
            ended(names, cause)
        ),
        RegistryEvent::RegistrationRecovered { instance, service, lease, epoch, status, .. } => format!(
            "finds {} (service {}) under lease {lease}, epoch {epoch}, on its disk{}",
            names.instance(instance),
            service.0 + 1,
            unless_passing(status)
        ),
        RegistryEvent::RevisionRecovered { revision } => {
            format!("goes on from revision {revision} with what its disk kept")
        }
        RegistryEvent::TableLists { registrations, revision } => {
            format!("its table lists {} at revision {revision}", instances(registrations))
        }
        RegistryEvent::Compacted { revision } => {
            format!("forgets what changed up to revision {revision}")
        }
        RegistryEvent::HeartbeatArrived { member, lease, number } => {
            format!("heartbeat {number} of {} for lease {lease} arrives", names.member(member))
        }
        RegistryEvent::RegistrationArrived { member } => {
            format!("a registration of {} arrives", names.member(member))
        }
        RegistryEvent::MessageDropped { from, purpose } => {
            format!("has no room for a message of {} ({}), and drops it", names.node(from), purpose.name())
        }
        RegistryEvent::SweptLate { late } => format!("sweeps {late} late"),
        RegistryEvent::EndsWithheld { due, live } => {
            format!(
                "withholds {} that {}, of {live} live",
                leases(due),
                if due == 1 { "is due" } else { "are due" }
            )
        }
        RegistryEvent::EndsAdmitted => "withholds ends no more".to_owned(),
        RegistryEvent::HeartbeatSent { member, lease, number } => {
            format!("sends heartbeat {number} of {} for lease {lease}", names.member(member))
        }
        RegistryEvent::DeregistrationSent { member, lease } => {
            format!("asks to deregister {}, lease {lease}", names.member(member))
        }
        RegistryEvent::WorkStopped { member } => {
            format!("the work of {} stands still, though its process runs", names.member(member))
        }
        RegistryEvent::WorkWentOn { member } => format!("the work of {} goes on", names.member(member)),
        RegistryEvent::ReadinessChanged { member, readiness } => {
            let state = match readiness {
                Health::Ready => "is ready to be called",
                Health::NotReady => "is not ready to be called",
            };
            format!("{} {state}", names.member(member))
        }
    }
}

/// What a node that keeps a view of a registry reports.
pub fn discovered(names: &Names, event: &DiscoveryEvent) -> String {
    match *event {
        DiscoveryEvent::ViewListed { instance, epoch, status } => {
            format!("its view lists {} (epoch {epoch}) as {}", names.instance(instance), status.name())
        }
        DiscoveryEvent::ViewDropped { instance, epoch } => {
            format!("its view drops {} (epoch {epoch})", names.instance(instance))
        }
        DiscoveryEvent::ViewAdvanced { revision, entries, by, .. } => {
            let by = match by {
                Advance::Watch => "a watch",
                Advance::Poll => "a poll",
                Advance::Resync => "a list of all there is",
            };
            format!("its view is at revision {revision} by {by}: {}", instances(entries))
        }
        DiscoveryEvent::ResyncStarted => "misses changes, and asks for all there is".to_owned(),
        DiscoveryEvent::WatchLost => "hears nothing of its watch, and takes it for dead".to_owned(),
        DiscoveryEvent::CacheFroze => "keeps its view up to date no more, and does not notice".to_owned(),
        DiscoveryEvent::CacheThawed => "keeps its view up to date again".to_owned(),
        DiscoveryEvent::ViewLapsed => "its view is too old to be answered from".to_owned(),
        DiscoveryEvent::LookupAnswered { asked, answer, entries, age, revision } => {
            let asked = asked_for(asked);
            match answer {
                LookupAnswer::Fresh => format!(
                    "a lookup of {asked} finds {}, as of revision {revision}, {age} old",
                    instances(entries)
                ),
                LookupAnswer::Stale => format!(
                    "a lookup of {asked} finds {}, as of revision {revision}, and is told that this is stale: {age} old",
                    instances(entries)
                ),
                LookupAnswer::Refused => {
                    format!("a lookup of {asked} is refused: there is no view that is young enough")
                }
            }
        }
        DiscoveryEvent::CallSent { instance, epoch, to, number } => {
            format!("calls {} (epoch {epoch}) at {}, call {number}", names.instance(instance), names.node(to))
        }
        DiscoveryEvent::CallAnswered { instance, number } => {
            format!("{} answers call {number}", names.instance(instance))
        }
        DiscoveryEvent::CallFailed { instance, number } => {
            format!("{} does not answer call {number} in time", names.instance(instance))
        }
    }
}

/// What the general words for leases do not fit where a lease is that of a member; nothing if they do.
pub(super) fn of_member(names: &Names, event: &NodeEvent) -> Option<String> {
    if !names.has_registry() {
        return None;
    }
    let text = match *event {
        NodeEvent::Granted { resource, lease, holder, token, ttl } => {
            let (member, holder) = (names.member(resource), names.node(holder));
            let sender = if member == holder { String::new() } else { format!(", kept by {holder}") };
            format!("grants lease {lease} to {member}{sender}, for {ttl}, epoch {token}")
        }
        NodeEvent::Ended { resource, lease, token, cause } => {
            format!("lease {lease}{} (epoch {token}) {}", names.on(resource), ended(names, cause))
        }
        NodeEvent::ClaimStarted(Claim { resource, token, deadline, .. }) => {
            format!("takes {} for registered, epoch {token}, {}", names.member(resource), until(deadline))
        }
        NodeEvent::ClaimRenewed(Claim { resource, token, deadline, .. }) => {
            format!(
                "still takes {} for registered, epoch {token}, {}",
                names.member(resource),
                until(deadline)
            )
        }
        NodeEvent::ClaimEnded { resource, token, reason, .. } => {
            let why = match reason {
                ClaimEnd::Released => "it asked for that",
                ClaimEnd::Lapsed => "no heartbeat was answered in time",
                ClaimEnd::ToldLost => "it was told that the lease is gone",
                ClaimEnd::Fenced => "its epoch was refused",
                ClaimEnd::GaveUp => "a heartbeat was not answered at once",
            };
            format!("takes {} (epoch {token}) for registered no more: {why}", names.member(resource))
        }
        NodeEvent::Withdrew { resource } => format!("{} registers no more", names.member(resource)),
        _ => return None,
    };
    Some(text)
}

/// What a member says of itself does not name it.
pub fn of_itself(names: &Names, node: Option<NodeId>, text: String) -> String {
    let Some(who) = node.map(|node| names.node(node)).filter(|_| names.has_registry()) else { return text };
    let takes = text.strip_prefix("takes ").or_else(|| text.strip_prefix("still takes "));
    if takes.and_then(|rest| rest.strip_prefix(who)).is_some_and(|rest| rest.starts_with(' ')) {
        return text.replacen(who, "itself", 1);
    }
    text.strip_prefix(&format!("{who} registers")).map_or(text.clone(), |rest| format!("registers{rest}"))
}

fn unless_passing(status: Status) -> String {
    match status {
        Status::Passing => String::new(),
        Status::Suspect | Status::Critical => format!(", {}", status.name()),
    }
}

fn asked_for(asked: Asked) -> String {
    match asked {
        Asked::All => "everybody".to_owned(),
        Asked::Service(service) => format!("service {}", service.0 + 1),
        Asked::Capable(capabilities) => format!("capabilities {:#b}", capabilities.0),
    }
}

fn instances(count: u32) -> String {
    counted(u64::from(count), "instance")
}

fn leases(count: u32) -> String {
    counted(u64::from(count), "lease")
}

#[cfg(test)]
mod tests {
    use leasehold_core::id::{Capabilities, Epoch, InstanceId, LeaseId, Revision, ServiceId};
    use leasehold_core::{ClockKind, Incarnation, Reading, ResourceId, Span, Token};

    use super::*;
    use crate::names::sample::fleet;
    use crate::words::reported;

    #[test]
    fn a_registry_tells_of_instances_by_name() {
        let names = fleet(3, 1);
        let (instance, epoch, lease, revision) = (InstanceId(2), Epoch(2), LeaseId(7), Revision(12));
        let status = Status::Passing;
        for (event, told) in [
            (
                RegistryEvent::Registered {
                    instance,
                    service: ServiceId(0),
                    capabilities: Capabilities(0),
                    lease,
                    epoch,
                    node: NodeId(3),
                    status,
                    revision,
                },
                "registers instance-3 (service 1) under lease 7, epoch 2, at revision 12",
            ),
            (
                RegistryEvent::StatusChanged { instance, epoch, status: Status::Suspect, revision },
                "lists instance-3 (epoch 2) as suspect from revision 12 on",
            ),
            (
                RegistryEvent::MessageDropped { from: NodeId(1), purpose: leasehold_core::Purpose::Query },
                "has no room for a message of instance-1 (query), and drops it",
            ),
            (RegistryEvent::EndsWithheld { due: 1, live: 9 }, "withholds 1 lease that is due, of 9 live"),
            (RegistryEvent::EndsWithheld { due: 2, live: 9 }, "withholds 2 leases that are due, of 9 live"),
            (
                RegistryEvent::TableLists { registrations: 1, revision },
                "its table lists 1 instance at revision 12",
            ),
        ] {
            assert_eq!(registered(&names, &event), told);
        }
    }

    #[test]
    fn a_lookup_says_what_its_answer_is_worth() {
        let names = fleet(3, 1);
        let lookup = |answer| DiscoveryEvent::LookupAnswered {
            asked: Asked::Service(ServiceId(1)),
            answer,
            entries: 2,
            age: Span::from_secs(3),
            revision: Revision(12),
        };
        for (answer, told) in [
            (LookupAnswer::Fresh, "a lookup of service 2 finds 2 instances, as of revision 12, 3s old"),
            (
                LookupAnswer::Stale,
                "a lookup of service 2 finds 2 instances, as of revision 12, and is told that this is stale: 3s old",
            ),
            (
                LookupAnswer::Refused,
                "a lookup of service 2 is refused: there is no view that is young enough",
            ),
        ] {
            assert_eq!(discovered(&names, &lookup(answer)), told);
        }
    }

    #[test]
    fn the_lease_of_a_member_is_told_as_its_registration() {
        let names = fleet(3, 1);
        let (resource, token, ttl) = (ResourceId(1), Token(4), Span::from_secs(30));
        let granted =
            |holder| NodeEvent::Granted { resource, lease: LeaseId(9), holder: NodeId(holder), token, ttl };
        let claim = Claim {
            resource,
            token,
            incarnation: Incarnation(0),
            deadline: Reading::new(ClockKind::Boot, 5_000_000_000),
            ttl,
        };
        for (event, told) in [
            (granted(2), "grants lease 9 to instance-2, for 30s, epoch 4"),
            (granted(0), "grants lease 9 to instance-2, kept by registry, for 30s, epoch 4"),
            (NodeEvent::ClaimStarted(claim), "takes instance-2 for registered, epoch 4, until 5.000000"),
        ] {
            assert_eq!(reported(&names, &event), told);
        }
        let of =
            |node| of_itself(&names, Some(NodeId(node)), reported(&names, &NodeEvent::ClaimStarted(claim)));
        assert_eq!(of(2), "takes itself for registered, epoch 4, until 5.000000");
        assert_eq!(of(3), "takes instance-2 for registered, epoch 4, until 5.000000");
        let left = reported(&names, &NodeEvent::Withdrew { resource });
        assert_eq!(of_itself(&names, Some(NodeId(2)), left.clone()), "registers no more");
        assert_eq!(of_itself(&names, Some(NodeId(3)), left), "instance-2 registers no more");
    }
}
