//! The connections that peers have opened, and which of them an answer goes to.

use std::collections::BTreeMap;
use std::rc::Rc;

use leasehold_core::id::NodeId;

use super::conversation::Conversation;
use super::outbox::{Outbox, Parcel};
use crate::net::Lane;
use crate::policy::{Incarnations, Replies, ShellPolicy};

/// In the order in which they were opened.
pub(super) struct Sessions {
    replies: Replies,
    incarnations: Incarnations,
    open: Vec<Rc<Conversation>>,
    /// Where each stood when it was opened: for [`Replies::ToThePlace`].
    places: BTreeMap<(NodeId, Lane), usize>,
    /// What found no connection: for [`Replies::ToTheNextConnection`].
    kept: BTreeMap<NodeId, Outbox>,
    limit: u32,
}

impl Sessions {
    pub(super) fn new(policy: &ShellPolicy) -> Self {
        Self {
            replies: policy.replies,
            incarnations: policy.incarnations,
            open: Vec::new(),
            places: BTreeMap::new(),
            kept: BTreeMap::new(),
            limit: policy.outbox,
        }
    }

    /// A peer has opened a connection. It takes the place of an older one of the same lane, and of all that its dead
    /// processes have opened: these are told so.
    pub(super) fn open(&mut self, conversation: &Rc<Conversation>) {
        for older in self.open.iter().filter(|older| older.peer == conversation.peer) {
            let is_dead = older.incarnation < conversation.incarnation;
            if older.lane == conversation.lane || is_dead && self.incarnations == Incarnations::NewestOnly {
                older.replace();
            }
        }
        self.places.insert((conversation.peer, conversation.lane), self.open.len());
        self.open.push(Rc::clone(conversation));
        if let Some(kept) = self.kept.remove(&conversation.peer) {
            // There is room for all of it: both have the same limit.
            let _ = conversation.outbox.put_back(kept.take_all());
        }
    }

    /// A connection is over. Gives back what still waited for it and is given up.
    pub(super) fn close(&mut self, conversation: &Rc<Conversation>) -> Vec<Parcel> {
        self.open.retain(|other| !Rc::ptr_eq(other, conversation));
        let waited = conversation.outbox.take_all();
        match self.replies {
            Replies::ToTheNextConnection => {
                waited.into_iter().filter_map(|parcel| self.keep(conversation.peer, parcel)).collect()
            }
            Replies::ToThePeer | Replies::ToThePlace => waited.into(),
        }
    }

    /// Sends an answer on its way. Gives back a message that is given up for it.
    #[must_use]
    pub(super) fn reply(&mut self, to: NodeId, lane: Lane, parcel: Parcel) -> Option<Parcel> {
        let conversation = match self.replies {
            Replies::ToThePlace => self.places.get(&(to, lane)).and_then(|&place| self.open.get(place)),
            // What is told unasked may belong on a lane that its receiver has had no need of yet.
            Replies::ToThePeer | Replies::ToTheNextConnection => {
                self.latest(to, lane).or_else(|| self.open.iter().rfind(|other| other.peer == to))
            }
        };
        match (conversation, self.replies) {
            (Some(conversation), _) => conversation.outbox.push(parcel),
            (None, Replies::ToTheNextConnection) => self.keep(to, parcel),
            (None, Replies::ToThePeer | Replies::ToThePlace) => Some(parcel),
        }
    }

    /// Whether some of them have something to write, and room for it.
    pub(super) fn are_moving(&self) -> bool {
        self.open.iter().any(|conversation| conversation.outbox.is_moving())
    }

    fn latest(&self, peer: NodeId, lane: Lane) -> Option<&Rc<Conversation>> {
        self.open.iter().rfind(|other| other.peer == peer && other.lane == lane)
    }

    fn keep(&mut self, to: NodeId, parcel: Parcel) -> Option<Parcel> {
        self.kept.entry(to).or_insert_with(|| Outbox::new(self.limit)).push(parcel)
    }
}
