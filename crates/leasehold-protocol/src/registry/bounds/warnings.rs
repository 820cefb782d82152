//! What a design gives up, policy by policy: whatever is not the safe choice.

use alloc::format;
use alloc::vec::Vec;

use leasehold_core::{ClockKind, Warning};

use super::Sums;
use super::queue::Queue;
use super::views::Views;
use crate::bounds::reckoning::exact;
use crate::bounds::warnings::Found;
use crate::policy::{Expiry, KeysEnd, ReleaseCheck, Renewals, Restart};
use crate::registry::policy::{
    Ages, Behind, CacheFrom, CacheGuard, ComesBack, CutOff, DiscoveryPolicy, FeedPolicy, Gap, HeartbeatCheck,
    HeartbeatOrder, HeartbeatThread, InboxOrder, LateHeartbeat, LeaseIds, Leaves, MemberPolicy, Naming,
    NextHeartbeat, Refresh, Refused, RegisteredAgain, RegisteredAnew, Registrations, RegistryPolicy,
    RenewalNews, RenewalTerm, Sender, Source, Unanswered, ViewOrder,
};

pub(super) fn warnings(sums: &Sums<'_>) -> Vec<Warning> {
    let mut found = Found(Vec::new());
    let policies = sums.policies;
    clocks(&mut found, sums);
    heartbeats(&mut found, policies.registry);
    answers(&mut found, policies.registry);
    queues(&mut found, sums);
    ends(&mut found, sums);
    books(&mut found, policies.registry);
    feed(&mut found, &policies.registry.feed, "registry");
    member(&mut found, policies.member);
    keeping(&mut found, policies.member);
    if sums.assumed.sidecars > 0 && policies.sidecar == Sender::DeafSidecar {
        found.say(
            "a sidecar goes on with its heartbeats whatever becomes of its application: a dead one stays listed",
            "let the sidecar stop when it hears of no progress",
        );
    }
    if sums.assumed.clients > 0 {
        view(&mut found, policies.discovery, "client");
        lapses(&mut found, sums);
    }
    if sums.assumed.followers > 0 {
        view(&mut found, &policies.follower.source, "follower");
        feed(&mut found, &policies.follower.feed, "follower");
    }
    budget(&mut found, sums);
    found.0
}

fn clocks(found: &mut Found, sums: &Sums<'_>) {
    let policies = sums.policies;
    let mut clocks = Vec::from([
        (policies.registry.clock, "the registry", "terms are longer"),
        (policies.member.clock, "a member", "heartbeats come later"),
    ]);
    if sums.assumed.clients > 0 {
        clocks.push((policies.discovery.clock, "a client", "views are answered from for longer"));
    }
    if sums.assumed.followers > 0 {
        clocks.push((policies.follower.source.clock, "a follower", "views are handed out for longer"));
    }
    for (clock, whose, effect) in clocks {
        let text = match clock {
            ClockKind::Boot => continue,
            ClockKind::Monotonic => {
                format!(
                    "the monotonic clock of {whose} stops while its machine is suspended: {effect} by as much"
                )
            }
            ClockKind::Wall => {
                format!("a step back of the wall clock of {whose} counts in full: {effect} by as much")
            }
        };
        found.say(text, "measure on the boot clock");
    }
}

fn heartbeats(found: &mut Found, registry: &RegistryPolicy) {
    found.any(match registry.heartbeat_check {
        HeartbeatCheck::LeaseAndEpoch => None,
        HeartbeatCheck::Member => Some((
            "a heartbeat names its member only: one that was held up prolongs the life of a dead one, or of its successor",
            "let it name lease and epoch, and a number",
        )),
    });
    found.any(match registry.late_heartbeat {
        LateHeartbeat::Refused => None,
        LateHeartbeat::TakenUntilRecorded => Some((
            "a heartbeat is taken after the decision to end its lease, until that is on the disk",
            "refuse heartbeats from the decision on",
        )),
        LateHeartbeat::Revives => Some((
            "a heartbeat brings an ended lease back: what was told of its end is no longer true",
            "refuse it, and have the member register anew",
        )),
    });
    found.any(match registry.answers {
        Renewals::AtOnce | Renewals::OnceDurable => None,
        Renewals::OnceDurableUnchecked => Some((
            "a heartbeat may be acknowledged although its lease ended while it was written",
            "look again whether the lease lives before answering",
        )),
    });
    found.any(match registry.renewal {
        RenewalTerm::FromNow => None,
        RenewalTerm::AddedTwice => Some((
            "a heartbeat adds the duration twice: a dead instance stays for two terms, and the bound counts one",
            "begin the term anew with each heartbeat",
        )),
    });
    if registry.inbox.is_some_and(|inbox| inbox.order == InboxOrder::Arrival) {
        found.say(
            "heartbeats wait behind all other messages: under load live instances expire",
            "serve heartbeats first",
        );
    }
}

/// What a registry gives up that cannot tell what is new from what is old, or tells more than it knows.
fn answers(found: &mut Found, registry: &RegistryPolicy) {
    found.any(match registry.heartbeat_order {
        HeartbeatOrder::Number => None,
        HeartbeatOrder::WallStamp => Some((
            "heartbeats are put in order by the wall clocks of members: after a step back nothing counts until the clock is \
             there again, and a live member expires",
            "put them in order by their numbers",
        )),
    });
    found.any(match registry.registrations {
        Registrations::AnsweredWhenDurable => None,
        Registrations::AnsweredAtOnce => Some((
            "a registration is answered before it is on the disk: heartbeats that come until then are refused, and a restart \
             may know nothing of it",
            "answer when it is durable",
        )),
    });
}

/// What a member gives up that keeps its registration in a loop which can end, block or be late.
fn keeping(found: &mut Found, member: &MemberPolicy) {
    found.any(match member.unanswered {
        Unanswered::Waits | Unanswered::Retries => None,
        Unanswered::Blocks => Some((
            "heartbeats wait behind one that is not answered, until the connection is given up",
            "give it up well within the TTL, or let the next one leave at its time",
        )),
        Unanswered::GivesUp => Some((
            "heartbeats end with the first that is not answered: one lost message costs the lease, and the member is not \
             registered anew",
            "let the next one be the second chance",
        )),
    });
    found.any(match member.next_heartbeat {
        NextHeartbeat::WhenSent => None,
        NextHeartbeat::WhenDrained => Some((
            "the next heartbeat is due until the work takes the answer to the last: while it stands still, one leaves at each \
             look",
            "settle when the next one is due as one is sent",
        )),
    });
    found.any(match member.refused {
        Refused::RegistersAnew => None,
        Refused::GivesUp => Some((
            "a member whose heartbeat is refused works on without being registered",
            "let it register anew",
        )),
    });
    found.any(match member.registered_anew {
        RegisteredAnew::HeartbeatsGoOn => None,
        RegisteredAnew::HeartbeatsStayAway => Some((
            "a member that registered anew sends no heartbeats: its lease is over a term later",
            "begin them with each registration",
        )),
    });
}

fn queues(found: &mut Found, sums: &Sums<'_>) {
    if Queue::new(sums.assumed, sums.policies, sums.least_ttl).is_overloaded() {
        found.say(
            "heartbeats, or answers to probes, take all the time that the registry has: some are dropped, and whatever else \
             is asked may wait for ever",
            "fewer members, fewer heartbeats or probes, or a shorter service time",
        );
    }
}

fn ends(found: &mut Found, sums: &Sums<'_>) {
    let registry = sums.policies.registry;
    if registry.longest_withheld(sums.assumed.members).is_none() {
        found.say(
            "a guard withholds ends without a limit: no bound on staleness holds while it does, and the one above leaves \
             it out",
            "give the guard a limit",
        );
    }
    if let Expiry::Sweep { every, at_most: Some(at_most) } = registry.expiry {
        let leases = sums.assumed.members;
        let sweeps = leases.div_ceil(at_most.max(1));
        let text = format!(
            "a sweep ends at most {at_most}: when all leases ({leases}) are over at once, that takes {sweeps} sweeps of \
             {every}"
        );
        found.say(text, "no limit, or a shorter sweep interval");
    }
    match registry.restart {
        Restart::FullTerm => {}
        Restart::Extra(extra) => {
            let text = format!("after a restart of the registry a dead instance stays listed for {extra} more");
            found.say(text, "give each lease a full term at a restart, and no more");
        }
        Restart::Remaining => found.say(
            "a restart goes by deadlines on the wall clock: a step while the registry is down ends leases early, or keeps \
             dead ones alive",
            "give each lease a full term at a restart",
        ),
    }
    if sums.policies.budget.mass.is_some() && !registry.grace.has_guard() {
        found.say(
            "a cap on mass expiry is declared, and no guard keeps to it: when many are cut off at once, all of them end",
            "a guard by rate or by zones, with a limit",
        );
    }
}

fn books(found: &mut Found, registry: &RegistryPolicy) {
    found.any(match registry.deregister_check {
        ReleaseCheck::LeaseAndToken => None,
        ReleaseCheck::HolderName => Some((
            "a deregistration that was under way for long takes the next process of its member off the list",
            "let it name lease and epoch",
        )),
        ReleaseCheck::Nothing => {
            Some(("anybody's deregistration takes a member off the list", "let it name lease and epoch"))
        }
    });
    found.any(match registry.again {
        RegisteredAgain::Replaces => None,
        RegisteredAgain::SecondEntry => Some((
            "a member that registers again is listed twice: its old entry stays until its term is over",
            "replace what was there",
        )),
    });
    found.any(match registry.ends {
        KeysEnd::Together => None,
        KeysEnd::OneByOne => Some((
            "what hangs on a lease vanishes one after the other: a reader may see some of it",
            "end all of it at one revision",
        )),
    });
    found.any(match registry.ids {
        LeaseIds::Durable => None,
        LeaseIds::Volatile => Some((
            "leases are numbered anew after a restart: a heartbeat of an old one may be taken for that of another",
            "keep the counter on disk",
        )),
    });
    found.any(match registry.renewals {
        RenewalNews::Never => None,
        RenewalNews::Published => Some((
            "each heartbeat is a change that every watcher is told of: members times watchers messages an interval",
            "publish changes of the list only",
        )),
    });
}

fn feed(found: &mut Found, feed: &FeedPolicy, whose: &str) {
    if feed.behind == Behind::Skips {
        let text = format!(
            "a {whose} lets a slow watcher miss changes, and says nothing: its view is wrong from then on"
        );
        found.say(text, "tell it to ask for all there is");
    }
    if feed.ages == Ages::Untold {
        let text = format!(
            "a {whose} does not say how old its answers are: what it may keep is added to every cache behind it"
        );
        found.say(text, "tell the age with each answer");
    }
}

fn member(found: &mut Found, member: &MemberPolicy) {
    found.any(match member.naming {
        Naming::LeaseAndEpoch => None,
        Naming::Member => Some((
            "heartbeats name their member only: the registry cannot tell those of a former process",
            "let them name lease and epoch",
        )),
    });
    found.any(match member.comes_back {
        ComesBack::Paced(_) => None,
        ComesBack::AtOnce => Some((
            "members register anew at once: after a restart of the registry all of them come together",
            "a drawn wait before each comes back",
        )),
    });
    found.any(match member.leaves {
        Leaves::DeregistersThenStops => None,
        Leaves::StopsThenDeregisters => Some((
            "a member stops before it is deregistered: until then it is called in vain",
            "deregister, go on answering for a while, then stop",
        )),
        Leaves::JustStops => Some((
            "a member that leaves lets its lease expire: it is called in vain for a whole term",
            "deregister, go on answering for a while, then stop",
        )),
    });
    found.any(match member.thread {
        HeartbeatThread::Supervised => None,
        HeartbeatThread::Apart => Some((
            "heartbeats go on whatever the work does: an instance that makes no progress stays listed",
            "let them stop when the work does",
        )),
        HeartbeatThread::OfTheWork => Some((
            "heartbeats wait for the work: a long task costs the lease",
            "a thread of their own, which stops when the work does",
        )),
    });
    if member.hysteresis.fall <= 1 && member.hysteresis.rise <= 1 {
        found.say(
            "one look decides on health: an application at the edge changes its status each time",
            "several looks in a row, as in fall = 3, rise = 2",
        );
    }
}

fn view(found: &mut Found, view: &DiscoveryPolicy, whose: &str) {
    if view.cache.is_none() {
        let text = format!(
            "a {whose} answers from its view for ever: when it is cut off, nothing bounds how stale that is"
        );
        found.say(text, "give views an end");
    }
    if view.cache.is_some() && view.cache_from == CacheFrom::Receipt {
        let text = format!(
            "a {whose} counts the lifetime of its view from the answer: what that took is added, and unbounded"
        );
        found.say(text, "count from the send of the request that was answered");
    }
    if view.guard == CacheGuard::ByTimer {
        let text = format!(
            "a {whose} relies on a timer to find out that its view is too old: a frozen cache never does"
        );
        found.say(text, "look at the clock at each lookup");
    }
    match view.cut_off {
        CutOff::FailsClosed => {}
        CutOff::ServesStale => {
            let text = format!(
                "a {whose} that is cut off answers from an old view, and says so: such answers have no bound"
            );
            found.say(text, "fail closed, if that is not wanted");
        }
        CutOff::ServesSilently => {
            let text =
                format!("a {whose} that is cut off answers from an old view as if nothing were the matter");
            found.say(text, "fail closed, or say that the answer is old");
        }
    }
    let watches = !matches!(view.refresh, Refresh::Poll(_));
    if watches && view.gap == Gap::Ignores {
        let text = format!(
            "a {whose} goes on with what it hears when changes are missing: its view is wrong from then on"
        );
        found.say(text, "ask for what is missing");
    }
    if view.order == ViewOrder::AsHeard {
        let text = match view.source {
            Source::ByTurns => {
                format!("a {whose} that asks several shows whatever it heard last: it may go back in time")
            }
            _ => format!(
                "a {whose} shows whatever it heard last: an answer that was overtaken takes it back in time"
            ),
        };
        found.say(text, "ignore what is older than the view");
    }
}

/// A view that is validated less often than it lives is empty now and then, though nothing is wrong.
fn lapses(found: &mut Found, sums: &Sums<'_>) {
    let Some(cache) = sums.policies.discovery.cache else { return };
    if sums.views.age.total >= cache {
        let age = exact(sums.views.age.total);
        let text = format!(
            "a healthy view can be {age} old, and is answered from for {cache}: it lapses now and then"
        );
        found.say(text, &format!("a cache lifetime above {age}, or ask more often"));
    }
}

fn budget(found: &mut Found, sums: &Sums<'_>) {
    let reckoned = super::reckoning::judged(sums);
    for (text, help) in reckoned {
        found.say(text, &help);
    }
    let Some(budget) = sums.policies.budget.view_age.filter(|_| sums.assumed.clients > 0) else { return };
    let caches = Views::of_caches(sums.assumed, sums.policies, sums.ttl);
    match caches {
        Some(together) if together <= budget => {}
        Some(together) => {
            let (together, budget) = (exact(together), exact(budget));
            let text =
                format!("the caches together keep a view for up to {together}, and the budget is {budget}");
            found.say(text, "let answers say how old they are, or let caches end sooner");
        }
        None => {
            let text = format!("nothing bounds how old a view gets, and the budget is {}", exact(budget));
            found.say(text, "let every cache end in time");
        }
    }
}
