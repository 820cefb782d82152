//! How a scenario's tables become a store and electors.

use leasehold::plan::Role;
use leasehold::schemars::JsonSchema;
use leasehold::serde::Deserialize;
use leasehold::value::Length;
use leasehold::{
    Bounds, ClockKind, Deployment, Diagnostic, Diagnostics, Dice, Environment, Inequality, Invariant, NodeId,
    NodeSpec, Part, Reckoning, Schemas, Span, Spanned, Sum, System, Tables, Term,
};

use crate::{Election, Elector, ElectorPolicy, LEADERSHIP, Store};

/// Leader election on a shared record.
#[derive(Clone, Copy, Debug)]
pub struct RecordElection;

/// `[election]`, with the defaults of client-go but for the renew deadline, which there is longer than it looks.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(crate = "leasehold::serde", default, deny_unknown_fields)]
#[schemars(crate = "leasehold::schemars")]
struct ElectionTable {
    /// How many there are.
    electors: Spanned<u16>,
    /// How long an elector waits after a change that it saw before it takes over.
    lease_duration: Spanned<Length>,
    /// How long a leader leads after its last write of the record was sent.
    renew_deadline: Spanned<Length>,
    /// How often the record is read or written.
    retry_period: Spanned<Length>,
    /// How often a leader writes what it decided.
    work_every: Spanned<Length>,
}

impl Default for ElectionTable {
    fn default() -> Self {
        let length = |millis| Spanned::new(0..0, Length(Span::from_millis(millis)));
        Self {
            electors: Spanned::new(0..0, 3),
            lease_duration: length(15_000),
            renew_deadline: length(10_000),
            retry_period: length(2_000),
            work_every: length(50),
        }
    }
}

impl ElectionTable {
    fn policy(&self, environment: &Environment) -> Result<ElectorPolicy, Diagnostics> {
        let mut found = Diagnostics::default();
        let length = |value: &Spanned<Length>| value.get_ref().0;
        for value in [&self.lease_duration, &self.renew_deadline, &self.retry_period, &self.work_every] {
            if length(value).is_zero() {
                found.push(Diagnostic::at(value.span(), "a length of 0s").label("expected more than zero"));
            }
        }
        let safe = environment.clock_rate.safe_term(length(&self.lease_duration));
        if length(&self.renew_deadline) > safe {
            let message = "a leader would still lead when others take over";
            found.push(
                Diagnostic::at(self.renew_deadline.span(), message)
                    .label(format!("expected at most {safe}"))
                    .help(
                        "renew_deadline ≤ lease_duration · (1−ρ)/(1+ρ) must hold for the declared clock rate",
                    ),
            );
        }
        if length(&self.retry_period).scale(6, 5) >= length(&self.renew_deadline) {
            let message = "a leader would stop before it writes the record again";
            found.push(
                Diagnostic::at(self.retry_period.span(), message)
                    .help("retry_period · 1.2 < renew_deadline must hold"),
            );
        }
        if !(2..=100).contains(self.electors.get_ref()) {
            found.push(
                Diagnostic::at(self.electors.span(), "an election of that many").label("expected 2 to 100"),
            );
        }
        found.or(ElectorPolicy {
            lease_duration: length(&self.lease_duration),
            renew_deadline: length(&self.renew_deadline),
            retry_period: length(&self.retry_period),
            work_every: length(&self.work_every),
        })
    }
}

impl System for RecordElection {
    fn name(&self) -> &'static str {
        "record-election"
    }

    fn summary(&self) -> &'static str {
        "leader election by compare-and-set on a record that electors poll"
    }

    fn tables(&self) -> &'static [&'static str] {
        &["election"]
    }

    fn schemas(&self, schemas: &mut Schemas<'_>) {
        schemas.table::<ElectionTable>("election");
    }

    fn draw(&self, dice: &mut Dice<'_>) {
        // Nodes that somebody names stay: an open `electors` means three of them.
        dice.sometimes(Part::Topology, "election.electors", 400_000, |stream| {
            (3 + stream.below(5)).to_string()
        });
        let lengths = ["election.lease_duration", "election.renew_deadline", "election.retry_period"];
        if lengths.into_iter().all(|key| dice.is_open(key)) {
            // The deadline keeps to two thirds of the duration, and polls to a sixth of that.
            dice.sometimes(Part::Timing, "election.lease_duration", 400_000, |stream| {
                format!("\"{}s\"", 3 * stream.log_uniform(2, 20))
            });
            let drawn = dice.value("election.lease_duration");
            let seconds = drawn.and_then(|text| text.trim_matches(|c| "\"s".contains(c)).parse::<u64>().ok());
            if let Some(seconds) = seconds {
                dice.set("election.renew_deadline", format!("\"{}s\"", seconds / 3 * 2));
                dice.set("election.retry_period", format!("\"{}ms\"", seconds / 3 * 333));
            }
        }
    }

    fn counts(&self) -> &'static [(&'static str, u32)] {
        &[("election.electors", 2)]
    }

    fn configure(
        &self,
        tables: &mut Tables<'_>,
        environment: &Environment,
    ) -> Result<Deployment, Diagnostics> {
        let table = tables.take::<ElectionTable>("election")?;
        let policy = table.policy(environment)?;
        let store = NodeSpec {
            name: "store".to_owned(),
            role: Role::Grantor,
            relies_on: ClockKind::Boot,
            contends_for: vec![],
        };
        let elector = |index: u16| NodeSpec {
            name: format!("elector-{index}"),
            role: Role::Contender,
            relies_on: ClockKind::Boot,
            contends_for: vec![LEADERSHIP],
        };
        let nodes = [store].into_iter().chain((1..=*table.electors.get_ref()).map(elector)).collect();
        let make = move |id: NodeId| -> Box<dyn leasehold::Node<Election>> {
            match id.0 {
                0 => Box::new(Store::new(policy.lease_duration)),
                _ => Box::new(Elector::new(policy, NodeId(0))),
            }
        };
        let (bounds, reckoning) = bounds(&policy, environment);
        let deployment = Deployment::new::<Election>(nodes, bounds, vec![], make).reckoned_as(reckoning);
        Ok(deployment.judged_by(&[
            Invariant::Exclusivity,
            Invariant::Fencing,
            Invariant::TokenOrder,
            Invariant::Liveness,
            Invariant::NoLostUpdate,
        ]))
    }
}

/// What follows from the policy, and why: nobody counts terms but the electors, so a takeover needs a poll that sees
/// the last write, the lease duration, a poll that finds it over, and the exchanges of these.
fn bounds(policy: &ElectorPolicy, environment: &Environment) -> (Bounds, Reckoning) {
    let (rho, delay) = (environment.clock_rate, environment.latency.longest());
    let ttl = policy.lease_duration;
    let poll = rho.longest_true(policy.retry_period.scale_up(6, 5));
    let exchange = delay + delay + environment.disk.longest();
    let term = |symbol, value, what: &str| Term { symbol, value, what: what.to_owned() };
    let takeover = Sum::of(
        "from the heal to the next claim",
        vec![
            term("d⁺", delay, "the last leader's write, still under way"),
            term("T/(1−ρ)", rho.longest_true(ttl), "the lease duration, counted by the slowest elector"),
            term("3·P·(1+j)/(1−ρ)", poll.scale(3, 1), "polls: that see the write, and find it over"),
            term("4·(2d⁺+c)", exchange.scale(4, 1), "the exchanges of these, and the takeover's own"),
        ],
    );
    let claim = term("L", policy.renew_deadline, "the renew deadline, from the first send on");
    let safe = term("T·(1−ρ)/(1+ρ)", rho.safe_term(ttl), "the lease duration on a fast clock");
    let bounds = Bounds {
        clock_rate: rho,
        delay,
        end_slack: Span::ZERO,
        extensions: None,
        regrant: takeover.total,
        longest_ttl: ttl,
        lock_delay: Span::ZERO,
        discovery: None,
    };
    let inequalities = vec![
        Inequality {
            name: "one leader at a time",
            formula: "L ≤ T·(1−ρ)/(1+ρ)".into(),
            left: Sum::of("how long a leader leads, on its clock", vec![claim]),
            right: Some(Sum::of("how long others wait at least, on its clock", vec![safe])),
            notes: vec![],
        },
        Inequality {
            name: "the next leader once all is healed",
            formula: "d⁺ + T/(1−ρ) + 3·P·(1+j)/(1−ρ) + 4·(2d⁺+c)".into(),
            left: takeover,
            right: None,
            notes: vec![],
        },
    ];
    (bounds, Reckoning { inequalities, warnings: vec![] })
}
