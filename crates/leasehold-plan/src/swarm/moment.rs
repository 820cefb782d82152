//! When faults fire: instants, and the lease-critical conditions that they aim at.
//!
//! The faults of a seed meet at a few instants, and often at one node: what breaks a protocol takes two faults at one
//! place more often than one alone, and two that are drawn apart hardly ever meet there. (Of 198 failures of distributed
//! systems, 77 % took more than one input event, and most of those in a certain order: Yuan et al., "Simple Testing Can
//! Prevent Most Critical Failures", OSDI 2014.)

use leasehold_core::plan::{Condition, Target, Trigger};
use leasehold_core::time::{SimInstant, Span};

use super::cast::Cast;
use super::length::Lengths;
use crate::stream::Stream;
use crate::template::Template;

/// The chaos, and what the faults of a seed have in common in it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Moments {
    /// How long faults fire. Not zero.
    chaos: Span,
    /// Instants are whole multiples of this, for people.
    grain: Span,
    focuses: [Focus; 3],
    /// How many of them count in this seed.
    count: u64,
    /// How many of the faults that meet at a focus strike its node, in parts per million.
    gathered: u32,
}

/// An instant around which faults meet, and a node that they strike there.
#[derive(Clone, Copy, Debug)]
struct Focus {
    at: Span,
    on: Target,
}

/// When a fault fires, and whom it strikes if that is decided with it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Moment {
    pub(super) trigger: Trigger,
    pub(super) on: Option<Target>,
}

impl Moments {
    pub(super) fn draw(
        template: &Template,
        cast: Cast<'_>,
        stream: &mut Stream,
        gathering: &mut Stream,
    ) -> Self {
        let chaos = template.phases.chaos.max(Span::from_nanos(1));
        let grain =
            [Span::from_millis(1), Span::from_micros(1)].into_iter().find(|g| *g <= chaos.scale(1, 1_000));
        let grain = grain.unwrap_or(Span::from_nanos(1));
        let count = 1 + stream.below(3);
        let focuses = [(); 3].map(|()| {
            let at = Span::from_nanos(stream.below(chaos.as_nanos()));
            Focus { at, on: cast.somebody(gathering) }
        });
        // Chosen by us: in a quarter of the seeds faults meet in time alone.
        let gathered = gathering.weighted(&[(25, 0), (40, 500_000), (35, 900_000)]);
        Self { chaos, grain, focuses, count, gathered }
    }

    /// An instant of the chaos: anywhere, at or shortly after a focus of the seed, when a fault that began there may end,
    /// or shortly before the end.
    fn instant(&self, lengths: &Lengths, stream: &mut Stream) -> (SimInstant, Option<Target>) {
        let shortly = lengths.below(lengths.ttl, stream);
        let corner = lengths.corner(stream);
        let focus = self.focuses[stream.below(self.count) as usize];
        let anywhere = Span::from_nanos(stream.below(self.chaos.as_nanos()));
        let last = self.chaos.saturating_sub(Span::from_nanos(1));
        let gathers = stream.happens(self.gathered);
        let on = gathers.then_some(focus.on);
        let (at, on) = stream.weighted(&[
            (30, (anywhere, None)),
            (8, (focus.at, on)),
            (36, (focus.at.saturating_add(shortly), on)),
            (10, (focus.at.saturating_add(corner), on)),
            (16, (last.saturating_sub(shortly), None)),
        ]);
        let at = at.min(last).as_nanos();
        (SimInstant::from_nanos(at - at % self.grain.as_nanos()), on)
    }

    /// When a fault fires that aims at this, or at nothing.
    pub(super) fn draw_one(&self, aim: Option<Condition>, lengths: &Lengths, stream: &mut Stream) -> Moment {
        match aim {
            None => {
                let (at, on) = self.instant(lengths, stream);
                Moment { trigger: Trigger::At(at), on }
            }
            // The first time that it holds is the start of the first lease: others are met from later on.
            Some(condition) if stream.happens(at_once(condition)) => {
                Moment { trigger: Trigger::when(condition), on: None }
            }
            // Who is struck is up to what it aims at.
            Some(condition) => {
                let (from, _) = self.instant(lengths, stream);
                Moment { trigger: Trigger::When { condition, from }, on: None }
            }
        }
    }
}

/// How often, in parts per million, a condition counts from the start. Ends and takeovers are rare: what waits for one
/// until late waits in vain.
fn at_once(condition: Condition) -> u32 {
    match condition {
        Condition::EndOrdered | Condition::AfterTakeover => 700_000,
        _ => 250_000,
    }
}

/// A lease-critical condition. Shares of a TTL that every renewal meets are drawn more often than those that only a
/// lease in trouble comes to.
pub(super) fn condition(lengths: &Lengths, stream: &mut Stream) -> Condition {
    let (from, to) = stream.weighted(&[(55, (66, 100)), (15, (1, 10)), (30, (1, 100))]);
    let percent = (from + stream.below(to - from + 1)) as u8;
    let little = lengths.below(lengths.ttl, stream);
    let left = stream.weighted(&[
        (50, little),
        (25, lengths.ttl.scale(2, 3)),
        (15, lengths.ttl.scale(1, 3)),
        (10, lengths.ttl),
    ]);
    let left = left.max(Span::from_nanos(1));
    stream.weighted(&[
        (28, Condition::TtlRemainingBelow { percent }),
        (18, Condition::ExpiryWithin { left }),
        (13, Condition::GrantInFlight),
        (15, Condition::RenewalInFlight),
        (11, Condition::AfterTakeover),
        (15, Condition::EndOrdered),
    ])
}
