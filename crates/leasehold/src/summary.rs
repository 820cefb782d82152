//! The verdict block.

pub(crate) mod measured;

use anstyle::{AnsiColor, Style};
use leasehold_campaign::Fingerprint;
use leasehold_check::{ClosestCall, InvariantReport, Judgement, Verdict, Violation};
use leasehold_core::event::Probe;
use leasehold_core::{FaultId, NodeId, RunEnd};
use leasehold_report::study::Met;
use leasehold_report::{Budget, Histograms};
use leasehold_scenario::{Expect, ExpectedVerdict, Report};

use crate::names::Names;
use crate::page::{Page, styled};
use crate::words;

pub(crate) const GOOD: Style = AnsiColor::Green.on_default().bold();
pub(crate) const BAD: Style = AnsiColor::Red.on_default().bold();
pub(crate) const DOUBTFUL: Style = AnsiColor::Yellow.on_default().bold();
pub(crate) const TITLE: Style = Style::new().bold();

/// How many violations are shown with their evidence.
const SHOWN: usize = 3;

/// How many of the nodes that a fault landed on are named.
const NAMED: usize = 6;

/// A run and how to see it again.
pub(crate) struct Summary<'a> {
    pub(crate) expectation: Expectation<'a>,
    pub(crate) names: &'a Names,
    pub(crate) report: &'a Report,
    /// What it measured.
    pub(crate) samples: &'a Histograms,
    /// Its budgets, if it has some and they were judged.
    pub(crate) budgets: &'a [Budget],
    /// Where a node panicked, in the source.
    pub(crate) panicked_at: Option<&'a str>,
    /// The line to paste.
    pub(crate) again: String,
}

/// What a run is held to.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Expectation<'a> {
    /// What its scenario expects.
    Of(&'a Expect),
    /// Its verdict alone, whatever its scenario expects.
    Ignored(&'a Expect),
    /// Its verdict alone: it was recorded, and a trace holds no expectation.
    Unknown,
    /// Whether this goes wrong in it, as it did in the run that it replays.
    Replayed(&'a Fingerprint, Standing),
}

/// Whether a failure is still there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Standing {
    /// It is.
    There,
    /// It is not.
    Gone,
}

impl Expectation<'_> {
    /// Whether the scenario's expectation is met; nothing where that is not the question.
    pub(crate) fn is_met_by(&self, report: &Report) -> Option<bool> {
        match self {
            Self::Of(_) | Self::Ignored(_) => Some(report.unmet.is_empty()),
            Self::Unknown | Self::Replayed(..) => None,
        }
    }

    /// Whether no run may reach a place. A trace does not know.
    fn forbids(&self, probe: Probe) -> bool {
        match self {
            Self::Of(expect) | Self::Ignored(expect) => expect.never.contains(&probe),
            Self::Unknown | Self::Replayed(..) => false,
        }
    }

    /// The places that the run had to reach and did not.
    pub(crate) fn missed(&self, names: &Names, judgement: &Judgement) -> Vec<Probe> {
        let reach = match self {
            Self::Of(expect) | Self::Ignored(expect) => &expect.reach,
            Self::Unknown | Self::Replayed(..) => &names.header().reach,
        };
        reach.iter().copied().filter(|&probe| judgement.reached(probe) == 0).collect()
    }
}

impl Summary<'_> {
    /// Prints it.
    pub(crate) fn print(&self, page: &mut Page) {
        self.evidence(page);
        self.verdict(page);
        self.invariants(page);
        measured::print(page, &self.report.judgement.measures, self.samples);
        self.told_budgets(page);
        self.counts(page);
        page.line(format_args!(""));
        if self.is_met() {
            page.line(format_args!("again       {}", self.again));
        } else {
            page.line(format_args!("to see it again:"));
            page.line(format_args!("{}", self.again));
        }
    }

    /// Whether the command ends well.
    pub(crate) fn is_met(&self) -> bool {
        match self.expectation {
            Expectation::Of(_) => self.report.unmet.is_empty(),
            Expectation::Ignored(_) | Expectation::Unknown => self.report.verdict == Verdict::Pass,
            Expectation::Replayed(_, standing) => standing == Standing::Gone,
        }
    }

    /// The violations shown, told in order.
    pub(crate) fn violations(&self) -> Vec<&Violation> {
        self.report.judgement.violations()
    }

    fn evidence(&self, page: &mut Page) {
        let violations = self.violations();
        for violation in violations.iter().take(SHOWN) {
            print_violation(page, self.names, violation);
        }
        if violations.len() > SHOWN {
            page.line(format_args!("    … and {} more", violations.len() - SHOWN));
        }
        match &self.report.outcome.end {
            RunEnd::Panicked { node, message } => {
                let place = self.panicked_at.map(|place| format!(", in {place}")).unwrap_or_default();
                let title = styled(BAD, format!("{} panicked", self.names.node(*node)));
                page.line(format_args!("{title} at {}{place}: {message}", self.report.outcome.ended_at));
            }
            RunEnd::Livelock { node } => {
                let title = styled(BAD, "livelock");
                let node = self.names.node(*node);
                let at = self.report.outcome.ended_at;
                page.line(format_args!("{title} at {at}: time does not go on; {node} was handled last"));
            }
            RunEnd::Completed | RunEnd::Stopped => {}
        }
        if !violations.is_empty() || !matches!(self.report.outcome.end, RunEnd::Completed) {
            page.line(format_args!(""));
        }
    }

    fn verdict(&self, page: &mut Page) {
        let verdict = self.report.verdict;
        let style = match verdict {
            Verdict::Pass => GOOD,
            Verdict::Vacuous | Verdict::Inconclusive | Verdict::BudgetMissed => DOUBTFUL,
            _ => BAD,
        };
        let expectation = match self.expectation {
            Expectation::Ignored(_) => "the scenario's expectation is ignored".to_owned(),
            Expectation::Unknown => "a trace says not what was expected".to_owned(),
            Expectation::Replayed(fingerprint, Standing::Gone) => format!("gone: {fingerprint}"),
            Expectation::Replayed(fingerprint, Standing::There) => {
                styled(BAD, format!("still there: {fingerprint}"))
            }
            Expectation::Of(expect) if self.report.unmet.is_empty() => match &expect.verdict {
                ExpectedVerdict::Pass => "as expected".to_owned(),
                ExpectedVerdict::Violation { invariant, .. } => {
                    format!("as expected: {} {}", invariant.id(), invariant.name())
                }
                ExpectedVerdict::Panic | ExpectedVerdict::Vacuous => "as expected".to_owned(),
            },
            Expectation::Of(_) => styled(BAD, format!("not as expected: {}", self.report.unmet.join("; "))),
        };
        page.line(format_args!("verdict     {} ({expectation})", styled(style, verdict.name())));
    }

    fn invariants(&self, page: &mut Page) {
        page.line(format_args!(
            "{}",
            styled(
                TITLE,
                format!(
                    "{:26}  {:>7}  {:>7}  {:>10}  closest call",
                    "invariant", "judged", "excused", "violations"
                )
            )
        ));
        let idle =
            |report: &&InvariantReport| report.judged == 0 && report.excused == 0 && report.unknown == 0;
        for report in self.report.judgement.invariants.iter().filter(|report| !idle(report)) {
            let InvariantReport { invariant, judged, excused, violations, unknown, closest_call, .. } =
                report;
            let name = format!("{:3} {}", invariant.id(), invariant.name());
            let violations = match violations {
                0 => format!("{:>10}", "-"),
                n => styled(BAD, format!("{:>10}", words::grouped(*n))),
            };
            let excused = if *excused == 0 { "-".to_owned() } else { words::grouped(*excused) };
            let closest = match (unknown, closest_call) {
                (0, None) => "-".to_owned(),
                (0, Some(call)) => closeness(call),
                (n, _) => styled(BAD, format!("unknown {}: its checker gave up", words::grouped(*n))),
            };
            let judged = words::grouped(*judged);
            page.line(format_args!("{name:26}  {judged:>7}  {excused:>7}  {violations}  {closest}"));
        }
        let idle: Vec<&str> = self
            .report
            .judgement
            .invariants
            .iter()
            .filter(idle)
            .map(|report| report.invariant.id())
            .collect();
        if !idle.is_empty() {
            page.line(format_args!("idle        {}: nothing happened that they judge", idle.join(", ")));
        }
    }

    fn told_budgets(&self, page: &mut Page) {
        for (index, budget) in self.budgets.iter().enumerate() {
            let title = if index == 0 { "budgets" } else { "" };
            let told = match budget.met {
                Met::Surely | Met::Probably => format!("{}, met", budget.told()),
                Met::Missed => styled(DOUBTFUL, format!("{}, MISSED", budget.told())),
                Met::Unmeasured => styled(DOUBTFUL, budget.told()),
            };
            page.line(format_args!("{title:10}  {told}"));
        }
    }

    fn counts(&self, page: &mut Page) {
        let report = self.report;
        let judgement = &report.judgement;
        let hazards: Vec<String> = judgement
            .hazards
            .iter()
            .filter(|hazard| hazard.seen > 0)
            .map(|hazard| format!("{} ({})", hazard.hazard.name(), words::grouped(hazard.seen)))
            .collect();
        page.line(format_args!("hazards     {}", listed(&hazards)));

        let mut reach: Vec<String> = judgement
            .reach
            .iter()
            .filter(|(_, count)| *count > 0)
            .map(|(probe, count)| {
                let told = format!("{} ({})", probe.name(), words::grouped(*count));
                if self.expectation.forbids(*probe) { styled(BAD, format!("{told} FORBIDDEN")) } else { told }
            })
            .collect();
        for missed in self.expectation.missed(self.names, judgement) {
            reach.push(styled(BAD, format!("{} MISSED", missed.name())));
        }
        page.line(format_args!("reach       {}", listed(&reach)));

        let broken: Vec<String> = judgement
            .assumptions
            .iter()
            .map(|&(node, assumption, count)| self.assumption(node, assumption.name(), count))
            .collect();
        page.line(format_args!(
            "broken      {}",
            if broken.is_empty() { "no assumption".to_owned() } else { broken.join(", ") }
        ));

        if report.outcome.faults.is_empty() {
            page.line(format_args!("faults      none"));
        }
        for (index, fault) in (0..).zip(&report.outcome.faults) {
            let title = if index == 0 { "faults" } else { "" };
            let became = match (fault.fired, fault.landed) {
                (None, _) => styled(DOUBTFUL, "never fired"),
                (Some(at), _) if fault.targets.is_empty() => {
                    styled(DOUBTFUL, format!("fired at {at}, at nobody"))
                }
                (Some(at), None) => styled(DOUBTFUL, format!("fired at {at}, did not land")),
                (Some(at), Some(landed)) => {
                    format!("fired at {at}, landed on {} at {landed}", first_of(self.names, &fault.targets))
                }
            };
            let what = self.names.fault(FaultId(index));
            page.line(format_args!("{title:10}  {}. {what}: {became}", index + 1));
        }
        page.line(format_args!(
            "run         seed {}, engine {}, {} simulated, {}",
            report.seed,
            report.engine.name(),
            report.outcome.ended_at.since_start(),
            words::counted(report.events, "event"),
        ));
        page.line(format_args!("digest      {}", report.digest));
    }

    fn assumption(&self, node: NodeId, name: &str, count: u64) -> String {
        let times = if count > 1 { format!(" ({} times)", words::grouped(count)) } else { String::new() };
        format!("{name} of {}{times}", self.names.node(node))
    }
}

/// A violation with its evidence.
pub(crate) fn print_violation(page: &mut Page, names: &Names, violation: &Violation) {
    let name = format!("{} {}", violation.invariant.id(), violation.invariant.name());
    page.line(format_args!(
        "{} at {}: {} ({})",
        styled(BAD, name),
        violation.at,
        violation.invariant.statement(),
        violation.clause
    ));
    for fact in &violation.evidence {
        page.line(format_args!("    {}", words::fact(names, fact)));
    }
}

pub(crate) fn closeness(call: &ClosestCall) -> String {
    match call.of {
        Some(of) => format!("{} left of {of}", call.left),
        None => format!("{} to spare", call.left),
    }
}

/// These nodes, or the first of them and how many there are besides.
fn first_of(names: &Names, nodes: &[NodeId]) -> String {
    let named: Vec<&str> = nodes.iter().take(NAMED).map(|&node| names.node(node)).collect();
    let named = named.join(", ");
    match nodes.len().saturating_sub(NAMED) {
        0 => named,
        more => format!("{named} and {} more", words::grouped(more as u64)),
    }
}

pub(crate) fn listed(items: &[String]) -> String {
    if items.is_empty() { "none".to_owned() } else { items.join(", ") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample_names::fleet;

    /// A fault that lands on a thousand nodes has one line.
    #[test]
    fn of_many_nodes_the_first_are_named() {
        let names = fleet(1_200, 0);
        let nodes: Vec<NodeId> = (1..=1_200).map(NodeId).collect();
        assert_eq!(first_of(&names, &nodes[..2]), "instance-1, instance-2");
        let all = "instance-1, instance-2, instance-3, instance-4, instance-5, instance-6";
        assert_eq!(first_of(&names, &nodes[..6]), all);
        assert_eq!(first_of(&names, &nodes), format!("{all} and 1,194 more"));
    }
}
