//! Each policy does what its source says, by an example that is reckoned by hand.

mod detectors;
mod extensions;
mod guards;
mod readmission;
mod together;

use alloc::boxed::Box;
use alloc::sync::Arc;
use alloc::vec::Vec;

use leasehold_core::clock::{ClockKind, Reading};
use leasehold_core::id::{NodeId, ResourceId};
use leasehold_core::time::Span;

use super::*;
use crate::registry::{MemberPlace, Places};

/// A reading of the registry's clock.
fn at(millis: u64) -> Reading {
    Reading::new(ClockKind::Boot, i64::try_from(millis * 1_000_000).unwrap())
}

fn millis(millis: u64) -> Span {
    Span::from_millis(millis)
}

fn secs(secs: u64) -> Span {
    Span::from_secs(secs)
}

fn member(number: u32) -> ResourceId {
    ResourceId(number)
}

/// Members, each in a zone, and observers, who are the nodes from 900 on.
fn places(zones: &[u16], observers: u16) -> Arc<Places> {
    let of = |(number, zone): (usize, &u16)| MemberPlace {
        member: member(u32::try_from(number).unwrap()),
        application: NodeId(u16::try_from(number + 1).unwrap()),
        sidecar: None,
        offers: Arc::from([]),
        zone: *zone,
    };
    Arc::new(Places {
        registry: NodeId(0),
        followers: Vec::new(),
        observers: (900..900 + observers).map(NodeId).collect(),
        members: zones.iter().enumerate().map(of).collect(),
    })
}

/// A policy with room for anything, and a heartbeat of 10 s.
fn policy() -> GracePolicy {
    GracePolicy { at_most: secs(100_000), ..GracePolicy::default() }
}

/// The policy at work, all members with a lease of this term that began at 0.
fn at_work(policy: &GracePolicy, members: u32, observers: u16, term: Span) -> Box<dyn Grace> {
    let zones: Vec<u16> = (0..members).map(|_| 0).collect();
    let mut grace = build(policy, places(&zones, observers));
    (0..members).for_each(|number| grace.began(member(number), term, at(0), Beginning::Registered));
    grace
}

/// Who of these may end now.
fn admitted(grace: &mut dyn Grace, now: u64, due: &[u32]) -> Vec<u32> {
    let mut due = due.iter().copied().map(member).collect();
    grace.admit(at(now), &mut due);
    grace.admitted(at(now), &due);
    due.into_iter().map(|member| member.0).collect()
}

/// Members that are due end as far as they are admitted; gives the rest.
fn end(grace: &mut dyn Grace, now: u64, due: &mut Vec<u32>) -> usize {
    let ends = admitted(grace, now, due);
    ends.iter().for_each(|number| grace.ended(member(*number), at(now), Departure::Expired));
    due.retain(|number| !ends.contains(number));
    ends.len()
}

/// Grace that is within a microsecond of so many milliseconds: floats are cut there.
#[track_caller]
fn assert_near(given: Span, expected_micros: u64) {
    let off = given.as_nanos().abs_diff(expected_micros * 1_000);
    assert!(off <= 1_000_000, "{given} is not {}", Span::from_micros(expected_micros));
}
