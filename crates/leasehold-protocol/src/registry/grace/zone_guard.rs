//! A guard against mass expiry that goes by the share of a zone that is late.

use alloc::sync::Arc;
use alloc::vec::Vec;

use leasehold_core::clock::Reading;
use leasehold_core::id::ResourceId;
use leasehold_core::time::Span;

use super::held::Held;
use super::part::{Part, Scene, index};
use super::policy::MILLION;
use super::{Beginning, Departure, ZoneGuard};
use crate::registry::Places;

/// Fewer than this many who are late do not disturb a zone.
const DISTURBING: u32 = 3;

/// In each zone one lease ends in so long. Where a share of the zone is late, it goes slower, and stops if the zone is
/// small. Where a whole zone is late, it goes on as usual, for it is the zone that is gone; but where all zones are, nobody
/// ends, for it is the registry that is cut off.
///
/// Source: Kubernetes' node lifecycle controller (`ComputeZoneState`, `handleDisruption`): 0.1 nodes a second; from 55 %
/// and at least three on 0.01 a second, or none in a zone of at most 50; none when all zones are fully disrupted. Each
/// zone's limiter lets one through at once. The limit is ours.
#[derive(Debug)]
pub(super) struct ZoneShares {
    policy: ZoneGuard,
    pass: Span,
    zones: Vec<Zone>,
    held: Held,
    retry: Option<Span>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Zone {
    live: u32,
    late: u32,
    last_end: Option<Reading>,
    /// Whether it let one end this time.
    is_used: bool,
}

impl Zone {
    fn is_gone(&self) -> bool {
        self.late >= self.live
    }
}

/// How fast leases of a zone end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Pace {
    OneIn(Span),
    Stopped,
}

impl ZoneShares {
    pub(super) fn new(policy: ZoneGuard, pass: Span, places: &Arc<Places>, members: usize) -> Self {
        let mut names: Vec<u16> = places.members.iter().map(|place| place.zone).collect();
        names.sort_unstable();
        names.dedup();
        let mut zone_of = alloc::vec![0; members];
        for place in &places.members {
            zone_of[index(place.member)] = names.binary_search(&place.zone).expect("every zone is listed");
        }
        let zones = alloc::vec![Zone::default(); names.len().max(1)];
        Self { policy, pass, zones, held: Held::new(zone_of), retry: None }
    }

    fn pace(&self, zone: &Zone, all_are_gone: bool) -> Pace {
        let disturbed = zone.late >= DISTURBING
            && u64::from(zone.late) * u64::from(MILLION)
                >= u64::from(zone.live) * u64::from(self.policy.threshold_ppm);
        if all_are_gone {
            Pace::Stopped
        } else if zone.is_gone() || !disturbed {
            Pace::OneIn(self.policy.every)
        } else if zone.live > self.policy.small {
            Pace::OneIn(self.policy.slow)
        } else {
            Pace::Stopped
        }
    }

    /// Whether a lease of this zone may end now; else after how long to ask again.
    fn may_end(&self, at: Reading, zone: usize, all_are_gone: bool) -> Result<(), Span> {
        let rest = self.held.rest(zone, self.policy.limit, at);
        let place = &self.zones[zone];
        let pace = match rest {
            None => Pace::OneIn(self.policy.every),
            Some(_) => self.pace(place, all_are_gone),
        };
        let again = rest.unwrap_or(Span::MAX).min(self.pass);
        match pace {
            Pace::Stopped => Err(again),
            Pace::OneIn(every) if place.is_used => Err(every.min(again)),
            Pace::OneIn(every) => {
                let gone = place.last_end.map_or(Span::MAX, |last| at.saturating_since(last));
                match every.saturating_sub(gone) {
                    Span::ZERO => Ok(()),
                    wait => Err(wait.min(again)),
                }
            }
        }
    }
}

impl Part for ZoneShares {
    fn began(&mut self, member: usize, _: Reading, _: Beginning) {
        self.held.free(member);
        self.zones[self.held.group_of(member)].live += 1;
    }

    fn renewed(&mut self, member: usize, _: u64, _: Reading) {
        self.held.free(member);
    }

    fn ended(&mut self, member: usize, _: Reading, _: Departure) {
        self.held.free(member);
        let zone = &mut self.zones[self.held.group_of(member)];
        zone.live = zone.live.saturating_sub(1);
    }

    fn retain(&mut self, scene: &Scene<'_>, due: &mut Vec<ResourceId>) {
        self.retry = None;
        self.zones.iter_mut().for_each(|zone| (zone.late, zone.is_used) = (0, false));
        for member in due.iter() {
            self.zones[self.held.group_of(index(*member))].late += 1;
        }
        let all_are_gone = self.zones.iter().all(Zone::is_gone);
        due.retain(|member| {
            let member = index(*member);
            let zone = self.held.group_of(member);
            match self.may_end(scene.at, zone, all_are_gone) {
                Ok(()) => {
                    self.zones[zone].is_used = true;
                    true
                }
                Err(again) => {
                    self.held.hold(member, scene.at);
                    self.retry = Some(self.retry.map_or(again, |retry| retry.min(again)));
                    false
                }
            }
        });
    }

    fn admitted(&mut self, at: Reading, ends: &[ResourceId]) {
        for member in ends {
            self.zones[self.held.group_of(index(*member))].last_end = Some(at);
        }
    }

    fn retry(&self, _: Reading) -> Option<Span> {
        self.retry
    }
}
