//! The scenarios of this repository, as cases to be run on both engines.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use leasehold::{Engine, Plan, RegistrySystem, SingleGrantor};
use leasehold_scenario::{LONGEST_RUN, MOST_HOSTS, Misfit, Scenario, Source, Variant};

/// A scenario in one of its variants.
pub(crate) struct Case {
    /// Its file, beneath `scenarios`.
    pub(crate) file: String,
    pub(crate) variant: Variant,
    pub(crate) scenario: Scenario,
}

/// The root of the repository.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

impl Case {
    /// Reads one.
    pub(crate) fn read(name: &str, variant: Variant, overlays: &[&str]) -> Self {
        let file = format!("{name}.toml");
        let source =
            Source::read(&root().join("scenarios").join(&file)).unwrap_or_else(|error| panic!("{error}"));
        let source = source.as_variant(variant).with_overlays(overlays.iter().copied());
        let systems: [&dyn leasehold::System; 2] = [&SingleGrantor, &RegistrySystem];
        let scenario = Scenario::parse(source, &systems).unwrap_or_else(|error| panic!("{error}"));
        Self { file, variant, scenario }
    }

    /// What it is called in lists.
    pub(crate) fn name(&self) -> String {
        match self.variant {
            Variant::AsWritten => self.scenario.name.clone(),
            Variant::Safe => format!("{} --safe", self.scenario.name),
        }
    }

    /// Why it does not fit the second engine. The seed decides neither hosts nor length.
    pub(crate) fn too_large(&self) -> Option<String> {
        // How long exactly hangs on bounds, which is none of a list's business.
        let told = |misfit: &Misfit| match misfit {
            Misfit::Hosts { there } => format!("it has {there} hosts, and {MOST_HOSTS} fit"),
            Misfit::Length { .. } => format!("it takes more than {LONGEST_RUN} of simulated time"),
        };
        let why: Vec<String> = Engine::Turmoil.misfits(&self.plan()).iter().map(told).collect();
        (!why.is_empty()).then(|| why.join("; "))
    }

    /// What of it the second engine cannot do.
    pub(crate) fn not_expressed(&self) -> Option<String> {
        let lacking = self.scenario.inexpressible(&self.plan(), Engine::Turmoil);
        let why: BTreeSet<&str> = lacking.iter().map(|lacking| lacking.because.as_str()).collect();
        (!why.is_empty()).then(|| why.into_iter().collect::<Vec<_>>().join("; "))
    }

    /// Whether it is about a shell, and so says nothing where there is none.
    fn is_about_a_shell(&self) -> bool {
        self.scenario.engine == Engine::Turmoil
    }

    fn plan(&self) -> Plan {
        self.scenario.plan_for(Engine::Turmoil, 0)
    }

    /// How much the second engine has to do: idle time costs as much as busy, and hosts cost more the more they are.
    fn effort(&self) -> u64 {
        let plan = self.plan();
        let hosts = plan.nodes.len() as u64;
        plan.phases.ends_at().as_nanos() / 1_000_000_000 * hosts * hosts
    }

    /// Whether it is short enough to run with all other tests.
    pub(crate) fn is_quick(&self) -> bool {
        /// In hosts squared times seconds. Chosen by us, so that the tests of this file take under three minutes.
        const QUICK: u64 = 6_000;
        self.effort() <= QUICK
    }
}

/// All scenarios, in the order of their files. Of those that hold there is no safe variant.
pub(crate) fn all(variant: Variant) -> Vec<Case> {
    let folders: &[&str] = match variant {
        Variant::AsWritten => &["breaks", "holds", "regressions"],
        Variant::Safe => &["breaks"],
    };
    let mut names: Vec<String> = Vec::new();
    for folder in folders {
        for entry in std::fs::read_dir(root().join("scenarios").join(folder)).unwrap() {
            let path = entry.unwrap().path();
            if path.extension().is_some_and(|extension| extension == "toml") {
                names.push(format!("{folder}/{}", path.file_stem().unwrap().to_string_lossy()));
            }
        }
    }
    names.sort();
    names.iter().map(|name| Case::read(name, variant, &[])).collect()
}

/// Those that both engines can run as they are meant.
pub(crate) fn fitting(variant: Variant) -> Vec<Case> {
    let fits = |case: &Case| {
        case.too_large().is_none() && case.not_expressed().is_none() && !case.is_about_a_shell()
    };
    all(variant).into_iter().filter(fits).collect()
}
