//! The system `registry`: one registry, members that are registered there under leases, and clients that look them up.
//! Beside the wiring of the shipped leases the only place that knows the shipped protocols' types.

mod draw;
mod predictions;
mod table;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use leasehold_check::Invariant;
use leasehold_core::id::InstanceId;
use leasehold_core::plan::Role;
use leasehold_core::{Node, NodeId, ResourceId};
use leasehold_protocol::policy::Expiry;
use leasehold_protocol::registry::bounds::{Assumed, Budget, Policies, promise};
use leasehold_protocol::registry::policy::{
    DiscoveryPolicy, FollowerPolicy, Liveness, MemberPolicy, ObserverPolicy, RegistryPolicy, Sender, Source,
};
use leasehold_protocol::registry::{
    Discovery, Follower, Instance, MemberPlace, Observer, Offer, Places, Registry, RegistryCommand,
    RegistryProtocol, Sidecar,
};

use crate::{CommandSpec, Deployment, Diagnostics, Dice, Environment, NodeSpec, Schemas, System, Tables};
use table::{
    Beside, BudgetTable, CallsTable, Counts, DiscoveryTable, FeedTable, Fleet, FollowerTable, GraceTable,
    InstanceTable, MemberTable, ObserverTable, ProbeTable, RegistrationTable, RegistryTable, SidecarTable,
    TopologyTable, check_used,
};

/// One registry under which instances register, and clients that look them up: by a watch, or by polling.
#[derive(Clone, Copy, Debug, Default)]
pub struct RegistrySystem;

impl System for RegistrySystem {
    fn name(&self) -> &'static str {
        "registry"
    }

    fn summary(&self) -> &'static str {
        "a registry, instances that keep their registration by heartbeats, and clients that look them up"
    }

    fn tables(&self) -> &'static [&'static str] {
        &[
            "registration",
            "registry",
            "probe",
            "grace",
            "feed",
            "instance",
            "member",
            "sidecar",
            "discovery",
            "calls",
            "follower",
            "observer",
            "budget",
            "topology",
        ]
    }

    fn schemas(&self, schemas: &mut Schemas<'_>) {
        schemas.table::<RegistrationTable>("registration");
        schemas.table::<RegistryTable>("registry");
        schemas.table::<ProbeTable>("probe");
        schemas.table::<GraceTable>("grace");
        schemas.table::<FeedTable>("feed");
        schemas.table::<InstanceTable>("instance");
        schemas.each::<MemberTable>("member");
        schemas.table::<SidecarTable>("sidecar");
        schemas.table::<DiscoveryTable>("discovery");
        schemas.table::<CallsTable>("calls");
        schemas.table::<FollowerTable>("follower");
        schemas.table::<ObserverTable>("observer");
        schemas.table::<BudgetTable>("budget");
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

/// What is judged of registrations: all that does not speak of who may act on a resource.
const OF_REGISTRATIONS: [Invariant; 16] = [
    Invariant::TokenOrder,
    Invariant::NoEarlyEnd,
    Invariant::NoImmortalLease,
    Invariant::AcknowledgedIsAlive,
    Invariant::NoResurrection,
    Invariant::OwnerOnly,
    Invariant::BoundedStaleness,
    Invariant::Watch,
    Invariant::FalseExpiry,
    Invariant::Load,
    Invariant::Progress,
    Invariant::MassExpiry,
    Invariant::AtomicEnd,
    Invariant::Conservation,
    Invariant::Liveness,
    Invariant::MonotonicReads,
];

/// All policies of one scenario, and who there is.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Design {
    registry: RegistryPolicy,
    member: MemberPolicy,
    /// How a sidecar behaves that speaks for its application.
    sidecar: Sender,
    observer: ObserverPolicy,
    follower: FollowerPolicy,
    discovery: DiscoveryPolicy,
    budget: Budget,
    fleet: Fleet,
    counts: Counts,
}

/// What a node id stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    Registry,
    Follower(u16),
    Observer(u16),
    Instance(u16),
    Sidecar(u16),
    Discovery(u16),
}

impl Design {
    fn read(tables: &mut Tables<'_>, environment: &Environment) -> Result<Self, Diagnostics> {
        let mut found = Diagnostics::default();
        let registration = found.keep(tables.take::<RegistrationTable>("registration"));
        let registry = found.keep(tables.take::<RegistryTable>("registry"));
        let probe = found.keep(tables.take_if_there::<ProbeTable>("probe"));
        let grace = found.keep(tables.take::<GraceTable>("grace"));
        let feed = found.keep(tables.take::<FeedTable>("feed"));
        let instance = found.keep(tables.take::<InstanceTable>("instance"));
        let members = found.keep(tables.take_each::<MemberTable>("member"));
        let sidecar = found.keep(tables.take_if_there::<SidecarTable>("sidecar"));
        let discovery = found.keep(tables.take::<DiscoveryTable>("discovery"));
        let calls = found.keep(tables.take_if_there::<CallsTable>("calls"));
        let follower = found.keep(tables.take_if_there::<FollowerTable>("follower"));
        let observer = found.keep(tables.take_if_there::<ObserverTable>("observer"));
        let budget = found.keep(tables.take::<BudgetTable>("budget"));
        let topology = found.keep(tables.take::<TopologyTable>("topology"));

        let (Some(registration), Some(registry), Some(probe), Some(grace)) =
            (registration, registry, probe, grace)
        else {
            return Err(found);
        };
        let (Some(feed), Some(instance), Some(members), Some(sidecar)) = (feed, instance, members, sidecar)
        else {
            return Err(found);
        };
        let (Some(discovery), Some(calls), Some(follower), Some(observer)) =
            (discovery, calls, follower, observer)
        else {
            return Err(found);
        };
        let (Some(budget), Some(topology)) = (budget, topology) else { return Err(found) };

        found.keep(registration.check());
        let Some(counts) = found.keep(topology.counts()) else { return Err(found) };
        let liveness = registry.liveness();
        found.keep(check_used(&liveness, &probe, &sidecar, &follower, &observer, counts));
        let probe = probe.map_or_else(ProbeTable::default, crate::Spanned::into_inner);
        let probe = found.keep(probe.policy(*liveness.get_ref(), &registration));
        let feed = found.keep(feed.policy());
        let fleet = found.keep(Fleet::read(&members, &instance, &topology, counts));
        let member = found.keep(instance.policy(&registration, environment));
        let calls = match calls {
            Some(calls) => found.keep(calls.into_inner().policy()).map(Some),
            None => Some(None),
        };
        let budget = found.keep(budget.budget());
        let (Some(probe), Some(feed)) = (probe, feed) else { return Err(found) };
        let Some(grace) = found.keep(grace.policy(&registration, counts, &probe)) else { return Err(found) };
        let registry =
            found.keep(registry.policy(Beside { registration: &registration, grace, probe, feed }));
        let follower = follower.map_or_else(FollowerTable::default, crate::Spanned::into_inner);
        let follower = found.keep(follower.policy(feed));
        let observer = observer.map_or_else(ObserverTable::default, crate::Spanned::into_inner).policy(probe);
        let (Some(fleet), Some(calls)) = (fleet, calls) else { return Err(found) };
        let discovery = found.keep(discovery.policy(calls, &fleet, &topology));
        let sidecar = sidecar.map_or_else(SidecarTable::default, crate::Spanned::into_inner).sender();
        match (registry, member, follower, discovery, budget) {
            (Some(registry), Some(member), Some(follower), Some(discovery), Some(budget)) => found.or(Self {
                registry,
                member,
                sidecar,
                observer,
                follower,
                discovery,
                budget,
                fleet,
                counts,
            }),
            _ => Err(found),
        }
    }

    fn deploy(self, environment: &Environment) -> Deployment {
        let assumed = Assumed {
            clock_rate: environment.clock_rate,
            delay: environment.latency.longest(),
            least_delay: environment.latency.shortest(),
            commit: environment.disk.longest(),
            members: u32::from(self.counts.instances),
            sidecars: u32::from(self.counts.sidecars),
            followers: u32::from(self.counts.followers),
            clients: u32::from(self.counts.discovery),
            loss_ppm: environment.loss.as_ppm(),
        };
        let promise = promise(
            &assumed,
            &Policies {
                registry: &self.registry,
                member: &self.member,
                sidecar: self.sidecar,
                follower: &self.follower,
                discovery: &self.discovery,
                budget: self.budget,
            },
        );
        let predictions = self.predictions(environment, &promise.bounds);
        let nodes = (0..self.size()).map(|id| self.spec(self.part(NodeId(id)))).collect();
        let starts_within = self.counts.starts_within;
        let instances = self.instances();
        let places = Arc::new(self.places());
        Deployment::new::<RegistryProtocol>(
            nodes,
            promise.bounds,
            commands(self.registry.expiry),
            move |id| self.node(id, &places),
        )
        .judged_by(&OF_REGISTRATIONS)
        .reckoned_as(promise.reckoning)
        .predicting(predictions)
        .starting_within(starts_within)
        .registering(instances)
    }

    /// What the instances are called, by id: as their applications, with a number where one offers several.
    fn instances(&self) -> Vec<String> {
        let entries = self.member.instances;
        let applications = (0..self.counts.instances).map(|index| self.spec(Part::Instance(index)).name);
        let of_one = |application: String| {
            (1..=entries).map(move |entry| match entries {
                1 => application.clone(),
                _ => format!("{application}/{entry}"),
            })
        };
        applications.flat_map(of_one).collect()
    }

    fn size(&self) -> u16 {
        let Counts { instances, sidecars, discovery, followers, observers, .. } = self.counts;
        1 + followers + observers + instances + sidecars + discovery
    }

    /// The registry, its followers and observers, applications, sidecars, and discovery clients.
    fn part(&self, id: NodeId) -> Part {
        let Counts { instances, sidecars, followers, observers, .. } = self.counts;
        let mut index = id.0;
        /// How many there are, and what each is.
        type Kind = (u16, fn(u16) -> Part);
        let kinds: [Kind; 5] = [
            (1, |_| Part::Registry),
            (followers, Part::Follower),
            (observers, Part::Observer),
            (instances, Part::Instance),
            (sidecars, Part::Sidecar),
        ];
        for (count, part) in kinds {
            match index.checked_sub(count) {
                Some(rest) => index = rest,
                None => return part(index),
            }
        }
        Part::Discovery(index)
    }

    /// The first of the followers, observers, instances and sidecars.
    fn first(&self, part: fn(u16) -> Part) -> u16 {
        let Counts { instances, followers, observers, .. } = self.counts;
        match part(0) {
            Part::Registry => 0,
            Part::Follower(_) => 1,
            Part::Observer(_) => 1 + followers,
            Part::Instance(_) => 1 + followers + observers,
            Part::Sidecar(_) => 1 + followers + observers + instances,
            Part::Discovery(_) => 1 + followers + observers + instances + self.counts.sidecars,
        }
    }

    /// Who is where.
    fn places(&self) -> Places {
        let nodes = |part: fn(u16) -> Part, count: u16| -> Vec<NodeId> {
            (0..count).map(|index| NodeId(self.first(part) + index)).collect()
        };
        Places {
            registry: NodeId(0),
            followers: nodes(Part::Follower, self.counts.followers),
            observers: nodes(Part::Observer, self.counts.observers),
            members: (0..self.counts.instances).map(|index| self.place(index)).collect(),
        }
    }

    /// Where a member is, and what it offers.
    fn place(&self, index: u16) -> MemberPlace {
        let application = NodeId(self.first(Part::Instance) + index);
        let berth = &self.fleet.berths[usize::from(index)];
        let entries = self.member.instances;
        let offer = |entry: u16| Offer {
            instance: InstanceId(u32::from(index) * u32::from(entries) + u32::from(entry)),
            service: berth.service,
            capabilities: berth.capabilities,
            node: application,
        };
        MemberPlace {
            member: ResourceId(u32::from(index)),
            application,
            sidecar: self.has_sidecar(index).then(|| NodeId(self.first(Part::Sidecar) + index)),
            offers: (0..entries).map(offer).collect(),
            zone: berth.zone,
        }
    }

    fn has_sidecar(&self, index: u16) -> bool {
        index < self.counts.sidecars
    }

    fn spec(&self, part: Part) -> NodeSpec {
        let (name, role, relies_on, wants) = match part {
            Part::Registry => ("registry".to_owned(), Role::Registry, self.registry.clock, None),
            Part::Follower(n) => {
                (format!("follower-{}", n + 1), Role::Follower, self.follower.source.clock, None)
            }
            Part::Observer(n) => (format!("observer-{}", n + 1), Role::Observer, self.observer.clock, None),
            Part::Instance(n) => {
                let name = self.fleet.berths[usize::from(n)].name.clone();
                (name, Role::Instance, self.member.clock, Some(n))
            }
            Part::Sidecar(n) => (format!("sidecar-{}", n + 1), Role::Sidecar, self.member.clock, Some(n)),
            Part::Discovery(n) => {
                (format!("discovery-{}", n + 1), Role::Discovery, self.discovery.clock, None)
            }
        };
        let contends_for = wants.map(|member| ResourceId(u32::from(member))).into_iter().collect();
        NodeSpec { name, role, relies_on, contends_for }
    }

    fn node(&self, id: NodeId, places: &Arc<Places>) -> Box<dyn Node<RegistryProtocol>> {
        let place = |index: u16| places.members[usize::from(index)].clone();
        match self.part(id) {
            Part::Registry => Box::new(Registry::new(self.registry.clone(), Arc::clone(places))),
            Part::Follower(_) => Box::new(Follower::new(self.follower, vec![places.registry])),
            Part::Observer(_) => Box::new(Observer::new(self.observer, Arc::clone(places))),
            Part::Instance(index) => {
                Box::new(Instance::new(self.member_policy(index), place(index), places.registry))
            }
            Part::Sidecar(index) => {
                Box::new(Sidecar::new(self.member_policy(index), place(index), places.registry))
            }
            Part::Discovery(index) => Box::new(Discovery::new(self.discovery, self.sources(index, places))),
        }
    }

    /// How a member behaves, and who sends its heartbeats.
    fn member_policy(&self, index: u16) -> MemberPolicy {
        let sender = match (self.registry.liveness, self.has_sidecar(index)) {
            (Liveness::Pull, _) => Sender::Nobody,
            (Liveness::Push | Liveness::Hybrid, true) => self.sidecar,
            (Liveness::Push | Liveness::Hybrid, false) => Sender::Itself,
        };
        MemberPolicy { sender, ..self.member }
    }

    /// Whom a discovery client asks, in this order: followers are dealt out in turn.
    fn sources(&self, index: u16, places: &Places) -> Vec<NodeId> {
        let mut followers = places.followers.clone();
        if !followers.is_empty() {
            let first = usize::from(index) % followers.len();
            followers.rotate_left(first);
        }
        match self.discovery.source {
            Source::Registry => vec![places.registry],
            Source::Follower => followers,
            Source::ByTurns => {
                followers.insert(0, places.registry);
                let first = usize::from(index) % followers.len();
                followers.rotate_left(first);
                followers
            }
        }
    }
}

/// What a plan can tell a node.
fn commands(expiry: Expiry) -> Vec<CommandSpec<RegistryCommand>> {
    let once = |name, role, command| CommandSpec { name, role, command, undo: None, refused: None };
    let lasting =
        |name, role, command, undo| CommandSpec { name, role, command, undo: Some(undo), refused: None };
    let slow =
        lasting("slow-sweep", Role::Registry, RegistryCommand::SlowSweep, RegistryCommand::SweepInTime);
    let no_sweep = ("leases end without a sweep", "set registration.sweep = \"500ms\"");
    let refused = (!matches!(expiry, Expiry::Sweep { .. })).then_some(no_sweep);
    vec![
        once("deregister", Role::Instance, RegistryCommand::Deregister),
        once("revoke", Role::Registry, RegistryCommand::Revoke),
        once("expire", Role::Registry, RegistryCommand::Expire),
        CommandSpec { refused, ..slow },
        lasting("stop-work", Role::Instance, RegistryCommand::StopWork, RegistryCommand::GoOnWorking),
        lasting("turn-unready", Role::Instance, RegistryCommand::TurnUnready, RegistryCommand::TurnReady),
        lasting("freeze-cache", Role::Discovery, RegistryCommand::FreezeCache, RegistryCommand::ThawCache),
    ]
}
