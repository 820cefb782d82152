use alloc::string::String;
use alloc::vec::Vec;

use leasehold_core::{Inequality, MassCap, Reckoning};

use super::*;
use crate::policy::*;
use crate::registry::grace::*;
use crate::registry::policy::*;

const MS: fn(u64) -> Span = Span::from_millis;
const SECS: fn(u64) -> Span = Span::from_secs;

/// All policies, owned.
#[derive(Clone)]
struct Design {
    registry: RegistryPolicy,
    member: MemberPolicy,
    sidecar: Sender,
    follower: FollowerPolicy,
    discovery: DiscoveryPolicy,
    budget: Budget,
}

/// A TTL of 30 s, a heartbeat every 10 s.
fn safe() -> Design {
    let discovery = DiscoveryPolicy::default();
    Design {
        registry: RegistryPolicy::default(),
        member: MemberPolicy::new(SECS(30)),
        sidecar: Sender::Sidecar,
        follower: FollowerPolicy { source: discovery, feed: FeedPolicy::default() },
        discovery,
        budget: Budget::default(),
    }
}

/// Perfect clocks, 5 to 10 ms of delay, 1 ms of disk, seven members, one client.
fn calm() -> Assumed {
    Assumed {
        clock_rate: Drift::ZERO,
        delay: MS(10),
        least_delay: MS(5),
        commit: MS(1),
        members: 7,
        sidecars: 0,
        followers: 0,
        clients: 1,
        loss_ppm: 0,
    }
}

fn of(assumed: &Assumed, design: &Design) -> Promise {
    let Design { registry, member, sidecar, follower, discovery, budget } = design;
    let (sidecar, budget) = (*sidecar, *budget);
    promise(assumed, &Policies { registry, member, sidecar, follower, discovery, budget })
}

fn bounds(assumed: &Assumed, design: &Design) -> DiscoveryBounds {
    of(assumed, design).bounds.discovery.expect("a registry has them")
}

/// What a change of the safe design changes.
fn with(change: impl FnOnce(&mut Design)) -> Design {
    let mut design = safe();
    change(&mut design);
    design
}

fn named<'r>(reckoning: &'r Reckoning, name: &str) -> &'r Inequality {
    let found = reckoning.inequalities.iter().find(|inequality| inequality.name.starts_with(name));
    found.unwrap_or_else(|| panic!("{name} is not told"))
}

fn values(sum: &Sum) -> Vec<(&'static str, u64)> {
    sum.terms.iter().map(|term| (term.symbol, term.value.as_nanos() / 1_000_000)).collect()
}

fn warned(assumed: &Assumed, design: &Design) -> String {
    let reckoning = of(assumed, design).reckoning;
    reckoning.warnings.iter().map(|warning| warning.text.as_str()).collect::<Vec<_>>().join("\n")
}

#[test]
fn the_safe_design_keeps_to_section_2_of_the_timing_model() {
    let bounds = bounds(&calm(), &safe());
    assert_eq!(bounds.heartbeat_delay, MS(10));
    // D, the commit of a registration that was under way, T, c.
    assert_eq!(bounds.exclusion, MS(10 + 1 + 30_000 + 1));
    assert_eq!(bounds.deregistration, MS(10 + 1));
    // A round trip for the changes before, and one way.
    assert_eq!(bounds.watch, Some(MS(30)));
    assert_eq!(bounds.dead_watch, Some(MS(15_000 + 20 + 30)));
    assert_eq!(bounds.cache, Some(MS(30_000)));
    assert_eq!(bounds.visibility, MS(30));
    assert_eq!(bounds.progress, Some(MS(10_000) + bounds.exclusion));
    assert_eq!(
        bounds.envelope,
        Envelope {
            lost_in_a_row: 1,
            probes_lost_in_a_row: 1,
            probes_within: Span::ZERO,
            pause: Span::ZERO,
            budget: 0
        }
    );
    assert_eq!((bounds.load, bounds.mass), (None, None));
}

#[test]
fn a_safe_design_is_not_warned_of() {
    assert_eq!(warned(&Assumed { sidecars: 2, followers: 1, ..calm() }, &safe()), "");
}

#[test]
fn every_bound_is_a_total_that_is_told() {
    let rho = Drift::from_ppb(500_000).unwrap();
    let assumed = Assumed { clock_rate: rho, sidecars: 3, followers: 2, ..calm() };
    let design = with(|design| {
        design.registry.expiry = Expiry::Sweep { every: MS(500), at_most: Some(2) };
        design.registry.restart = Restart::Extra(SECS(3));
        design.registry.grace =
            GracePolicy { detector: Detector::Fixed(SECS(30)), at_most: SECS(20), ..GracePolicy::default() };
        design.registry.inbox = Some(InboxPolicy { service: MS(1), limit: 100, order: InboxOrder::Arrival });
        design.discovery.source = Source::Follower;
    });
    let Promise { bounds, reckoning } = of(&assumed, &design);
    let found = bounds.discovery.unwrap();
    let total = |name: &str| named(&reckoning, name).left.total;
    assert_eq!(found.heartbeat_delay, total("a heartbeat is counted"));
    assert_eq!(found.exclusion, total("staleness, first hop"));
    assert_eq!(found.deregistration, total("a deregistration"));
    assert_eq!(found.visibility, total("a new instance"));
    assert_eq!(found.progress, Some(total("work that stands still")));
    assert_eq!(bounds.regrant, total("a healthy instance"));
    assert_eq!(found.exclusion + found.watch.unwrap(), total("staleness with a healthy watch"));
    assert_eq!(found.exclusion + found.dead_watch.unwrap(), total("staleness if the watch died"));
    assert_eq!(found.exclusion + found.cache.unwrap(), total("staleness by the cache"));
    assert_eq!(bounds.latest_end(bounds.longest_ttl), total("latest end"));
    assert_eq!(bounds.earliest_end(SECS(30)), total("earliest end"));
    for inequality in &reckoning.inequalities {
        for sum in [Some(&inequality.left), inequality.right.as_ref()].into_iter().flatten() {
            let total = sum.terms.iter().fold(Span::ZERO, |total, term| total + term.value);
            assert_eq!(total, sum.total, "{}", inequality.name);
        }
    }
}

#[test]
fn the_chain_is_told_term_by_term() {
    let design = with(|design| {
        design.registry.expiry = Expiry::Sweep { every: MS(500), at_most: Some(2) };
        design.registry.grace =
            GracePolicy { detector: Detector::Fixed(SECS(5)), at_most: SECS(20), ..GracePolicy::default() };
        design.registry.suspect_after = 100;
    });
    let Promise { bounds, reckoning } = of(&Assumed { sidecars: 1, ..calm() }, &design);
    assert_eq!(
        values(&named(&reckoning, "staleness by the cache").left),
        [
            ("d⁺", 10),
            ("c", 1),
            ("T/(1−ρ)", 30_000),
            ("g/(1−ρ)", 5_000),
            ("σ/(1−ρ)", 500),
            // 2, 2, 2 and 1 of seven.
            ("q", 1_500),
            ("c", 1),
            ("C/(1−ρ)", 30_000),
        ]
    );
    assert_eq!(bounds.end_slack, MS(5_000 + 500 + 1_500 + 1));
}

#[test]
fn whoever_is_suspect_is_excluded_before_its_lease_is_over() {
    let grace = |suspect_after| {
        with(|design| {
            design.registry.grace = GracePolicy {
                detector: Detector::Fixed(SECS(60)),
                at_most: SECS(60),
                ..GracePolicy::default()
            };
            design.registry.suspect_after = suspect_after;
        })
    };
    assert_eq!(bounds(&calm(), &grace(3)).exclusion, MS(11 + 30_000 + 1));
    assert_eq!(bounds(&calm(), &grace(8)).exclusion, MS(11 + 80_000 + 1));
    assert_eq!(bounds(&calm(), &grace(9)).exclusion, MS(11 + 90_000 + 1), "its lease is over then");
    assert_eq!(bounds(&calm(), &grace(u32::MAX)).exclusion, MS(11 + 90_000 + 1));
    let progress = bounds(&calm(), &grace(3)).progress;
    assert_eq!(progress, Some(MS(10_000 + 11 + 90_000 + 1)), "it is its lease that a standstill costs");
}

#[test]
fn a_guard_without_a_limit_is_left_out_and_one_with_a_limit_is_counted() {
    let guarded = |limit| {
        with(|design| {
            design.registry.suspect_after = u32::MAX;
            design.registry.grace.rate_guard = Some(RateGuard { limit, ..RateGuard::default() });
        })
    };
    let free = bounds(&calm(), &safe()).exclusion;
    assert_eq!(bounds(&calm(), &guarded(None)).exclusion, free);
    assert!(warned(&calm(), &guarded(None)).contains("without a limit"));
    let limited = guarded(Some(SECS(60)));
    let withheld = limited.registry.longest_withheld(7).unwrap();
    assert_eq!(bounds(&calm(), &limited).exclusion, free + withheld);
    assert!(withheld > SECS(60) && !warned(&calm(), &limited).contains("limit"));
}

#[test]
fn an_inbox_delays_heartbeats_by_those_of_all_or_by_all_messages() {
    let inbox = |order| {
        let inbox = InboxPolicy { service: MS(2), limit: 1_000, order };
        bounds(&calm(), &with(|design| design.registry.inbox = Some(inbox))).heartbeat_delay
    };
    assert_eq!(inbox(InboxOrder::HeartbeatsFirst), MS(10 + 2 * (7 + 1)));
    assert_eq!(inbox(InboxOrder::Arrival), MS(10 + 2 * (1_000 + 1)));
}

/// A second for each message, seven members, a heartbeat of each in 10 s and an answer to a probe in 2 s, or in 20.
#[test]
fn answers_to_probes_go_first_too_and_what_is_too_much_fills_the_inbox() {
    let served = |liveness, every, members| {
        let inbox = InboxPolicy { service: SECS(1), limit: 50, order: InboxOrder::HeartbeatsFirst };
        let design = with(|design| {
            (design.registry.inbox, design.registry.liveness) = (Some(inbox), liveness);
            design.registry.probe.every = every;
        });
        let assumed = Assumed { members, ..calm() };
        (bounds(&assumed, &design).heartbeat_delay, warned(&assumed, &design).contains("all the time"))
    };
    assert_eq!(served(Liveness::Push, SECS(2), 7), (MS(10) + SECS(7 + 1), false));
    assert_eq!(served(Liveness::Hybrid, SECS(2), 7), (MS(10) + SECS(50 + 1), true));
    // While three members' seven messages are served, none sends one more of either kind.
    assert_eq!(served(Liveness::Hybrid, SECS(20), 3), (MS(10) + SECS(6 + 1), false));
    // While fifteen are served a second heartbeat comes of each, and while those are a third: 21, and 7 answers.
    assert_eq!(served(Liveness::Hybrid, SECS(40), 7), (MS(10) + SECS(28 + 1), false));
    assert_eq!(served(Liveness::Push, SECS(2), 10), (MS(10) + SECS(50 + 1), true));
}

/// A millisecond for each of ten messages that may wait, and the heartbeats of seven.
#[test]
fn whatever_a_view_asks_of_the_registry_waits_its_turn_too() {
    let inbox = InboxPolicy { service: MS(1), limit: 10, order: InboxOrder::HeartbeatsFirst };
    let of = |change: fn(&mut Design)| {
        let served = with(change);
        let mut waits = served.clone();
        waits.registry.inbox = Some(inbox);
        let assumed = Assumed { followers: 1, ..calm() };
        let (served, waits) = (bounds(&assumed, &served), bounds(&assumed, &waits));
        let more = |with: Option<Span>, without: Option<Span>| with.unwrap() - without.unwrap();
        let turn = waits.deregistration - served.deregistration;
        assert_eq!(turn, MS(10 + 1 + 7));
        let dead = waits.dead_watch.map(|dead| more(Some(dead), served.dead_watch));
        let visible = (waits.visibility - served.visibility).as_nanos() / turn.as_nanos();
        (visible, dead.map(|dead| dead.as_nanos() / turn.as_nanos()))
    };
    assert_eq!(of(|_| {}), (1, Some(2)), "what was sent has to be taken; who resyncs asks");
    assert_eq!(of(|d| d.registry.feed.window = 2), (2, Some(3)), "what was overtaken is asked for");
    assert_eq!(of(|d| d.discovery.refresh = Refresh::Poll(SECS(5))), (1, None));
    assert_eq!(of(|d| d.discovery.source = Source::Follower), (1, Some(1)), "a follower has no inbox");
}

#[test]
fn a_follower_adds_what_it_takes_to_hear_of_a_change() {
    let asks = |source, refresh| {
        let design = with(|design| {
            design.discovery.source = source;
            design.follower.source.refresh = refresh;
        });
        bounds(&Assumed { followers: 2, ..calm() }, &design)
    };
    let watch = Refresh::Watch;
    assert_eq!(asks(Source::Registry, watch).watch, Some(MS(30)));
    assert_eq!(asks(Source::Follower, watch).watch, Some(MS(60)));
    assert_eq!(asks(Source::ByTurns, watch).watch, Some(MS(60)));
    assert_eq!(asks(Source::Follower, Refresh::Poll(SECS(5))).watch, Some(MS(5_020 + 30)));
    assert_eq!(asks(Source::Follower, Refresh::Poll(SECS(5))).cache, Some(SECS(30)), "ages are told");
}

/// The response cache of 30 s and the client's poll every 30 s that Eureka has by default.
#[test]
fn the_caches_of_eureka_add_up_where_ages_are_not_told() {
    let eureka = |ages| {
        let design = with(|design| {
            design.registry.feed.response_cache = Some(SECS(30));
            design.registry.feed.ages = ages;
            design.discovery.refresh = Refresh::Poll(SECS(30));
            design.discovery.cache = Some(SECS(31));
        });
        bounds(&calm(), &design)
    };
    assert_eq!(eureka(Ages::Untold).cache, Some(SECS(31 + 30)));
    assert_eq!(eureka(Ages::Told).cache, Some(SECS(31)));
    assert_eq!(eureka(Ages::Untold).visibility, MS(30_000 + 30_000 + 20));
    assert_eq!((eureka(Ages::Told).watch, eureka(Ages::Told).dead_watch), (None, None));
}

#[test]
fn what_a_follower_keeps_is_added_where_it_does_not_say_how_old_it_is() {
    let cache = |ages, kept| {
        let design = with(|design| {
            design.discovery.source = Source::Follower;
            design.follower.feed.ages = ages;
            design.follower.source.cache = kept;
        });
        bounds(&Assumed { followers: 1, ..calm() }, &design).cache
    };
    assert_eq!(cache(Ages::Told, None), Some(SECS(30)), "the client knows");
    assert_eq!(cache(Ages::Untold, Some(SECS(20))), Some(SECS(50)));
    assert_eq!(cache(Ages::Untold, None), None);
}

/// The follower watches, and has no copy; the registry has one of 20 s, and says nothing of its age.
#[test]
fn who_asks_by_turns_gets_the_copy_of_the_registry_too() {
    let asks = |source| {
        let design = with(|design| {
            design.registry.feed.response_cache = Some(SECS(20));
            design.registry.feed.ages = Ages::Untold;
            design.discovery.refresh = Refresh::Poll(SECS(5));
            design.discovery.source = source;
            design.follower.source.refresh = Refresh::Watch;
        });
        let bounds = bounds(&Assumed { followers: 1, ..calm() }, &design);
        (bounds.cache, bounds.visibility)
    };
    assert_eq!(asks(Source::Registry), (Some(SECS(50)), MS(20_000 + 5_000 + 20)));
    assert_eq!(asks(Source::ByTurns), (Some(SECS(50)), MS(20_000 + 5_000 + 20)));
    assert_eq!(asks(Source::Follower), (Some(SECS(30)), MS(30 + 5_000 + 20)));
}

/// Progress is told every 2.5 s, a quarter of the 10 s after which a sidecar falls silent.
#[test]
fn a_sidecar_counts_where_it_is_relied_on() {
    let of = |sidecars| of(&Assumed { sidecars, ..calm() }, &safe()).bounds;
    let (without, with) = (of(0), of(3));
    assert_eq!(with.regrant, without.regrant + MS(2_500 + 10), "it hears of progress first");
    let hops = |bounds: Bounds| bounds.discovery.map(|bounds| (bounds.exclusion, bounds.progress.unwrap()));
    let ((exclusion, progress), (same, longer)) = (hops(without).unwrap(), hops(with).unwrap());
    assert_eq!(same, exclusion, "whoever has none is excluded as soon as before");
    assert_eq!(longer, progress + MS(10), "the last progress is under way");
}

#[test]
fn what_a_restart_adds_is_added_before_a_first_stage_too() {
    let exclusion = |restart| {
        let design = with(|design| {
            design.registry.grace.second_stage = Some(SECS(60));
            design.registry.grace.at_most = SECS(60);
            (design.registry.restart, design.registry.suspect_after) = (restart, u32::MAX);
        });
        bounds(&calm(), &design).exclusion
    };
    assert_eq!(exclusion(Restart::FullTerm), MS(11 + 30_000 + 1));
    assert_eq!(exclusion(Restart::Extra(SECS(5))), MS(11 + 30_000 + 5_000 + 1));
}

#[test]
fn every_formula_names_the_terms_that_are_added_up() {
    let design = with(|design| {
        design.registry.inbox =
            Some(InboxPolicy { service: MS(1), limit: 5, order: InboxOrder::HeartbeatsFirst });
        design.registry.restart = Restart::Extra(SECS(5));
        design.registry.answers = Renewals::OnceDurable;
    });
    let reckoning = of(&calm(), &design).reckoning;
    let formula = |name| named(&reckoning, name).formula.clone();
    assert_eq!(formula("a heartbeat is counted"), "D = d⁺ + Q + c");
    assert_eq!(formula("staleness, first hop"), "A = d⁺ + Q_r + c + T/(1−ρ) + e/(1−ρ) + c");
    assert_eq!(formula("a deregistration"), "d⁺ + Q_r + c");
    assert_eq!(formula("staleness by the cache"), "S ≤ A + C/(1−ρ)");
    assert_eq!(formula("no live instance"), "(1+ρ)·(k+1)·h/(1−ρ) + (1+ρ)·J + (1+ρ)·d⁺ ≤ T");
    let soon = with(|design| {
        design.registry.grace.detector = Detector::Fixed(SECS(60));
        (design.registry.grace.at_most, design.registry.suspect_after) = (SECS(60), 3);
    });
    assert_eq!(
        named(&of(&calm(), &soon).reckoning, "staleness, first hop").formula,
        "A = d⁺ + c + k·h/(1−ρ) + c"
    );
}

#[test]
fn a_view_without_an_end_has_no_bound() {
    let design = with(|design| design.discovery.cache = None);
    assert_eq!(bounds(&calm(), &design).cache, None);
    assert!(warned(&calm(), &design).contains("for ever"));
}

#[test]
fn more_than_one_message_under_way_may_overtake() {
    let watch = |window, least_delay| {
        let design = with(|design| design.registry.feed.window = window);
        bounds(&Assumed { least_delay, ..calm() }, &design).watch
    };
    assert_eq!(watch(1, MS(5)), Some(MS(30)));
    assert_eq!(watch(64, MS(5)), Some(MS(50)));
    assert_eq!(watch(64, MS(10)), Some(MS(30)), "nothing overtakes where all take as long");
}

/// T ≥ (1+ρ)·[(k+1)·h/(1−ρ) + J + d⁺ + G], on both sides of each boundary.
#[test]
fn as_many_heartbeats_may_be_lost_as_the_term_has_room_for() {
    let lost = |ttl: Span, pause| {
        let design = with(|design| {
            design.member = MemberPolicy { heartbeat: Interval::Fixed(SECS(10)), ..MemberPolicy::new(ttl) };
            design.budget.pause = pause;
        });
        bounds(&calm(), &design).envelope.lost_in_a_row
    };
    // J is 5 ms, and the answer to the registration 10 ms.
    assert_eq!(lost(MS(30_015), Span::ZERO), 2);
    assert_eq!(lost(MS(30_014), Span::ZERO), 1);
    assert_eq!(lost(MS(40_015), SECS(10)), 2);
    assert_eq!(lost(MS(40_014), SECS(10)), 1);
    assert_eq!(lost(SECS(11), Span::ZERO), 0);
}

/// h, then 200 ms, 400 ms, 800 ms, 1.6 s and 2 s, as long as they fit; stretched by up to a fifth.
#[test]
fn who_tries_again_withstands_more_losses() {
    let design = |ttl: Span, load| {
        with(|design| {
            let heartbeat = Interval::Fixed(SECS(10));
            let unanswered = Unanswered::Retries;
            design.member = MemberPolicy { heartbeat, unanswered, ..MemberPolicy::new(ttl) };
            design.budget.load = load;
        })
    };
    let lost = |ttl| bounds(&calm(), &design(ttl, None)).envelope.lost_in_a_row;
    // 10 s, and 1.2 times 3 s: four more; J and the answer are 15 ms.
    assert_eq!((lost(MS(13_615)), lost(MS(13_614))), (4, 3));
    // 16.4 s are left, of 2.4 s each.
    assert_eq!((lost(MS(30_415)), lost(MS(30_414))), (11, 10));
    let five = Assumed { members: 7, ..calm() };
    assert_eq!(warned(&five, &design(SECS(30), Some(35))), "");
    assert!(warned(&five, &design(SECS(30), Some(34))).contains("more than the registry is meant for"));
}

/// The term begins with the registration, and the first probe may leave an interval later: it and its answer take 10 ms
/// each at the longest, and nothing of that is made up for.
#[test]
fn of_probes_as_many_may_be_lost_as_fit_from_the_registration_on() {
    let lost = |ttl| {
        let design = with(|design| {
            design.member = MemberPolicy::new(ttl);
            design.registry.liveness = Liveness::Pull;
            design.registry.probe.every = SECS(10);
        });
        bounds(&calm(), &design).envelope.lost_in_a_row
    };
    assert_eq!((lost(MS(30_020)), lost(MS(30_019))), (2, 1));
}

/// A heartbeat every second, and three of them missed: whoever is dead is excluded sooner than three probes take.
#[test]
fn lost_probes_count_for_as_long_as_one_more_than_may_be_lost_takes() {
    let within = |liveness| {
        let design = with(|design| {
            design.member =
                MemberPolicy { heartbeat: Interval::Fixed(SECS(1)), ..MemberPolicy::new(SECS(6)) };
            design.registry.heartbeat = SECS(1);
            design.registry.liveness = liveness;
        });
        let bounds = bounds(&calm(), &design);
        assert!(bounds.exclusion < SECS(4));
        (bounds.envelope.probes_lost_in_a_row, bounds.envelope.probes_within)
    };
    assert_eq!(within(Liveness::Hybrid), (2, MS(3 * 2_000 + 1)));
    assert_eq!(within(Liveness::Push), (2, Span::ZERO));
}

#[test]
fn an_envelope_that_the_term_has_no_room_for_is_warned_of() {
    let design = |lost| with(|design| design.budget.lost_in_a_row = Some(lost));
    assert_eq!(warned(&calm(), &design(1)), "");
    assert!(warned(&calm(), &design(2)).contains("a live member may not be heard of for 30.015s"));
    let margin = |lost| named(&of(&calm(), &design(lost)).reckoning, "no live instance").margin();
    assert_eq!(margin(1), Some(9_985_000_000));
    assert_eq!(margin(2), Some(-15_000_000));
}

/// A heartbeat is due every 20 s of a TTL of 30 s; J is 5 ms, and the answer to the registration 10 ms.
#[test]
fn a_heartbeat_leaves_no_sooner_than_somebody_looks_or_a_connection_is_given_up() {
    let design = |change: fn(&mut MemberPolicy)| {
        with(|design| {
            design.member.heartbeat = Interval::Fixed(SECS(20));
            change(&mut design.member);
        })
    };
    let silence = |change| {
        let design = design(change);
        let reckoning = of(&calm(), &design).reckoning;
        let inequality = named(&reckoning, "no live instance");
        assert_eq!(inequality.margin().unwrap() < 0, warned(&calm(), &design).contains("a live member"));
        (values(&inequality.left)[0], bounds(&calm(), &design).envelope.lost_in_a_row)
    };
    let latest = "(1+ρ)·(k+1)·h⁺/(1−ρ)";
    assert_eq!(silence(|_| {}), (("(1+ρ)·(k+1)·h/(1−ρ)", 20_000), 0));
    assert_eq!(silence(|m| m.looks_every = Some(SECS(15))), ((latest, 35_000), 0));
    assert_eq!(silence(|m| m.looks_every = Some(SECS(1))), ((latest, 21_000), 0));
    let blocks = |m: &mut MemberPolicy, after| {
        (m.unanswered, m.dead_peer) = (Unanswered::Blocks, SECS(after));
    };
    assert_eq!(
        silence(|m| (m.unanswered, m.dead_peer) = (Unanswered::Blocks, SECS(45))),
        ((latest, 45_000), 0)
    );
    assert_eq!(silence(|m| (m.unanswered, m.dead_peer) = (Unanswered::Blocks, SECS(20))).0.1, 20_000);
    let regrant = |after| of(&calm(), &with(|design| blocks(&mut design.member, after))).bounds.regrant;
    assert_eq!(regrant(45) - regrant(10), SECS(35), "it learns that its lease is over as much later");
}

/// Seven members, and a sweep that ends two every 500 ms: the last one waits for three sweeps more.
#[test]
fn a_queue_for_ends_is_as_long_as_all_need_or_as_is_declared() {
    let design = |queueing, at_most| {
        with(|design| {
            design.registry.expiry = Expiry::Sweep { every: MS(500), at_most };
            design.budget.queueing = queueing;
        })
    };
    let slack = |queueing, at_most| of(&calm(), &design(queueing, at_most)).bounds.end_slack;
    assert_eq!(slack(None, Some(2)), MS(500 + 1_500 + 1));
    assert_eq!(slack(Some(MS(200)), Some(2)), MS(500 + 200 + 1));
    assert_eq!(slack(Some(MS(200)), None), MS(500 + 1), "nobody waits");
    let outlives =
        |queueing| warned(&calm(), &design(Some(queueing), Some(2))).contains("outlives the bound");
    assert!(!outlives(MS(1_500)) && outlives(MS(1_499)));
    let margin =
        named(&of(&calm(), &design(Some(SECS(1)), Some(2))).reckoning, "the end of a lease waits").margin();
    assert_eq!(margin, Some(-500_000_000));
}

#[test]
fn a_load_that_heartbeats_alone_exceed_is_warned_of() {
    let design = |load| with(|design| design.budget.load = Some(load));
    let crowd = Assumed { members: 1_000, ..calm() };
    assert_eq!(warned(&crowd, &design(100)), "");
    assert!(warned(&crowd, &design(99)).contains("more than the registry is meant for"));
    assert_eq!(bounds(&crowd, &design(99)).load, Some(99));
}

#[test]
fn a_cap_on_mass_expiry_needs_a_guard() {
    let cap = MassCap { window: SECS(60), share_ppm: 150_000, at_least: 1 };
    let mut design = with(|design| design.budget.mass = Some(cap));
    assert!(warned(&calm(), &design).contains("no guard keeps to it"));
    design.registry.grace.rate_guard = Some(RateGuard { limit: Some(SECS(60)), ..RateGuard::default() });
    assert_eq!(warned(&calm(), &design), "");
    assert_eq!(bounds(&calm(), &design).mass, Some(cap));
}

/// Caches of 30 s each, of which nobody knows but who made them: the budget says what the client is promised.
#[test]
fn a_budget_for_the_age_of_views_is_what_caches_are_judged_by() {
    let eureka = |ages, budget| {
        with(|design| {
            design.registry.feed.response_cache = Some(SECS(30));
            design.registry.feed.ages = ages;
            design.discovery.refresh = Refresh::Poll(SECS(10));
            design.discovery.cache = Some(SECS(45));
            design.budget.view_age = budget;
        })
    };
    let cache = |ages, budget| bounds(&calm(), &eureka(ages, budget)).cache;
    for (ages, budget, promised) in [
        (Ages::Untold, None, 75),
        (Ages::Untold, Some(50), 50),
        (Ages::Untold, Some(75), 75),
        (Ages::Untold, Some(80), 75),
        (Ages::Told, Some(50), 45),
        (Ages::Told, Some(44), 44),
    ] {
        assert_eq!(cache(ages, budget.map(SECS)), Some(SECS(promised)), "{ages:?} {budget:?}");
    }
    let says = |ages, secs| warned(&calm(), &eureka(ages, Some(SECS(secs)))).contains("the budget is");
    assert!(says(Ages::Untold, 74) && !says(Ages::Untold, 75) && !says(Ages::Told, 50));
    let for_ever = with(|design| (design.discovery.cache, design.budget.view_age) = (None, Some(SECS(5))));
    assert_eq!(bounds(&calm(), &for_ever).cache, Some(SECS(5)));
    assert!(warned(&calm(), &for_ever).contains("nothing bounds how old a view gets"));
}

#[test]
fn whatever_is_not_the_safe_choice_is_warned_of() {
    type Choice = fn(&mut Design);
    let unsafe_ones: [(Choice, &str); 32] = [
        (|d| d.registry.clock = leasehold_core::ClockKind::Wall, "the wall clock of the registry"),
        (|d| d.follower.source.clock = leasehold_core::ClockKind::Wall, "the wall clock of a follower"),
        (|d| d.registry.heartbeat_check = HeartbeatCheck::Member, "one that was held up"),
        (|d| d.registry.heartbeat_order = HeartbeatOrder::WallStamp, "by the wall clocks of members"),
        (|d| d.registry.registrations = Registrations::AnsweredAtOnce, "before it is on the disk"),
        (|d| d.member.unanswered = Unanswered::Blocks, "until the connection is given up"),
        (|d| d.member.unanswered = Unanswered::GivesUp, "end with the first"),
        (|d| d.member.next_heartbeat = NextHeartbeat::WhenDrained, "at each look"),
        (|d| d.member.refused = Refused::GivesUp, "works on without being registered"),
        (|d| d.member.registered_anew = RegisteredAnew::HeartbeatsStayAway, "sends no heartbeats"),
        (|d| d.registry.late_heartbeat = LateHeartbeat::Revives, "brings an ended lease back"),
        (|d| d.registry.late_heartbeat = LateHeartbeat::TakenUntilRecorded, "until that is on the disk"),
        (|d| d.registry.answers = Renewals::OnceDurableUnchecked, "while it was written"),
        (|d| d.registry.renewal = RenewalTerm::AddedTwice, "adds the duration twice"),
        (|d| d.registry.restart = Restart::Remaining, "deadlines on the wall clock"),
        (|d| d.registry.deregister_check = ReleaseCheck::HolderName, "the next process of its member"),
        (|d| d.registry.deregister_check = ReleaseCheck::Nothing, "anybody's deregistration"),
        (|d| d.registry.again = RegisteredAgain::SecondEntry, "is listed twice"),
        (|d| d.registry.ends = KeysEnd::OneByOne, "one after the other"),
        (|d| d.registry.ids = LeaseIds::Volatile, "numbered anew"),
        (|d| d.registry.renewals = RenewalNews::Published, "every watcher is told of"),
        (|d| d.registry.feed.behind = Behind::Skips, "miss changes"),
        (|d| d.member.comes_back = ComesBack::AtOnce, "all of them come together"),
        (|d| d.member.leaves = Leaves::JustStops, "a whole term"),
        (|d| d.member.thread = HeartbeatThread::Apart, "makes no progress stays listed"),
        (|d| d.member.thread = HeartbeatThread::OfTheWork, "a long task costs the lease"),
        (|d| d.member.hysteresis = Hysteresis { fall: 1, rise: 1 }, "one look decides"),
        (|d| d.sidecar = Sender::DeafSidecar, "a dead one stays listed"),
        (|d| d.discovery.cache_from = CacheFrom::Receipt, "from the answer"),
        (|d| d.discovery.guard = CacheGuard::ByTimer, "a frozen cache"),
        (|d| d.discovery.cut_off = CutOff::ServesSilently, "as if nothing were the matter"),
        (|d| d.discovery.gap = Gap::Ignores, "goes on with what it hears"),
    ];
    for (change, text) in unsafe_ones {
        let warned = warned(&Assumed { sidecars: 1, followers: 1, ..calm() }, &with(change));
        assert!(warned.contains(text), "expected {text:?} in {warned:?}");
        assert_eq!(warned.lines().count(), 1, "{warned}");
    }
}
