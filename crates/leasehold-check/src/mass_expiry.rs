//! I18: no more than the declared share of leases expires within one window.
//!
//! Source: docs/invariants.md. When many leases run out at once it is rarely the holders that died: Eureka and
//! Kubernetes withhold such ends, each up to a limit.
//!
//! **Violation** `too-many-expired`: within one window of [`MassCap`](leasehold_core::bounds::MassCap) a registry
//! ordered the expiry of more leases than its share of those that lived when the window began, and of more than may
//! end in any case. Exactly that many are fine. An expiry a window's length after another is in the next window. Told
//! once for each wave: again when the number has been within the cap in between.
//!
//! Excused if the registry's clocks were out of bounds or stood still, or its disk lost something, in the window: then
//! it is the clock that ended them.
//!
//! Judged: every order to end a lease because it expired. A system that declares no cap is not judged.

use alloc::collections::VecDeque;

use leasehold_core::bounds::MassCap;
use leasehold_core::event::EndCause;
use leasehold_core::{NodeEvent, NodeId, ResourceId, SimInstant};

use crate::assumptions::CLOCKS_AND_DISK;
use crate::book::{Book, Case};
use crate::checker::{Checker, Topics};
use crate::finding::Fact;
use crate::scene::Scene;

/// Remembers the expiries of the window.
#[derive(Debug, Default)]
pub(crate) struct MassExpiry {
    window: VecDeque<Expiry>,
    wave: Wave,
}

#[derive(Clone, Copy, Debug)]
struct Expiry {
    at: SimInstant,
    /// How many leases lived just before.
    live: u64,
}

/// Whether there are too many.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Wave {
    #[default]
    None,
    Told,
}

impl MassExpiry {
    fn ordered(
        &mut self,
        scene: &Scene,
        registry: NodeId,
        member: ResourceId,
        cap: &MassCap,
        book: &mut Book,
    ) {
        let now = scene.now;
        while self.window.front().is_some_and(|first| now - first.at >= cap.window) {
            self.window.pop_front();
        }
        self.window.push_back(Expiry { at: now, live: scene.leases.live_at(registry) });
        let first = self.window[0];
        if scene.assumptions.excused_since(registry, first.at, &CLOCKS_AND_DISK) {
            book.excuse();
            return;
        }
        book.judge();
        let share = u128::from(first.live) * u128::from(cap.share_ppm) / 1_000_000;
        let allowed = u64::try_from(share).unwrap_or(u64::MAX).max(u64::from(cap.at_least));
        let found = self.window.len() as u64;
        if found <= allowed {
            self.wave = Wave::None;
            return;
        }
        if core::mem::replace(&mut self.wave, Wave::Told) == Wave::Told {
            return;
        }
        book.violation(now, "too-many-expired", || Case {
            nodes: [registry].into(),
            resource: Some(member),
            evidence: [
                Fact::Total { what: "leases that lived", count: first.live },
                Fact::Count { what: "expiries within one window, at most", expected: allowed, found },
                Fact::Bound { what: "time that they took", allowed: cap.window, measured: now - first.at },
            ]
            .into(),
        });
    }
}

impl Checker for MassExpiry {
    fn topics(&self) -> Topics {
        Topics::LEASES
    }

    fn on_node(&mut self, scene: &Scene, node: NodeId, event: &NodeEvent, book: &mut Book) {
        let NodeEvent::EndOrdered { resource, cause: EndCause::Expired, .. } = *event else { return };
        if let Some(cap) = scene.bounds.discovery.and_then(|bounds| bounds.mass) {
            self.ordered(scene, node, resource, &cap, book);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::invariant::Invariant;
    use crate::report::InvariantReport;
    use crate::script::registry::*;
    use crate::script::*;

    /// So many leases, then an expiry at each of these instants. The cap of the script is a half within 10 s, and 2 in
    /// any case.
    fn judged(live: u64, expiries: &[SimInstant], broken_about: Option<NodeId>) -> InvariantReport {
        let mut events: std::vec::Vec<_> = (1..=live).map(|n| at(s(1), G, granted_to_member(n))).collect();
        events.extend(broken_about.map(|node| at(s(2), node, broken(Assumption::ClockRate))));
        events.extend(
            (1..).zip(expiries).flat_map(|(n, when)| {
                [at(*when, G, end_ordered(n, EXPIRED)), at(*when, G, ended(n, EXPIRED))]
            }),
        );
        report_of_registry(Invariant::MassExpiry, &events, s(100))
    }

    #[test]
    fn as_many_as_the_share_may_expire_in_a_window() {
        assert_eq!(judged(8, &[s(30); 4], None).counts(), (4, 0, 0), "a half of eight");
        assert_eq!(judged(8, &[s(30); 5], None).clauses(), ["too-many-expired"]);
        assert_eq!(judged(9, &[s(30); 5], None).clauses(), ["too-many-expired"], "a half, rounded down");
        assert_eq!(judged(8, &[s(30); 8], None).clauses(), ["too-many-expired"], "told once");
    }

    /// Ten live, then four: a half of them is five, and then two.
    #[test]
    fn each_wave_is_told() {
        let waves = |second: usize| judged(10, &[&[s(30); 6][..], &[s(50); 4][..second]].concat(), None);
        assert_eq!(waves(2).clauses(), ["too-many-expired"]);
        assert_eq!(waves(3).clauses(), ["too-many-expired"; 2]);
        assert_eq!(waves(4).clauses(), ["too-many-expired"; 2]);
    }

    #[test]
    fn few_may_expire_in_any_case() {
        assert_eq!(judged(2, &[s(30); 2], None).counts(), (2, 0, 0));
        assert_eq!(judged(3, &[s(30); 3], None).clauses(), ["too-many-expired"]);
    }

    #[test]
    fn a_windows_length_later_is_the_next_window() {
        let fifth = |when| judged(8, &[s(30), s(30), s(30), s(30), when], None).counts().2;
        assert_eq!(fifth(just_before(s(40))), 1);
        assert_eq!(fifth(s(40)), 0);
    }

    #[test]
    fn the_registrys_clock_excuses() {
        assert_eq!(judged(8, &[s(30); 5], Some(G)).counts(), (0, 5, 0));
        assert_eq!(judged(8, &[s(30); 5], Some(A)).counts(), (5, 0, 1));
    }

    #[test]
    fn only_what_expires_counts() {
        let mut events: std::vec::Vec<_> = (1..=4).map(|n| at(s(1), G, granted_to_member(n))).collect();
        for n in 1..=4 {
            events.push(at(s(5), G, end_ordered(n, REVOKED)));
        }
        assert_eq!(report_of_registry(Invariant::MassExpiry, &events, s(100)).counts(), (0, 0, 0));
    }
}
