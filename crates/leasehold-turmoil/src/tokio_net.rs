//! The sockets of a real host.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;
use std::rc::Rc;

use leasehold_core::id::NodeId;
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream, UdpSocket};

use crate::net::{Datagrams, Label, Listener, Net, Reader, Writer};
use crate::policy::Transport;

/// How many ports are tried where any will do. Chosen by us: on a host where so many are taken, no more would help.
const TRIES: u32 = 16;

/// A [`Net`] of tokio's sockets, and the addresses of those that it may have to call.
///
/// Who only answers needs no addresses: a connection says who opened it.
#[derive(Clone, Debug)]
pub struct TokioNet {
    own: Rc<Own>,
}

#[derive(Debug)]
struct Own {
    address: SocketAddr,
    /// Bound at once, so that a busy port shows before anything else begins; the first to listen takes it.
    streams: RefCell<Option<TcpListener>>,
    /// So is this, if datagrams are wanted.
    datagrams: RefCell<Option<UdpSocket>>,
    peers: BTreeMap<NodeId, SocketAddr>,
}

impl TokioNet {
    /// Binds an address (port 0 stands for any that is free), for a node that knows these peers: for connections, and for
    /// datagrams if heartbeats travel so.
    ///
    /// # Errors
    ///
    /// If the address is taken or is not one of this host.
    pub async fn bind(
        address: SocketAddr,
        peers: BTreeMap<NodeId, SocketAddr>,
        heartbeats: Transport,
    ) -> io::Result<Self> {
        let mut tries = if address.port() == 0 { TRIES } else { 1 };
        loop {
            tries -= 1;
            let streams = TcpListener::bind(address).await?;
            let address = streams.local_addr()?;
            let datagrams = match heartbeats {
                Transport::Tcp => None,
                Transport::Udp => match UdpSocket::bind(address).await {
                    Ok(socket) => Some(socket),
                    // Free for connections, and not for datagrams: another port may be free for both.
                    Err(error) if error.kind() == io::ErrorKind::AddrInUse && tries > 0 => continue,
                    Err(error) => {
                        let what = format!("for datagrams (`heartbeats = \"udp\"`): {error}");
                        return Err(io::Error::new(error.kind(), what));
                    }
                },
            };
            let (streams, datagrams) = (RefCell::new(Some(streams)), RefCell::new(datagrams));
            return Ok(Self { own: Rc::new(Own { address, streams, datagrams, peers }) });
        }
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.own.address
    }

    fn peer(&self, node: NodeId) -> io::Result<SocketAddr> {
        let unknown = || io::Error::new(io::ErrorKind::AddrNotAvailable, "nobody said what its address is");
        self.own.peers.get(&node).copied().ok_or_else(unknown)
    }
}

impl Net for TokioNet {
    type Listener = TcpListener;
    type Reader = OwnedReadHalf;
    type Writer = OwnedWriteHalf;
    type Datagrams = TokioDatagrams;

    async fn listen(&self) -> io::Result<TcpListener> {
        let bound = self.own.streams.take();
        match bound {
            Some(bound) => Ok(bound),
            None => TcpListener::bind(self.own.address).await,
        }
    }

    async fn connect(&self, to: NodeId) -> io::Result<(OwnedReadHalf, OwnedWriteHalf)> {
        halves(TcpStream::connect(self.peer(to)?).await?)
    }

    async fn datagrams(&self) -> io::Result<TokioDatagrams> {
        let bound = self.own.datagrams.take();
        let socket = match bound {
            Some(bound) => bound,
            None => UdpSocket::bind(self.own.address).await?,
        };
        Ok(TokioDatagrams { net: self.clone(), socket })
    }
}

/// Small frames leave at once: a renewal must not wait for more to say.
fn halves(stream: TcpStream) -> io::Result<(OwnedReadHalf, OwnedWriteHalf)> {
    stream.set_nodelay(true)?;
    Ok(stream.into_split())
}

impl Listener for TcpListener {
    type Reader = OwnedReadHalf;
    type Writer = OwnedWriteHalf;

    async fn accept(&self) -> io::Result<(OwnedReadHalf, OwnedWriteHalf)> {
        let (stream, _) = Self::accept(self).await?;
        halves(stream)
    }
}

impl Reader for OwnedReadHalf {
    fn origin(&self) -> Option<String> {
        self.peer_addr().ok().map(|address| address.to_string())
    }

    async fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        tokio::io::AsyncReadExt::read(self, buffer).await
    }
}

impl Writer for OwnedWriteHalf {
    async fn write(&mut self, _: Label, bytes: &[u8]) -> io::Result<()> {
        tokio::io::AsyncWriteExt::write_all(self, bytes).await
    }
}

/// Datagrams to and from the peers whose addresses are known.
#[derive(Debug)]
pub struct TokioDatagrams {
    net: TokioNet,
    socket: UdpSocket,
}

impl Datagrams for TokioDatagrams {
    async fn send(&self, to: NodeId, _: Label, bytes: &[u8]) -> io::Result<()> {
        let to = self.net.peer(to)?;
        self.socket.send_to(bytes, to).await.map(|_| ())
    }

    async fn receive(&self, buffer: &mut [u8]) -> io::Result<usize> {
        self.socket.recv(buffer).await
    }
}

#[cfg(test)]
mod tests {
    use leasehold_core::node::{Leg, Purpose};
    use tokio::runtime::Builder;

    use super::*;

    const ASKED: Label = Label::Message(Purpose::Renew, Leg::Request);

    fn on_loopback<T>(test: impl Future<Output = T>) -> T {
        Builder::new_current_thread().enable_all().build().unwrap().block_on(test)
    }

    async fn pair() -> (TokioNet, TokioNet) {
        let free = SocketAddr::from(([127, 0, 0, 1], 0));
        let server = TokioNet::bind(free, BTreeMap::new(), Transport::Udp).await.unwrap();
        let client = TokioNet::bind(free, BTreeMap::from([(NodeId(0), server.address())]), Transport::Tcp)
            .await
            .unwrap();
        (server, client)
    }

    #[test]
    fn bytes_go_both_ways_and_a_dropped_writer_is_an_end() {
        on_loopback(async {
            let (server, client) = pair().await;
            let listener = server.listen().await.unwrap();
            let (mut reader, mut writer) = client.connect(NodeId(0)).await.unwrap();
            let (mut far_reader, mut far_writer) = Listener::accept(&listener).await.unwrap();
            let mut buffer = [0; 16];

            writer.write(ASKED, b"renew").await.unwrap();
            assert_eq!(Reader::read(&mut far_reader, &mut buffer).await.unwrap(), 5);
            assert_eq!(&buffer[..5], b"renew");
            far_writer.write(Label::Control, b"yes").await.unwrap();
            assert_eq!(Reader::read(&mut reader, &mut buffer).await.unwrap(), 3);
            drop(writer);
            assert_eq!(Reader::read(&mut far_reader, &mut buffer).await.unwrap(), 0);
        });
    }

    #[test]
    fn a_node_without_an_address_cannot_be_called() {
        on_loopback(async {
            let (server, _) = pair().await;
            let error = server.connect(NodeId(3)).await.map(|_| ()).unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::AddrNotAvailable);
        });
    }

    #[test]
    fn a_busy_port_shows_when_it_is_bound() {
        on_loopback(async {
            let (server, _) = pair().await;
            let error = TokioNet::bind(server.address(), BTreeMap::new(), Transport::Tcp).await.unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::AddrInUse);
        });
    }

    #[test]
    fn datagrams_arrive_at_the_port_that_connections_are_accepted_at() {
        on_loopback(async {
            let (server, client) = pair().await;
            let (here, there) = (server.datagrams().await.unwrap(), client.datagrams().await.unwrap());
            there.send(NodeId(0), ASKED, b"beat").await.unwrap();
            let mut buffer = [0; 16];
            assert_eq!(here.receive(&mut buffer).await.unwrap(), 4);
            assert_eq!(&buffer[..4], b"beat");
            assert!(here.send(NodeId(1), ASKED, b"beat").await.is_err(), "its address is not known");
        });
    }
}
