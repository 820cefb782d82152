use super::*;
use crate::policy::{Renewals, Restart};

#[test]
fn a_heartbeat_begins_the_term_anew_or_adds_it_twice() {
    for (renewal, end) in [(RenewalTerm::FromNow, 40_001), (RenewalTerm::AddedTwice, 70_001)] {
        let mut few = registered(RegistryPolicy { renewal, ..policy() });
        few.run_to(10_000);
        beat(&mut few, 1, 0);
        few.run_to(80_000);
        assert_eq!((expired_at(&few), renewals(&few)), ([end].into(), [(10_000, 1)].into()), "{renewal:?}");
    }
}

#[test]
fn heartbeats_keep_a_lease_for_as_long_as_they_come() {
    let mut few = all_registered(3, policy());
    beats_until(&mut few, 3, 600_000);
    few.run_to(600_000);
    assert_eq!((few.ends(), statuses(&few, 0).len()), ([].into(), 1));
    few.run_to(700_000);
    assert_eq!(few.ends().len(), 3);
}

/// A heartbeat of a process that was replaced names the old lease.
#[test]
fn a_heartbeat_of_the_past_renews_only_who_does_not_look() {
    for (heartbeat_check, end, last) in
        [(HeartbeatCheck::LeaseAndEpoch, 35_003, "refused"), (HeartbeatCheck::Member, 55_001, "taken")]
    {
        let mut few = registered(RegistryPolicy { heartbeat_check, ..policy() });
        few.run_to(5_000);
        register(&mut few, 0, 1, 1);
        few.run_to(25_000);
        beat(&mut few, 1, 3);
        few.run_to(60_000);
        assert_eq!((expired_at(&few), answers(&few)[2].1), ([end].into(), last), "{heartbeat_check:?}");
    }
}

#[test]
fn a_heartbeat_has_to_name_lease_and_epoch_of_its_member() {
    let mut few = registered(policy());
    few.run_to(10_000);
    for (member, lease, epoch) in [(0, 2, Some(1)), (0, 1, Some(2)), (0, 1, None), (7, 1, Some(1))] {
        beat_as(&mut few, member, (lease, epoch), 0, Health::Ready);
    }
    few.run_to(11_000);
    assert_eq!(
        (renewals(&few), answers(&few)),
        (
            [].into(),
            [
                (1, "registered"),
                (10_000, "refused"),
                (10_000, "refused"),
                (10_000, "refused"),
                (10_000, "refused")
            ]
            .into()
        )
    );
}

#[test]
fn a_heartbeat_that_was_overtaken_or_comes_twice_is_not_counted() {
    let mut few = registered(policy());
    for (at, number) in [(1_000, 0), (2_000, 2), (3_000, 1), (4_000, 2), (5_000, 3)] {
        few.run_to(at);
        beat(&mut few, 1, number);
    }
    few.run_to(40_000);
    assert_eq!(renewals(&few), [(1_000, 1), (2_000, 1), (5_000, 1)]);
    assert_eq!(expired_at(&few), [35_001]);
}

/// The second is overtaken by the third, and the fourth left when its sender's clock had stepped back.
#[test]
fn heartbeats_are_put_in_order_by_their_numbers_or_by_wall_clocks() {
    let counted = |heartbeat_order| {
        let mut few = registered(RegistryPolicy { heartbeat_order, ..policy() });
        for (at, number, stamp) in
            [(1_000, 0, 50), (3_000, 2, 52), (4_000, 1, 51), (5_000, 3, 9), (6_000, 4, 53)]
        {
            few.run_to(at);
            beat_stamped(&mut few, 0, (1, Some(1)), (number, stamp), Health::Ready);
        }
        few.run_to(7_000);
        renewals(&few).into_iter().map(|(at, _)| at).collect::<Vec<_>>()
    };
    assert_eq!(counted(HeartbeatOrder::Number), [1_000, 3_000, 5_000, 6_000]);
    assert_eq!(counted(HeartbeatOrder::WallStamp), [1_000, 3_000, 6_000]);
}

/// The disk is slow, and a heartbeat comes between the decision that a lease is over and its record; another comes
/// after that.
#[test]
fn a_heartbeat_for_a_lease_that_is_over_is_refused_or_taken_or_brings_it_back() {
    for (late_heartbeat, counted, last, ends) in [
        (LateHeartbeat::Refused, &[][..], [(30_101, "refused"), (30_200, "refused")], [30_101].as_slice()),
        (LateHeartbeat::TakenUntilRecorded, &[30_050], [(30_050, "taken"), (30_200, "refused")], &[30_101]),
        (LateHeartbeat::Revives, &[30_200], [(30_101, "refused"), (30_200, "taken")], &[30_101, 60_300]),
    ] {
        let mut few = registered(RegistryPolicy { late_heartbeat, ..policy() });
        few.disk = 100;
        few.run_to(30_050);
        beat(&mut few, 1, 0);
        few.run_to(30_200);
        beat(&mut few, 1, 1);
        few.run_to(90_000);
        let times: Vec<i64> = renewals(&few).iter().map(|(at, _)| *at).collect();
        assert_eq!((times.as_slice(), &answers(&few)[1..]), (counted, last.as_slice()), "{late_heartbeat:?}");
        assert_eq!(expired_at(&few), ends, "{late_heartbeat:?}");
    }
}

#[test]
fn what_lives_again_is_listed_again() {
    let mut few = registered(RegistryPolicy { late_heartbeat: LateHeartbeat::Revives, ..policy() });
    few.run_to(35_000);
    beat(&mut few, 1, 0);
    few.run_to(36_000);
    assert_eq!(counts(&few), [(1, 2), (3, 0), (4, 2)]);
}

/// A revocation comes while a heartbeat waits for the disk.
#[test]
fn a_heartbeat_is_answered_at_once_or_when_it_is_durable_after_another_look_or_none() {
    for (answers_when, told) in [
        (Renewals::AtOnce, (10_000, "taken")),
        (Renewals::OnceDurable, (10_100, "refused")),
        (Renewals::OnceDurableUnchecked, (10_100, "taken")),
    ] {
        let mut few = registered(RegistryPolicy { answers: answers_when, ..policy() });
        few.disk = 100;
        few.run_to(10_000);
        beat(&mut few, 1, 0);
        few.run_to(10_050);
        few.command(REGISTRY, RegistryCommand::Expire);
        few.run_to(10_150);
        assert_eq!(answers(&few)[1], told, "{answers_when:?}");
        few.run_to(20_000);
        assert_eq!(few.ends(), [(10_150, ADMINISTRATOR)]);
    }
}

#[test]
fn a_restart_that_goes_by_the_disk_has_heartbeats_written_before_they_are_answered() {
    let mut few = registered(RegistryPolicy { restart: Restart::Remaining, ..policy() });
    few.disk = 100;
    few.run_to(10_000);
    beat(&mut few, 1, 0);
    few.run_to(11_000);
    assert_eq!(answers(&few)[1], (10_100, "taken"));
}

#[test]
fn heartbeats_are_no_news_unless_they_are_published() {
    for (renewals, revision) in [(RenewalNews::Never, 2), (RenewalNews::Published, 4)] {
        let feed = FeedPolicy { window: 64, ..FeedPolicy::default() };
        let mut few = registered(RegistryPolicy { renewals, feed, ..policy() });
        few.send(app(5), REGISTRY, RegistryMessage::Watch { stream: 1, from: None, ping: 0 });
        for (at, number) in [(10_000, 0), (20_000, 1)] {
            few.run_to(at);
            beat(&mut few, 1, number);
        }
        few.run_to(55_000);
        let news = few.sends(REGISTRY, |message| matches!(message, RegistryMessage::Changes { .. }));
        assert_eq!(counts(&few).last(), Some(&(revision + 1, 0)), "{renewals:?}");
        assert_eq!(news.len() as u64, revision, "the suspicion, the end, and what else there is to hear");
    }
}

#[test]
fn who_says_that_it_is_not_ready_is_marked_or_revoked() {
    let say = |unhealthy| {
        let mut few = registered(RegistryPolicy { unhealthy, ..policy() });
        for (at, number, health) in [(10_000, 0, Health::NotReady), (20_000, 1, Health::Ready)] {
            few.run_to(at);
            beat_as(&mut few, 0, (1, Some(1)), number, health);
        }
        few.run_to(25_000);
        few
    };
    let few = say(Unhealthy::Marked);
    let marked = [(1, Status::Passing), (10_001, Status::Critical), (20_001, Status::Passing)];
    assert_eq!((statuses(&few, 1), few.ends()), (marked.into(), [].into()));
    let few = say(Unhealthy::Revoked);
    assert_eq!((statuses(&few, 1).len(), few.ends()), (1, [(10_001, UNHEALTHY)].into()));
    assert_eq!(answers(&few), [(1, "registered"), (10_001, "revoked"), (20_000, "refused")]);
}

#[test]
fn who_registers_as_unable_is_marked_until_it_is_able_whatever_the_policy() {
    let mut few = with(1, RegistryPolicy { unhealthy: Unhealthy::Revoked, ..policy() });
    register_as(&mut few, app(0), 0, 0, 1, Health::NotReady);
    for (at, number, health) in [(10_000, 0, Health::NotReady), (20_000, 1, Health::Ready)] {
        few.run_to(at);
        beat_as(&mut few, 0, (1, Some(1)), number, health);
    }
    few.run_to(25_000);
    assert_eq!(statuses(&few, 0), [(1, Status::Critical), (20_001, Status::Passing)]);
    beat_as(&mut few, 0, (1, Some(1)), 2, Health::NotReady);
    few.run_to(26_000);
    assert_eq!(few.ends(), [(25_001, UNHEALTHY)]);
}
