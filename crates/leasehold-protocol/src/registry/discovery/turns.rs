//! Whom to ask next.

use alloc::sync::Arc;

use leasehold_core::id::NodeId;

use super::super::policy::Source;

/// Whom to ask, in turn.
#[derive(Clone, Debug)]
pub(super) struct Turns {
    sources: Arc<[NodeId]>,
    at: usize,
    order: Source,
}

impl Turns {
    pub(super) fn new(sources: Arc<[NodeId]>, order: Source) -> Self {
        assert!(!sources.is_empty(), "whoever keeps a view has somebody to ask");
        Self { sources, at: 0, order }
    }

    /// Whom to ask now.
    pub(super) fn next(&mut self) -> NodeId {
        let source = self.sources[self.at];
        if self.order == Source::ByTurns {
            self.advance();
        }
        source
    }

    /// Who was asked did not answer, so it is somebody else's turn.
    pub(super) fn unanswered(&mut self) {
        if self.order != Source::ByTurns {
            self.advance();
        }
    }

    fn advance(&mut self) {
        self.at = (self.at + 1) % self.sources.len();
    }
}
