//! `serve` and `hold` as real processes on 127.0.0.1, which are killed, stopped and started again.
#![cfg(unix)]
#![expect(clippy::unwrap_used, reason = "a test may fail so")]

#[path = "loopback/mod.rs"]
mod loopback;

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::time::Duration;

use loopback::{Process, number, stamp};
use tempfile::TempDir;

/// A lease that is over soon, on a network that is as good as loopback. Longer than a busy machine stands still.
const SHORT: &str = "--set lease.ttl=2s --set network.latency=1ms";
/// One that outlives the restart of a grantor, on a busy machine too.
const LONGER: &str = "--set lease.ttl=5s --set network.latency=1ms";

fn folder() -> TempDir {
    TempDir::new().expect("there is room for temporary files")
}

fn grantor(folder: &Path, lease: &str) -> (Process, String) {
    let mut grantor = Process::start(folder, &format!("serve --listen 127.0.0.1:0 {lease}"));
    let address = grantor.address();
    (grantor, address)
}

fn holder(folder: &Path, number: u16, address: &str, lease: &str) -> Process {
    Process::start(folder, &format!("hold --node holder-{number} --grantor {address} {lease}"))
}

#[test]
fn a_holder_that_is_killed_is_followed_when_its_lease_is_over() {
    let folder = folder();
    let (mut grantor, address) = grantor(folder.path(), SHORT);
    let mut first = holder(folder.path(), 1, &address, SHORT);
    let token = number(&first.says("claims under token"), "token");
    let granted = grantor.says("grants lease 1 ");
    let mut second = holder(folder.path(), 2, &address, SHORT);
    grantor.says("puts holder-2 into the queue");
    first.kill();

    // It may have renewed its lease before it was killed.
    let mut term = granted;
    let end = loop {
        let line = grantor.says("lease 1 ");
        if line.contains("expired") {
            break line;
        }
        term = line;
    };
    // A term begins a moment before it is told.
    assert!(stamp(&end) > stamp(&term) + 1.99, "not before its term is over: {term}\n{end}");
    assert!(number(&second.says("claims under token"), "token") > token);
}

#[test]
fn a_holder_that_stood_still_past_its_lease_says_so_and_asks_anew() {
    let folder = folder();
    let (mut grantor, address) = grantor(folder.path(), SHORT);
    let mut first = holder(folder.path(), 1, &address, SHORT);
    let before = number(&first.says("claims under token"), "token");
    let mut second = holder(folder.path(), 2, &address, SHORT);
    grantor.says("puts holder-2 into the queue");

    first.signal("STOP");
    grantor.says("expired");
    let between = number(&second.says("claims under token"), "token");
    assert!(between > before);
    first.skip();
    first.signal("CONT");

    // Whatever it says first.
    let woken = first.says("");
    assert!(woken.contains("stops acting under token"), "it takes itself for the holder: {woken}");
    grantor.says("puts holder-1 into the queue");
    let passed: Vec<String> = first.unread().into_iter().filter(|line| line.contains("claim")).collect();
    assert!(passed.is_empty(), "it claims nothing before it is granted anew: {passed:?}");
    second.kill();
    assert!(number(&first.says("claim"), "token") > between);
}

/// Two folders, and one node: the second process would hear the answers to the first, and claim what it claims.
#[test]
fn one_node_is_one_process_at_a_time() {
    let (here, there) = (folder(), folder());
    let (mut grantor, address) = grantor(here.path(), SHORT);
    let mut first = holder(here.path(), 1, &address, SHORT);
    first.says("claims under token 1 ");
    let twin = holder(there.path(), 1, &address, SHORT);
    twin.notes("it refuses this process: another one of this node spoke to it before");
    grantor.notes("another process of this node and incarnation spoke before");
    grantor.skip();
    for _ in 0..3 {
        grantor.says("renews lease 1 ");
    }
    assert!(twin.unread().iter().all(|line| line.contains("listening on")), "it never claims: {twin}");
    assert_eq!(twin.noted("it refuses this process"), 1, "once, however often it tries: {twin}");
}

/// Its successor counts from 0 again.
#[test]
fn a_holder_that_lost_its_folder_is_told_so() {
    let folder = folder();
    let (_grantor, address) = grantor(folder.path(), SHORT);
    for _ in 0..2 {
        let mut first = holder(folder.path(), 1, &address, SHORT);
        first.says("claims under token");
        first.signal("INT");
        assert_eq!(first.ended().status.code(), Some(0));
    }
    std::fs::remove_dir_all(folder.path().join("leasehold-data/holder-1")).unwrap();
    let lost = holder(folder.path(), 1, &address, SHORT);
    lost.notes(
        "connection with grantor closed: it refuses this process: it has heard of a later one of this node",
    );
}

#[test]
fn a_grantor_that_is_killed_goes_on_where_it_was() {
    let folder = folder();
    let (mut grantor, address) = grantor(folder.path(), LONGER);
    let mut first = holder(folder.path(), 1, &address, LONGER);
    let token = number(&first.says("claims under token"), "token");
    let lease = number(&grantor.says("grants lease"), "lease");
    grantor.kill();

    let serve = format!("serve --listen {address} {LONGER}");
    let mut grantor = Process::start(folder.path(), &serve);
    grantor.says("as grantor, incarnation 1,");
    let found = grantor.says("on its disk, alive");
    assert_eq!((number(&found, "lease"), number(&found, "(token")), (lease, token), "{found}");
    let mut second = holder(folder.path(), 2, &address, LONGER);
    grantor.says("puts holder-2 into the queue");
    first.signal("INT");
    let ended = first.ended();
    assert_eq!(ended.status.code(), Some(0), "{}", ended.stderr);
    let granted = grantor.says("to holder-2");
    assert!(number(&granted, "lease") > lease && number(&granted, "token") > token, "{granted}");
    assert!(number(&second.says("claims under token"), "token") > token);
}

#[test]
fn a_holder_that_is_asked_to_end_gives_its_lease_back() {
    let folder = folder();
    let (mut grantor, address) = grantor(folder.path(), LONGER);
    let mut holder = holder(folder.path(), 1, &address, LONGER);
    holder.says("claims under token");
    holder.signal("TERM");
    holder.says("stops acting under token 1: of its own will");
    let ended = holder.ended();
    assert_eq!(ended.status.code(), Some(0), "{}", ended.stderr);
    grantor.says("was released by holder-1");
    grantor.signal("INT");
    assert_eq!(grantor.ended().status.code(), Some(0));
}

#[test]
fn a_holder_that_nobody_answers_ends_without_giving_anything_back() {
    let folder = folder();
    let (grantor, address) = grantor(folder.path(), SHORT);
    let mut patient = holder(folder.path(), 1, &address, SHORT);
    patient.says("claims under token");
    grantor.kill();
    patient.signal("INT");
    assert_eq!(patient.ended().status.code(), Some(130), "its lease is over by then");
}

/// A holder works on a resource over sockets, too.
#[test]
fn a_resource_takes_the_writes_of_a_holder() {
    let folder = folder();
    let (_grantor, address) = grantor(folder.path(), SHORT);
    let line = format!("serve --node resource --listen 127.0.0.1:0 --verbose {SHORT}");
    let mut resource = Process::start(folder.path(), &line);
    let at = resource.address();
    let line = format!("hold --grantor {address} --resource {at} {SHORT}");
    let mut holder = Process::start(folder.path(), &line);
    let token = number(&holder.says("claims under token"), "token");
    let accepted = resource.says("accepts write");
    assert_eq!(number(&accepted, "token"), token, "{accepted}");
}

#[test]
fn an_instance_registers_is_found_and_deregisters() {
    let folder = folder();
    let mut registry = Process::start(folder.path(), "serve --registry --listen 127.0.0.1:0");
    let address = registry.address();
    let line = format!("hold --registry --node instance-1 --grantor {address} --set instance.drain=100ms");
    let mut instance = Process::start(folder.path(), &line);
    registry.says("registers instance-1 ");
    instance.says("takes itself for registered");
    let line = format!("serve --registry --node discovery-1 --listen 127.0.0.1:0 --peer registry={address}");
    let mut discovery = Process::start(folder.path(), &line);
    discovery.says("finds 1 instance,");
    instance.signal("INT");
    registry.says("instance-1 (epoch 1) is gone");
    discovery.says("its view drops instance-1");
    assert_eq!(instance.ended().status.code(), Some(0));
}

/// What a stranger sends, and why the connection is closed.
fn strangers() -> Vec<(Vec<u8>, &'static str)> {
    let framed = |body: &[u8]| {
        let mut bytes = u32::try_from(body.len()).unwrap().to_be_bytes().to_vec();
        bytes.extend(body);
        bytes
    };
    let whole = framed(&[1, 1, 2, 0, 5, 0]);
    vec![
        (b"GET / HTTP/1.1\r\n\r\n".to_vec(), "a frame of 1195725856 bytes"),
        (framed(&[9, 1, 2, 0, 0]), "version 9 of the wire format"),
        (framed(&[1, 77]), "a frame of kind 77"),
        (framed(&[1, 1, 255, 255, 255, 255, 255]), "the payload of a hello frame cannot be read"),
        (framed(&[]), "no room for version and kind"),
        (whole[..6].to_vec(), "the other end closed it within a frame"),
        (framed(&[1, 1, 77, 0, 5, 0]), "it says that it is node 77, which is none of this scenario"),
    ]
}

#[test]
fn strangers_that_send_garbage_are_shown_out_and_leases_go_on() {
    let folder = folder();
    let (mut grantor, address) = grantor(folder.path(), SHORT);
    let mut holder = holder(folder.path(), 1, &address, SHORT);
    holder.says("claims under token 1 ");
    for (bytes, because) in strangers() {
        let mut stream = TcpStream::connect(&address).unwrap();
        let from = stream.local_addr().unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
        stream.write_all(&bytes).unwrap();
        stream.shutdown(std::net::Shutdown::Write).unwrap();
        // Closed with an end, or with a reset where bytes were left unread; what it says first is its own affair.
        let _ = stream.read_to_end(&mut Vec::new());
        let note = grantor.notes(&format!("stranger at {from} closed: "));
        assert!(note.contains(because), "{note}");
    }
    grantor.skip();
    for _ in 0..3 {
        assert_eq!(number(&grantor.says("renews lease"), "lease"), 1);
    }
    holder.skip();
    assert_eq!(number(&holder.says("goes on claiming"), "token"), 1);
}

/// Runs a command that is refused.
fn refused(folder: &Path, line: &str) -> (Option<i32>, String) {
    let ended = Process::start(folder, line).ended();
    (ended.status.code(), ended.stderr)
}

#[test]
fn what_is_wrong_with_a_command_line_is_said() {
    let folder = folder();
    for (line, said) in [
        ("serve --node grantr", "did you mean `grantor`?"),
        ("serve --node holder-7", "the holders are holder-1 to holder-3"),
        ("serve --listen localhost", "as in 127.0.0.1:7420"),
        ("serve --listen 192.0.2.1:1", "give --listen an address of this host"),
        ("serve --peer resource", "write it as in --peer resource=127.0.0.1:7421"),
        ("serve --peer resource=there", "`there` is no address of resource"),
        ("serve --peer ressource=127.0.0.1:1", "did you mean `resource`?"),
        ("serve --set lease.tl=5s", "did you mean `ttl`?"),
        ("serve nowhere.toml", "nowhere.toml"),
        ("hold", "give --grantor the address"),
        ("hold --grantor 127.0.0.1:1 --node grantor", "leasehold serve --node grantor"),
    ] {
        let (code, stderr) = refused(folder.path(), line);
        assert_eq!(code, Some(2), "{line}: {stderr}");
        assert!(stderr.contains(said), "{line}: {stderr}");
    }
    assert!(
        !folder.path().join("leasehold-data").exists()
            || !folder.path().join("leasehold-data/grantor/log").exists()
    );
}

#[test]
fn a_busy_port_is_no_silent_start() {
    let folder = folder();
    let busy = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = busy.local_addr().unwrap();
    let (code, stderr) = refused(folder.path(), &format!("serve --listen {address}"));
    assert_eq!(code, Some(2), "{stderr}");
    assert!(stderr.contains(&format!("cannot listen on {address}")), "{stderr}");
    assert!(stderr.contains("stop what listens there"), "{stderr}");
}

#[test]
fn a_data_folder_that_cannot_be_used_is_no_silent_start() {
    let folder = folder();
    std::fs::write(folder.path().join("file"), "no folder").unwrap();
    let (code, stderr) = refused(folder.path(), "serve --listen 127.0.0.1:0 --data file/data");
    assert_eq!(code, Some(74), "{stderr}");
    assert!(stderr.contains("the data folder file/data cannot be used"), "{stderr}");

    let (_grantor, _) = grantor(folder.path(), SHORT);
    let (code, stderr) = refused(folder.path(), "serve --listen 127.0.0.1:0");
    assert_eq!(code, Some(2), "{stderr}");
    assert!(stderr.contains("leasehold-data/grantor is in use by another process"), "{stderr}");
}

#[test]
fn a_log_that_is_not_what_was_written_is_no_silent_start() {
    let folder = folder();
    let (mut grantor, address) = grantor(folder.path(), SHORT);
    let mut holder = holder(folder.path(), 1, &address, SHORT);
    holder.says("claims under token 1 ");
    grantor.says("grants lease 1 ");
    grantor.kill();
    let data = folder.path().join("leasehold-data/grantor");
    let log = data.join("log");
    let whole = std::fs::read(&log).unwrap();
    let again = "serve --listen 127.0.0.1:0";

    let mut damaged = whole.clone();
    *damaged.last_mut().unwrap() ^= 1;
    let mut newer = whole.clone();
    newer[8] = 9;
    for (bytes, line, said) in [
        (damaged, again, "is damaged at byte"),
        (newer, again, "has format 9, and this version of leasehold reads format 1"),
        (b"something else".to_vec(), again, "is not a log of leasehold"),
        (
            whole.clone(),
            "serve --node resource --listen 127.0.0.1:0 --data leasehold-data/grantor",
            "node `grantor`",
        ),
        (
            whole.clone(),
            "serve --registry --listen 127.0.0.1:0 --data leasehold-data/grantor",
            "of a single-grantor",
        ),
    ] {
        std::fs::write(&log, &bytes).unwrap();
        let (code, stderr) = refused(folder.path(), line);
        assert_eq!(code, Some(2), "{stderr}");
        assert!(stderr.contains(said) && stderr.contains("help: "), "{stderr}");
        assert_eq!(std::fs::read(&log).unwrap(), bytes, "it is left as it is");
    }

    // As a crash leaves it that cuts the last write short.
    std::fs::write(&log, &whole[..whole.len() - 3]).unwrap();
    let mut grantor = Process::start(folder.path(), again);
    grantor.says("incarnation 1,");
    grantor.notes("of a write that it cut short; if something else cut the file, a promise may be lost");
}

/// What cannot be written cannot be promised: it ends, and what it finds at its next start is what it had promised.
#[test]
fn a_disk_that_is_full_ends_a_server() {
    let folder = folder();
    let (_grantor, address) = grantor(folder.path(), SHORT);
    let line = format!("serve --node resource --listen 127.0.0.1:0 --verbose {SHORT}");
    let mut resource = Process::start_with_little_room(folder.path(), &line);
    let at = resource.address();
    let line =
        format!("hold --grantor {address} --resource {at} --set work.every=5ms --set work.think=1ms {SHORT}");
    let _holder = Process::start(folder.path(), &line);
    resource.says("accepts write");
    let ended = resource.ended();
    assert_eq!(ended.status.code(), Some(74), "{}", ended.stderr);
    assert!(ended.stderr.contains("leasehold-data/resource could not be written"), "{}", ended.stderr);
    let mut resource =
        Process::start(folder.path(), &format!("serve --node resource --listen 127.0.0.1:0 {SHORT}"));
    resource.says("as resource, incarnation 1,");
    resource.says("found 1 record");
}

/// The console blocks of `docs/serve.md`: a command, and lines of its output.
fn shown() -> Vec<(String, Vec<String>)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let text = std::fs::read_to_string(root.join("docs/serve.md")).unwrap();
    let block = |block: &str| {
        let (block, _) = block.split_once("```").expect("a block is closed");
        let mut lines = block.lines().map(str::to_owned);
        let command = lines.next().unwrap();
        (command.strip_prefix("$ leasehold ").unwrap().to_owned(), lines.collect())
    };
    text.split("```console\n").skip(1).map(block).collect()
}

/// A line as people read it: one number is as good as another where it stands for a time or a port.
fn shape(line: &str) -> String {
    let mut shape = String::new();
    for c in line.trim().chars() {
        match c {
            '0'..='9' | '.' if shape.ends_with('#') => {}
            '0'..='9' => shape.push('#'),
            _ => shape.push(c),
        }
    }
    shape
}

#[test]
fn what_the_documentation_shows_is_what_happens() {
    let folder = folder();
    let shown = shown();
    assert!(shown.len() >= 4, "it shows a grantor, a resource and two holders");
    let mut ports: Vec<(String, String)> = Vec::new();
    let mut processes: Vec<(Process, &[String])> = Vec::new();
    for (command, lines) in &shown {
        // Any port that is free instead of those that are shown.
        let mut line = command.clone();
        let listens = command.split_once("--listen ").map(|(_, address)| address.to_owned());
        if let Some(address) = &listens {
            line = line.replace(&format!("--listen {address}"), "--listen 127.0.0.1:0");
        }
        for (shown, told) in &ports {
            line = line.replace(shown, told);
        }
        let mut process = Process::start(folder.path(), &line);
        let begun = process.says("listening on ");
        assert_eq!(shape(&begun), shape(&lines[0]), "{command}");
        if let Some(shown) = listens {
            ports.push((shown, begun.split_whitespace().nth(2).unwrap().to_owned()));
        }
        processes.push((process, &lines[1..]));
    }
    for (process, lines) in &mut processes {
        for line in *lines {
            // Behind the time: the words up to the first number that may differ.
            let (_, text) = line.trim().split_once("  ").expect("a time, and what happened");
            let words = text.split(" until ").next().unwrap();
            let said = process.says(words);
            assert_eq!(shape(&said), shape(line));
        }
    }
}
