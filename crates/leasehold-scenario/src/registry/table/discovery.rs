//! `[discovery]`, `[calls]` and `[follower]`: those that keep a view of the registry's list.

use leasehold_core::ClockKind;
use leasehold_core::event::Asked;
use leasehold_protocol::policy::Backoff;
use leasehold_protocol::registry::policy::{
    Balance, CacheFrom, CacheGuard, CallPolicy, CutOff, DiscoveryPolicy, FeedPolicy, FollowerPolicy, Gap,
    Refresh, Source, ViewOrder,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Bounded, Fleet, TopologyTable, backoff, check_below};
use crate::field::{length, not_zero, spanned, written};
use crate::names::names;
use crate::schema::Named;
use crate::value::{Length, Stretch};
use crate::{Diagnostic, Diagnostics, Spanned};

names! {
    /// What the lifetime of a cache is counted from.
    CacheFromName for CacheFrom { #[default] Send, Receipt }
    /// How it is found out that a view is too old.
    GuardName for CacheGuard { #[default] AtEachLookup, ByTimer }
    /// What is done with a view that is too old.
    CutOffName for CutOff { #[default] FailsClosed, ServesStale, ServesSilently }
    /// What a watcher does when changes are missing.
    GapName for Gap { #[default] Resync, Ignores }
    /// Whether a view may go back to an older revision.
    OrderName for ViewOrder { #[default] Forward, AsHeard }
    /// Whom a discovery client asks.
    SourceName for Source { #[default] Registry, Follower, ByTurns }
    /// Who is called next.
    BalanceName for Balance { #[default] RoundRobin, LeastRecentlyFailed }
}

/// How a view is kept up to date.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
enum RefreshName {
    /// By a watch, and while that is dead by asking every `poll`.
    #[default]
    WatchElsePoll,
    /// By a watch alone.
    Watch,
    /// By asking every `poll`.
    Poll,
}

/// A view is answered from for ever, or for so long.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
enum CacheEnds {
    /// When it is `cache` old.
    InTime,
    /// Never.
    Never,
}

/// Defines a table with the keys that every view has, and some more.
macro_rules! view_table {
    ($(#[$doc:meta])* $name:ident { $($(#[$more_doc:meta])* $more:ident: $type:ty = $default:expr,)* }) => {
        $(#[$doc])*
        #[derive(Debug, Deserialize, JsonSchema)]
        #[serde(default, deny_unknown_fields)]
        pub(crate) struct $name {
            /// The clock that its timers and its cache lifetime run on.
            #[schemars(with = "Named<ClockKind>")]
            clock: ClockKind,
            /// How it keeps its view up to date.
            refresh: Spanned<RefreshName>,
            /// How often it asks, where it polls; below the cache lifetime.
            poll: Spanned<Length>,
            /// How long a view may be answered from after it was last known to be true.
            cache: Spanned<Length>,
            /// Whether it may be answered from for ever.
            cache_ends: Spanned<CacheEnds>,
            /// What the cache lifetime is counted from.
            cache_from: CacheFromName,
            /// How it finds out that its view is too old.
            guard: GuardName,
            /// What it does with a view that is too old.
            cut_off: CutOffName,
            /// What it does when changes are missing from a watch.
            gap: GapName,
            /// How often it says that it is still watching, and hears that nothing changed.
            ping: Spanned<Length>,
            /// A watch is dead when nothing was heard of it for so long; above `ping`.
            dead_watch: Spanned<Length>,
            /// The first wait before it asks again; each is twice the last.
            retry: Spanned<Length>,
            /// The longest such wait.
            retry_cap: Spanned<Length>,
            /// Such a wait is stretched by up to this share.
            retry_jitter: Stretch,
            /// Whether its view may go back to an older revision.
            order: OrderName,
            $($(#[$more_doc])* $more: $type,)*
        }

        impl Default for $name {
            fn default() -> Self {
                let safe = DiscoveryPolicy::default();
                let (refresh, poll) = match safe.refresh {
                    Refresh::Watch => (RefreshName::Watch, safe.dead_watch),
                    Refresh::Poll(every) => (RefreshName::Poll, every),
                    Refresh::WatchElsePoll(every) => (RefreshName::WatchElsePoll, every),
                };
                let Backoff { first, cap, jitter_ppm } = safe.retry;
                let of = |span| spanned(Length(span));
                Self {
                    clock: safe.clock,
                    refresh: spanned(refresh),
                    poll: of(poll),
                    cache: of(safe.cache.expect("a safe view has an end")),
                    cache_ends: spanned(CacheEnds::InTime),
                    cache_from: CacheFromName::default(),
                    guard: GuardName::default(),
                    cut_off: CutOffName::default(),
                    gap: GapName::default(),
                    ping: of(safe.ping),
                    dead_watch: of(safe.dead_watch),
                    retry: of(first),
                    retry_cap: of(cap),
                    retry_jitter: Stretch { ppm: jitter_ppm },
                    order: OrderName::default(),
                    $($more: $default,)*
                }
            }
        }

        impl $name {
            /// What its keys come to, apart from what is looked up.
            fn view(&self, found: &mut Diagnostics) -> DiscoveryPolicy {
                let (watches, polls) = match *self.refresh.get_ref() {
                    RefreshName::Watch => (true, false),
                    RefreshName::Poll => (false, true),
                    RefreshName::WatchElsePoll => (true, true),
                };
                check_cache(found, &self.cache, &self.cache_ends);
                let cache = (*self.cache_ends.get_ref() == CacheEnds::InTime).then(|| length(&self.cache));
                not_zero(found, &self.poll, "a poll");
                if polls && cache.is_some_and(|cache| !cache.is_zero()) {
                    check_poll(found, &self.poll, &self.cache);
                }
                if watches {
                    check_watch(found, &self.ping, &self.dead_watch, cache.map(|_| &self.cache));
                }
                let keys = [("poll", &self.poll, polls), ("ping", &self.ping, watches), ("dead_watch", &self.dead_watch, watches)];
                for (key, value, _) in keys.into_iter().filter(|(_, value, counts)| written(*value) && !counts) {
                    found.push(unused(key, value, &self.refresh));
                }
                DiscoveryPolicy {
                    clock: self.clock,
                    refresh: match *self.refresh.get_ref() {
                        RefreshName::Watch => Refresh::Watch,
                        RefreshName::Poll => Refresh::Poll(length(&self.poll)),
                        RefreshName::WatchElsePoll => Refresh::WatchElsePoll(length(&self.poll)),
                    },
                    cache,
                    cache_from: self.cache_from.into(),
                    guard: self.guard.into(),
                    cut_off: self.cut_off.into(),
                    gap: self.gap.into(),
                    ping: length(&self.ping),
                    dead_watch: length(&self.dead_watch),
                    retry: backoff(found, &self.retry, &self.retry_cap, self.retry_jitter.ppm),
                    order: self.order.into(),
                    ..DiscoveryPolicy::default()
                }
            }
        }
    };
}

view_table! {
    /// `[discovery]`: clients that look instances up.
    DiscoveryTable {
        /// Whom it asks.
        source: Spanned<SourceName> = spanned(SourceName::default()),
        /// How often something is looked up.
        lookup: Spanned<Length> = spanned(Length(DiscoveryPolicy::default().lookup)),
        /// What is looked up: all unless it is given.
        asks: Option<Spanned<AsksTable>> = None,
    }
}

view_table! {
    /// `[follower]`: those that keep a copy of the registry's list, and hand that out.
    FollowerTable {
        /// Queries are answered from a copy that it makes this often; from its view unless it is given.
        response_cache: Option<Spanned<Length>> = None,
    }
}

/// `asks` of `[discovery]`: one of the two.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct AsksTable {
    /// Those that offer this service, by name.
    service: Option<Spanned<String>>,
    /// Those that can do this, by name.
    capability: Option<Spanned<String>>,
    /// Those that can do all of this, by name.
    capabilities: Option<Vec<Spanned<String>>>,
}

/// `[calls]`: what discovery clients call.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct CallsTable {
    /// How often each client calls one of those that it finds.
    every: Spanned<Length>,
    /// A call has failed when it was not answered for so long.
    timeout: Spanned<Length>,
    /// Who is called next.
    balance: BalanceName,
}

impl Default for CallsTable {
    /// Chosen by us.
    fn default() -> Self {
        let of = |millis| crate::field::millis(millis);
        Self { every: of(1_000), timeout: of(500), balance: BalanceName::default() }
    }
}

impl CallsTable {
    pub(crate) fn policy(&self) -> Result<CallPolicy, Diagnostics> {
        let mut found = Diagnostics::default();
        not_zero(&mut found, &self.every, "a call every so often,");
        not_zero(&mut found, &self.timeout, "a timeout");
        let (every, timeout) = (length(&self.every), length(&self.timeout));
        found.or(CallPolicy { every, timeout, balance: self.balance.into() })
    }
}

impl DiscoveryTable {
    pub(crate) fn policy(
        &self,
        calls: Option<CallPolicy>,
        fleet: &Fleet,
        topology: &TopologyTable,
    ) -> Result<DiscoveryPolicy, Diagnostics> {
        let mut found = Diagnostics::default();
        let view = self.view(&mut found);
        not_zero(&mut found, &self.lookup, "a lookup every so often,");
        if *self.source.get_ref() != SourceName::Registry && topology.followers.get_ref().0 == 0 {
            let diagnostic = Diagnostic::at(self.source.span(), "clients ask followers, and there are none")
                .label("expected topology.followers > 0")
                .help("write topology.followers = 1 or more, or source = \"registry\"");
            found.push(match written(&topology.followers) {
                true => diagnostic.related(topology.followers.span(), "there are none"),
                false => diagnostic,
            });
        }
        let asked = found.keep(self.asked(fleet)).unwrap_or(Asked::All);
        let source = (*self.source.get_ref()).into();
        found.or(DiscoveryPolicy { source, lookup: length(&self.lookup), asked, calls, ..view })
    }

    fn asked(&self, fleet: &Fleet) -> Result<Asked, Diagnostics> {
        let Some(asks) = &self.asks else { return Ok(Asked::All) };
        let span = asks.span();
        let AsksTable { service, capability, capabilities } = asks.get_ref();
        match (service, capability, capabilities) {
            (Some(service), None, None) => Ok(Asked::Service(fleet.service(service)?)),
            (None, Some(one), None) => fleet.capabilities(std::slice::from_ref(one)).map(Asked::Capable),
            (None, None, Some(many)) => fleet.capabilities(many).map(Asked::Capable),
            _ => Err(Diagnostic::at(span, "a lookup asks for one thing")
                .label("expected one of `service`, `capability`, `capabilities`")
                .help("write asks = { service = \"...\" }, or leave it out to ask for all")
                .into()),
        }
    }
}

impl FollowerTable {
    /// How followers behave; the registry's feed says how they hand out their view, apart from the response cache.
    pub(crate) fn policy(&self, feed: FeedPolicy) -> Result<FollowerPolicy, Diagnostics> {
        let mut found = Diagnostics::default();
        let source = self.view(&mut found);
        if let Some(cache) = &self.response_cache {
            not_zero(&mut found, cache, "a response cache");
        }
        let response_cache = self.response_cache.as_ref().map(length);
        found.or(FollowerPolicy { source, feed: FeedPolicy { response_cache, ..feed } })
    }
}

fn check_cache(found: &mut Diagnostics, cache: &Spanned<Length>, ends: &Spanned<CacheEnds>) {
    if *ends.get_ref() == CacheEnds::Never && written(cache) {
        found.push(
            Diagnostic::at(cache.span(), "a cache lifetime, of a cache that never ends")
                .related(ends.span(), "because of this")
                .help("leave out one of the two"),
        );
    } else if length(cache).is_zero() {
        found.push(
            Diagnostic::at(cache.span(), "a cache lifetime of 0s")
                .label("expected cache > 0s: no view could ever be answered from")
                .help("write cache = \"30s\", or cache_ends = \"never\" for one without an end"),
        );
    }
}

fn check_poll(found: &mut Diagnostics, poll: &Spanned<Length>, cache: &Spanned<Length>) {
    let small = Bounded::new(poll, "poll", "a poll interval", length(poll));
    let large = Bounded::new(cache, "cache", "a cache lifetime", length(cache));
    let why = "lets every view grow too old before the next answer";
    check_below(found, &small, &large, why, "write a `poll` of at most half of `cache`");
}

fn check_watch(
    found: &mut Diagnostics,
    ping: &Spanned<Length>,
    dead: &Spanned<Length>,
    cache: Option<&Spanned<Length>>,
) {
    not_zero(found, ping, "a ping");
    let small = Bounded::new(ping, "ping", "a ping interval", length(ping));
    let large = Bounded::new(dead, "dead_watch", "a longest silence", length(dead));
    let why = "takes every watch for dead between two pings";
    check_below(found, &small, &large, why, "write a dead_watch of at least twice the `ping`");
    if let Some(cache) = cache.filter(|cache| !length(cache).is_zero()) {
        let large = Bounded::new(cache, "cache", "a cache lifetime", length(cache));
        let why = "lets every view grow too old between two pings";
        check_below(found, &small, &large, why, "write a `ping` of at most half of `cache`");
    }
}

fn unused(key: &str, value: &Spanned<Length>, refresh: &Spanned<RefreshName>) -> Diagnostic {
    let what = match refresh.get_ref() {
        RefreshName::Watch => "a view that is only watched for",
        _ => "a view that is only polled for",
    };
    Diagnostic::at(value.span(), format!("`{key}` means nothing for {what}"))
        .related(refresh.span(), "because of this")
        .help("write refresh = \"watch-else-poll\", or remove this")
}
