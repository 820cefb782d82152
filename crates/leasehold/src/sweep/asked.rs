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
use crate::args::EngineName;
use crate::engines::overlay_of;
use crate::exit::Exit;
use crate::refusal::misuse;

/// What is to be run.
pub(super) struct Asked {
    pub(super) paths: Vec<PathBuf>,
    pub(super) options: ProgramOptions,
    pub(super) audit: Audit,
    /// How many runs that passed are confirmed on turmoil; nothing if none are, nor what failed.
    pub(super) confirm: Option<u64>,
    pub(super) shard: Shard,
}

impl Asked {
    /// What the command line says; with `--resume` or `--rerun-failed` and no paths, what the folder says.
    pub(super) fn new(args: &SweepArgs) -> Result<Self, Exit> {
        if args.force && args.out.is_none() && args.junit.is_none() {
            return Err(misuse("--force has nothing to replace", "name it with --out DIR or --junit FILE"));
        }
        if args.confirm.is_some() && args.engine == Some(EngineName::Turmoil) {
            let problem = "--confirm runs on turmoil what sim found, and the sweep runs on turmoil already";
            return Err(misuse(problem, "leave out --confirm, or --engine"));
        }
        let folder = args.resume.as_ref().or(args.rerun_failed.as_ref());
        if let (Some(dir), true) = (folder, args.paths.is_empty()) {
            return Self::as_in(dir, args);
        }
        let seeds = match (args.seeds, &args.rerun_failed) {
            (Some(seeds), _) => seeds,
            // Its folder says which seeds failed.
            (None, Some(dir)) => seeds_of(&failed_in(dir)?),
            (None, None) => {
                return Err(misuse("there are scenarios and no seeds", "say which: --seeds 0..1000"));
            }
        };
        let options = ProgramOptions {
            seeds,
            overlays: args.overlays.iter().cloned().chain(overlay_of(&args.allow)).collect(),
            variant: if args.safe { Variant::Safe } else { Variant::AsWritten },
            faults: if args.no_chaos { Faults::Scripted } else { Faults::Random },
            expectation: if args.ignore_expect { Expectation::Ignored } else { Expectation::Counts },
            engine: args.engine.map(Engine::from),
        };
        let shard =
            shard(args.shard).map_err(|error| misuse(&error.to_string(), "shards are counted from 1"))?;
        let paths = args.paths.clone();
        let audit = args.audit.unwrap_or_default();
        Ok(Self { paths, options, audit, confirm: args.confirm, shard })
    }

    /// What a folder says, which nothing on the command line may say too.
    fn as_in(dir: &Path, args: &SweepArgs) -> Result<Self, Exit> {
        let said = said(args);
        if !said.is_empty() {
            let (said, dir) = (said.join(", "), dir.display());
            let problem = format!("{said}: without paths, a sweep is run as {dir} says it was ordered");
            return Err(misuse(&problem, "leave it out, or name the scenarios too"));
        }
        let asked = match Results::open(dir) {
            // What failed in a shard is all run again: it is not cut once more.
            Ok(results) if args.rerun_failed.is_some() => {
                Self::of(results.manifest()).map(|asked| Self { shard: Shard::WHOLE, ..asked })
            }
            Ok(results) => Self::of(results.manifest()),
            Err(ResultsError::NoResults(_)) if args.rerun_failed.is_some() => {
                let records = failures(dir)?;
                if records.is_empty() {
                    return Err(nothing_failed(dir));
                }
                Self::of_failures(&records)
            }
            Err(error) => return Err(refuse(&error)),
        };
        asked.ok_or_else(|| {
            let dir = dir.display();
            let problem =
                format!("{dir} was ordered in more ways than one, or in one that is not known here");
            misuse(&problem, "name the scenarios and the seeds too")
        })
    }

    /// How stored failures were found; nothing if they were found in different ways.
    fn of_failures(records: &[FailureRecord]) -> Option<Self> {
        let first = records.first()?;
        let same = |record: &FailureRecord| {
            let (one, other) = (&first.scenario, &record.scenario);
            (one.safe, &one.set) == (other.safe, &other.set)
                && (&first.engine, first.ignore_expect) == (&record.engine, record.ignore_expect)
        };
        if !records.iter().all(same) {
            return None;
        }
        let runs: Vec<(String, u64)> = records.iter().map(run_of).collect();
        let mut paths: Vec<PathBuf> = runs.iter().map(|(path, _)| PathBuf::from(path)).collect();
        paths.dedup();
        // A scenario that takes no random faults is run without them whatever the others have.
        let is_random = records.iter().any(|record| record.chaos);
        let engine = Some(Engine::from_name(&first.engine)?);
        let options = ProgramOptions {
            seeds: seeds_of(&runs),
            overlays: first.scenario.set.clone(),
            variant: if first.scenario.safe { Variant::Safe } else { Variant::AsWritten },
            faults: if is_random { Faults::Random } else { Faults::Scripted },
            expectation: if first.ignore_expect { Expectation::Ignored } else { Expectation::Counts },
            engine,
        };
        Some(Self { paths, options, audit: Audit::default(), confirm: None, shard: Shard::WHOLE })
    }

    fn of(manifest: &Manifest) -> Option<Self> {
        let order = &manifest.order;
        let engine = match &order.engine {
            Some(name) => Some(Engine::from_name(name)?),
            None => None,
        };
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
            engine,
        };
        Some(Self {
            paths: order.scenarios.iter().map(|scenario| PathBuf::from(&scenario.path)).collect(),
            options,
            audit: Audit::of(Chance::from_ppm(order.audit_ppm)?),
            confirm: order.confirm,
            shard: manifest.shard.as_ref().map_or(Some(Shard::WHOLE), |shard| shard.parse().ok())?,
        })
    }
}

/// The shard that is asked for. Says where it comes from if that is the environment.
pub(crate) fn shard(choice: Option<ShardChoice>) -> Result<Shard, ShardError> {
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

/// What the command line says of how runs are made.
fn said(args: &SweepArgs) -> Vec<&'static str> {
    let options = [
        ("--seeds", args.seeds.is_some()),
        ("--set", !args.overlays.is_empty()),
        ("--safe", args.safe),
        ("--no-chaos", args.no_chaos),
        ("--ignore-expect", args.ignore_expect),
        ("--audit", args.audit.is_some()),
        ("--engine", args.engine.is_some()),
        ("--allow", !args.allow.is_empty()),
        ("--confirm", args.confirm.is_some()),
        ("--shard", args.shard.is_some()),
    ];
    options.into_iter().filter(|(_, is_said)| *is_said).map(|(name, _)| name).collect()
}

/// The least range that has all seeds of some runs.
fn seeds_of(runs: &[(String, u64)]) -> SeedRange {
    let seeds = || runs.iter().map(|&(_, seed)| seed);
    let (first, last) = (seeds().min().unwrap_or(0), seeds().max().unwrap_or(0));
    // The last seed of all cannot be in a range, nor swept.
    let end = last.saturating_add(1);
    SeedRange::new(first.min(end - 1), end).expect("it ends behind its first")
}

fn nothing_failed(dir: &Path) -> Exit {
    misuse(&format!("nothing failed in {}", dir.display()), "there is nothing to run again")
}

/// The runs of a results folder that failed, or those of a folder of failures. At least one.
fn failed_in(dir: &Path) -> Result<Vec<(String, u64)>, Exit> {
    let runs = match Results::open(dir) {
        Ok(results) => failed_runs(&results).map_err(|error| refuse(&error))?,
        Err(ResultsError::NoResults(_)) => failures(dir)?.iter().map(run_of).collect(),
        Err(error) => return Err(refuse(&error)),
    };
    if runs.is_empty() { Err(nothing_failed(dir)) } else { Ok(runs) }
}

fn run_of(record: &FailureRecord) -> (String, u64) {
    (record.scenario.path.clone(), record.seed)
}

/// What failed in a folder, as runs of a program.
pub(super) fn failed(dir: &Path, program: &Program) -> Result<Vec<Job>, Exit> {
    let runs = failed_in(dir)?;
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

/// Stored failures: in the folder itself, or in its folder `failures`.
fn failures(dir: &Path) -> Result<Vec<FailureRecord>, Exit> {
    let below = dir.join("failures");
    let dir = if below.is_dir() { &below } else { dir };
    let unreadable = |error: std::io::Error| misuse(&format!("{error}"), "name a results folder");
    let entries = fs_err::read_dir(dir).map_err(unreadable)?;
    let mut records = Vec::new();
    for entry in entries {
        let folder = entry.map_err(unreadable)?.path();
        if !folder.is_dir() {
            continue;
        }
        let record = FailureRecord::read(&folder)
            .map_err(|error| misuse(&error.to_string(), "name a results folder, or a folder of failures"))?;
        records.push(record);
    }
    records.sort_by_key(run_of);
    Ok(records)
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
        ResultsError::NoStudy(_) => "name a folder that tune --out or merge --out wrote",
        ResultsError::OtherFormat { .. } => "use the version of leasehold that wrote it",
        ResultsError::OtherOrder { .. } => "leave out what differs, or begin anew with --out",
        ResultsError::Gaps(_) => "run the shards that are missing, and merge",
        ResultsError::Damaged { .. } => "copy it again from where it was written, or run it again",
        _ => "name a results folder",
    };
    misuse(&error.to_string(), help)
}
