//! The other direction: what is registered, and when a view shows it.

use leasehold_core::NodeId;

use super::{Court, Grounds};
use crate::book::Case;
use crate::finding::Fact;
use crate::measure::Standing;
use crate::metric::Metric;
use crate::roster::Registration;

/// When a view was found to show, or not to show, a registration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sight {
    /// It does from now on.
    Shown,
    /// It has not so far, and will not.
    Never,
}

/// Judges how long it took a client's view to show a registration.
pub(super) fn judge(cx: &mut Court, node: NodeId, known: &Registration, grounds: Grounds, sight: Sight) {
    let (allowed, measured) = (cx.bounds.visibility, cx.scene.now - known.registered_at);
    if sight == Sight::Never && measured <= allowed {
        return;
    }
    if cx.weigh(Metric::Visibility, measured, Some(allowed), grounds) != Standing::Violated {
        return;
    }
    let Some(registry) = cx.scene.roster.registry() else { return };
    let clause = match sight {
        Sight::Shown => "shown-too-late",
        Sight::Never => "never-shown",
    };
    cx.book.violation(cx.scene.now, clause, || Case {
        nodes: [node, registry].into(),
        resource: known.member,
        evidence: [
            known.fact(registry),
            Fact::Bound { what: "time until the view showed it", allowed, measured },
        ]
        .into(),
    });
}
