//! What measurements of leases on resources will come to. Source: docs/timing.md, section 4.
//!
//! These are means of what a run does; the bounds come from `leasehold-protocol`, which knows no distribution.

use leasehold_check::{Metric, Statistic};
use leasehold_core::Reckoning;
use leasehold_protocol::policy::{AfterWaiting, Expiry, GiveUp, Queue, WorkKind};

use super::Design;
use crate::predicted::{Predicted, Reading, mean};
use crate::system::Environment;

/// More tries than this are not counted: their chance is below anything that can be measured.
const MOST_TRIES: u32 = 40;

impl Design {
    pub(super) fn predictions(&self, environment: &Environment, reckoning: &Reckoning) -> Vec<Predicted> {
        // What becomes of writers that meet without a lease follows from no formula here.
        match self.work.kind {
            WorkKind::Optimistic => return Vec::new(),
            WorkKind::CachedReads => return self.cached_reads(),
            _ => {}
        }
        let worst = "failover after a crash, at worst";
        let mut all: Vec<Predicted> =
            Predicted::reckoned(Metric::FailoverCrash, worst, reckoning).into_iter().collect();
        all.push(self.mean_failover(environment));
        if !self.work.kind.is_once_a_lease() {
            let leases = f64::from(self.topology.resources.min(self.topology.holders));
            let (metric, statistic) = (Metric::Renewals, Statistic::Mean);
            all.push(Predicted::expected(metric, statistic, "N/h", leases / self.interval()));
            let loss = f64::from(environment.loss.as_ppm()) / 1e6;
            all.extend(Predicted::false_expiry(loss, self.tries(environment), self.interval()));
        }
        all
    }

    /// `N·R/(1+R·t)`: of N readers that read at a rate of R each asks for its lease when it reads and t is over, the time
    /// that it may claim after it asked. An exchange with the grantor and one with the resource are four messages. Source:
    /// Gray and Cheriton (1989), section 3, who count the two that extend a lease.
    fn cached_reads(&self) -> Vec<Predicted> {
        let readers = self.topology.holders - self.writers.count;
        // Where several read one resource they wait for each other's leases, which the formula does not know.
        if readers > self.topology.resources {
            return Vec::new();
        }
        let term = self.holder.term(self.grantor.negotiate(self.holder.ttl)).as_secs_f64();
        let rate = 1.0 / self.work.every.as_secs_f64();
        let asked = f64::from(readers) * rate / (1.0 + rate * term);
        let told = |metric, formula, value| Predicted {
            // What writers ask for comes on top, and whom they call back asks once more.
            reading: if self.writers.count > 0 { Reading::Beside } else { Reading::Expected },
            ..Predicted::expected(metric, Statistic::Mean, formula, value)
        };
        vec![told(Metric::Load, "N·R/(1+R·t)", asked), told(Metric::Messages, "4·N·R/(1+R·t)", 4.0 * asked)]
    }

    /// h, as it is on average: jitter brings it forward.
    fn interval(&self) -> f64 {
        let ttl = self.grantor.negotiate(self.holder.ttl);
        let jitter = f64::from(self.holder.renew_jitter_ppm) / 1e6;
        self.holder.renew.of(ttl).as_secs_f64() * (1.0 - jitter / 2.0)
    }

    /// `m·T − h/2 + σ/2 + 2c + Λ + W`, with P/(k+1) where k contenders ask by themselves.
    fn mean_failover(&self, environment: &Environment) -> Predicted {
        let (delay, commit) = (mean(&environment.latency), mean(&environment.disk));
        let term = self.grantor.term(self.grantor.negotiate(self.holder.ttl)).as_secs_f64();
        let sweep = match self.grantor.expiry {
            Expiry::ExactTimer => 0.0,
            Expiry::Sweep { every, .. } => every.as_secs_f64(),
            Expiry::Buckets { width } => width.as_secs_f64(),
        };
        let until_free = delay + term - self.interval() / 2.0 + sweep / 2.0 + 2.0 * commit;
        let until_free = until_free + self.grantor.lock_delay.as_secs_f64();
        let (formula, until_claimed) = match (self.grantor.queue, self.holder.after_waiting) {
            (Queue::Fifo, AfterWaiting::Confirm) => ("m·T − h/2 + σ/2 + 2c + Λ + 4d", 3.0 * delay),
            (Queue::Fifo, AfterWaiting::Trust) => ("m·T − h/2 + σ/2 + 2c + Λ + 2d", delay),
            (Queue::None, _) => {
                let contenders = self.topology.holders.div_ceil(self.topology.resources);
                let poll = self.holder.poll.as_secs_f64();
                ("m·T − h/2 + σ/2 + 2c + Λ + P/(k+1) + 2d", poll / f64::from(contenders.max(1)) + delay)
            }
        };
        let mean =
            Predicted::expected(Metric::FailoverCrash, Statistic::Mean, formula, until_free + until_claimed);
        match self.grantor.queue {
            Queue::Fifo => mean.spread_by(self.interval(), sweep),
            // When the first of several contenders asks is spread too, and no sum of two.
            Queue::None => mean,
        }
    }

    /// m: how many renewals a holder sends while its lease lives, retries among them, if it hears nothing.
    fn tries(&self, environment: &Environment) -> u32 {
        let ttl = self.grantor.negotiate(self.holder.ttl);
        let term = self.grantor.term(ttl);
        let mut sent = self.holder.renew.of(ttl);
        let most = if self.holder.give_up == GiveUp::AtFirstError { 1 } else { MOST_TRIES };
        let mut tries = 0;
        while tries < most && sent.saturating_add(environment.latency.longest()) <= term {
            // Once its own deadline has come it asks for a new lease instead.
            if sent >= self.holder.term(ttl) {
                break;
            }
            sent = sent.saturating_add(self.holder.retry.wait(tries, |below| below / 2));
            tries += 1;
        }
        tries
    }
}
