//! Pages that people look at: of a study, and of a sweep.
//!
//! A page is a document of texts, tables and pictures; HTML and Markdown are two forms of it. What
//! stands in it comes from one file for each part. All of it can be read without a network and without scripts.

mod advice;
mod comparison;
mod distributions;
mod document;
mod each;
mod inline;
mod maps;
mod markdown;
mod predictions;
mod scale;
mod study;
mod sweep;
mod view;

use crate::study::StudySummary;
use crate::sweep_page::SweepPage;

/// The report of a study, as one HTML file that asks nobody for anything: `report.html`. Beside it, if there is one, stands
/// what an earlier run of the same study came to.
pub fn study_html(study: &StudySummary, baseline: Option<&StudySummary>) -> String {
    study::document(study, baseline).html()
}

/// The same in Markdown, without pictures: `report.md`.
pub fn study_md(study: &StudySummary, baseline: Option<&StudySummary>) -> String {
    study::document(study, baseline).markdown()
}

/// The report of a sweep, as one HTML file: `report.html` of a results folder.
pub fn sweep_html(sweep: &SweepPage) -> String {
    sweep::document(sweep).html()
}
