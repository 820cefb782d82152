//! A sweep, told to people: what is fine first and short, failures last.

use std::time::Duration;

use anstyle::Style;
use leasehold_campaign::{
    Confirmation, Finding, Program, Reason, ScenarioTally, Standing, SweepEnd, SweepOrder, Unmet, closer,
};
use leasehold_check::Verdict;
use leasehold_core::event::Probe;
use leasehold_core::plan::FaultKind;
use leasehold_scenario::ExpectedVerdict;

use super::arguments::SweepArgs;
use super::totals::Totals;
use super::{in_words, is_complete};
use crate::again::line_of_a_sweep;
use crate::page::{Page, styled};
use crate::summary::{BAD, DOUBTFUL, GOOD, TITLE, closeness, listed};
use crate::words::{counted, grouped};

/// How many closest calls and pairs are shown.
const SHOWN: usize = 5;

/// How many failures are shown with all that is known of them.
const SHOWN_FAILURES: usize = 20;

/// A sweep that is over.
pub(crate) struct Findings<'a> {
    pub(crate) args: &'a SweepArgs,
    pub(crate) program: &'a Program,
    pub(crate) order: &'a SweepOrder<'a>,
    pub(crate) end: &'a SweepEnd,
    /// By scenario.
    pub(crate) unmet: Vec<Vec<Unmet>>,
    pub(crate) found: &'a [Finding],
    pub(crate) elapsed: Duration,
    pub(crate) interrupted: bool,
}

/// Prints it.
pub(crate) fn print(findings: &Findings<'_>, page: &mut Page) {
    let totals = Totals::of(&findings.end.tally);
    findings.scenarios(page);
    page.line(format_args!(""));
    findings.reach(&totals, page);
    findings.faults(&totals, page);
    findings.pairs(&totals, page);
    findings.closest_calls(page);
    findings.audit(page);
    findings.counts(&totals, page);
    findings.ending(page);
    findings.verdict(page);
    findings.failures(page);
}

/// Whether a failure came again when it was run again.
pub(crate) fn is_confirmed(finding: &Finding) -> bool {
    finding.investigation.confirmation == Confirmation::Same
}

impl Findings<'_> {
    /// One line each.
    fn scenarios(&self, page: &mut Page) {
        let entries = self.program.entries();
        let width = entries.iter().map(|entry| entry.id.chars().count()).max().unwrap_or(0).max(8);
        let title = format!("{:width$}  {:>9}  {:22}  as expected?", "scenario", "runs", "verdicts");
        page.line(format_args!("{}", styled(TITLE, title)));
        let none = ScenarioTally::default();
        for (place, entry) in entries.iter().enumerate() {
            let tally = self.end.tally.scenarios.get(place).unwrap_or(&none);
            let runs = grouped(tally.runs);
            let verdicts = verdicts(tally);
            let expectation = self.expectation(place, tally);
            page.line(format_args!("{:width$}  {runs:>9}  {verdicts:22}  {expectation}", entry.id));
        }
    }

    fn expectation(&self, place: usize, tally: &ScenarioTally) -> String {
        let expect = &self.program.entries()[place].scenario.expect;
        let unmet = &self.unmet[place];
        let mut told = match Standing::of(unmet) {
            Standing::Met => match &expect.verdict {
                _ if self.args.ignore_expect => "yes".to_owned(),
                ExpectedVerdict::Violation { invariant, .. } => {
                    let share = share(tally.found_expected, tally.runs);
                    format!("yes, {} {} in {share}", invariant.id(), invariant.name())
                }
                ExpectedVerdict::Panic => {
                    format!("yes, panic in {}", share(tally.found_expected, tally.runs))
                }
                ExpectedVerdict::Pass | ExpectedVerdict::Vacuous => "yes".to_owned(),
            },
            Standing::Vacuous => styled(DOUBTFUL, format!("no: {}", in_words(unmet))),
            Standing::Failed | Standing::NotDeterministic => styled(BAD, format!("no: {}", in_words(unmet))),
        };
        let rates = expect.reach.iter().filter_map(|probe| Some((tally.reach.get(probe)?.0, probe)));
        if let Some((runs, probe)) = rates.min_by_key(|(runs, _)| *runs) {
            told.push_str(&format!("; {} in {}", probe.name(), share(runs, tally.runs)));
        }
        told
    }

    /// How many runs passed which place, and which none did.
    fn reach(&self, totals: &Totals, page: &mut Page) {
        let mut reached: Vec<_> = totals.reach.iter().map(|(probe, runs)| (*runs, *probe)).collect();
        reached.sort_by_key(|(runs, probe)| (std::cmp::Reverse(*runs), *probe));
        let told: Vec<String> = reached
            .into_iter()
            .map(|(runs, probe)| format!("{} {}", probe.name(), share(runs, totals.runs)))
            .collect();
        paragraph(page, "reach", &told);
        let never = Probe::ALL.into_iter().filter(|probe| !totals.reach.contains_key(probe));
        let never: Vec<String> = never.map(|probe| probe.name().to_owned()).collect();
        if !never.is_empty() {
            paragraph(page, "not reached", &never);
        }
        let missed: Vec<String> = self
            .program
            .entries()
            .iter()
            .zip(&self.unmet)
            .flat_map(|(entry, unmet)| {
                unmet.iter().filter_map(|unmet| match unmet {
                    Unmet::NeverReached(probe) => {
                        Some(styled(BAD, format!("{} in {}", probe.name(), entry.id)))
                    }
                    _ => None,
                })
            })
            .collect();
        if !missed.is_empty() {
            paragraph(page, "MISSED", &missed);
        }
    }

    fn faults(&self, totals: &Totals, page: &mut Page) {
        if totals.faults.is_empty() {
            page.line(format_args!("{:12}none", "faults"));
            return;
        }
        let head = format!("{:12}{:16}{:>11}{:>11}{:>11}", "faults", "kind", "scheduled", "fired", "landed");
        page.line(format_args!("{}", styled(TITLE, head)));
        for (kind, [scheduled, fired, landed]) in &totals.faults {
            let style = if *landed == 0 { DOUBTFUL } else { Style::new() };
            let counts = [*scheduled, *fired, *landed].map(|count| format!("{:>11}", grouped(count)));
            let line = format!("{:12}{:16}{}", "", kind.name(), counts.concat());
            page.line(format_args!("{}", styled(style, line)));
        }
        let never = FaultKind::ALL
            .into_iter()
            .filter(|kind| self.program.can_have(*kind) && !totals.faults.contains_key(kind));
        let never: Vec<String> = never.map(|kind| kind.name().to_owned()).collect();
        if !never.is_empty() {
            paragraph(page, "never drawn", &never);
        }
    }

    fn pairs(&self, totals: &Totals, page: &mut Page) {
        let possible = self.possible_pairs();
        if possible.is_empty() {
            return;
        }
        let mut seen: Vec<_> = totals.pairs.iter().map(|(pair, runs)| (*runs, *pair)).collect();
        seen.sort_by_key(|(runs, pair)| (std::cmp::Reverse(*runs), *pair));
        page.line(format_args!(
            "{:12}{} of {} were in effect together",
            "pairs",
            grouped(seen.len() as u64),
            counted(possible.len() as u64, "pair of kinds")
        ));
        let most = seen.iter().take(SHOWN);
        let most: Vec<String> =
            most.map(|(runs, pair)| format!("{} {}", pair_name(*pair), share(*runs, totals.runs))).collect();
        if !most.is_empty() {
            paragraph(page, "  most often", &most);
        }
        let missing: Vec<_> = possible.iter().filter(|pair| !totals.pairs.contains_key(*pair)).collect();
        let mut never: Vec<String> = missing.iter().take(SHOWN).map(|pair| pair_name(**pair)).collect();
        if missing.len() > SHOWN {
            never.push(format!("and {} more", missing.len() - SHOWN));
        }
        if !never.is_empty() {
            paragraph(page, "  never", &never);
        }
    }

    /// The pairs of kinds that some scenario of the sweep can have.
    pub(crate) fn possible_pairs(&self) -> Vec<(FaultKind, FaultKind)> {
        let kinds: Vec<_> = FaultKind::ALL.into_iter().filter(|kind| self.program.can_have(*kind)).collect();
        let with_later = |(place, one): (usize, &FaultKind)| {
            let one = *one;
            kinds[place..].iter().map(move |other| (one, *other)).collect::<Vec<_>>()
        };
        kinds.iter().enumerate().flat_map(with_later).collect()
    }

    /// The closest of each invariant, the closest of all first.
    fn closest_calls(&self, page: &mut Page) {
        let mut calls: Vec<_> = self.end.tally.closest().into_iter().collect();
        calls.sort_by(|(_, one), (_, other)| closer(&one.0, &other.0));
        let Some(&(_, (_, scenario, seed))) = calls.first() else { return };
        page.line(format_args!("{}", styled(TITLE, "closest calls")));
        for (invariant, (call, scenario, seed)) in calls.iter().take(SHOWN) {
            let name = format!("{:3} {}", invariant.id(), invariant.name());
            let share = call
                .of
                .filter(|of| !of.is_zero())
                .map_or_else(String::new, |of| percent(call.left.as_nanos() as f64 / of.as_nanos() as f64));
            let id = &self.program.entries()[*scenario].id;
            page.line(format_args!("{:12}{name:26}{share:>8}  {}, {id} seed {seed}", "", closeness(call)));
        }
        let job = leasehold_campaign::Job { scenario, seed };
        page.line(format_args!("{:12}{}", "", line_of_a_sweep(self.args, self.program, job)));
    }

    fn audit(&self, page: &mut Page) {
        let different = self.end.tally.not_deterministic();
        let audited = counted(self.end.audited, "run");
        if different == 0 {
            page.line(format_args!("{:12}{audited} made twice, with the same digests", "audit"));
            return;
        }
        let told = format!("{} of {audited} made twice came to ANOTHER digest:", grouped(different));
        page.line(format_args!("{:12}{}", "audit", styled(BAD, told)));
        for &(scenario, seed) in self.end.tally.not_deterministic.iter().take(SHOWN) {
            let job = leasehold_campaign::Job { scenario, seed };
            page.line(format_args!("{}", line_of_a_sweep(self.args, self.program, job)));
        }
    }

    fn counts(&self, totals: &Totals, page: &mut Page) {
        let seconds = self.elapsed.as_secs_f64();
        let rate = grouped((totals.runs as f64 / seconds.max(1e-3)).round() as u64);
        let simulated = totals.simulated_seconds();
        page.line(format_args!(
            "{:12}{} in {seconds:.1} s on {}: {rate} a second; {} simulated, {} real time",
            "sweep",
            counted(totals.runs, "run"),
            counted(self.order.jobs.get() as u64, "thread"),
            span(simulated),
            times(simulated / seconds.max(1e-3)),
        ));
    }

    /// Why it is not complete, if so.
    fn ending(&self, page: &mut Page) {
        let total = self.order.positions.end - self.order.positions.start;
        let why = match self.end.reason {
            Reason::Complete => return,
            Reason::EnoughFailures => "as many runs failed as were asked for",
            Reason::Plateau => "nothing new came any more",
            Reason::Asked if self.interrupted => "it was interrupted",
            Reason::Asked => "its time was over",
        };
        let (done, total) = (grouped(self.end.tally.runs()), grouped(total));
        let told = format!("stopped after {done} of {total} runs: {why}");
        page.line(format_args!("{:12}{}", "", styled(DOUBTFUL, told)));
    }

    fn verdict(&self, page: &mut Page) {
        let missed = self.unmet.iter().filter(|unmet| !unmet.is_empty()).count();
        let scenarios = counted(self.unmet.len() as u64, "scenario");
        let told = match Standing::of(self.unmet.iter().flatten()) {
            Standing::Met if is_complete(self.end) => {
                styled(GOOD, format!("all of {scenarios} came to what they should"))
            }
            Standing::Met => styled(GOOD, "nothing failed so far"),
            Standing::Vacuous => {
                styled(DOUBTFUL, format!("nothing failed, but {missed} of {scenarios} said too little"))
            }
            Standing::Failed | Standing::NotDeterministic => {
                styled(BAD, format!("{missed} of {scenarios} did not come to what they should"))
            }
        };
        page.line(format_args!("{:12}{told}", "verdict"));
        if let Some((clean, rate)) = self.proves() {
            page.line(format_args!(
                "{:12}no violation in {}: under this generator the rate is below {} at 95 %",
                "proves",
                counted(clean, "run"),
                percent(rate)
            ));
        }
    }

    /// In how many runs nothing was violated that must not be, and below which rate that says violations are, at 95 %
    /// confidence; nothing if something failed. Runs of scenarios that expect a violation say nothing about it.
    pub(crate) fn proves(&self) -> Option<(u64, f64)> {
        if self.end.tally.failed() > 0 || self.end.tally.not_deterministic() > 0 {
            return None;
        }
        let entries = self.program.entries().iter().zip(&self.end.tally.scenarios);
        let clean = entries.filter(|(entry, _)| {
            let is_pass = self.args.ignore_expect || entry.scenario.expect.verdict == ExpectedVerdict::Pass;
            is_pass && !entry.scenario.is_explicit()
        });
        let runs: u64 =
            clean.map(|(_, tally)| tally.verdicts.get(&Verdict::Pass).copied().unwrap_or(0)).sum();
        (runs > 0).then(|| (runs, 1.0 - 0.05_f64.powf(1.0 / runs as f64)))
    }

    fn failures(&self, page: &mut Page) {
        for broken in &self.end.broken {
            page.line(format_args!(""));
            page.line(format_args!("{}: {}", styled(BAD, "the harness itself panicked"), broken.message));
            page.line(format_args!("{}", line_of_a_sweep(self.args, self.program, broken.job)));
        }
        for finding in self.found.iter().take(SHOWN_FAILURES) {
            page.line(format_args!(""));
            self.failure(finding, page);
        }
        if self.found.len() > SHOWN_FAILURES {
            page.line(format_args!(""));
            page.line(format_args!("… and {} more", self.found.len() - SHOWN_FAILURES));
        }
    }

    fn failure(&self, finding: &Finding, page: &mut Page) {
        let Finding { job, investigation, .. } = finding;
        let entry = &self.program.entries()[job.scenario];
        let tally = self.end.tally.scenarios.get(job.scenario);
        let of_kind = tally.and_then(|tally| tally.failures.get(&investigation.fingerprint));
        let runs = of_kind.map_or(1, |failure| failure.runs);
        let all = tally.map_or(runs, |tally| tally.runs);
        page.line(format_args!("{} in {}", styled(BAD, &investigation.fingerprint), entry.id));
        page.line(format_args!(
            "    in {} of {}, first under seed {}",
            grouped(runs),
            counted(all, "run"),
            job.seed
        ));
        let before = investigation.trial.plan().faults.len() as u64;
        let shrunk = match &investigation.shrunk {
            _ if !is_confirmed(finding) => styled(BAD, "it came to ANOTHER digest when it was run again"),
            None => counted(before, "fault"),
            Some(shrunk) => {
                let after = shrunk.trial.plan().faults.len() as u64;
                format!(
                    "{}, shrunk to {} in {}",
                    counted(before, "fault"),
                    grouped(after),
                    counted(shrunk.runs, "run")
                )
            }
        };
        page.line(format_args!("    {shrunk}"));
        page.line(format_args!("{}", line_of_a_sweep(self.args, self.program, *job)));
    }
}

fn verdicts(tally: &ScenarioTally) -> String {
    let told: Vec<String> = match tally.verdicts.len() {
        1 => tally.verdicts.keys().map(|verdict| verdict.name().to_owned()).collect(),
        _ => tally
            .verdicts
            .iter()
            .map(|(verdict, runs)| format!("{} {}", verdict.name(), grouped(*runs)))
            .collect(),
    };
    if told.is_empty() { "-".to_owned() } else { told.join(", ") }
}

fn pair_name((one, other): (FaultKind, FaultKind)) -> String {
    format!("{}+{}", one.name(), other.name())
}

/// A title and items behind it.
fn paragraph(page: &mut Page, title: &str, items: &[String]) {
    page.line(format_args!("{title:12}{}", listed(items)));
}

fn share(part: u64, of: u64) -> String {
    percent(part as f64 / (of.max(1)) as f64)
}

/// A share in percent: two digits that say something, and never rounded to none or to all.
pub(crate) fn percent(share: f64) -> String {
    let percent = share * 100.0;
    match percent {
        p if p <= 0.0 => "0 %".to_owned(),
        p if p >= 100.0 => "100 %".to_owned(),
        p if p > 99.0 => "over 99 %".to_owned(),
        p if p >= 10.0 => format!("{p:.0} %"),
        p if p >= 1.0 => format!("{p:.1} %"),
        p => {
            let digits = (1.0 - p.log10().floor()).clamp(2.0, 12.0) as usize;
            format!("{p:.digits$} %")
        }
    }
}

/// How many times as fast as real time.
pub(crate) fn times(factor: f64) -> String {
    if factor >= 10.0 {
        format!("{} times", grouped(factor.round() as u64))
    } else {
        format!("{factor:.1} times")
    }
}

/// Simulated seconds, in the unit that people would use.
fn span(seconds: f64) -> String {
    match seconds {
        s if s < 120.0 => format!("{s:.1} s"),
        s if s < 7_200.0 => format!("{:.1} min", s / 60.0),
        s if s < 172_800.0 => format!("{:.1} h", s / 3_600.0),
        s => format!("{} days", grouped((s / 86_400.0).round() as u64)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_is_never_rounded_to_none_or_to_all() {
        for (share, told) in [
            (0.0, "0 %"),
            (1.0, "100 %"),
            (0.9999, "over 99 %"),
            (0.5, "50 %"),
            (0.0312, "3.1 %"),
            (0.000_299_5, "0.030 %"),
            (0.000_000_04, "0.0000040 %"),
        ] {
            assert_eq!(percent(share), told);
        }
    }

    #[test]
    fn simulated_time_is_told_in_the_unit_that_fits() {
        for (seconds, told) in
            [(61.0, "61.0 s"), (600.0, "10.0 min"), (7_200.0, "2.0 h"), (864_000.0 * 123.0, "1,230 days")]
        {
            assert_eq!(span(seconds), told);
        }
        assert_eq!((times(2.04), times(15_000.4)), ("2.0 times".to_owned(), "15,000 times".to_owned()));
    }
}
