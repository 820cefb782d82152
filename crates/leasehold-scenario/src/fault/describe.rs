//! Faults in words, for logs and traces.

use leasehold_core::plan::{Action, Chance, Condition, Cut, FaultPlan, Scope, Target, Trigger};
use leasehold_core::{CommandId, NodeId, Span};

/// What a fault does, to whom, for how long and when, in one line: `pause holder before its next write for 15s,
/// when ttl_remaining < 70%`. `nodes` and `commands` are names, by id.
pub fn describe(fault: &FaultPlan, nodes: &[String], commands: &[String]) -> String {
    let on = target(fault.target, nodes);
    let what = match fault.action {
        Action::Partition(scope) => format!("cut {}", links(scope, &on, nodes)),
        Action::Link { scope, delay, loss, duplicate } => {
            format!("{} on {}", worse(delay, loss, duplicate), links(scope, &on, nodes))
        }
        Action::Pause => format!("pause {on}{}", place(fault.cut)),
        Action::Suspend => format!("suspend {on}{}", place(fault.cut)),
        Action::Crash => format!("crash {on}{}", place(fault.cut)),
        Action::Restart => format!("restart {on}"),
        Action::ClockRate(rate) => format!("run the clocks of {on} at {rate}"),
        Action::WallStep(by) => {
            let sign = if by < 0 { "-" } else { "+" };
            format!("step the wall clock of {on} by {sign}{}", Span::from_nanos(by.unsigned_abs()))
        }
        Action::Command(command) => format!("tell {on}: {}", command_name(command, commands)),
    };
    let lasts = match fault.action {
        Action::Restart | Action::WallStep(_) | Action::Command(_) => String::new(),
        // Without a duration it is for good, but for nodes that the core needs.
        Action::Crash => fault.lasts.map_or(String::new(), |lasts| format!(" for {lasts}")),
        _ => fault.lasts.map_or(" until all is healed".to_owned(), |lasts| format!(" for {lasts}")),
    };
    let when = match fault.trigger {
        Trigger::At(at) => format!("at {}", at.since_start()),
        Trigger::When(Condition::TtlRemainingBelow { percent }) => format!("when ttl_remaining < {percent}%"),
    };
    format!("{what}{lasts}, {when}")
}

fn target(target: Target, nodes: &[String]) -> String {
    match target {
        Target::Node(node) => node_name(node, nodes),
        Target::Holder => "holder".to_owned(),
        Target::ExHolder => "ex-holder".to_owned(),
        Target::OneOf(role) => role.name().to_owned(),
    }
}

/// A plan may come from a file that somebody edited, so an id may name nothing.
fn node_name(node: NodeId, nodes: &[String]) -> String {
    nodes.get(node.index()).cloned().unwrap_or_else(|| format!("node {node}"))
}

fn command_name(command: CommandId, commands: &[String]) -> String {
    commands.get(usize::from(command.0)).cloned().unwrap_or_else(|| format!("command {command}"))
}

fn links(scope: Scope, on: &str, nodes: &[String]) -> String {
    match scope {
        Scope::Isolate => format!("all links of {on}"),
        Scope::Between(peer) => format!("the links between {on} and {}", target(peer, nodes)),
        Scope::OneWay(peer) => format!("the link from {on} to {}", target(peer, nodes)),
    }
}

fn worse(delay: Span, loss: Chance, duplicate: Chance) -> String {
    let mut parts = Vec::new();
    if loss != Chance::NEVER {
        parts.push(format!("lose {}", percent(loss)));
    }
    if duplicate != Chance::NEVER {
        parts.push(format!("duplicate {}", percent(duplicate)));
    }
    if !delay.is_zero() {
        parts.push(format!("delay by {delay}"));
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

fn place(cut: Cut) -> String {
    match cut {
        Cut::After(0) => String::new(),
        Cut::After(1) => " after 1 output of its next step".to_owned(),
        Cut::After(count) => format!(" after {count} outputs of its next step"),
        Cut::BeforeSend(purpose) => format!(" before its next {}", purpose.name()),
    }
}
