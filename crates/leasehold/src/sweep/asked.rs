//! What a command line asks for, which may leave it to a results folder.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use leasehold_campaign::{
    Audit, Expectation, FailureRecord, FaultSource, Job, Manifest, Program, ProgramOptions, Results,
    ResultsError, SeedRange, Shard, ShardError, VariantName,
};
use leasehold_core::plan::Chance;
use leasehold_scenario::{Engine, Faults, Variant};

use super::arguments::{ShardChoice, SweepArgs};
use crate::exit::Exit;
use crate::refusal::misuse;

/// What is to be run.
pub(super) struct Asked {
    pub(super) paths: Vec<PathBuf>,
    pub(super) options: ProgramOptions,
    pub(super) audit: Audit,
    pub(super) engine: Engine,
    pub(super) shard: Shard,
}

impl Asked {
    /// What the command line says; with `--resume` or `--rerun-failed` and no paths, what the folder says.
    pub(super) fn new(args: &SweepArgs) -> Result<Self, Exit> {
        let folder = args.resume.as_ref().or(args.rerun_failed.as_ref());
        if let (Some(dir), true) = (folder, args.paths.is_empty()) {
            let asked = Results::open(dir).map_err(|error| refuse(&error)).and_then(|results| {
                Self::of(results.manifest()).ok_or_else(|| {
                    let problem =
                        format!("{} was ordered in a way that this version does not know", dir.display());
                    misuse(&problem, "name the scenarios and the seeds too")
                })
            })?;
            return Ok(asked);
        }
        let Some(seeds) = args.seeds else {
            return Err(misuse("there are scenarios and no seeds", "say which: --seeds 0..1000"));
        };
        let options = ProgramOptions {
            seeds,
            overlays: args.overlays.clone(),
            variant: if args.safe { Variant::Safe } else { Variant::AsWritten },
            faults: if args.no_chaos { Faults::Scripted } else { Faults::Random },
            expectation: if args.ignore_expect { Expectation::Ignored } else { Expectation::Counts },
        };
        let shard =
            shard(args.shard).map_err(|error| misuse(&error.to_string(), "shards are counted from 1"))?;
        let paths = args.paths.clone();
        Ok(Self { paths, options, audit: args.audit, engine: args.engine.into(), shard })
    }

    fn of(manifest: &Manifest) -> Option<Self> {
        let order = &manifest.order;
        let options = ProgramOptions {
            seeds: SeedRange::new(order.seeds.0, order.seeds.1).ok()?,
            overlays: order.overlays.clone(),
            variant: match order.variant {
                VariantName::AsWritten => Variant::AsWritten,
                VariantName::Safe => Variant::Safe,
            },
            faults: match order.faults {
                FaultSource::Scripted => Faults::Scripted,
                FaultSource::Random => Faults::Random,
            },
            expectation: if order.ignore_expect { Expectation::Ignored } else { Expectation::Counts },
        };
        Some(Self {
            paths: order.scenarios.iter().map(|scenario| PathBuf::from(&scenario.path)).collect(),
            options,
            audit: Audit::of(Chance::from_ppm(order.audit_ppm)?),
            engine: Engine::from_name(&order.engine)?,
            shard: manifest.shard.as_ref().map_or(Some(Shard::WHOLE), |shard| shard.parse().ok())?,
        })
    }
}

/// The shard that is asked for. Says where it comes from if that is the environment.
fn shard(choice: Option<ShardChoice>) -> Result<Shard, ShardError> {
    match choice {
        None => Ok(Shard::WHOLE),
        Some(ShardChoice::This(shard)) => Ok(shard),
        Some(ShardChoice::Auto) => {
            let taken = Shard::auto(&|name| std::env::var(name).ok())?;
            anstream::eprintln!("shard {}: from {}", taken.shard, taken.from);
            Ok(taken.shard)
        }
    }
}

/// The runs of a results folder that failed, or those of a folder of failures.
pub(super) fn failed(dir: &Path, program: &Program) -> Result<Vec<Job>, Exit> {
    let runs = match Results::open(dir) {
        Ok(results) => failed_runs(&results).map_err(|error| refuse(&error))?,
        Err(ResultsError::NoResults(_)) => failures(dir)?,
        Err(error) => return Err(refuse(&error)),
    };
    if runs.is_empty() {
        let problem = format!("nothing failed in {}", dir.display());
        return Err(misuse(&problem, "there is nothing to run again"));
    }
    let places: BTreeMap<String, usize> = program
        .entries()
        .iter()
        .zip(0..)
        .map(|(entry, place)| (entry.path.display().to_string(), place))
        .collect();
    let job = |(path, seed): (String, u64)| match places.get(&path) {
        Some(&scenario) => Ok(Job { scenario, seed }),
        None => {
            let problem = format!("{path} failed in {}, and is not among the scenarios", dir.display());
            Err(misuse(&problem, "name it too, as it is written there"))
        }
    };
    runs.into_iter().map(job).collect()
}

fn failed_runs(results: &Results) -> Result<Vec<(String, u64)>, ResultsError> {
    let scenarios = &results.manifest().order.scenarios;
    let mut runs = Vec::new();
    for record in results.records()? {
        let record = record?;
        if !record.failed.is_empty() || record.second_digest.is_some() {
            runs.push((scenarios[record.scenario].path.clone(), record.seed));
        }
    }
    Ok(runs)
}

/// The seeds of stored failures: in the folder itself, or in its folder `failures`.
fn failures(dir: &Path) -> Result<Vec<(String, u64)>, Exit> {
    let below = dir.join("failures");
    let dir = if below.is_dir() { &below } else { dir };
    let unreadable = |error: std::io::Error| misuse(&format!("{error}"), "name a results folder");
    let entries = fs_err::read_dir(dir).map_err(unreadable)?;
    let mut runs = Vec::new();
    for entry in entries {
        let folder = entry.map_err(unreadable)?.path();
        if !folder.is_dir() {
            continue;
        }
        let record = FailureRecord::read(&folder)
            .map_err(|error| misuse(&error.to_string(), "name a results folder, or a folder of failures"))?;
        runs.push((record.scenario.path, record.seed));
    }
    runs.sort();
    Ok(runs)
}

/// Says what is wrong with a results folder, and what to do about it.
pub(crate) fn refuse(error: &ResultsError) -> Exit {
    if error.is_about_writing() {
        anstream::eprintln!("error: {error}");
        return Exit::NotWritten;
    }
    let help = match error {
        ResultsError::Exists(_) => "name another folder, or replace it with --force",
        ResultsError::NotOurs { .. } => "name another folder",
        ResultsError::NoResults(_) => "name a folder that sweep --out or merge --out wrote",
        ResultsError::OtherFormat { .. } => "use the version of leasehold that wrote it",
        ResultsError::OtherOrder { .. } => "leave out what differs, or begin anew with --out",
        ResultsError::Gaps(_) => "run the shards that are missing, and merge",
        ResultsError::Damaged { .. } => "copy it again from where it was written, or run it again",
        _ => "name a results folder",
    };
    misuse(&error.to_string(), help)
}
