//! One connection, as both ends see it once they know of each other.

use std::cell::{Cell, RefCell};
use std::convert::Infallible;
use std::pin::pin;
use std::rc::Rc;

use leasehold_core::id::{Incarnation, NodeId};
use leasehold_core::node::{Leg, Protocol, Purpose};
use leasehold_core::time::Span;
use tokio::select;
use tokio::sync::Notify;

use super::Shell;
use super::frames::{Frames, expect_hello};
use super::outbox::{Outbox, Parcel, WriterState};
use crate::machine::Machine;
use crate::net::{Label, Lane, Net, Writer};
use crate::note::{ClosedBecause, Note};
use crate::policy::Unanswered;
use crate::wire::{Frame, Hello};

/// The shortest that is waited between two pings.
const LEAST: Span = Span::from_millis(1);

/// Which end of a connection this is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// It opened the connection, and looks after it.
    Dialler,
    /// It accepted it.
    Acceptor,
}

/// What the tasks of one connection share.
pub(super) struct Conversation {
    /// Who is at the other end.
    pub(super) peer: NodeId,
    pub(super) lane: Lane,
    /// Which process of whoever opened it did so.
    pub(super) incarnation: Incarnation,
    pub(super) outbox: Rc<Outbox>,
    ping: Cell<bool>,
    pong: Cell<bool>,
    /// Since this was looked at last.
    heard: Cell<bool>,
    answered: Cell<bool>,
    /// What a message that is being written is about.
    writing: Cell<Option<(Purpose, Leg)>>,
    /// What left since something was heard: for [`Unanswered::SentAgain`].
    unanswered: RefCell<Vec<Parcel>>,
    replaced: Notify,
    over: Notify,
}

impl Conversation {
    pub(super) fn new(peer: NodeId, lane: Lane, incarnation: Incarnation, outbox: Rc<Outbox>) -> Rc<Self> {
        Rc::new(Self {
            peer,
            lane,
            incarnation,
            outbox,
            ping: Cell::default(),
            pong: Cell::default(),
            heard: Cell::default(),
            answered: Cell::default(),
            writing: Cell::default(),
            unanswered: RefCell::default(),
            replaced: Notify::new(),
            over: Notify::new(),
        })
    }

    /// A newer one takes its place.
    pub(super) fn replace(&self) {
        self.replaced.notify_one();
    }

    /// Waits until nothing is written to it any more.
    pub(super) async fn over(&self) {
        self.over.notified().await;
    }

    /// Whether the other end said who it is.
    pub(super) fn was_answered(&self) -> bool {
        self.answered.get()
    }

    pub(super) fn take_unanswered(&self) -> Vec<Parcel> {
        self.unanswered.take()
    }

    fn hears(&self) {
        self.heard.set(true);
        self.unanswered.borrow_mut().clear();
    }

    /// Has a frame of the shell's own written ahead of all messages.
    fn say(&self, what: &Cell<bool>) {
        what.set(true);
        self.outbox.wake();
    }
}

/// Reads and writes until the connection is over, for whatever reason, and says so. What is late on a connection that was
/// only given up may still come, and is read for a while longer.
pub(super) async fn converse<P: Protocol, M: Machine<P>, N: Net>(
    shell: &Rc<Shell<P, M, N>>,
    end: End,
    frames: Frames<N::Reader>,
    writer: N::Writer,
    conversation: &Rc<Conversation>,
) -> ClosedBecause {
    let mut reading = pin!(read(shell, end, frames, conversation));
    let mut ended = None;
    let because = {
        // Dropped at the end of this block: a connection whose write was given up is never written to again.
        let writing = pin!(write(shell, writer, conversation));
        let watching = pin!(watch(shell, end, conversation));
        select! {
            biased;
            because = &mut reading => ended.insert(because).clone(),
            because = writing => because,
            because = watching => because,
        }
    };
    conversation.outbox.writer_is(WriterState::Absent);
    // Nobody reads what was not written to its end.
    if let Some(class) = conversation.writing.take()
        && shell.policy.unanswered == Unanswered::Gone
    {
        shell.machine.gave_up(conversation.peer, class);
    }
    shell.machine.note(Note::Closed { with: Some(conversation.peer), at: None, because: because.clone() });
    if end == End::Acceptor {
        let given_up = shell.sessions.borrow_mut().close(conversation);
        shell.give_up(conversation.peer, given_up);
    }
    conversation.over.notify_one();
    if ended.is_none() {
        select! {
            biased;
            _ = reading => {}
            () = shell.machine.sleep(shell.policy.linger) => {}
        }
    }
    because
}

/// Takes what comes, until nothing comes any more.
async fn read<P: Protocol, M: Machine<P>, N: Net>(
    shell: &Rc<Shell<P, M, N>>,
    end: End,
    mut frames: Frames<N::Reader>,
    conversation: &Conversation,
) -> ClosedBecause {
    match read_frames(shell, end, &mut frames, conversation).await {
        Ok(never) => match never {},
        Err(because) => because,
    }
}

async fn read_frames<P: Protocol, M: Machine<P>, N: Net>(
    shell: &Rc<Shell<P, M, N>>,
    end: End,
    frames: &mut Frames<N::Reader>,
    conversation: &Conversation,
) -> Result<Infallible, ClosedBecause> {
    // An acceptor has heard this before it knew that there is a conversation.
    let incarnation = match end {
        End::Dialler => {
            let hello = expect_hello::<P, N>(frames).await?;
            if (hello.node, hello.lane) != (conversation.peer, conversation.lane) {
                let Hello { node, lane, .. } = hello;
                let what = format!("node {node} answered for {} where another was expected", lane.name());
                return Err(ClosedBecause::Garbage(what));
            }
            shell.welcomes(&hello).map_err(|refusal| ClosedBecause::refusing(&hello, refusal))?;
            conversation.answered.set(true);
            conversation.hears();
            hello.incarnation
        }
        End::Acceptor => conversation.incarnation,
    };
    loop {
        let frame = frames.next().await?;
        conversation.hears();
        match frame {
            Frame::Message(message) => shell.arrives(conversation.peer, incarnation, message).await,
            Frame::Ping => conversation.say(&conversation.pong),
            Frame::Pong => {}
            Frame::Hello(_) => return Err(ClosedBecause::Garbage("a second hello".to_owned())),
            Frame::Refused(_) => {
                return Err(ClosedBecause::Garbage("a refusal behind the hello".to_owned()));
            }
        }
    }
}

/// Writes what waits, until it cannot.
async fn write<P: Protocol, M: Machine<P>, N: Net>(
    shell: &Rc<Shell<P, M, N>>,
    mut writer: N::Writer,
    conversation: &Conversation,
) -> ClosedBecause {
    let outbox = &conversation.outbox;
    let longest = shell.policy.longest_frame;
    let own = |frame: &Frame<()>| frame.to_bytes(longest.max(32)).expect("the shell's own frames are tiny");
    let hello = own(&Frame::Hello(shell.hello(conversation.lane)));
    if let Err(error) = writer.write(Label::Control, &hello).await {
        return ClosedBecause::Broke(error.to_string());
    }
    loop {
        outbox.writer_is(WriterState::HeldUp);
        let written = if conversation.pong.take() {
            writer.write(Label::Control, &own(&Frame::Pong)).await
        } else if conversation.ping.take() {
            writer.write(Label::Control, &own(&Frame::Ping)).await
        } else if let Some(parcel) = outbox.pop() {
            if shell.policy.unanswered == Unanswered::SentAgain {
                conversation.unanswered.borrow_mut().push(parcel.clone());
            }
            conversation.writing.set(Some(parcel.class));
            let written = writer.write(Label::Message(parcel.class.0, parcel.class.1), &parcel.frame).await;
            if written.is_ok() {
                conversation.writing.set(None);
            }
            written
        } else {
            outbox.writer_is(WriterState::Ready);
            outbox.changed().await;
            continue;
        };
        if let Err(error) = written {
            return ClosedBecause::Broke(error.to_string());
        }
    }
}

/// Waits until a connection is to be given up though nothing broke.
async fn watch<P: Protocol, M: Machine<P>, N: Net>(
    shell: &Rc<Shell<P, M, N>>,
    end: End,
    conversation: &Conversation,
) -> ClosedBecause {
    if end == End::Acceptor {
        conversation.replaced.notified().await;
        return ClosedBecause::Replaced;
    }
    let every = shell.policy.ping_every.max(LEAST);
    // Counted in waits that this process was there for. One that was stopped itself must not take the silence of its own
    // sleep for that of the other end.
    let mut quiet = Span::ZERO;
    while quiet < shell.policy.silent_after {
        shell.machine.sleep(every).await;
        if conversation.heard.take() {
            quiet = Span::ZERO;
        } else {
            quiet += every;
            conversation.say(&conversation.ping);
        }
    }
    ClosedBecause::Silent
}
