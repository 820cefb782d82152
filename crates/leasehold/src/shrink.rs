//! `shrink`: the smallest run that fails in the same way, as a scenario file.

use std::io::{self, IsTerminal, Write};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use leasehold_campaign::{Failure, Progress};
use leasehold_campaign::{
    FailureFolder, Fingerprint, Search, Shrunk, most_runs, shell_path, shell_word, shrink as smaller,
};
use leasehold_scenario::{Engine, Faults, Report, System, Trial, Variant};

use crate::again::program;
use crate::args::{EngineName, seed};
use crate::engines::{self, Allowing, Misfits, engine_for};
use crate::exit::Exit;
use crate::page::Page;
use crate::panics;
use crate::refusal::{finish, load, misuse, not_written, refuse};
use crate::replay::refuse_failure;
use crate::words::{counted, grouped};

/// Elsewhere than on a terminal, a line is printed every so many runs: about every few seconds.
const RUNS_A_LINE: u64 = 500;
/// On a terminal, the line is renewed every so many runs.
const RUNS_A_GLANCE: u64 = 10;

/// `shrink`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
The result is a scenario file that leaves nothing to a seed. It runs with `leasehold run`, and can be dropped into
scenarios/regressions/ under any name.

Exit codes:
    0  the result is printed, or written
    2  the command line, the scenario or the folder is wrong, or the run does not fail
    3  a second run of the same plan came to another digest
   74  the result could not be written")]
pub(crate) struct ShrinkArgs {
    /// The folder of a stored failure, or a plan or scenario file
    pub(crate) failure: PathBuf,

    /// The seed of a scenario file, decimal or hexadecimal (0x...)
    #[arg(long, value_name = "N", value_parser = seed)]
    pub(crate) seed: Option<u64>,

    /// Run a scenario file with random faults, as a sweep does
    #[arg(long)]
    pub(crate) chaos: bool,

    /// Replace a value of a scenario file, as in lease.ttl=5s or fault.0.for=20s; can be given many times
    #[arg(long = "set", value_name = "KEY=VALUE")]
    pub(crate) overlays: Vec<String>,

    /// Run the safe variant of a scenario file
    #[arg(long)]
    pub(crate) safe: bool,

    /// The engine that runs the nodes; the one that found the failure unless it is given
    #[arg(long, value_enum)]
    pub(crate) engine: Option<EngineName>,

    /// How it fails, or a part of that, as in fencing: the first failure of the run unless it is given
    #[arg(long, value_name = "TEXT")]
    pub(crate) fingerprint: Option<String>,

    /// Write the result to this file instead of standard output
    #[arg(long, value_name = "FILE")]
    pub(crate) out: Option<PathBuf>,

    /// Overwrite the file of --out; without --out, replace the smaller run that the folder has
    #[arg(long)]
    pub(crate) force: bool,

    /// End the search after so many runs: 3000 on sim and 100 on turmoil unless it is given
    #[arg(long, value_name = "N")]
    pub(crate) runs: Option<u64>,
}

/// What is to be made smaller.
struct Found {
    trial: Trial,
    engine: Engine,
    /// How it fails, if that is stored.
    fingerprint: Option<Fingerprint>,
    /// The keys that a seed decided and that stand in its plan since.
    drawn: Vec<String>,
    folder: Option<FailureFolder>,
}

/// Makes a failing run smaller, and prints or writes what is left.
pub(crate) fn shrink(args: &ShrinkArgs, systems: &[&dyn System]) -> Exit {
    if let Some(out) = args.out.as_deref().filter(|out| out.exists() && !args.force) {
        return misuse(
            &format!("{} exists", out.display()),
            "add --force to overwrite it, or name another file",
        );
    }
    if let Some(results) = results_around(&args.failure).filter(|_| args.force && args.out.is_none()) {
        return misuse(
            &format!("{} is a part of the results in {}", args.failure.display(), results.display()),
            "results are left as they were written: name another file with --out FILE",
        );
    }
    match find(args, systems) {
        Ok(found) => match confirm(args, &found) {
            Ok((report, fingerprint)) => search(args, &found, &report, &fingerprint, systems),
            Err(exit) => exit,
        },
        Err(exit) => exit,
    }
}

/// The results folder that the folder of a failure stands in, which holds each file against a digest.
fn results_around(failure: &Path) -> Option<PathBuf> {
    let failure = failure.canonicalize().ok().filter(|failure| failure.is_dir())?;
    let results = failure.parent()?.parent()?;
    results.join("manifest.json").is_file().then(|| results.to_owned())
}

fn find(args: &ShrinkArgs, systems: &[&dyn System]) -> Result<Found, Exit> {
    if FailureFolder::is_at(&args.failure) {
        if args.seed.is_some() || args.chaos || args.safe || !args.overlays.is_empty() {
            let problem =
                "--seed, --chaos, --set and --safe are of scenario files, and this is a stored failure";
            return Err(misuse(problem, "leave them out: its plan is fixed"));
        }
        let folder = FailureFolder::load(&args.failure, systems).map_err(|error| refuse_failure(&error))?;
        let engine = args.engine.map_or(folder.engine, Engine::from);
        let fingerprint = args.fingerprint.is_none().then(|| folder.record.fingerprint.clone());
        // Under the name of the scenario that it is of.
        let trial = folder.plan.read_again([], systems).map_err(|error| refuse(&error))?;
        let settings = folder.record.settings.iter();
        let drawn = settings.filter(|setting| setting.value.is_some()).map(|setting| setting.key.clone());
        let drawn = drawn.collect();
        return Ok(Found { trial, engine, fingerprint, drawn, folder: Some(folder) });
    }
    let variant = if args.safe { Variant::Safe } else { Variant::AsWritten };
    let scenario = load(&args.failure, &args.overlays, variant, systems).map_err(|error| refuse(&error))?;
    let faults = if args.chaos { Faults::Random } else { Faults::Scripted };
    let engine = engine_for(args.engine, &scenario);
    let trial = Trial::meant_for(engine, &Arc::new(scenario), args.seed.unwrap_or(0), faults, systems);
    engines::check(&trial, engine, Misfits::Run, Allowing::File)?;
    Ok(Found { trial, engine, fingerprint: None, drawn: Vec::new(), folder: None })
}

/// Runs it twice, and says how it fails.
fn confirm(args: &ShrinkArgs, found: &Found) -> Result<(Report, Fingerprint), Exit> {
    let run = || panics::watch(|| found.trial.run(found.engine, &mut ())).0;
    let report = run();
    let all = Fingerprint::of(found.trial.scenario(), &report);
    let is_wanted = |fingerprint: &&Fingerprint| match (&found.fingerprint, &args.fingerprint) {
        (Some(stored), _) => *fingerprint == stored,
        (None, Some(part)) => fingerprint.to_string().contains(part) || fingerprint.slug().contains(part),
        (None, None) => true,
    };
    let Some(fingerprint) = all.iter().find(is_wanted).cloned() else {
        return Err(does_not_fail(args, found, &all));
    };
    let again = run().digest;
    if again != report.digest {
        let digest = report.digest;
        anstream::eprintln!("error: not deterministic: the same plan came to {digest} and to {again}");
        return Err(Exit::NotDeterministic);
    }
    Ok((report, fingerprint))
}

fn does_not_fail(args: &ShrinkArgs, found: &Found, all: &[Fingerprint]) -> Exit {
    let others: Vec<String> = all.iter().map(|other| format!("\n  {other}")).collect();
    let others = match others.as_slice() {
        [] => "nothing fails in it".to_owned(),
        others => format!("what fails in it is{}", others.concat()),
    };
    match (&found.fingerprint, &args.fingerprint) {
        (Some(stored), _) => misuse(
            &format!("the stored plan does not fail any more by {stored}"),
            &format!("{others}\nhelp: `leasehold replay` shows what it comes to"),
        ),
        (None, Some(part)) => misuse(&format!("no failure of this run is called `{part}`"), &others),
        (None, None) if args.chaos || found.trial.scenario().is_explicit() => {
            misuse("this run does not fail: there is nothing to shrink", "name the seed of a run that does")
        }
        (None, None) => misuse(
            "this run does not fail: there is nothing to shrink",
            "name the --seed of a run that does, or add --chaos for random faults",
        ),
    }
}

fn search(
    args: &ShrinkArgs,
    found: &Found,
    report: &Report,
    fingerprint: &Fingerprint,
    systems: &[&dyn System],
) -> Exit {
    let failure = Failure { trial: &found.trial, report, fingerprint, drawn: &found.drawn };
    let mut glance = Glance::begin();
    let mut watch = |progress: Progress| {
        glance.show(progress);
        ControlFlow::Continue(())
    };
    let runs = args.runs.unwrap_or_else(|| most_runs(found.engine));
    let (shrunk, _) = panics::watch(|| smaller(failure, found.engine, systems, runs, &mut watch));
    glance.end();

    let text = shrunk.trial.to_toml();
    let destination = match (&args.out, &found.folder) {
        (Some(out), _) => Some((out.clone(), write(out, &text, Standing::of(args)))),
        (None, Some(folder)) if args.force => Some((folder.shrunk_file(), folder.replace_shrunk(&shrunk))),
        (None, _) => None,
    };
    if let Some((file, Err(error))) = &destination {
        return not_written(Some(file), error);
    }
    let exit = match &destination {
        Some(_) => Exit::Fine,
        None => {
            let mut page = Page::stdout();
            page.text(&text);
            finish(page, Exit::Fine)
        }
    };
    tell(args, found, &shrunk, fingerprint, destination.map(|(file, _)| file).as_deref());
    exit
}

/// What becomes of a file that stands there already.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Standing {
    Replaced,
    Kept,
}

impl Standing {
    fn of(args: &ShrinkArgs) -> Self {
        if args.force { Self::Replaced } else { Self::Kept }
    }
}

/// Writes a file whole or not at all. As with a trace, a link is followed and stays, and what is no regular file (a
/// pipe, a device) is written into.
fn write(file: &Path, text: &str, standing: Standing) -> io::Result<()> {
    let file = file.canonicalize().unwrap_or_else(|_| file.to_owned());
    if standing == Standing::Replaced
        && let Ok(other) = fs_err::metadata(&file)
        && !other.is_file()
    {
        return fs_err::OpenOptions::new().write(true).open(&file)?.write_all(text.as_bytes());
    }
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut builder = tempfile::Builder::new();
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        builder.permissions(std::fs::Permissions::from_mode(0o666));
    }
    let mut beside = builder.tempfile_in(folder)?;
    beside.write_all(text.as_bytes())?;
    let placed = match standing {
        Standing::Replaced => beside.persist(&file),
        // It may have come to be there since.
        Standing::Kept => beside.persist_noclobber(&file),
    };
    placed.map_err(|error| error.error)?;
    Ok(())
}

/// What was found, for people.
fn tell(args: &ShrinkArgs, found: &Found, shrunk: &Shrunk, fingerprint: &Fingerprint, file: Option<&Path>) {
    let faults = |trial: &Trial| trial.plan().faults.len() as u64;
    let (before, after) = (counted(faults(&found.trial), "fault"), grouped(faults(&shrunk.trial)));
    let runs = counted(shrunk.runs, "run");
    anstream::eprintln!("fails by   {fingerprint}");
    anstream::eprintln!("shrunk     from {before} to {after}, in {runs}");
    if shrunk.search == Search::CutShort {
        anstream::eprintln!("           the search ended there: with more --runs it may become smaller");
    }
    let line = match file {
        Some(file) => format!("run {}", shell_path(file)),
        None => format!("{} --out FILE", called(args)),
    };
    let what = if file.is_some() { "to see it" } else { "to keep it" };
    anstream::eprintln!("{what:<11}{} {line}", program());
}

/// This call, as a shell takes it.
fn called(args: &ShrinkArgs) -> String {
    let mut line = format!("shrink {}", shell_path(&args.failure));
    if let Some(seed) = args.seed {
        line.push_str(&format!(" --seed {seed}"));
    }
    for (flag, is_given) in [(" --chaos", args.chaos), (" --safe", args.safe)] {
        line.push_str(if is_given { flag } else { "" });
    }
    for overlay in &args.overlays {
        line.push_str(&format!(" --set {}", shell_word(overlay)));
    }
    if let Some(part) = &args.fingerprint {
        line.push_str(&format!(" --fingerprint {}", shell_word(part)));
    }
    line
}

/// Says how far a search is: in one line that is renewed on a terminal, in a line now and then elsewhere.
struct Glance {
    on_terminal: bool,
}

impl Glance {
    fn begin() -> Self {
        Self { on_terminal: io::stderr().is_terminal() }
    }

    fn show(&mut self, Progress { runs, faults }: Progress) {
        let every = if self.on_terminal { RUNS_A_GLANCE } else { RUNS_A_LINE };
        if runs == 0 || !runs.is_multiple_of(every) {
            return;
        }
        let line = format!("shrinking: {}, {} left", counted(runs, "run"), counted(faults as u64, "fault"));
        if self.on_terminal {
            anstream::eprint!("\r\x1b[2K{line}");
        } else {
            anstream::eprintln!("{line}");
        }
    }

    fn end(&mut self) {
        if self.on_terminal {
            anstream::eprint!("\r\x1b[2K");
        }
    }
}
