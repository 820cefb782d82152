//! Events and evidence in words.

mod fact;
pub mod registry;
mod shell;

pub use fact::fact;
pub use shell::noted;

use leasehold_check::{Finding, Hazard};
use leasehold_core::event::{
    Access, Answer, Claim, ClaimEnd, EndCause, EventKind, LossCause, NodeEvent, Operation, Phase, Refusal,
    WorldEvent,
};
use leasehold_core::{Event, LeaseId, Leg, Reading, RunEnd, SimInstant, Token};

use crate::names::Names;

/// What happened, as somebody would say it of the event's node.
pub fn happened(names: &Names, event: &Event) -> String {
    match &event.kind {
        EventKind::Node(said) => registry::of_itself(names, event.node, reported(names, said)),
        EventKind::World(seen) => done(names, seen),
    }
}

/// What a node says of itself.
pub fn reported(names: &Names, event: &NodeEvent) -> String {
    if let Some(text) = registry::of_member(names, event) {
        return text;
    }
    match *event {
        NodeEvent::Granted { resource, lease, holder, token, ttl } => format!(
            "grants lease {lease}{} to {} for {ttl}, token {token}",
            names.on(resource),
            names.node(holder)
        ),
        NodeEvent::Renewed { resource, lease, ttl, .. } => {
            format!("renews lease {lease}{} for {ttl}", names.on(resource))
        }
        NodeEvent::RenewalAcknowledged { resource, lease } => {
            format!("answers that lease {lease}{} is renewed", names.on(resource))
        }
        NodeEvent::RenewalTaken { resource, lease, by, named_lease, .. } => {
            let named = naming(lease, named_lease);
            format!("takes a renewal of {} for lease {lease}{}{named}", names.node(by), names.on(resource))
        }
        NodeEvent::ReleaseTaken { resource, lease, by, named_lease, .. } => {
            let named = naming(lease, named_lease);
            format!("takes a release of {} for lease {lease}{}{named}", names.node(by), names.on(resource))
        }
        NodeEvent::EndOrdered { resource, lease, cause } => {
            format!("orders the end of lease {lease}{}: it {}", names.on(resource), ended(names, cause))
        }
        NodeEvent::KeyAttached { resource, lease, key, revision } => {
            format!("attaches key {key} to lease {lease}{} at revision {revision}", names.on(resource))
        }
        NodeEvent::KeyEnded { resource, lease, key, revision } => {
            format!("key {key} of lease {lease}{} is gone at revision {revision}", names.on(resource))
        }
        NodeEvent::Ended { resource, lease, token, cause } => {
            format!("lease {lease}{} (token {token}) {}", names.on(resource), ended(names, cause))
        }
        NodeEvent::Recovered { resource, lease, holder, token, ttl, ended: cause } => {
            let state = match cause {
                None => format!("alive: a new term of {ttl}"),
                Some(cause) => ended(names, cause),
            };
            format!(
                "finds lease {lease}{} of {} (token {token}) on its disk, {state}",
                names.on(resource),
                names.node(holder)
            )
        }
        NodeEvent::TableHolds { live } => format!("its table holds {}", counted(u64::from(live), "lease")),
        NodeEvent::Queued { resource, contender, position } => {
            format!("puts {} into the queue{}, place {position}", names.node(contender), names.on(resource))
        }
        NodeEvent::Asked { resource, operation } => {
            format!("asks{} {}", names.on(resource), asked(operation))
        }
        NodeEvent::Told { resource, answer } => {
            format!("is told{} {}", names.on(resource), told(names, answer))
        }
        NodeEvent::ClaimStarted(Claim { resource, token, deadline, .. }) => {
            format!("claims{} under token {token} {}", names.on(resource), until(deadline))
        }
        NodeEvent::ClaimRenewed(Claim { resource, token, deadline, .. }) => {
            format!("goes on claiming{} under token {token} {}", names.on(resource), until(deadline))
        }
        NodeEvent::ClaimEnded { resource, token, reason, .. } => {
            let why = match reason {
                ClaimEnd::Released => "of its own will",
                ClaimEnd::Lapsed => "its deadline has come",
                ClaimEnd::ToldLost => "it was told that the lease is gone",
                ClaimEnd::Fenced => "the resource refused its token",
                ClaimEnd::GaveUp => "a renewal was not answered at once",
            };
            format!("stops acting{} under token {token}: {why}", names.on(resource))
        }
        NodeEvent::Withdrew { resource } => format!("leaves{} for good", names.on(resource)),
        NodeEvent::ReadServed { resource, reader, token, version } => {
            let on = names.on(resource);
            format!("shows version {version}{on} to {}, {}", names.node(reader), with(token))
        }
        NodeEvent::EffectIssued { resource, token, op } => {
            format!("sends write {op}{} {}", names.on(resource), under(token))
        }
        NodeEvent::EffectAccepted { resource, writer, token, op, replaced, based_on, .. } => {
            let seen = match based_on {
                Some(seen) if seen != replaced => format!(", whose writer had seen version {seen} only"),
                _ => String::new(),
            };
            format!(
                "accepts write {op}{} of {} {}: version {} replaces {replaced}{seen}",
                names.on(resource),
                names.node(writer),
                under(token),
                replaced.next()
            )
        }
        NodeEvent::BarrierRaised { resource, by, token } => {
            format!("raises its mark{} to token {token} for {}", names.on(resource), names.node(by))
        }
        NodeEvent::TaskApplied { resource, task, by, token } => {
            format!("applies task {task}{} for {} under token {token}", names.on(resource), names.node(by))
        }
        NodeEvent::AccessRefused { resource, by, access, token, refusal } => {
            let access = accessed(access);
            let why = refused(refusal);
            format!("refuses a {access}{} of {} {}: {why}", names.on(resource), names.node(by), under(token))
        }
        NodeEvent::DuplicateRecognised { resource, writer, op } => {
            format!("knows write {op}{} of {} already", names.on(resource), names.node(writer))
        }
        NodeEvent::Probed(probe) => format!("reached: {}", probe.name()),
        NodeEvent::Registry(said) => registry::registered(names, &said),
        NodeEvent::Discovery(said) => registry::discovered(names, &said),
    }
}

/// What a contender asks.
fn asked(operation: Operation) -> String {
    match operation {
        Operation::Acquire => "for a lease".to_owned(),
        Operation::Renew { lease } => format!("for a new term of lease {lease}"),
        Operation::Release { lease } => format!("to take lease {lease} back"),
        Operation::Get => "who holds it".to_owned(),
    }
}

/// What it is told.
fn told(names: &Names, answer: Answer) -> String {
    match answer {
        Answer::Granted { lease, token, ttl } => {
            format!("that it has lease {lease} for {ttl}, token {token}")
        }
        Answer::Refused => "that somebody else has it".to_owned(),
        Answer::Renewed { lease } => format!("that lease {lease} is renewed"),
        Answer::Gone { lease } => format!("that lease {lease} is gone"),
        Answer::Released { lease } => format!("that lease {lease} is taken back"),
        Answer::HeldBy { lease, holder, token } => {
            format!("that {} holds it by lease {lease}, token {token}", names.node(holder))
        }
        Answer::HeldByNobody => "that nobody holds it".to_owned(),
    }
}

/// What was done to a node, or seen of it.
pub fn done(names: &Names, event: &WorldEvent) -> String {
    match *event {
        WorldEvent::Started => "starts".to_owned(),
        WorldEvent::Crashed => "crashes".to_owned(),
        WorldEvent::Restarted { incarnation } => format!("restarts, incarnation {incarnation}"),
        WorldEvent::Paused => "is paused; its clocks go on".to_owned(),
        WorldEvent::Suspended => "is suspended; its monotonic clock stands still".to_owned(),
        WorldEvent::Resumed => "goes on where it stopped".to_owned(),
        WorldEvent::Panicked => "panics".to_owned(),
        WorldEvent::ClockRateChanged { rate } => format!("its clocks run at {rate}"),
        WorldEvent::WallStepped { by } => {
            let sign = if by < 0 { "-" } else { "+" };
            format!("its wall clock steps by {sign}{}", leasehold_core::Span::from_nanos(by.unsigned_abs()))
        }
        WorldEvent::ClocksFroze => "its clocks stand still".to_owned(),
        WorldEvent::ClocksThawed => "its clocks run again".to_owned(),
        WorldEvent::DiskStalled => "its disk completes nothing any more".to_owned(),
        WorldEvent::DiskFlows => "its disk completes writes again".to_owned(),
        WorldEvent::DiskWiped => "its disk is empty".to_owned(),
        WorldEvent::Throttled => "its process is slow from here".to_owned(),
        WorldEvent::Unthrottled => "its process is as fast as before".to_owned(),
        WorldEvent::CommandGiven { command } => format!("is told: {}", names.command(command)),
        WorldEvent::ClaimLapsed { resource, token, .. } if names.has_registry() => {
            let member = names.member(resource);
            format!(
                "the registration of {member} (epoch {token}) is over by its own clock, whether it knows or not"
            )
        }
        WorldEvent::ClaimLapsed { resource, token, .. } => {
            format!("its claim{} under token {token} is over, whether it knows or not", names.on(resource))
        }
        WorldEvent::ClaimResumed { resource, token, .. } => {
            format!(
                "its clock is back before the deadline: it claims{} under token {token}",
                names.on(resource)
            )
        }
        WorldEvent::MessageLost { to, purpose, leg, cause } => {
            let cause = loss(cause);
            format!("{} {} to {} did not arrive: {cause}", purpose.name(), leg_name(leg), names.node(to))
        }
        WorldEvent::FaultFired { fault } => format!("fault {} fires: {}", fault.0 + 1, names.fault(fault)),
        WorldEvent::FaultLanded { fault } => format!("fault {} lands", fault.0 + 1),
        WorldEvent::FaultHealed { fault } => format!("fault {} is over", fault.0 + 1),
        WorldEvent::AssumptionBroken { assumption } => {
            format!(
                "assumption broken: {}; timed invariants count from here, and do not judge",
                assumption.name()
            )
        }
        WorldEvent::AssumptionRestored { assumption } => {
            format!("assumption restored: {}", assumption.name())
        }
        WorldEvent::PhaseEntered { phase: Phase::Chaos } => "chaos begins".to_owned(),
        WorldEvent::PhaseEntered { phase: Phase::Settle } => {
            "all faults are healed; liveness is judged from here".to_owned()
        }
    }
}

/// How a run ended.
pub fn run_end(names: &Names, end: &RunEnd) -> String {
    match end {
        RunEnd::Completed => "it came to its planned end".to_owned(),
        RunEnd::Stopped => "it was stopped".to_owned(),
        RunEnd::Panicked { node, message } => format!("{} panicked: {message}", names.node(*node)),
        RunEnd::Livelock { node } => {
            format!("livelock: time does not go on; {} was handled last", names.node(*node))
        }
    }
}

/// What a request named, if that is not the lease that it was taken for.
fn naming(lease: LeaseId, named: LeaseId) -> String {
    match named == lease {
        true => String::new(),
        false => format!(", which named lease {named}"),
    }
}

/// A deadline, or that there is none.
fn until(deadline: Reading) -> String {
    match deadline.as_nanos() {
        i64::MAX => "until it is told otherwise".to_owned(),
        _ => format!("until {deadline}"),
    }
}

/// What a leg of an exchange is called.
pub fn leg_name(leg: Leg) -> &'static str {
    match leg {
        Leg::Request => "request",
        Leg::Reply => "reply",
    }
}

/// `1 lease`, `2 leases`, `2 answers to a renewal`: the first word is the one that is counted.
pub fn counted(count: u64, what: &str) -> String {
    let (noun, rest) = what.find(' ').map_or((what, ""), |at| what.split_at(at));
    let plural = if count == 1 { "" } else { "s" };
    format!("{} {noun}{plural}{rest}", grouped(count))
}

/// A number with commas between its thousands.
pub fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::new();
    for (i, digit) in digits.char_indices() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// Why a message did not arrive.
pub const fn loss(cause: LossCause) -> &'static str {
    match cause {
        LossCause::Noise => "the network lost it",
        LossCause::Fault => "a fault took it",
        LossCause::Down => "nobody was there",
        LossCause::Overflow => "the buffer was full",
        LossCause::Disconnected => "there was no connection",
    }
}

/// How a lease ended.
pub fn ended(names: &Names, cause: EndCause) -> String {
    match cause {
        EndCause::Expired => "expired".to_owned(),
        EndCause::Revoked { reason } => format!("was revoked ({})", reason.name()),
        EndCause::Released { by } => format!("was released by {}", names.node(by)),
    }
}

fn accessed(access: Access) -> &'static str {
    match access {
        Access::Read => "read",
        Access::Write => "write",
    }
}

/// What an operation goes under.
fn under(token: Token) -> String {
    if token == Token::NONE { "without a token".to_owned() } else { format!("under token {token}") }
}

/// The same, for what is shown to a reader.
fn with(token: Token) -> String {
    if token == Token::NONE { "without a token".to_owned() } else { format!("token {token}") }
}

fn refused(refusal: Refusal) -> String {
    match refusal {
        Refusal::Stale { mark } => format!("it has seen token {mark}"),
        Refusal::NotCurrent { current } => format!("it goes by token {current}"),
        Refusal::Conflict { latest } => format!("the latest version is {latest}"),
    }
}

/// What a finding is, in one line.
pub fn found(finding: &Finding) -> String {
    match finding {
        Finding::Violation(violation) => {
            let (id, name) = (violation.invariant.id(), violation.invariant.name());
            format!("VIOLATION of {id} {name}: {}", violation.clause)
        }
        Finding::Hazard(sighting) => format!("hazard: {}", hazard(sighting.hazard)),
    }
}

/// What a hazard is, in words.
pub fn hazard(hazard: Hazard) -> &'static str {
    match hazard {
        Hazard::ClaimsOverlapped => "two claims overlapped",
        Hazard::EffectOutsideClaim => "a write left after its sender's claim was over",
        Hazard::UnfencedWindow => {
            "an older token was accepted after a newer grant, before that one's first write"
        }
    }
}

/// An instant of true time as people read it: `3.012 s`, and within the first second `3.012 ms`.
pub fn clock_time(at: SimInstant) -> String {
    seconds(i128::from(at.as_nanos()))
}

/// A number of nanoseconds as people read it, cut to thousandths: `3.012 s`, and below a second `3.012 ms`.
pub fn seconds(nanos: i128) -> String {
    let sign = if nanos < 0 { "-" } else { "" };
    let (unit, suffix) = match nanos.unsigned_abs() {
        0..1_000_000_000 => (1_000, "ms"),
        _ => (1_000_000, "s"),
    };
    let thousandths = nanos.unsigned_abs() / unit;
    format!("{sign}{}.{:03} {suffix}", thousandths / 1_000, thousandths % 1_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_read_as_people_write_them() {
        assert_eq!(counted(1, "lease"), "1 lease");
        assert_eq!(counted(1_234_567, "lease"), "1,234,567 leases");
        assert_eq!(counted(2, "answer to a renewal"), "2 answers to a renewal");
        assert_eq!(grouped(999), "999");
        assert_eq!(grouped(1_000), "1,000");
    }
}
