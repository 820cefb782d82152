//! A node on this host: what it finds on its disk, and how it ends. Processes that talk are tested in `tests/serve.rs`.
#![expect(clippy::unwrap_used, reason = "a test may fail so")]

use std::collections::BTreeMap;
use std::path::Path;

use leasehold_core::clock::ClockKind;
use leasehold_core::event::{Event, EventKind, NodeEvent, Probe};
use leasehold_core::id::{Incarnation, NodeId};
use leasehold_core::node::{
    Context, Input, Instruction, Leg, Message, Node, Protocol, Purpose, Record, Slot,
};
use leasehold_core::time::Span;
use leasehold_turmoil::{
    Beginning, Note, Place, RealError, ShellPolicy, StopSignal, Then, Transport, Watcher, serve,
};
use serde::{Deserialize, Serialize};

/// Counts its starts on its disk, and panics when it has done so: that ends it, and says what it knew.
struct Counter;

struct Counting;

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Starts(u32);

impl Protocol for Counting {
    type Message = Starts;
    type Record = Starts;
    type Command = ();
}

impl Message for Starts {
    fn class(&self) -> (Purpose, Leg) {
        (Purpose::Other, Leg::Request)
    }
}

impl Record for Starts {
    fn slot(&self) -> Slot {
        Slot(0)
    }
}

impl Node<Counting> for Counter {
    fn handle(&mut self, ctx: &mut Context<'_, Counting>, input: Input<Counting>) {
        match input {
            Input::Started => {
                ctx.persist(Starts(1));
            }
            Input::Restarted { disk } => {
                let [Starts(before)] = disk.as_slice() else { panic!("a disk with {disk:?}") };
                ctx.persist(Starts(before + 1));
            }
            Input::Persisted(_) => {
                ctx.probe(Probe::ALL[0]);
                ctx.arm(leasehold_core::id::TimerId(0), ctx.read(ClockKind::Wall) + Span::from_millis(20));
            }
            Input::Timer(_) => panic!("process {} is done", ctx.incarnation()),
            Input::Received { .. } | Input::Command(()) => {}
        }
    }
}

/// Remembers what it was told.
#[derive(Default)]
struct Remembers {
    beginning: Option<Beginning>,
    events: Vec<Event>,
}

impl Watcher for Remembers {
    fn begins(&mut self, beginning: Beginning) {
        self.beginning = Some(beginning);
    }

    fn event(&mut self, event: &Event) {
        self.events.push(*event);
    }

    fn note(&mut self, _: &Note) {}

    fn asked_to_stop(&mut self, _: StopSignal) -> Then {
        Then::End
    }
}

fn place(data: &Path) -> Place {
    Place {
        system: "counting".to_owned(),
        node: NodeId(0),
        name: "counter".to_owned(),
        relies_on: ClockKind::Boot,
        nodes: 1,
        listen: ([127, 0, 0, 1], 0).into(),
        peers: BTreeMap::new(),
        data: data.to_owned(),
        shell: ShellPolicy::default(),
    }
}

fn live(place: &Place) -> (Remembers, RealError) {
    let mut watcher = Remembers::default();
    let commands: &[Instruction<()>] = &[];
    let error = serve::<Counting>(place, Box::new(Counter), commands, &mut watcher).unwrap_err();
    (watcher, error)
}

#[test]
fn a_node_goes_on_with_what_its_disk_kept() {
    let folder = tempfile::tempdir().unwrap();
    let place = place(folder.path());
    for life in 0..4 {
        let (watcher, error) = live(&place);
        let RealError::Panicked { message } = &error else { panic!("{error}") };
        assert_eq!(*message, format!("process {life} is done"));
        let Some(Beginning { address, incarnation, records, torn }) = watcher.beginning else {
            panic!("it began")
        };
        assert_ne!(address.port(), 0, "the port is told");
        assert_eq!((incarnation, torn), (Incarnation(life), 0));
        assert_eq!(records, usize::from(life > 0));
        let [Event { node: Some(NodeId(0)), kind: EventKind::Node(NodeEvent::Probed(_)), at, local }] =
            watcher.events.as_slice()
        else {
            panic!("{:?}", watcher.events)
        };
        assert_eq!(*local, i64::try_from(at.as_nanos()).unwrap(), "true time is the boot clock's");
    }
}

#[test]
fn a_place_that_is_taken_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let free = place(&folder.path().join("data"));
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let busy = Place { listen: listener.local_addr().unwrap(), ..free.clone() };
    let (watcher, error) = live(&busy);
    assert!(matches!(error, RealError::Listen { .. }), "{error}");
    assert_eq!(watcher.beginning, None);
    assert!(!busy.data.exists(), "its process is not counted");
    // The same for datagrams, where they are wanted.
    let socket = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
    let shell = ShellPolicy { heartbeats: Transport::Udp, ..free.shell };
    let busy = Place { listen: socket.local_addr().unwrap(), shell, ..free.clone() };
    let (watcher, error) = live(&busy);
    assert!(matches!(error, RealError::Listen { .. }) && error.to_string().contains("datagrams"), "{error}");
    assert_eq!(watcher.beginning, None);
    assert!(!busy.data.exists(), "its process is not counted");
    let (watcher, _) = live(&free);
    assert_eq!(watcher.beginning.unwrap().incarnation, Incarnation(0));
}
