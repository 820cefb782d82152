//! Shorter and rounder numbers.

use super::dial::{Dial, Turn, digits, round_down, round_up};
use super::state::{Offer, State};

/// With how many digits an instant is tried, the fewest first: at half a minute that is seconds, tenths, hundredths, and
/// then on to nanoseconds.
const DIGITS: [u32; 6] = [1, 2, 3, 4, 6, 9];

/// Nothing is made shorter than a millisecond: that says as much as anything below.
const SHORTEST: u64 = 1_000_000;

pub(super) fn rounder(best: &State) -> Vec<Offer> {
    let plan = &best.case.plan;
    let mut offers = Vec::new();
    for (knob, dial) in Dial::all(plan).into_iter().enumerate() {
        let now = dial.read(plan);
        let mut tried = vec![now];
        for number in candidates(dial, now) {
            if !tried.contains(&number) {
                tried.push(number);
                offers.push(best.changed(knob + 1, |state| dial.write(&mut state.case.plan, number)));
            }
        }
    }
    offers
}

/// What to try for a number, the boldest first.
fn candidates(dial: Dial, now: u64) -> Vec<u64> {
    let fewer = || DIGITS.into_iter().filter(|count| *count < digits(now));
    let either_way = || fewer().flat_map(|count| [round_up(now, count), round_down(now, count)]);
    let a_little_less = now.saturating_sub(1);
    let shorter = [(now / 1_000, 1), (now / 4, 1), (now / 2, 1), (now / 4 * 3, 2), (a_little_less, 1)];
    let shorter = shorter.map(|(number, digits)| round_down(number, digits)).into_iter();
    match dial.turn() {
        Turn::Down => shorter.filter(|number| *number >= SHORTEST).chain(either_way()).collect(),
        Turn::Round => either_way().collect(),
        Turn::TowardZero => shorter.chain(fewer().map(|count| round_down(now, count))).collect(),
        Turn::Not => Vec::new(),
    }
}
