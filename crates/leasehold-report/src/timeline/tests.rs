use leasehold_check::{Finding, Invariant, Violation};
use leasehold_core::event::{
    DiscoveryEvent, EndCause, LossCause, NodeEvent, RegistryEvent, Status, WorldEvent,
};
use leasehold_core::id::{Capabilities, Epoch, Revision, ServiceId};
use leasehold_core::passage::Came;
use leasehold_core::plan::Role;
use leasehold_core::trace::Header;
use leasehold_core::{Event, InstanceId, LeaseId, NodeId, SimInstant, Token};

use super::*;
use crate::sample::{
    A, B, G, R, S, accepted, by, cast, claims, expired, granted, header, lapses, ms, notices, passage, pause,
    renewed, report, to,
};

fn violation(at: SimInstant) -> Finding {
    let invariant = Invariant::from_name("no-lost-update").expect("it is one of ours");
    Finding::Violation(Violation {
        invariant,
        clause: "overwrote-unseen",
        at,
        nodes: vec![A, S],
        resource: Some(R),
        evidence: vec![],
    })
}

fn drawn(header: &Header, events: &[Event], ended_at: SimInstant) -> Picture {
    let mut timeline = Timeline::new(header);
    events.iter().for_each(|event| timeline.event(event));
    timeline.finish(&report(ended_at))
}

/// Kind, whose lane, from and until in milliseconds.
fn told(picture: &Picture) -> Vec<(&'static str, NodeId, u64, u64)> {
    let kind = |bar: &Bar| match bar.kind {
        BarKind::Lease(_) => "lease",
        BarKind::Claim => "claim",
        BarKind::Unaware => "unaware",
    };
    let millis = |at: SimInstant| at.as_nanos() / 1_000_000;
    picture.bars.iter().map(|bar| (kind(bar), bar.node, millis(bar.from), millis(bar.until))).collect()
}

#[test]
fn a_claim_that_is_over_and_not_noticed_has_a_bar_of_its_own() {
    let picture = drawn(&cast(), &pause(), ms(20_000));
    assert_eq!(
        told(&picture),
        [
            ("lease", A, 1_000, 11_500),
            ("claim", A, 1_100, 11_000),
            ("unaware", A, 11_000, 18_000),
            ("lease", B, 11_600, 20_000),
            ("claim", B, 11_700, 20_000),
        ]
    );
    let open: Vec<bool> = picture.bars.iter().map(|bar| bar.is_over).collect();
    assert_eq!(open, [true, true, true, false, false]);
}

#[test]
fn a_claim_whose_clock_steps_back_goes_on() {
    let resumed = WorldEvent::ClaimResumed {
        resource: R,
        token: Token(1),
        incarnation: leasehold_core::Incarnation(0),
    };
    let events = [
        claims(A, ms(1_000), 1),
        lapses(A, ms(5_000), 1),
        to(A, ms(6_000), resumed),
        notices(A, ms(8_000), 1),
    ];
    let picture = drawn(&cast(), &events, ms(9_000));
    assert_eq!(
        told(&picture),
        [("claim", A, 1_000, 5_000), ("unaware", A, 5_000, 6_000), ("claim", A, 6_000, 8_000)]
    );
}

#[test]
fn a_renewal_keeps_a_claim_in_one_piece_and_a_crash_ends_it() {
    let renewal = by(A, ms(3_000), NodeEvent::ClaimRenewed(crate::sample::claim(1)));
    let events = [claims(A, ms(1_000), 1), renewal, to(A, ms(4_000), WorldEvent::Crashed)];
    let picture = drawn(&cast(), &events, ms(9_000));
    assert_eq!(told(&picture), [("claim", A, 1_000, 4_000)]);
    let [down] = picture.bands[..] else { panic!("{:?}", picture.bands) };
    assert_eq!((down.kind, down.from, down.until), (BandKind::Down, ms(4_000), ms(9_000)));
}

#[test]
fn messages_are_told_apart_by_what_became_of_them() {
    let mut timeline = Timeline::new(&cast());
    let lost = Came::Lost { cause: LossCause::Fault };
    for passed in [
        passage(ms(0), 1, A, G, Came::Sent),
        passage(ms(0), 2, A, G, Came::Sent),
        passage(ms(0), 3, A, G, Came::Sent),
        passage(ms(1), 4, B, G, Came::Sent),
        // As late as is allowed, and later.
        passage(ms(50), 1, A, G, Came::Arrived),
        passage(ms(51), 2, A, G, Came::Arrived),
        passage(ms(52), 3, A, G, lost),
        // A copy of the first.
        passage(ms(60), 1, A, G, Came::Arrived),
    ] {
        timeline.message(&passed);
    }
    let picture = timeline.finish(&report(ms(100)));
    let fates: Vec<(u64, Fate, Option<SimInstant>)> =
        picture.messages.iter().map(|message| (message.number, message.fate, message.ended)).collect();
    assert_eq!(
        fates,
        [
            (1, Fate::Arrived, Some(ms(50))),
            (2, Fate::Late, Some(ms(51))),
            (3, Fate::Lost(LossCause::Fault), Some(ms(52))),
            (1, Fate::Late, Some(ms(60))),
            (4, Fate::UnderWay, None),
        ]
    );
}

#[test]
fn effects_are_marked_by_what_is_wrong_with_them() {
    let refused = NodeEvent::AccessRefused {
        resource: R,
        by: A,
        access: leasehold_core::event::Access::Write,
        token: Token(1),
        refusal: leasehold_core::event::Refusal::Stale { mark: Token(2) },
    };
    let mut events = pause();
    events.push(accepted(ms(18_010), A, 1, [3, 3]));
    events.push(by(S, ms(18_020), refused));
    let picture = drawn(&cast(), &events, ms(20_000));
    let marks: Vec<MarkKind> = picture
        .happenings
        .iter()
        .filter_map(|happening| happening.mark)
        .filter(|mark| !matches!(mark, MarkKind::Granted | MarkKind::Ended))
        .collect();
    let (one, two) = (Token(1), Token(2));
    assert_eq!(
        marks,
        [
            MarkKind::Accepted(one),
            MarkKind::Accepted(two),
            MarkKind::IssuedLate(one),
            MarkKind::AcceptedUnseen(one),
            MarkKind::AcceptedOld(one),
            MarkKind::Refused(one),
        ]
    );
    // The mark rises, and does not fall with the late write.
    let steps: Vec<(SimInstant, Token)> = picture.steps.iter().map(|step| (step.at, step.token)).collect();
    assert_eq!(steps, [(ms(2_000), one), (ms(12_000), two)]);
}

#[test]
fn a_view_is_stale_from_the_death_of_what_it_lists_until_it_drops_it() {
    let header = header(&[
        ("registry", Role::Registry),
        ("instance-1", Role::Instance),
        ("instance-2", Role::Instance),
        ("discovery-1", Role::Discovery),
    ]);
    let (registry, instance, client) = (NodeId(0), NodeId(1), NodeId(3));
    let registered = |at, epoch| {
        by(
            registry,
            at,
            NodeEvent::Registry(RegistryEvent::Registered {
                instance: InstanceId(0),
                service: ServiceId(0),
                capabilities: Capabilities(0),
                lease: LeaseId(epoch),
                epoch: Epoch(epoch),
                node: instance,
                status: Status::Passing,
                revision: Revision(epoch),
            }),
        )
    };
    let gone = |at, epoch| {
        by(
            registry,
            at,
            NodeEvent::Registry(RegistryEvent::Deregistered {
                instance: InstanceId(0),
                lease: LeaseId(epoch),
                epoch: Epoch(epoch),
                cause: EndCause::Expired,
                revision: Revision(epoch),
            }),
        )
    };
    let view = |at, said| by(client, at, NodeEvent::Discovery(said));
    let (one, passing) = (InstanceId(0), Status::Passing);
    let events = [
        registered(ms(1_000), 1),
        view(ms(1_100), DiscoveryEvent::ViewListed { instance: one, epoch: Epoch(1), status: passing }),
        to(instance, ms(5_000), WorldEvent::Crashed),
        gone(ms(9_000), 1),
        view(ms(9_500), DiscoveryEvent::ViewDropped { instance: one, epoch: Epoch(1) }),
        registered(ms(12_000), 2),
        view(ms(12_100), DiscoveryEvent::ViewListed { instance: one, epoch: Epoch(2), status: passing }),
    ];
    let picture = drawn(&header, &events, ms(20_000));
    let [listing] = &picture.views[..] else { panic!("{:?}", picture.views) };
    assert_eq!(listing.counts, [(ms(1_100), 1), (ms(9_500), 0), (ms(12_100), 1)]);
    assert_eq!(
        listing.stale,
        [Listed { instance: one, from: ms(1_100), stale_from: ms(5_000), until: ms(9_500) }]
    );
    let html = page(&picture, &Caption::default());
    assert!(html.contains(">instance-1 gone</text>"), "{html}");
}

#[test]
fn a_clock_is_read_between_what_is_known_of_it() {
    let mut timeline = Timeline::new(&cast());
    // Half as fast again as true time, and then a step of ten seconds.
    for at in (0..100).map(|place| ms(place * 100)) {
        let local = at.as_nanos() as i64 * 3 / 2 + if at >= ms(5_000) { 10_000_000_000 } else { 0 };
        timeline.event(&Event { local, ..to(A, at, WorldEvent::Started) });
    }
    let picture = timeline.finish(&report(ms(10_000)));
    let clock = &picture.clocks[A.index()];
    assert!(clock.showed.len() <= 5, "{clock:?}");
    for (at, shown) in [(ms(2_050), 3_075_000_000), (ms(8_000), 22_000_000_000)] {
        let reading = clock.reading(at).expect("it is known");
        assert!((reading - shown).abs() < 1_000_000, "{reading} for {shown}");
    }
    assert_eq!(picture.clocks[B.index()].reading(ms(1)), None);
}

/// More than a page takes: routine and messages evenly over two thousand seconds, and something found in the middle.
fn long(found: bool) -> Picture {
    let mut timeline = Timeline::new(&cast());
    timeline.event(&granted(ms(0), 1, A, 1));
    for second in 0..2_000_u64 {
        for part in 0..20 {
            let at = ms(second * 1_000 + part * 50);
            timeline.event(&renewed(at, 1, 1));
            let number = second * 20 + part;
            timeline.message(&passage(at, number, A, G, Came::Sent));
            timeline.message(&passage(at, number, A, G, Came::Arrived));
            assert!(timeline.choice.held() <= 4 * MOST_SHOWN, "what is kept does not grow with the run");
        }
        if second % 100 == 0 {
            timeline.event(&to(B, ms(second * 1_000 + 999), WorldEvent::Paused));
            timeline.event(&to(B, ms(second * 1_000 + 999), WorldEvent::Resumed));
        }
        if found && second == 1_000 {
            timeline.finding(&violation(ms(1_000_999)));
        }
    }
    timeline.finish(&report(ms(2_000_000)))
}

#[test]
fn of_a_long_run_turning_points_are_kept_and_what_is_near_to_what_was_found() {
    let picture = long(true);
    let LeftOut { events, events_left_out, turns_left_out, messages, messages_left_out, .. } =
        picture.left_out;
    assert_eq!((events, messages, turns_left_out), (40_041, 40_000, 0));
    let shown = picture.happenings.len() + picture.messages.len();
    assert_eq!(shown, MOST_SHOWN);
    assert_eq!(events_left_out + messages_left_out, 80_041 - MOST_SHOWN as u64);
    // What is nearest, on both sides: about five thousand renewals and messages are four minutes.
    for message in &picture.messages {
        let off = message.sent.as_nanos().abs_diff(ms(1_000_999).as_nanos());
        assert!(off < ms(130_000).as_nanos(), "{message:?}");
    }
    assert!(picture.messages.len() > 4_000);
    let html = page(&picture, &Caption::default());
    assert!(html.contains("Left out are"), "the page says so");
    assert!(html.contains("Shown are all turning points"));
    assert!(html.contains("10,000 events and messages"));
}

#[test]
fn of_a_long_run_in_which_nothing_was_found_what_is_near_to_turning_points_is_kept() {
    let picture = long(false);
    assert_eq!(picture.left_out.turns_left_out, 0);
    assert_eq!(picture.happenings.len() + picture.messages.len(), MOST_SHOWN);
    let near = |at: SimInstant| at.as_nanos() % ms(100_000).as_nanos();
    let far = picture.messages.iter().filter(|message| {
        let off = near(message.sent);
        off > ms(30_000).as_nanos() && off < ms(80_000).as_nanos()
    });
    assert_eq!(far.count(), 0);
}

/// A run in which so many leases follow each other, each granted, claimed and expired.
fn leases(count: u64) -> Picture {
    let mut timeline = Timeline::new(&cast());
    for lease in 1..=count {
        timeline.event(&granted(ms(lease * 10), lease, A, lease));
        timeline.event(&expired(ms(lease * 10 + 5), lease, lease));
    }
    timeline.finish(&report(ms(count * 10 + 10)))
}

#[test]
fn a_page_says_how_much_of_what_lasts_it_does_not_draw() {
    for (count, left_out) in [(4_000, 0), (4_001, 1), (9_000, 5_000)] {
        let picture = leases(count);
        assert_eq!((picture.bars.len() as u64, picture.left_out.bars), (count.min(4_000), left_out));
        let html = page(&picture, &Caption::default());
        let notice = format!("bars of claims and leases: {}", words::grouped(left_out));
        assert_eq!(html.contains(&notice), left_out > 0, "{count}");
        assert!(!(left_out > 0 && html.contains("Bars and bands are whole")), "{count}");
    }
    assert!(page(&long(true), &Caption::default()).contains("Bars and bands are whole"));
}

#[test]
fn what_a_table_does_not_have_is_said_to_stand_where_it_stands() {
    let turns = |picture: &Picture| picture.happenings.iter().filter(|happening| happening.is_turn).count();
    let short = leases(400);
    assert!(turns(&short) > 301 && short.happenings.len() <= 3_000, "{}", turns(&short));
    let html = page(&short, &Caption::default());
    let more =
        format!("{} more turning points stand in the log below.", words::grouped(turns(&short) as u64 - 300));
    assert!(html.contains(&more), "{more}");
    // The log has three thousand lines, and there are more.
    let html = page(&leases(2_000), &Caption::default());
    assert!(!html.contains("stand in the log below"));
    assert!(html.contains("stand not here; the log below has the 3,000 events around these."));
    let far_too_many = page(&leases(9_000), &Caption::default());
    assert!(far_too_many.contains("turning points are left out"), "the plural is that of the points");
}

#[test]
fn a_short_run_is_whole_and_says_nothing_of_what_is_left_out() {
    let picture = drawn(&cast(), &pause(), ms(20_000));
    assert_eq!(picture.left_out, LeftOut { events: 13, ..LeftOut::default() });
    assert!(!page(&picture, &Caption::default()).contains("Left out are"));
}

fn scene() -> Picture {
    let mut timeline = Timeline::new(&cast());
    for event in pause() {
        timeline.event(&event);
    }
    timeline.message(&passage(ms(18_000), 1, A, S, Came::Sent));
    timeline.message(&passage(ms(18_004), 1, A, S, Came::Arrived));
    timeline.finding(&violation(ms(18_004)));
    timeline.finish(&report(ms(60_000)))
}

#[test]
fn the_page_tells_the_scene_and_jumps_to_it() {
    let caption = Caption {
        summary: "A late write.".to_owned(),
        command: "leasehold run x.toml --seed 7".to_owned(),
        story: vec![
            (ms(3_000), "holder-1 is paused".to_owned()),
            (ms(18_004), "resource accepts it".to_owned()),
        ],
        ending: Some("this violates I25".to_owned()),
        ..Caption::default()
    };
    let html = page(&scene(), &caption);
    for said in [
        "holder-1 was paused from 3.000 s to 18.000 s. \
         The claim of holder-1 under token 1 was over at 11.000 s by its own clock, and it did not know until 18.000 s. \
         holder-2 was granted lease 2 (token 2) at 11.600 s. \
         At 18.004 s resource accepts it. This violates I25.",
        "<a class=\"jump\" href=\"#violation\">",
        "id=\"violation\"",
        "id=\"said-2\"",
        "href=\"#said-2\"",
        "leasehold run x.toml --seed 7",
        "claim over, not noticed",
        "lease 2, token 2",
        "mark 2",
        "overwrites what it had not seen, token 1",
        "The scene, 0.000 ms to 23.004 s",
        "The whole run, 0.000 ms to 60.000 s",
    ] {
        assert!(html.contains(said), "{said:?} is not in the page");
    }
    // Lanes stand in an order in which those that talk are neighbours.
    let places: Vec<usize> = ["grantor", "holder-1", "holder-2", "resource"]
        .map(|name| html.find(&format!(">{name}</text>")).unwrap())
        .into();
    assert!(places.is_sorted(), "{places:?}");
}

#[test]
fn what_is_near_the_end_of_the_page_is_data_that_a_program_reads() {
    let html = page(&scene(), &Caption::default());
    let (_, rest) = html.split_once("<script type=\"application/json\" id=\"data\">").unwrap();
    let (json, _) = rest.split_once("</script>").unwrap();
    let data: serde_json::Value = serde_json::from_str(json).unwrap();
    assert_eq!(data["nodes"][1]["name"], "holder-1");
    assert_eq!(data["events"].as_array().unwrap().len(), 13);
    assert_eq!(data["messages"]["rows"][0][0], 18_000_000_000_u64);
    let ids: Vec<&str> =
        data["charts"].as_array().unwrap().iter().map(|chart| chart["id"].as_str().unwrap()).collect();
    assert_eq!(ids, ["scene", "close-up", "whole"]);
}

#[test]
fn hostile_names_stay_text() {
    let hostile = "</script><script>alert(1)</script>\"'><img src=x onerror=alert(1)>";
    let mut header = header(&[
        ("g", Role::Grantor),
        (hostile, Role::Contender),
        ("b", Role::Contender),
        ("s", Role::Resource),
    ]);
    header.scenario = hostile.to_owned();
    header.faults = vec![hostile.to_owned()];
    let mut timeline = Timeline::new(&header);
    pause().iter().for_each(|event| timeline.event(event));
    timeline.event(&to(A, ms(19_000), WorldEvent::FaultFired { fault: leasehold_core::FaultId(0) }));
    timeline.message(&passage(ms(19_000), 1, A, S, Came::Sent));
    let caption = Caption {
        summary: hostile.to_owned(),
        command: hostile.to_owned(),
        story: vec![(ms(1), hostile.to_owned())],
        beliefs: vec![hostile.to_owned()],
        ending: Some(hostile.to_owned()),
        evidence: vec![hostile.to_owned()],
    };
    let html = page(&timeline.finish(&report(ms(20_000))), &caption);
    assert_eq!(html.matches("<script").count(), 2, "its data and its own script");
    assert_eq!(html.matches("</script").count(), 2);
    assert!(!html.contains("<img"), "no element comes out of a name");
    let (before, data) = html.split_once("id=\"data\">").unwrap();
    assert!(!before.contains("onerror=alert(1)>"), "no attribute ends where a name says");
    let (data, _) = data.split_once("</script>").unwrap();
    let data: serde_json::Value = serde_json::from_str(data).unwrap();
    assert_eq!(data["nodes"][1]["name"], hostile, "in the data it is what it is");
}

/// The namespace of SVG is a name, and asks nobody.
#[test]
fn the_page_asks_nobody_for_anything() {
    let html = page(&scene(), &Caption::default()).replace("http://www.w3.org/2000/svg", "");
    for foreign in ["http:", "https:", "src=", "@import", "<link", "fetch(", "XMLHttpRequest", "<base"] {
        assert!(!html.contains(foreign), "{foreign}");
    }
    assert!(html.contains("default-src 'none'"));
}

#[test]
fn a_large_fleet_shares_a_lane_and_those_with_something_to_tell_have_their_own() {
    let mut names = vec![("registry".to_owned(), Role::Registry)];
    names.extend((1..=100).map(|place| (format!("instance-{place}"), Role::Instance)));
    let names: Vec<(&str, Role)> = names.iter().map(|(name, role)| (name.as_str(), *role)).collect();
    let events = [to(NodeId(77), ms(1_000), WorldEvent::Crashed)];
    let picture = drawn(&header(&names), &events, ms(20_000));
    let html = page(&picture, &Caption::default());
    assert!(html.contains(">instance-77</text>"));
    assert!(!html.contains(">instance-3</text>"));
    assert!(html.contains("99 others"));
}
