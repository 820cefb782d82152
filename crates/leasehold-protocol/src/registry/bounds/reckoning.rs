//! The bounds as inequalities, term by term. Source: docs/timing.md, sections 4 and 7.

use alloc::format;
use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;

use leasehold_core::time::Span;
use leasehold_core::{Inequality, Reckoning, Sum, Term};

use super::{Assumed, Policies, Sums, interval, latest_interval, warnings};
use crate::bounds::reckoning::{decimal, exact};
use crate::bounds::term;
use crate::registry::policy::{Cadence, Liveness, Unanswered};

pub(super) fn reckon(sums: &Sums<'_>) -> Reckoning {
    let mut inequalities = vec![
        bound("earliest end of a registration (I4)", "", earliest_end(sums)),
        bound("latest end of a registration (I5)", "", sums.latest_end.clone()),
        bound("a heartbeat is counted (D)", "D = ", sums.heartbeat_delay.clone()),
        bound(
            "staleness, first hop: until the registry excludes it (A, I10)",
            "A = ",
            sums.exclusion.clone(),
        ),
    ];
    inequalities.extend(staleness(sums));
    inequalities.push(bound("a deregistration that is not lost (I10)", "", sums.deregistration.clone()));
    inequalities.push(bound("a new instance is visible (I10)", "", sums.views.visibility.clone()));
    inequalities.push(fresh(sums));
    inequalities.push(false_expiry(sums));
    inequalities.push(load(sums));
    inequalities.extend(queueing(sums));
    inequalities.push(bound("work that stands still costs the lease (I14)", "", sums.progress.clone()));
    inequalities.push(bound("a healthy instance is registered again (I23)", "", sums.regrant.clone()));
    Reckoning { inequalities, warnings: warnings::warnings(sums) }
}

/// A bound. Its formula is what its terms say, after its name if it has one.
fn bound(name: &'static str, symbol: &'static str, left: Sum) -> Inequality {
    Inequality {
        name,
        formula: format!("{symbol}{}", symbols(&left)).into(),
        left,
        right: None,
        notes: vec![],
    }
}

/// A sum in symbols: what is shown as a formula and what is added up cannot differ.
fn symbols(sum: &Sum) -> String {
    let symbols: Vec<&str> = sum.terms.iter().map(|term| term.symbol).collect();
    symbols.join(" + ")
}

fn earliest_end(sums: &Sums<'_>) -> Sum {
    let value = sums.assumed.clock_rate.shortest_true(sums.least_ttl);
    let what = format!("a term of {}, on a fast clock", sums.least_ttl);
    Sum::of("how long a registration lives at least after a heartbeat", vec![term("T/(1+ρ)", value, what)])
}

/// The whole chain, once for each way in which a view hears of a change.
fn staleness(sums: &Sums<'_>) -> Vec<Inequality> {
    let views = &sums.views;
    let ways = [
        ("staleness with a healthy watch (I10)", &views.watch),
        ("staleness if the watch died silently (I10)", &views.dead_watch),
        ("staleness by the cache lifetime, whatever happens (I10)", &views.cache),
    ];
    let whole = |(name, second): (_, &Option<Sum>)| {
        let second = second.as_ref()?;
        let formula = format!("S ≤ A + {}", symbols(second)).into();
        let terms = sums.exclusion.terms.iter().chain(&second.terms).cloned().collect();
        let left = Sum::of("from a death until no view answers with it", terms);
        let note = format!("the second hop alone: {}, {}", second.what, exact(second.total));
        Some(Inequality { name, formula, left, right: None, notes: vec![note] })
    };
    ways.into_iter().filter_map(whole).collect()
}

/// Whether a healthy view is validated again before it is too old.
fn fresh(sums: &Sums<'_>) -> Inequality {
    let right = sums.policies.discovery.cache.map(|cache| {
        let what = format!("a view is answered from for {cache}");
        Sum::of("how old it may get, on the client's clock", vec![term("C", cache, what)])
    });
    let notes = match right {
        Some(_) => vec![],
        None => vec!["a view is answered from for ever".into()],
    };
    let left = sums.views.age.clone();
    Inequality {
        name: "a healthy view does not lapse",
        formula: format!("{} ≤ C", symbols(&left)).into(),
        left,
        right,
        notes,
    }
}

/// How long after a heartbeat that is counted the next one leaves that is not lost, if so many in between are, in true
/// time.
fn silence(assumed: &Assumed, policies: &Policies<'_>, ttl: Span, lost: u32) -> Span {
    let more = |sum: Span, tries| sum.saturating_add(after_lost(assumed, policies, ttl, tries));
    (0..lost).fold(after_counted(assumed, policies, ttl), more)
}

/// How long after a heartbeat that is counted the next one leaves.
fn after_counted(assumed: &Assumed, policies: &Policies<'_>, ttl: Span) -> Span {
    let every = assumed.clock_rate.longest_true(latest_interval(policies, ttl));
    match (policies.registry.liveness, policies.member.cadence) {
        (Liveness::Pull, _) | (_, Cadence::Fixed) => every,
        (_, Cadence::FromAnswer) => every.saturating_add(assumed.delay.scale(2, 1)),
    }
}

/// How long after one that is lost, when so many were lost before it.
fn after_lost(assumed: &Assumed, policies: &Policies<'_>, ttl: Span, tries: u32) -> Span {
    if !retries(policies) {
        return after_counted(assumed, policies, ttl);
    }
    let retry = policies.member.retry;
    let wait = retry.longest(retry.wait(tries, |_| 0));
    let look = policies.member.looks_every.unwrap_or(Span::ZERO);
    assumed.clock_rate.longest_true(wait.min(interval(policies, ttl)).saturating_add(look))
}

/// Whether a heartbeat that is not answered is followed by another before its time.
fn retries(policies: &Policies<'_>) -> bool {
    policies.registry.liveness != Liveness::Pull && policies.member.unanswered == Unanswered::Retries
}

/// What comes on top of the intervals, each with its symbol and a sentence.
///
/// Of a heartbeat that is J: how much later than another it can be counted; and the answer by which a member learns of its
/// lease, which it counts its first interval from. Of a probe it is all of its way and that of its answer, since the
/// first is sent an interval after the registration at the latest, whose term has begun by then.
fn unevenness(assumed: &Assumed, policies: &Policies<'_>, heartbeat_delay: Span) -> [Term; 2] {
    match policies.registry.liveness {
        Liveness::Push | Liveness::Hybrid => [
            term(
                "(1+ρ)·J",
                heartbeat_delay.saturating_sub(assumed.least_delay),
                "that one takes longer than the last that was counted",
            ),
            term(
                "(1+ρ)·d⁺",
                assumed.delay,
                "the answer to the registration, which the first interval is counted from",
            ),
        ],
        Liveness::Pull => [
            term("(1+ρ)·d⁺", assumed.delay, "that probe is under way"),
            term("(1+ρ)·D", heartbeat_delay, "its answer, until it is counted"),
        ],
    }
}

/// As many lost heartbeats in a row are reckoned with at most. Chosen by us.
const MOST_LOST: u32 = 1_000;

/// k: how many heartbeats in a row may be lost under the shortest term.
pub(super) fn withstood(
    assumed: &Assumed,
    policies: &Policies<'_>,
    ttl: Span,
    heartbeat_delay: Span,
    pause: Span,
) -> u32 {
    let uneven = Sum::of("", unevenness(assumed, policies, heartbeat_delay).into());
    let spent = uneven.total.saturating_add(pause);
    let left = assumed.clock_rate.shortest_true(ttl).saturating_sub(spent);
    let mut silence = after_counted(assumed, policies, ttl);
    let mut lost = 0;
    while lost < MOST_LOST && !silence.is_zero() {
        silence = silence.saturating_add(after_lost(assumed, policies, ttl, lost));
        if silence > left {
            break;
        }
        lost += 1;
    }
    lost
}

fn false_expiry(sums: &Sums<'_>) -> Inequality {
    let Sums { assumed, policies, least_ttl, envelope, .. } = *sums;
    let shown = |length: Span| {
        let billion = 1_000_000_000;
        length.scale_up(billion + u64::from(assumed.clock_rate.as_ppb()), billion)
    };
    let every = interval(policies, least_ttl);
    let latest = latest_interval(policies, least_ttl);
    let lost = envelope.lost_in_a_row;
    let uneven = unevenness(assumed, policies, sums.heartbeat_delay.total);
    let jitter = sums.heartbeat_delay.total.saturating_sub(assumed.least_delay);
    let silence = silence(assumed, policies, least_ttl, lost);
    let each = match (policies.registry.liveness, policies.member.cadence) {
        _ if retries(policies) => "(1+ρ)·(h+Σr)/(1−ρ)",
        (_, Cadence::Fixed) if latest > every => "(1+ρ)·(k+1)·h⁺/(1−ρ)",
        (_, Cadence::FromAnswer) if latest > every => "(1+ρ)·(k+1)·(h⁺/(1−ρ)+2d⁺)",
        (Liveness::Pull, _) | (_, Cadence::Fixed) => "(1+ρ)·(k+1)·h/(1−ρ)",
        (_, Cadence::FromAnswer) => "(1+ρ)·(k+1)·(h/(1−ρ)+2d⁺)",
    };
    let what = match policies.registry.liveness {
        Liveness::Pull => format!("{lost} probes lost in a row, one every {every}, and the next"),
        _ if retries(policies) => {
            format!("{lost} heartbeats lost in a row, one after {every} and then by back-off, and the next")
        }
        _ if latest > every => {
            format!("{lost} heartbeats lost in a row, one after {latest} at the latest, and the next")
        }
        _ => format!("{lost} heartbeats lost in a row, one every {every}, and the next"),
    };
    let mut terms = vec![term(each, silence, what)];
    terms.extend(uneven);
    if !envelope.pause.is_zero() {
        let what = format!("the member stands still for {}", envelope.pause);
        terms.push(term("(1+ρ)·G", envelope.pause, what));
    }
    terms.iter_mut().for_each(|term| term.value = shown(term.value));
    let left = Sum::of("how long nothing may be heard of a live member, on the registry's clock", terms);
    let mut notes = vec![predicted(sums, every, jitter)];
    let grace = policies.registry.grace.longest();
    if !grace.is_zero() {
        notes.push(format!("grace may add up to {grace}, which nothing here relies on"));
    }
    Inequality {
        name: "no live instance expires (I12)",
        formula: format!("{} ≤ T", symbols(&left)).into(),
        left,
        right: Some(Sum::of("how long it is waited for", vec![term("T", least_ttl, "the shortest term")])),
        notes,
    }
}

/// Section 4: with independent loss p and m tries in a term, p^m a heartbeat period.
fn predicted(sums: &Sums<'_>, every: Span, jitter: Span) -> String {
    let loss_ppm = sums.assumed.loss_ppm;
    if loss_ppm == 0 || every.is_zero() {
        return "no loss is declared, so no false expiry is predicted".into();
    }
    let tries = sums.least_ttl.saturating_sub(jitter).as_nanos() / every.as_nanos();
    let loss = f64::from(loss_ppm) / 1e6;
    let all = (0..tries.min(1_000)).fold(1.0, |chance, _| chance * loss);
    format!(
        "false expiry at a loss of {}%: p^{tries} = {all:.1e} a heartbeat, if losses are independent",
        decimal(u128::from(loss_ppm), 10_000)
    )
}

/// N/h a second against the cap, as lengths: so long all members together may take for a heartbeat each.
fn load(sums: &Sums<'_>) -> Inequality {
    let (assumed, member) = (sums.assumed, sums.policies.member);
    let members = assumed.members;
    let every = sums.interval.scale(u64::from(1_000_000_u32.saturating_sub(member.jitter_ppm)), 1_000_000);
    let interval = assumed.clock_rate.shortest_true(every);
    let a_second = match interval.as_nanos() {
        0 => 0,
        nanos => u128::from(members) * 1_000_000_000_000 / u128::from(nanos),
    };
    let rate = format!("{members} members send {} heartbeats a second", decimal(a_second, 1_000));
    let (left, notes) = match sums.policies.budget.load {
        Some(cap) => {
            let each = Span::from_secs(1).scale_up(u64::from(members), u64::from(cap.max(1)));
            let what = format!("{members} heartbeats, at {cap} a second");
            let note = "registrations come on top of it: paced, when many come back at once".into();
            (term("N/R", each, what), vec![rate, note])
        }
        None => (term("N/R", Span::ZERO, "no cap is declared: [budget] load"), vec![rate]),
    };
    let (formula, symbol, shortest, what) = match retries(sums.policies) {
        false => {
            let what = format!("the interval of {}, at its shortest", sums.interval);
            ("N/R ≤ h·(1−j)/(1+ρ)", "h·(1−j)/(1+ρ)", interval, what)
        }
        true => {
            // When the answers to all of them are lost at once, all of them try again at once.
            let first = assumed.clock_rate.shortest_true(member.retry.wait(0, |_| 0).min(every));
            let what = format!("the first wait for an answer, {first}, at its shortest");
            ("N/R ≤ min(r₁, h·(1−j))/(1+ρ)", "min(r₁, h·(1−j))/(1+ρ)", first, what)
        }
    };
    Inequality {
        name: "load (I13)",
        formula: formula.into(),
        left: Sum::of("how long it takes the registry to hear of everybody", vec![left]),
        right: Some(Sum::of("how often each is heard of", vec![term(symbol, shortest, what)])),
        notes,
    }
}

/// What a sweep needs for all leases at once against what is declared, if both are bounded.
fn queueing(sums: &Sums<'_>) -> Option<Inequality> {
    let needed = sums.queueing.clone()?;
    let declared = sums.policies.budget.queueing?;
    let what = "the end of a lease waits its turn for so long: declared";
    Some(Inequality {
        name: "the end of a lease waits its turn (q)",
        formula: "(⌈N/K⌉−1)·σ/(1−ρ) ≤ q".into(),
        left: Sum::of("how long the last of all leases waits", vec![needed]),
        right: Some(Sum::of("how long it may", vec![term("q", declared, what)])),
        notes: vec![],
    })
}

/// What is declared and does not hold: a sentence each, and what would mend it.
pub(super) fn judged(sums: &Sums<'_>) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let fits = |inequality: &Inequality| inequality.margin().is_none_or(|margin| margin >= 0);
    let expiry = false_expiry(sums);
    if !fits(&expiry) {
        let lost = sums.envelope.lost_in_a_row;
        found.push((
            format!(
                "a live member may not be heard of for {}, and is waited for for {}: it expires though no more than {lost} \
                 heartbeats in a row are lost",
                exact(expiry.left.total),
                sums.least_ttl
            ),
            format!("a TTL of at least {}, or heartbeats more often", exact(expiry.left.total)),
        ));
    }
    let load = load(sums);
    if !fits(&load) {
        found.push((
            "the heartbeats alone are more than the registry is meant for".into(),
            "fewer members, fewer heartbeats, or a higher [budget] load".into(),
        ));
    }
    if let Some(queueing) = queueing(sums).filter(|queueing| !fits(queueing)) {
        found.push((
            format!(
                "when all leases are over at once, the last one waits {} for its turn, and {} are declared: it outlives the \
                 bound",
                exact(queueing.left.total),
                exact(sums.policies.budget.queueing.unwrap_or(Span::ZERO))
            ),
            "let a sweep end more, or declare a longer [budget] queueing".into(),
        ));
    }
    found
}
