//! Which way a message goes.

use std::rc::Rc;

use leasehold_core::id::NodeId;
use leasehold_core::node::{Leg, Message, Protocol, Purpose};
use tokio::task::yield_now;

use super::outbox::{Outbox, Parcel};
use super::{Shell, outbound};
use crate::machine::Machine;
use crate::net::{Lane, Net};
use crate::note::Note;
use crate::policy::Lanes;
use crate::wire::Frame;

/// How often the tasks that write get their turn before a stop falls: chosen by us. Each round lets every one of them write
/// until it is held up, and what is written seldom makes another one ready.
const ROUNDS: usize = 8;

impl<P: Protocol, M: Machine<P>, N: Net> Shell<P, M, N> {
    /// Which connection a message belongs on.
    fn lane(&self, purpose: Purpose) -> Lane {
        match (self.policy.lanes, purpose) {
            (Lanes::One, _) => Lane::Requests,
            (Lanes::Apart, Purpose::Renew) => Lane::Heartbeats,
            (Lanes::Apart, Purpose::Watch) => Lane::Watch,
            (Lanes::Apart, _) => Lane::Requests,
        }
    }

    /// Sends a message on its way. What asks goes over a connection that this process opens; what answers, or tells
    /// unasked, goes back over one that the other end has opened.
    pub(super) async fn post(self: &Rc<Self>, to: NodeId, message: P::Message) {
        let class = message.class();
        if class.0 == Purpose::Renew && self.datagrams.is_some() {
            return self.send_datagram(to, message).await;
        }
        let frame = match Frame::Message(message).to_bytes(self.policy.longest_frame) {
            Ok(frame) => frame,
            Err(error) => {
                self.machine.note(Note::NotSent { to, because: error.to_string() });
                return self.machine.gave_up(to, class);
            }
        };
        let parcel = Parcel { class, frame };
        let lane = self.lane(class.0);
        let displaced = match class.1 {
            Leg::Request => self.link(to, lane).push(parcel),
            Leg::Reply => self.sessions.borrow_mut().reply(to, lane, parcel),
        };
        self.give_up(to, displaced);
    }

    /// What waits for a connection that this process opens. The first message opens it.
    fn link(self: &Rc<Self>, to: NodeId, lane: Lane) -> Rc<Outbox> {
        let mut links = self.links.borrow_mut();
        let link = links.entry((to, lane)).or_insert_with(|| {
            let outbox = Rc::new(Outbox::new(self.policy.outbox));
            self.machine.spawn(outbound::keep(Rc::clone(self), to, lane, Rc::clone(&outbox)));
            outbox
        });
        Rc::clone(link)
    }

    /// Says of messages to a node that they will not be sent.
    pub(super) fn give_up(&self, to: NodeId, parcels: impl IntoIterator<Item = Parcel>) {
        for parcel in parcels {
            self.machine.gave_up(to, parcel.class);
        }
    }

    /// Has the writers write what can be written now.
    pub(super) async fn let_it_leave(&self) {
        for _ in 0..ROUNDS {
            let moving = self.links.borrow().values().any(|outbox| outbox.is_moving())
                || self.sessions.borrow().are_moving();
            if !moving {
                return;
            }
            yield_now().await;
        }
    }
}
