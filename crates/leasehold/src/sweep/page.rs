//! A sweep, told to people: what is fine first and short, failures last.

mod measured;

use anstyle::Style;
use leasehold_campaign::{Agreement, Confirmed, Expects, LeftOut, ScenarioTally, Standing, Unmet};
use leasehold_check::Verdict;
use leasehold_core::event::Probe;
use leasehold_core::plan::FaultKind;
use leasehold_scenario::ExpectedVerdict;

use super::findings::{Again, Ending, Failure, Findings, Pace};
use super::in_words;
use super::totals::Totals;
use crate::list::{terminal_width, wrapped};
use crate::page::{Page, styled};
use crate::summary::{BAD, DOUBTFUL, GOOD, TITLE, closeness, listed};
use crate::words::{counted, grouped};

/// How many runs a second, with a digit behind the point where there are few.
pub(super) fn rate(a_second: f64) -> String {
    if a_second < 10.0 { format!("{a_second:.1}") } else { grouped(a_second.round() as u64) }
}

/// How many closest calls and pairs are shown.
const SHOWN: usize = 5;

/// Where the text behind a title begins.
const INDENT: usize = 12;

/// A text is not broken into lines that are shorter than this.
const NARROWEST: usize = 30;

/// How many failures are shown with all that is known of them; the others have one line each.
const SHOWN_FAILURES: usize = 20;

/// Prints it.
pub(crate) fn print(findings: &Findings, page: &mut Page) {
    let totals = Totals::of(&findings.tally);
    findings.scenarios(page);
    page.line(format_args!(""));
    findings.reach(&totals, page);
    findings.faults(&totals, page);
    findings.pairs(&totals, page);
    findings.closest_calls(page);
    measured::print(findings, page);
    findings.audit(page);
    findings.left_out(page);
    findings.confirmed(page);
    findings.counts(&totals, page);
    findings.ending(page);
    findings.verdict(page);
    findings.failures(page);
}

impl Findings {
    /// One line each.
    fn scenarios(&self, page: &mut Page) {
        let entries = &self.order.scenarios;
        let width = entries.iter().map(|entry| entry.id.chars().count()).max().unwrap_or(0).max(8);
        let title = format!("{:width$}  {:>9}  {:22}  as expected?", "scenario", "runs", "verdicts");
        page.line(format_args!("{}", styled(TITLE, title)));
        let none = ScenarioTally::default();
        for (place, entry) in entries.iter().enumerate() {
            let tally = self.tally.scenarios.get(place).unwrap_or(&none);
            let runs = grouped(tally.runs);
            let verdicts = verdicts(tally);
            let expectation = self.expectation(place, tally);
            page.line(format_args!("{:width$}  {runs:>9}  {verdicts:22}  {expectation}", entry.id));
        }
    }

    fn expectation(&self, place: usize, tally: &ScenarioTally) -> String {
        let expect = self.expect(place);
        let unmet = &self.unmet[place];
        let mut told = match Standing::of(unmet) {
            Standing::Met => match &expect.verdict {
                _ if self.order.ignore_expect => "yes".to_owned(),
                ExpectedVerdict::Violation { invariant, .. } => {
                    let share = share(tally.found_expected, tally.runs);
                    format!("yes, {} {} in {share}", invariant.id(), invariant.name())
                }
                ExpectedVerdict::Panic => {
                    format!("yes, panic in {}", share(tally.found_expected, tally.runs))
                }
                ExpectedVerdict::Pass | ExpectedVerdict::Vacuous => "yes".to_owned(),
            },
            Standing::Vacuous | Standing::BudgetMissed => {
                styled(DOUBTFUL, format!("no: {}", in_words(unmet)))
            }
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
        let title = format!("{} of {} places: ", told.len(), Probe::ALL.len());
        paragraph(page, "reach", &format!("{title}{}", listed(&told)));
        let never = Probe::ALL.into_iter().filter(|probe| !totals.reach.contains_key(probe));
        let never: Vec<String> = never.map(|probe| probe.name().to_owned()).collect();
        if !never.is_empty() {
            paragraph(page, "", &format!("never {}", listed(&never)));
        }
        let missed: Vec<String> = self
            .order
            .scenarios
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
            paragraph(page, "MISSED", &listed(&missed));
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
            .filter(|kind| self.order.can_have(*kind) && !totals.faults.contains_key(kind));
        let never: Vec<String> = never.map(|kind| kind.name().to_owned()).collect();
        if !never.is_empty() {
            paragraph(page, "", &format!("never drawn: {}", listed(&never)));
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
            paragraph(page, "", &format!("most often {}", listed(&most)));
        }
        let missing: Vec<_> = possible.iter().filter(|pair| !totals.pairs.contains_key(*pair)).collect();
        let mut never: Vec<String> = missing.iter().take(SHOWN).map(|pair| pair_name(**pair)).collect();
        if missing.len() > SHOWN {
            never.push(format!("and {} more", missing.len() - SHOWN));
        }
        if !never.is_empty() {
            paragraph(page, "", &format!("never {}", listed(&never)));
        }
    }

    /// The pairs of kinds that some scenario of the sweep can have.
    pub(crate) fn possible_pairs(&self) -> Vec<(FaultKind, FaultKind)> {
        let kinds: Vec<_> = FaultKind::ALL.into_iter().filter(|kind| self.order.can_have(*kind)).collect();
        let with_later = |(place, one): (usize, &FaultKind)| {
            let one = *one;
            kinds[place..].iter().map(move |other| (one, *other)).collect::<Vec<_>>()
        };
        kinds.iter().enumerate().flat_map(with_later).collect()
    }

    /// The closest of each invariant, the closest of all first.
    fn closest_calls(&self, page: &mut Page) {
        let calls = self.closest();
        let Some(&(_, (_, scenario, seed))) = calls.first() else { return };
        page.line(format_args!("{}", styled(TITLE, "closest calls")));
        for (invariant, (call, scenario, seed)) in calls.iter().take(SHOWN) {
            let name = format!("{:3} {}", invariant.id(), invariant.name());
            let share = call
                .of
                .filter(|of| !of.is_zero())
                .map_or_else(String::new, |of| percent(call.left.as_nanos() as f64 / of.as_nanos() as f64));
            let id = &self.order.scenarios[*scenario].id;
            page.line(format_args!("{:12}{name:26}{share:>8}  {}, {id} seed {seed}", "", closeness(call)));
        }
        let job = leasehold_campaign::Job { scenario, seed };
        page.line(format_args!("{:12}{}", "", self.line(job)));
    }

    fn audit(&self, page: &mut Page) {
        let different = self.tally.not_deterministic();
        let audited = counted(self.audited, "run");
        if different == 0 {
            page.line(format_args!("{:12}{audited} made twice, with the same digests", "audit"));
            return;
        }
        let told = format!("{} of {audited} made twice came to ANOTHER digest:", grouped(different));
        page.line(format_args!("{:12}{}", "audit", styled(BAD, told)));
        for &(scenario, seed) in self.tally.not_deterministic.iter().take(SHOWN) {
            let job = leasehold_campaign::Job { scenario, seed };
            page.line(format_args!("{}", self.line(job)));
        }
    }

    /// The scenarios that the engine cannot run.
    fn left_out(&self, page: &mut Page) {
        let left_out = &self.order.left_out;
        if left_out.is_empty() {
            return;
        }
        let told = format!("{} that the engine cannot run:", counted(left_out.len() as u64, "scenario"));
        page.line(format_args!("{:12}{}", "left out", styled(DOUBTFUL, told)));
        for LeftOut { path, why } in left_out {
            paragraph(page, "", &format!("{path}: {why}"));
        }
    }

    /// What turmoil says of some runs.
    fn confirmed(&self, page: &mut Page) {
        let Some(runs) = &self.confirmed else { return };
        let count = |is: fn(&Agreement) -> bool| runs.iter().filter(|run| is(&run.agreement)).count() as u64;
        let parts = [
            (count(|agreement| matches!(agreement, Agreement::Same)), "the same verdict"),
            (count(Agreement::is_dissent), "ANOTHER"),
            (count(|agreement| matches!(agreement, Agreement::NotExpressible { .. })), "not expressible"),
            (count(|agreement| matches!(agreement, Agreement::DoesNotFit { .. })), "too large"),
        ];
        let told = parts.iter().filter(|(runs, _)| *runs > 0);
        let told: Vec<String> = told.map(|(runs, what)| format!("{} {what}", grouped(*runs))).collect();
        let runs = counted(runs.len() as u64, "run");
        let told = format!("{runs} on turmoil: {}", listed(&told));
        if self.confirms_nothing() {
            page.line(format_args!(
                "{:12}{}",
                "confirmed",
                styled(DOUBTFUL, format!("{told}: this says nothing"))
            ));
        } else {
            paragraph(page, "confirmed", &told);
        }
        for run in self.dissents() {
            self.dissent(run, page);
        }
    }

    fn dissent(&self, run: &Confirmed, page: &mut Page) {
        let id = &self.order.scenarios[run.scenario].id;
        let on_sim = run.failed.as_ref().map_or("pass".to_owned(), ToString::to_string);
        let here = match &run.agreement {
            Agreement::Other { verdict, failed } if failed.is_empty() => verdict.name().to_owned(),
            Agreement::Other { failed, .. } => {
                listed(&failed.iter().map(ToString::to_string).collect::<Vec<_>>())
            }
            Agreement::Broken { message } => format!("the harness itself panicked: {message}"),
            Agreement::Same | Agreement::NotExpressible { .. } | Agreement::DoesNotFit { .. } => return,
        };
        let told = format!("{id} seed {}: {on_sim} on sim, {here} on turmoil", run.seed);
        page.line(format_args!("{:12}{}", "", styled(BAD, told)));
        for line in self.both_lines(run) {
            page.line(format_args!("{line}"));
        }
    }

    fn counts(&self, totals: &Totals, page: &mut Page) {
        let simulated = totals.simulated_seconds();
        let runs = counted(totals.runs, "run");
        let Some(Pace { elapsed, jobs, earlier }) = self.pace else {
            page.line(format_args!("{:12}{runs}; {} simulated", "merged", span(simulated)));
            return;
        };
        let seconds = elapsed.as_secs_f64();
        // What an earlier sweep ran took none of this time.
        let runs_here = totals.runs.saturating_sub(earlier.runs);
        let simulated_here = (simulated - earlier.simulated).max(0.0);
        let rate = rate(runs_here as f64 / seconds.max(1e-3));
        let runs = match earlier.runs {
            0 => runs,
            _ => format!("{runs}, {} of them now", grouped(runs_here)),
        };
        page.line(format_args!(
            "{:12}{runs} in {seconds:.1} s on {}: {rate} a second; {} simulated, {} real time",
            "sweep",
            counted(jobs as u64, "thread"),
            span(simulated),
            times(simulated_here / seconds.max(1e-3)),
        ));
    }

    /// Why it is not complete, if so; where it is kept.
    fn ending(&self, page: &mut Page) {
        if let Some(why) = self.ending.why() {
            let (done, wanted) = (grouped(self.tally.runs()), grouped(self.wanted));
            let told = match self.ending {
                Ending::Missing => format!("there are {done} of {wanted} runs: {why}"),
                _ => format!("stopped after {done} of {wanted} runs: {why}"),
            };
            page.line(format_args!("{:12}{}", "", styled(DOUBTFUL, told)));
        }
        if let Some(dir) = &self.kept_in {
            page.line(format_args!("{:12}{}", "results", dir.display()));
        }
    }

    fn verdict(&self, page: &mut Page) {
        let missed = self.unmet.iter().filter(|unmet| !unmet.is_empty()).count();
        let scenarios = counted(self.unmet.len() as u64, "scenario");
        let ran = self.tally.scenarios.iter().filter(|tally| tally.runs > 0).count();
        let told = match Standing::of(self.unmet.iter().flatten()) {
            // A shard may have no run of a scenario.
            Standing::Met if self.is_complete() && ran < self.unmet.len() => {
                let told = format!("{ran} of {scenarios} had runs here, and came to what they should");
                styled(GOOD, told)
            }
            Standing::Met if self.is_complete() => {
                styled(GOOD, format!("all of {scenarios} came to what they should"))
            }
            Standing::Met => styled(GOOD, "nothing failed so far"),
            Standing::Vacuous => {
                styled(DOUBTFUL, format!("nothing failed, but {missed} of {scenarios} said too little"))
            }
            Standing::BudgetMissed => {
                styled(DOUBTFUL, format!("all is safe, but {missed} of {scenarios} missed a budget"))
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
        if self.tally.failed() > 0 || self.tally.not_deterministic() > 0 {
            return None;
        }
        let scenarios = self.order.scenarios.iter().zip(&self.tally.scenarios);
        let clean = scenarios.filter(|(scenario, _)| {
            let is_pass = self.order.ignore_expect || scenario.expects == Expects::Pass;
            is_pass && !scenario.explicit
        });
        let runs: u64 =
            clean.map(|(_, tally)| tally.verdicts.get(&Verdict::Pass).copied().unwrap_or(0)).sum();
        (runs > 0).then(|| (runs, 1.0 - 0.05_f64.powf(1.0 / runs as f64)))
    }

    fn failures(&self, page: &mut Page) {
        for broken in &self.broken {
            page.line(format_args!(""));
            page.line(format_args!("{}: {}", styled(BAD, "the harness itself panicked"), broken.message));
            page.line(format_args!("{}", self.line(broken.job)));
        }
        let mut shown = 0;
        for group in self.groups() {
            page.line(format_args!(""));
            page.line(format_args!("{}", styled(BAD, &group[0].fingerprint)));
            for failure in group {
                if shown < SHOWN_FAILURES {
                    self.failure(failure, page);
                } else {
                    self.failure_in_short(failure, page);
                }
                shown += 1;
            }
        }
        for (entry, tally) in self.order.scenarios.iter().zip(&self.tally.scenarios) {
            if tally.failed_otherwise() > 0 {
                let runs = counted(tally.failed_otherwise(), "run");
                page.line(format_args!(""));
                page.line(format_args!("{}: {runs} more failed, each in yet another way", entry.id));
            }
        }
    }

    /// One line, which ends with what to paste.
    fn failure_in_short(&self, failure: &Failure, page: &mut Page) {
        let Failure { job, fingerprint, .. } = failure;
        let tally = self.of_scenario(job.scenario);
        let runs = tally.failures.get(fingerprint).map_or(1, |failure| failure.runs);
        let id = &self.order.scenarios[job.scenario].id;
        let (runs, seed, line) = (counted(runs, "run"), job.seed, self.line_of(failure));
        page.line(format_args!("    {id}: {runs}, first under seed {seed}: {line}"));
    }

    /// The failures that have the same fingerprint, whatever their scenarios; the first found stands first.
    fn groups(&self) -> Vec<Vec<&Failure>> {
        let mut groups: Vec<Vec<&Failure>> = Vec::new();
        for failure in &self.failures {
            match groups.iter_mut().find(|group| group[0].fingerprint == failure.fingerprint) {
                Some(group) => group.push(failure),
                None => groups.push(vec![failure]),
            }
        }
        groups
    }

    /// What is known of one, and the line to paste.
    fn failure(&self, failure: &Failure, page: &mut Page) {
        let Failure { job, fingerprint, before, .. } = failure;
        let tally = self.of_scenario(job.scenario);
        let runs = tally.failures.get(fingerprint).map_or(1, |failure| failure.runs);
        let id = &self.order.scenarios[job.scenario].id;
        let before = counted(*before as u64, "fault");
        let became = match failure.shrunk {
            _ if failure.confirmation == Again::Different => {
                styled(BAD, "it came to ANOTHER digest when it was run again")
            }
            None => before,
            Some((after, runs)) => {
                format!("{before}, shrunk to {} in {}", grouped(after as u64), counted(runs, "run"))
            }
        };
        page.line(format_args!(
            "    {id}: {} of {}, first under seed {}; {became}",
            grouped(runs),
            counted(tally.runs, "run"),
            job.seed
        ));
        page.line(format_args!("{}", self.line_of(failure)));
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

/// A title and a text behind it, in lines that fit the terminal if there is one.
fn paragraph(page: &mut Page, title: &str, text: &str) {
    let lines = match terminal_width() {
        Some(width) if width > INDENT + NARROWEST => wrapped(text, width - INDENT),
        Some(_) | None => vec![text.to_owned()],
    };
    let titles = std::iter::once(title).chain(std::iter::repeat(""));
    for (title, line) in titles.zip(lines) {
        page.line(format_args!("{title:INDENT$}{line}"));
    }
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
