//! Messages under way.

use leasehold_core::id::NodeId;
use leasehold_core::node::Message;

use crate::network::{Carriage, Letter};

/// Messages under way, by place. Places are used again, so that a steady run allocates nothing.
pub(crate) struct Parcels<M> {
    places: Vec<Option<Parcel<M>>>,
    free: Vec<u32>,
    sent: u64,
}

pub(crate) struct Parcel<M> {
    pub(crate) from: NodeId,
    pub(crate) to: NodeId,
    pub(crate) message: M,
    pub(crate) carriage: Carriage,
    /// Orders messages by when they were sent. Copies share it.
    order: u64,
}

impl<M: Message> Parcels<M> {
    pub(crate) fn new() -> Self {
        Self { places: Vec::with_capacity(64), free: Vec::with_capacity(64), sent: 0 }
    }

    /// Takes a message that is sent now, and gives its place.
    pub(crate) fn send(&mut self, from: NodeId, to: NodeId, message: M, carriage: Carriage) -> u32 {
        self.sent += 1;
        self.put(Parcel { from, to, message, carriage, order: self.sent })
    }

    /// A copy of a message, at a place of its own.
    pub(crate) fn copy(&mut self, place: u32) -> u32 {
        let Parcel { from, to, ref message, carriage, order } = *self.at(place);
        let copy = Parcel { from, to, message: message.clone(), carriage, order };
        self.put(copy)
    }

    /// From whom to whom.
    pub(crate) fn ends(&self, place: u32) -> (NodeId, NodeId) {
        let parcel = self.at(place);
        (parcel.from, parcel.to)
    }

    /// A message as the network sees it.
    pub(crate) fn letter(&self, place: u32) -> Letter {
        let Parcel { from, to, ref message, carriage, .. } = *self.at(place);
        Letter { from, to, class: message.class(), carriage }
    }

    pub(crate) fn order(&self, place: u32) -> u64 {
        self.at(place).order
    }

    pub(crate) fn at(&self, place: u32) -> &Parcel<M> {
        self.places[place as usize].as_ref().expect("a parcel is looked at while it is under way")
    }

    pub(crate) fn take(&mut self, place: u32) -> Parcel<M> {
        self.free.push(place);
        self.places[place as usize].take().expect("a parcel is delivered once")
    }

    fn put(&mut self, parcel: Parcel<M>) -> u32 {
        if let Some(place) = self.free.pop() {
            self.places[place as usize] = Some(parcel);
            return place;
        }
        self.places.push(Some(parcel));
        (self.places.len() - 1) as u32
    }
}
