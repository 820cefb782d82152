//! Messages that a clog or a hold keeps, until it heals.

use leasehold_core::event::LossCause;
use leasehold_core::node::Protocol;

use crate::network::{Blame, Departure, Disturbance};
use crate::world::{Task, World};

/// A message that is kept.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Penned {
    pub(crate) by: Blame,
    pub(crate) parcel: u32,
    pub(crate) kept: Kept,
}

/// Where a message is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kept {
    /// Before it set out.
    AtHome,
    /// On its way.
    UnderWay,
}

impl<P: Protocol> World<'_, P> {
    /// Begins to hold links: what is under way on them stays where it is.
    pub(crate) fn hold(&mut self, disturbance: Disturbance, by: Blame) {
        self.network.disturb(disturbance);
        let (network, parcels) = (&self.network, &self.parcels);
        let held = self.queue.extract(|task| match task {
            Task::Deliver { parcel } => network.held_by(parcels.letter(parcel)) == Some(by),
            _ => false,
        });
        let mut parcels: Vec<u32> = held
            .into_iter()
            .filter_map(|task| if let Task::Deliver { parcel } = task { Some(parcel) } else { None })
            .collect();
        parcels.sort_by_key(|&parcel| self.parcels.order(parcel));
        for parcel in parcels {
            self.pen(by, parcel, Kept::UnderWay);
        }
    }

    /// Lets go what a clog or hold kept that is over, in the order of sending, unless another keeps it now.
    pub(crate) fn release(&mut self, by: Blame) {
        if self.pens.iter().all(|penned| penned.by != by) {
            return;
        }
        let (mut free, stay): (Vec<Penned>, Vec<Penned>) =
            std::mem::take(&mut self.pens).into_iter().partition(|penned| penned.by == by);
        self.pens = stay;
        free.sort_by_key(|penned| self.parcels.order(penned.parcel));
        for Penned { parcel, kept, .. } in free {
            let letter = self.parcels.letter(parcel);
            self.network.let_go(letter.from, letter.to);
            match (kept, self.network.held_by(letter)) {
                (Kept::AtHome, _) => self.set_out(parcel, Departure::Unclogged),
                (Kept::UnderWay, Some(by)) => self.pen(by, parcel, kept),
                (Kept::UnderWay, None) => self.queue.push(self.now, Task::Deliver { parcel }),
            }
        }
    }

    /// Keeps a message, if there is room: a link keeps as many as the buffer of a stopped process.
    pub(crate) fn pen(&mut self, by: Blame, parcel: u32, kept: Kept) {
        let (from, to) = self.parcels.ends(parcel);
        self.land_on_link(by.fault, from, to);
        if self.network.keep(from, to, self.plan.receive_buffer) {
            self.pens.push(Penned { by, parcel, kept });
        } else {
            self.lose_parcel(parcel, LossCause::Overflow);
        }
    }
}
