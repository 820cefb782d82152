//! How stale views were, scenario by scenario, and who came nearest to his bound.

use leasehold_campaign::{MeasureTally, OrderedScenario};
use leasehold_check::Metric;

use super::Findings;
use crate::page::{Page, styled};
use crate::summary::measured::{ratio, value};
use crate::summary::{BAD, TITLE};
use crate::words::grouped;

/// What is told of each scenario: what users see.
const TOLD: Metric = Metric::Staleness;

/// One line for each scenario that measured it.
pub(super) fn print(findings: &Findings, page: &mut Page) {
    let measured = |(entry, tally): (_, &leasehold_campaign::ScenarioTally)| {
        tally.measures.get(&TOLD).cloned().map(|measure| (entry, measure))
    };
    let scenarios = findings.order.scenarios.iter().zip(&findings.tally.scenarios);
    let lines: Vec<(&OrderedScenario, MeasureTally)> = scenarios.filter_map(measured).collect();
    let Some(width) = lines.iter().map(|(entry, _)| entry.id.chars().count()).max() else { return };
    let width = width.max(TOLD.name().len());
    let head = format!(
        "{:width$} {:>9} {:>9} {:>9} {:>9}  most of its bound",
        TOLD.name(),
        "samples",
        "p50",
        "p99",
        "worst"
    );
    page.line(format_args!("{}", styled(TITLE, head)));
    for (entry, measure) in lines {
        let percentiles = measure.histogram.percentiles(measure.worst);
        let of = |name: &str| {
            let told = percentiles.iter().find(|told| told.name == name);
            told.map_or_else(String::new, |told| value(TOLD, told.value))
        };
        let nearest = measure.nearest.map_or_else(
            || "-".to_owned(),
            |(nearest, seed)| {
                let (measured, bound) = (value(TOLD, nearest.measured), value(TOLD, nearest.bound));
                format!("{}: {measured} of {bound}, seed {seed}", ratio(&nearest))
            },
        );
        let violated = match measure.counts[2] {
            0 => String::new(),
            count => styled(BAD, format!(", {} beyond it", grouped(count))),
        };
        let outside = match measure.counts[1] {
            0 => String::new(),
            count => format!(", {} outside its conditions", grouped(count)),
        };
        page.line(format_args!(
            "{:width$} {:>9} {:>9} {:>9} {:>9}  {nearest}{outside}{violated}",
            entry.id,
            grouped(measure.samples()),
            of("p50"),
            of("p99"),
            value(TOLD, measure.worst)
        ));
    }
}
