//! A system under test: how a scenario's tables become nodes.

use leasehold_core::Drift;
use leasehold_core::plan::{Chance, Latency};
use leasehold_plan::Dice;

use crate::deployment::Deployment;
use crate::diagnostic::Diagnostics;
use crate::schema::Schemas;
use crate::tables::Tables;

/// A lease implementation, as scenarios, campaigns and the command line see it.
///
/// Its protocol's types stay inside: [`Deployment`] erases them.
pub trait System: Send + Sync {
    /// The value of `system = "..."`.
    fn name(&self) -> &'static str;

    /// What it is, in one sentence.
    fn summary(&self) -> &'static str;

    /// The names of the top-level tables it owns. They differ from the harness's own.
    fn tables(&self) -> &'static [&'static str];

    /// Describes its tables to editors, by the types that it reads them as. One that is not described may hold
    /// anything.
    fn schemas(&self, schemas: &mut Schemas<'_>) {
        let _ = schemas;
    }

    /// Draws what a scenario's tables leave open, for one random run: TTLs, counts of nodes, and policies among those
    /// that are safe together. What does not fit together after all is read as an error, and nothing is drawn then.
    fn draw(&self, dice: &mut Dice<'_>) {
        let _ = dice;
    }

    /// The key paths of its tables that count something, each with the least there can be: shrinking lowers them.
    fn counts(&self) -> &'static [(&'static str, u32)] {
        &[]
    }

    /// Makes a deployment of what its tables say. It takes each of them, whatever else is wrong, so that all
    /// errors are found at once.
    ///
    /// # Errors
    ///
    /// What is wrong with the tables: what [`Tables::take`] found, and the system's own rules.
    fn configure(
        &self,
        tables: &mut Tables<'_>,
        environment: &Environment,
    ) -> Result<Deployment, Diagnostics>;
}

/// What a scenario says about the world, for systems whose bounds and margins follow from it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Environment {
    /// The declared bound on clock rates: `[bounds] clock_rate`.
    pub clock_rate: Drift,
    /// How long a message takes on a healthy link: `[network] latency`.
    pub latency: Latency,
    /// How long a disk takes for a write: `[disk] latency`.
    pub disk: Latency,
    /// How many messages the network loses by itself: `[network] loss`.
    pub loss: Chance,
}
