//! `[probe]` and `[observer]`: who asks members how they are.

use leasehold_core::ClockKind;
use leasehold_protocol::registry::policy::{Liveness, ObserverPolicy, ProbePolicy};
use schemars::JsonSchema;
use serde::Deserialize;

use super::{Bounded, RegistrationTable, check_below};
use crate::field::{length, not_zero, spanned};
use crate::schema::Named;
use crate::value::{Length, Whole};
use crate::{Diagnostics, Spanned};

/// `[probe]`: how the registry probes members, with `liveness = "pull"` or `"hybrid"`, and observers do.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct ProbeTable {
    /// How often each member is probed.
    every: Spanned<Length>,
    /// An answer is late after so long.
    timeout: Spanned<Length>,
    /// So many probes in a row must fail before a member is taken to be dead, or unable.
    fall: Whole<1, 1_000>,
    /// So many in a row must be answered well before it is taken to be able again.
    rise: Whole<1, 1_000>,
}

impl Default for ProbeTable {
    fn default() -> Self {
        let ProbePolicy { every, timeout, fall, rise } = ProbePolicy::default();
        Self {
            every: spanned(Length(every)),
            timeout: spanned(Length(timeout)),
            fall: Whole(fall),
            rise: Whole(rise),
        }
    }
}

impl ProbeTable {
    pub(crate) fn policy(
        &self,
        liveness: Liveness,
        registration: &RegistrationTable,
    ) -> Result<ProbePolicy, Diagnostics> {
        let mut found = Diagnostics::default();
        if liveness == Liveness::Pull {
            self.check_renews(&mut found, registration);
        }
        not_zero(&mut found, &self.every, "a probe interval");
        not_zero(&mut found, &self.timeout, "a probe timeout");
        let (every, timeout) = (length(&self.every), length(&self.timeout));
        if !every.is_zero() && timeout != every {
            let small = Bounded::new(&self.timeout, "timeout", "a probe timeout", timeout);
            let large = Bounded::new(&self.every, "every", "a probe interval", every);
            let why = "has the next probe leave before this one is over";
            check_below(&mut found, &small, &large, why, "write a timeout of at most `every`");
        }
        found.or(ProbePolicy { every, timeout, fall: self.fall.0, rise: self.rise.0 })
    }

    /// Where no heartbeat comes, a lease lives from one answered probe to the next.
    fn check_renews(&self, found: &mut Diagnostics, registration: &RegistrationTable) {
        let ttl = registration.ttl();
        if ttl.is_zero() {
            return;
        }
        let small = Bounded::new(&self.every, "probe.every", "a probe interval", length(&self.every));
        let large = Bounded::new(&registration.ttl, "ttl", "a TTL", ttl);
        let why =
            "lets every lease expire between two probes, and with liveness = \"pull\" nothing else renews it";
        let help = format!(
            "write probe.every = \"{}\" or less, which leaves time for two more probes",
            ttl.scale(1, 3)
        );
        check_below(found, &small, &large, why, &help);
    }
}

/// `[observer]`: those that probe members for the registry, as `[probe]` says.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct ObserverTable {
    /// The clock that its timers run on: boot unless it is given.
    #[schemars(with = "Option<Named<ClockKind>>")]
    clock: Option<ClockKind>,
}

impl ObserverTable {
    pub(crate) fn policy(&self, probe: ProbePolicy) -> ObserverPolicy {
        ObserverPolicy { clock: self.clock.unwrap_or(ClockKind::Boot), probe }
    }
}
