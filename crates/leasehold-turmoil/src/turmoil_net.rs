//! Turmoil: its simulated network behind the seam, and the driving of its simulation. Nothing else names it.

use std::cell::{Cell, RefCell};
use std::future::{Future, pending, poll_fn};
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::task::{Poll, ready};
use std::time::{Duration, UNIX_EPOCH};

use leasehold_core::id::NodeId;
use leasehold_core::node::{Leg, Purpose};
use tokio::io::AsyncWrite;
use turmoil::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use turmoil::net::{TcpListener, TcpStream, UdpSocket};
use turmoil::{Builder, Sim};

use crate::engine::envelope::{ENVELOPE, Kind, number, open, seal};
use crate::engine::fates::{Carrier, End, Way};
use crate::engine::inflow::Inflow;
use crate::engine::stage::{Act, Stage, TICK};
use crate::net::{Datagrams, Label, Listener, Net, Reader, Writer};

/// Where each shell listens for connections.
const STREAMS: u16 = 4000;
/// Where each shell takes datagrams.
const DATAGRAMS: u16 = 4001;

/// How many writes are under way on a stream before the next has to wait. One more connection that waits to be accepted
/// panics in turmoil 0.7.2.
const TCP_CAPACITY: usize = 1024;

/// How many connections wait to be accepted by a host. Whoever knocks then is not heard, as with a kernel's backlog: that
/// of a usual listener is as long. So turmoil never sees too many, though a process is stopped for long.
const BACKLOG: u32 = 128;

/// The largest datagram that IPv4 carries.
const LARGEST_DATAGRAM: usize = 65_507;

const TICK_DURATION: Duration = Duration::from_nanos(TICK.as_nanos());

/// What a process is: a future that ends with the process.
type Software = Pin<Box<dyn Future<Output = ()>>>;

/// The simulated hosts, and the network between them.
pub(crate) struct Fabric {
    sim: Sim<'static>,
    hosts: Vec<Host>,
    doors: Rc<[Door]>,
    /// All links were seen to be empty, and no host has done anything since.
    is_empty: bool,
}

struct Host {
    name: String,
    /// What runs next there.
    software: Rc<RefCell<Option<Software>>>,
}

/// Where a host is, for all others.
pub(crate) struct Door {
    address: IpAddr,
    /// How many connections wait there to be accepted, at most.
    knocking: Cell<u32>,
    /// From which hosts nothing gets here, by id.
    severed: Box<[Cell<bool>]>,
}

impl Fabric {
    /// So many hosts, on which nothing runs. All links are whole, and carry everything in one tick.
    pub(crate) fn new(hosts: usize, seed: u64, udp_capacity: usize) -> Self {
        let mut builder = Builder::new();
        builder
            .rng_seed(seed)
            .epoch(UNIX_EPOCH)
            .tick_duration(TICK_DURATION)
            .min_message_latency(TICK_DURATION)
            .max_message_latency(TICK_DURATION)
            .tcp_capacity(TCP_CAPACITY)
            .udp_capacity(udp_capacity)
            // The driver ends the run.
            .simulation_duration(Duration::MAX);
        let mut sim = builder.build();
        let mut all = Vec::with_capacity(hosts);
        let mut doors = Vec::with_capacity(hosts);
        for host in 0..hosts {
            let name = format!("n{host}");
            let software = Rc::<RefCell<Option<Software>>>::default();
            let next = Rc::clone(&software);
            sim.host(name.as_str(), move || {
                let software = next.take();
                async move {
                    if let Some(software) = software {
                        software.await;
                    }
                    pending().await
                }
            });
            sim.crash(name.as_str());
            let address = sim.lookup(name.as_str());
            let severed = (0..hosts).map(|_| Cell::new(false)).collect();
            doors.push(Door { address, knocking: Cell::new(0), severed });
            all.push(Host { name, software });
        }
        Self { sim, hosts: all, doors: doors.into(), is_empty: false }
    }

    /// Where each host is, by id.
    pub(crate) fn doors(&self) -> Rc<[Door]> {
        Rc::clone(&self.doors)
    }

    /// Ends what runs on a host, and begins something else.
    pub(crate) fn boot(&mut self, node: NodeId, software: impl Future<Output = ()> + 'static) {
        let host = &self.hosts[node.index()];
        host.software.replace(Some(Box::pin(software)));
        self.is_empty = false;
        self.sim.bounce(host.name.as_str());
    }

    /// Ends what runs on a host. Turmoil is polite and closes its connections: sever all links before.
    pub(crate) fn crash(&mut self, node: NodeId) {
        self.is_empty = false;
        self.sim.crash(self.hosts[node.index()].name.as_str());
    }

    /// Nothing gets from one host to another any more, and what is under way is lost.
    pub(crate) fn sever(&self, from: NodeId, to: NodeId) {
        let [here, there] = [from, to].map(|node| &self.doors[node.index()]);
        there.severed[from.index()].set(true);
        self.sim.partition_oneway(here.address, there.address);
    }

    /// A link carries again what is sent from now on.
    pub(crate) fn mend(&self, from: NodeId, to: NodeId) {
        let [here, there] = [from, to].map(|node| &self.doors[node.index()]);
        there.severed[from.index()].set(false);
        self.sim.repair_oneway(here.address, there.address);
    }

    /// Whether anything is under way on a link.
    pub(crate) fn carries_any(&mut self) -> bool {
        if !self.is_empty {
            let is_empty = &mut self.is_empty;
            self.sim.links(|mut links| *is_empty = links.all(|mut link| link.next().is_none()));
        }
        !self.is_empty
    }

    /// Lets a tick pass.
    pub(crate) fn step(&mut self) {
        self.is_empty = false;
        self.sim.step().expect("software neither fails nor ends: its panics are carried out of it");
    }
}

/// The sockets of a simulated host.
#[derive(Clone)]
pub(crate) struct TurmoilNet {
    me: NodeId,
    doors: Rc<[Door]>,
    stage: Rc<Stage>,
}

impl TurmoilNet {
    pub(crate) fn new(me: NodeId, doors: &Rc<[Door]>, stage: &Rc<Stage>) -> Self {
        Self { me, doors: Rc::clone(doors), stage: Rc::clone(stage) }
    }

    fn door(&self, node: NodeId) -> io::Result<&Door> {
        let nobody = || io::Error::new(io::ErrorKind::NotFound, format!("there is no node {node}"));
        self.doors.get(node.index()).ok_or_else(nobody)
    }

    /// The halves of a connection with a node.
    fn halves(&self, with: NodeId, stream: TcpStream) -> io::Result<(TurmoilReader, TurmoilWriter)> {
        let (here, there) = (stream.local_addr()?, stream.peer_addr()?);
        let (read, write) = stream.into_split();
        let reader = TurmoilReader {
            half: read,
            way: Way { from: there, to: here },
            me: self.me,
            stage: Rc::clone(&self.stage),
            inflow: Inflow::new(),
        };
        let writer = TurmoilWriter {
            half: write,
            way: Way { from: here, to: there },
            me: self.me,
            to: with,
            stage: Rc::clone(&self.stage),
        };
        Ok((reader, writer))
    }
}

fn anywhere(port: u16) -> SocketAddr {
    (Ipv4Addr::UNSPECIFIED, port).into()
}

impl Net for TurmoilNet {
    type Listener = TurmoilListener;
    type Reader = TurmoilReader;
    type Writer = TurmoilWriter;
    type Datagrams = TurmoilDatagrams;

    async fn listen(&self) -> io::Result<TurmoilListener> {
        let inner = TcpListener::bind(anywhere(STREAMS)).await?;
        self.door(self.me)?.knocking.set(0);
        Ok(TurmoilListener { inner, net: self.clone() })
    }

    async fn connect(&self, to: NodeId) -> io::Result<(TurmoilReader, TurmoilWriter)> {
        let (door, home) = (self.door(to)?, self.door(self.me)?);
        let is_severed = door.severed[self.me.index()].get() || home.severed[to.index()].get();
        // Nobody hears, or no answer gets back: that hangs until the caller gives up. Turmoil would refuse at once, and
        // never take back the port that it had given to the attempt.
        if is_severed || door.knocking.get() >= BACKLOG {
            return pending().await;
        }
        door.knocking.set(door.knocking.get() + 1);
        // If the caller does not wait for it, it goes on knocking until the other end looks.
        let stream = TcpStream::connect(SocketAddr::new(door.address, STREAMS)).await;
        door.knocking.set(door.knocking.get().saturating_sub(1));
        self.halves(to, stream?)
    }

    async fn datagrams(&self) -> io::Result<TurmoilDatagrams> {
        let inner = UdpSocket::bind(anywhere(DATAGRAMS)).await?;
        let room = vec![0; ENVELOPE + LARGEST_DATAGRAM];
        Ok(TurmoilDatagrams { inner, net: self.clone(), room: Cell::new(room) })
    }
}

pub(crate) struct TurmoilListener {
    inner: TcpListener,
    net: TurmoilNet,
}

impl Listener for TurmoilListener {
    type Reader = TurmoilReader;
    type Writer = TurmoilWriter;

    async fn accept(&self) -> io::Result<(TurmoilReader, TurmoilWriter)> {
        let door = self.net.door(self.net.me)?;
        let mut accepting = pin!(self.inner.accept());
        let (stream, origin) = poll_fn(|cx| {
            let accepted = accepting.as_mut().poll(cx);
            if accepted.is_pending() {
                door.knocking.set(0);
            }
            accepted
        })
        .await?;
        let with = self.net.doors.iter().position(|door| door.address == origin.ip());
        let with = with.expect("only hosts of the run connect");
        self.net.halves(NodeId(with as u16), stream)
    }
}

/// Reads a stream.
pub(crate) struct TurmoilReader {
    half: OwnedReadHalf,
    inflow: Inflow,
    way: Way,
    me: NodeId,
    stage: Rc<Stage>,
}

impl Reader for TurmoilReader {
    async fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let Self { half, inflow, stage, .. } = self;
        poll_fn(|cx| inflow.poll_read(half, stage, cx, buffer)).await
    }
}

impl Drop for TurmoilReader {
    fn drop(&mut self) {
        self.stage.act(self.me, Act::Closed { way: self.way, end: End::Reader });
    }
}

/// Writes a stream. Each write is a segment of its own, whatever its length.
pub(crate) struct TurmoilWriter {
    half: OwnedWriteHalf,
    way: Way,
    me: NodeId,
    to: NodeId,
    stage: Rc<Stage>,
}

impl Writer for TurmoilWriter {
    async fn write(&mut self, label: Label, bytes: &[u8]) -> io::Result<()> {
        let mut sealed = seal(label, bytes);
        poll_fn(|cx| {
            if let Label::Message(..) = label {
                number(&mut sealed, self.stage.next_packet());
            }
            let written = ready!(Pin::new(&mut self.half).poll_write(cx, &sealed))?;
            assert_eq!(written, sealed.len(), "turmoil takes a whole write or nothing");
            if let Label::Message(purpose, leg) = label {
                self.stage.sent(self.me, self.to, (purpose, leg), Carrier::Stream(self.way));
            }
            Poll::Ready(Ok(()))
        })
        .await
    }
}

impl Drop for TurmoilWriter {
    fn drop(&mut self) {
        self.stage.act(self.me, Act::Closed { way: self.way, end: End::Writer });
    }
}

/// Sends and receives datagrams. Each waits for its own verdict, so they overtake each other, and arrive twice.
pub(crate) struct TurmoilDatagrams {
    inner: UdpSocket,
    net: TurmoilNet,
    /// Room for the largest one; used again.
    room: Cell<Vec<u8>>,
}

impl TurmoilDatagrams {
    fn send_now(&self, to: NodeId, class: Option<(Purpose, Leg)>, sealed: &[u8]) -> io::Result<()> {
        let there = SocketAddr::new(self.net.door(to)?.address, DATAGRAMS);
        self.inner.try_send_to(sealed, there)?;
        if let Some(class) = class {
            self.net.stage.sent(self.net.me, to, class, Carrier::Datagram);
        }
        Ok(())
    }

    /// Takes the next one that comes to the socket, and keeps it if it waits for a verdict. Gives what needs none.
    async fn take(&self) -> io::Result<Option<Vec<u8>>> {
        self.inner.readable().await?;
        let mut room = self.room.take();
        let taken = self.inner.try_recv_from(&mut room).map(|(length, _)| {
            let (kind, _) = open(&room);
            let bytes = &room[ENVELOPE..length];
            match kind {
                Kind::Message(number) => {
                    self.net.stage.fates(|fates| fates.came(number, bytes));
                    None
                }
                Kind::Rest | Kind::Control => Some(bytes.to_vec()),
            }
        });
        self.room.set(room);
        taken
    }

    async fn next(&self) -> io::Result<Vec<u8>> {
        loop {
            let arrived = poll_fn(|cx| {
                let me = self.net.me;
                match self.net.stage.fates(|fates| fates.receive(me, cx.waker())) {
                    Some(datagram) => Poll::Ready(datagram),
                    None => Poll::Pending,
                }
            });
            tokio::select! {
                biased;
                datagram = arrived => return Ok(datagram),
                datagram = self.take() => {
                    if let Some(datagram) = datagram? {
                        return Ok(datagram);
                    }
                }
            }
        }
    }
}

impl Datagrams for TurmoilDatagrams {
    async fn send(&self, to: NodeId, label: Label, bytes: &[u8]) -> io::Result<()> {
        if bytes.len() > LARGEST_DATAGRAM {
            let what = format!("{} bytes are more than a datagram carries: {LARGEST_DATAGRAM}", bytes.len());
            return Err(io::Error::new(io::ErrorKind::InvalidInput, what));
        }
        let mut sealed = seal(label, bytes);
        number(&mut sealed, self.net.stage.next_packet());
        let class = if let Label::Message(purpose, leg) = label { Some((purpose, leg)) } else { None };
        self.send_now(to, class, &sealed)
    }

    async fn receive(&self, buffer: &mut [u8]) -> io::Result<usize> {
        let datagram = self.next().await?;
        let length = datagram.len().min(buffer.len());
        buffer[..length].copy_from_slice(&datagram[..length]);
        Ok(length)
    }
}
