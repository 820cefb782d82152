//! The scene in a few sentences, made from what is drawn.

use leasehold_check::Verdict;
use leasehold_core::{NodeId, SimInstant};

use super::beliefs::{Bar, BarKind};
use super::page::Caption;
use super::picture::{Alarm, AlarmKind, Picture};
use crate::words::{self, clock_time};

/// So many stops, claims and takeovers are told of each. Chosen by us: the chart shows the rest.
const MOST_TOLD: usize = 2;

/// What happened, in a few sentences: who stood still, who claimed without knowing better, who got the resource, and what
/// came of it.
pub(super) fn lead(picture: &Picture, caption: &Caption) -> String {
    let Some(alarm) = picture.first_alarm() else { return calm(picture, caption) };
    let mut sentences = stops(picture, alarm);
    sentences.extend(unaware(picture, alarm));
    sentences.extend(takeovers(picture, alarm));
    sentences.extend(stale(picture, alarm));
    if let Some((at, last)) = caption.story.last() {
        sentences.push(format!("At {} {last}", clock_time(*at)));
    }
    sentences.push(match (&caption.ending, alarm.kind) {
        (Some(ending), _) => capital(ending),
        (None, AlarmKind::Violation) => format!("At {}: {}", clock_time(alarm.at), alarm.text),
        (None, AlarmKind::Hazard) => {
            format!("Nothing was violated. At {} there was a {}", clock_time(alarm.at), alarm.text)
        }
    });
    joined(&sentences)
}

fn calm(picture: &Picture, caption: &Caption) -> String {
    let verdict = match picture.verdict {
        Verdict::Pass => "Nothing went wrong: all invariants held.".to_owned(),
        other => format!("No invariant was violated. The verdict is {}.", other.name()),
    };
    let faults = match picture.faults.len() {
        0 => "There were no faults.".to_owned(),
        _ => {
            let mut fired: Vec<_> = picture.faults.iter().map(|fault| fault.fault).collect();
            fired.sort_unstable();
            fired.dedup();
            let count = fired.len() as u64;
            let were = if count == 1 { "was" } else { "were" };
            format!("There {were} {}.", words::counted(count, "fault"))
        }
    };
    match &caption.ending {
        Some(ending) => format!("{}. {faults}", capital(ending)),
        None => format!("{verdict} {faults}"),
    }
}

/// Whether something bears on a finding: of those concerned, and not long over when it was made.
fn bears(picture: &Picture, alarm: &Alarm, node: NodeId, from: SimInstant, until: SimInstant) -> bool {
    let ttl = picture.names.header().bounds.longest_ttl;
    alarm.nodes.contains(&node) && from <= alarm.at && until.saturating_add(ttl) >= alarm.at
}

fn stops(picture: &Picture, alarm: &Alarm) -> Vec<String> {
    let bands = picture.bands.iter().rev().filter(|band| band.kind.is_stop());
    let those = bands.filter(|band| bears(picture, alarm, band.node, band.from, band.until)).take(MOST_TOLD);
    let mut told: Vec<String> = those
        .map(|band| {
            let who = picture.names.node(band.node);
            let until = match band.until < picture.ended_at {
                true => format!("to {}", clock_time(band.until)),
                false => "to the end".to_owned(),
            };
            format!("{who} was {} from {} {until}", band.kind.name(), clock_time(band.from))
        })
        .collect();
    told.reverse();
    told
}

fn unaware(picture: &Picture, alarm: &Alarm) -> Vec<String> {
    let bars = picture.bars.iter().filter(|bar| bar.kind == BarKind::Unaware);
    let those = bars.filter(|bar| bears(picture, alarm, bar.node, bar.from, bar.until));
    those
        .take(MOST_TOLD)
        .map(|bar| {
            format!(
                "The claim of {} under {} {} was over at {} by its own clock, and it did not know until {}",
                picture.names.node(bar.node),
                token(picture),
                bar.token,
                clock_time(bar.from),
                clock_time(bar.until)
            )
        })
        .collect()
}

/// Leases that others got while somebody concerned claimed, or did not know better.
fn takeovers(picture: &Picture, alarm: &Alarm) -> Vec<String> {
    let claims: Vec<&Bar> = picture
        .bars
        .iter()
        .filter(|bar| !matches!(bar.kind, BarKind::Lease(_)))
        .filter(|bar| bears(picture, alarm, bar.node, bar.from, bar.until))
        .collect();
    let leases = picture.bars.iter().filter_map(|bar| match bar.kind {
        BarKind::Lease(lease) if bar.from <= alarm.at => Some((bar, lease)),
        _ => None,
    });
    let during = |lease: &Bar| {
        claims.iter().any(|claim| {
            claim.resource == lease.resource
                && claim.token < lease.token
                && claim.from < lease.from
                && lease.from < claim.until
        })
    };
    let those = leases.filter(|(bar, _)| during(bar));
    those
        .take(MOST_TOLD)
        .map(|(bar, lease)| {
            format!(
                "{} was granted lease {lease} ({} {}) at {}",
                picture.names.node(bar.node),
                token(picture),
                bar.token,
                clock_time(bar.from)
            )
        })
        .collect()
}

fn stale(picture: &Picture, alarm: &Alarm) -> Vec<String> {
    let views =
        picture.views.iter().flat_map(|view| view.stale.iter().map(move |listed| (view.node, listed)));
    let those = views.filter(|(node, listed)| {
        bears(picture, alarm, *node, listed.stale_from, listed.until) && listed.until >= alarm.at
    });
    those
        .take(MOST_TOLD)
        .map(|(node, listed)| {
            let name = picture.names.instance(listed.instance);
            let long = listed.until.saturating_since(listed.stale_from);
            let (since, view) = (clock_time(listed.stale_from), picture.names.node(node));
            format!("{name} was gone from {since} on, and the view of {view} went on listing it for {long}")
        })
        .collect()
}

fn token(picture: &Picture) -> &'static str {
    if picture.names.has_registry() { "epoch" } else { "token" }
}

fn joined(sentences: &[String]) -> String {
    let whole: Vec<String> =
        sentences.iter().map(|said| format!("{}.", said.trim_end_matches('.'))).collect();
    whole.join(" ")
}

/// A sentence begins with a capital, unless a name stands there.
fn capital(said: &str) -> String {
    said.strip_prefix("this ").map_or_else(|| said.to_owned(), |rest| format!("This {rest}"))
}
