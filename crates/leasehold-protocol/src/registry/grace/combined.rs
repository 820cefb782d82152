//! All parts of a policy at work together.

use alloc::boxed::Box;
use alloc::sync::Arc;
use alloc::vec::Vec;

use leasehold_core::clock::Reading;
use leasehold_core::id::{NodeId, ResourceId};
use leasehold_core::time::Span;

use super::chen::EstimatedArrival;
use super::congested::CommonLateness;
use super::counted::{Fixed, Missed, RisesAndFalls};
use super::damping::FlapDamping;
use super::ejection::Ejections;
use super::extensions::{FailoverExtension, LatenessCompensation};
use super::jacobson::SmoothedLateness;
use super::lifeguard::Suspicion;
use super::part::{Part, Scene, Tenure, index};
use super::phi::{ExponentialPhi, NormalPhi};
use super::quorum::ObserverQuorum;
use super::rate_guard::HeartbeatRate;
use super::sightings::Sightings;
use super::zone_guard::ZoneShares;
use super::{Beginning, Departure, Detector, Grace, GracePolicy, LateSweep, RateScaled, Sighting};
use crate::registry::Places;

/// The shortest time after which withheld ends are asked for again: chosen by us, so that clocks of different rates
/// cannot make anybody ask without end.
const SOONEST: Span = Span::from_millis(1);

/// A grace policy at work, for the members and observers of a deployment.
pub fn build(policy: &GracePolicy, places: Arc<Places>) -> Box<dyn Grace> {
    let members = places.members.iter().map(|place| index(place.member) + 1).max().unwrap_or(0);
    Box::new(Combined {
        parts: parts(policy, &places, members),
        at_most: policy.at_most,
        second_stage: policy.second_stage,
        rate_scaled: policy.rate_scaled,
        pass: policy.pass,
        tenures: alloc::vec![Tenure::default(); members],
        live: 0,
        sightings: Sightings::new(places, members),
    })
}

/// The parts of a policy. Of the guards, those come first that decide of each member by itself.
fn parts(policy: &GracePolicy, places: &Arc<Places>, members: usize) -> Vec<Box<dyn Part>> {
    let GracePolicy { heartbeat, at_most, pass, .. } = *policy;
    let mut parts: Vec<Box<dyn Part>> = Vec::new();
    match policy.detector {
        Detector::None => {}
        Detector::Fixed(span) => parts.push(Box::new(Fixed(span))),
        Detector::Missed(beats) => parts.push(Box::new(Missed { beats, heartbeat })),
        Detector::RiseAndFall(policy) => parts.push(Box::new(RisesAndFalls::new(policy, heartbeat, members))),
        Detector::PhiNormal(policy) => parts.push(Box::new(NormalPhi::new(policy, heartbeat, members))),
        Detector::PhiExponential(policy) => {
            parts.push(Box::new(ExponentialPhi::new(policy, heartbeat, members)));
        }
        Detector::Chen(policy) => parts.push(Box::new(EstimatedArrival::new(policy, heartbeat, members))),
        Detector::Jacobson => parts.push(Box::new(SmoothedLateness::new(heartbeat, members))),
        Detector::Lifeguard(policy) => parts.push(Box::new(Suspicion::new(policy, places.observers.len()))),
    }
    if policy.late_sweep == LateSweep::Compensated {
        parts.push(Box::new(LatenessCompensation::default()));
    }
    if let Some(extra) = policy.failover {
        parts.push(Box::new(FailoverExtension::new(extra, members)));
    }
    if let Some(policy) = policy.congestion {
        parts.push(Box::new(CommonLateness::new(policy, heartbeat, at_most, members)));
    }
    if let Some(policy) = policy.quorum {
        parts.push(Box::new(ObserverQuorum::new(policy, pass, members)));
    }
    if let Some(policy) = policy.zone_guard {
        parts.push(Box::new(ZoneShares::new(policy, pass, places, members)));
    }
    if let Some(policy) = policy.rate_guard {
        parts.push(Box::new(HeartbeatRate::new(policy, heartbeat, pass, members)));
    }
    if let Some(policy) = policy.ejection {
        parts.push(Box::new(Ejections::new(policy, members)));
    }
    if let Some(policy) = policy.damping {
        parts.push(Box::new(FlapDamping::new(policy, members)));
    }
    parts
}

/// Grace is the sum of what all parts give, cut at `at_most`; an end is admitted by all; readmission is the latest.
#[derive(Debug)]
struct Combined {
    parts: Vec<Box<dyn Part>>,
    at_most: Span,
    second_stage: Option<Span>,
    rate_scaled: Option<RateScaled>,
    pass: Span,
    tenures: Vec<Tenure>,
    live: u32,
    sightings: Sightings,
}

impl Combined {
    /// What detector and extensions give.
    fn first_stage(&mut self, member: ResourceId, at: Reading) -> Span {
        let scene = Scene { at, live: self.live, tenures: &self.tenures, sightings: &self.sightings };
        let given = self.parts.iter_mut().map(|part| part.gives(index(member), &scene));
        given.fold(Span::ZERO, Span::saturating_add).min(self.at_most)
    }
}

impl Grace for Combined {
    fn began(&mut self, member: ResourceId, term: Span, at: Reading, how: Beginning) {
        let tenure = &mut self.tenures[index(member)];
        self.live += u32::from(!tenure.lives);
        let replaced = tenure.lives;
        *tenure = Tenure { lives: true, term, last: Some(at) };
        for part in &mut self.parts {
            if replaced {
                part.ended(index(member), at, Departure::Left);
            }
            part.began(index(member), at, how);
        }
    }

    fn renewed(&mut self, member: ResourceId, number: u64, at: Reading) {
        let tenure = &mut self.tenures[index(member)];
        if tenure.lives {
            tenure.last = Some(at);
            self.parts.iter_mut().for_each(|part| part.renewed(index(member), number, at));
        }
    }

    fn ended(&mut self, member: ResourceId, at: Reading, how: Departure) {
        let tenure = &mut self.tenures[index(member)];
        if core::mem::take(&mut tenure.lives) {
            self.live -= 1;
            self.parts.iter_mut().for_each(|part| part.ended(index(member), at, how));
        }
    }

    fn swept(&mut self, _: Reading, late: Span) {
        self.parts.iter_mut().for_each(|part| part.swept(late));
    }

    fn observed(&mut self, member: ResourceId, observer: NodeId, at: Reading, sighting: Sighting) {
        self.sightings.note(index(member), observer, at, sighting);
    }

    fn grace(&mut self, member: ResourceId, at: Reading) -> Span {
        let second_stage = self.second_stage.unwrap_or(Span::ZERO);
        self.first_stage(member, at).saturating_add(second_stage).min(self.at_most)
    }

    fn suspicion(&mut self, member: ResourceId, at: Reading) -> Option<Span> {
        self.second_stage.map(|_| self.first_stage(member, at))
    }

    fn admit(&mut self, at: Reading, due: &mut Vec<ResourceId>) {
        let scene = Scene { at, live: self.live, tenures: &self.tenures, sightings: &self.sightings };
        self.parts.iter_mut().for_each(|part| part.retain(&scene, due));
    }

    fn admitted(&mut self, at: Reading, ends: &[ResourceId]) {
        self.parts.iter_mut().for_each(|part| part.admitted(at, ends));
    }

    fn retry(&self, at: Reading) -> Span {
        let soonest = self.parts.iter().filter_map(|part| part.retry(at)).min();
        soonest.unwrap_or(self.pass).clamp(SOONEST, self.pass.max(SOONEST))
    }

    fn readmission(&mut self, member: ResourceId, at: Reading) -> Option<Reading> {
        let instants = self.parts.iter_mut().filter_map(|part| part.readmission(index(member), at));
        instants.max_by_key(|instant| instant.as_nanos())
    }

    fn term(&self, asked: Span, members: u32, draw_below: &mut dyn FnMut(u64) -> u64) -> Span {
        let Some(scaled) = self.rate_scaled else { return asked };
        let base = scaled.base(members);
        base + Span::from_nanos(draw_below(base.as_nanos().saturating_add(1)))
    }
}
