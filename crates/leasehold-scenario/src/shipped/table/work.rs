//! `[work]`: what holders do while they hold.

use leasehold_core::Span;
use leasehold_protocol::policy::{Takeover, WorkKind, WorkPolicy};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::field::{length, millis, not_zero, spanned};
use crate::names::names;
use crate::value::Length;
use crate::{Diagnostic, Diagnostics, Spanned};

/// `[work]`: what a holder does while it holds.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct WorkTable {
    /// What a holder does while it holds.
    kind: KindName,
    /// What it does first under a new claim.
    takeover: Spanned<TakeoverName>,
    /// How often it works while it holds.
    every: Spanned<Length>,
    /// How long it thinks between read and write, or over a task.
    think: Spanned<Length>,
    /// When it repeats an operation that was not answered.
    retry: Spanned<Length>,
}

names! {
    KindName for WorkKind { #[default] Mutex, Leader, Tasks, CacheFill, Optimistic }
    TakeoverName for Takeover { #[default] Work, Barrier }
}

impl Default for WorkTable {
    fn default() -> Self {
        let WorkPolicy { every, think, retry, .. } = WorkPolicy::default();
        let of = |span: Span| millis(span.as_nanos() / 1_000_000);
        Self {
            kind: KindName::default(),
            takeover: spanned(TakeoverName::default()),
            every: of(every),
            think: of(think),
            retry: of(retry),
        }
    }
}

impl WorkTable {
    pub(crate) fn policy(&self) -> Result<WorkPolicy, Diagnostics> {
        let mut found = Diagnostics::default();
        not_zero(&mut found, &self.every, "a cycle of work");
        not_zero(&mut found, &self.retry, "a retry of work");
        let (kind, takeover) = (self.kind.into(), (*self.takeover.get_ref()).into());
        if (kind, takeover) == (WorkKind::Optimistic, Takeover::Barrier) {
            let message =
                "a barrier of work that asks for no lease: it has no token that could become the mark";
            found.push(Diagnostic::at(self.takeover.span(), message).help("leave it out"));
        }
        let (every, think, retry) = (length(&self.every), length(&self.think), length(&self.retry));
        found.or(WorkPolicy { kind, takeover, every, think, retry })
    }
}
