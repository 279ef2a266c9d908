use crate::SubscriberId;
use std::{collections::HashMap, task::Waker};

/// The subscribers that wait at the head, each with the waker it left.
///
/// Waiting begins in the critical section in which the cursor found nothing,
/// and ends in the one in which something is appended. So no wake-up is lost,
/// and a cursor that is behind the head is never in here.
///
/// A waker is foreign code: to clone, call or drop one can run anything, up to
/// dropping the task whose cursor is in this very list. Every method is called
/// under the channel's lock and therefore only moves wakers, and hands out the
/// ones that are to be called or dropped after the lock.
#[derive(Debug, Default)]
pub(crate) struct WaitList {
    wakers: HashMap<SubscriberId, Waker>,
}

impl WaitList {
    /// `id` waits; returns the waker that it left before.
    #[must_use = "to be dropped after the lock"]
    pub(crate) fn insert(&mut self, id: SubscriberId, waker: Waker) -> Option<Waker> {
        self.wakers.insert(id, waker)
    }

    /// `id` waits no more.
    #[must_use = "to be dropped after the lock"]
    pub(crate) fn remove(&mut self, id: SubscriberId) -> Option<Waker> {
        self.wakers.remove(&id)
    }

    /// Nobody waits any more; returns those who did.
    #[must_use = "to be called after the lock"]
    pub(crate) fn take(&mut self) -> Vec<Waker> {
        // Not `mem::take`: a channel that is busy keeps the table.
        self.wakers.drain().map(|(_, waker)| waker).collect()
    }
}
