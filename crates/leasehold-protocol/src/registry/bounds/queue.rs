//! How long messages wait their turn in the registry's inbox.

use alloc::format;

use leasehold_core::Term;
use leasehold_core::time::Span;

use super::{Assumed, Policies, interval};
use crate::bounds::term;
use crate::registry::policy::{InboxOrder, InboxPolicy, Liveness};

/// When what goes first takes more than this of the registry's time, it takes all of it: what is left is too little for
/// a bound that would mean anything. Chosen by us.
const MOST_LOAD_PPM: u128 = 990_000;

/// The registry's inbox, as those who wait in it see it.
#[derive(Clone, Copy)]
pub(super) struct Queue<'a> {
    assumed: &'a Assumed,
    policies: &'a Policies<'a>,
    ttl: Span,
}

impl<'a> Queue<'a> {
    /// Under this term, which says how often heartbeats come.
    pub(super) fn new(assumed: &'a Assumed, policies: &'a Policies<'a>, ttl: Span) -> Self {
        Self { assumed, policies, ttl }
    }

    /// Q: how long a heartbeat waits its turn, or an answer to a probe: behind the message that is being served and all
    /// others of that kind that may be there, or behind a full inbox.
    pub(super) fn urgent(&self) -> Option<Term> {
        let inbox = self.policies.registry.inbox?;
        let limit = inbox.limit;
        let (ahead, what) = match inbox.order {
            InboxOrder::HeartbeatsFirst => {
                let ahead =
                    self.ahead_of(&inbox, 1).map_or(limit, |ahead| ahead.min(u64::from(limit)) as u32);
                let kinds = match self.policies.registry.liveness {
                    Liveness::Push => "heartbeats",
                    Liveness::Pull => "answers to probes",
                    Liveness::Hybrid => "heartbeats and answers to probes",
                };
                (ahead, format!("it is served with {ahead} {kinds}, {} each", inbox.service))
            }
            InboxOrder::Arrival => {
                (limit, format!("it is served as the last of {limit} messages, {} each", inbox.service))
            }
        };
        Some(term("Q", self.served(&inbox, u64::from(ahead) + 1), what))
    }

    /// Q_r: the same for what is neither. What goes first and comes meanwhile is served before it.
    pub(super) fn other(&self) -> Option<Term> {
        let inbox = self.policies.registry.inbox?;
        let before = u64::from(inbox.limit) + 1;
        let meanwhile = match inbox.order {
            // If those alone take all of its time there is no bound, and a warning says so.
            InboxOrder::HeartbeatsFirst => self.ahead_of(&inbox, before).unwrap_or(0),
            InboxOrder::Arrival => 0,
        };
        let what =
            format!("its turn, behind {} messages and what goes first and comes meanwhile", inbox.limit);
        Some(term("Q_r", self.served(&inbox, before.saturating_add(meanwhile)), what))
    }

    /// Whether heartbeats and answers to probes alone take all the time that the registry has.
    pub(super) fn is_overloaded(&self) -> bool {
        let overloaded = |inbox| self.ahead_of(&inbox, 1).is_none();
        self.policies.registry.inbox.is_some_and(overloaded)
    }

    fn served(&self, inbox: &InboxPolicy, messages: u64) -> Span {
        self.assumed.clock_rate.longest_true(inbox.service.scale(messages, 1))
    }

    /// How many heartbeats and answers to probes come while `before` messages are served, and they themselves: each
    /// member sends one an interval, and those may be as uneven as delays are. Nothing if that never ends.
    fn ahead_of(&self, inbox: &InboxPolicy, before: u64) -> Option<u64> {
        let members = u64::from(self.assumed.members);
        let uneven = self.assumed.delay.saturating_sub(self.assumed.least_delay);
        let each = u128::from(self.served(inbox, 1).as_nanos()) * u128::from(members) * 1_000_000;
        let load = |every: Span| each.div_ceil(u128::from(every.as_nanos()));
        if self.intervals().map(load).sum::<u128>() > MOST_LOAD_PPM {
            return None;
        }
        let mut ahead = 0;
        loop {
            let busy = self.served(inbox, before.saturating_add(ahead)).saturating_add(uneven);
            let of_one = |every: Span| busy.as_nanos().div_ceil(every.as_nanos());
            let more = members.saturating_mul(self.intervals().map(of_one).sum());
            // It grows by less each time, as there is less than one message for each that can be served.
            match more > ahead {
                true => ahead = more,
                false => return Some(ahead),
            }
        }
    }

    /// How often each member sends what goes first, at its shortest and in true time: one for each kind of that.
    fn intervals(&self) -> impl Iterator<Item = Span> {
        let Policies { registry, member, .. } = *self.policies;
        let early = 1_000_000_u32.saturating_sub(member.jitter_ppm);
        let heartbeat = interval(self.policies, self.ttl).scale(u64::from(early), 1_000_000);
        let probe = registry.probe.every;
        let both = match registry.liveness {
            Liveness::Push => [Some(heartbeat), None],
            Liveness::Pull => [None, Some(probe)],
            Liveness::Hybrid => [Some(heartbeat), Some(probe)],
        };
        let rho = self.assumed.clock_rate;
        both.into_iter().flatten().map(move |every| rho.shortest_true(every).max(Span::from_nanos(1)))
    }
}
