//! Loss in bursts: the state of one directed link.

use leasehold_core::id::{FaultId, NodeId};
use leasehold_core::noise::{Draws, NoiseKey, Use};
use leasehold_core::plan::Burst;
use leasehold_core::time::{SimInstant, Span};

/// Who brings the bursts: each makes states of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Source {
    Network,
    Fault(FaultId),
}

/// Where and by what key states are drawn.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place {
    pub(crate) key: NoiseKey,
    pub(crate) source: Source,
    pub(crate) from: NodeId,
    pub(crate) to: NodeId,
}

impl Place {
    /// The draws of the state after so many transitions.
    fn draws(&self, transitions: u32) -> Draws {
        let source = match self.source {
            Source::Network => 0,
            Source::Fault(fault) => u64::from(fault.0) + 1,
        };
        self.key.draws(Use::Burst, self.from, self.to, SimInstant::from_nanos(source), transitions)
    }
}

/// The state of a link, brought up to date when somebody asks: a pure function of place and time.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Weather {
    /// Nothing before anybody has asked.
    state: Option<State>,
    until: SimInstant,
    transitions: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum State {
    Good,
    Bad,
}

impl Weather {
    /// The state at an instant, which lies no earlier than the last one asked for.
    pub(crate) fn at(&mut self, now: SimInstant, burst: &Burst, place: Place) -> State {
        let mut state = match self.state {
            Some(state) => state,
            None => {
                let mut draws = place.draws(0);
                let (good, bad) = (burst.good.as_nanos(), burst.bad.as_nanos());
                // What a link that has been there for ever is in.
                let state = match draws.draw_below(good.saturating_add(bad)) < bad {
                    true => State::Bad,
                    false => State::Good,
                };
                self.until = SimInstant::START.saturating_add(dwell(state, burst, &mut draws));
                state
            }
        };
        while self.until <= now {
            state = match state {
                State::Good => State::Bad,
                State::Bad => State::Good,
            };
            self.transitions += 1;
            let stays = dwell(state, burst, &mut place.draws(self.transitions));
            self.until = self.until.saturating_add(stays);
        }
        self.state = Some(state);
        state
    }
}

/// How long a state lasts: exponentially distributed, at least a nanosecond.
fn dwell(state: State, burst: &Burst, draws: &mut Draws) -> Span {
    let mean = match state {
        State::Good => burst.good,
        State::Bad => burst.bad,
    };
    // Above zero and at most one.
    let share = ((draws.draw() >> 11) + 1) as f64 / (1_u64 << 53) as f64;
    let nanos = -libm::log(share) * mean.as_nanos() as f64;
    Span::from_nanos((nanos as u64).max(1))
}

#[cfg(test)]
mod tests {
    use super::*;
    use leasehold_core::plan::Chance;

    const BURST: Burst =
        Burst { good: Span::from_millis(900), bad: Span::from_millis(100), loss: Chance::ALWAYS };

    fn place(from: u16, to: u16) -> Place {
        Place { key: NoiseKey(5), source: Source::Network, from: NodeId(from), to: NodeId(to) }
    }

    fn at(millis: u64) -> SimInstant {
        SimInstant::START + Span::from_millis(millis)
    }

    #[test]
    fn states_last_as_long_as_they_should_on_average() {
        let mut weather = Weather::default();
        let states: Vec<State> = (0..2_000_000).map(|t| weather.at(at(t), &BURST, place(0, 1))).collect();
        let bad = states.iter().filter(|&&state| state == State::Bad).count();
        assert!((180_000..220_000).contains(&bad), "a tenth of the time: {bad}");
        let bursts = states.windows(2).filter(|pair| pair[0] == State::Good && pair[1] == State::Bad).count();
        assert!((1_800..2_200).contains(&bursts), "one a second: {bursts}");
    }

    #[test]
    fn a_state_is_a_function_of_place_and_time_alone() {
        let often = |from, to| {
            let mut weather = Weather::default();
            (0..100_000).map(|t| weather.at(at(t), &BURST, place(from, to))).collect::<Vec<State>>()
        };
        let all = often(0, 1);
        for t in (0..100_000).step_by(7_777) {
            assert_eq!(
                Weather::default().at(at(t as u64), &BURST, place(0, 1)),
                all[t],
                "asked once, at {t}"
            );
        }
        assert_ne!(all, often(1, 0), "the way back has a state of its own");
    }
}
