//! What is said of a run beside the picture of it.

use leasehold_core::FaultId;
use leasehold_report::timeline::Caption;
use leasehold_report::{Names, words};
use leasehold_scenario::{Report, Trial};

use crate::fingerprint::Fingerprint;
use crate::story::Story;

/// What is to be said of a run: its story, if it fails in this way. The run is run once more for it. `command` is the line
/// to paste to see it again.
pub fn caption(
    trial: &Trial,
    report: &Report,
    fingerprint: Option<&Fingerprint>,
    command: String,
) -> Caption {
    let summary = trial.scenario().summary.clone();
    let faults: Vec<FaultId> = (0..).map(FaultId).take(trial.plan().faults.len()).collect();
    let story =
        fingerprint.and_then(|fingerprint| Story::of(trial, report, fingerprint, &faults, report.engine));
    let Some(story) = story else { return Caption { summary, command, ..Caption::default() } };
    let names = Names::new(trial.header(report.engine));
    Caption {
        summary,
        command,
        story: story.sentences(&names).into_iter().map(|said| (said.at, said.text)).collect(),
        beliefs: story.beliefs_told(&names),
        ending: Some(story.ending_told(&names)),
        evidence: story.ending.evidence.iter().map(|fact| words::fact(&names, fact)).collect(),
    }
}
