//! What a design gives up, policy by policy: whatever is not the safe choice.

use alloc::borrow::ToOwned;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use leasehold_core::time::Span;
use leasehold_core::{ClockKind, Warning};

use super::reckoning::{Claim, decimal, exact, shown, shown_round_trip};
use super::{Policies, Sums, dead_waiters};
use crate::policy::{
    AfterWaiting, Anchor, BackInContact, Backoff, Duplicates, Expiry, Fence, GiveUp, GrantorPolicy,
    HolderPolicy, Identity, KeysEnd, Leave, Lifetime, LockDelayKept, LostContact, Margin, Preemption,
    Queries, Queue, Reads, ReleaseCheck, RenewalCheck, RenewalOfEnded, Renewals, ResourcePolicy, Restart,
    RevocationStyle, SameOwner, Takeover, TaskEffects, TermArithmetic, TermsFrom, Tokens, WorkKind,
    WorkPolicy, Writes,
};

pub(super) fn warnings(sums: &Sums<'_>, policies: &Policies) -> Vec<Warning> {
    let mut found = Found(Vec::new());
    anchor(&mut found, sums);
    lifetime(&mut found, sums);
    holder(&mut found, &policies.holder);
    impatience(&mut found, sums);
    resource(&mut found, &policies.resource, &policies.work);
    term(&mut found, sums);
    tokens_and_restart(&mut found, &policies.grantor);
    endings(&mut found, &policies.grantor);
    queue(&mut found, sums);
    found.0
}

/// The same of work that asks for no lease: nothing of what leases and holders do matters.
pub(super) fn without_lease(policies: &Policies) -> Vec<Warning> {
    let mut found = Found(Vec::new());
    found.any(match policies.resource.writes {
        Writes::CompareAndSet => None,
        Writes::Any => Some((
            "nobody holds a lease and no version is compared: whoever writes last undoes what others wrote since it read",
            "compare and set, or work under a lease",
        )),
    });
    duplicates(&mut found, &policies.resource);
    found.0
}

/// What somebody who relies on a design should know, as it is found.
pub(crate) struct Found(pub(crate) Vec<Warning>);

impl Found {
    pub(crate) fn say(&mut self, text: impl Into<String>, help: &str) {
        self.0.push(Warning { text: text.into(), help: Some(help.into()) });
    }

    /// A policy that gives up something, or nothing to say about the safe one.
    pub(crate) fn any(&mut self, policy: Option<(&str, &str)>) {
        if let Some((text, help)) = policy {
            self.say(text, help);
        }
    }
}

fn anchor(found: &mut Found, sums: &Sums<'_>) {
    let claim = Claim::new(sums.holder, sums.ttl);
    let help = "count the deadline from the first send of the request that was answered";
    match sums.holder.anchor {
        Anchor::FirstSend => {}
        Anchor::LatestRetry => found.say(
            format!(
                "counting from the latest retry has no safe margin: if the answer to the first send comes after \
                 {} of retries, the claim may last {} of a TTL of {}",
                exact(claim.lag),
                exact(claim.sum.total),
                sums.ttl
            ),
            help,
        ),
        Anchor::Receipt => found.say(
            format!(
                "counting from the answer has no safe margin: with an answer to a renewal that takes up to {} the \
                 claim may last {} after the renewal was decided, of a TTL of {}; nothing bounds the answer to the \
                 first acquire",
                exact(claim.lag),
                exact(claim.sum.total),
                sums.ttl
            ),
            help,
        ),
    }
}

fn lifetime(found: &mut Found, sums: &Sums<'_>) {
    let (ttl, holder) = (sums.ttl, sums.holder);
    let lifetime = holder.term(ttl);
    let term = sums.grantor.term(ttl);
    let safe = sums.environment.clock_rate.safe_term(term);
    match holder.lifetime {
        Lifetime::Margin(_) if holder.ttl_multiplier > sums.grantor.ttl_multiplier => {
            let text = format!(
                "a holder takes {} to be its term, {} TTLs less its margin, and the grantor ends its lease after {term}",
                exact(lifetime),
                holder.ttl_multiplier
            );
            let most = sums.grantor.ttl_multiplier;
            found.say(text, &format!("a holder's ttl_multiplier of at most {most}, as its grantor's"));
        }
        Lifetime::Margin(Margin::ForDrift(_)) => {}
        Lifetime::Margin(Margin::Fixed(margin)) if lifetime > safe => {
            let least = exact(holder.longest(ttl).saturating_sub(safe));
            let text =
                format!("a margin of {margin} does not cover clocks that are off by the declared bound");
            found.say(text, &format!("give up at least {least} of the TTL"));
        }
        Lifetime::Margin(Margin::Fixed(_)) => {}
        Lifetime::RenewDeadline(deadline) => {
            let interval = holder.renew.of(ttl);
            let text = format!(
                "a holder that may wait renew {interval} + renew_deadline {deadline} = {} of a TTL of {ttl} \
                 tolerates a clock ratio of {} rather than {}",
                exact(lifetime),
                ratio(term, lifetime),
                ratio(term, deadline)
            );
            let most = safe.saturating_sub(interval);
            // As client-go, the reader of scenarios demands more than one stretched interval.
            let least = holder.retry.longest(interval);
            if lifetime > safe && most <= least {
                let ttl = sums.environment.clock_rate.longest_true(shown(sums, lifetime));
                found.say(text, &format!("renew earlier, or raise the TTL to at least {}", exact(ttl)));
            } else if lifetime > safe {
                found.say(text, &format!("a renew deadline of at most {}", exact(most)));
            } else {
                found.say(
                    text,
                    "choose the renew deadline so that the sum of the two leaves the ratio you want",
                );
            }
        }
    }
}

/// T/L to three decimals, cut.
fn ratio(term: Span, claim: Span) -> String {
    match claim.as_nanos() {
        0 => "any".into(),
        claim => decimal(u128::from(term.as_nanos()) * 1_000 / u128::from(claim), 1_000),
    }
}

fn holder(found: &mut Found, holder: &HolderPolicy) {
    found.any(match holder.clock {
        ClockKind::Boot => None,
        ClockKind::Monotonic => Some((
            "a holder's monotonic clock stops while its machine is suspended: it goes on claiming for as long",
            "measure deadlines on the boot clock",
        )),
        ClockKind::Wall => Some((
            "a step back of a holder's wall clock prolongs its claim by as much",
            "measure deadlines on the boot clock",
        )),
    });
    found.any(match holder.lost_contact {
        LostContact::Stop | LostContact::Jeopardy => None,
        LostContact::GoOn => Some((
            "a holder that loses contact goes on after its deadline: nothing bounds how long two act at once",
            "stop at the deadline",
        )),
    });
    found.any(match holder.back_in_contact {
        BackInContact::TrustsItsRecord if holder.lost_contact == LostContact::Jeopardy => Some((
            "a holder that is in contact again goes on, also if it is told that its lease is gone: its successor \
             may claim by then",
            "compare the lease with the one that the grantor has",
        )),
        BackInContact::ComparesTheLease | BackInContact::TrustsItsRecord => None,
    });
    found.any(match holder.give_up {
        GiveUp::AtDeadline => None,
        GiveUp::AtFirstError => Some((
            "a holder gives up at the first renewal that is not answered: one lost message costs the lease",
            "try again until the deadline",
        )),
    });
    found.any(match holder.leave {
        Leave::StopThenRelease => None,
        Leave::ReleaseThenStop => Some((
            "a holder that leaves releases before its work has stopped: the next may begin meanwhile",
            "stop the work, then release",
        )),
    });
    found.any(match holder.after_waiting {
        AfterWaiting::Confirm => None,
        AfterWaiting::Trust => Some((
            "a grant out of the queue is claimed from its receipt on: its delay is added to the claim",
            "have the grant confirmed by a renewal, and count from that",
        )),
    });
    found.any(match holder.identity {
        Identity::Process => None,
        Identity::Node => Some((
            "a node's new process is the same owner as its old one: a grantor cannot tell which of them asks",
            "give each process an identity of its own",
        )),
        Identity::Shared => Some((
            "all contenders say that they are the same: a grantor cannot tell who asks",
            "give each process an identity of its own",
        )),
    });
}

/// The first retry of a renewal comes before the answer to its first send can, and is the end of the claim.
fn impatience(found: &mut Found, sums: &Sums<'_>) {
    let Backoff { first, cap, .. } = sums.holder.retry;
    let (patience, round_trip) = (first.min(cap), shown_round_trip(sums));
    if sums.holder.give_up == GiveUp::AtFirstError && patience <= round_trip {
        let text = format!(
            "a holder gives up when a renewal is not answered after {}, and an answer can take {}: it may never \
             keep a lease, nor get one that it waited for confirmed",
            exact(patience),
            exact(round_trip)
        );
        found.say(text, &format!("a `retry` above {}, or try again until the deadline", exact(round_trip)));
    }
}

fn resource(found: &mut Found, resource: &ResourcePolicy, work: &WorkPolicy) {
    let checks_versions = resource.writes == Writes::CompareAndSet;
    found.any(match resource.fence {
        Fence::HighestToken => None,
        Fence::None if checks_versions => Some((
            "the resource does not look at tokens: a late write is refused only if the version has changed",
            "fence by the highest token",
        )),
        Fence::None if work.takeover == Takeover::Barrier => Some((
            "the resource does not look at tokens, so the barrier of a new holder keeps nobody out",
            "fence by the highest token",
        )),
        Fence::None => Some((
            "nothing refuses the late write of a holder that was stopped: no fence, and no check of versions",
            "fence by the highest token",
        )),
        Fence::HighestVolatile => Some((
            "the resource forgets the highest token at a restart: an older one is accepted again",
            "keep the mark on disk",
        )),
        Fence::LastToken => Some((
            "the resource takes any token that differs from the last for a newer one",
            "compare tokens by their order",
        )),
        Fence::Equality => Some((
            "the resource accepts the token of whoever read last, also of an old holder",
            "compare tokens by their order",
        )),
    });
    let fences = matches!(resource.fence, Fence::HighestToken | Fence::HighestVolatile);
    if fences && resource.reads == Reads::LeaveMark && work.takeover == Takeover::Work && !checks_versions {
        found.say(
            "a read does not raise the mark: what a new holder has read can be overwritten behind its back",
            "let reads raise the mark, or begin a takeover with a barrier",
        );
    }
    duplicates(found, resource);
    if (resource.tasks, work.kind) == (TaskEffects::EachTime, WorkKind::Tasks) {
        found.say(
            "a task that is given out again is applied again",
            "recognise tasks whose effect was applied",
        );
    }
}

fn duplicates(found: &mut Found, resource: &ResourcePolicy) {
    found.any(match resource.duplicates {
        Duplicates::Recognised => None,
        Duplicates::DoneAgain => Some((
            "a write that the network delivers twice, or that is repeated, is done twice",
            "recognise operations by their number",
        )),
    });
}

fn term(found: &mut Found, sums: &Sums<'_>) {
    let grantor = sums.grantor;
    found.any(match grantor.clock {
        ClockKind::Boot => None,
        ClockKind::Monotonic => Some((
            "the grantor's monotonic clock stops while its machine is suspended: leases live longer by as much",
            "measure terms on the boot clock",
        )),
        ClockKind::Wall => Some((
            "a step of the grantor's wall clock ends leases early, or keeps dead ones alive",
            "measure terms on the boot clock",
        )),
    });
    found.any(match grantor.terms_from {
        TermsFrom::OwnTimer => None,
        TermsFrom::WritersStamp => Some((
            "terms are counted from the time that holders write: one whose clock is behind loses its lease early, one \
             whose clock is ahead keeps it after its death",
            "count terms from a timer of the grantor",
        )),
    });
    found.any(match grantor.term_arithmetic {
        TermArithmetic::Exact => None,
        TermArithmetic::WholeSecondsZeroIsForEver => Some((
            "terms are cut to whole seconds, and zero of them is for ever: a lease with less than a second left never \
             ends, and no other gets all of its term",
            "reckon exactly, and let no value of a length stand for something else",
        )),
        TermArithmetic::WrappingMilliseconds => Some((
            "a term of 49 days or more wraps round: a lease may end at once",
            "reckon with wider numbers, and refuse what does not fit",
        )),
    });
    if grantor.ttl_multiplier > 1 {
        let text = format!(
            "a lease lives {} TTLs, though its holder is told one: a dead holder is replaced after {} only",
            grantor.ttl_multiplier,
            grantor.term(sums.ttl)
        );
        found.say(text, "a multiplier of 1");
    }
    if let Expiry::Sweep { every, at_most: Some(at_most) } = grantor.expiry {
        let leases = sums.environment.resources;
        let sweeps = leases.div_ceil(at_most.max(1));
        let text = format!(
            "a sweep ends at most {at_most}: when all leases ({leases}) are over at once, that takes {sweeps} \
             sweeps of {every}"
        );
        found.say(text, "no limit, or a shorter sweep interval");
    }
}

fn tokens_and_restart(found: &mut Found, grantor: &GrantorPolicy) {
    found.any(match grantor.tokens {
        Tokens::DurableCounter | Tokens::StoreRevision => None,
        Tokens::Volatile => Some((
            "tokens begin from 1 again when the grantor restarts: a fence then keeps the new holder out, or lets \
             the old one in",
            "keep the counter on disk",
        )),
        Tokens::PerOwner => Some((
            "an owner that gets the resource again gets its old token: its own late writes pass every fence",
            "a new token for each grant",
        )),
        Tokens::Random => Some((
            "tokens have no order: a resource cannot tell an old one from a new one",
            "a counter for each resource, on disk",
        )),
    });
    match grantor.restart {
        Restart::FullTerm => {}
        Restart::Extra(extra) => {
            let text =
                format!("after a restart of the grantor a dead holder keeps its lease for {extra} more");
            found.say(text, "give each lease a full term at a restart, and no more");
        }
        Restart::Remaining => {
            found.say(
                "a restart goes by deadlines on the wall clock: a step while the grantor is down ends leases \
                 early, or keeps dead ones alive",
                "give each lease a full term at a restart",
            );
        }
    }
    if let (Some(most), Restart::FullTerm | Restart::Extra(_)) = (grantor.extensions, grantor.restart) {
        let text = format!(
            "at most {most} restarts of the grantor in a row are to give a lease more time, and each gives it a term: \
             restarts that are more frequent than terms keep a dead holder's lease"
        );
        found.say(text, "let a restart keep what is left of a term, or promise nothing");
    }
    found.any(match grantor.renewals {
        Renewals::AtOnce | Renewals::OnceDurable => None,
        Renewals::OnceDurableUnchecked => Some((
            "a renewal may be acknowledged although its lease ended while it was written",
            "look again whether the lease lives before answering",
        )),
    });
}

fn endings(found: &mut Found, grantor: &GrantorPolicy) {
    found.any(match grantor.renewal_of_ended {
        RenewalOfEnded::Refused => None,
        RenewalOfEnded::AcknowledgedUntilRecorded => Some((
            "a renewal is acknowledged after the decision to end its lease, until that is on the disk",
            "refuse renewals from the decision on",
        )),
        RenewalOfEnded::Resurrects => Some((
            "a renewal brings an ended lease back: what was told of its end is no longer true",
            "refuse it, and have the holder acquire anew",
        )),
    });
    found.any(match grantor.renewal_check {
        RenewalCheck::LeaseAndToken => None,
        RenewalCheck::HolderName => Some((
            "a renewal that was under way for long keeps the holder's next lease",
            "let a renewal name lease and token",
        )),
        RenewalCheck::Nothing => Some((
            "anybody's renewal keeps the lease of whoever holds it, and tells an old holder that it still does",
            "let a renewal name lease and token",
        )),
    });
    found.any(match grantor.release_check {
        ReleaseCheck::LeaseAndToken => None,
        ReleaseCheck::HolderName => Some((
            "a release that was under way for long ends the holder's next lease",
            "let a release name lease and token",
        )),
        ReleaseCheck::Nothing => Some((
            "anybody's release ends the lease of whoever holds it",
            "let a release name lease and token",
        )),
    });
    if !grantor.lock_delay.is_zero() {
        found.any(match grantor.lock_delay_kept {
            LockDelayKept::Durable => None,
            LockDelayKept::InMemory => Some((
                "the lock-delay is forgotten when the grantor restarts",
                "begin it anew after a restart",
            )),
            LockDelayKept::Never => {
                Some(("a lock-delay is promised, and not kept", "keep it, or promise none"))
            }
        });
    }
    found.any(match grantor.revocation {
        RevocationStyle::Drain => None,
        RevocationStyle::AtOnce => Some((
            "a revoked lease ends at once, whatever its holder believes: until it hears of it, two may claim",
            "let it drain: tell the holder, and end the lease when it gives it back or its term is over",
        )),
    });
    found.any(match grantor.keys {
        KeysEnd::Together => None,
        KeysEnd::OneByOne => Some((
            "the keys of a lease vanish one after the other: a reader may see some of them",
            "end all keys at one revision",
        )),
    });
    found.any(match grantor.queries {
        Queries::FromTable => None,
        Queries::FromCopy => Some((
            "who asks who holds a resource is answered from a copy, and may be shown a holder whose lease has ended",
            "answer from the table",
        )),
    });
    if let Some(attempts) = grantor.ending.attempts {
        let text = format!(
            "the grantor gives up ending a lease after {attempts} tries of {}: the lease then never ends",
            grantor.ending.patience
        );
        found.say(text, "try for ever");
    }
}

/// A request is repeated before its refusal can have come. The copy may then be granted, when nobody waits for it.
fn copies(found: &mut Found, sums: &Sums<'_>) {
    let Backoff { first, cap, .. } = sums.holder.retry;
    let (patience, refusal) = (first.min(cap), shown(sums, sums.environment.delay.scale(2, 1)));
    if patience <= refusal {
        let text = format!(
            "a request is repeated after {}, and its refusal can take {}: then a copy of it may be granted that \
             nobody waits for any more, over and over",
            exact(patience),
            exact(refusal)
        );
        found.say(text, &format!("a `retry` above {}, or a queue", exact(refusal)));
    }
}

fn queue(found: &mut Found, sums: &Sums<'_>) {
    let grantor = sums.grantor;
    match grantor.queue {
        Queue::Fifo => {
            let dead = dead_waiters(sums.environment, grantor);
            if dead > 0 {
                let rho = sums.environment.clock_rate;
                let each =
                    sums.undisturbed_end + sums.environment.commit + rho.longest_true(grantor.lock_delay);
                let they = match dead {
                    1 => "a dead waiter, which".to_owned(),
                    _ => format!("{dead} dead waiters, and each of them"),
                };
                let text = format!(
                    "the queue may hold {they} burns a term: {} of the bound on the next grant",
                    exact(each.scale(dead, 1))
                );
                found.say(text, "fewer contenders for a resource, a shorter TTL, or no queue");
            }
        }
        Queue::None => {
            found.say(
                "without a queue whoever asks first is granted the resource: one that polls less often may never be",
                "a queue, or the same poll with jitter for all",
            );
            copies(found, sums);
        }
    }
    found.any(match grantor.same_owner {
        SameOwner::Waits => None,
        SameOwner::Revokes => Some((
            "an owner that asks again ends its own lease, though its old process may be alive and act under it",
            "let it wait for the old lease to end",
        )),
        SameOwner::TakesOver => Some((
            "an owner that asks again gets its old lease and token: no fence tells it from its old process",
            "let it wait for the old lease to end, and give it a new token",
        )),
    });
    if grantor.preemption == Preemption::ByPriority && grantor.queue == Queue::None {
        found.say(
            "without a queue a lease is revoked for a contender that is sent away all the same: whoever asks first \
             gets the next, which may be revoked too before anybody can claim, over and over",
            "a queue, in which the contender stands first; or no preemption",
        );
    }
    if grantor.preemption == Preemption::ByPriority {
        found.say(
            "a contender with a higher priority takes the lease: how long a holder keeps it depends on others",
            "no preemption",
        );
    }
}
