//! How discovery clients behave.

use leasehold_core::clock::ClockKind;
use leasehold_core::event::Asked;
use leasehold_core::time::Span;

use crate::policy::Backoff;

/// How a discovery client behaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DiscoveryPolicy {
    /// The clock that its timers and its cache lifetime run on.
    pub clock: ClockKind,
    /// How it keeps its view up to date.
    pub refresh: Refresh,
    /// For how long a view may be answered from after it was last validated; for ever if nothing is said.
    pub cache: Option<Span>,
    /// What that is counted from.
    pub cache_from: CacheFrom,
    /// How it finds out that its view is too old.
    pub guard: CacheGuard,
    /// What it does then.
    pub cut_off: CutOff,
    /// What it does when changes are missing from a watch.
    pub gap: Gap,
    /// How often it asks, over a watch, whether anything changed: the answer says how old its view is.
    pub ping: Span,
    /// A watch is dead when nothing was heard of it for so long.
    pub dead_watch: Span,
    /// How it asks again for what was not answered.
    pub retry: Backoff,
    /// Whether a view may go back to an older revision.
    pub order: ViewOrder,
    /// Whom it asks.
    pub source: Source,
    /// How often somebody looks something up.
    pub lookup: Span,
    /// What is looked up.
    pub asked: Asked,
    /// What it calls, if it does.
    pub calls: Option<CallPolicy>,
}

impl Default for DiscoveryPolicy {
    /// The numbers are chosen by us.
    fn default() -> Self {
        Self {
            clock: ClockKind::Boot,
            refresh: Refresh::WatchElsePoll(Span::from_secs(5)),
            cache: Some(Span::from_secs(30)),
            cache_from: CacheFrom::default(),
            guard: CacheGuard::default(),
            cut_off: CutOff::default(),
            gap: Gap::default(),
            ping: Span::from_secs(5),
            dead_watch: Span::from_secs(15),
            retry: Backoff::default(),
            order: ViewOrder::default(),
            source: Source::default(),
            lookup: Span::from_secs(1),
            asked: Asked::All,
            calls: None,
        }
    }
}

/// How a view is kept up to date.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refresh {
    /// By a watch.
    Watch,
    /// By asking this often.
    Poll(Span),
    /// By a watch, and while that is dead by asking this often.
    WatchElsePoll(Span),
}

/// What the lifetime of a cache is counted from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum CacheFrom {
    /// From when the request was sent that was answered; of a watch, from the latest ping that was heard.
    #[default]
    Send,
    /// From when the answer, or the message of a watch, came: how long it took is not counted.
    Receipt,
}

/// How a client finds out that its view is too old.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum CacheGuard {
    /// It reads its clock at each lookup.
    #[default]
    AtEachLookup,
    /// What keeps the cache also marks it as too old, by a timer: one that is frozen is never marked.
    ByTimer,
}

/// What a client does when its view is too old.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum CutOff {
    /// It does not answer.
    #[default]
    FailsClosed,
    /// It answers, and says that the answer is old.
    ServesStale,
    /// It answers as if nothing were the matter.
    ServesSilently,
}

/// What a watcher does when changes are missing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Gap {
    /// It asks for them, and for all there is if they are forgotten.
    #[default]
    Resync,
    /// It goes on with what it hears.
    Ignores,
}

/// Whether a view may go back to an older revision.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ViewOrder {
    /// Never: what is older than the view is ignored.
    #[default]
    Forward,
    /// It shows what it heard last.
    AsHeard,
}

/// Whom a discovery client asks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Source {
    /// The registry.
    #[default]
    Registry,
    /// One of the followers: they are dealt out in turn. The next one if that does not answer.
    Follower,
    /// The registry and the followers by turns, another one with each request.
    ByTurns,
}

/// How instances are called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CallPolicy {
    /// How often.
    pub every: Span,
    /// A call has failed when it was not answered for so long.
    pub timeout: Span,
    /// Who is called next.
    pub balance: Balance,
}

/// Who is called next.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Balance {
    /// The next in turn.
    #[default]
    RoundRobin,
    /// Who has not failed for the longest.
    LeastRecentlyFailed,
}
