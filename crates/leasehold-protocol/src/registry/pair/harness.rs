//! The harness itself: a test of others is worth what it is.

use super::*;
use leasehold_core::clock::ClockKind;
use leasehold_core::id::{Epoch, LeaseId, RequestId, ResourceId, Revision};
use leasehold_core::time::Span;

use crate::registry::ProbeKind;

const A: NodeId = NodeId(0);
const B: NodeId = NodeId(1);

fn ping(number: u64) -> RegistryMessage {
    RegistryMessage::Probe { number, kind: ProbeKind::Liveness }
}

/// Reports when a probe came, and how often its timer came, each second.
fn ticking() -> Boxed {
    Box::new(Puppet(|ctx: &mut Ctx<'_>, input| {
        let now = ctx.read(ClockKind::Boot);
        match input {
            Input::Started | Input::Restarted { .. } | Input::Timer(_) => {
                let at = now + Span::from_secs(1);
                ctx.arm(TimerId(0), at);
                ctx.emit(NodeEvent::TableHolds { live: 0 });
            }
            Input::Received { message: RegistryMessage::Probe { number, .. }, .. } => {
                ctx.emit(NodeEvent::Withdrew { resource: ResourceId(number as u32) });
            }
            _ => {}
        }
    }))
}

fn came(few: &Few, number: u32) -> Vec<i64> {
    few.times(B, |e| *e == NodeEvent::Withdrew { resource: ResourceId(number) })
}

fn ticks(few: &Few) -> Vec<i64> {
    few.times(B, |e| matches!(e, NodeEvent::TableHolds { .. }))
}

#[test]
fn each_message_goes_the_way_that_the_test_says() {
    let mut few = Few::new();
    few.add(B, ticking);
    few.on_network(|_, _, _, message| match message {
        RegistryMessage::Probe { number: 1, .. } => Way::ArrivesAfter(50),
        RegistryMessage::Probe { number: 2, .. } => Way::ArrivesTwice,
        RegistryMessage::Probe { number: 3, .. } => Way::Lost,
        RegistryMessage::Probe { number: 4, .. } => Way::Held,
        _ => Way::Arrives,
    });
    (0..5).for_each(|number| few.send(A, B, ping(number)));
    few.run_to(100);
    few.let_go();
    few.run_to(200);
    let all: Vec<_> = (0..5).map(|number| came(&few, number)).collect();
    assert_eq!(all, [vec![2], vec![50], vec![2, 4], vec![], vec![102]]);
    few.all_that_are(Purpose::Probe, Leg::Request, Way::Lost);
    few.send(A, B, ping(9));
    few.heal();
    few.send(A, B, ping(10));
    few.run_to(300);
    assert_eq!((came(&few, 9), came(&few, 10)), (vec![], vec![202]));
    assert_eq!(few.sends(A, is(Purpose::Probe, Leg::Request)).len(), 7);
}

#[test]
fn who_is_paused_catches_up_and_who_is_dead_does_not() {
    let mut few = Few::new();
    few.add(B, ticking);
    few.pause(B);
    few.send(A, B, ping(1));
    few.run_to(1_500);
    assert_eq!((ticks(&few), came(&few, 1)), (vec![0], vec![]));
    few.resume(B);
    few.run_to(1_600);
    assert_eq!((ticks(&few), came(&few, 1)), (vec![0, 1_500], vec![1_500]));
    few.kill(B);
    few.send(A, B, ping(2));
    few.run_to(4_000);
    few.revive(B);
    few.run_to(5_000);
    assert_eq!((ticks(&few), came(&few, 2)), (vec![0, 1_500, 4_000, 5_000], vec![]));
}

#[test]
fn clocks_run_at_their_own_rates() {
    let mut few = Few::new();
    few.add_with_rate(B, 100_000_000, ticking);
    few.run_to(2_000);
    assert_eq!(ticks(&few), [0, 909, 1_818]);
}

#[test]
fn a_disk_keeps_what_was_written_in_time() {
    let mut few = Few::new();
    few.disk = 10;
    let record = RegistryRecord {
        row: 7,
        member: ResourceId(7),
        lease: LeaseId(1),
        epoch: Epoch(1),
        holder: A,
        incarnation: Incarnation(0),
        request: RequestId(1),
        ttl: Span::from_secs(1),
        offers: [].into(),
        keys: 0,
        status: leasehold_core::event::Status::Passing,
        ended: None,
        deadline: None,
        revision: Revision(1),
    };
    few.add(B, move || {
        let record = record.clone();
        Box::new(Puppet(move |ctx: &mut Ctx<'_>, input| match input {
            Input::Command(_) => {
                ctx.persist(record.clone());
            }
            Input::Restarted { disk } => {
                ctx.emit(NodeEvent::TableHolds { live: disk.len() as u32 });
            }
            Input::Persisted(_) => ctx.emit(NodeEvent::Withdrew { resource: ResourceId(0) }),
            _ => {}
        }))
    });
    few.command(B, RegistryCommand::Revoke);
    few.run_to(9);
    few.kill(B);
    few.revive(B);
    few.command(B, RegistryCommand::Revoke);
    few.run_to(30);
    few.kill(B);
    few.revive(B);
    let kept = |e: &(i64, NodeId, NodeEvent)| match e.2 {
        NodeEvent::TableHolds { live } => Some(live),
        _ => None,
    };
    assert_eq!(few.events.iter().filter_map(kept).collect::<Vec<_>>(), [0, 1]);
    assert_eq!(few.times(B, |e| matches!(e, NodeEvent::Withdrew { .. })), [19]);
}
