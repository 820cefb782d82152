//! How many calls went to each instance that is gone, and cannot answer.
//!
//! One that left answers while it drains: calls to it are none to the dead. Where nobody calls, nothing is counted.

use alloc::vec::Vec;

use leasehold_core::id::{Epoch, InstanceId};

use super::Court;
use crate::finding::Gone;
use crate::measure::Standing;
use crate::metric::Metric;

/// Of how many registrations of one instance that are gone calls are counted apart. Chosen by us: few views lag by more.
const COUNTED: usize = 4;

/// Instances are numbered from 0; beyond this number none is followed.
const MOST: usize = 1 << 16;

/// Counts calls to what is gone.
#[derive(Debug, Default)]
pub(super) struct Calls {
    instances: Vec<Vec<Count>>,
    callers: Callers,
}

/// Whether anybody calls.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Callers {
    #[default]
    None,
    Some,
}

/// The calls to one registration since it is gone.
#[derive(Clone, Copy, Debug)]
struct Count {
    epoch: Epoch,
    how: Gone,
    calls: u64,
}

impl Calls {
    /// Somebody calls an instance.
    pub(super) fn somebody_calls(&mut self) {
        self.callers = Callers::Some;
    }

    /// A registration is gone now.
    pub(super) fn gone(&mut self, cx: &mut Court, instance: InstanceId, epoch: Epoch, how: Gone) {
        self.count(cx, instance, Count { epoch, how, calls: 0 });
    }

    /// It was called.
    pub(super) fn called(&mut self, cx: &mut Court, instance: InstanceId, epoch: Epoch) {
        self.count(cx, instance, Count { epoch, how: Gone::Ended, calls: 1 });
    }

    fn count(&mut self, cx: &mut Court, instance: InstanceId, new: Count) {
        let place = instance.0 as usize;
        if place >= MOST {
            return;
        }
        if self.instances.len() <= place {
            self.instances.resize_with(place + 1, Vec::new);
        }
        let counts = &mut self.instances[place];
        if let Some(count) = counts.iter_mut().find(|count| count.epoch == new.epoch) {
            count.calls += new.calls;
            return;
        }
        if counts.len() == COUNTED {
            counts.remove(0).tell(cx, self.callers);
        }
        counts.push(new);
    }

    /// The run is over.
    pub(super) fn finish(&mut self, cx: &mut Court) {
        self.instances.iter().flatten().for_each(|count| count.tell(cx, self.callers));
    }
}

impl Count {
    fn tell(&self, cx: &mut Court, callers: Callers) {
        if callers == Callers::None || self.how == Gone::Left {
            return;
        }
        cx.measure(Metric::CallsToDead, self.calls, None, Standing::InBound);
    }
}
