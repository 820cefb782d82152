//! `[resource]`: how resources behave.

use leasehold_protocol::policy::{
    Duplicates, Fence, Reads, ResourcePolicy, Takeover, TaskEffects, WorkKind, WorkPolicy, Writes,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::field::{spanned, written};
use crate::names::names;
use crate::{Diagnostic, Diagnostics, Spanned};

/// `[resource]`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct ResourceTable {
    /// Which tokens it accepts.
    fence: Spanned<FenceName>,
    /// Whether a read fences off older tokens.
    reads: ReadsName,
    /// Which writes it accepts, as far as tokens allow them.
    writes: Spanned<WritesName>,
    /// What it does with an operation that comes twice.
    duplicates: DuplicatesName,
    /// What it does with a task whose effect it has applied before.
    tasks: TasksName,
}

names! {
    FenceName for Fence { #[default] HighestToken, HighestVolatile, LastToken, Equality, None }
    ReadsName for Reads { #[default] RaiseMark, LeaveMark }
    WritesName for Writes { #[default] Any, CompareAndSet }
    DuplicatesName for Duplicates { #[default] Recognised, DoneAgain }
    TasksName for TaskEffects { #[default] Once, EachTime }
}

impl Default for ResourceTable {
    fn default() -> Self {
        Self {
            fence: spanned(FenceName::default()),
            reads: ReadsName::default(),
            writes: spanned(WritesName::default()),
            duplicates: DuplicatesName::default(),
            tasks: TasksName::default(),
        }
    }
}

impl ResourceTable {
    pub(crate) fn policy(&self) -> ResourcePolicy {
        ResourcePolicy {
            fence: (*self.fence.get_ref()).into(),
            reads: self.reads.into(),
            writes: (*self.writes.get_ref()).into(),
            duplicates: self.duplicates.into(),
            tasks: self.tasks.into(),
        }
    }
}

/// What work asks of its resource.
pub(crate) fn check_resource(table: &ResourceTable, work: &WorkPolicy) -> Result<(), Diagnostics> {
    match work.kind {
        WorkKind::Optimistic => check_versions(table),
        _ => check_fence(table, work),
    }
}

/// Without a lease there is no token, and all that can be compared is versions. Who does not want that has to say so.
fn check_versions(table: &ResourceTable) -> Result<(), Diagnostics> {
    let mut found = Diagnostics::default();
    if table.policy().fence != Fence::None {
        let message = "optimistic work asks for no lease, so it has no token, and this fence goes by tokens";
        let help = "write resource.fence = \"none\"";
        found.push(Diagnostic::at(table.fence.span(), message).label("expected none").help(help));
    }
    if !written(&table.writes) {
        let message = "optimistic work needs a resource that compares versions, and this one takes any write";
        let help = "write resource.writes = \"compare-and-set\"; or \"any\", to see updates get lost";
        found.push(Diagnostic::at(table.writes.span(), message).help(help));
    }
    found.or(())
}

/// A fence by equality takes a write only after a read or a barrier with the same token.
fn check_fence(table: &ResourceTable, work: &WorkPolicy) -> Result<(), Diagnostics> {
    let ResourcePolicy { fence, reads, .. } = table.policy();
    let writes_blindly = matches!(work.kind, WorkKind::Leader | WorkKind::Tasks);
    if fence != Fence::Equality
        || work.takeover == Takeover::Barrier
        || (reads == Reads::RaiseMark && !writes_blindly)
    {
        return Ok(());
    }
    let why = if writes_blindly { "such work reads nothing" } else { "a read does not set the token" };
    Err(Diagnostic::at(table.fence.span(), format!("a fence by equality lets nobody write: {why}"))
        .label("expected a read or a barrier that sets the token")
        .help("write work.takeover = \"barrier\", or another fence")
        .into())
}
