//! Faults in words, for logs and traces.

use leasehold_core::plan::{
    Action, Burst, Chance, Condition, Cut, FaultPlan, Pick, Scope, Target, Trigger, WatchFault, Worsening,
};
use leasehold_core::{CommandId, NodeId, SimInstant, Span};

use super::target::plural;

/// What a fault does, to whom, for how long and when, in one line: `pause holder before its next write for 15s,
/// when ttl_remaining < 70%`. `nodes` and `commands` are names, by id.
pub fn describe(fault: &FaultPlan, nodes: &[String], commands: &[String]) -> String {
    let on = target(fault.target, nodes);
    let what = match fault.action {
        Action::Partition(scope) => format!("cut {}", links(scope, fault.target, nodes)),
        Action::Link { scope, worse } => {
            format!("{} on {}", worsened(&worse), links(scope, fault.target, nodes))
        }
        Action::Clog(scope) => format!("clog {}", links(scope, fault.target, nodes)),
        Action::Hold(scope) => format!("hold what is on {}", links(scope, fault.target, nodes)),
        Action::Swizzle => {
            format!("clog the links of {on} one after the other, and heal them in another order")
        }
        Action::Pause => format!("pause {on}{}", place(fault.cut)),
        Action::Suspend => format!("suspend {on}{}", place(fault.cut)),
        Action::Throttle { step } => format!("slow {on} down to {step} an input"),
        Action::Stall => format!("stall the disk of {on}"),
        Action::Crash => format!("crash {on}{}", place(fault.cut)),
        Action::Torn => format!("crash {on}{}, losing all writes under way", place(fault.cut)),
        Action::Wipe => format!("crash {on}{}, losing its disk", place(fault.cut)),
        Action::Restart => format!("restart {on}"),
        Action::ClockRate(rate) => format!("run the clocks of {on} at {rate}"),
        Action::ClockFreeze => format!("freeze the clocks of {on}"),
        Action::WallStep(by) => format!("step the wall clock of {on} by {}", signed(by)),
        Action::WallStrobe { by, every } => {
            format!("strobe the wall clock of {on} by {} every {every}", signed(by))
        }
        Action::Watch(WatchFault::Drop) => format!("drop the watches of {on}"),
        Action::Watch(WatchFault::Stall) => format!("stall the watches of {on}"),
        Action::Watch(WatchFault::Gap) => format!("lose what the watches of {on} tell"),
        Action::Command(command) => format!("tell {on}: {}", command_name(command, commands)),
    };
    let lasts = match fault.action {
        Action::Restart | Action::WallStep(_) => String::new(),
        // Without a duration it is for good, but for nodes that the core needs; a wiped process is back at once; and most
        // commands take no time.
        Action::Crash | Action::Torn | Action::Wipe | Action::Command(_) => {
            fault.lasts.map_or(String::new(), |lasts| format!(" for {lasts}"))
        }
        _ => fault.lasts.map_or(" until all is healed".to_owned(), |lasts| format!(" for {lasts}")),
    };
    format!("{what}{lasts}, {}", trigger(fault.trigger))
}

fn trigger(trigger: Trigger) -> String {
    let (condition, from) = match trigger {
        Trigger::At(at) => return format!("at {}", at.since_start()),
        Trigger::When { condition, from } => (condition, from),
    };
    let from = match from {
        SimInstant::START => String::new(),
        from => format!(", from {} on", from.since_start()),
    };
    let condition = match condition {
        Condition::TtlRemainingBelow { percent } => format!("ttl_remaining < {percent}%"),
        Condition::GrantInFlight => "grant_in_flight".to_owned(),
        Condition::RenewalInFlight => "renewal_in_flight".to_owned(),
        Condition::ExpiryWithin { left } => format!("expiry_within {left}"),
        Condition::AfterTakeover => "after_takeover".to_owned(),
        Condition::EndOrdered => "end_ordered".to_owned(),
    };
    format!("when {condition}{from}")
}

fn target(target: Target, nodes: &[String]) -> String {
    match target {
        Target::Node(node) => node_name(node, nodes),
        Target::Holder => "holder".to_owned(),
        Target::ExHolder => "ex-holder".to_owned(),
        Target::Drawn { pick, from } => match pick {
            Pick::One => plural(from, 1).to_owned(),
            Pick::Minority => format!("a minority of the {}", plural(from, 2)),
            Pick::Majority => format!("a majority of the {}", plural(from, 2)),
            Pick::All => format!("all {}", plural(from, 2)),
            Pick::Random(count) => format!("{count} drawn {}", plural(from, usize::from(count))),
        },
    }
}

const fn is_one(target: Target) -> bool {
    !matches!(
        target,
        Target::Drawn { pick: Pick::Minority | Pick::Majority | Pick::All | Pick::Random(_), .. }
    )
}

/// A plan may come from a file that somebody edited, so an id may name nothing.
fn node_name(node: NodeId, nodes: &[String]) -> String {
    nodes.get(node.index()).cloned().unwrap_or_else(|| format!("node {node}"))
}

fn command_name(command: CommandId, commands: &[String]) -> String {
    commands.get(usize::from(command.0)).cloned().unwrap_or_else(|| format!("command {command}"))
}

fn links(scope: Scope, targets: Target, nodes: &[String]) -> String {
    let on = target(targets, nodes);
    match scope {
        Scope::Isolate if is_one(targets) => format!("all links of {on}"),
        Scope::Isolate => format!("all links between {on} and the rest"),
        Scope::Between(peer) => format!("the links between {on} and {}", target(peer, nodes)),
        Scope::OneWay(peer) if is_one(targets) && is_one(peer) => {
            format!("the link from {on} to {}", target(peer, nodes))
        }
        Scope::OneWay(peer) => format!("the links from {on} to {}", target(peer, nodes)),
        Scope::Majority => format!("all links between {on}, with others up to a minority, and the rest"),
        Scope::Ring => format!("all links but those of a ring of {on}"),
        Scope::Bridge => format!("all links between two halves of the nodes beside {on}"),
    }
}

fn worsened(worse: &Worsening) -> String {
    let Worsening { delay, loss, duplicate, reorder, slow, burst } = *worse;
    let mut parts = Vec::new();
    if loss != Chance::NEVER {
        parts.push(format!("lose {}", percent(loss)));
    }
    if let Some(Burst { good, bad, loss }) = burst {
        parts.push(format!("lose {} in bursts of {bad} every {good}", percent(loss)));
    }
    if duplicate != Chance::NEVER {
        parts.push(format!("duplicate {}", percent(duplicate)));
    }
    if !delay.is_zero() {
        parts.push(format!("delay by {delay}"));
    }
    if !reorder.is_zero() {
        parts.push(format!("reorder by up to {reorder}"));
    }
    if !slow.is_zero() {
        parts.push(format!("carry one message every {slow}"));
    }
    match parts.as_slice() {
        [] => "change nothing".to_owned(),
        [one] => one.clone(),
        [most @ .., last] => format!("{} and {last}", most.join(", ")),
    }
}

fn percent(chance: Chance) -> String {
    let ppm = chance.as_ppm();
    let decimals = format!("{:04}", ppm % 10_000);
    match decimals.trim_end_matches('0') {
        "" => format!("{}%", ppm / 10_000),
        decimals => format!("{}.{decimals}%", ppm / 10_000),
    }
}

fn signed(by: i64) -> String {
    let sign = if by < 0 { "-" } else { "+" };
    format!("{sign}{}", Span::from_nanos(by.unsigned_abs()))
}

fn place(cut: Cut) -> String {
    match cut {
        Cut::After(0) => String::new(),
        Cut::After(1) => " after 1 output of its next step".to_owned(),
        Cut::After(count) => format!(" after {count} outputs of its next step"),
        Cut::Now => " without waiting for a step".to_owned(),
        Cut::BeforeSend(purpose) => format!(" before its next {}", purpose.name()),
    }
}
