//! How each node's own clock ran, as few straight pieces.

use leasehold_core::{Event, SimInstant};

/// How far a piece may be from what the clock showed, in nanoseconds. Chosen by us: less than a pixel is wide.
const TOLERANCE: i128 = 100_000;

/// So many pieces are kept for a node. Chosen by us: a strobing clock has more, and nobody reads those.
const MOST_PIECES: usize = 200;

/// What a node's clock showed, at some instants; between them it ran evenly.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OwnClock {
    /// When, and what it showed then, in nanoseconds.
    pub showed: Vec<(SimInstant, i64)>,
}

impl OwnClock {
    /// What it showed at an instant; nothing if nothing is known of it.
    pub fn reading(&self, at: SimInstant) -> Option<i64> {
        let behind = self.showed.partition_point(|(known, _)| *known <= at);
        let place = behind.clamp(1, self.showed.len().checked_sub(1)?.max(1));
        let (from, to) = (self.showed.get(place - 1)?, self.showed.get(place).or(self.showed.last())?);
        let elapsed = i128::from(at.as_nanos()) - i128::from(from.0.as_nanos());
        let lasts = i128::from(to.0.as_nanos()) - i128::from(from.0.as_nanos());
        let shown = match lasts {
            0 => elapsed,
            _ => elapsed * (i128::from(to.1) - i128::from(from.1)) / lasts,
        };
        i64::try_from(i128::from(from.1) + shown).ok()
    }
}

#[derive(Clone, Debug, Default)]
struct Piece {
    clock: OwnClock,
    latest: Option<(SimInstant, i64)>,
}

/// Follows the clocks of all nodes.
#[derive(Debug)]
pub(super) struct Clocks(Vec<Piece>);

impl Clocks {
    pub(super) fn new(nodes: usize) -> Self {
        Self(vec![Piece::default(); nodes])
    }

    pub(super) fn hear(&mut self, event: &Event) {
        let Some(piece) = event.node.and_then(|node| self.0.get_mut(node.index())) else { return };
        let shown = (event.at, event.local);
        let Some((latest_at, latest)) = piece.latest.replace(shown) else {
            piece.clock.showed.push(shown);
            return;
        };
        let (from_at, from) = *piece.clock.showed.last().expect("the first reading was kept");
        let nanos = |at: SimInstant| i128::from(at.as_nanos());
        let (ran, elapsed) = (i128::from(latest) - i128::from(from), nanos(latest_at) - nanos(from_at));
        if elapsed == 0 {
            return;
        }
        let expected = i128::from(from) + ran * (nanos(event.at) - nanos(from_at)) / elapsed;
        let is_off = (i128::from(event.local) - expected).abs() > TOLERANCE;
        if is_off && piece.clock.showed.len() < MOST_PIECES {
            piece.clock.showed.push((latest_at, latest));
        }
    }

    pub(super) fn finish(self) -> Vec<OwnClock> {
        let whole = self.0.into_iter().map(|Piece { mut clock, latest }| {
            if clock.showed.last() != latest.as_ref() {
                clock.showed.extend(latest);
            }
            clock
        });
        whole.collect()
    }
}
