//! `[work]`: what holders do while they hold.

use leasehold_core::Span;
use leasehold_protocol::policy::{Takeover, WorkKind, WorkPolicy};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::MOST;
use crate::field::{length, millis, not_zero, seconds, spanned};
use crate::names::names;
use crate::value::{Length, Whole};
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
    /// Beside cached reads: how many of the holders, the last, write instead, each under a lease of its own.
    writers: Spanned<Whole<0, MOST>>,
    /// How often each of those writes.
    write_every: Spanned<Length>,
}

names! {
    KindName for WorkKind { #[default] Mutex, Leader, Tasks, CacheFill, Optimistic, CachedReads }
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
            writers: spanned(Whole(0)),
            write_every: seconds(10),
        }
    }
}

/// Those of the holders that write, where the others read from copies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Writers {
    /// How many there are: the last.
    pub(crate) count: u16,
    /// How often each writes.
    pub(crate) every: Span,
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

    /// Who writes, of so many holders.
    pub(crate) fn writers(&self, holders: u16) -> Result<Writers, Diagnostics> {
        let mut found = Diagnostics::default();
        let Whole(writers) = *self.writers.get_ref();
        not_zero(&mut found, &self.write_every, "a cycle of writers");
        if writers > 0 && self.kind != KindName::CachedReads {
            let message = "writers beside work that is not reading from copies";
            let help =
                "write kind = \"cached-reads\", or leave them out: all holders do the same work otherwise";
            found.push(Diagnostic::at(self.writers.span(), message).help(help));
        } else if writers >= u32::from(holders) {
            let message = format!("{writers} of {holders} holders write, so nobody reads");
            let help = format!("write topology.holders = {} or more", writers + 1);
            found.push(Diagnostic::at(self.writers.span(), message).help(help));
        }
        let count = u16::try_from(writers).unwrap_or(u16::MAX);
        found.or(Writers { count, every: length(&self.write_every) })
    }
}
