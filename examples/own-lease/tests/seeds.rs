//! What somebody with a lease of their own writes into their tests.

use own_lease::RecordElection;

#[test]
fn a_paused_leader_does_no_harm_under_a_hundred_seeds() {
    let checked = leasehold::check(&[&RecordElection], "scenarios/leader-paused.toml", 0..100).unwrap();
    assert_eq!((checked.runs, checked.violations), (100, 0));
    assert!(checked.hazards > 0, "some pause falls between a check and a write");
}
