//! What measurements of a registry and its views will come to. Source: docs/timing.md, sections 4 and 7.

use leasehold_check::{Metric, Statistic};
use leasehold_core::Bounds;
use leasehold_protocol::registry::policy::{Liveness, Unanswered};

use super::Design;
use crate::predicted::Predicted;
use crate::system::Environment;

impl Design {
    pub(super) fn predictions(&self, environment: &Environment, bounds: &Bounds) -> Vec<Predicted> {
        let mut all = Vec::new();
        if let Some(bounds) = bounds.discovery {
            all.push(Predicted::at_most(
                Metric::Exclusion,
                "D + (T+g+σ+w+e)/(1−ρ) + q + c",
                bounds.exclusion,
            ));
            all.push(Predicted::at_most(Metric::Deregistration, "d⁺ + Q_r + c", bounds.deregistration));
            if let Some(cache) = bounds.cache {
                let sum = bounds.exclusion.saturating_add(cache);
                all.push(Predicted::at_most(Metric::Staleness, "A + C/(1−ρ)", sum));
                all.push(Predicted::at_most(Metric::Propagation, "C/(1−ρ)", cache));
            }
            all.push(Predicted::at_most(Metric::Visibility, "W, or P/(1−ρ) + 2d⁺ + Q_r", bounds.visibility));
        }
        if self.registry.liveness != Liveness::Pull {
            let ttl = self.registry.negotiate(self.member.ttl);
            let jitter = f64::from(self.member.jitter_ppm) / 1e6;
            let every = self.member.heartbeat.of(ttl);
            let interval = every.as_secs_f64() * (1.0 - jitter / 2.0);
            let members = f64::from(self.counts.instances);
            let (metric, statistic) = (Metric::Renewals, Statistic::Mean);
            all.push(Predicted::expected(metric, statistic, "N/h", members / interval));
            // How many more tries fit where it tries again is a matter of back-off: docs/timing.md, section 7.
            if self.member.unanswered == Unanswered::Waits {
                let last = ttl.saturating_sub(environment.latency.longest()).as_nanos();
                let tries = last.checked_div(every.as_nanos()).unwrap_or(0).min(40);
                let loss = f64::from(environment.loss.as_ppm()) / 1e6;
                let tries = u32::try_from(tries).expect("it is at most 40");
                all.extend(Predicted::false_expiry(loss, tries, interval));
            }
        }
        all
    }
}
