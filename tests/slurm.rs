//! Real schedulers run shards: a Slurm array and GNU parallel. Ignored unless asked for by name:
//!
//!     cargo test -p leasehold --test slurm -- --ignored --nocapture
//!
//! Nothing is installed. What is not there is said, and counts as passed; `LEASEHOLD_ENGINES=required` makes it fail.
//! Slurm is started by hand: munged, slurmctld and slurmd of our own, in a temporary folder, on ports of their own,
//! without systemd, cgroups and accounting. Debian has them as `slurm-wlm`, `munge` and `parallel`.
#![expect(clippy::unwrap_used, reason = "a test may fail so")]
#![expect(clippy::print_stdout, reason = "what is not there is said")]

#[path = "desk/mod.rs"]
mod desk;

use std::fmt::Write as _;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use desk::{Desk, Ended, PROGRAM};

/// How many shards.
const SHARDS: usize = 7;

/// What each of them runs a slice of.
const SWEEP: &str = "sweep scenarios --seeds 0..20 --quiet";

/// Where the tools are; nothing if one of them is not there, which is said.
fn tools<const N: usize>(names: [&str; N]) -> Option<[PathBuf; N]> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders: Vec<PathBuf> =
        std::env::split_paths(&path).chain(["/usr/sbin".into(), "/sbin".into()]).collect();
    let find = |name: &str| folders.iter().map(|folder| folder.join(name)).find(|file| file.is_file());
    let missing: Vec<&str> = names.into_iter().filter(|name| find(name).is_none()).collect();
    if missing.is_empty() {
        return Some(names.map(|name| find(name).unwrap()));
    }
    let told = format!("SKIPPED: {} not installed", missing.join(", "));
    assert!(std::env::var_os("LEASEHOLD_ENGINES").is_none(), "{told}");
    println!("{told}");
    None
}

/// A daemon that ends with the test, whatever comes of it.
struct Daemon(Child);

impl Daemon {
    fn start(mut command: Command) -> Self {
        Self(command.stdin(Stdio::null()).spawn().unwrap())
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        // It may be gone already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A cluster of one machine.
struct Cluster {
    conf: PathBuf,
    // Dropped in this order.
    _slurmd: Daemon,
    _slurmctld: Daemon,
    _munged: Daemon,
    _folder: tempfile::TempDir,
}

impl Cluster {
    fn start([munged, slurmctld, slurmd, sinfo]: [PathBuf; 4]) -> Self {
        let folder = tempfile::Builder::new().prefix("slurm-").tempdir().unwrap();
        let root = folder.path();
        open_to_all(root);
        let log = |name: &str| {
            let file = std::fs::File::create(root.join(name)).unwrap();
            (file.try_clone().unwrap(), file)
        };
        let run = |program: &Path, args: &[String], name: &str| {
            let (out, err) = log(name);
            let mut command = Command::new(program);
            command.args(args).env("SLURM_CONF", root.join("slurm.conf")).stdout(out).stderr(err);
            Daemon::start(command)
        };
        let at = |flag: &str, name: &str| format!("--{flag}={}", root.join(name).display());
        key(&root.join("munge.key"));
        let munge = [
            "--foreground".to_owned(),
            at("key-file", "munge.key"),
            at("socket", "munge.sock"),
            at("pid-file", "munged.pid"),
            at("seed-file", "munged.seed"),
        ];
        let munged = run(&munged, &munge, "munged.log");
        wait_for("munged", root, || root.join("munge.sock").exists());
        let conf = root.join("slurm.conf");
        std::fs::write(&conf, configuration(root)).unwrap();
        for name in ["state", "spool"] {
            std::fs::create_dir(root.join(name)).unwrap();
        }
        let slurmctld = run(&slurmctld, &["-D".to_owned()], "slurmctld.log");
        let slurmd = run(&slurmd, &["-D".to_owned()], "slurmd.log");
        wait_for("the node", root, || {
            let mut command = Command::new(&sinfo);
            command.args(["--noheader", "--format=%t"]).env("SLURM_CONF", &conf);
            command.output().is_ok_and(|output| output.stdout.trim_ascii() == b"idle")
        });
        Self { conf, _slurmd: slurmd, _slurmctld: slurmctld, _munged: munged, _folder: folder }
    }

    fn command(&self, desk: &Desk, program: &Path) -> Command {
        let mut command = desk.command(program.to_str().unwrap());
        command.env("SLURM_CONF", &self.conf);
        command
    }
}

/// Without systemd, cgroups and accounting, for whoever runs the test.
fn configuration(root: &Path) -> String {
    let said = |program: &str, args: &[&str]| {
        let output = Command::new(program).args(args).output().unwrap();
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    };
    let (host, user) = (said("hostname", &["-s"]), said("id", &["-un"]));
    let cpus = std::thread::available_parallelism().unwrap();
    let [control, node] = free_ports();
    let root = root.display();
    let mut conf = String::new();
    for line in [
        "ClusterName=leasehold".to_owned(),
        format!("SlurmctldHost={host}(127.0.0.1)"),
        format!("SlurmctldPort={control}\nSlurmdPort={node}"),
        format!("AuthType=auth/munge\nAuthInfo=socket={root}/munge.sock"),
        format!("SlurmUser={user}\nSlurmdUser={user}"),
        format!("StateSaveLocation={root}/state\nSlurmdSpoolDir={root}/spool"),
        format!("SlurmctldPidFile={root}/slurmctld.pid\nSlurmdPidFile={root}/slurmd.pid"),
        "ProctrackType=proctrack/linuxproc\nTaskPlugin=task/none".to_owned(),
        "AccountingStorageType=accounting_storage/none\nJobAcctGatherType=jobacct_gather/none".to_owned(),
        "SelectType=select/cons_tres\nSelectTypeParameters=CR_CPU".to_owned(),
        "MpiDefault=none\nReturnToService=2\nSchedulerParameters=sched_interval=1".to_owned(),
        format!("NodeName={host} NodeAddr=127.0.0.1 CPUs={cpus} State=UNKNOWN"),
        "PartitionName=all Nodes=ALL Default=YES MaxTime=INFINITE State=UP".to_owned(),
    ] {
        writeln!(conf, "{line}").unwrap();
    }
    conf
}

/// Ports that are free now, and with some luck still are when the daemons take them.
fn free_ports() -> [u16; 2] {
    let listeners = [0, 0].map(|port| TcpListener::bind(("127.0.0.1", port)).unwrap());
    listeners.map(|listener| listener.local_addr().unwrap().port())
}

fn open_to_all(folder: &Path) {
    use std::os::unix::fs::PermissionsExt;
    std::fs::set_permissions(folder, std::fs::Permissions::from_mode(0o755)).unwrap();
}

/// A key that keeps strangers out for the minute that it lives.
fn key(file: &Path) {
    use std::io::Read;
    use std::os::unix::fs::PermissionsExt;
    let mut key = [0; 1024];
    std::fs::File::open("/dev/urandom").unwrap().read_exact(&mut key).unwrap();
    std::fs::write(file, key).unwrap();
    std::fs::set_permissions(file, std::fs::Permissions::from_mode(0o600)).unwrap();
}

/// Waits up to half a minute, then shows the logs.
fn wait_for(what: &str, root: &Path, mut is_there: impl FnMut() -> bool) {
    for _ in 0..300 {
        if is_there() {
            return;
        }
        Command::new("sleep").arg("0.1").status().unwrap();
    }
    for name in ["munged.log", "slurmctld.log", "slurmd.log"] {
        println!("{name}:\n{}", std::fs::read_to_string(root.join(name)).unwrap_or_default());
    }
    panic!("{what} did not come up");
}

fn script(desk: &Desk, name: &str, line: &str) -> PathBuf {
    let file = desk.path(name);
    std::fs::write(&file, format!("#!/bin/sh\n{line}\n")).unwrap();
    file
}

#[test]
#[ignore = "starts Slurm daemons, if they are installed"]
fn a_slurm_array_of_seven_shards_merges_to_the_whole() {
    let Some([munged, slurmctld, slurmd, sinfo, sbatch]) =
        tools(["munged", "slurmctld", "slurmd", "sinfo", "sbatch"])
    else {
        return;
    };
    let desk = Desk::new();
    let whole = desk.run(&format!("{SWEEP} --format json --out whole")).with(1);
    assert_eq!(whole.json()["runs"], 60);
    let cluster = Cluster::start([munged, slurmctld, slurmd, sinfo]);

    // Some shards fail, which is what a sweep is for: afterany starts the merge, afterok never would.
    let shard = format!("exec {PROGRAM} {SWEEP} --jobs 1 --shard auto --out shards/$SLURM_ARRAY_TASK_ID");
    let shard = script(&desk, "shard.sh", &shard);
    let merge = script(&desk, "merge.sh", &format!("exec {PROGRAM} merge shards/* --out merged"));
    let array = cluster
        .command(&desk, &sbatch)
        .args(["--parsable", "--output=shard-%a.log", &format!("--array=0-{}", SHARDS - 1)])
        .arg(shard)
        .output()
        .unwrap();
    let array = Ended::from(array).with(0).stdout.trim().to_owned();
    let merged = cluster
        .command(&desk, &sbatch)
        .args(["--wait", "--output=merge.log", &format!("--dependency=afterany:{array}")])
        .arg(merge)
        .status()
        .unwrap();
    let log = std::fs::read_to_string(desk.path("merge.log")).unwrap_or_default();
    assert_eq!(merged.code(), Some(1), "{log}");
    let first = std::fs::read_to_string(desk.path("shard-0.log")).unwrap();
    assert!(first.contains("shard 1/7: from a Slurm array, SLURM_ARRAY_TASK_ID=0 of 0 to 6"), "{first}");
    assert_eq!(desk.contents("merged"), desk.contents("whole"));
    println!("Slurm: an array of {SHARDS} shards merged to the same bytes");
}

#[test]
#[ignore = "needs GNU parallel"]
fn seven_shards_under_gnu_parallel_merge_to_the_whole() {
    let Some([parallel]) = tools(["parallel"]) else { return };
    let desk = Desk::new();
    desk.run(&format!("{SWEEP} --out whole")).with(1);
    let shard = format!(
        "{PROGRAM} {SWEEP} --jobs 1 --exit-zero-on-violation --shard {{}}/{SHARDS} --out shards/{{}}"
    );
    let numbers = (1..=SHARDS).map(|number| number.to_string());
    let mut command = desk.command(parallel.to_str().unwrap());
    command.args(["--will-cite", &shard, ":::"]).args(numbers);
    Ended::from(command.output().unwrap()).with(0);
    let folders: Vec<String> = (1..=SHARDS).map(|number| format!("shards/{number}")).collect();
    desk.run(&format!("merge {} --out merged", folders.join(" "))).with(1);
    assert_eq!(desk.contents("merged"), desk.contents("whole"));
    println!("GNU parallel: {SHARDS} shards merged to the same bytes");
}
