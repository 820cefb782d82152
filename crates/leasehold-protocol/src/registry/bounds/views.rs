//! From a change of the registry's list to the last view that does not show it: watch, dead watch, poll, cache, with
//! every level in between.

use alloc::format;
use alloc::vec;
use alloc::vec::Vec;

use leasehold_core::time::{Drift, Span};
use leasehold_core::{Sum, Term};

use super::queue::Queue;
use super::{Assumed, Policies};
use crate::bounds::term;
use crate::policy::Backoff;
use crate::registry::policy::{Ages, FeedPolicy, Refresh, Source};

/// The ways in which a client hears of a change, and the longest that each takes.
pub(super) struct Views {
    /// W. Nothing if no client watches.
    pub(super) watch: Option<Sum>,
    /// K_w/(1−ρ) + R + W.
    pub(super) dead_watch: Option<Sum>,
    /// How long after the last trouble a client's watch is healthy again.
    pub(super) recovery: Option<Span>,
    /// C/(1−ρ).
    pub(super) cache: Option<Sum>,
    /// By whichever way a healthy client goes.
    pub(super) visibility: Sum,
    /// How old the view of a healthy client gets before it is validated again, on its clock.
    pub(super) age: Sum,
}

impl Views {
    pub(super) fn new(assumed: &Assumed, policies: &Policies<'_>, ttl: Span) -> Self {
        let levels = Levels { assumed, policies, queue: Queue::new(assumed, policies, ttl) };
        let visibility = levels.watch().unwrap_or_else(|| levels.polled());
        Self {
            watch: levels.watch().map(|terms| Sum::of("from a change until a healthy watch shows it", terms)),
            dead_watch: levels
                .dead_watch()
                .map(|terms| Sum::of("the same, of a watch that died and nobody said so", terms)),
            recovery: levels.recovery(),
            cache: levels
                .promised()
                .map(|terms| Sum::of("until a view without it may not be answered from", terms)),
            visibility: Sum::of("from a registration until a healthy view shows it", visibility),
            age: Sum::of("how old a healthy view gets, on the client's clock", levels.age()),
        }
    }
}

impl Views {
    /// How long all caches together may keep a view, whatever is promised. Nothing if one of them never ends.
    pub(super) fn of_caches(assumed: &Assumed, policies: &Policies<'_>, ttl: Span) -> Option<Span> {
        let levels = Levels { assumed, policies, queue: Queue::new(assumed, policies, ttl) };
        levels.cache().map(|terms| Sum::of("what caches keep", terms).total)
    }
}

struct Levels<'a> {
    assumed: &'a Assumed,
    policies: &'a Policies<'a>,
    queue: Queue<'a>,
}

/// Who answers, or is watched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum From {
    /// The registry, with its inbox.
    Registry,
    /// A follower. It has none.
    Follower,
}

impl Levels<'_> {
    fn rho(&self) -> Drift {
        self.assumed.clock_rate
    }

    /// Whether a client may hear from a follower.
    fn has_follower(&self) -> bool {
        self.policies.discovery.source != Source::Registry && self.assumed.followers > 0
    }

    /// Whether a client may hear from the registry itself.
    fn asks_registry(&self) -> bool {
        self.policies.discovery.source != Source::Follower || !self.has_follower()
    }

    /// By whichever source takes longer, of those that a client asks.
    fn slowest(&self, by: impl Fn(From) -> Vec<Term>) -> Vec<Term> {
        let from_follower = self.has_follower().then(|| by(From::Follower));
        let from_registry = self.asks_registry().then(|| by(From::Registry));
        let both = from_follower.into_iter().chain(from_registry);
        both.max_by_key(|terms| total(terms)).unwrap_or_default()
    }

    fn feed_of(&self, from: From) -> &FeedPolicy {
        match from {
            From::Registry => &self.policies.registry.feed,
            From::Follower => &self.policies.follower.feed,
        }
    }

    /// How long what is sent to it waits there.
    fn turn_at(&self, from: From) -> Option<Term> {
        self.queue.other().filter(|_| from == From::Registry)
    }

    /// W. The feed lets `window` revisions be under way to a watcher; what comes then waits until one is taken, and
    /// leaves together. So a change may wait for a message that has just left, and its answer. With more than one under
    /// way, one may overtake another: the watcher finds a gap, and asks for what is missing. What
    /// overtakes the answer to that does not make it ask anew before it has it, so that one question is all it takes.
    fn one_watch(&self, from: From, whose: &'static str) -> Vec<Term> {
        let delay = self.assumed.delay;
        let taken = "the changes before it are under way, and have to be taken first";
        let mut terms = vec![term("2d⁺", delay.scale(2, 1), taken)];
        terms.extend(self.turn_at(from));
        terms.push(term("d⁺", delay, format!("the change, on its way to {whose}")));
        if self.feed_of(from).window > 1 && self.assumed.least_delay < delay {
            terms.push(term(
                "2d⁺",
                delay.scale(2, 1),
                "it may overtake another: what is missing is asked for",
            ));
            terms.extend(self.turn_at(from));
        }
        terms
    }

    /// What lies between the registry and whoever the client hears from.
    fn to_source(&self, from: From) -> Vec<Term> {
        let follower = self.policies.follower;
        match (from, follower.source.refresh) {
            (From::Registry, _) => vec![],
            (From::Follower, Refresh::Watch | Refresh::WatchElsePoll(_)) => {
                self.one_watch(From::Registry, "the follower")
            }
            (From::Follower, Refresh::Poll(every)) => {
                let mut terms = self.response_cache(From::Registry);
                terms.extend(self.one_poll(From::Registry, every, follower.source.retry, "follower"));
                terms
            }
        }
    }

    fn watch(&self) -> Option<Vec<Term>> {
        if let Refresh::Poll(_) = self.policies.discovery.refresh {
            return None;
        }
        Some(self.slowest(|from| {
            let mut terms = self.to_source(from);
            terms.extend(self.one_watch(from, "the client"));
            terms
        }))
    }

    fn dead_watch(&self) -> Option<Vec<Term>> {
        let watch = self.watch()?;
        let silence = self.policies.discovery.dead_watch;
        let what = format!("nothing is heard for {silence}: it is taken to be dead");
        let mut terms = vec![
            term("K_w/(1−ρ)", self.rho().longest_true(silence), what),
            term("R", self.assumed.delay.scale(2, 1), "2d⁺: it asks for all that changed, and is told"),
        ];
        terms.extend(self.turn_at(From::Registry).filter(|_| self.asks_registry()));
        terms.extend(watch);
        Some(terms)
    }

    /// A watch that died is noticed and replaced; or what asks for a new one waits before it asks again, and a client's
    /// question may come to a follower that waits as well.
    fn recovery(&self) -> Option<Span> {
        let dead = Sum::of("a dead watch is replaced", self.dead_watch()?).total;
        let shown = Sum::of("what it missed is shown", self.watch()?).total;
        let again = |retry: Backoff| self.rho().longest_true(retry.longest(retry.cap));
        let follower = match self.has_follower() {
            true => again(self.policies.follower.source.retry),
            false => Span::ZERO,
        };
        let asked = again(self.policies.discovery.retry) + follower + self.assumed.delay.scale(2, 1) + shown;
        Some(dead.max(asked))
    }

    /// A poll just missed the change; or the one before was not answered, and is only repeated after a while.
    fn one_poll(&self, from: From, every: Span, retry: Backoff, whose: &'static str) -> Vec<Term> {
        let again = retry.longest(retry.cap);
        let (symbol, wait, what) = match every >= again {
            true => ("P/(1−ρ)", every, format!("until the next poll of the {whose}, one every {every}")),
            false => {
                let what =
                    format!("until the {whose} repeats a poll that was not answered, {again} at the latest");
                ("(1+j)·P/(1−ρ)", again, what)
            }
        };
        let mut terms = vec![
            term(symbol, self.rho().longest_true(wait), what),
            term("2d⁺", self.assumed.delay.scale(2, 1), "question and answer"),
        ];
        terms.extend(self.turn_at(from));
        terms
    }

    /// A list that is copied now and then answers queries without what came since.
    fn response_cache(&self, from: From) -> Vec<Term> {
        let Some(every) = self.feed_of(from).response_cache else { return vec![] };
        let whose = match from {
            From::Registry => "the registry",
            From::Follower => "a follower",
        };
        let what = format!("{whose} answers from a copy that is up to {every} old");
        vec![term("C_s/(1−ρ)", self.rho().longest_true(every), what)]
    }

    /// How long it takes a client that polls to see a change.
    fn polled(&self) -> Vec<Term> {
        let discovery = self.policies.discovery;
        let (Refresh::Poll(every) | Refresh::WatchElsePoll(every)) = discovery.refresh else {
            unreachable!("who does not watch polls")
        };
        self.slowest(|from| {
            let mut terms = self.to_source(from);
            terms.extend(self.response_cache(from));
            terms.extend(self.one_poll(from, every, discovery.retry, "client"));
            terms
        })
    }

    /// What caches allow together, or the budget for it where that is less: then it is what the design is judged by, as the
    /// caches of Eureka, 30 s here and 30 s there, are by those who know of one of them.
    fn promised(&self) -> Option<Vec<Term>> {
        let caches = self.cache();
        let Some(budget) = self.policies.budget.view_age else { return caches };
        let together = caches.clone().map(|terms| Sum::of("what caches keep", terms).total);
        match together {
            Some(together) if together <= budget => caches,
            _ => Some(vec![term("B", budget, "the budget: no view may be older, whatever is in between")]),
        }
    }

    /// C/(1−ρ). The lifetime counts from when the list was the latest, whatever is in between, if all of them say how old
    /// their answers are. If they do not, what each may keep adds up.
    fn cache(&self) -> Option<Vec<Term>> {
        let discovery = self.policies.discovery;
        let lifetime = discovery.cache?;
        let what = format!("a view is answered from for {lifetime} after the send of what validated it");
        let mut terms = vec![term("C/(1−ρ)", self.rho().longest_true(lifetime), what)];
        let polls = |refresh| !matches!(refresh, Refresh::Watch);
        let (registry, follower) = (&self.policies.registry.feed, self.policies.follower);
        let asks_follower = self.has_follower();
        let polls_registry = self.asks_registry() && polls(discovery.refresh)
            || asks_follower && polls(follower.source.refresh);
        if registry.ages == Ages::Untold && polls_registry {
            terms.extend(self.response_cache(From::Registry));
        }
        if asks_follower && follower.feed.ages == Ages::Untold {
            let kept = follower.source.cache?;
            let what = format!("a follower hands out a view that is up to {kept} old, and does not say so");
            terms.push(term("C_f/(1−ρ)", self.rho().longest_true(kept), what));
            if polls(discovery.refresh) {
                terms.extend(self.response_cache(From::Follower));
            }
        }
        Some(terms)
    }

    /// How long after it was validated a healthy view is validated again, on the client's clock, with all that it is told
    /// of the age of what it gets.
    fn age(&self) -> Vec<Term> {
        let discovery = self.policies.discovery;
        let mut terms = Vec::new();
        let (every, what) = match discovery.refresh {
            Refresh::Watch | Refresh::WatchElsePoll(_) => (discovery.ping, "ping"),
            Refresh::Poll(every) => (every, "poll"),
        };
        terms.push(term("P", every, format!("until the next {what}")));
        let polls = matches!(discovery.refresh, Refresh::Poll(_));
        terms.extend(self.slowest(|from| self.age_by(from, polls)));
        terms
    }

    /// What of that is due to whom it asks.
    fn age_by(&self, from: From, polls: bool) -> Vec<Term> {
        let mut terms = vec![self.shown_round_trip("question and answer, at their longest")];
        terms.extend(self.shown_turn_at(from));
        let tells = self.feed_of(from).ages == Ages::Told;
        if from == From::Follower && tells {
            let source = self.policies.follower.source;
            let (every, what) = match source.refresh {
                Refresh::Watch | Refresh::WatchElsePoll(_) => (source.ping, "ping"),
                Refresh::Poll(every) => (every, "poll"),
            };
            terms.push(term("P_f", every, format!("until the next {what} of the follower")));
            terms.push(self.shown_round_trip("its question and answer"));
            terms.extend(self.shown_turn_at(From::Registry));
        }
        if let Some(copy) = self.feed_of(from).response_cache.filter(|_| polls && tells) {
            terms.push(term("C_s", copy, "the copy that is answered from"));
        }
        terms
    }

    /// What a clock shows of the wait for its turn.
    fn shown_turn_at(&self, from: From) -> Option<Term> {
        let turn = self.turn_at(from)?;
        Some(term("Q_r·(1+ρ)", self.shown(turn.value), turn.what))
    }

    fn shown_round_trip(&self, what: &'static str) -> Term {
        term("2d⁺·(1+ρ)", self.shown(self.assumed.delay.scale(2, 1)), what)
    }

    /// A length of true time, on a fast clock.
    fn shown(&self, length: Span) -> Span {
        let billion = 1_000_000_000;
        length.scale_up(billion + u64::from(self.rho().as_ppb()), billion)
    }
}

fn total(terms: &[Term]) -> Span {
    terms.iter().fold(Span::ZERO, |total, term| total.saturating_add(term.value))
}
