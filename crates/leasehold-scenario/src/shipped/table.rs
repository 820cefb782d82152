//! The shipped system's tables, and the rules between their values.

mod grantor;
mod holder;
mod resource;
mod work;

use leasehold_core::Span;
use schemars::JsonSchema;
use serde::Deserialize;

pub(crate) use self::grantor::GrantorTable;
pub(crate) use self::holder::{HolderTable, Priorities, check_round_trip};
pub(crate) use self::resource::{ResourceTable, check_resource};
pub(crate) use self::work::{WorkTable, Writers};
use crate::field::{seconds, spanned};
use crate::value::{Length, Share, Whole};
use crate::{Diagnostic, Diagnostics, Spanned};

/// The most holders and the most resources. Chosen by us: well above what one grantor is studied with, and low
/// enough that a mistyped zero does not fill the memory.
const MOST: u32 = 400;

/// `[lease]`: the term and its renewal.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct LeaseTable {
    /// What holders ask for.
    ttl: Spanned<Length>,
    /// When they renew, counted from the last renewal; below what the margin leaves of the TTL.
    renew: Spanned<Share>,
    /// The grantor looks at its leases this often; each has an exact timer unless it is given.
    sweep: Option<Spanned<Length>>,
    /// For how long nobody is granted a resource after its lease expired or was revoked.
    lock_delay: Length,
    /// After so many restarts of the grantor in a row a lease is promised to get no more time; unless it is given, nothing
    /// is promised.
    extensions: Option<Whole<0, 1_000>>,
}

impl Default for LeaseTable {
    fn default() -> Self {
        let third = Share::OfTtl { numerator: 1, denominator: 3 };
        let (sweep, lock_delay, extensions) = (None, Length(Span::ZERO), None);
        Self { ttl: seconds(10), renew: spanned(third), sweep, lock_delay, extensions }
    }
}

/// `[topology]`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct TopologyTable {
    /// The system has one.
    #[serde(rename = "grantors")]
    _grantors: Whole<1, 1>,
    /// How many contend: nodes holder-1, holder-2, ...
    holders: Whole<1, MOST>,
    /// How many there are; holders are dealt out to them in turn.
    resources: Spanned<Whole<1, MOST>>,
}

impl Default for TopologyTable {
    fn default() -> Self {
        Self { _grantors: Whole(1), holders: Whole(3), resources: spanned(Whole(1)) }
    }
}

/// How many there are of each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Topology {
    pub(crate) holders: u16,
    pub(crate) resources: u16,
}

impl TopologyTable {
    pub(crate) fn counts(&self) -> Result<Topology, Diagnostics> {
        let (Whole(holders), Whole(resources)) = (self.holders, *self.resources.get_ref());
        if resources > holders {
            let message = format!("{resources} resources for {holders} holders");
            return Err(Diagnostic::at(self.resources.span(), message)
                .label("expected at most one resource a holder")
                .help(format!("write holders = {resources} or more"))
                .into());
        }
        let count = |count| u16::try_from(count).expect("400 fit into an u16");
        Ok(Topology { holders: count(holders), resources: count(resources) })
    }
}
