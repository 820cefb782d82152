//! Faults as they stand in scenario files: the way back from a plan.

use leasehold_core::plan::{
    Action, Chance, Condition, Cut, FaultPlan, Group, Pick, Scope, Target, Trigger, Worsening,
};
use leasehold_core::{SimInstant, Span};

use super::pick::PickText;
use super::target::{Cast, EVERYBODY};
use crate::document::{Document, burst, length, offset, written};
use crate::value::{Percent, Rate};

/// Writes a fault as `[[fault]]`. What is read again is equal, if some file can say it: whatever a file said can be
/// said again.
pub(crate) fn write(fault: &FaultPlan, cast: &Cast<'_>, document: &mut Document) {
    document.element("fault");
    match fault.trigger {
        Trigger::At(at) => document.key("at", length(at.since_start())),
        Trigger::When { condition: when, from } => {
            document.text("when", &condition(when));
            if from != SimInstant::START {
                document.key("from", length(from.since_start()));
            }
        }
    }
    let (on, pick) = cast.name(fault.target);
    document.text("on", on);
    if let Some(pick) = pick {
        document.key("pick", written(&PickText(pick)));
    }
    action(&fault.action, cast, document);
    match fault.cut {
        Cut::After(0) => {}
        Cut::After(count) => document.key("after", count.to_string()),
        Cut::Now => document.text("strikes", "now"),
        Cut::BeforeSend(purpose) => document.text("before", purpose.name()),
    }
    if let Some(lasts) = fault.lasts {
        document.key("for", length(lasts));
    }
}

fn condition(condition: Condition) -> String {
    match condition {
        Condition::TtlRemainingBelow { percent } => format!("ttl_remaining < {percent}%"),
        Condition::GrantInFlight => "grant_in_flight".to_owned(),
        Condition::RenewalInFlight => "renewal_in_flight".to_owned(),
        Condition::ExpiryWithin { left } => format!("expiry_within {}", length(left).trim_matches('"')),
        Condition::AfterTakeover => "after_takeover".to_owned(),
        Condition::EndOrdered => "end_ordered".to_owned(),
    }
}

fn action(action: &Action, cast: &Cast<'_>, document: &mut Document) {
    let name = match action {
        Action::Command(command) => cast.commands[usize::from(command.0)].name,
        other => other.kind().name(),
    };
    document.text("do", name);
    match *action {
        Action::Partition(which) | Action::Clog(which) | Action::Hold(which) => scope(which, cast, document),
        Action::Link { scope: which, worse } => {
            scope(which, cast, document);
            worsening(&worse, document);
        }
        Action::Throttle { step } => document.key("step", length(step)),
        Action::ClockRate(rate) => document.key("rate", written(&Rate(rate))),
        Action::WallStep(by) => document.key("by", offset(by)),
        Action::WallStrobe { by, every } => {
            document.key("by", offset(by));
            document.key("every", length(every));
        }
        Action::Swizzle
        | Action::Pause
        | Action::Suspend
        | Action::Stall
        | Action::Crash
        | Action::Torn
        | Action::Wipe
        | Action::Restart
        | Action::ClockFreeze
        | Action::Command(_)
        | Action::Watch(_) => {}
    }
}

fn scope(scope: Scope, cast: &Cast<'_>, document: &mut Document) {
    let (to, shape) = match scope {
        Scope::Isolate => (None, None),
        Scope::Between(peer) => (Some(peer), None),
        Scope::OneWay(peer) => (Some(peer), Some("one-way")),
        Scope::Majority => (None, Some("majority")),
        Scope::Ring => (None, Some("ring")),
        Scope::Bridge => (None, Some("bridge")),
    };
    if let Some(peer) = to {
        document.text("to", cast.name(peer).0);
    }
    if let Some(shape) = shape {
        document.text("shape", shape);
    }
}

fn worsening(worse: &Worsening, document: &mut Document) {
    let mut chance = |key, chance: Chance| {
        if chance != Chance::NEVER {
            document.key(key, written(&Percent(chance)));
        }
    };
    chance("loss", worse.loss);
    chance("duplicate", worse.duplicate);
    for (key, span) in [("delay", worse.delay), ("reorder", worse.reorder), ("slow", worse.slow)] {
        if span != Span::ZERO {
            document.key(key, length(span));
        }
    }
    if let Some(bursts) = worse.burst {
        document.key("burst", burst(bursts));
    }
}

impl<'d> Cast<'d> {
    /// The name of a target, and how many are picked if that has to be said. A role whose name a node has is that
    /// node: no file can mean anything else by it.
    fn name(&self, target: Target) -> (&'d str, Option<Pick>) {
        match target {
            Target::Node(node) => (&self.nodes[node.index()].name, None),
            Target::Holder => ("holder", None),
            Target::ExHolder => ("ex-holder", None),
            Target::Drawn { pick, from: Group::Everybody } => {
                (EVERYBODY, Some(pick).filter(|pick| *pick != Pick::All))
            }
            Target::Drawn { pick, from: Group::Role(role) } => {
                let name = role.name();
                let is_node = self.nodes.iter().any(|node| node.name == name);
                (name, Some(pick).filter(|pick| *pick != Pick::One && !is_node))
            }
        }
    }
}
