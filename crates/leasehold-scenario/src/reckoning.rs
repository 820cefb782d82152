//! What a scenario's bounds rest on, with what its own faults do to that.

use leasehold_core::plan::{Action, FaultPlan, Target};
use leasehold_core::{ClockKind, Reckoning, Warning};
use leasehold_plan::RateDraw;

use crate::fault::Cast;
use crate::scenario::Scenario;

impl Scenario {
    /// How the system's bounds come about, and what this scenario's clocks and faults take away from them.
    /// Nothing if the system does not say how.
    pub fn reckoning(&self) -> Option<Reckoning> {
        let mut reckoning = self.deployment.reckoning()?.clone();
        reckoning.warnings.extend(self.broken_assumptions());
        Some(reckoning)
    }

    /// How this scenario's clocks and faults break what the bounds assume, or meet a clock that the design relies
    /// on.
    pub fn broken_assumptions(&self) -> Vec<Warning> {
        let mut found: Vec<Warning> = self.given_rates().collect();
        let descriptions = self.describe(&self.template.faults);
        for (fault, description) in self.template.faults.iter().zip(&descriptions) {
            if let Some((consequence, help)) = self.meets(fault) {
                let text = format!("fault \"{description}\": {consequence}");
                found.push(Warning { text, help: Some(help.to_owned()) });
            }
        }
        found
    }

    /// The rates of `[clocks.NODE]` that are beyond the declared bound.
    fn given_rates(&self) -> impl Iterator<Item = Warning> {
        let declared = self.template.clock_rate;
        self.template.nodes.iter().filter_map(move |node| match node.rate {
            RateDraw::Fixed(rate) if !rate.is_within(declared) => Some(Warning {
                text: format!(
                    "the clocks of {} run at {rate}, beyond the declared bound of {declared}: timed invariants \
                     count, and do not judge",
                    node.name
                ),
                help: Some("raise `clock_rate` in [bounds], if the design is to hold then".to_owned()),
            }),
            _ => None,
        })
    }

    /// What a fault does to the clocks that the design relies on.
    fn meets(&self, fault: &FaultPlan) -> Option<(String, &'static str)> {
        let declared = self.template.clock_rate;
        match fault.action {
            Action::ClockRate(rate) if !rate.is_within(declared) => Some((
                format!(
                    "a rate of {rate} is beyond the declared bound of {declared}: timed invariants count, and do \
                     not judge"
                ),
                "raise `clock_rate` in [bounds], if the design is to hold then",
            )),
            Action::Suspend if self.some_rely_on(fault.target, ClockKind::Monotonic) => Some((
                "who it strikes relies on its monotonic clock, which stops meanwhile: no TTL is safe then"
                    .to_owned(),
                "rely on the boot clock, which goes on",
            )),
            Action::ClockFreeze => Some((
                "clocks that stand still are beyond any bound: timed invariants count, and do not judge".to_owned(),
                "no policy helps; give the fault a short `for`",
            )),
            Action::Stall => Some((
                "meanwhile a write takes longer than c, and no lease is overdue for that".to_owned(),
                "no policy helps; raise the latency in [disk], if the design is to hold then",
            )),
            Action::Wipe => Some((
                "a disk that loses what was synced excuses I2, I3, I4, I7 and I16 where they rely on it".to_owned(),
                "use do = \"torn\" for a crash that loses unsynced writes only",
            )),
            Action::WallStep(_) | Action::WallStrobe { .. } if self.some_rely_on(fault.target, ClockKind::Wall) => Some((
                "who it strikes relies on its wall clock: terms and claims get longer or shorter by the step, and \
                 that is judged"
                    .to_owned(),
                "rely on the boot clock, which is never stepped",
            )),
            _ => None,
        }
    }

    /// Whether a node that a target may resolve to relies on such a clock.
    fn some_rely_on(&self, target: Target, clock: ClockKind) -> bool {
        let (nodes, commands) = (self.deployment.nodes(), self.deployment.commands());
        if let Target::Node(id) = target {
            return nodes[id.index()].relies_on == clock;
        }
        let role = Cast { nodes, commands }.role_of(target);
        nodes.iter().any(|node| role.is_none_or(|role| node.role == role) && node.relies_on == clock)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{SingleGrantor, Source};

    fn warned(text: &str) -> Vec<String> {
        let head = "schema = 1\nname = \"case\"\nsummary = \"A case.\"\n";
        let source = Source::from_text("case.toml", format!("{head}{text}"));
        let scenario = Scenario::parse(source, &[&SingleGrantor]).expect("it is right");
        let with_faults = scenario.reckoning().expect("it says how").warnings;
        let by_policy = scenario.deployment.reckoning().expect("it says how").warnings.len();
        with_faults.into_iter().skip(by_policy).map(|warning| warning.text).collect()
    }

    #[test]
    fn faults_are_held_against_the_clocks_that_the_design_relies_on() {
        let fault =
            |on: &str, action: &str| format!("[[fault]]\nat = \"1s\"\non = \"{on}\"\ndo = \"{action}\"\n");
        let rate = |rate: &str| format!("{}rate = \"{rate}\"", fault("grantor", "clock.rate"));
        for (text, words) in [
            (rate("+500ppm"), None),
            (rate("-501ppm"), Some("a rate of -501ppm is beyond the declared bound of 500ppm")),
            ("[clocks.grantor]\nrate = \"+1%\"".to_owned(), Some("the clocks of grantor run at +1%")),
            ("[clocks.grantor]\nrate = \"+1ppm\"".to_owned(), None),
            (fault("holder", "suspend"), None),
            (fault("holder", "suspend") + "[holder]\nclock = \"monotonic\"", Some("no TTL is safe then")),
            (fault("grantor", "suspend") + "[holder]\nclock = \"monotonic\"", None),
            (fault("holder-1", "suspend") + "[holder]\nclock = \"monotonic\"", Some("no TTL is safe then")),
            (fault("grantor", "clock.wall-step") + "by = \"+3s\"", None),
            (
                fault("grantor", "clock.wall-step") + "by = \"+3s\"\n[grantor]\nclock = \"wall\"",
                Some("wall clock"),
            ),
            (fault("holder", "pause"), None),
        ] {
            let warned = warned(&text);
            match words {
                None => assert!(warned.is_empty(), "{text}: {warned:?}"),
                Some(words) => {
                    assert_eq!(warned.len(), 1, "{text}: {warned:?}");
                    assert!(warned[0].contains(words), "{text}: {warned:?}");
                }
            }
        }
    }
}
