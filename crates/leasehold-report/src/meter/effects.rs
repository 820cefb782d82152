//! What becomes of effects: how many are accepted, refused, tried again or lost, and what an older token can still do.

use std::collections::BTreeMap;

use leasehold_check::Metric;
use leasehold_core::SimInstant;
use leasehold_core::event::{Access, EventKind, NodeEvent, Refusal, WorldEvent};
use leasehold_core::id::{NodeId, OpId, ResourceId, Token};

use super::load::Level;
use super::values::Values;
use crate::amount::Amount;

/// What is measured here.
pub(crate) const MEASURED: [Metric; 5] = [
    Metric::UnfencedWindow,
    Metric::StaleWritesRejected,
    Metric::Throughput,
    Metric::Retries,
    Metric::WastedWork,
];

/// What is known of the tokens of a resource.
#[derive(Clone, Copy, Debug)]
struct Newest {
    token: Token,
    /// Since when it has been granted, as long as nothing of its holder was accepted.
    unfenced: Option<SimInstant>,
    /// When an older token was last accepted meanwhile.
    older_accepted: Option<SimInstant>,
}

/// The latest effect of somebody on a resource.
#[derive(Clone, Copy, Debug, Default)]
struct Latest {
    op: Option<OpId>,
    was_refused: bool,
}

/// All effects of a run.
#[derive(Clone, Debug)]
pub(crate) struct Effects {
    /// What comes later is not counted.
    until: SimInstant,
    newest: BTreeMap<ResourceId, Newest>,
    latest: BTreeMap<(NodeId, ResourceId), Latest>,
    accepted_per_second: Level,
    windows: Values,
    stale: u128,
    retries: u128,
    issued: u128,
    accepted: u128,
}

impl Effects {
    /// Counts what happens until then; a window that is open then ends when it ends.
    pub(crate) fn until(until: SimInstant) -> Self {
        Self {
            until,
            newest: BTreeMap::new(),
            latest: BTreeMap::new(),
            accepted_per_second: Level::until(until),
            windows: Values::default(),
            stale: 0,
            retries: 0,
            issued: 0,
            accepted: 0,
        }
    }

    pub(crate) fn hear(&mut self, at: SimInstant, node: NodeId, kind: &EventKind) {
        let event = match kind {
            EventKind::Node(event) => event,
            // A new process numbers its effects anew, and tries nothing again.
            EventKind::World(WorldEvent::Restarted { .. }) => {
                self.latest.retain(|(writer, _), _| *writer != node);
                return;
            }
            EventKind::World(_) => return,
        };
        match *event {
            NodeEvent::Granted { resource, token, .. }
            | NodeEvent::Recovered { resource, token, ended: None, .. } => self.granted(at, resource, token),
            NodeEvent::ClaimStarted(claim) => self.granted(at, claim.resource, claim.token),
            NodeEvent::EffectIssued { resource, op, .. } => {
                let latest = self.latest.entry((node, resource)).or_default();
                // A repeated number is the same effect, sent again because nobody answered.
                if latest.op != Some(op) {
                    let counts = at <= self.until;
                    self.issued += u128::from(counts);
                    self.retries += u128::from(counts && latest.was_refused);
                    *latest = Latest { op: Some(op), was_refused: false };
                }
            }
            NodeEvent::EffectAccepted { resource, token, .. } => {
                self.accepted += u128::from(at <= self.until);
                self.accepted_per_second.count(at);
                self.let_through(at, resource, token);
            }
            NodeEvent::BarrierRaised { resource, token, .. } => self.let_through(at, resource, token),
            NodeEvent::AccessRefused { resource, by, access: Access::Write, token, refusal } => {
                self.stale += u128::from(at <= self.until && self.is_stale(resource, token, refusal));
                self.latest.entry((by, resource)).or_default().was_refused = true;
            }
            _ => {}
        }
    }

    /// The run is over.
    pub(crate) fn finish(mut self, ended_at: SimInstant) -> Vec<(Metric, Amount)> {
        for newest in self.newest.values_mut() {
            newest.close(&mut self.windows);
        }
        let run = u128::from(ended_at.min(self.until).since_start().as_nanos());
        let wasted = self.issued.saturating_sub(self.accepted);
        vec![
            (Metric::UnfencedWindow, self.windows.into()),
            (Metric::StaleWritesRejected, Amount::of_part(self.stale, run)),
            (Metric::Throughput, self.accepted_per_second.finish(ended_at)),
            (Metric::Retries, Amount::of_part(self.retries, run)),
            (Metric::WastedWork, Amount::of_part(wasted, self.issued)),
        ]
    }

    fn granted(&mut self, at: SimInstant, resource: ResourceId, token: Token) {
        let fresh = Newest { token, unfenced: Some(at), older_accepted: None };
        let newest = self.newest.entry(resource).or_insert(fresh);
        if newest.token < token {
            newest.close(&mut self.windows);
            *newest = fresh;
        }
    }

    /// A resource let an effect, or a barrier, of this token through.
    fn let_through(&mut self, at: SimInstant, resource: ResourceId, token: Token) {
        let Some(newest) = self.newest.get_mut(&resource) else { return };
        if token >= newest.token {
            newest.close(&mut self.windows);
        } else if newest.unfenced.is_some() {
            newest.older_accepted = Some(at);
        }
    }

    /// Whether a write was refused for its age. A fence that goes by equality does not say so; the grants do.
    fn is_stale(&self, resource: ResourceId, token: Token, refusal: Refusal) -> bool {
        match refusal {
            Refusal::Stale { .. } => true,
            Refusal::NotCurrent { .. } => {
                self.newest.get(&resource).is_some_and(|newest| token < newest.token)
            }
            Refusal::Conflict { .. } => false,
        }
    }
}

impl Newest {
    /// Nothing older is accepted any more, or nobody will know.
    fn close(&mut self, windows: &mut Values) {
        if let (Some(from), Some(until)) = (self.unfenced.take(), self.older_accepted.take())
            && from < until
        {
            windows.lasts(until - from);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::script::*;
    use super::Amount;

    #[test]
    fn a_window_is_unfenced_from_the_newer_grant_to_the_last_older_effect() {
        let window = |lines: &[Line], expected: &[u64]| {
            lengths(Metric::UnfencedWindow, lines, s(60), expected);
        };
        let (old, new) = (at(s(1), G, grants(1, A)), at(s(10), G, grants(2, B)));
        let older = at(s(12), S, accepts(A, 1, 1));
        window(&[old, new, older], &[2_000]);
        window(&[old, at(s(9), S, accepts(A, 1, 1)), new], &[]);
        window(&[old, new, older, at(s(13), S, accepts(A, 1, 2)), at(s(14), S, accepts(B, 2, 1))], &[3_000]);
        let fenced = [old, new, at(s(11), S, accepts(B, 2, 1)), older];
        window(&fenced, &[]);
        let barrier = NodeEvent::BarrierRaised { resource: R, by: B, token: Token(2) };
        window(&[old, new, at(s(11), S, barrier), older], &[]);
        let two = [old, new, older, at(s(20), G, grants(3, C)), at(s(24), S, accepts(A, 1, 2))];
        window(&two, &[2_000, 4_000]);
        let claimed = [at(s(1), A, claims(1)), at(s(10), B, claims(2)), older];
        window(&claimed, &[2_000]);
    }

    #[test]
    fn a_stale_write_is_one_that_is_refused_for_its_age() {
        let count = |access, token, refusal, expected| {
            let lines = [at(s(1), G, grants(2, B)), at(s(2), S, refuses(A, access, token, refusal))];
            events(Metric::StaleWritesRejected, &lines, s(60), expected, 60);
        };
        let (stale, other) = (Refusal::Stale { mark: Token(2) }, Refusal::NotCurrent { current: Token(2) });
        count(Access::Write, 1, stale, 1);
        count(Access::Read, 1, stale, 0);
        count(Access::Write, 1, other, 1);
        count(Access::Write, 2, other, 0);
        count(Access::Write, 1, Refusal::Conflict { latest: Version(3) }, 0);
    }

    #[test]
    fn throughput_is_what_is_accepted_in_each_second() {
        let lines = [100, 200, 1_000, 3_999].map(|millis| at(ms(millis), S, accepts(A, 1, millis)));
        values(Metric::Throughput, &lines, s(5), &[2, 1, 0, 1, 0]);
        values(Metric::Throughput, &lines, ms(4_500), &[2, 1, 0, 1]);
        values(Metric::Throughput, &[], ms(999), &[]);
    }

    #[test]
    fn a_retry_is_a_new_effect_of_whose_last_one_was_refused() {
        let conflict = refuses(A, Access::Write, 1, Refusal::Conflict { latest: Version(3) });
        let count = |lines: &[Line], expected| events(Metric::Retries, lines, s(60), expected, 60);
        let (first, refused) = (at(s(1), A, issues(1, 1)), at(s(2), S, conflict));
        count(&[first, refused, at(s(3), A, issues(1, 2))], 1);
        count(&[first, refused, at(s(3), A, issues(1, 2)), at(s(4), A, issues(1, 3))], 1);
        count(&[first, refused, at(s(3), B, issues(1, 2))], 0);
        count(&[first, refused, at(s(3), A, issues(1, 1))], 0);
        count(&[first, at(s(3), A, issues(1, 2))], 0);
        let read = refuses(A, Access::Read, 1, Refusal::Stale { mark: Token(2) });
        count(&[first, at(s(2), S, read), at(s(3), A, issues(1, 2))], 0);
    }

    #[test]
    fn what_comes_when_faults_are_over_is_not_counted() {
        let refused = refuses(A, Access::Write, 1, Refusal::Stale { mark: Token(2) });
        let lines = [
            at(s(1), A, issues(1, 1)),
            at(s(2), S, refused),
            at(s(3), A, issues(1, 2)),
            at(s(4), S, refused),
            at(s(5), A, issues(1, 3)),
            at(s(6), S, accepts(A, 1, 3)),
        ];
        let second = 1_000_000_000;
        for (chaos, stale, retries, wasted, issued) in [
            ("3s", 1, 1, 2, 2),
            ("4s", 2, 1, 2, 2),
            ("5s", 2, 2, 3, 3),
            ("6s", 2, 2, 2, 3),
            ("600s", 2, 2, 2, 3),
        ] {
            let found = |metric| amount_within(chaos, metric, &lines, s(20)).to_string();
            let run = if chaos == "600s" { 20 } else { u128::from(chaos.as_bytes()[0] - b'0') } * second;
            assert_eq!(
                found(Metric::StaleWritesRejected),
                Amount::of_part(stale, run).to_string(),
                "{chaos}"
            );
            assert_eq!(found(Metric::Retries), Amount::of_part(retries, run).to_string(), "{chaos}");
            assert_eq!(found(Metric::WastedWork), Amount::of_part(wasted, issued).to_string(), "{chaos}");
        }
    }

    #[test]
    fn wasted_is_what_was_issued_and_never_accepted() {
        let count = |lines: &[Line], wasted, issued| part(Metric::WastedWork, lines, s(60), wasted, issued);
        let (one, two) = (at(s(1), A, issues(1, 1)), at(s(2), A, issues(1, 2)));
        count(&[], 0, 0);
        count(&[one, two], 2, 2);
        count(&[one, two, at(s(3), S, accepts(A, 1, 2))], 1, 2);
        // Sent again because nobody answered: the same effect.
        count(&[one, at(s(2), A, issues(1, 1)), at(s(3), S, accepts(A, 1, 1))], 0, 1);
        count(&[one, at(s(2), B, issues(2, 1))], 2, 2);
    }

    /// Two that have no lease read one version and write: the second is refused, reads again, and is accepted. A third
    /// dies when it was refused: what its next process writes has the same number, and is neither the same effect nor a retry.
    #[test]
    fn work_without_a_lease_is_counted_like_any_other() {
        let conflict = |by| refuses(by, Access::Write, 0, Refusal::Conflict { latest: Version(1) });
        let lines = [
            at(ms(100), A, issues(0, 2)),
            at(ms(100), B, issues(0, 2)),
            at(ms(110), S, accepts(A, 0, 2)),
            at(ms(110), S, conflict(B)),
            at(ms(400), B, issues(0, 4)),
            at(ms(450), B, issues(0, 4)),
            at(ms(1_100), S, accepts(B, 0, 4)),
            at(ms(1_200), C, issues(0, 2)),
            at(ms(1_210), S, conflict(C)),
            at(ms(1_300), C, DIES),
            at(ms(2_400), C, COMES_BACK),
            at(ms(2_500), C, issues(0, 2)),
        ];
        events(Metric::Retries, &lines, s(4), 1, 4);
        part(Metric::WastedWork, &lines, s(4), 3, 5);
        values(Metric::Throughput, &lines, s(4), &[1, 1, 0, 0]);
        events(Metric::StaleWritesRejected, &lines, s(4), 0, 4);
        lengths(Metric::UnfencedWindow, &lines, s(4), &[]);
    }
}
