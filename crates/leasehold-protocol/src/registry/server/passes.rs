//! Passes: when a registry looks at its leases, and when it probes.

use core::mem;

use leasehold_core::clock::Reading;
use leasehold_core::event::{NodeEvent, RegistryEvent};
use leasehold_core::time::Span;

use super::book::Found;
use super::prober::{Due, Prober};
use super::{Ctx, Pace, Registry, Timer};
use crate::grantor::end_of_bucket;
use crate::policy::Expiry;

/// A timer that came less than so much late came in time. Chosen by us: more than a tick of an engine or of a host's timers,
/// which is a millisecond, and far less than anybody sweeps.
const PUNCTUAL: Span = Span::from_millis(2);

/// Ends that were not admitted are not tried again before so long. Chosen by us.
const SOONEST: Span = Span::from_millis(1);

impl Registry {
    /// Arms the timers whose time has changed.
    pub(super) fn arm(&mut self, ctx: &mut Ctx<'_>) {
        let pass = self.next_pass();
        let armed = pass.map(Reading::as_nanos);
        if armed != mem::replace(&mut self.pass_armed, armed) {
            match pass {
                Some(at) => ctx.arm(Timer::Pass, at),
                None => ctx.disarm(Timer::Pass),
            }
        }
        let probe = self.prober.as_ref().and_then(Prober::next);
        if probe != mem::replace(&mut self.probe_armed, probe) {
            match probe {
                Some(at) => ctx.arm(Timer::Probe, Reading::new(self.policy.clock, at)),
                None => ctx.disarm(Timer::Probe),
            }
        }
    }

    /// When the next pass comes. With a sweep that is so whatever there is to do, and later while the plan slows it.
    fn next_pass(&mut self) -> Option<Reading> {
        let look = self.book.next_look().map(|at| Reading::new(self.policy.clock, at));
        let retry = self.retry_at;
        let first = match (look, retry) {
            (Some(look), Some(retry)) if look.has_reached(retry) => Some(retry),
            (look, retry) => look.or(retry),
        };
        match self.policy.expiry {
            Expiry::ExactTimer => self.pass_due = first,
            Expiry::Buckets { width } => self.pass_due = first.map(|at| end_of_bucket(at, width)),
            Expiry::Sweep { every, .. } => {
                let slower = u64::from(self.policy.slow_sweep.saturating_sub(1));
                return match self.pace {
                    Pace::InTime => self.pass_due,
                    Pace::Slow => self.pass_due.map(|due| due + every.scale(slower, 1)),
                };
            }
        }
        self.pass_due
    }

    /// While the plan slows the sweep, a member may be served whose term is long over: it is said that the sweep is late.
    pub(super) fn tell_of_late_sweep(&self, ctx: &mut Ctx<'_>) {
        let (Pace::Slow, Some(due)) = (&self.pace, self.pass_due) else { return };
        let now = self.now(ctx);
        let is_over = |at| now.has_reached(Reading::new(self.policy.clock, at));
        let late = now.saturating_since(due);
        if late >= PUNCTUAL && self.book.next_look().is_some_and(is_over) {
            ctx.emit(NodeEvent::Registry(RegistryEvent::SweptLate { late }));
        }
    }

    pub(super) fn pass(&mut self, ctx: &mut Ctx<'_>) {
        self.pass_armed = None;
        let now = self.now(ctx);
        let late = self.pass_due.map_or(Span::ZERO, |due| now.saturating_since(due));
        let late = if late < PUNCTUAL { Span::ZERO } else { late };
        if !late.is_zero() {
            ctx.emit(NodeEvent::Registry(RegistryEvent::SweptLate { late }));
        }
        let at_most = match self.policy.expiry {
            Expiry::Sweep { every, at_most } => {
                self.pass_due = Some(now + every);
                at_most
            }
            Expiry::ExactTimer | Expiry::Buckets { .. } => None,
        };
        self.apply(ctx, None, |book, now, changes| book.pass(now, late, at_most, changes));
        let retry = self.book.grace().retry(now);
        self.retry_at = self.book.has_overdue().then(|| now + retry.max(SOONEST));
    }

    pub(super) fn probe(&mut self, ctx: &mut Ctx<'_>) {
        self.probe_armed = None;
        let now = self.now(ctx);
        while let Some(prober) = &mut self.prober {
            match prober.due(ctx, now) {
                Due::Nothing => break,
                Due::Done => {}
                Due::Silent(member) => {
                    self.apply(ctx, None, |book, now, changes| {
                        book.probed(now, member, Found::Silence, changes);
                    });
                }
            }
        }
    }
}
