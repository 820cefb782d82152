//! The numbers of a plan, each where it can be read and turned.

use leasehold_core::plan::{Action, Chance, Condition, FaultPlan, Latency, Plan, Trigger, Worsening};
use leasehold_core::time::{RateError, SimInstant, Span};

/// A number of a plan, by where it stands. Signs stay as they are: a dial shows the magnitude.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Dial {
    Chaos,
    Settle,
    /// How long a message takes, if that is constant.
    Latency,
    /// How long a write takes, if that is constant, on all disks alike.
    Disks,
    Rate(usize),
    WallOffset(usize),
    Starts(usize),
    /// Of a fault.
    Fault(usize, Number),
}

/// A number of a fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Number {
    /// When it fires.
    At,
    /// From when on its condition counts.
    From,
    /// How long before the end of a term it fires.
    Left,
    Lasts,
    Delay,
    Reorder,
    Slow,
    Loss,
    Duplicate,
    /// How long a slow process takes.
    Step,
    /// The rate of a clock.
    Rate,
    /// How far a wall clock jumps.
    By,
    /// How often.
    Every,
}

impl Number {
    const ALL: [Self; 13] = [
        Self::At,
        Self::From,
        Self::Left,
        Self::Lasts,
        Self::Delay,
        Self::Reorder,
        Self::Slow,
        Self::Loss,
        Self::Duplicate,
        Self::Step,
        Self::Rate,
        Self::By,
        Self::Every,
    ];

    fn read(self, fault: &FaultPlan) -> Option<u64> {
        let worse = match fault.action {
            Action::Link { worse, .. } => worse,
            _ => Worsening::NONE,
        };
        let some = |number: u64| (number > 0).then_some(number);
        match (self, fault.trigger, fault.action) {
            (Self::At, Trigger::At(at), _) => Some(at.as_nanos()),
            (Self::From, Trigger::When { from, .. }, _) => some(from.as_nanos()),
            (Self::Left, Trigger::When { condition: Condition::ExpiryWithin { left }, .. }, _) => {
                Some(left.as_nanos())
            }
            (Self::Lasts, ..) => fault.lasts.map(Span::as_nanos),
            (Self::Delay, ..) => some(worse.delay.as_nanos()),
            (Self::Reorder, ..) => some(worse.reorder.as_nanos()),
            (Self::Slow, ..) => some(worse.slow.as_nanos()),
            (Self::Loss, ..) => some(worse.loss.as_ppm().into()),
            (Self::Duplicate, ..) => some(worse.duplicate.as_ppm().into()),
            (Self::Step, _, Action::Throttle { step }) => Some(step.as_nanos()),
            (Self::Rate, _, Action::ClockRate(rate)) => some(rate.as_ppb().unsigned_abs()),
            (Self::By, _, Action::WallStep(by) | Action::WallStrobe { by, .. }) => Some(by.unsigned_abs()),
            (Self::Every, _, Action::WallStrobe { every, .. }) => Some(every.as_nanos()),
            _ => None,
        }
    }

    fn write(self, fault: &mut FaultPlan, number: u64) {
        let span = Span::from_nanos(number);
        match (self, &mut fault.trigger, &mut fault.action) {
            (Self::At, Trigger::At(at), _) => *at = SimInstant::from_nanos(number),
            (Self::From, Trigger::When { from, .. }, _) => *from = SimInstant::from_nanos(number),
            (Self::Left, Trigger::When { condition: Condition::ExpiryWithin { left }, .. }, _) => {
                *left = span;
            }
            (Self::Lasts, ..) => fault.lasts = Some(span),
            (Self::Delay, _, Action::Link { worse, .. }) => worse.delay = span,
            (Self::Reorder, _, Action::Link { worse, .. }) => worse.reorder = span,
            (Self::Slow, _, Action::Link { worse, .. }) => worse.slow = span,
            (Self::Loss, _, Action::Link { worse, .. }) => worse.loss = chance(number),
            (Self::Duplicate, _, Action::Link { worse, .. }) => worse.duplicate = chance(number),
            (Self::Step, _, Action::Throttle { step }) => *step = span,
            (Self::Rate, _, Action::ClockRate(rate)) => *rate = with_magnitude(*rate, number),
            (Self::By, _, Action::WallStep(by) | Action::WallStrobe { by, .. }) => *by = signed(*by, number),
            (Self::Every, _, Action::WallStrobe { every, .. }) => *every = span,
            _ => {}
        }
    }
}

/// How a number may be changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Turn {
    /// To a shorter or a rounder one.
    Down,
    /// To a rounder one, in either direction.
    Round,
    /// To a smaller magnitude only: more could break a declared bound.
    TowardZero,
    /// By those who know what else hangs on it.
    Not,
}

impl Dial {
    /// All numbers of a plan that say something.
    pub(super) fn all(plan: &Plan) -> Vec<Self> {
        let mut dials = vec![Self::Chaos, Self::Settle];
        if matches!(plan.network.latency, Latency::Constant(_)) {
            dials.push(Self::Latency);
        }
        if let Some(first) = plan.nodes.first()
            && matches!(first.disk, Latency::Constant(_))
            && plan.nodes.iter().all(|node| node.disk == first.disk)
        {
            dials.push(Self::Disks);
        }
        for node in 0..plan.nodes.len() {
            dials.extend([Self::Rate(node), Self::WallOffset(node), Self::Starts(node)]);
        }
        for (fault, of) in plan.faults.iter().enumerate() {
            let said = Number::ALL.into_iter().filter(|number| number.read(of).is_some());
            dials.extend(said.map(|number| Self::Fault(fault, number)));
        }
        dials
    }

    pub(super) fn read(self, plan: &Plan) -> u64 {
        let constant = |latency: &Latency| match *latency {
            Latency::Constant(span) => span.as_nanos(),
            _ => 0,
        };
        match self {
            Self::Chaos => plan.phases.chaos.as_nanos(),
            Self::Settle => plan.phases.settle.as_nanos(),
            Self::Latency => constant(&plan.network.latency),
            Self::Disks => plan.nodes.first().map_or(0, |node| constant(&node.disk)),
            Self::Rate(node) => plan.nodes[node].rate.as_ppb().unsigned_abs(),
            Self::WallOffset(node) => plan.nodes[node].wall_offset.unsigned_abs(),
            Self::Starts(node) => plan.nodes[node].starts.as_nanos(),
            Self::Fault(fault, number) => number.read(&plan.faults[fault]).unwrap_or(0),
        }
    }

    pub(super) fn write(self, plan: &mut Plan, number: u64) {
        let span = Span::from_nanos(number);
        match self {
            Self::Chaos => plan.phases.chaos = span,
            Self::Settle => plan.phases.settle = span,
            Self::Latency => plan.network.latency = Latency::Constant(span),
            Self::Disks => plan.nodes.iter_mut().for_each(|node| node.disk = Latency::Constant(span)),
            Self::Rate(node) => {
                let rate = &mut plan.nodes[node].rate;
                *rate = with_magnitude(*rate, number);
            }
            Self::WallOffset(node) => {
                let offset = &mut plan.nodes[node].wall_offset;
                *offset = signed(*offset, number);
            }
            Self::Starts(node) => plan.nodes[node].starts = span,
            Self::Fault(fault, of) => of.write(&mut plan.faults[fault], number),
        }
    }

    pub(super) fn turn(self) -> Turn {
        match self {
            Self::Chaos | Self::Settle => Turn::Not,
            Self::Rate(_) | Self::Fault(_, Number::Rate) => Turn::TowardZero,
            Self::WallOffset(_) | Self::Starts(_) => Turn::Down,
            Self::Latency | Self::Disks => Turn::Round,
            Self::Fault(_, number) => match number {
                Number::At
                | Number::From
                | Number::Left
                | Number::Every
                | Number::Loss
                | Number::Duplicate => Turn::Round,
                _ => Turn::Down,
            },
        }
    }

    /// Whether less of it is better.
    pub(super) fn is_length(self) -> bool {
        matches!(self.turn(), Turn::Down | Turn::TowardZero)
    }
}

fn chance(ppm: u64) -> Chance {
    u32::try_from(ppm).ok().and_then(Chance::from_ppm).unwrap_or(Chance::ALWAYS)
}

fn signed(as_before: i64, magnitude: u64) -> i64 {
    let magnitude = i64::try_from(magnitude).unwrap_or(i64::MAX);
    if as_before < 0 { -magnitude } else { magnitude }
}

fn with_magnitude(as_before: RateError, ppb: u64) -> RateError {
    RateError::from_ppb(signed(as_before.as_ppb(), ppb)).unwrap_or(as_before)
}

/// How many digits a number has before the zeros at its end: 15 s and 1.5 s have two, nothing has none.
pub(super) fn digits(number: u64) -> u32 {
    let mut number = number;
    if number == 0 {
        return 0;
    }
    while number.is_multiple_of(10) {
        number /= 10;
    }
    number.ilog10() + 1
}

/// The largest number up to this with so many digits at most.
pub(super) fn round_down(number: u64, digits: u32) -> u64 {
    number / unit(number, digits) * unit(number, digits)
}

/// The smallest number from this on with so many digits at most.
pub(super) fn round_up(number: u64, digits: u32) -> u64 {
    number.div_ceil(unit(number, digits)).saturating_mul(unit(number, digits))
}

/// The place value of the last of so many digits.
fn unit(number: u64, digits: u32) -> u64 {
    let length = number.checked_ilog10().map_or(1, |log| log + 1);
    10_u64.pow(length.saturating_sub(digits.max(1)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn round_numbers_have_few_digits() {
        for (number, expected) in
            [(0, 0), (7, 1), (10, 1), (15, 2), (1_500_000_000, 2), (1_050, 3), (u64::MAX, 20)]
        {
            assert_eq!(digits(number), expected, "{number}");
        }
        assert_eq!((round_down(23_456, 2), round_up(23_456, 2)), (23_000, 24_000));
        assert_eq!((round_down(99, 1), round_up(99, 1)), (90, 100));
        assert_eq!((round_down(7, 3), round_up(7, 3)), (7, 7));
        assert_eq!((round_down(0, 1), round_up(0, 1)), (0, 0));
        assert_eq!(round_up(u64::MAX, 1), u64::MAX);
    }
}
