//! Who holds it? A contender that asks every so often, as a dashboard or a lock client that shows the leader does.

use leasehold_core::event::{Answer, NodeEvent, Operation};
use leasehold_core::id::RequestId;

use super::{Ctx, Holder, State, Timer};
use crate::message::{LeaseMessage, QueryAnswer};

impl Holder {
    /// Begins to ask every so often, if the policy says so.
    pub(super) fn arm_query(&self, ctx: &mut Ctx<'_>) {
        if let Some(every) = self.policy.asks_who {
            ctx.arm(Timer::Query, self.now(ctx) + every);
        }
    }

    /// The time to ask has come. A question that was not answered by now is given up: the next one says the same.
    pub(super) fn query(&mut self, ctx: &mut Ctx<'_>) {
        if matches!(self.state, State::Idle) {
            return;
        }
        let request = self.ask(ctx, Operation::Get).request;
        self.question = Some(request);
        let (resource, incarnation) = (self.resource, ctx.incarnation());
        ctx.send(self.grantor, LeaseMessage::Query { resource, incarnation, request });
        self.arm_query(ctx);
    }

    pub(super) fn queried(&mut self, ctx: &mut Ctx<'_>, request: RequestId, answer: Option<QueryAnswer>) {
        if self.question == Some(request) {
            self.question = None;
            self.told(
                ctx,
                answer.map_or(Answer::HeldByNobody, |QueryAnswer { lease, holder, token, .. }| {
                    Answer::HeldBy { lease, holder, token }
                }),
            );
        }
    }

    /// Takes an answer.
    pub(super) fn told(&self, ctx: &mut Ctx<'_>, answer: Answer) {
        ctx.emit(NodeEvent::Told { resource: self.resource, answer });
    }
}
