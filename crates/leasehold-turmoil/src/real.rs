//! One node on this host: the shell of the simulation on real sockets, with real clocks and a durable log.

mod clocks;
mod disk;
mod host;
mod log;

use std::collections::BTreeMap;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::pin::pin;
use std::time::Duration;

use leasehold_core::clock::ClockKind;
use leasehold_core::event::Event;
use leasehold_core::id::{CommandId, Incarnation, NodeId};
use leasehold_core::node::{Identity, Instruction, Node, Protocol};
use leasehold_core::time::Span;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::task::LocalSet;
use tokio::time::sleep;

use self::disk::{Before, Disk, Folder};
use self::host::{Host, Parts, Said};
use self::log::Owner;
use crate::machine::Told;
use crate::note::Note;
use crate::policy::ShellPolicy;
use crate::shell;
use crate::tokio_net::TokioNet;

pub use self::log::BadLog;

/// Which node runs here, and where it finds what it needs.
#[derive(Clone, Debug)]
pub struct Place {
    /// The system whose node it is: its log says so.
    pub system: String,
    /// The node.
    pub node: NodeId,
    /// What it is called: its log says so.
    pub name: String,
    /// The clock that its protocol reads: its events tell that one.
    pub relies_on: ClockKind,
    /// How many nodes there are, counted from 0: whoever says it is another is a stranger.
    pub nodes: u16,
    /// Where it listens; port 0 stands for any that is free.
    pub listen: SocketAddr,
    /// Where those are that it may have to call.
    pub peers: BTreeMap<NodeId, SocketAddr>,
    /// The folder with its log. Made if it is not there.
    pub data: PathBuf,
    /// How its shell works.
    pub shell: ShellPolicy,
}

/// What a process has before it begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Beginning {
    /// Where it listens.
    pub address: SocketAddr,
    /// How often it was restarted, by its log.
    pub incarnation: Incarnation,
    /// How many records its log keeps.
    pub records: usize,
    /// How many bytes of its log were dropped: they are what a crash leaves of a write that it cut short.
    pub torn: usize,
}

/// Whoever watches a process, and says when it ends.
pub trait Watcher {
    /// It accepts connections from now on.
    fn begins(&mut self, beginning: Beginning);

    /// Something happened. Its true time is what the host's boot clock showed, since the process began.
    fn event(&mut self, event: &Event);

    /// Its shell tells something.
    fn note(&mut self, note: &Note);

    /// Somebody asked it to stop. Asked again, it has been told what the first answer said.
    fn asked_to_stop(&mut self, how: StopSignal) -> Then;
}

/// How somebody asks a process to stop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StopSignal {
    /// From a terminal: SIGINT.
    Interrupt,
    /// From whoever looks after it: SIGTERM.
    Terminate,
}

/// What becomes of a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Then {
    /// It ends at once.
    End,
    /// It is told this, and ends when it waits for nothing any more; after this time at the latest.
    Leave(CommandId, Span),
}

/// How a process ended that did not fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// At once, as it was asked to.
    AtOnce,
    /// It left, and there was nothing more to wait for.
    Left,
    /// It was to leave, and was not answered in time.
    Unanswered,
}

/// Why a process could not run, or not go on.
#[derive(Debug, thiserror::Error)]
pub enum RealError {
    /// It cannot listen.
    #[error("cannot listen on {address}: {source}")]
    Listen {
        /// Where.
        address: SocketAddr,
        /// Why.
        source: io::Error,
    },
    /// Its data folder cannot be used.
    #[error("the data folder {} cannot be used: {source}", folder.display())]
    Data {
        /// Which folder.
        folder: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Another process uses its data folder.
    #[error("the data folder {} is in use by another process", folder.display())]
    InUse {
        /// Which folder.
        folder: PathBuf,
    },
    /// Its log cannot be used.
    #[error("{} {because}", log.display())]
    Log {
        /// Which file.
        log: PathBuf,
        /// Why.
        because: BadLog,
    },
    /// A write failed while it ran.
    #[error("the log in {} could not be written: {source}", folder.display())]
    Write {
        /// Which folder.
        folder: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The node's code panicked.
    #[error("the node panicked: {message}")]
    Panicked {
        /// What it said.
        message: String,
    },
    /// The host gives it no thread, no timer or no entropy.
    #[error("this host cannot run it: {0}")]
    Host(io::Error),
}

/// Runs a node until whoever watches it says that it ends.
///
/// The node's numbers come from the entropy of the operating system: this is the one place where that is right, since
/// nothing here is to be repeated, and two hosts that start at once must not draw alike.
///
/// # Errors
///
/// If it cannot listen, its data folder cannot be used, its log is not what it should be (it never starts from nothing
/// instead), a write fails, or the node's code panics.
pub fn serve<P: Protocol>(
    place: &Place,
    node: Box<dyn Node<P>>,
    commands: &[Instruction<P::Command>],
    watcher: &mut dyn Watcher,
) -> Result<Ended, RealError> {
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(RealError::Host)?;
    let _entered = runtime.enter();
    let (address, peers) = (place.listen, place.peers.clone());
    let bound = runtime.block_on(TokioNet::bind(address, peers, place.shell.heartbeats));
    let net = bound.map_err(|source| RealError::Listen { address, source })?;
    let folder = Folder::take(&place.data)?;
    let owner = Owner { system: place.system.clone(), node: place.name.clone() };
    let (log, kept, before) = folder.open::<P::Record>(&owner)?;

    let (tell, told) = unbounded_channel();
    let (failed, failure) = unbounded_channel();
    let durable = tell.clone();
    let disk = Disk::start(log, move |done| {
        // Nobody is left to hear of it once the process ends.
        let _ = match done {
            Ok(ticket) => durable.send(Told::Persisted(ticket)).map_err(drop),
            Err(error) => failed.send(error).map_err(drop),
        };
    })
    .map_err(RealError::Host)?;
    let beginning = Beginning {
        address: net.address(),
        incarnation: kept.incarnation,
        records: kept.records.len(),
        torn: kept.torn,
    };
    let first = match before {
        Before::Nothing => Told::Started,
        Before::Ran => Told::Restarted { disk: kept.records },
    };
    let _ = tell.send(first);
    let entropy = getrandom::u64().map_err(|error| RealError::Host(error.into()))?;
    let (say, said) = unbounded_channel();
    let identity = Identity { node: place.node, incarnation: beginning.incarnation };
    let relies_on = place.relies_on;
    let host = Host::new(Parts { identity, nodes: place.nodes, relies_on, entropy, told, disk, said: say });

    let shell = shell::live(host.clone(), net, node, place.shell);
    // From here on a signal asks, and does not kill.
    let signals = Signals::listen().map_err(RealError::Host)?;
    let mut drive = Drive { tell, said, failure, signals, commands, watcher, place };
    drive.watcher.begins(beginning);
    let tasks = LocalSet::new();
    let ended = tasks.block_on(&runtime, drive.through(shell));
    drop(tasks);
    if let Some(disk) = host.into_disk() {
        disk.finish();
    }
    ended
}

/// What passes between a process and whoever watches it.
struct Drive<'a, P: Protocol> {
    tell: UnboundedSender<Told<P>>,
    said: UnboundedReceiver<Said>,
    failure: UnboundedReceiver<io::Error>,
    signals: Signals,
    commands: &'a [Instruction<P::Command>],
    watcher: &'a mut dyn Watcher,
    place: &'a Place,
}

impl<P: Protocol> Drive<'_, P> {
    async fn through(&mut self, shell: impl Future<Output = io::Error>) -> Result<Ended, RealError> {
        let mut shell = pin!(shell);
        let mut too_long = pin!(sleep(Duration::MAX));
        loop {
            tokio::select! {
                biased;
                Some(source) = self.failure.recv() => {
                    return Err(RealError::Write { folder: self.place.data.clone(), source });
                }
                Some(said) = self.said.recv() => match said {
                    Said::Event(event) => self.watcher.event(&event),
                    Said::Note(note) => self.watcher.note(&note),
                    Said::Idle => return Ok(Ended::Left),
                    Said::Panicked(message) => return Err(RealError::Panicked { message }),
                },
                how = self.signals.next() => match self.watcher.asked_to_stop(how) {
                    Then::End => return Ok(Ended::AtOnce),
                    Then::Leave(command, within) => {
                        let instruction = self.commands.get(usize::from(command.0));
                        let Some(instruction) = instruction else { return Ok(Ended::AtOnce) };
                        let _ = self.tell.send(Told::Command(instruction.command.clone()));
                        too_long.set(sleep(Duration::from_nanos(within.as_nanos())));
                    }
                },
                () = &mut too_long => return Ok(Ended::Unanswered),
                source = &mut shell => {
                    return Err(RealError::Listen { address: self.place.listen, source });
                }
            }
        }
    }
}

/// What asks this process to stop.
#[cfg(unix)]
struct Signals {
    interrupt: tokio::signal::unix::Signal,
    terminate: tokio::signal::unix::Signal,
}

#[cfg(unix)]
impl Signals {
    fn listen() -> io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};

        Ok(Self { interrupt: signal(SignalKind::interrupt())?, terminate: signal(SignalKind::terminate())? })
    }

    async fn next(&mut self) -> StopSignal {
        tokio::select! {
            biased;
            _ = self.interrupt.recv() => StopSignal::Interrupt,
            _ = self.terminate.recv() => StopSignal::Terminate,
        }
    }
}

/// What asks this process to stop.
#[cfg(not(unix))]
struct Signals;

#[cfg(not(unix))]
impl Signals {
    fn listen() -> io::Result<Self> {
        Ok(Self)
    }

    async fn next(&mut self) -> StopSignal {
        // Where it cannot be caught, it ends the process as it always did.
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
        StopSignal::Interrupt
    }
}
