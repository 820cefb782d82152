//! Where work is handed out to threads, and comes back.

use std::num::NonZeroUsize;
use std::sync::mpsc::channel;

use crate::sweep::{NoThreads, threads};

/// Says what is to be done next, and takes what came of it. On the thread that called.
pub(crate) trait Foreman<Job, Done> {
    /// The next, if there is one now: there may be one again after something came back.
    fn next(&mut self) -> Option<Job>;
    /// What came of one. They come in any order.
    fn take(&mut self, job: Job, done: Done);
}

/// Does on several threads what the foreman says, with so many under way at a time.
pub(crate) fn work<Job: Copy + Send, Done: Send>(
    jobs: NonZeroUsize,
    most: usize,
    does: &(dyn Fn(Job) -> Done + Sync),
    foreman: &mut dyn Foreman<Job, Done>,
) -> Result<(), NoThreads> {
    let pool = threads(jobs, "")?;
    pool.in_place_scope(|scope| {
        let (sender, receiver) = channel();
        let mut under_way = 0_usize;
        loop {
            while under_way < most
                && let Some(job) = foreman.next()
            {
                let sender = sender.clone();
                scope.spawn(move |_| {
                    // Nobody listens any more only if the caller panicked.
                    let _ = sender.send((job, does(job)));
                });
                under_way += 1;
            }
            if under_way == 0 {
                return;
            }
            let (job, done) = receiver.recv().expect("a sender is kept here");
            under_way -= 1;
            foreman.take(job, done);
        }
    });
    Ok(())
}
