//! `[transport]`: how the shells work that surround the nodes, on an engine that has shells.

use leasehold_core::Plan;
use leasehold_core::Span;
use leasehold_core::plan::FaultKind;
use leasehold_core::trace::Inexpressible;
use leasehold_plan::Script;
use leasehold_turmoil::{
    Accepting, Framing, Incarnations, Lanes, Replies, ShellPolicy, Subject, Transport, Unanswered,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::Spanned;
use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::engine::Engine;
use crate::names::names;
use crate::scenario::Scenario;
use crate::schema::{HasNames, Named};
use crate::suggest::{cut, did_you_mean};
use crate::value::{Length, Whole};

names! {
    /// What heartbeats travel on.
    HeartbeatsName for Transport { #[default] Tcp, Udp }

    /// How many connections a pair of nodes has.
    LanesName for Lanes { #[default] Apart, One }

    /// Whom answers go to.
    #[expect(clippy::enum_variant_names, reason = "the policy's own names, which read well in a file")]
    RepliesName for Replies { #[default] ToThePeer, ToTheNextConnection, ToThePlace }

    /// Which processes of a peer are listened to.
    IncarnationsName for Incarnations { #[default] NewestOnly, Any }

    /// What a read is taken for.
    FramingName for Framing { #[default] Reassembled, OneRead }

    /// What becomes of messages of which nobody knows whether they came.
    UnansweredOnWireName for Unanswered { #[default] Gone, SentAgain }

    /// How long connections are accepted.
    AcceptingName for Accepting { #[default] Always, OneAtATime, UntilAnError }
}

/// `[transport]`: how the shells work that surround the nodes, on an engine that has shells; the others ignore it.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct TransportTable {
    /// What heartbeats and renewals travel on, and the answers to them.
    heartbeats: HeartbeatsName,
    /// One connection for requests, one for heartbeats, one for watches; or one for all.
    lanes: LanesName,
    /// How long a connection may take to open: 200ms unless it is given.
    connect_within: Option<Spanned<Length>>,
    /// How long it takes until a connection is tried again, at first; it doubles: 20ms unless it is given.
    backoff: Option<Spanned<Length>>,
    /// How long that is at most: 320ms unless it is given.
    backoff_max: Option<Spanned<Length>>,
    /// How often whoever opened a connection asks whether the other end is there: 200ms unless it is given.
    ping_every: Option<Spanned<Length>>,
    /// A connection on which nothing was heard for so long is dead: 600ms unless it is given.
    silent_after: Option<Spanned<Length>>,
    /// The longest frame, in bytes: 1048576 unless it is given.
    longest_frame: Option<Whole<64, 16_777_216>>,
    /// How many messages wait for a connection, or for room on it: 256 unless it is given.
    outbox: Option<Whole<1, 65_536>>,
    /// How long a connection that was replaced is still listened to: 30s unless it is given.
    linger: Option<Spanned<Length>>,
    /// Whom answers go to: the peer; as known bugs whoever connects next, or whoever stands at its place.
    replies: RepliesName,
    /// Which processes of a peer are listened to: the newest only; as a known bug any.
    incarnations: IncarnationsName,
    /// What a read is taken for: some bytes, of which frames are put together; as a known bug one frame.
    framing: FramingName,
    /// What becomes of messages of which nobody knows whether they came: they are gone; as a known bug sent again.
    unanswered: UnansweredOnWireName,
    /// How long connections are accepted: always; as known bugs one at a time, or until an error.
    accepting: AcceptingName,
    /// What the engine may leave out though the plan has it, without making the run inconclusive.
    #[schemars(with = "Vec<Named<Allowed>>")]
    allow: Vec<Spanned<String>>,
}

impl TransportTable {
    /// How the shells work.
    ///
    /// # Errors
    ///
    /// Every rule it breaks.
    pub(crate) fn policy(&self) -> Result<ShellPolicy, Diagnostics> {
        let mut found = Diagnostics::default();
        let default = ShellPolicy::default();
        let mut length = |name: &str, said: &Option<Spanned<Length>>, default: Span| match said {
            Some(said) if said.get_ref().0 < SHORTEST => {
                let message = format!("`{name}` is {}, expected at least {SHORTEST}", said.get_ref().0);
                found.push(Diagnostic::at(said.span(), message).help("nothing happens between two ticks"));
                default
            }
            Some(said) => said.get_ref().0,
            None => default,
        };
        let policy = ShellPolicy {
            heartbeats: self.heartbeats.into(),
            lanes: self.lanes.into(),
            connect_within: length("connect_within", &self.connect_within, default.connect_within),
            backoff: length("backoff", &self.backoff, default.backoff),
            backoff_max: length("backoff_max", &self.backoff_max, default.backoff_max),
            ping_every: length("ping_every", &self.ping_every, default.ping_every),
            silent_after: length("silent_after", &self.silent_after, default.silent_after),
            longest_frame: self.longest_frame.map_or(default.longest_frame, |bytes| bytes.0),
            outbox: self.outbox.map_or(default.outbox, |messages| messages.0),
            linger: length("linger", &self.linger, default.linger),
            replies: self.replies.into(),
            incarnations: self.incarnations.into(),
            framing: self.framing.into(),
            unanswered: self.unanswered.into(),
            accepting: self.accepting.into(),
        };
        let place = |said: &[&Option<Spanned<Length>>]| {
            said.iter().find_map(|said| said.as_ref().map(Spanned::span)).unwrap_or(0..0)
        };
        if policy.backoff > policy.backoff_max {
            let message =
                format!("`backoff` is {}, and `backoff_max` is {}", policy.backoff, policy.backoff_max);
            let place = place(&[&self.backoff, &self.backoff_max]);
            found.push(Diagnostic::at(place, message).help("write a backoff of no more than backoff_max"));
        }
        if policy.ping_every >= policy.silent_after {
            let (ping, silent) = (policy.ping_every, policy.silent_after);
            let message = format!("`ping_every` is {ping}, and `silent_after` is {silent}");
            let place = place(&[&self.ping_every, &self.silent_after]);
            let help = "who asks less often than it expects an answer takes every connection for dead: write a \
                        ping_every below silent_after";
            found.push(Diagnostic::at(place, message).help(help));
        }
        found.or(policy)
    }

    /// What the engine may leave out.
    ///
    /// # Errors
    ///
    /// If there is no such kind.
    pub(crate) fn allowed(&self) -> Result<Vec<&'static str>, Diagnostics> {
        let mut found = Diagnostics::default();
        let mut allowed = Vec::new();
        for name in &self.allow {
            match kinds().find(|kind| kind == name.get_ref()) {
                Some(kind) => allowed.push(kind),
                None => {
                    let message = format!("no kind of fault is called `{}`", cut(name.get_ref()));
                    let help = did_you_mean(name.get_ref(), kinds());
                    found.push(Diagnostic::at(name.span(), message).help(help));
                }
            }
        }
        found.or(allowed)
    }
}

/// The shortest of the times. Chosen by us: turmoil's tick.
const SHORTEST: Span = Span::from_millis(1);

/// What a network does by itself is of this kind, where it is a share of duplicates.
const DUPLICATE: &str = "duplicate";

/// What an engine may not be able to express.
fn kinds() -> impl Iterator<Item = &'static str> + Clone {
    FaultKind::ALL.into_iter().map(FaultKind::name).chain([DUPLICATE])
}

/// Stands for the kinds in a schema.
struct Allowed;

impl HasNames for Allowed {
    const CALLED: &'static str = "Inexpressible";
    const MEANING: &'static str = "a kind of fault that an engine may not be able to express; duplicate is what \
                                   [network] does by itself";

    fn names() -> Vec<&'static str> {
        kinds().collect()
    }
}

impl Scenario {
    /// What of a plan an engine cannot express, and nobody allowed it to leave out.
    pub fn inexpressible(&self, plan: &Plan, engine: Engine) -> Vec<Inexpressible> {
        let all = match engine {
            Engine::Sim => Vec::new(),
            Engine::Turmoil => leasehold_turmoil::inexpressible(plan, &self.shell),
        };
        let named = |found: leasehold_turmoil::Inexpressible| {
            let (kind, what) = match found.subject {
                Subject::Fault(fault) => {
                    let planned = &plan.faults[usize::from(fault.0)];
                    let described = self.describe(std::slice::from_ref(planned)).remove(0);
                    (planned.action.kind().name(), format!("fault {} ({described})", fault.0 + 1))
                }
                Subject::NetworkDuplicates => (DUPLICATE, "the duplicates of [network]".to_owned()),
            };
            Inexpressible { kind: kind.to_owned(), what, because: found.because.to_owned() }
        };
        all.into_iter().map(named).filter(|found| !self.allowed.contains(&found.kind.as_str())).collect()
    }

    /// A random plan without the faults that an engine cannot express, and the kinds of those that are left out. What is
    /// scripted stays: it stands in front.
    pub(crate) fn expressible(&self, mut plan: Plan, engine: Engine) -> (Plan, Vec<FaultKind>) {
        if engine == Engine::Sim {
            return (plan, Vec::new());
        }
        let scripted = match self.template.chaos.script {
            Script::Kept => self.template.faults.len(),
            Script::LeftOut => 0,
        };
        let out: Vec<usize> = leasehold_turmoil::inexpressible(&plan, &self.shell)
            .iter()
            .filter_map(|found| match found.subject {
                Subject::Fault(fault) => Some(usize::from(fault.0)),
                Subject::NetworkDuplicates => None,
            })
            .filter(|&place| {
                place >= scripted && !self.allowed.contains(&plan.faults[place].action.kind().name())
            })
            .collect();
        let kinds = out.iter().map(|&place| plan.faults[place].action.kind()).collect();
        let mut place = 0..;
        plan.faults.retain(|_| place.next().is_some_and(|place| !out.contains(&place)));
        (plan, kinds)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{ScenarioError, SingleGrantor, Source};

    fn parse(text: &str) -> Result<Scenario, ScenarioError> {
        let head = "schema = 1\nname = \"x\"\nsummary = \"s\"\n";
        Scenario::parse(Source::from_text("x.toml", format!("{head}{text}")), &[&SingleGrantor])
    }

    fn shell(text: &str) -> ShellPolicy {
        parse(&format!("[transport]\n{text}")).unwrap_or_else(|error| panic!("{error}")).shell
    }

    #[test]
    fn a_scenario_without_a_word_has_the_shell_of_the_default() {
        assert_eq!(parse("").unwrap_or_else(|error| panic!("{error}")).shell, ShellPolicy::default());
    }

    #[test]
    fn every_key_is_read() {
        let mut seen = vec![shell("")];
        for text in [
            "heartbeats = \"udp\"",
            "lanes = \"one\"",
            "connect_within = \"50ms\"",
            "backoff = \"10ms\"",
            "backoff_max = \"1s\"",
            "ping_every = \"100ms\"",
            "silent_after = \"2s\"",
            "longest_frame = 4096",
            "outbox = 8",
            "linger = \"1s\"",
            "replies = \"to-the-next-connection\"",
            "replies = \"to-the-place\"",
            "incarnations = \"any\"",
            "framing = \"one-read\"",
            "unanswered = \"sent-again\"",
            "accepting = \"one-at-a-time\"",
            "accepting = \"until-an-error\"",
        ] {
            let other = shell(text);
            assert!(!seen.contains(&other), "{text} changes nothing");
            seen.push(other);
        }
    }

    #[test]
    fn what_is_wrong_is_shown_in_place() {
        for (text, place, words) in [
            ("heartbeat = \"udp\"", "5:1", "did you mean `heartbeats`?"),
            ("heartbeats = \"upd\"", "5:14", "did you mean `udp`?"),
            ("connect_within = \"10us\"", "5:18", "`connect_within` is 10us, expected at least 1ms"),
            ("backoff = \"1s\"", "5:11", "`backoff` is 1s, and `backoff_max` is 320ms"),
            ("silent_after = \"200ms\"", "5:16", "`ping_every` is 200ms, and `silent_after` is 200ms"),
            ("allow = [\"lnk\"]", "5:10", "did you mean `link`?"),
        ] {
            let shown = parse(&format!("[transport]\n{text}")).map(|_| ()).expect_err(text).to_string();
            assert!(shown.contains(words), "expected {words} in\n{shown}");
            assert!(shown.contains(&format!(" --> x.toml:{place}\n")), "expected {place} in\n{shown}");
        }
    }

    const REORDERED: &str = "[network]\nduplicate = \"1%\"\n\
                             [[fault]]\nat = \"1s\"\non = \"holder\"\ndo = \"pause\"\nfor = \"1s\"\n\
                             [[fault]]\nat = \"1s\"\non = \"holder\"\ndo = \"link\"\nreorder = \"1s\"\nfor = \"1s\"\n";

    fn named(text: &str, engine: Engine) -> Vec<String> {
        let scenario = parse(text).unwrap_or_else(|error| panic!("{error}"));
        let found = scenario.inexpressible(&scenario.plan(0), engine);
        found.into_iter().map(|found| found.kind).collect()
    }

    #[test]
    fn what_an_engine_cannot_express_is_named_unless_it_is_allowed() {
        assert_eq!(named(REORDERED, Engine::Turmoil), ["duplicate", "link"]);
        let allowed = format!("{REORDERED}[transport]\nallow = [\"link\"]\n");
        assert_eq!(named(&allowed, Engine::Turmoil), ["duplicate"]);
        assert!(named(REORDERED, Engine::Sim).is_empty());
    }

    /// A scripted fault is not the generator's to leave out.
    #[test]
    fn a_random_plan_is_left_with_what_can_be_expressed() {
        let text = "[[fault]]\nat = \"1s\"\non = \"holder\"\ndo = \"link\"\nreorder = \"1s\"\nfor = \"1s\"\n\
                    [chaos]\nonly = [\"link\", \"pause\"]\n";
        let scenario = parse(text).unwrap_or_else(|error| panic!("{error}"));
        let scenario = std::sync::Arc::new(scenario);
        let trial = |engine, seed| {
            let faults = crate::Faults::Random;
            crate::Trial::meant_for(engine, &scenario, seed, faults, &[&SingleGrantor])
        };
        let strange = |engine, seed| {
            trial(engine, seed)
                .inexpressible(Engine::Turmoil)
                .into_iter()
                .map(|found| found.kind)
                .collect::<Vec<_>>()
        };
        assert!((0..50).any(|seed| strange(Engine::Sim, seed).len() > 1), "the generator draws such faults");
        for seed in 0..50 {
            assert_eq!(strange(Engine::Turmoil, seed), ["link"], "the scripted one, under seed {seed}");
            assert!(trial(Engine::Turmoil, seed).misfits(Engine::Turmoil).is_empty());
        }
    }
}
