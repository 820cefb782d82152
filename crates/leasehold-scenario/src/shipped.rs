//! The shipped system: one grantor, holders and resources. The only place beside its own crate that knows the
//! shipped protocol's types.

mod draw;
pub(crate) mod ends;
mod predictions;
mod table;

use leasehold_check::Invariant;
use leasehold_core::plan::Role;
use leasehold_core::{ClockKind, Node, NodeId, ResourceId};
use leasehold_protocol::policy::{GrantorPolicy, HolderPolicy, ResourcePolicy, WorkKind, WorkPolicy};
use leasehold_protocol::{
    Assumed, Grantor, Holder, LeaseCommand, LeaseProtocol, OptimisticWriter, Policies, Resource, promise,
};

use crate::{CommandSpec, Deployment, Diagnostics, Dice, Environment, NodeSpec, Schemas, System, Tables};
use table::{
    GrantorTable, HolderTable, LeaseTable, Priorities, ResourceTable, Topology, TopologyTable, WorkTable,
    Writers, check_resource, check_round_trip,
};

/// One grantor that grants leases on resources to holders, which read, think and write.
#[derive(Clone, Copy, Debug, Default)]
pub struct SingleGrantor;

impl System for SingleGrantor {
    fn name(&self) -> &'static str {
        "single-grantor"
    }

    fn summary(&self) -> &'static str {
        "one grantor, holders that read, think and write, and resources that fence"
    }

    fn tables(&self) -> &'static [&'static str] {
        &["lease", "grantor", "holder", "work", "resource", "topology"]
    }

    fn schemas(&self, schemas: &mut Schemas<'_>) {
        schemas.table::<LeaseTable>("lease");
        schemas.table::<GrantorTable>("grantor");
        schemas.table::<HolderTable>("holder");
        schemas.table::<WorkTable>("work");
        schemas.table::<ResourceTable>("resource");
        schemas.table::<TopologyTable>("topology");
    }

    fn draw(&self, dice: &mut Dice<'_>) {
        draw::draw(dice);
    }

    fn counts(&self) -> &'static [(&'static str, u32)] {
        &draw::COUNTS
    }

    fn configure(
        &self,
        tables: &mut Tables<'_>,
        environment: &Environment,
    ) -> Result<Deployment, Diagnostics> {
        Design::read(tables, environment).map(|design| design.deploy(environment))
    }
}

/// What is judged of leases on resources: all that does not speak of registries.
const OF_LEASES: [Invariant; 16] = [
    Invariant::Exclusivity,
    Invariant::Fencing,
    Invariant::TokenOrder,
    Invariant::NoEarlyEnd,
    Invariant::NoImmortalLease,
    Invariant::AcknowledgedIsAlive,
    Invariant::NoResurrection,
    Invariant::OwnerOnly,
    Invariant::LockDelay,
    Invariant::SelfStop,
    Invariant::AppliedOnce,
    Invariant::AtomicEnd,
    Invariant::Conservation,
    Invariant::Liveness,
    Invariant::LinearizableRegister,
    Invariant::NoLostUpdate,
];

/// What is judged where nobody asks for a lease: that somebody gets on, and that no update is lost.
const WITHOUT_LEASES: [Invariant; 2] = [Invariant::Liveness, Invariant::NoLostUpdate];

/// All policies of one scenario.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Design {
    grantor: GrantorPolicy,
    holder: HolderPolicy,
    priorities: Priorities,
    work: WorkPolicy,
    writers: Writers,
    resource: ResourcePolicy,
    topology: Topology,
}

/// What a node id stands for.
#[derive(Clone, Copy, Debug)]
enum Part {
    Grantor,
    Holder(u16),
    Resource(u16),
}

impl Design {
    fn read(tables: &mut Tables<'_>, environment: &Environment) -> Result<Self, Diagnostics> {
        let mut found = Diagnostics::default();
        let lease = found.keep(tables.take::<LeaseTable>("lease"));
        let grantor = found.keep(tables.take::<GrantorTable>("grantor"));
        let holder = found.keep(tables.take::<HolderTable>("holder"));
        let work = found.keep(tables.take::<WorkTable>("work"));
        let resource = found.keep(tables.take::<ResourceTable>("resource"));
        let topology = found.keep(tables.take::<TopologyTable>("topology"));
        let grantor = lease.as_ref().zip(grantor).and_then(|(l, g)| found.keep(g.policy(l)));
        let topology = topology.and_then(|topology| found.keep(topology.counts()));
        let writers = work.as_ref().zip(topology).and_then(|(w, of)| found.keep(w.writers(of.holders)));
        let work = work.and_then(|work| found.keep(work.policy()));
        let priorities =
            holder.as_ref().zip(topology).and_then(|(h, of)| found.keep(h.priorities(of.holders)));
        if let Some((holder, work)) = holder.as_ref().zip(work.as_ref()) {
            found.keep(holder.check_lapse(work));
        }
        let holder = lease.as_ref().zip(holder).and_then(|(l, h)| found.keep(h.policy(l, environment)));
        if let Some((resource, work)) = resource.as_ref().zip(work.as_ref()) {
            found.keep(check_resource(resource, work));
        }
        match (lease, grantor, holder, priorities, work.zip(writers), resource, topology) {
            (
                Some(lease),
                Some(grantor),
                Some(holder),
                Some(priorities),
                Some((work, writers)),
                Some(resource),
                Some(topology),
            ) => {
                found.keep(check_round_trip(&lease, &grantor, &holder, environment));
                let resource = resource.policy();
                found.or(Self { grantor, holder, priorities, work, writers, resource, topology })
            }
            _ => Err(found),
        }
    }

    fn deploy(self, environment: &Environment) -> Deployment {
        let Topology { holders, resources } = self.topology;
        let assumed = Assumed {
            clock_rate: environment.clock_rate,
            delay: environment.latency.longest(),
            commit: environment.disk.longest(),
            contenders: u32::from(holders.div_ceil(resources)),
            resources: u32::from(resources),
            loss_ppm: environment.loss.as_ppm(),
        };
        let Self { grantor, holder, resource, .. } = self;
        let promise = promise(&assumed, &Policies { grantor, holder, work: self.slowest(), resource });
        let predictions = self.predictions(environment, &promise.reckoning);
        let nodes = (0..1 + holders + resources).map(|id| self.spec(self.part(NodeId(id)))).collect();
        let commands = vec![
            CommandSpec {
                name: "shutdown",
                role: Role::Contender,
                command: LeaseCommand::Shutdown,
                undo: None,
                refused: None,
            },
            CommandSpec {
                name: "revoke",
                role: Role::Grantor,
                command: LeaseCommand::Revoke,
                undo: None,
                refused: None,
            },
        ];
        Deployment::new::<LeaseProtocol>(nodes, promise.bounds, commands, move |id| self.node(id))
            .judged_by(self.invariants())
            .reckoned_as(promise.reckoning)
            .predicting(predictions)
    }

    /// The work of whoever may rest for longest: bounds go by that.
    fn slowest(&self) -> WorkPolicy {
        let Self { work, writers, .. } = *self;
        if writers.count == 0 || writers.every <= work.longest_rest() {
            return work;
        }
        let times = work.longest_rest().as_nanos() / work.every.as_nanos().max(1);
        WorkPolicy { every: writers.every.scale_up(1, times.max(1)), ..work }
    }

    /// What a holder does, by its place from 0.
    fn work_of(&self, index: u16) -> WorkPolicy {
        let Self { work, writers, topology, .. } = *self;
        if index < topology.holders - writers.count {
            return work;
        }
        WorkPolicy { kind: WorkKind::CacheFill, every: writers.every, ..work }
    }

    fn invariants(&self) -> &'static [Invariant] {
        match self.work.kind {
            WorkKind::Optimistic => &WITHOUT_LEASES,
            _ => &OF_LEASES,
        }
    }

    fn part(&self, id: NodeId) -> Part {
        match id.0 {
            0 => Part::Grantor,
            n if n <= self.topology.holders => Part::Holder(n - 1),
            n => Part::Resource(n - 1 - self.topology.holders),
        }
    }

    /// The resource that a holder contends for: they are dealt out in turn.
    fn wanted_by(&self, holder: u16) -> u16 {
        holder % self.topology.resources
    }

    fn spec(&self, part: Part) -> NodeSpec {
        let numbered = |name: &str, index: u16, of: u16| match of {
            1 => name.to_owned(),
            _ => format!("{name}-{}", index + 1),
        };
        let (name, role, relies_on, contends_for) = match part {
            Part::Grantor => ("grantor".to_owned(), Role::Grantor, self.grantor.clock, vec![]),
            Part::Holder(index) => {
                let wanted = ResourceId(u32::from(self.wanted_by(index)));
                (format!("holder-{}", index + 1), Role::Contender, self.holder.clock, vec![wanted])
            }
            Part::Resource(index) => {
                let name = numbered("resource", index, self.topology.resources);
                (name, Role::Resource, ClockKind::Boot, vec![])
            }
        };
        NodeSpec { name, role, relies_on, contends_for }
    }

    fn node(&self, id: NodeId) -> Box<dyn Node<LeaseProtocol>> {
        match self.part(id) {
            Part::Grantor => Box::new(Grantor::new(self.grantor)),
            Part::Holder(index) => {
                let wanted = self.wanted_by(index);
                let server = NodeId(1 + self.topology.holders + wanted);
                let resource = ResourceId(u32::from(wanted));
                let policy = HolderPolicy { priority: self.priorities.of(index), ..self.holder };
                let work = self.work_of(index);
                match work.kind {
                    WorkKind::Optimistic => Box::new(OptimisticWriter::new(&policy, work, resource, server)),
                    _ => Box::new(Holder::new(policy, work, resource, NodeId(0), server)),
                }
            }
            Part::Resource(index) => Box::new(Resource::new(ResourceId(u32::from(index)), self.resource)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Engine, Observer, Scenario, ScenarioError, Source};
    use leasehold_check::Finding;
    use leasehold_core::Span;
    use leasehold_core::{Event, EventKind, NodeEvent, SimInstant};

    fn parse(overlays: &[&str]) -> Result<Scenario, ScenarioError> {
        let text = "schema = 1\nname = \"x\"\nsummary = \"s\"\n";
        let source = Source::from_text("x.toml", text).with_overlays(overlays.iter().copied());
        Scenario::parse(source, &[&SingleGrantor])
    }

    #[test]
    fn an_empty_scenario_is_the_safe_default() {
        let scenario = parse(&[]).unwrap();
        let names: Vec<&str> = scenario.deployment.nodes().iter().map(|node| node.name.as_str()).collect();
        assert_eq!(names, ["grantor", "holder-1", "holder-2", "holder-3", "resource"]);
        assert!(scenario.deployment.nodes().iter().all(|node| node.relies_on == ClockKind::Boot));
        assert_eq!(scenario.deployment.bounds().longest_ttl, Span::from_secs(10));
        assert_eq!(scenario.deployment.invariants(), OF_LEASES);
    }

    #[test]
    fn holders_are_dealt_out_to_resources() {
        let scenario = parse(&["topology.holders=5", "topology.resources=2"]).unwrap();
        let wanted: Vec<(&str, Vec<u32>)> = scenario
            .deployment
            .nodes()
            .iter()
            .map(|node| (node.name.as_str(), node.contends_for.iter().map(|resource| resource.0).collect()))
            .collect();
        assert_eq!(
            wanted,
            [
                ("grantor", vec![]),
                ("holder-1", vec![0]),
                ("holder-2", vec![1]),
                ("holder-3", vec![0]),
                ("holder-4", vec![1]),
                ("holder-5", vec![0]),
                ("resource-1", vec![]),
                ("resource-2", vec![]),
            ]
        );
    }

    #[test]
    fn a_term_is_longer_than_a_round_trip() {
        let latency = |max: &str| format!("network.latency={{ min = \"1ms\", max = \"{max}\" }}");
        assert!(parse(&["lease.ttl=1s", "holder.margin=200ms", &latency("399ms")]).is_ok());
        let shown =
            parse(&["lease.ttl=1s", "holder.margin=200ms", &latency("400ms")]).unwrap_err().to_string();
        assert!(
            shown.contains("a round trip can take 800ms, and a holder has 800ms of a TTL of 1s"),
            "{shown}"
        );
        assert!(shown.contains("--set:1:11"), "{shown}");
    }

    #[test]
    fn a_term_is_longer_than_a_round_trip_and_a_write() {
        let with = |renewals: &str| {
            let renewals = format!("grantor.{renewals}");
            let latencies = ["network.latency=300ms", "disk.latency=200ms"];
            parse(&[&["lease.ttl=1s", "holder.margin=200ms", &renewals], &latencies[..]].concat()).map(|_| ())
        };
        assert!(with("renewals=at-once").is_ok());
        for written in ["renewals=once-durable", "restart=remaining"] {
            let shown = with(written).unwrap_err().to_string();
            assert!(shown.contains("a round trip, and a write in between, can take 800ms"), "{shown}");
        }
    }

    fn complaint(overlays: &[&str]) -> String {
        parse(overlays).map(|_| ()).unwrap_err().to_string()
    }

    /// The rules of client-go, and its defaults.
    #[test]
    fn a_renew_deadline_lies_between_the_longest_retry_period_and_the_ttl() {
        let client_go =
            |deadline: &'static str| ["lease.ttl=15s", "lease.renew=2s", "holder.jitter=20%", deadline];
        let with = |deadline| parse(&client_go(deadline)).map(|_| ());
        assert!(with("holder.renew_deadline=10s").is_ok());
        assert!(
            with("holder.renew_deadline=14999ms").is_ok(),
            "claims for longer than its lease: a known bug"
        );
        assert!(with("holder.renew_deadline=2401ms").is_ok());

        let shown = complaint(&client_go("holder.renew_deadline=15s"));
        assert!(shown.contains("expected renew_deadline < ttl"), "{shown}");
        assert!(shown.contains("write a renew_deadline below 15s, or a lease.ttl above 15s"), "{shown}");
        let shown = complaint(&client_go("holder.renew_deadline=2400ms"));
        assert!(shown.contains("expected renew_deadline > renew*(1+jitter), which is 2.4s"), "{shown}");
        assert!(shown.contains("write a renew_deadline above 2.4s, or an earlier lease.renew"), "{shown}");
    }

    #[test]
    fn a_margin_and_a_renew_deadline_exclude_each_other() {
        let shown = complaint(&["holder.margin=1s", "holder.renew_deadline=6s"]);
        assert!(shown.contains("leave out one of the two"), "{shown}");
        assert!(parse(&["holder.renew_deadline=6s"]).is_ok(), "the margin by default does not count");
    }

    #[test]
    fn a_writers_stamp_needs_the_wall_clock() {
        assert!(parse(&["grantor.clock=wall", "grantor.terms_from=writers-stamp"]).is_ok());
        let shown = complaint(&["grantor.terms_from=writers-stamp"]);
        assert!(shown.contains("a writer's stamp is no time of the boot clock"), "{shown}");
        assert!(shown.contains("write clock = \"wall\""), "{shown}");
    }

    #[test]
    fn who_is_never_in_jeopardy_trusts_no_record() {
        let with = |lost: &str| {
            parse(&["holder.back_in_contact=trusts-its-record", &format!("holder.on_lost_contact={lost}")])
        };
        assert!(with("jeopardy").is_ok());
        for lost in ["stop", "go-on"] {
            let shown = with(lost).unwrap_err().to_string();
            assert!(shown.contains("write on_lost_contact = \"jeopardy\""), "{shown}");
        }
    }

    #[test]
    fn a_renew_deadline_goes_by_no_ttl() {
        let shown = complaint(&["holder.renew_deadline=6s", "holder.ttl_multiplier=2"]);
        assert!(shown.contains("a renew_deadline beside a ttl_multiplier"), "{shown}");
        assert!(parse(&["holder.ttl_multiplier=2"]).is_ok());
    }

    #[test]
    fn a_fence_by_equality_needs_a_read_or_a_barrier() {
        let with = |more: &[&str]| parse(&[&["resource.fence=equality"], more].concat()).map(|_| ());
        for unfit in ["work.kind=leader", "work.kind=tasks", "resource.reads=leave-mark"] {
            let shown = with(&[unfit]).unwrap_err().to_string();
            assert!(shown.contains("a fence by equality lets nobody write"), "{shown}");
            assert!(with(&[unfit, "work.takeover=barrier"]).is_ok());
        }
        assert!(with(&[]).is_ok() && with(&["work.kind=cache-fill"]).is_ok());
    }

    #[test]
    fn optimistic_work_needs_a_resource_that_compares_versions_and_asks_for_no_token() {
        let with = |more: &[&str]| parse(&[&["work.kind=optimistic"], more].concat());
        let fits = ["resource.fence=none", "resource.writes=compare-and-set"];
        assert_eq!(with(&fits).unwrap().deployment.invariants(), WITHOUT_LEASES);
        assert!(with(&["resource.fence=none", "resource.writes=any"]).is_ok(), "unsafe, but said");
        for fence in ["highest-token", "highest-volatile", "last-token", "equality"] {
            let shown =
                with(&[&format!("resource.fence={fence}"), fits[1]]).map(|_| ()).unwrap_err().to_string();
            assert!(shown.contains("write resource.fence = \"none\""), "{shown}");
        }
        let shown = with(&fits[..1]).map(|_| ()).unwrap_err().to_string();
        assert!(shown.contains("write resource.writes = \"compare-and-set\""), "{shown}");
        let shown = with(&[fits[0], fits[1], "work.takeover=barrier"]).map(|_| ()).unwrap_err().to_string();
        assert!(shown.contains("it has no token that could become the mark"), "{shown}");
    }

    #[test]
    fn cached_reads_have_writers_beside_readers_and_let_leases_run_out() {
        let with = |more: &[&str]| parse(&[&["work.kind=cached-reads"], more].concat());
        assert!(with(&["work.writers=2"]).is_ok());
        let shown = with(&["work.writers=3"]).map(|_| ()).unwrap_err().to_string();
        assert!(shown.contains("3 of 3 holders write, so nobody reads"), "{shown}");
        assert!(shown.contains("write topology.holders = 4 or more"), "{shown}");
        let shown = complaint(&["work.writers=1"]);
        assert!(shown.contains("write kind = \"cached-reads\""), "{shown}");
        for lost in ["jeopardy", "go-on"] {
            let lost = format!("holder.on_lost_contact={lost}");
            let shown = with(&[&lost]).map(|_| ()).unwrap_err().to_string();
            assert!(shown.contains("write on_lost_contact = \"stop\""), "{shown}");
        }
    }

    /// Ten times the mean rest of a reader, or the writers' interval where that is longer. Clocks are off by so little that it
    /// does not show in seconds.
    #[test]
    fn the_next_claim_waits_for_whoever_rests_longest() {
        let regrant = |more: &[&str]| {
            let all = [&["work.kind=cached-reads", "bounds.clock_rate=1ppm"], more].concat();
            parse(&all).unwrap().deployment.bounds().regrant.as_nanos() / 1_000_000_000
        };
        let base = regrant(&["work.every=1s"]);
        assert_eq!(regrant(&["work.every=3s"]), base + 20);
        assert_eq!(regrant(&["work.every=1s", "work.writers=1", "work.write_every=10s"]), base);
        assert_eq!(regrant(&["work.every=1s", "work.writers=1", "work.write_every=40s"]), base + 30);
    }

    #[test]
    fn priorities_by_number_are_not_more_than_there_are() {
        let with = |holders: &str| parse(&["holder.priority=by-number", holders]).map(|_| ());
        assert!(with("topology.holders=255").is_ok());
        let shown = with("topology.holders=256").unwrap_err().to_string();
        assert!(shown.contains("write topology.holders = 255 or less"), "{shown}");
        assert!(parse(&["topology.holders=256"]).is_ok());
        assert_eq!([0, 1, 254].map(|index| Priorities::ByNumber.of(index)), [1, 2, 255]);
        assert_eq!([0, 1, 399].map(|index| Priorities::Equal.of(index)), [0, 0, 0]);
    }

    #[test]
    fn a_lease_has_at_most_a_hundred_keys() {
        assert!(parse(&["holder.keys=100"]).is_ok());
        let shown = complaint(&["holder.keys=101"]);
        assert!(shown.contains("0 to 100"), "{shown}");
    }

    /// What the tables do not say is what the policies say by default.
    #[test]
    fn an_empty_scenario_has_the_default_policies() {
        let design = design("");
        let clock_rate = leasehold_core::Drift::from_ppb(500_000).unwrap();
        assert_eq!(design.holder, HolderPolicy::new(Span::from_secs(10), clock_rate));
        assert_eq!(design.work, WorkPolicy::default());
        assert_eq!(design.resource, ResourcePolicy::default());
        assert_eq!(design.grantor, GrantorPolicy::default());
    }

    fn design(text: &str) -> Design {
        let source = Source::from_text("x.toml", text);
        let root = crate::overlay::read(&source).unwrap();
        let (mut tables, _) = Tables::new(root, SingleGrantor.tables().to_vec(), &[]);
        let latency = leasehold_core::plan::Latency::Constant(Span::from_millis(1));
        let clock_rate = leasehold_core::Drift::from_ppb(500_000).unwrap();
        let loss = leasehold_core::plan::Chance::NEVER;
        Design::read(&mut tables, &Environment { clock_rate, latency, disk: latency, loss }).unwrap()
    }

    /// A suspended grantor's monotonic clock stands still, and its leases live so much longer.
    #[test]
    fn a_grantor_measures_terms_on_the_clock_that_it_is_told() {
        struct FirstEnd(Option<SimInstant>);
        impl Observer for FirstEnd {
            fn event(&mut self, event: &Event) {
                if matches!(event.kind, EventKind::Node(NodeEvent::Ended { .. })) {
                    self.0.get_or_insert(event.at);
                }
            }
            fn finding(&mut self, _: &Finding) {}
        }
        let ended = |clock: &str| {
            let text = "schema = 1\nname = \"x\"\nsummary = \"s\"\n\
                        [[fault]]\nat = \"4s\"\non = \"holder\"\ndo = \"crash\"\n\
                        [[fault]]\nat = \"5s\"\non = \"grantor\"\ndo = \"suspend\"\nfor = \"20s\"\n";
            let source = Source::from_text("x.toml", text).with_overlays([format!("grantor.clock={clock}")]);
            let scenario = Scenario::parse(source, &[&SingleGrantor]).unwrap();
            let mut first_end = FirstEnd(None);
            let report = scenario.run(0, Engine::Sim, &mut first_end);
            assert!(report.judgement.violations().is_empty());
            let is_excused = report.judgement.assumptions.iter().any(|(node, ..)| *node == NodeId(0));
            (first_end.0.unwrap().since_start().as_nanos() / 1_000_000_000, is_excused)
        };
        assert_eq!(ended("boot"), (25, false), "as soon as it wakes");
        assert_eq!(ended("monotonic"), (33, true), "20 s later than 13 s");
        assert_eq!(ended("wall"), (25, false));
    }

    /// What a table says arrives in the policies.
    #[test]
    fn every_value_of_every_policy_is_read() {
        let mut seen = vec![design("")];
        for text in [
            "[lease]\nttl = \"9s\"",
            "[lease]\nsweep = \"500ms\"",
            "[lease]\nrenew = \"2s\"",
            "[grantor]\nclock = \"monotonic\"",
            "[grantor]\nclock = \"wall\"",
            "[grantor]\nttl_min = \"2s\"",
            "[grantor]\nttl_max = \"20s\"",
            "[lease]\nlock_delay = \"15s\"",
            "[lease]\nlock_delay = \"15s\"\n[grantor]\nlock_delay_kept = \"in-memory\"",
            "[lease]\nlock_delay = \"15s\"\n[grantor]\nlock_delay_kept = \"never\"",
            "[lease]\nsweep = \"500ms\"\n[grantor]\nsweep_at_most = 3",
            "[grantor]\nbuckets = \"2s\"",
            "[grantor]\nttl_multiplier = 2",
            "[grantor]\nclock = \"wall\"\nterms_from = \"writers-stamp\"",
            "[grantor]\nterm_arithmetic = \"whole-seconds-zero-is-for-ever\"",
            "[grantor]\nterm_arithmetic = \"wrapping-milliseconds\"",
            "[grantor]\nrenewal_check = \"holder-name\"",
            "[grantor]\nrenewal_check = \"nothing\"",
            "[lease]\nextensions = 0",
            "[lease]\nextensions = 1",
            "[holder]\nttl_multiplier = 2",
            "[holder]\non_lost_contact = \"jeopardy\"\nback_in_contact = \"trusts-its-record\"",
            "[grantor]\ntokens = \"store-revision\"",
            "[grantor]\ntokens = \"volatile\"",
            "[grantor]\ntokens = \"per-owner\"",
            "[grantor]\ntokens = \"random\"",
            "[grantor]\nrestart = \"remaining\"",
            "[grantor]\nrestart = \"extra\"\nrestart_extra = \"5s\"",
            "[grantor]\nrenewals = \"once-durable\"",
            "[grantor]\nrenewals = \"once-durable-unchecked\"",
            "[grantor]\nrenewal_of_ended = \"acknowledged-until-recorded\"",
            "[grantor]\nrenewal_of_ended = \"resurrects\"",
            "[grantor]\nrelease_check = \"holder-name\"",
            "[grantor]\nrelease_check = \"nothing\"",
            "[grantor]\nqueue = \"none\"",
            "[grantor]\nsame_owner = \"revokes\"",
            "[grantor]\nsame_owner = \"takes-over\"",
            "[grantor]\npreemption = \"by-priority\"",
            "[grantor]\nrevocation = \"at-once\"",
            "[grantor]\nkeys = \"one-by-one\"",
            "[grantor]\nend_patience = \"1s\"",
            "[grantor]\nend_attempts = 6",
            "[holder]\nclock = \"monotonic\"",
            "[holder]\nclock = \"wall\"",
            "[holder]\ndeadline_from = \"latest-retry\"",
            "[holder]\ndeadline_from = \"receipt\"",
            "[holder]\nmargin = \"1s\"",
            "[holder]\nrenew_deadline = \"6s\"",
            "[holder]\nrenew_jitter = \"10%\"",
            "[holder]\nretry = \"300ms\"",
            "[holder]\nretry_cap = \"3s\"",
            "[holder]\njitter = \"0%\"",
            "[holder]\npoll = \"3s\"",
            "[holder]\ngive_up = \"at-first-error\"",
            "[holder]\non_lost_contact = \"jeopardy\"",
            "[holder]\non_lost_contact = \"go-on\"",
            "[holder]\nleave = \"release-then-stop\"",
            "[holder]\nafter_waiting = \"trust\"",
            "[holder]\nidentity = \"node\"",
            "[holder]\nidentity = \"shared\"",
            "[holder]\npriority = \"by-number\"",
            "[holder]\nkeys = 3",
            "[work]\nkind = \"leader\"",
            "[work]\nkind = \"tasks\"",
            "[work]\nkind = \"cache-fill\"",
            "[work]\nkind = \"optimistic\"\n[resource]\nfence = \"none\"\nwrites = \"compare-and-set\"",
            "[work]\nkind = \"optimistic\"\n[resource]\nfence = \"none\"\nwrites = \"any\"",
            "[work]\nkind = \"cached-reads\"",
            "[work]\nkind = \"cached-reads\"\nwriters = 1",
            "[work]\nkind = \"cached-reads\"\nwriters = 1\nwrite_every = \"3s\"",
            "[work]\ntakeover = \"barrier\"",
            "[work]\nevery = \"1s\"",
            "[work]\nthink = \"1s\"",
            "[work]\nretry = \"1s\"",
            "[resource]\nfence = \"highest-volatile\"",
            "[resource]\nfence = \"last-token\"",
            "[resource]\nfence = \"equality\"",
            "[resource]\nfence = \"none\"",
            "[resource]\nreads = \"leave-mark\"",
            "[resource]\nwrites = \"compare-and-set\"",
            "[resource]\nduplicates = \"done-again\"",
            "[resource]\ntasks = \"each-time\"",
            "[topology]\nholders = 4",
            "[topology]\nresources = 2",
        ] {
            let other = design(text);
            assert!(!seen.contains(&other), "{text} changes nothing");
            seen.push(other);
        }
    }
}
