//! `junit.xml`: a sweep as tests, for machines that show tests.
//!
//! A test suite is a scenario; a test case is one of its invariants, or its expectation as a whole. There are no times
//! and no dates in it, so that merged shards give the same bytes as one run.

use leasehold_check::Invariant;
use quick_junit::{NonSuccessKind, Report, TestCase, TestCaseStatus, TestSuite};

use crate::fingerprint::Fingerprint;
use crate::results::{Manifest, OrderedScenario};
use crate::standing::Unmet;
use crate::tally::{FailureTally, ScenarioTally, Tally};

/// The case beside those of the invariants.
const EXPECTATION: &str = "expectation";

/// The text of a JUnit report of these results.
pub fn junit(manifest: &Manifest, tally: &Tally) -> String {
    let mut report = Report::new("leasehold");
    let unmet = manifest.unmet(tally);
    let none = ScenarioTally::default();
    for (place, (scenario, unmet)) in manifest.order.scenarios.iter().zip(&unmet).enumerate() {
        let tally = tally.scenarios.get(place).unwrap_or(&none);
        report.add_test_suite(Suite { manifest, place, scenario, tally, unmet }.make());
    }
    let mut text = report.to_string().expect("texts in memory can be written as XML");
    if !text.ends_with('\n') {
        text.push('\n');
    }
    text
}

struct Suite<'m> {
    manifest: &'m Manifest,
    place: usize,
    scenario: &'m OrderedScenario,
    tally: &'m ScenarioTally,
    unmet: &'m [Unmet],
}

impl Suite<'_> {
    fn make(&self) -> TestSuite {
        let mut suite = TestSuite::new(self.scenario.path.as_str());
        for invariant in &self.scenario.invariants {
            suite.add_test_case(self.invariant(*invariant));
        }
        suite.add_test_case(self.expectation());
        suite
    }

    fn case(&self, name: &str, status: TestCaseStatus, body: &str) -> TestCase {
        let mut case = TestCase::new(name, status);
        case.set_classname(self.scenario.name.as_str());
        if !body.is_empty() {
            case.set_system_out(body);
        }
        case
    }

    /// An invariant is failed by the runs that failed by it first. One that was false only in runs that had failed by
    /// another before fails too: nothing is shown as held that was not.
    fn invariant(&self, invariant: Invariant) -> TestCase {
        let [judged, excused, violations] =
            self.tally.invariants.get(&invariant).copied().unwrap_or_default();
        let told = format!("judged {judged} times, excused {excused} times, false {violations} times");
        let name = format!("{} {}", invariant.id(), invariant.name());
        let failures: Vec<(&Fingerprint, &FailureTally)> =
            self.tally.failures.iter().filter(|(what, _)| what.what == invariant.name()).collect();
        let expected = !self.manifest.order.ignore_expect
            && (self.scenario.violation == Some(invariant) || self.scenario.also.contains(&invariant));
        if failures.is_empty() && (violations == 0 || expected) {
            let note = if violations > 0 { ", as the scenario expects" } else { "" };
            return self.case(&name, TestCaseStatus::success(), &format!("{told}{note}"));
        }
        let runs: u64 = failures.iter().map(|(_, failure)| failure.runs).sum();
        let message = match runs {
            0 => {
                format!("{} was false, in runs that had failed by another invariant before", invariant.name())
            }
            _ => format!("{}: {}", counted(runs), invariant.statement()),
        };
        let mut body = format!("{}\n{told}\n", invariant.statement());
        failures.iter().for_each(|(what, failure)| body.push_str(&self.told(what, failure)));
        self.case(&name, failed(&message, &body), "")
    }

    /// Whatever is no invariant: panics, hazards, what should have been found or reached and was not.
    fn expectation(&self) -> TestCase {
        let runs = format!("{} runs", self.tally.runs);
        if self.unmet.is_empty() {
            return self.case(EXPECTATION, TestCaseStatus::success(), &runs);
        }
        let message = self.unmet.iter().map(Unmet::in_words).collect::<Vec<_>>().join("; ");
        let mut body = format!("{runs}: {message}\n");
        let is_other = |what: &Fingerprint| Invariant::from_name(&what.what).is_none();
        for (what, failure) in self.tally.failures.iter().filter(|(what, _)| is_other(what)) {
            body.push_str(&self.told(what, failure));
        }
        self.case(EXPECTATION, failed(&message, &body), "")
    }

    fn told(&self, what: &Fingerprint, failure: &FailureTally) -> String {
        let order = &self.manifest.order;
        let seeds: Vec<String> = failure.seeds.iter().map(ToString::to_string).collect();
        let shown = u64::try_from(seeds.len()).expect("lists are shorter than that");
        let more = if failure.runs > shown { ", …" } else { "" };
        let line = order.line(self.place, order.job(failure.first).1);
        let mut told = format!("\n{what}: {}\n", counted(failure.runs));
        told.push_str(&format!("seeds: {}{more}\nto see it again: {line}\n", seeds.join(", ")));
        let is_it = |stored: &&crate::results::StoredFailure| {
            stored.scenario == self.place && stored.fingerprint == *what
        };
        if let Some(stored) = self.manifest.failures.iter().find(is_it) {
            told.push_str(&format!("shrunk: failures/{}\n", stored.id));
        }
        told
    }
}

fn failed(message: &str, body: &str) -> TestCaseStatus {
    let mut status = TestCaseStatus::non_success(NonSuccessKind::Failure);
    status.set_message(message).set_type("failure").set_description(body);
    status
}

fn counted(runs: u64) -> String {
    if runs == 1 { "1 run failed".to_owned() } else { format!("{runs} runs failed") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::results::samples::{bad, fencing, fine, order};
    use crate::results::{Expects, StoredFailure};
    use crate::shard::Shard;

    fn report(change: impl Fn(&mut Manifest), runs: u64) -> String {
        let mut manifest = Manifest::new(order(&["a"], (0, 50)), Shard::WHOLE);
        manifest.covers_to(runs);
        change(&mut manifest);
        let mut tally = Tally::default();
        for position in 0..runs {
            let make = if position % 2 == 1 { bad } else { fine };
            let mut record = make(&manifest.order, position);
            record.found_expected = manifest.order.scenarios[0].violation.is_some() && position % 2 == 1;
            if record.found_expected {
                record.failed.clear();
            }
            tally.add(&record);
        }
        junit(&manifest, &tally)
    }

    #[test]
    fn a_scenario_is_a_suite_and_an_invariant_a_case() {
        let text = report(
            |manifest| {
                let fingerprint = fencing();
                let id = manifest.order.failure_id(0, &fingerprint);
                manifest.failures.push(StoredFailure { id, scenario: 0, position: 1, seed: 1, fingerprint });
            },
            50,
        );
        for words in [
            r#"<testsuites name="leasehold" tests="4" skipped="0" failures="2" errors="0">"#,
            r#"<testsuite name="scenarios/a.toml" tests="4" skipped="0" errors="0" failures="2">"#,
            r#"<testcase name="I1 exclusivity" classname="a">"#,
            r#"<testcase name="I2 fencing" classname="a">"#,
            r#"<testcase name="expectation" classname="a">"#,
            "25 runs failed: accepted tokens never decrease",
            "fencing, accepted-older-token, of contender and resource: 25 runs failed",
            // The first twenty, and a sign that there are more.
            "seeds: 1, 3, 5, 7, 9, 11, 13, 15, 17, 19, 21, 23, 25, 27, 29, 31, 33, 35, 37, 39, …\n",
            "to see it again: leasehold run scenarios/a.toml --seed 1 --chaos\n",
            "shrunk: failures/a-fencing-accepted-older-token-contender-resource\n",
            r#"message="25 runs failed""#,
        ] {
            assert!(text.contains(words), "{words}\n{text}");
        }
        for word in ["time", "timestamp", "uuid", "hostname"] {
            assert!(!text.contains(&format!("{word}=")), "{word}: {text}");
        }
    }

    #[test]
    fn a_violation_that_is_expected_is_no_failure() {
        let expected = |manifest: &mut Manifest| {
            manifest.order.scenarios[0].expects = Expects::Violation;
            manifest.order.scenarios[0].violation = Some(Invariant::Fencing);
        };
        let text = report(expected, 50);
        assert!(text.contains(r#"tests="4" skipped="0" errors="0" failures="0""#), "{text}");
        assert!(text.contains("false 25 times, as the scenario expects"), "{text}");
        let never = report(expected, 1);
        assert!(
            never.contains(r#"failures="0""#),
            "one run of fifty does not say what is never found: {never}"
        );
    }

    #[test]
    fn an_invariant_that_was_false_after_another_is_not_shown_as_held() {
        let manifest = Manifest::new(order(&["a"], (0, 50)), Shard::WHOLE);
        let mut tally = Tally::default();
        let mut record = bad(&manifest.order, 0);
        record.failed[0].what = "exclusivity".to_owned();
        tally.add(&record);
        let text = junit(&manifest, &tally);
        assert!(
            text.contains("fencing was false, in runs that had failed by another invariant before"),
            "{text}"
        );
        assert!(text.contains(r#"failures="3""#), "{text}");
    }
}
