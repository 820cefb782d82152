//! Real processes on 127.0.0.1: what they print is waited for, never a time.
#![expect(clippy::unwrap_used, reason = "a test may fail so")]

use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Condvar, Mutex};
use std::thread;
use std::time::Duration;

const PROGRAM: &str = env!("CARGO_BIN_EXE_leasehold");

/// No line takes so long on any machine that runs tests: whoever waits longer waits for nothing.
const LONGEST_WAIT: Duration = Duration::from_secs(60);

/// The lines that a process has printed to one stream.
#[derive(Default)]
struct Printed {
    lines: Vec<String>,
    is_over: bool,
}

type Stream = Arc<(Mutex<Printed>, Condvar)>;

fn follow(from: impl Read + Send + 'static) -> Stream {
    let stream = Stream::default();
    let own = Arc::clone(&stream);
    thread::spawn(move || {
        let (printed, changed) = &*own;
        for line in BufReader::new(from).lines() {
            printed.lock().unwrap().lines.push(line.unwrap());
            changed.notify_all();
        }
        printed.lock().unwrap().is_over = true;
        changed.notify_all();
    });
    stream
}

/// A process, and how far its output was read by the test. It dies with the test.
pub(crate) struct Process {
    what: String,
    child: Child,
    stdout: Stream,
    stderr: Stream,
    /// How many lines of stdout the test has looked at.
    read: usize,
}

impl Process {
    /// Starts it in a folder: a command line without the program's name.
    pub(crate) fn start(folder: &Path, line: &str) -> Self {
        let mut command = Command::new(PROGRAM);
        command.args(line.split_whitespace());
        Self::run(folder, line, command)
    }

    /// The same, where no file can grow over 4 KiB: a write that would make one longer fails, as on a full disk.
    pub(crate) fn start_with_little_room(folder: &Path, line: &str) -> Self {
        let mut command = Command::new("sh");
        command.args(["-c", "trap '' XFSZ; ulimit -f 8; exec \"$0\" \"$@\"", PROGRAM]);
        command.args(line.split_whitespace());
        Self::run(folder, line, command)
    }

    fn run(folder: &Path, line: &str, mut command: Command) -> Self {
        command.current_dir(folder).env("NO_COLOR", "1");
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let stdout = follow(child.stdout.take().unwrap());
        let stderr = follow(child.stderr.take().unwrap());
        Self { what: line.to_owned(), child, stdout, stderr, read: 0 }
    }

    /// Waits for a line of stdout that contains this, later than all that were waited for before.
    pub(crate) fn says(&mut self, text: &str) -> String {
        let (at, line) = self.wait(&self.stdout, self.read, text);
        self.read = at + 1;
        line
    }

    /// Waits for a line of stderr that contains this.
    pub(crate) fn notes(&self, text: &str) -> String {
        self.wait(&self.stderr, 0, text).1
    }

    /// How many lines of stderr contain this so far.
    pub(crate) fn noted(&self, text: &str) -> usize {
        self.stderr.0.lock().unwrap().lines.iter().filter(|line| line.contains(text)).count()
    }

    /// What it has said since the line that was waited for last.
    pub(crate) fn unread(&self) -> Vec<String> {
        self.stdout.0.lock().unwrap().lines[self.read..].to_vec()
    }

    /// Passes over what it has said so far.
    pub(crate) fn skip(&mut self) {
        self.read = self.stdout.0.lock().unwrap().lines.len();
    }

    fn wait(
        &self,
        (printed, changed): &(Mutex<Printed>, Condvar),
        from: usize,
        text: &str,
    ) -> (usize, String) {
        let find = |printed: &Printed| {
            let found = printed.lines.iter().enumerate().skip(from).find(|(_, line)| line.contains(text));
            found.map(|(at, line)| (at, line.clone()))
        };
        let is_missing = |printed: &mut Printed| find(printed).is_none() && !printed.is_over;
        let seen = changed.wait_timeout_while(printed.lock().unwrap(), LONGEST_WAIT, is_missing);
        let found = find(&seen.unwrap().0);
        found.unwrap_or_else(|| panic!("`{text}` is not among what it said since:\n{self}"))
    }

    /// Sends it a signal: INT, STOP, CONT, ...
    pub(crate) fn signal(&self, name: &str) {
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").args(["-s", name, &pid]).status().unwrap().success());
    }

    /// `kill -9`.
    pub(crate) fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Waits for its end.
    pub(crate) fn ended(mut self) -> Ended {
        let (printed, changed) = &*self.stdout;
        let (lines, _) = changed
            .wait_timeout_while(printed.lock().unwrap(), LONGEST_WAIT, |printed| !printed.is_over)
            .unwrap();
        assert!(lines.is_over, "it goes on:\n{self}");
        drop(lines);
        let status = self.child.wait().unwrap();
        // Its end closes the other stream too.
        let (printed, changed) = &*self.stderr;
        let lines = changed.wait_while(printed.lock().unwrap(), |printed| !printed.is_over).unwrap();
        let stderr = lines.lines.join("\n");
        drop(lines);
        Ended { status, stderr }
    }

    /// Where it listens.
    pub(crate) fn address(&mut self) -> String {
        let line = self.says("listening on ");
        line.split_whitespace().nth(2).unwrap().to_owned()
    }
}

/// How a process ended.
pub(crate) struct Ended {
    pub(crate) status: ExitStatus,
    pub(crate) stderr: String,
}

impl std::fmt::Display for Process {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        writeln!(f, "leasehold {}", self.what)?;
        for (name, stream) in [("stdout", &self.stdout), ("stderr", &self.stderr)] {
            // Whoever holds the lock is the one who reports, and is done with it.
            let Ok(printed) = stream.0.try_lock() else { continue };
            for line in &printed.lines {
                writeln!(f, "  {name}: {line}")?;
            }
        }
        Ok(())
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may be gone already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The number behind a word: `number("claims under token 7 until 1.5", "token")` is 7.
pub(crate) fn number(line: &str, word: &str) -> u64 {
    let mut words = line.split_whitespace().skip_while(|next| *next != word);
    let number = words.nth(1).unwrap_or_else(|| panic!("no number behind {word}: {line}"));
    number.trim_matches(|c: char| !c.is_ascii_digit()).parse().unwrap()
}

/// When a line was printed, in seconds on its process's own clock.
pub(crate) fn stamp(line: &str) -> f64 {
    line.split_whitespace().next().unwrap().parse().unwrap()
}
