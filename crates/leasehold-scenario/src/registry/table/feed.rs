//! `[feed]`: how lists are handed out, by the registry and by followers.

use leasehold_protocol::registry::policy::{Ages, Behind, FeedPolicy};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::field::{length, not_zero};
use crate::names::names;
use crate::value::{Length, Whole};
use crate::{Diagnostics, Spanned};

names! {
    /// What becomes of a watcher for whom changes are missing.
    BehindName for Behind { #[default] Resync, Skips }
    /// Whether answers say how old they are.
    AgesName for Ages { #[default] Told, Untold }
}

/// `[feed]`: how a registry and its followers answer queries and feed watches.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct FeedTable {
    /// Of how many revisions the changes are kept.
    history: Whole<1, 1_000_000>,
    /// While so many revisions are under way to a watcher, further changes wait for it, and leave together.
    window: Whole<1, 1_000_000>,
    /// A watcher may fall behind by so many revisions.
    buffer: Whole<1, 1_000_000>,
    /// What becomes of a watcher that falls behind that, or asks for what is forgotten.
    behind: BehindName,
    /// Whether answers say how old they are.
    ages: AgesName,
    /// The registry answers queries from a copy that it makes this often; from its list unless it is given.
    response_cache: Option<Spanned<Length>>,
}

impl Default for FeedTable {
    fn default() -> Self {
        let FeedPolicy { history, window, buffer, .. } = FeedPolicy::default();
        Self {
            history: Whole(history),
            window: Whole(window),
            buffer: Whole(buffer),
            behind: BehindName::default(),
            ages: AgesName::default(),
            response_cache: None,
        }
    }
}

impl FeedTable {
    pub(crate) fn policy(&self) -> Result<FeedPolicy, Diagnostics> {
        let mut found = Diagnostics::default();
        if let Some(cache) = &self.response_cache {
            not_zero(&mut found, cache, "a response cache");
        }
        found.or(FeedPolicy {
            history: self.history.0,
            window: self.window.0,
            buffer: self.buffer.0,
            behind: self.behind.into(),
            ages: self.ages.into(),
            response_cache: self.response_cache.as_ref().map(length),
        })
    }
}
