//! Pages that people look at: of a study, and of a sweep.

use crate::study::StudySummary;
use crate::sweep_page::SweepPage;

/// The report of a study, as one HTML file that asks nobody for anything: `report.html`. Beside it, if there is one, stands
/// what an earlier run of the same study came to.
pub fn study_html(study: &StudySummary, baseline: Option<&StudySummary>) -> String {
    let _ = (study, baseline);
    String::new()
}

/// The same in Markdown, without pictures: `report.md`.
pub fn study_md(study: &StudySummary, baseline: Option<&StudySummary>) -> String {
    let _ = (study, baseline);
    String::new()
}

/// The report of a sweep, as one HTML file: `report.html` of a results folder.
pub fn sweep_html(sweep: &SweepPage) -> String {
    let _ = sweep;
    String::new()
}
