//! The data folder of a node: one log, one process.

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::{Builder, JoinHandle};

use fs4::{FileExt, TryLockError};
use leasehold_core::id::{Incarnation, Ticket};
use leasehold_core::node::Record;

use super::RealError;
use super::log::{self, Kept, Owner, Writer};

const LOG: &str = "log";
/// Where a log is written before it takes its place.
const NEXT: &str = "log.next";
const LOCK: &str = "lock";

/// A data folder that this process alone may use.
#[derive(Debug)]
pub(crate) struct Folder {
    path: PathBuf,
    /// Held by the system as long as the file is open: a process that dies lets go.
    _lock: fs_err::File,
}

/// A log that is open for what comes.
#[derive(Debug)]
pub(crate) struct Log {
    file: fs_err::File,
    writer: Writer,
}

impl Folder {
    /// Makes the folder if it is not there, and takes it.
    pub(crate) fn take(path: &Path) -> Result<Self, RealError> {
        let failed = |source| RealError::Data { folder: path.to_owned(), source };
        make(path).map_err(failed)?;
        let mut options = fs_err::OpenOptions::new();
        let lock = options.create(true).write(true).truncate(false).open(path.join(LOCK)).map_err(failed)?;
        match FileExt::try_lock(lock.file()) {
            Ok(()) => Ok(Self { path: path.to_owned(), _lock: lock }),
            Err(TryLockError::WouldBlock) => Err(RealError::InUse { folder: path.to_owned() }),
            Err(TryLockError::Error(source)) => Err(failed(source)),
        }
    }

    /// Reads what earlier processes of this node left, if there were any, and begins a log of this one: written beside the old
    /// one, made durable, then put in its place. So the log shrinks to what is still needed at each start.
    pub(crate) fn open<R: Record>(&self, owner: &Owner) -> Result<(Log, Kept<R>, Before), RealError> {
        let path = self.path.join(LOG);
        let (kept, before) = match fs_err::read(&path) {
            Ok(bytes) => {
                let kept = log::read::<R>(&bytes, owner)
                    .map_err(|because| RealError::Log { log: path.clone(), because })?;
                let incarnation = Incarnation(kept.incarnation.0 + 1);
                (Kept { incarnation, ..kept }, Before::Ran)
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                (Kept { incarnation: Incarnation(0), records: Vec::new(), torn: 0 }, Before::Nothing)
            }
            Err(source) => return Err(RealError::Data { folder: self.path.clone(), source }),
        };
        let (writer, bytes) = Writer::begin(owner, &kept);
        let file = self
            .replace(&path, &bytes)
            .map_err(|source| RealError::Data { folder: self.path.clone(), source })?;
        Ok((Log { file, writer }, kept, before))
    }

    fn replace(&self, path: &Path, bytes: &[u8]) -> io::Result<fs_err::File> {
        let next = self.path.join(NEXT);
        let mut file = fs_err::File::create(&next)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        fs_err::rename(&next, path)?;
        // The folder's entry has to last too, or the old log is back after a power loss.
        #[cfg(unix)]
        fs_err::File::open(&self.path)?.sync_all()?;
        // It is called by its new name from here on, in errors too.
        let (file, _) = file.into_parts();
        Ok(fs_err::File::from_parts(file, path))
    }
}

/// Makes a folder and those above it, where they are missing. The entries of those that it makes have to last, or after a power
/// loss all is gone that was written in them.
fn make(path: &Path) -> io::Result<()> {
    if path.as_os_str().is_empty() || path.is_dir() {
        return Ok(());
    }
    let above = path.parent().unwrap_or(Path::new(""));
    make(above)?;
    match fs_err::create_dir(path) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists && path.is_dir() => {}
        made => made?,
    }
    #[cfg(unix)]
    fs_err::File::open(if above.as_os_str().is_empty() { Path::new(".") } else { above })?.sync_all()?;
    Ok(())
}

/// Whether a node ran on this disk before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Before {
    /// This is its first process.
    Nothing,
    /// It did, if only for a moment.
    Ran,
}

impl Log {
    /// Writes what is there to be written, and waits until it is durable.
    fn append(&mut self, payloads: &[Vec<u8>]) -> io::Result<()> {
        let mut bytes = Vec::new();
        for payload in payloads {
            self.writer.frame(payload, &mut bytes);
        }
        self.file.write_all(&bytes)?;
        self.file.sync_data()
    }
}

/// A thread that writes to a log, so that the node's other work goes on meanwhile. What was asked for while it waited for the
/// disk becomes durable together.
#[derive(Debug)]
pub(crate) struct Disk {
    writes: Sender<(Ticket, Vec<u8>)>,
    thread: JoinHandle<()>,
}

impl Disk {
    /// Begins. `done` is told the last ticket of each batch, and the error after which nothing is written any more.
    pub(crate) fn start(log: Log, done: impl Fn(io::Result<Ticket>) + Send + 'static) -> io::Result<Self> {
        let (writes, asked) = channel();
        let thread = Builder::new().name("disk".to_owned()).spawn(move || work(log, &asked, done))?;
        Ok(Self { writes, thread })
    }

    /// Begins a write. If the disk has failed it is never done, and that was told.
    pub(crate) fn write<R: Record>(&self, ticket: Ticket, record: &R) {
        let _ = self.writes.send((ticket, log::payload(record)));
    }

    /// Waits until all that was asked for is written.
    pub(crate) fn finish(self) {
        drop(self.writes);
        // A panic there was told by its hook; there is nothing more to write.
        let _ = self.thread.join();
    }
}

fn work(mut log: Log, asked: &Receiver<(Ticket, Vec<u8>)>, done: impl Fn(io::Result<Ticket>)) {
    while let Ok((mut last, payload)) = asked.recv() {
        let mut payloads = vec![payload];
        for (ticket, payload) in asked.try_iter() {
            last = ticket;
            payloads.push(payload);
        }
        let written = log.append(&payloads).map(|()| last);
        let has_failed = written.is_err();
        done(written);
        if has_failed {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use leasehold_core::node::Slot;
    use serde::{Deserialize, Serialize};

    use super::*;

    #[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
    struct Line(u64);

    impl Record for Line {
        fn slot(&self) -> Slot {
            Slot(self.0 / 100)
        }
    }

    fn owner() -> Owner {
        Owner { system: "toy".to_owned(), node: "one".to_owned() }
    }

    /// One life of a process: what it finds, and what it writes.
    fn live(path: &Path, writes: &[u64]) -> (Kept<Line>, Before) {
        let folder = Folder::take(path).unwrap();
        let (log, kept, before) = folder.open::<Line>(&owner()).unwrap();
        let (told, durable) = channel();
        let disk = Disk::start(log, move |done| told.send(done.unwrap()).unwrap()).unwrap();
        for (ticket, write) in (0..).zip(writes) {
            disk.write(Ticket(ticket), &Line(*write));
        }
        disk.finish();
        let tickets: Vec<Ticket> = durable.iter().collect();
        assert!(tickets.is_sorted(), "{tickets:?}");
        assert_eq!(tickets.last().copied(), (writes.len() as u64).checked_sub(1).map(Ticket));
        (kept, before)
    }

    #[test]
    fn a_restart_finds_what_was_durable_and_counts() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("deep/down");
        let (kept, before) = live(&path, &[1, 101, 2]);
        assert_eq!((kept.incarnation, before, kept.records), (Incarnation(0), Before::Nothing, vec![]));
        let (kept, before) = live(&path, &[]);
        assert_eq!((kept.incarnation, before), (Incarnation(1), Before::Ran));
        assert_eq!(kept.records, [Line(2), Line(101)]);
        let (kept, _) = live(&path, &[]);
        assert_eq!((kept.incarnation, kept.records), (Incarnation(2), vec![Line(2), Line(101)]));
    }

    #[test]
    fn a_log_shrinks_at_a_start() {
        let folder = tempfile::tempdir().unwrap();
        live(folder.path(), &[7; 500]);
        let long = fs_err::metadata(folder.path().join(LOG)).unwrap().len();
        live(folder.path(), &[]);
        let short = fs_err::metadata(folder.path().join(LOG)).unwrap().len();
        assert!(short * 50 < long, "{short} of {long} bytes");
    }

    #[test]
    fn two_processes_never_share_a_folder() {
        let folder = tempfile::tempdir().unwrap();
        let first = Folder::take(folder.path()).unwrap();
        assert!(matches!(Folder::take(folder.path()), Err(RealError::InUse { .. })));
        drop(first);
        assert!(Folder::take(folder.path()).is_ok());
    }

    #[test]
    fn a_damaged_log_is_left_as_it_is() {
        let folder = tempfile::tempdir().unwrap();
        live(folder.path(), &[1, 2, 3]);
        let path = folder.path().join(LOG);
        let mut bytes = fs_err::read(&path).unwrap();
        let middle = bytes.len() - 30;
        bytes[middle] ^= 1;
        fs_err::write(&path, &bytes).unwrap();
        let taken = Folder::take(folder.path()).unwrap();
        let refused = taken.open::<Line>(&owner()).unwrap_err();
        assert!(matches!(refused, RealError::Log { .. }), "{refused}");
        assert_eq!(fs_err::read(&path).unwrap(), bytes, "whoever repairs it needs it untouched");
    }
}
