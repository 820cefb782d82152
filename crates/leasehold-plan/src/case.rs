//! The complete input of one run, as data: what generators make and shrinkers make smaller.

use leasehold_core::plan::Plan;

/// A plan, and what was decided for this run about the scenario's own tables.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Case {
    /// Laid over the scenario, in this order. The plan's nodes are those that the scenario has then.
    pub settings: Vec<Setting>,
    /// All else.
    pub plan: Plan,
}

/// One value of a scenario's tables.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Setting {
    /// The key path, as in `lease.ttl`.
    pub key: String,
    /// The value, as TOML; nothing if the key is to be left out, so that its default counts.
    pub value: Option<String>,
}

/// Something that was drawn for a run, for people: `("faults", "pause, crash")`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Drawn {
    /// What.
    pub what: String,
    /// What it came to.
    pub value: String,
}
