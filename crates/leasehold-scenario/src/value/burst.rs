//! Loss that comes in bursts.

use leasehold_core::Span;
use leasehold_core::plan::{Burst, Chance};
use schemars::JsonSchema;
use serde::Deserialize;

use super::{Length, Percent};

/// The shortest mean time in a state. Chosen by us: a link that changes faster is just lossy, and takes long to
/// simulate.
const SHORTEST: Span = Span::from_millis(1);

/// `{ good = "10s", bad = "200ms", loss = "60%" }`: how long a link's states last on average, and how many
/// messages the bad one loses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(try_from = "Parts")]
#[schemars(with = "Parts")]
pub struct BurstTable(pub Burst);

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Parts {
    /// How long the good state lasts on average.
    good: Length,
    /// How long the bad state lasts on average.
    bad: Length,
    /// How many messages the bad state loses.
    loss: Percent,
}

impl TryFrom<Parts> for BurstTable {
    type Error = String;

    fn try_from(parts: Parts) -> Result<Self, String> {
        let Parts { good: Length(good), bad: Length(bad), loss: Percent(loss) } = parts;
        for (name, span) in [("good", good), ("bad", bad)] {
            if span < SHORTEST {
                return Err(format!("`{name}` is {span}, expected at least {SHORTEST} on average"));
            }
        }
        if loss == Chance::NEVER {
            return Err("a burst that loses 0% is none\nraise `loss`, or leave out the burst".to_owned());
        }
        Ok(Self(Burst { good, bad, loss }))
    }
}
