//! How long faults last, and all else that is measured against a TTL.

use leasehold_core::plan::Latency;
use leasehold_core::time::Span;

use crate::stream::Stream;
use crate::template::Template;

/// The lengths that matter in a scenario. None is zero.
#[derive(Clone, Copy, Debug)]
pub(super) struct Lengths {
    /// About what a message takes.
    pub(super) delay: Span,
    /// The TTL.
    pub(super) ttl: Span,
    /// The longest that a fault lasts.
    pub(super) longest: Span,
}

impl Lengths {
    pub(super) fn of(template: &Template) -> Self {
        let nanosecond = Span::from_nanos(1);
        let chaos = template.phases.chaos.max(nanosecond);
        let ttl = template.ttl.max(nanosecond);
        // What lasts longer than the chaos is healed with it.
        let longest = template.chaos.longest.unwrap_or_else(|| ttl.scale(3, 1)).clamp(nanosecond, chaos);
        let delay = match template.network.latency {
            Latency::Constant(span) | Latency::Uniform { max: span, .. } => span,
            Latency::LogNormal { median, .. } => median,
        };
        Self { delay: delay.clamp(nanosecond, ttl), ttl, longest }
    }

    /// How long a fault lasts; nothing for one that lasts until all is healed.
    pub(super) fn lasts(&self, stream: &mut Stream) -> Option<Span> {
        let until_healed = stream.happens(70_000);
        let span = self.draw(stream);
        (!until_healed).then_some(span)
    }

    /// From about a message's delay up to the longest. In half of the cases at a corner, where it is decided whether a
    /// lease outlives the fault: just below, at and just above a TTL, at a third of it, and at the longest.
    fn draw(&self, stream: &mut Stream) -> Span {
        let any = self.below(self.longest, stream);
        let corner = self.corner(stream);
        stream.weighted(&[(50, any), (50, corner)])
    }

    /// A corner: where it is decided whether a lease outlives what lasts so long.
    pub(super) fn corner(&self, stream: &mut Stream) -> Span {
        let little = self.below(self.ttl.scale(1, 20), stream);
        let span = stream.weighted(&[
            (12, self.ttl.saturating_sub(little)),
            (10, self.ttl),
            (12, self.ttl.saturating_add(little)),
            (8, self.ttl.scale(1, 3)),
            (8, self.longest),
        ]);
        span.clamp(Span::from_nanos(1), self.longest)
    }

    /// How much longer messages take, or how far they overtake each other: less than a TTL in half of the cases, and else
    /// as long as faults last. What is late by more than a TTL meets whoever came after its sender.
    pub(super) fn late(&self, stream: &mut Stream) -> Span {
        let little = self.below(self.ttl, stream);
        let any = self.draw(stream);
        stream.weighted(&[(50, little), (50, any)])
    }

    /// Log-uniform from about a message's delay up to `most`, in three digits.
    pub(super) fn below(&self, most: Span, stream: &mut Stream) -> Span {
        between(self.delay.min(most), most, stream)
    }
}

/// Log-uniform between two lengths, in three digits; neither longer than `most` nor zero.
pub(super) fn between(least: Span, most: Span, stream: &mut Stream) -> Span {
    let drawn = stream.log_uniform(least.as_nanos(), most.as_nanos());
    Span::from_nanos(in_three_digits(drawn)).max(least).max(Span::from_nanos(1))
}

/// The number with all digits but the first three zero: people read plans.
pub(super) const fn in_three_digits(number: u64) -> u64 {
    match number.checked_ilog10() {
        Some(digits @ 3..) => {
            let unit = 10_u64.pow(digits - 2);
            number / unit * unit
        }
        _ => number,
    }
}
