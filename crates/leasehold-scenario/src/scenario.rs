//! A scenario: a template for plans, the system they run on, and what they should come to.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::OnceLock;

use crate::Spanned;
use leasehold_core::plan::FaultPlan;
use leasehold_core::trace::{Delaying, FORMAT, Header, TraceNode};
use leasehold_core::{FaultId, Plan, RateError, Span};
use leasehold_plan::{NodeTemplate, OffsetDraw, Part, RateDraw, Setting, StartDraw, Template};
use leasehold_turmoil::ShellPolicy;
use toml::de::DeTable;

use crate::bug::{Bug, BugTable};
use crate::chaos::ChaosTable;
use crate::deployment::{CommandSpec, Deployment, NodeSpec};
use crate::diagnostic::{Diagnostic, Diagnostics, ScenarioError};
use crate::engine::Engine;
use crate::expect::{Expect, ExpectTable};
use crate::fault::{Cast, Chaos, FaultTable, describe};
use crate::overlay;
use crate::plan_table::{PlanTable, check_alone};
use crate::source::{Source, Variant};
use crate::suggest::{cut, did_you_mean, listed};
use crate::system::{Environment, System};
use crate::tables::Tables;
use crate::transport::TransportTable;
use crate::value::AutoOrLength;
use crate::world::{BoundsTable, ClocksTable, DiskTable, NetworkTable, PhasesTable, settle};

/// The version of the scenario format.
pub const SCHEMA: i64 = 1;

/// The most nodes a scenario may have. Chosen by us: a fleet of a thousand, each with a client, and twice that.
pub const MOST_NODES: usize = 4_000;

/// The top-level names that belong to the harness.
pub(crate) const OWN: [&str; 16] = [
    "schema",
    "name",
    "summary",
    "system",
    "engine",
    "bounds",
    "network",
    "disk",
    "clocks",
    "phases",
    "expect",
    "fault",
    "plan",
    "chaos",
    "transport",
    "bug",
];

/// A scenario file that can be run.
#[derive(Debug)]
pub struct Scenario {
    /// Its name: that of its file, if it stands in one.
    pub name: String,
    /// What it shows, in one sentence.
    pub summary: String,
    /// The name of its system.
    pub system: String,
    /// What it should come to.
    pub expect: Expect,
    /// What a seed makes plans of.
    pub template: Template,
    /// The known mistake that it shows, if it shows one.
    pub bug: Option<Bug>,
    /// The system, wired as the scenario says.
    pub deployment: Deployment,
    /// Who runs it unless somebody says otherwise: what it shows may need a shell.
    pub engine: Engine,
    /// How the shells work that surround the nodes, on an engine that has shells.
    pub shell: ShellPolicy,
    /// What such an engine may leave out.
    pub(crate) allowed: Vec<&'static str>,
    /// How long it settles, as it is said.
    settle: AutoOrLength,
    /// What it was read from.
    pub(crate) source: Source,
    /// What stands in it, by key path, once somebody has asked.
    written: OnceLock<BTreeMap<String, String>>,
}

impl Scenario {
    /// Reads a scenario file as it is written. `systems` are those that it may name; if it names none, it runs the
    /// first.
    ///
    /// # Errors
    ///
    /// All that is wrong with it, as far as it can be told.
    pub fn load(path: &Path, systems: &[&dyn System]) -> Result<Self, ScenarioError> {
        Self::parse(Source::read(path)?, systems)
    }

    /// Reads a scenario. Its `[safe]` table must be right too, whichever variant is asked for.
    ///
    /// # Errors
    ///
    /// As [`load`](Self::load).
    ///
    /// # Panics
    ///
    /// If no system is offered, or one does not take the tables it lists.
    pub fn parse(source: Source, systems: &[&dyn System]) -> Result<Self, ScenarioError> {
        assert!(!systems.is_empty(), "a scenario runs some system");
        let mut found = Diagnostics::default();
        let scenario = found.keep(read(&source, systems));
        if source.variant() == Variant::AsWritten && overlay::has_safe_table(&source) {
            let safe = source.clone().without_overlays().as_variant(Variant::Safe);
            if let Err(wrong) = read(&safe, systems) {
                found.join(wrong);
            }
        }
        match scenario {
            Some(scenario) if found.is_empty() => scenario.check_values(systems).map(|()| scenario),
            _ => Err(ScenarioError::new(source, found)),
        }
    }

    /// Reads it with each value of `[chaos.values]`: a key that is misspelt would never be drawn. A value may go together
    /// only with some of another key, so what is refused alone is tried with the first and the last of all others.
    fn check_values(&self, systems: &[&dyn System]) -> Result<(), ScenarioError> {
        let values = &self.template.chaos.values;
        let setting = |key: &str, value: &str| Setting { key: key.to_owned(), value: Some(value.to_owned()) };
        let beside = |key: &str, pick: fn(&Vec<String>) -> Option<&String>| {
            let others = values.iter().filter(move |(other, _)| other != key);
            let others = others.filter_map(move |(other, values)| Some(setting(other, pick(values)?)));
            others.collect::<Vec<_>>()
        };
        for (key, value) in
            values.iter().flat_map(|(key, values)| values.iter().map(move |value| (key, value)))
        {
            let help = format!("this is what [chaos.values] draws for \"{key}\"");
            let with = |mut settings: Vec<Setting>| {
                settings.push(setting(key, value));
                let source = self.source.clone().with_settings(&settings);
                read(&source, systems).err().map(|found| ScenarioError::new(source, found.helped(&help)))
            };
            let Some(refused) = with(Vec::new()) else { continue };
            let goes_along = |others| with(others).is_none();
            if !goes_along(beside(key, |values| values.first()))
                && !goes_along(beside(key, |values| values.last()))
            {
                return Err(refused);
            }
        }
        Ok(())
    }

    /// Reads it again from a source that says something else about it: a variant of it that nobody wrote.
    pub(crate) fn again(source: Source, systems: &[&dyn System]) -> Result<Self, ScenarioError> {
        read(&source, systems).map_err(|found| ScenarioError::new(source, found))
    }

    /// Its text, as it stands in the file.
    pub fn text(&self) -> &str {
        self.source.text()
    }

    /// What it says under a key path, as TOML, if it says anything.
    pub fn written(&self, key: &str) -> Option<String> {
        let flat = || overlay::flatten(&overlay::read(&self.source).expect("it was read from this source"));
        self.written.get_or_init(flat).get(key).cloned()
    }

    /// The plan for one seed, with the faults that the scenario scripts and no others.
    pub fn plan(&self, seed: u64) -> Plan {
        self.template.expand(seed)
    }

    /// The same, as an engine runs it: with as long to settle as it needs, where that is left open.
    pub fn plan_for(&self, engine: Engine, seed: u64) -> Plan {
        self.settled_on(engine, self.plan(seed))
    }

    /// A plan with as long to settle as it needs on an engine, where that is left open.
    pub(crate) fn settled_on(&self, engine: Engine, mut plan: Plan) -> Plan {
        if engine != Engine::Sim && self.settle == AutoOrLength::Auto {
            let needed = settle(self.settle, &self.bounds(engine));
            plan.phases.settle = plan.phases.settle.max(needed);
        }
        plan
    }

    /// Whether it leaves nothing to a seed: all of them give the same run.
    pub fn is_explicit(&self) -> bool {
        self.template.noise.is_some()
    }

    /// What each fault does, in words, by id.
    pub fn describe(&self, faults: &[FaultPlan]) -> Vec<String> {
        let nodes: Vec<String> = self.deployment.nodes().iter().map(|node| node.name.clone()).collect();
        let commands: Vec<String> =
            self.deployment.commands().iter().map(|command| command.name.to_owned()).collect();
        faults.iter().map(|fault| describe(fault, &nodes, &commands)).collect()
    }

    /// What stands at the head of a trace of one run.
    pub fn header(&self, plan: &Plan, seed: u64, engine: Engine) -> Header {
        let nodes = self.deployment.nodes().iter().map(|node| TraceNode {
            name: node.name.clone(),
            role: node.role,
            relies_on: node.relies_on,
            contends_for: node.contends_for.clone(),
        });
        let owned = |name: &str| name.to_owned();
        Header {
            format: FORMAT,
            tool: owned(env!("CARGO_PKG_VERSION")),
            scenario: self.name.clone(),
            system: self.system.clone(),
            engine: owned(engine.name()),
            seed,
            nodes: nodes.collect(),
            instances: self.deployment.instances().to_vec(),
            faults: self.describe(&plan.faults),
            delaying: (0..)
                .map(FaultId)
                .zip(&plan.faults)
                .filter_map(|(fault, planned)| {
                    let (longest, links) = planned.action.delays_messages()?;
                    Some(Delaying { fault, longest, links })
                })
                .collect(),
            commands: self.deployment.commands().iter().map(|command| owned(command.name)).collect(),
            bounds: self.bounds(engine),
            invariants: self
                .deployment
                .invariants()
                .iter()
                .map(|invariant| owned(invariant.name()))
                .collect(),
            reach: self.expect.reach.clone(),
        }
    }
}

fn read(source: &Source, systems: &[&dyn System]) -> Result<Scenario, Diagnostics> {
    let root = overlay::read(source)?;
    let system = choose(&root, systems)?;
    let known: Vec<&'static str> = OWN.into_iter().chain(system.tables().iter().copied()).collect();
    let foreign: Vec<(&str, &str)> =
        systems.iter().flat_map(|other| other.tables().iter().map(|&table| (table, other.name()))).collect();
    let alone = check_alone(&root);
    let (mut tables, mut found) = Tables::new(root, known.clone(), &foreign);
    found.keep(alone);

    let head = found.keep(Head::take(&mut tables, source));
    let world = World::take(&mut tables, &mut found);
    let transport = found.keep(tables.take::<TransportTable>("transport")).unwrap_or_default();
    let (shell, allowed) = (found.keep(transport.policy()), found.keep(transport.allowed()));
    let faults = found.keep(tables.take_each::<FaultTable>("fault"));
    let expect = found.keep(tables.take::<ExpectTable>("expect"));
    let bug = found.keep(tables.take_if_there::<BugTable>("bug")).flatten();
    let deployment = found.keep(configure(system, &mut tables, &world.environment()));

    let Some(deployment) = deployment else { return Err(found) };
    let chaos = found.keep(world.phases.chaos());
    let cast = Cast { nodes: deployment.nodes(), commands: deployment.commands() };
    let faults =
        faults.zip(chaos.as_ref()).and_then(|(faults, chaos)| found.keep(plan_all(&faults, &cast, chaos)));
    let expect = expect.and_then(|table| found.keep(table.expect(deployment.invariants())));
    let bug = bug.and_then(|table| found.keep(table.get_ref().bug(deployment.invariants())));
    let parts = Part::ALL.into_iter().filter(|part| bug.is_none() || *part != Part::Policies).collect();
    let limits = world.limits.chaos(world.bounds.clock_rate(), &cast, &known, parts);
    let limits = found.keep(limits);
    let template = world.template(faults, chaos, limits, &deployment, &mut found);
    match (head, expect, template, shell, allowed) {
        (Some(head), Some(expect), Some(template), Some(shell), Some(allowed)) => found.or(Scenario {
            name: head.name,
            summary: head.summary,
            system: system.name().to_owned(),
            expect,
            template,
            bug,
            deployment,
            engine: head.engine,
            shell,
            allowed,
            settle: world.phases.settle(),
            source: source.clone(),
            written: OnceLock::new(),
        }),
        _ => Err(found),
    }
}

/// The system that the scenario names, or the first that is offered. This is read before all else, because it says
/// which tables are known.
fn choose<'s>(root: &DeTable<'_>, systems: &[&'s dyn System]) -> Result<&'s dyn System, Diagnostic> {
    let names = || systems.iter().map(|system| system.name());
    let all = || listed(names());
    match (root.get("system"), systems) {
        (Some(wanted), _) => {
            let Some(name) = wanted.get_ref().as_str() else {
                return Err(
                    Diagnostic::at(wanted.span(), "expected the name of a system, in quotes").help(all())
                );
            };
            systems.iter().copied().find(|system| system.name() == name).ok_or_else(|| {
                let diagnostic =
                    Diagnostic::at(wanted.span(), format!("no system is called `{}`", cut(name)));
                diagnostic.help(did_you_mean(name, names()))
            })
        }
        (None, [first, ..]) => Ok(*first),
        (None, []) => unreachable!("a scenario runs some system"),
    }
}

fn configure(
    system: &dyn System,
    tables: &mut Tables<'_>,
    environment: &Environment,
) -> Result<Deployment, Diagnostics> {
    let deployment = system.configure(tables, environment)?;
    if let Some(table) = tables.left(system.tables()) {
        panic!("the system {} lists the table [{table}] but does not take it", system.name());
    }
    let count = deployment.nodes().len();
    if count > MOST_NODES {
        return Err(Diagnostic::new(format!("the scenario has {count} nodes"))
            .help(format!("{MOST_NODES} are the most that can be run"))
            .into());
    }
    Ok(deployment)
}

fn plan_all(
    faults: &[Spanned<FaultTable>],
    cast: &Cast<'_>,
    chaos: &Chaos,
) -> Result<Vec<(FaultPlan, Span)>, Diagnostics> {
    let mut found = Diagnostics::default();
    let plans = faults
        .iter()
        .filter_map(|fault| found.keep(fault.get_ref().plan(fault.span(), cast, chaos)))
        .collect();
    found.or(plans)
}

fn check_not_spread(spreads: &[Span]) -> Result<(), Diagnostic> {
    match spreads.iter().position(|spread| !spread.is_zero()) {
        None => Ok(()),
        Some(place) => {
            let told =
                format!("fault {} has a `spread`, but with [plan] nothing is left to a seed", place + 1);
            Err(Diagnostic::new(told).help("remove `spread`, and write the instant as `at`"))
        }
    }
}

/// The keys at the top: `schema`, `name`, `summary`, `engine`.
struct Head {
    name: String,
    summary: String,
    engine: Engine,
}

impl Head {
    fn take(tables: &mut Tables<'_>, source: &Source) -> Result<Self, Diagnostics> {
        let mut found = Diagnostics::default();
        let schema = found.keep(tables.take_required("schema", "1", ""));
        if let Some(schema) = schema {
            found.keep(check_schema(&schema));
        }
        let name = match found.keep(tables.take_key::<String>("name")) {
            Some(Some(name)) => found.keep(check_name(name, source)),
            Some(None) if !tables.is_misspelt("name") => found.keep(name_of_file(source)),
            _ => None,
        };
        let summary = found.keep(tables.take_required("summary", "\"...\"", &format!(": {SUMMARY_HELP}")));
        let summary = summary.and_then(|summary| found.keep(check_summary(summary)));
        found.keep(tables.take_key::<String>("system"));
        let engine = found.keep(tables.take_key::<String>("engine"));
        let engine = engine.and_then(|engine| found.keep(which_engine(engine)));
        match (name, summary, engine) {
            (Some(name), Some(summary), Some(engine)) => found.or(Self { name, summary, engine }),
            _ => Err(found),
        }
    }
}

/// The engine that a scenario names.
fn which_engine(name: Option<Spanned<String>>) -> Result<Engine, Diagnostic> {
    let Some(name) = name else { return Ok(Engine::default()) };
    Engine::from_name(name.get_ref()).ok_or_else(|| {
        let message = format!("no engine is called `{}`", cut(name.get_ref()));
        Diagnostic::at(name.span(), message).help(did_you_mean(name.get_ref(), Engine::ALL.map(Engine::name)))
    })
}

const SUMMARY_HELP: &str = "one sentence on what the scenario shows, in quotes";

fn check_schema(schema: &Spanned<i64>) -> Result<(), Diagnostic> {
    let found = *schema.get_ref();
    if found == SCHEMA {
        return Ok(());
    }
    let diagnostic = Diagnostic::at(schema.span(), format!("schema {found} is unknown to this version"))
        .label(format!("expected {SCHEMA}"));
    Err(if found > SCHEMA {
        diagnostic.help("the file was written for a later version of leasehold")
    } else {
        diagnostic
    })
}

fn check_name(name: Spanned<String>, source: &Source) -> Result<String, Diagnostic> {
    let span = name.span();
    let name = name.into_inner();
    if let Some(stem) = source.stem()
        && stem != name
    {
        let message = format!("the name is `{}`, the file is called `{stem}`", cut(&name));
        let help = if source.is_overlay(&span) {
            "leave out this --set".to_owned()
        } else if is_name(stem) {
            format!("write name = \"{stem}\", or rename the file")
        } else {
            "rename the file: letters, digits, `-`, `_` and `.`".to_owned()
        };
        return Err(Diagnostic::at(span, message).label("expected the name of the file").help(help));
    }
    if !is_name(&name) {
        let diagnostic = Diagnostic::at(span, "this name cannot be the name of a file")
            .label("expected letters, digits, `-`, `_` and `.`");
        return Err(match source.stem() {
            Some(_) => diagnostic.help("rename the file: letters, digits, `-`, `_` and `.`"),
            None => diagnostic,
        });
    }
    Ok(name)
}

/// The name of a scenario that does not say it.
fn name_of_file(source: &Source) -> Result<String, Diagnostic> {
    match source.stem() {
        Some(stem) if is_name(stem) => Ok(stem.to_owned()),
        Some(stem) => {
            Err(Diagnostic::new(format!("the scenario cannot be called as its file: `{}`", cut(stem)))
                .help("rename the file: letters, digits, `-`, `_` and `.`"))
        }
        None => Err(Diagnostic::new("the scenario has no `name`, and stands in no file")
            .help("add `name = \"...\"` at the top")),
    }
}

/// Whether a scenario, and so a file, can be called this.
fn is_name(name: &str) -> bool {
    !name.is_empty() && name.chars().all(|c| c.is_alphanumeric() || "-_.".contains(c))
}

fn check_summary(summary: Spanned<String>) -> Result<String, Diagnostic> {
    if summary.get_ref().trim().is_empty() {
        return Err(
            Diagnostic::at(summary.span(), "the summary is empty").label(format!("expected {SUMMARY_HELP}"))
        );
    }
    Ok(summary.into_inner())
}

/// The tables about the world.
#[derive(Default)]
struct World {
    bounds: BoundsTable,
    network: NetworkTable,
    disk: DiskTable,
    clocks: ClocksTable,
    phases: PhasesTable,
    plan: Option<PlanTable>,
    limits: ChaosTable,
}

impl World {
    /// Takes them. One that is wrong is replaced by its default, so that the system's tables can be read too.
    fn take(tables: &mut Tables<'_>, found: &mut Diagnostics) -> Self {
        Self {
            bounds: found.keep(tables.take("bounds")).unwrap_or_default(),
            network: found.keep(tables.take("network")).unwrap_or_default(),
            disk: found.keep(tables.take("disk")).unwrap_or_default(),
            clocks: found.keep(tables.take("clocks")).unwrap_or_default(),
            phases: found.keep(tables.take("phases")).unwrap_or_default(),
            plan: found.keep(tables.take_if_there("plan")).flatten().map(Spanned::into_inner),
            limits: found.keep(tables.take("chaos")).unwrap_or_default(),
        }
    }

    fn environment(&self) -> Environment {
        Environment {
            clock_rate: self.bounds.clock_rate(),
            latency: self.network.plan().latency,
            disk: self.disk.latency.0,
            loss: self.network.plan().loss,
        }
    }

    /// The template, unless any part of it is wrong: what is wrong here goes to `found`.
    fn template(
        &self,
        faults: Option<Vec<(FaultPlan, Span)>>,
        chaos: Option<Chaos>,
        limits: Option<leasehold_plan::Chaos>,
        deployment: &Deployment,
        found: &mut Diagnostics,
    ) -> Option<Template> {
        let declared = self.bounds.clock_rate();
        let drawn = found.keep(self.clocks.drawn_within(declared));
        let given = found.keep(self.clocks.given(deployment.nodes()));
        let starts = match &self.plan {
            Some(plan) => found.keep(plan.starts(deployment.nodes())).map(Some),
            None => Some(None),
        };
        let (faults, chaos, limits) = (faults?, chaos?, limits?);
        let (faults, spreads): (Vec<FaultPlan>, Vec<Span>) = faults.into_iter().unzip();
        if self.plan.is_some() {
            found.keep(self.clocks.check_drawn_nowhere());
            found.keep(check_not_spread(&spreads));
        }
        let (drawn, given, starts) = (drawn?, given?, starts?);
        let node = |(index, node): (usize, &NodeSpec)| NodeTemplate {
            name: node.name.clone(),
            role: node.role,
            relies_on: node.relies_on,
            disk: self.disk.latency.0,
            rate: match (given[index].rate, &self.plan) {
                (Some(rate), _) => RateDraw::Fixed(rate),
                (None, Some(_)) => RateDraw::Fixed(RateError::ZERO),
                (None, None) => RateDraw::Within(drawn),
            },
            wall_offset: match (given[index].wall_offset, &self.plan) {
                (Some(offset), _) => OffsetDraw::Fixed(offset),
                (None, Some(_)) => OffsetDraw::Fixed(0),
                (None, None) => OffsetDraw::Within(self.clocks.wall_offset()),
            },
            starts: match &starts {
                Some(starts) => StartDraw::Fixed(starts[index]),
                None => StartDraw::Within(deployment.starts_within(node.role)),
            },
        };
        let nodes = deployment.nodes().iter().enumerate().map(node);
        Some(Template {
            nodes: nodes.collect(),
            network: self.network.plan(),
            faults,
            spreads,
            phases: self.phases.phases(&chaos, deployment.bounds()),
            clock_rate: declared,
            receive_buffer: self.network.receive_buffer(),
            noise: self.plan.as_ref().map(PlanTable::noise),
            chaos: limits,
            ttl: deployment.bounds().longest_ttl,
            commands: deployment.commands().iter().map(CommandSpec::template).collect(),
        })
    }
}

#[cfg(test)]
mod tests;
