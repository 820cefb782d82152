//! Evidence in words.

use leasehold_check::{Fact, Gone};
use leasehold_core::event::Advance;

use super::{accessed, asked, ended, refused, told, under, with};
use crate::names::Names;

/// A piece of evidence in one line.
pub fn fact(names: &Names, fact: &Fact) -> String {
    match *fact {
        Fact::Claimed { node, incarnation, resource, token, from, until } => {
            let until = until.map_or_else(|| "on".to_owned(), |until| format!("to {until}"));
            let again =
                if incarnation.0 > 0 { format!(" (incarnation {incarnation})") } else { String::new() };
            let node = names.node(node);
            format!("{node}{again} claimed{} under token {token} from {from} {until}", names.on(resource))
        }
        Fact::Asked { at, node, resource, operation } => {
            format!("at {at} {} asked{} {}", names.node(node), names.on(resource), asked(operation))
        }
        Fact::Told { at, node, resource, answer } => {
            format!("at {at} {} was told{} {}", names.node(node), names.on(resource), told(names, answer))
        }
        Fact::CouldBe { resource, held, until } => {
            let held = held.map_or_else(|| "free".to_owned(), |lease| format!("held by lease {lease}"));
            let until =
                until.map_or_else(String::new, |until| format!(", whose term is not over before {until}"));
            format!("by all answers before, the resource{} could be {held}{until}", names.on(resource))
        }
        Fact::Granted { at, grantor, lease, resource, holder, token, ttl } => format!(
            "at {at} {} granted lease {lease}{} to {} for {ttl}, token {token}",
            names.node(grantor),
            names.on(resource),
            names.node(holder)
        ),
        Fact::TermBegan { at, grantor, lease, resource, token, ttl } => format!(
            "at {at} {} began a term of {ttl} for lease {lease}{} (token {token})",
            names.node(grantor),
            names.on(resource)
        ),
        Fact::Acknowledged { at, grantor, lease, resource } => format!(
            "at {at} {} answered that lease {lease}{} is renewed",
            names.node(grantor),
            names.on(resource)
        ),
        Fact::RenewalTaken { at, grantor, resource, lease, by, named_lease, named_token } => format!(
            "at {at} {} took a renewal of {} for lease {lease}{}, which named lease {named_lease}, token {named_token}",
            names.node(grantor),
            names.node(by),
            names.on(resource)
        ),
        Fact::ReleaseTaken { at, grantor, resource, lease, by, named_lease, named_token } => format!(
            "at {at} {} took a release of {} for lease {lease}{}, which named lease {named_lease}, token {named_token}",
            names.node(grantor),
            names.node(by),
            names.on(resource)
        ),
        Fact::EndOrdered { at, grantor, lease, resource, cause } => format!(
            "at {at} {} ordered the end of lease {lease}{}: it {}",
            names.node(grantor),
            names.on(resource),
            ended(names, cause)
        ),
        Fact::KeyEnded { at, grantor, lease, resource, key, revision } => format!(
            "at {at} {} said that key {key} of lease {lease}{} is gone since revision {revision}",
            names.node(grantor),
            names.on(resource)
        ),
        Fact::Ended { at, grantor, lease, resource, token, cause } => format!(
            "at {at} {} ended lease {lease}{} (token {token}): it {}",
            names.node(grantor),
            names.on(resource),
            ended(names, cause)
        ),
        Fact::Recovered { at, grantor, lease, resource, token, ended: cause } => format!(
            "at {at} {} found lease {lease}{} (token {token}) on its disk: {}",
            names.node(grantor),
            names.on(resource),
            cause.map_or_else(|| "alive".to_owned(), |cause| ended(names, cause))
        ),
        Fact::Read { at, reader, resource, token, version } => format!(
            "at {at} {} was shown version {version}{}, {}",
            names.node(reader),
            names.on(resource),
            with(token)
        ),
        Fact::Issued { at, writer, resource, token, op } => {
            format!("at {at} {} sent write {op}{} {}", names.node(writer), names.on(resource), under(token))
        }
        Fact::Accepted { at, writer, resource, token, op, replaced, based_on } => {
            let seen = based_on.map_or_else(String::new, |seen| format!(", having seen version {seen}"));
            format!(
                "at {at} write {op} of {} {} was accepted{}{seen}: version {} replaced {replaced}",
                names.node(writer),
                under(token),
                names.on(resource),
                replaced.next()
            )
        }
        Fact::BarrierRaised { at, resource, by, token } => {
            format!("at {at} the mark{} became token {token} for {}", names.on(resource), names.node(by))
        }
        Fact::TaskApplied { at, resource, task, by, token } => format!(
            "at {at} task {task}{} was applied for {} under token {token}",
            names.on(resource),
            names.node(by)
        ),
        Fact::Refused { at, by, resource, access, token, refusal } => format!(
            "at {at} a {} of {} {} was refused{}: {}",
            accessed(access),
            names.node(by),
            under(token),
            names.on(resource),
            refused(refusal)
        ),
        Fact::Registered { at, registry, instance, epoch, lease, node } => format!(
            "at {at} {} registered {} at {} under lease {lease}, epoch {epoch}",
            names.node(registry),
            names.instance(instance),
            names.node(node)
        ),
        Fact::StatusChanged { at, registry, instance, epoch, status, revision } => format!(
            "at {at} {} listed {} (epoch {epoch}) as {} since revision {revision}",
            names.node(registry),
            names.instance(instance),
            status.name()
        ),
        Fact::Deregistered { at, registry, instance, epoch, lease, cause, revision } => format!(
            "at {at} {} listed {} (epoch {epoch}) no more since revision {revision}: lease {lease} {}",
            names.node(registry),
            names.instance(instance),
            ended(names, cause)
        ),
        Fact::Gone { at, instance, epoch, node, how } => format!(
            "at {at} {} (epoch {epoch}) at {} was gone: {}",
            names.instance(instance),
            names.node(node),
            match how {
                Gone::Crashed => "its process had died",
                Gone::Left => "it asked to be deregistered",
                Gone::Ended => "the registry ended its registration",
            }
        ),
        Fact::Excluded { at, registry, instance, epoch } => format!(
            "at {at} {} sent nobody to {} (epoch {epoch}) any more",
            names.node(registry),
            names.instance(instance)
        ),
        Fact::Answered { at, client, instance, epoch } => {
            let (client, instance) = (names.node(client), names.instance(instance));
            format!("at {at} {client} answered with {instance} (epoch {epoch})")
        }
        Fact::Viewed { at, node, revision, by } => format!(
            "at {at} the view of {} came to revision {revision} by {}",
            names.node(node),
            match by {
                Advance::Watch => "its watch",
                Advance::Poll => "a poll",
                Advance::Resync => "a list of all there is",
            }
        ),
        Fact::HeartbeatSent { at, node, member, number } => {
            format!("at {at} {} sent heartbeat {number}{}", names.node(node), names.on(member))
        }
        Fact::HeartbeatArrived { at, registry, member, lease, number } => format!(
            "at {at} heartbeat {number}{} for lease {lease} reached {}",
            names.on(member),
            names.node(registry)
        ),
        Fact::StoodStill { at, node, why } => {
            format!("since {at} the work of {} stood still: {why}", names.node(node))
        }
        Fact::NewestToken { resource, token } => {
            format!("the newest token{} was {token}", names.on(resource))
        }
        Fact::PutOff { at, node, why } => {
            format!("at {at} the leases of {} were due anew: {why}", names.node(node))
        }
        Fact::Bound { what, allowed, measured } => format!("{what}: {measured}, where {allowed} is allowed"),
        Fact::Count { what, expected, found } => format!("{what}: {found}, where it should be {expected}"),
        Fact::Total { what, count } => format!("{what}: {count}"),
    }
}
