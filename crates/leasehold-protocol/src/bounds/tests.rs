use super::*;
use crate::policy::*;

const MS: fn(u64) -> Span = Span::from_millis;

/// Perfect clocks, 10 ms of delay, 1 ms of disk, three contenders for one resource.
fn calm() -> Assumed {
    Assumed {
        clock_rate: Drift::ZERO,
        delay: MS(10),
        commit: MS(1),
        contenders: 3,
        resources: 1,
        loss_ppm: 0,
    }
}

fn safe(ttl_secs: u64) -> Policies {
    Policies {
        grantor: GrantorPolicy::default(),
        holder: HolderPolicy::new(Span::from_secs(ttl_secs), Drift::ZERO),
        work: WorkPolicy::default(),
        resource: ResourcePolicy::default(),
    }
}

/// client-go's leader election: 15 s, 10 s, 2 s, counted from the answer.
fn client_go() -> Policies {
    let mut policies = safe(15);
    policies.holder.renew = Interval::Fixed(Span::from_secs(2));
    policies.holder.lifetime = Lifetime::RenewDeadline(Span::from_secs(10));
    policies.holder.anchor = Anchor::Receipt;
    policies
}

fn named<'r>(reckoning: &'r Reckoning, name: &str) -> &'r leasehold_core::Inequality {
    let found = reckoning.inequalities.iter().find(|inequality| inequality.name.starts_with(name));
    found.unwrap_or_else(|| panic!("{name} is not told"))
}

fn values(sum: &Sum) -> Vec<(&'static str, u64)> {
    sum.terms.iter().map(|term| (term.symbol, term.value.as_nanos() / 1_000_000)).collect()
}

fn text_of(reckoning: &Reckoning) -> String {
    reckoning.warnings.iter().map(|warning| warning.text.as_str()).collect::<Vec<_>>().join("\n")
}

#[test]
fn the_terms_add_up() {
    let Promise { bounds, reckoning } = promise(&calm(), &safe(10));
    assert_eq!(bounds.end_slack, MS(1));
    assert_eq!(bounds.latest_end(Span::from_secs(10)), MS(10_001));
    let regrant = &named(&reckoning, "the next grant").left;
    assert_eq!(
        values(regrant),
        [
            ("d⁺", 10),
            ("(m·T+σ)/(1−ρ)+q+c", 10_001),
            ("w·((m·T+σ)/(1−ρ)+q+c)", 20_002),
            ("(1+w)·c", 3),
            ("(1+j)·P/(1−ρ)", 2_400),
            ("2·(4d⁺+c)", 82),
        ]
    );
    assert_eq!(bounds.regrant, MS(32_498));
    assert_eq!(bounds, super::bounds(&calm(), &safe(10)), "one computation");
}

#[test]
fn every_bound_is_a_total_that_is_told() {
    let rho = Drift::from_ppb(500_000).unwrap();
    let environment = Assumed { clock_rate: rho, resources: 7, ..calm() };
    let mut policies = safe(10);
    policies.grantor = GrantorPolicy {
        ttl_multiplier: 2,
        expiry: Expiry::Sweep { every: MS(500), at_most: Some(2) },
        restart: Restart::Extra(MS(3_000)),
        lock_delay: MS(15_000),
        ..GrantorPolicy::default()
    };
    let Promise { bounds, reckoning } = promise(&environment, &policies);
    let latest = &named(&reckoning, "latest end").left;
    assert_eq!(bounds.latest_end(MS(20_000)), latest.total, "of a term of two TTLs");
    assert_eq!(bounds.longest_ttl, MS(20_000));
    assert_eq!(bounds.earliest_end(bounds.longest_ttl), named(&reckoning, "earliest end").left.total);
    // In nanoseconds: 20 s, 0.5 s, three times 0.5 s, and 3 s, each over 0.9995 and rounded up.
    let nanos: Vec<u64> = latest.terms.iter().map(|term| term.value.as_nanos()).collect();
    assert_eq!(nanos, [20_010_005_003, 500_250_126, 1_500_750_378, 3_001_500_751, 1_000_000]);
    assert_eq!(bounds.end_slack, latest.total - Span::from_nanos(20_010_005_003));
    assert_eq!(bounds.regrant, named(&reckoning, "the next grant").left.total);
    assert_eq!(bounds.lock_delay, MS(15_000));
    assert_eq!(named(&reckoning, "lock-delay").left.total, rho.shortest_true(MS(15_000)));
    for inequality in &reckoning.inequalities {
        for sum in [Some(&inequality.left), inequality.right.as_ref()].into_iter().flatten() {
            let total = sum.terms.iter().fold(Span::ZERO, |total, term| total + term.value);
            assert_eq!(total, sum.total, "{}", inequality.name);
        }
    }
}

#[test]
fn sweeps_and_buckets_end_late() {
    let slack = |expiry, resources| {
        let grantor = GrantorPolicy { expiry, ..GrantorPolicy::default() };
        super::bounds(&Assumed { resources, ..calm() }, &Policies { grantor, ..safe(10) }).end_slack
    };
    let sweep = |at_most| Expiry::Sweep { every: MS(500), at_most };
    assert_eq!(slack(Expiry::ExactTimer, 1), MS(1));
    assert_eq!(slack(sweep(None), 9), MS(501));
    assert_eq!(slack(sweep(Some(9)), 9), MS(501));
    assert_eq!(slack(sweep(Some(4)), 9), MS(1_501), "4, 4 and 1");
    assert_eq!(slack(Expiry::Buckets { width: MS(2_000) }, 9), MS(2_001));
}

#[test]
fn without_a_queue_nobody_dead_is_granted_but_everybody_asks_twice() {
    let mut policies = safe(10);
    policies.grantor.queue = Queue::None;
    // 10 + 10,001 + 1 + 2 * 2,400 + 82
    assert_eq!(promise(&calm(), &policies).bounds.regrant, MS(14_894));
}

#[test]
fn a_refused_owner_may_have_a_lease_revoked_before_the_lock_delay_is_over_for_good() {
    let mut policies = safe(10);
    policies.grantor.queue = Queue::None;
    policies.grantor.lock_delay = MS(15_000);
    assert_eq!(promise(&calm(), &policies).bounds.regrant, MS(14_894 + 15_000));
    policies.grantor.same_owner = SameOwner::Revokes;
    assert_eq!(promise(&calm(), &policies).bounds.regrant, MS(14_894 + 30_000));
}

#[test]
fn whoever_holds_for_one_cycle_asks_again_a_cycle_later() {
    let regrant = |kind, every| {
        let mut policies = safe(10);
        (policies.work.kind, policies.work.every) = (kind, MS(every));
        promise(&calm(), &policies).bounds.regrant
    };
    for kind in [WorkKind::Mutex, WorkKind::Leader] {
        assert_eq!(regrant(kind, 60_000), MS(32_498));
    }
    for kind in [WorkKind::Tasks, WorkKind::CacheFill] {
        assert_eq!(regrant(kind, 2_400), MS(32_498), "no longer than a poll");
        assert_eq!(regrant(kind, 60_000), MS(32_498 - 2_400 + 60_000));
    }
}

#[test]
fn a_renewal_that_is_written_is_answered_later() {
    let environment = Assumed { commit: MS(100), ..calm() };
    let reckoning = |change: fn(&mut Policies)| {
        let mut policies = safe(10);
        change(&mut policies);
        promise(&environment, &policies).reckoning
    };
    let at_once = reckoning(|_| {});
    let [.., ("2·(4d⁺+c)", exchange)] = values(&named(&at_once, "the next grant").left)[..] else {
        panic!("the last term")
    };
    assert_eq!(exchange, 280);
    let changes: [fn(&mut Policies); 2] =
        [|p| p.grantor.renewals = Renewals::OnceDurable, |p| p.grantor.restart = Restart::Remaining];
    for change in changes {
        let written = reckoning(change);
        assert_eq!(values(&named(&written, "a renewal in time").left)[1], ("(2d⁺+c)·(1+ρ)", 120));
        assert_eq!(values(&named(&written, "the next grant").left).last(), Some(&("2·(4d⁺+2c)", 480)));
        assert!(values(&named(&written, "failover after a crash, at worst").left).contains(&("W", 130)));
    }
}

#[test]
fn who_gives_up_or_asks_again_before_an_answer_can_come_is_warned() {
    let warned = |words: &str, change: fn(&mut Policies)| {
        let mut policies = safe(10);
        policies.holder.retry.first = MS(20);
        change(&mut policies);
        let warnings = promise(&calm(), &policies).reckoning.warnings;
        warnings.into_iter().find(|warning| warning.text.contains(words)).and_then(|warning| warning.help)
    };
    let gives_up = "may never keep a lease";
    assert_eq!(warned(gives_up, |_| {}), None);
    let help = warned(gives_up, |p| p.holder.give_up = GiveUp::AtFirstError).unwrap();
    assert!(help.contains("above 0.02s"), "{help}");
    let patient = |p: &mut Policies| {
        p.holder.give_up = GiveUp::AtFirstError;
        p.holder.retry.first = MS(21);
    };
    assert_eq!(warned(gives_up, patient), None);
    let written = |p: &mut Policies| {
        p.holder.give_up = GiveUp::AtFirstError;
        p.holder.retry.first = MS(21);
        p.grantor.renewals = Renewals::OnceDurable;
    };
    assert!(warned(gives_up, written).is_some(), "it takes 21 ms");

    let copies = "a copy of it may be granted";
    assert_eq!(warned(copies, |_| {}), None);
    assert!(warned(copies, |p| p.grantor.queue = Queue::None).is_some());
    let patient = |p: &mut Policies| {
        p.grantor.queue = Queue::None;
        p.holder.retry.first = MS(21);
    };
    assert_eq!(warned(copies, patient), None);

    let sent_away = "sent away all the same";
    assert_eq!(warned(sent_away, |p| p.grantor.preemption = Preemption::ByPriority), None);
    let both = |p: &mut Policies| {
        p.grantor.queue = Queue::None;
        p.grantor.preemption = Preemption::ByPriority;
    };
    assert!(warned(sent_away, both).is_some());
}

/// A restart that goes by the deadlines on the disk has renewals written, whatever the policy says about them.
#[test]
fn remaining_terms_are_not_said_to_rest_on_unwritten_renewals() {
    let mut policies = safe(10);
    policies.grantor.restart = Restart::Remaining;
    assert!(policies.grantor.writes_renewals());
    assert!(!text_of(&promise(&calm(), &policies).reckoning).contains("before they are on the disk"));
}

#[test]
fn the_safe_default_has_a_margin_and_only_its_queue_to_warn_of() {
    let rho = Drift::from_ppb(500_000).unwrap();
    let mut policies = safe(10);
    policies.holder = HolderPolicy::new(Span::from_secs(10), rho);
    let environment = Assumed { clock_rate: rho, ..calm() };
    let reckoning = promise(&environment, &policies).reckoning;
    let exclusivity = named(&reckoning, "exclusivity");
    assert_eq!(exclusivity.margin(), Some(0), "the margin is made for the declared bound");
    assert!(exclusivity.notes[0].contains("500ppm"), "{:?}", exclusivity.notes);
    assert_eq!(reckoning.warnings.len(), 1, "{:?}", reckoning.warnings);
    assert!(text_of(&reckoning).contains("2 dead waiters, and each of them burns a term: 20.014"));

    let alone = Assumed { contenders: 1, ..environment };
    assert!(promise(&alone, &policies).reckoning.warnings.is_empty());
}

#[test]
fn leader_election_by_its_own_numbers() {
    let reckoning = promise(&calm(), &client_go()).reckoning;
    let exclusivity = named(&reckoning, "exclusivity");
    assert_eq!(values(&exclusivity.left), [("h", 2_000), ("D", 10_000), ("x", 10_000)]);
    assert_eq!(exclusivity.margin(), Some(-7_000_000_000), "22 s of 15");
    assert_eq!(exclusivity.notes[1], "safe only while x stays below 3s, and nothing bounds x");
    let said = text_of(&reckoning);
    for sentence in [
        "renew 2s + renew_deadline 10s = 12s of a TTL of 15s tolerates a clock ratio of 1.25 rather than 1.5",
        "with an answer to a renewal that takes up to 10s the claim may last 22s after the renewal was decided",
    ] {
        assert!(said.contains(sentence), "{sentence} is not said:\n{said}");
    }

    let mut from_send = client_go();
    from_send.holder.anchor = Anchor::FirstSend;
    let reckoning = promise(&calm(), &from_send).reckoning;
    let exclusivity = named(&reckoning, "exclusivity");
    assert_eq!(exclusivity.margin(), Some(3_000_000_000));
    assert!(exclusivity.notes[0].contains("m·T/L is 1.25:"), "{:?}", exclusivity.notes);
    assert!(exclusivity.notes[0].contains("11.1%"), "{:?}", exclusivity.notes);
}

#[test]
fn a_claim_that_outlives_its_lease_is_said_to() {
    let mut policies = safe(10);
    policies.holder.lifetime = Lifetime::RenewDeadline(Span::from_secs(9));
    policies.holder.renew = Interval::Fixed(Span::from_secs(2));
    let reckoning = promise(&calm(), &policies).reckoning;
    let exclusivity = named(&reckoning, "exclusivity");
    assert_eq!(exclusivity.margin(), Some(-1_000_000_000));
    assert!(exclusivity.notes[0].contains("T/L is 0.909"), "{:?}", exclusivity.notes);
    let warning = &reckoning.warnings[0];
    assert_eq!(warning.help.as_deref(), Some("a renew deadline of at most 8s"));

    policies.grantor.ttl_multiplier = 2;
    let reckoning = promise(&calm(), &policies).reckoning;
    assert_eq!(named(&reckoning, "exclusivity").margin(), Some(9_000_000_000), "it lives two TTLs");
}

/// A holder that takes two TTLs is fine under a grantor that lets two go by, less the margin for their clocks.
#[test]
fn how_many_ttls_a_holder_takes_is_held_against_how_many_its_grantor_gives() {
    let margin = |holder, grantor| {
        let mut policies = safe(10);
        policies.holder.ttl_multiplier = holder;
        policies.grantor.ttl_multiplier = grantor;
        let reckoning = promise(&calm(), &policies).reckoning;
        let margin = named(&reckoning, "exclusivity").margin().map(|nanos| nanos / 1_000_000_000);
        (margin, text_of(&reckoning).contains("less its margin"))
    };
    assert_eq!(margin(1, 1), (Some(0), false));
    assert_eq!(margin(2, 1), (Some(-10), true));
    assert_eq!(margin(2, 2), (Some(0), false));
    assert_eq!(margin(1, 2), (Some(10), false));
}

#[test]
fn a_promise_on_restarts_is_a_bound_and_only_what_breaks_it_is_warned_of() {
    let with = |extensions, restart| {
        let mut policies = safe(10);
        (policies.grantor.extensions, policies.grantor.restart) = (extensions, restart);
        let Promise { bounds, reckoning } = promise(&calm(), &policies);
        (bounds.extensions, text_of(&reckoning).contains("restarts of the grantor in a row"))
    };
    assert_eq!(with(None, Restart::FullTerm), (None, false));
    assert_eq!(with(Some(0), Restart::FullTerm), (Some(0), true));
    assert_eq!(with(Some(1), Restart::Extra(MS(1))), (Some(1), true));
    assert_eq!(with(Some(1), Restart::Remaining), (Some(1), false));
}

#[test]
fn a_renewal_has_so_many_tries() {
    let environment = Assumed { loss_ppm: 10_000, ..calm() };
    let mut policies = safe(10);
    policies.holder.renew = Interval::Fixed(Span::from_secs(8));
    policies.holder.retry.jitter_ppm = 0;
    // Sent at 8, 8.2, 8.6 and 9.4 s; the next, at 11 s, is too late for 10 s.
    let reckoning = promise(&environment, &policies).reckoning;
    let renewal = named(&reckoning, "a renewal in time");
    assert_eq!(values(&renewal.left), [("h", 8_000), ("2d⁺·(1+ρ)", 20)]);
    assert_eq!(renewal.margin(), Some(1_980_000_000));
    assert!(renewal.notes[0].ends_with(": 4"), "{:?}", renewal.notes);
    assert!(renewal.notes[1].ends_with(": 1"), "{:?}", renewal.notes);
    // A try fails with 1 - 0.99² = 0.0199; four of them with 1.57e-7.
    assert!(renewal.notes[2].contains("loss of 1%: p^4 = 1.6e-7"), "{:?}", renewal.notes);

    policies.holder.give_up = GiveUp::AtFirstError;
    let reckoning = promise(&environment, &policies).reckoning;
    assert!(named(&reckoning, "a renewal in time").notes[0].ends_with(": 1"));
}

#[test]
fn failover_is_told_at_worst_and_on_average() {
    let mut policies = safe(9);
    policies.grantor.expiry = Expiry::Sweep { every: MS(500), at_most: None };
    let reckoning = promise(&calm(), &policies).reckoning;
    // 10 + 9,501 + 1 + 30
    assert_eq!(named(&reckoning, "failover after a crash, at worst").left.total, MS(9_542));
    // 9,000 - 1,500 + 250 + 2
    assert_eq!(named(&reckoning, "failover after a crash, on average").left.total, MS(7_752));
    policies.grantor.queue = Queue::None;
    policies.grantor.lock_delay = MS(15_000);
    let reckoning = promise(&calm(), &policies).reckoning;
    // 10 + 9,501 + 1 + 15,000 + 2,400 + 20
    assert_eq!(named(&reckoning, "failover after a crash, at worst").left.total, MS(26_932));
    // 7,752 + 15,000 + 500
    assert_eq!(named(&reckoning, "failover after a crash, on average").left.total, MS(23_252));
}

/// Each policy that gives something up is warned of, and the warning goes away with it.
#[test]
fn every_policy_that_is_not_safe_says_what_it_gives_up() {
    type Change = fn(&mut Policies);
    let changes: [(Change, &str); 43] = [
        (|p| p.holder.ttl_multiplier = 2, "2 TTLs less its margin"),
        (
            |p| {
                p.holder.lost_contact = LostContact::Jeopardy;
                p.holder.back_in_contact = BackInContact::TrustsItsRecord;
            },
            "in contact again",
        ),
        (|p| p.grantor.terms_from = TermsFrom::WritersStamp, "that holders write"),
        (
            |p| p.grantor.term_arithmetic = TermArithmetic::WholeSecondsZeroIsForEver,
            "zero of them is for ever",
        ),
        (|p| p.grantor.term_arithmetic = TermArithmetic::WrappingMilliseconds, "wraps round"),
        (|p| p.grantor.renewal_check = RenewalCheck::HolderName, "the holder's next lease"),
        (|p| p.grantor.renewal_check = RenewalCheck::Nothing, "anybody's renewal"),
        (|p| p.grantor.release_check = ReleaseCheck::HolderName, "ends the holder's next lease"),
        (|p| p.grantor.extensions = Some(1), "at most 1 restarts of the grantor"),
        (|p| p.holder.anchor = Anchor::LatestRetry, "latest retry"),
        (|p| p.holder.anchor = Anchor::Receipt, "counting from the answer"),
        (|p| p.holder.lifetime = Lifetime::Margin(Margin::Fixed(Span::ZERO)), "a margin of 0s"),
        (|p| p.holder.clock = leasehold_core::ClockKind::Monotonic, "holder's monotonic clock"),
        (|p| p.holder.clock = leasehold_core::ClockKind::Wall, "holder's wall clock"),
        (|p| p.holder.lost_contact = LostContact::GoOn, "goes on after its deadline"),
        (|p| p.holder.give_up = GiveUp::AtFirstError, "one lost message"),
        (|p| p.holder.leave = Leave::ReleaseThenStop, "before its work has stopped"),
        (|p| p.holder.after_waiting = AfterWaiting::Trust, "out of the queue"),
        (|p| p.holder.identity = Identity::Node, "same owner as its old one"),
        (|p| p.holder.identity = Identity::Shared, "the same"),
        (|p| p.resource.fence = Fence::None, "nothing refuses the late write"),
        (|p| p.resource.fence = Fence::HighestVolatile, "forgets the highest token"),
        (|p| p.resource.fence = Fence::LastToken, "differs from the last"),
        (|p| p.resource.fence = Fence::Equality, "whoever read last"),
        (|p| p.resource.reads = Reads::LeaveMark, "does not raise the mark"),
        (|p| p.resource.duplicates = Duplicates::DoneAgain, "is done twice"),
        (|p| (p.resource.tasks, p.work.kind) = (TaskEffects::EachTime, WorkKind::Tasks), "applied again"),
        (|p| p.grantor.clock = leasehold_core::ClockKind::Wall, "grantor's wall clock"),
        (|p| p.grantor.ttl_multiplier = 2, "lives 2 TTLs"),
        (|p| p.grantor.expiry = Expiry::Sweep { every: MS(1), at_most: Some(1) }, "at most 1"),
        (|p| p.grantor.tokens = Tokens::Volatile, "from 1 again"),
        (|p| p.grantor.tokens = Tokens::PerOwner, "its old token"),
        (|p| p.grantor.tokens = Tokens::Random, "no order"),
        (|p| p.grantor.restart = Restart::Extra(MS(3_000)), "for 3s more"),
        (|p| p.grantor.restart = Restart::Remaining, "deadlines on the wall clock"),
        (|p| p.grantor.renewals = Renewals::OnceDurableUnchecked, "ended while it was written"),
        (|p| p.grantor.renewal_of_ended = RenewalOfEnded::Resurrects, "brings an ended lease back"),
        (|p| p.grantor.release_check = ReleaseCheck::Nothing, "anybody's release"),
        (|p| p.grantor.queue = Queue::None, "without a queue"),
        (|p| p.grantor.same_owner = SameOwner::TakesOver, "its old lease and token"),
        (|p| p.grantor.preemption = Preemption::ByPriority, "a higher priority"),
        (|p| p.grantor.revocation = RevocationStyle::AtOnce, "ends at once"),
        (|p| p.grantor.ending.attempts = Some(3), "after 3 tries of 10s"),
    ];
    let rho = Drift::from_ppb(500_000).unwrap();
    let environment = Assumed { clock_rate: rho, contenders: 1, ..calm() };
    let base = Policies { holder: HolderPolicy::new(Span::from_secs(10), rho), ..safe(10) };
    for (change, words) in changes {
        let mut policies = base;
        change(&mut policies);
        let warnings = promise(&environment, &policies).reckoning.warnings;
        let found = warnings.iter().filter(|warning| warning.text.contains(words)).count();
        assert_eq!(found, 1, "{words}: {warnings:?}");
        assert!(warnings.iter().all(|warning| warning.help.is_some()), "{warnings:?}");
    }
    let mut policies = base;
    policies.grantor.lock_delay_kept = LockDelayKept::InMemory;
    assert!(promise(&environment, &policies).reckoning.warnings.is_empty(), "there is none to forget");
    policies.grantor.lock_delay = MS(1);
    assert!(text_of(&promise(&environment, &policies).reckoning).contains("lock-delay is forgotten"));
}

#[test]
fn numbers_are_written_without_loss() {
    let written = |nanos| reckoning::exact(Span::from_nanos(nanos));
    assert_eq!(written(12_000_000_000), "12s");
    assert_eq!(written(9_995_002), "0.009995s");
    assert_eq!(written(12), "12ns");
    assert_eq!(written(0), "0s");
}

#[test]
fn work_without_a_lease_promises_that_somebody_gets_on_and_nothing_else() {
    let mut policies = safe(10);
    policies.work = WorkPolicy { kind: WorkKind::Optimistic, every: MS(50), think: MS(7), ..policies.work };
    policies.resource =
        ResourcePolicy { fence: Fence::None, writes: Writes::CompareAndSet, ..policies.resource };
    let Promise { bounds, reckoning } = promise(&calm(), &policies);
    let next = &named(&reckoning, "the next update").left;
    assert_eq!(
        values(next),
        [
            ("r/(1−ρ)", 100),
            ("2d⁺+c", 21),
            ("max(P·(1+j), e)/(1−ρ)", 2_400),
            ("2d⁺+c", 21),
            ("θ/(1−ρ)", 7),
            ("d⁺+c", 11)
        ]
    );
    assert_eq!((bounds.regrant, reckoning.inequalities.len()), (MS(2_560), 1));
    assert_eq!(text_of(&reckoning), "");
    policies.work.every = MS(60_000);
    assert_eq!(super::bounds(&calm(), &policies).regrant, MS(2_560 - 2_400 + 60_000));
    policies.resource.writes = Writes::Any;
    policies.resource.duplicates = Duplicates::DoneAgain;
    let text = text_of(&promise(&calm(), &policies).reckoning);
    assert!(text.contains("undoes what others wrote") && text.contains("is done twice"), "{text}");
}
