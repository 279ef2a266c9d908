//! Who is woken when the transport has something to say.

use super::Shared;
use crate::keeper::{Keeper, lock};
use std::{
    sync::{
        Arc, Mutex, Weak,
        atomic::{AtomicBool, Ordering},
    },
    task::{Wake, Waker},
};

/// The waker that a connection registers with its transport.
///
/// It wakes the tasks that wait on the connection, and the keeper if none does.
/// It is apart from [`Shared`] because the transport holds it, and `Shared` holds
/// the transport.
pub(crate) struct Signal {
    keeper: Arc<Keeper>,
    connection: Weak<Shared>,
    waiters: Mutex<Waiters>,
    /// The connection is in the keeper's queue.
    scheduled: AtomicBool,
}

#[derive(Default)]
struct Waiters {
    /// The task that waits for a message: one, since receiving is exclusive.
    receiver: Option<(Waker, Guarded)>,
    /// Tasks that wait for room, for a flush, for a Pong, or for the end.
    others: Vec<(WaitKey, Waker)>,
    /// The last key that was given out.
    last_key: u64,
    /// A task was woken to look after the transport and has not done so yet.
    entrusted: bool,
    /// Keeps a connection without owner alive until it has closed properly.
    orphan: Option<Arc<Shared>>,
}

/// Whether a wait tells when it is given up. One that does can be trusted to
/// look after the transport when it is woken; beside one that does not, a
/// combinator that may have lost its interest, the keeper looks too.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Guarded {
    Yes,
    No,
}

/// Which wait a waker belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum WaitKey {
    /// Of a wait that has not registered yet.
    New,
    Guarded(u64),
    /// Of a poll that no guard stands behind.
    Unguarded,
}

impl Signal {
    pub(super) fn new(keeper: Arc<Keeper>, connection: Weak<Shared>) -> Signal {
        Signal {
            keeper,
            connection,
            waiters: Mutex::default(),
            scheduled: AtomicBool::new(false),
        }
    }

    pub(super) fn keeper(&self) -> &Keeper {
        &self.keeper
    }

    /// `waker`'s task waits for a message, and is about to look after the
    /// transport.
    pub(super) fn wait_to_receive(&self, waker: &Waker, guarded: Guarded) {
        let mut waiters = lock(&self.waiters);
        waiters.entrusted = false;
        match &mut waiters.receiver {
            Some((receiver, kind)) => {
                receiver.clone_from(waker);
                *kind = guarded;
            }
            none => *none = Some((waker.clone(), guarded)),
        }
    }

    /// The receiving task waits no more. If it was woken to look after the
    /// transport and did not, the keeper does.
    pub(super) fn stop_receiving(&self) {
        let mut waiters = lock(&self.waiters);
        waiters.receiver = None;
        if std::mem::take(&mut waiters.entrusted) {
            drop(waiters);
            self.schedule();
        }
    }

    /// The receiving task got what it waited for.
    pub(super) fn received(&self) {
        lock(&self.waiters).receiver = None;
    }

    /// `waker`'s task waits for anything else, and is about to look after the
    /// transport.
    pub(super) fn wait(&self, waker: &Waker, key: &mut WaitKey) {
        let mut waiters = lock(&self.waiters);
        waiters.entrusted = false;
        if *key == WaitKey::New {
            waiters.last_key += 1;
            *key = WaitKey::Guarded(waiters.last_key);
        }
        match waiters.others.iter_mut().find(|(other, _)| other == key) {
            Some((_, other)) => other.clone_from(waker),
            None => waiters.others.push((*key, waker.clone())),
        }
    }

    /// The wait with this key is over. If its task was woken to look after the
    /// transport and did not, the keeper does.
    pub(super) fn stop_waiting(&self, key: WaitKey) {
        let mut waiters = lock(&self.waiters);
        waiters.others.retain(|(other, _)| *other != key);
        if waiters.others.is_empty() {
            waiters.others = Vec::new();
        }
        if std::mem::take(&mut waiters.entrusted) {
            drop(waiters);
            self.schedule();
        }
    }

    /// Wakes all that wait for something else than a message.
    pub(super) fn wake_others(&self) {
        let others = std::mem::take(&mut lock(&self.waiters).others);
        others.into_iter().for_each(|(_, waker)| waker.wake());
    }

    /// Wakes the receiving task.
    pub(super) fn wake_receiver(&self) {
        let receiver = lock(&self.waiters).receiver.take();
        if let Some((receiver, _)) = receiver {
            receiver.wake();
        }
    }

    /// Has the keeper look after the connection when the running task yields.
    pub(super) fn schedule(&self) {
        if self.scheduled.swap(true, Ordering::AcqRel) {
            return;
        }
        let Some(connection) = self.connection.upgrade() else {
            return;
        };
        if !self.keeper.schedule(connection) {
            // The runtime is gone: nothing can be closed properly any more.
            self.release_orphan();
        }
    }

    /// The keeper begins to look after the connection.
    pub(super) fn unscheduled(&self) {
        self.scheduled.store(false, Ordering::Release);
    }

    /// Keeps the connection, whose owner is gone, until it has closed.
    pub(super) fn keep_orphan(&self, connection: Arc<Shared>) {
        lock(&self.waiters).orphan = Some(connection);
        self.schedule();
    }

    pub(super) fn release_orphan(&self) {
        let orphan = lock(&self.waiters).orphan.take();
        drop(orphan);
    }
}

impl Wake for Signal {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    /// Called by the transport, perhaps while it is being polled, so the
    /// connection itself may be locked.
    fn wake_by_ref(self: &Arc<Self>) {
        let mut waiters = lock(&self.waiters);
        let receiver = waiters.receiver.take();
        let others = std::mem::take(&mut waiters.others);
        let trusted = matches!(receiver, Some((_, Guarded::Yes)))
            || others.iter().any(|(key, _)| *key != WaitKey::Unguarded);
        waiters.entrusted = trusted;
        drop(waiters);
        if !trusted {
            self.schedule();
        }
        let receiver = receiver.into_iter().map(|(waker, _)| waker);
        let others = others.into_iter().map(|(_, waker)| waker);
        receiver.chain(others).for_each(Waker::wake);
    }
}
