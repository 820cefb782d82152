//! A network in memory, for tests: pipes that fill up, that can be cut without anybody noticing, and a log of who dialled
//! whom and when.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::io;
use std::rc::Rc;

use leasehold_core::id::NodeId;
use leasehold_turmoil::{Datagrams, Label, Listener, Net, Reader, Writer};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::sync::{Mutex, Notify};
use tokio::time::Instant;

/// One direction of a connection.
struct Pipe {
    from: NodeId,
    to: NodeId,
    wires: Rc<Shared>,
    bytes: RefCell<VecDeque<u8>>,
    closed: Cell<bool>,
    unread: Cell<bool>,
    readable: Notify,
    writable: Notify,
}

impl Pipe {
    /// Takes as many bytes as there are.
    fn take(&self, buffer: &mut [u8]) -> usize {
        let mut bytes = self.bytes.borrow_mut();
        let count = buffer.len().min(bytes.len());
        buffer.iter_mut().zip(bytes.drain(..count)).for_each(|(place, byte)| *place = byte);
        self.writable.notify_one();
        count
    }

    /// Puts in as many bytes as there is room for.
    fn put(&self, from: &[u8]) -> usize {
        let mut bytes = self.bytes.borrow_mut();
        let count = self.wires.capacity.get().saturating_sub(bytes.len()).min(from.len());
        bytes.extend(&from[..count]);
        self.readable.notify_one();
        count
    }
}

#[derive(Default)]
struct Shared {
    listeners: RefCell<BTreeMap<NodeId, UnboundedSender<(End, Beginning)>>>,
    datagrams: RefCell<BTreeMap<NodeId, UnboundedSender<Vec<u8>>>>,
    severed: RefCell<BTreeSet<(NodeId, NodeId)>>,
    capacity: Cell<usize>,
    dialled: RefCell<Vec<(NodeId, Instant)>>,
}

/// All the wires of a test.
#[derive(Clone, Default)]
pub(crate) struct Wires(Rc<Shared>);

impl Wires {
    pub(crate) fn new() -> Self {
        let wires = Self::default();
        wires.0.capacity.set(1 << 16);
        wires
    }

    /// Pipes that are opened from now on hold so many bytes.
    pub(crate) fn hold(&self, capacity: usize) {
        self.0.capacity.set(capacity);
    }

    /// Cuts all that goes from one node to another, without a word to either. What is written is lost for good.
    pub(crate) fn sever(&self, from: NodeId, to: NodeId) {
        self.0.severed.borrow_mut().insert((from, to));
    }

    pub(crate) fn repair(&self) {
        self.0.severed.borrow_mut().clear();
    }

    /// When somebody tried to reach a node.
    pub(crate) fn dialled(&self, to: NodeId) -> Vec<Instant> {
        self.0.dialled.borrow().iter().filter(|(node, _)| *node == to).map(|(_, at)| *at).collect()
    }

    pub(crate) fn of(&self, node: NodeId) -> Socket {
        Socket { wires: self.clone(), node }
    }
}

/// The sockets of one node.
#[derive(Clone)]
pub(crate) struct Socket {
    wires: Wires,
    node: NodeId,
}

pub(crate) struct Port {
    wires: Wires,
    node: NodeId,
    incoming: Mutex<UnboundedReceiver<(End, Beginning)>>,
}

/// Where bytes come out of a pipe.
pub(crate) struct End(Rc<Pipe>);
/// Where bytes go into a pipe.
pub(crate) struct Beginning(Rc<Pipe>);

pub(crate) struct Post {
    wires: Wires,
    incoming: Mutex<UnboundedReceiver<Vec<u8>>>,
}

impl Net for Socket {
    type Listener = Port;
    type Reader = End;
    type Writer = Beginning;
    type Datagrams = Post;

    async fn listen(&self) -> io::Result<Port> {
        let mut listeners = self.wires.0.listeners.borrow_mut();
        if listeners.contains_key(&self.node) {
            return Err(io::ErrorKind::AddrInUse.into());
        }
        let (sender, incoming) = unbounded_channel();
        listeners.insert(self.node, sender);
        Ok(Port { wires: self.wires.clone(), node: self.node, incoming: Mutex::new(incoming) })
    }

    async fn connect(&self, to: NodeId) -> io::Result<(End, Beginning)> {
        let shared = &self.wires.0;
        shared.dialled.borrow_mut().push((to, Instant::now()));
        if shared.severed.borrow().contains(&(self.node, to)) {
            return std::future::pending().await;
        }
        let pipe = |from, to| {
            Rc::new(Pipe {
                from,
                to,
                wires: Rc::clone(shared),
                bytes: RefCell::default(),
                closed: Cell::default(),
                unread: Cell::default(),
                readable: Notify::new(),
                writable: Notify::new(),
            })
        };
        let (there, back) = (pipe(self.node, to), pipe(to, self.node));
        let refused = || io::Error::from(io::ErrorKind::ConnectionRefused);
        let listeners = shared.listeners.borrow();
        let listener = listeners.get(&to).ok_or_else(refused)?;
        listener.send((End(Rc::clone(&there)), Beginning(Rc::clone(&back)))).map_err(|_| refused())?;
        Ok((End(back), Beginning(there)))
    }

    async fn datagrams(&self) -> io::Result<Post> {
        let (sender, incoming) = unbounded_channel();
        self.wires.0.datagrams.borrow_mut().insert(self.node, sender);
        Ok(Post { wires: self.wires.clone(), incoming: Mutex::new(incoming) })
    }
}

impl Listener for Port {
    type Reader = End;
    type Writer = Beginning;

    async fn accept(&self) -> io::Result<(End, Beginning)> {
        let mut incoming = self.incoming.lock().await;
        incoming.recv().await.ok_or_else(|| io::ErrorKind::NotConnected.into())
    }
}

impl Drop for Port {
    fn drop(&mut self) {
        self.wires.0.listeners.borrow_mut().remove(&self.node);
    }
}

impl Reader for End {
    async fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let pipe = &self.0;
        loop {
            match pipe.take(buffer) {
                0 if pipe.closed.get() => return Ok(0),
                0 => pipe.readable.notified().await,
                count => return Ok(count),
            }
        }
    }
}

impl Drop for End {
    fn drop(&mut self) {
        self.0.unread.set(true);
        self.0.writable.notify_one();
    }
}

impl Writer for Beginning {
    async fn write(&mut self, _: Label, mut rest: &[u8]) -> io::Result<()> {
        let pipe = &self.0;
        while !rest.is_empty() {
            if pipe.unread.get() {
                return Err(io::ErrorKind::BrokenPipe.into());
            }
            if pipe.wires.severed.borrow().contains(&(pipe.from, pipe.to)) {
                return Ok(());
            }
            match pipe.put(rest) {
                0 => pipe.writable.notified().await,
                count => rest = &rest[count..],
            }
        }
        Ok(())
    }
}

impl Drop for Beginning {
    fn drop(&mut self) {
        let pipe = &self.0;
        if !pipe.wires.severed.borrow().contains(&(pipe.from, pipe.to)) {
            pipe.closed.set(true);
            pipe.readable.notify_one();
        }
    }
}

impl Datagrams for Post {
    async fn send(&self, to: NodeId, _: Label, bytes: &[u8]) -> io::Result<()> {
        if let Some(receiver) = self.wires.0.datagrams.borrow().get(&to) {
            // Nobody listens there: nobody says so.
            let _ = receiver.send(bytes.to_vec());
        }
        Ok(())
    }

    async fn receive(&self, buffer: &mut [u8]) -> io::Result<usize> {
        let bytes = self.incoming.lock().await.recv().await;
        let bytes = bytes.ok_or(io::ErrorKind::NotConnected)?;
        let count = bytes.len().min(buffer.len());
        buffer[..count].copy_from_slice(&bytes[..count]);
        Ok(count)
    }
}
