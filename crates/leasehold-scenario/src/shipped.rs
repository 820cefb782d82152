//! The shipped system: one grantor, holders and resources. The only place beside its own crate that knows the
//! shipped protocol's types.

mod table;

use leasehold_check::Invariant;
use leasehold_core::plan::Role;
use leasehold_core::{ClockKind, Node, NodeId, ResourceId};
use leasehold_protocol::policy::{GrantorPolicy, HolderPolicy, ResourcePolicy, WorkPolicy};
use leasehold_protocol::{Assumed, Grantor, Holder, LeaseCommand, LeaseProtocol, Resource, bounds};

use crate::{CommandSpec, Deployment, Diagnostics, Environment, NodeSpec, System, Tables};
use table::{
    GrantorTable, HolderTable, LeaseTable, ResourceTable, Topology, TopologyTable, WorkTable,
    check_round_trip,
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

    fn configure(
        &self,
        tables: &mut Tables<'_>,
        environment: &Environment,
    ) -> Result<Deployment, Diagnostics> {
        Design::read(tables, environment).map(|design| design.deploy(environment))
    }
}

/// All policies of one scenario.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Design {
    grantor: GrantorPolicy,
    holder: HolderPolicy,
    work: WorkPolicy,
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
        let holder = lease.as_ref().zip(holder).and_then(|(l, h)| found.keep(h.policy(l, environment)));
        let work = work.and_then(|work| found.keep(work.policy()));
        let topology = topology.and_then(|topology| found.keep(topology.counts()));
        match (lease, grantor, holder, work, resource, topology) {
            (Some(lease), Some(grantor), Some(holder), Some(work), Some(resource), Some(topology)) => {
                found.keep(check_round_trip(&lease, &holder, environment));
                found.or(Self { grantor, holder, work, resource: resource.policy(), topology })
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
        };
        let bounds = bounds(&assumed, &self.grantor, &self.holder);
        let nodes = (0..1 + holders + resources).map(|id| self.spec(self.part(NodeId(id)))).collect();
        let role = Role::Contender;
        let commands = vec![CommandSpec { name: "shutdown", role, command: LeaseCommand::Shutdown }];
        Deployment::new::<LeaseProtocol>(nodes, bounds, commands, move |id| self.node(id))
            .judged_by(&Invariant::ALL)
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
                Box::new(Holder::new(self.holder, self.work, resource, NodeId(0), server))
            }
            Part::Resource(index) => Box::new(Resource::new(ResourceId(u32::from(index)), self.resource)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Scenario, ScenarioError, Source};
    use leasehold_core::Span;

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
        assert_eq!(scenario.deployment.invariants(), Invariant::ALL);
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

    /// What a table says arrives in the policies.
    #[test]
    fn every_value_of_every_policy_is_read() {
        let design = |text: &str| {
            let source = Source::from_text("x.toml", text);
            let root = crate::overlay::read(&source).unwrap();
            let (mut tables, _) = Tables::new(root, SingleGrantor.tables().to_vec(), &[]);
            let latency = leasehold_core::plan::Latency::Constant(Span::from_millis(1));
            let clock_rate = leasehold_core::Drift::from_ppb(500_000).unwrap();
            Design::read(&mut tables, &Environment { clock_rate, latency, disk: latency }).unwrap()
        };
        let mut seen = vec![design("")];
        for text in [
            "[lease]\nttl = \"9s\"",
            "[lease]\nsweep = \"500ms\"",
            "[lease]\nrenew = \"2s\"",
            "[grantor]\nclock = \"monotonic\"",
            "[grantor]\nclock = \"wall\"",
            "[grantor]\nttl_min = \"2s\"",
            "[grantor]\nttl_max = \"20s\"",
            "[holder]\nclock = \"monotonic\"",
            "[holder]\nclock = \"wall\"",
            "[holder]\ndeadline_from = \"receipt\"",
            "[holder]\nmargin = \"1s\"",
            "[holder]\nretry = \"300ms\"",
            "[holder]\nretry_cap = \"3s\"",
            "[holder]\njitter = \"0%\"",
            "[holder]\npoll = \"3s\"",
            "[work]\nevery = \"1s\"",
            "[work]\nthink = \"1s\"",
            "[work]\nretry = \"1s\"",
            "[resource]\nfence = \"none\"",
            "[resource]\nreads = \"leave-mark\"",
            "[topology]\nholders = 4",
            "[topology]\nresources = 2",
        ] {
            let other = design(text);
            assert!(!seen.contains(&other), "{text} changes nothing");
            seen.push(other);
        }
    }
}
