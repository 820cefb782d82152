//! Which detector, and its parameters.

use core::ops::Range;

use leasehold_core::Span;
use leasehold_protocol::registry::grace::{
    Chen, Detector, Lifeguard, PhiExponential, PhiNormal, RiseAndFall,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{GraceTable, Times};
use crate::field::{length, not_zero, spanned, written};
use crate::value::{Length, Share, Whole};
use crate::{Diagnostic, Diagnostics, Spanned};

/// The highest threshold of phi: beyond it there is no number for how unlikely a silence is.
const HIGHEST_PHI: u32 = 300;

/// How many intervals are remembered at most. Chosen by us: ten times what anybody does.
const LARGEST_WINDOW: u32 = 10_000;

/// How many missed heartbeats, unless it is said. Chosen by us: two more than the three that fit into the usual term.
const MISSED: u32 = 5;

/// How long beyond its term a lease is left alive. A detector that would give a member up before its term is over gives
/// no grace.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(super) enum DetectorName {
    /// Not at all.
    #[default]
    None,
    /// For `fixed`.
    Fixed,
    /// Until `missed` heartbeats are missing.
    Missed,
    /// Until so many intervals in a row went by without a heartbeat; who was down is listed again after so many with one.
    RiseAndFall,
    /// Until the silence is too unlikely, intervals being normally distributed (Akka).
    PhiNormal,
    /// Until the silence is too unlikely, intervals being exponentially distributed (Cassandra).
    PhiExponential,
    /// Until a margin after the estimated arrival (NFD-E).
    Chen,
    /// Until the smoothed lateness and four deviations after the expected arrival (RFC 6298).
    Jacobson,
    /// Until a suspicion that observers confirm runs out (memberlist).
    Lifeguard,
}

/// How something is counted in a row.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(super) struct RiseAndFallTable {
    /// So many intervals in a row without a heartbeat: down.
    fall: Whole<1, 1_000>,
    /// So many in a row with one, after it fell and registered anew: up.
    rise: Whole<1, 1_000>,
}

impl Default for RiseAndFallTable {
    fn default() -> Self {
        let RiseAndFall { fall, rise } = RiseAndFall::default();
        Self { fall: Whole(fall), rise: Whole(rise) }
    }
}

/// How phi is reckoned.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(super) struct PhiTable {
    /// −log10 of how unlikely a silence has to be.
    threshold: Spanned<Whole<1, HIGHEST_PHI>>,
    /// How many intervals are remembered.
    window: Whole<1, LARGEST_WINDOW>,
    /// Deviations below this are taken to be this; 100 ms unless it is given. With phi-normal only.
    least_deviation: Option<Spanned<Length>>,
    /// Silence is counted from so much later; 3 s unless it is given. With phi-normal only.
    pause: Option<Spanned<Length>>,
}

impl Default for PhiTable {
    fn default() -> Self {
        let PhiExponential { threshold, window } = PhiExponential::default();
        Self {
            threshold: spanned(Whole(threshold)),
            window: Whole(window),
            least_deviation: None,
            pause: None,
        }
    }
}

/// How arrivals are estimated.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(super) struct ChenTable {
    /// How long after its estimated arrival a heartbeat is missed.
    margin: Spanned<Length>,
    /// How many arrivals are remembered.
    window: Whole<1, LARGEST_WINDOW>,
}

impl Default for ChenTable {
    fn default() -> Self {
        let Chen { margin, window } = Chen::default();
        Self { margin: spanned(Length(margin)), window: Whole(window) }
    }
}

/// How long somebody is suspected.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(super) struct LifeguardTable {
    /// The shortest suspicion, in intervals and in powers of ten of the number of members.
    multiplier: Whole<1, 1_000>,
    /// The longest suspicion, in shortest ones.
    longest: Whole<1, 1_000>,
    /// The interval.
    interval: Spanned<Length>,
    /// How long a registry in good health waits before it suspects; one that is late itself up to eight times as long.
    timeout: Length,
}

impl Default for LifeguardTable {
    fn default() -> Self {
        let Lifeguard { multiplier, longest, interval, timeout } = Lifeguard::default();
        Self {
            multiplier: Whole(multiplier),
            longest: Whole(longest),
            interval: spanned(Length(interval)),
            timeout: Length(timeout),
        }
    }
}

impl GraceTable {
    /// The detector; parameters of another one are refused.
    pub(super) fn detector(&self, found: &mut Diagnostics, times: &Times) -> Detector {
        let name = *self.detector.get_ref();
        self.check_unused(found, name);
        let detector = match name {
            DetectorName::None => Detector::None,
            DetectorName::Fixed => {
                let whole_ttl = Share::OfTtl { numerator: 1, denominator: 1 };
                Detector::Fixed(self.fixed.as_ref().map_or(whole_ttl, |fixed| *fixed.get_ref()).of(times.ttl))
            }
            DetectorName::Missed => Detector::Missed(self.missed.as_ref().map_or(MISSED, |k| k.get_ref().0)),
            DetectorName::RiseAndFall => {
                let given = self.rise_and_fall.as_ref().map(Spanned::get_ref);
                Detector::RiseAndFall(given.map_or_else(RiseAndFall::default, |table| RiseAndFall {
                    fall: table.fall.0,
                    rise: table.rise.0,
                }))
            }
            DetectorName::PhiNormal => Detector::PhiNormal(self.phi_normal()),
            DetectorName::PhiExponential => Detector::PhiExponential(self.phi_exponential(found)),
            DetectorName::Chen => {
                let given = self.chen.as_ref().map(Spanned::get_ref);
                Detector::Chen(given.map_or_else(Chen::default, |table| Chen {
                    margin: length(&table.margin),
                    window: table.window.0,
                }))
            }
            DetectorName::Jacobson => Detector::Jacobson,
            DetectorName::Lifeguard => Detector::Lifeguard(self.lifeguard(found)),
        };
        self.check_reached(found, detector, times);
        detector
    }

    fn phi_normal(&self) -> PhiNormal {
        let safe = PhiNormal::default();
        self.phi.as_ref().map(Spanned::get_ref).map_or(safe, |table| PhiNormal {
            threshold: table.threshold.get_ref().0,
            least_deviation: table.least_deviation.as_ref().map_or(safe.least_deviation, length),
            pause: table.pause.as_ref().map_or(safe.pause, length),
            window: table.window.0,
        })
    }

    fn phi_exponential(&self, found: &mut Diagnostics) -> PhiExponential {
        let Some(table) = self.phi.as_ref().map(Spanned::get_ref) else { return PhiExponential::default() };
        for (key, value) in [("least_deviation", &table.least_deviation), ("pause", &table.pause)] {
            if let Some(value) = value {
                found.push(
                    Diagnostic::at(value.span(), format!("`{key}` with detector = \"phi-exponential\""))
                        .label("only phi-normal knows it")
                        .related(self.detector.span(), "the detector")
                        .help("write detector = \"phi-normal\", or remove this"),
                );
            }
        }
        PhiExponential { threshold: table.threshold.get_ref().0, window: table.window.0 }
    }

    fn lifeguard(&self, found: &mut Diagnostics) -> Lifeguard {
        let Some(table) = self.lifeguard.as_ref().map(Spanned::get_ref) else { return Lifeguard::default() };
        not_zero(found, &table.interval, "an interval");
        Lifeguard {
            multiplier: table.multiplier.0,
            longest: table.longest.0,
            interval: length(&table.interval),
            timeout: table.timeout.0,
        }
    }

    /// Refuses the parameters of detectors that are not there.
    fn check_unused(&self, found: &mut Diagnostics, name: DetectorName) {
        use DetectorName::{Chen, Fixed, Lifeguard, Missed, PhiExponential, PhiNormal, RiseAndFall};
        /// Where it is written, its key, whose it is, and one of those.
        type Given = (Option<Range<usize>>, &'static str, &'static [DetectorName], &'static str);
        let given: [Given; 6] = [
            (self.fixed.as_ref().map(Spanned::span), "fixed", &[Fixed], "fixed"),
            (self.missed.as_ref().map(Spanned::span), "missed", &[Missed], "missed"),
            (
                self.rise_and_fall.as_ref().map(Spanned::span),
                "rise_and_fall",
                &[RiseAndFall],
                "rise-and-fall",
            ),
            (self.phi.as_ref().map(Spanned::span), "phi", &[PhiNormal, PhiExponential], "phi-normal"),
            (self.chen.as_ref().map(Spanned::span), "chen", &[Chen], "chen"),
            (self.lifeguard.as_ref().map(Spanned::span), "lifeguard", &[Lifeguard], "lifeguard"),
        ];
        for (place, key, users, example) in given {
            let Some(place) = place.filter(|_| !users.contains(&name)) else { continue };
            let mut diagnostic =
                Diagnostic::at(place, format!("`{key}` is about a detector that is not there"));
            if written(&self.detector) {
                diagnostic = diagnostic.related(self.detector.span(), "the detector");
            }
            found.push(diagnostic.help(format!("write detector = \"{example}\" in [grace], or remove this")));
        }
    }

    /// Refuses a detector that always waits for longer than grace can be, or never for longer than the term.
    fn check_reached(&self, found: &mut Diagnostics, detector: Detector, times: &Times) {
        let Some(patience) = detector.usual_patience(times.heartbeat) else { return };
        if times.ttl.is_zero() || times.heartbeat.is_zero() || times.at_most.is_zero() {
            return;
        }
        let end = times.ttl.saturating_add(times.at_most);
        let place = self.place_of(detector);
        if patience > end {
            let message = format!(
                "members are given up {patience} after their last heartbeat at the soonest, and grace is over after {end}"
            );
            found.push(
                Diagnostic::at(place, message)
                    .label("a threshold that is never reached: expected at most ttl + at_most")
                    .help(format!(
                        "write at_most = \"{}\" or more, lower the threshold, or write detector = \"fixed\"",
                        whole_seconds(patience.saturating_sub(times.ttl))
                    )),
            );
        } else if let Detector::Missed(beats) = detector
            && patience <= times.ttl
        {
            let message = format!("{beats} missed heartbeats take {patience}, and the TTL is {}", times.ttl);
            found.push(
                Diagnostic::at(place, message)
                    .label("this gives no grace: expected missed * heartbeat > ttl")
                    .help("write a greater `missed`, or detector = \"none\""),
            );
        }
    }

    /// Where the threshold of the detector stands, or the detector itself.
    fn place_of(&self, detector: Detector) -> Range<usize> {
        let place = match detector {
            Detector::Missed(_) => self.missed.as_ref().map(Spanned::span),
            Detector::RiseAndFall(_) => self.rise_and_fall.as_ref().map(Spanned::span),
            Detector::PhiNormal(_) | Detector::PhiExponential(_) => self
                .phi
                .as_ref()
                .map(|table| &table.get_ref().threshold)
                .filter(|t| written(t))
                .map(Spanned::span),
            Detector::Chen(_) => self
                .chen
                .as_ref()
                .map(|table| &table.get_ref().margin)
                .filter(|m| written(m))
                .map(Spanned::span),
            _ => None,
        };
        place.unwrap_or_else(|| self.detector.span())
    }
}

/// As it is written in a file, rounded up.
fn whole_seconds(span: Span) -> Span {
    Span::from_secs(span.as_nanos().div_ceil(1_000_000_000))
}
