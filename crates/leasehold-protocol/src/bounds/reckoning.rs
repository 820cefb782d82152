//! The bounds as inequalities, term by term. Source: docs/timing.md, sections 1 to 4.

use alloc::format;
use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;

use leasehold_core::time::Span;
use leasehold_core::{Inequality, Reckoning, Sum};

use super::{Assumed, Policies, RoundTrip, Sums, round_trip, term, warnings};
use crate::policy::{
    AfterWaiting, Anchor, Expiry, GiveUp, HolderPolicy, Lifetime, LostContact, Queue, Restart, WorkKind,
};

/// More tries than this are not counted: nobody reads on.
const MOST_TRIES: u32 = 1_000;

pub(super) fn reckon(sums: &Sums<'_>, policies: &Policies) -> Reckoning {
    if policies.work.kind == WorkKind::Optimistic {
        return Reckoning {
            inequalities: vec![next_update(sums)],
            warnings: warnings::without_lease(policies),
        };
    }
    let mut inequalities = vec![exclusivity(sums), earliest_end(sums)];
    inequalities.push(Inequality {
        name: "latest end of a lease (I5)",
        formula: match sums.grantor.restart {
            Restart::FullTerm | Restart::Remaining => "(m·T+σ)/(1−ρ) + q + c",
            Restart::Extra(_) => "(m·T+σ+e)/(1−ρ) + q + c",
        }
        .into(),
        left: sums.latest_end.clone(),
        right: None,
        notes: vec![],
    });
    inequalities.push(renewal(sums));
    inequalities.push(Inequality {
        name: "the next grant once all is healed (I23)",
        formula: match (sums.grantor.queue, sums.grantor.writes_renewals()) {
            (Queue::Fifo, false) => {
                "d⁺ + (1+w)·((m·T+σ)/(1−ρ) + q + 2c + Λ/(1−ρ)) + (1+j)·P/(1−ρ) + 2·(4d⁺+c)"
            }
            (Queue::Fifo, true) => {
                "d⁺ + (1+w)·((m·T+σ)/(1−ρ) + q + 2c + Λ/(1−ρ)) + (1+j)·P/(1−ρ) + 2·(4d⁺+2c)"
            }
            (Queue::None, false) => "d⁺ + (m·T+σ)/(1−ρ) + q + 2c + Λ/(1−ρ) + 2·(1+j)·P/(1−ρ) + 2·(4d⁺+c)",
            (Queue::None, true) => "d⁺ + (m·T+σ)/(1−ρ) + q + 2c + Λ/(1−ρ) + 2·(1+j)·P/(1−ρ) + 2·(4d⁺+2c)",
        }
        .into(),
        left: sums.regrant.clone(),
        right: None,
        notes: vec![],
    });
    inequalities.push(worst_failover(sums));
    inequalities.push(mean_failover(sums));
    if !sums.grantor.lock_delay.is_zero() {
        inequalities.push(lock_delay(sums));
    }
    Reckoning { inequalities, warnings: warnings::warnings(sums, policies) }
}

/// What there is to say of work without a lease.
fn next_update(sums: &Sums<'_>) -> Inequality {
    Inequality {
        name: "the next update once all is healed (I23)",
        formula: "(r + max(P·(1+j), e) + θ)/(1−ρ) + 5d⁺ + 3c".into(),
        left: sums.regrant.clone(),
        right: None,
        notes: vec!["of somebody: no bound says when any one writer gets its turn".into()],
    }
}

/// What a claim is made of, and how long it may last after the first send of the request that was answered.
pub(super) struct Claim {
    /// The lifetime, and what the anchor adds.
    pub(super) sum: Sum,
    /// L: the lifetime alone.
    pub(super) lifetime: Span,
    /// How much later than the first send the anchor can be.
    pub(super) lag: Span,
}

impl Claim {
    pub(super) fn new(holder: &HolderPolicy, ttl: Span) -> Self {
        let (lifetime, interval) = (holder.term(ttl), holder.renew.of(ttl));
        let mut terms = match holder.lifetime {
            Lifetime::Margin(_) => {
                let margin = exact(holder.longest(ttl).saturating_sub(lifetime));
                let what = match holder.ttl_multiplier {
                    1 => format!("the TTL of {ttl} less a margin of {margin}"),
                    n => format!("{n} TTLs of {ttl} less a margin of {margin}"),
                };
                vec![term("L", lifetime, what)]
            }
            Lifetime::RenewDeadline(deadline) => vec![
                term("h", interval, "until a round of renewal begins"),
                term("D", deadline, "until that round has failed: the renew deadline"),
            ],
        };
        // A renewal may go unanswered, and be repeated, as long as the claim lasts that it is to renew, and jitter
        // may have brought it forward.
        let brought_forward = interval.scale(u64::from(holder.renew_jitter_ppm), 1_000_000);
        let wait = lifetime.saturating_sub(interval.saturating_sub(brought_forward));
        let lag = match holder.anchor {
            Anchor::FirstSend => Span::ZERO,
            Anchor::LatestRetry | Anchor::Receipt => wait,
        };
        match holder.anchor {
            Anchor::FirstSend => {}
            Anchor::LatestRetry => {
                terms.push(term("x", lag, "until the last retry, if the answer is to the first send"));
            }
            Anchor::Receipt => {
                terms.push(term("x", lag, "until the answer comes; the grantor may have decided at once"));
            }
        }
        let sum = Sum::of("how long a claim may last, on the holder's clock, from the first send on", terms);
        Self { sum, lifetime, lag }
    }
}

fn exclusivity(sums: &Sums<'_>) -> Inequality {
    let rho = sums.environment.clock_rate;
    let claim = Claim::new(sums.holder, sums.ttl);
    let term_of_grantor = sums.grantor.term(sums.ttl);
    let safe = rho.safe_term(term_of_grantor);
    let what = format!("a term of {term_of_grantor} on a fast clock, the claim on a slow one: ρ is {rho}");
    let right = Sum::of(
        "how long the lease lives at least, on the holder's clock",
        vec![term("m·T·(1−ρ)/(1+ρ)", safe, what)],
    );
    let mut notes = Vec::new();
    notes.push(tolerance(term_of_grantor, claim.lifetime));
    if !claim.lag.is_zero() && claim.lifetime < safe {
        let spare = exact(safe.saturating_sub(claim.lifetime));
        notes.push(format!("safe only while x stays below {spare}, and nothing bounds x"));
    } else if !claim.lag.is_zero() {
        notes.push("nothing is left for x: it is not safe, however fast the answers come".into());
    }
    if sums.holder.lost_contact == LostContact::GoOn {
        notes.push("the holder does not stop at its deadline, so nothing of this binds it".into());
    }
    Inequality {
        name: "exclusivity of claims (I1)",
        formula: match sums.holder.anchor {
            Anchor::FirstSend => "L ≤ m·T·(1−ρ)/(1+ρ)",
            Anchor::LatestRetry | Anchor::Receipt => "L + x ≤ m·T·(1−ρ)/(1+ρ)",
        }
        .into(),
        left: claim.sum,
        right: Some(right),
        notes,
    }
}

/// Which clocks a claim survives, as a ratio of two and as an error of each.
fn tolerance(term: Span, lifetime: Span) -> String {
    let (term_nanos, claim) = (u128::from(term.as_nanos()), u128::from(lifetime.as_nanos()));
    if claim == 0 {
        return "a claim that lasts no time overlaps with none".into();
    }
    if claim > term_nanos {
        let ratio = decimal(term_nanos * 1_000 / claim, 1_000);
        return format!("m·T/L is {ratio}: L outlasts the lease even under perfect clocks");
    }
    let ratio = decimal(term_nanos * 1_000_000 / claim, 1_000_000);
    let each = (term_nanos - claim) * 1_000_000 / (term_nanos + claim);
    let each = if each < 10_000 { format!("{each}ppm") } else { format!("{}%", decimal(each / 1_000, 10)) };
    format!(
        "m·T/L is {ratio}: L outlasts no lease while two clocks differ by no more, as when each is off by {each}"
    )
}

fn earliest_end(sums: &Sums<'_>) -> Inequality {
    let length = sums.grantor.term(sums.ttl);
    let value = sums.environment.clock_rate.shortest_true(length);
    Inequality {
        name: "earliest end of a lease (I4)",
        formula: "m·T/(1+ρ)".into(),
        left: Sum::of(
            "how long a lease lives at least",
            vec![term("m·T/(1+ρ)", value, format!("a term of {length}, on a fast clock"))],
        ),
        right: None,
        notes: vec![],
    }
}

/// How long a renewal may be under way, on the clock of a holder that is fast.
pub(super) fn shown_round_trip(sums: &Sums<'_>) -> Span {
    shown(sums, round_trip(sums.environment, sums.grantor).length)
}

/// What a fast clock shows of a length of true time.
pub(super) fn shown(sums: &Sums<'_>, length: Span) -> Span {
    let billion = 1_000_000_000;
    length.scale_up(billion + u64::from(sums.environment.clock_rate.as_ppb()), billion)
}

fn renewal(sums: &Sums<'_>) -> Inequality {
    let holder = sums.holder;
    let interval = holder.renew.of(sums.ttl);
    let RoundTrip { waits_for_disk, .. } = round_trip(sums.environment, sums.grantor);
    let round_trip = shown_round_trip(sums);
    let lifetime = holder.term(sums.ttl);
    let tries = tries(holder, interval, round_trip, lifetime);
    let fitting = match interval.as_nanos() {
        0 => 0,
        interval => sums.ttl.as_nanos() / interval,
    };
    let count = if tries >= MOST_TRIES { format!("{MOST_TRIES} or more") } else { format!("{tries}") };
    let notes = vec![
        format!("tries that can still be answered in time, retries among them: {count}"),
        format!("renewal intervals in a TTL (T/h): {fitting}"),
        false_expiry(sums.environment.loss_ppm, tries),
    ];
    Inequality {
        name: "a renewal in time",
        formula: match waits_for_disk {
            false => "h + 2d⁺·(1+ρ) ≤ L",
            true => "h + (2d⁺+c)·(1+ρ) ≤ L",
        }
        .into(),
        left: Sum::of(
            "until a renewal is answered, on the holder's clock",
            vec![
                term("h", interval, "the renewal interval"),
                match waits_for_disk {
                    false => term("2d⁺·(1+ρ)", round_trip, "request and answer, at their longest"),
                    true => term("(2d⁺+c)·(1+ρ)", round_trip, "request, disk and answer, at their longest"),
                },
            ],
        ),
        right: Some(Sum::of(
            "how long the holder claims, on its clock",
            vec![term("L", lifetime, "from the anchor of the last renewal on")],
        )),
        notes,
    }
}

/// How many sends of a renewal leave time for their answers, with waits at their longest.
fn tries(holder: &HolderPolicy, interval: Span, round_trip: Span, lifetime: Span) -> u32 {
    let most = match holder.give_up {
        GiveUp::AtDeadline => MOST_TRIES,
        GiveUp::AtFirstError => 1,
    };
    let mut sent = interval;
    let mut tries = 0;
    while tries < most && sent.saturating_add(round_trip) <= lifetime {
        let wait = holder.retry.wait(tries, |below| below - 1);
        sent = sent.saturating_add(wait.max(Span::from_nanos(1)));
        tries += 1;
    }
    tries
}

/// The chance that all tries of a renewal fail, each by its request or its answer. Section 4.
fn false_expiry(loss_ppm: u32, tries: u32) -> String {
    if loss_ppm == 0 {
        return "no loss is declared, so no false expiry is predicted".into();
    }
    let loss = f64::from(loss_ppm) / 1e6;
    let fails = loss * (2.0 - loss);
    let all = (0..tries).fold(1.0, |chance, _| chance * fails);
    let loss = decimal(u128::from(loss_ppm), 10_000);
    format!(
        "false expiry at a loss of {loss}%: p^{tries} = {all:.1e} a renewal, where p = {fails:.4} is the chance \
         that a try fails, if losses are independent"
    )
}

/// `T + σ + c + Λ + W + P`, when the holder dies right after a renewal.
fn worst_failover(sums: &Sums<'_>) -> Inequality {
    let Assumed { clock_rate: rho, delay, commit, .. } = *sums.environment;
    let mut terms = vec![
        term("d⁺", delay, "the last renewal, sent just before the crash"),
        term("(m·T+σ)/(1−ρ)+q+c", sums.undisturbed_end, "until the lease has ended"),
        term("c", commit, "until the next grant is on the disk"),
    ];
    let lock_delay = sums.grantor.lock_delay;
    if !lock_delay.is_zero() {
        terms.push(term("Λ/(1−ρ)", rho.longest_true(lock_delay), "the lock-delay"));
    }
    match (sums.grantor.queue, sums.holder.after_waiting) {
        (Queue::Fifo, AfterWaiting::Confirm) => {
            let RoundTrip { length, waits_for_disk } = round_trip(sums.environment, sums.grantor);
            let what = match waits_for_disk {
                false => "3d⁺: the grant, and the round trip that confirms it",
                true => "3d⁺+c: the grant, and the round trip and the write that confirm it",
            };
            terms.push(term("W", delay + length, what));
        }
        (Queue::Fifo, AfterWaiting::Trust) => terms.push(term("W", delay, "d⁺: the grant")),
        (Queue::None, _) => {
            let wait = rho.longest_true(sums.wait);
            terms.push(term("(1+j)·P/(1−ρ)", wait, "until the next contender asks again"));
            terms.push(term("W", delay.scale(2, 1), "2d⁺: question and grant"));
        }
    }
    Inequality {
        name: "failover after a crash, at worst",
        formula: match sums.grantor.queue {
            Queue::Fifo => "d⁺ + (m·T+σ)/(1−ρ) + q + 2c + Λ/(1−ρ) + W",
            Queue::None => "d⁺ + (m·T+σ)/(1−ρ) + q + 2c + Λ/(1−ρ) + (1+j)·P/(1−ρ) + W",
        }
        .into(),
        left: Sum::of("from the crash to the next claim", terms),
        right: None,
        notes: vec!["if the next contender is alive: a dead one burns a term more".into()],
    }
}

/// `T − h/2 + σ/2 + c + Λ + P/2`, when it dies at any point of the renewal interval.
fn mean_failover(sums: &Sums<'_>) -> Inequality {
    let half = |span: Span| span.scale(1, 2);
    let term_of_grantor = sums.grantor.term(sums.ttl);
    let interval = half(sums.holder.renew.of(sums.ttl));
    let mut terms = vec![term(
        "m·T − h/2",
        term_of_grantor.saturating_sub(interval),
        format!("the term, less half of the renewal interval, {}", exact(interval)),
    )];
    match sums.grantor.expiry {
        Expiry::ExactTimer => {}
        Expiry::Sweep { every, .. } => terms.push(term("σ/2", half(every), "half a sweep interval")),
        Expiry::Buckets { width } => terms.push(term("σ/2", half(width), "half a bucket")),
    }
    let commits = sums.environment.commit.scale(2, 1);
    terms.push(term("2c", commits, "until the end, and then the next grant, are on the disk"));
    if !sums.grantor.lock_delay.is_zero() {
        terms.push(term("Λ", sums.grantor.lock_delay, "the lock-delay"));
    }
    if sums.grantor.queue == Queue::None {
        terms.push(term("P/2", half(sums.holder.poll), "half a poll of one contender"));
    }
    Inequality {
        name: "failover after a crash, on average",
        formula: "m·T − h/2 + σ/2 + 2c + Λ + P/2".into(),
        left: Sum::of("from the crash to the next grant, without network delays, clocks perfect", terms),
        right: None,
        notes: vec![],
    }
}

fn lock_delay(sums: &Sums<'_>) -> Inequality {
    let delay = sums.grantor.lock_delay;
    let value = sums.environment.clock_rate.shortest_true(delay);
    Inequality {
        name: "lock-delay (I16)",
        formula: "Λ/(1+ρ)".into(),
        left: Sum::of(
            "how long nobody is granted the resource after an involuntary end",
            vec![term("Λ/(1+ρ)", value, format!("the lock-delay of {delay}, on a fast clock"))],
        ),
        right: None,
        notes: vec![
            "it covers late writes of a holder that was stopped for less; only a fence covers all".into(),
        ],
    }
}

/// A length with all its digits down to the microsecond.
pub(crate) fn exact(span: Span) -> String {
    let micros = u128::from(span.as_nanos() / 1_000);
    match micros {
        0 => format!("{span}"),
        _ => format!("{}s", decimal(micros, 1_000_000)),
    }
}

/// `number / scale` without trailing zeros. `scale` is a power of ten.
pub(crate) fn decimal(number: u128, scale: u128) -> String {
    let (whole, rest) = (number / scale, number % scale);
    if rest == 0 {
        return format!("{whole}");
    }
    let digits = scale.ilog10() as usize;
    let rest = format!("{rest:0digits$}");
    format!("{whole}.{}", rest.trim_end_matches('0'))
}
