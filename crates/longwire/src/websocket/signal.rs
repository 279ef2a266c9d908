//! Who is woken when the transport has something to say.

use super::Shared;
use crate::keeper::{Keeper, TICK, Tick, lock, tick_at};
use longwire_proto::Instant;
use std::{
    sync::{
        Arc, Mutex, Weak,
        atomic::{AtomicBool, AtomicU32, Ordering},
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
    /// A read found nothing, and the transport has not called since. While this
    /// is not so somebody has to look after the transport: a task that was
    /// woken, a user who is about to come back for more, or the keeper.
    watched: AtomicBool,
    /// Whether there may be [`Waiters::others`].
    has_others: AtomicBool,
    /// The connection is in the keeper's queue.
    scheduled: AtomicBool,
    /// Before this tick the user, who just took a message, is expected to come
    /// back for more.
    expected: AtomicU32,
    /// The tick at which the keeper sees whether the user did.
    look_at: AtomicU32,
    /// The tick at which the keeper will look for the sake of a deadline;
    /// [`NEVER`] if it will not. Changed only while the driver is locked.
    pub(super) timer: AtomicU32,
    /// How many handles the user has.
    pub(super) handles: AtomicU32,
}

pub(super) const NEVER: Tick = Tick::MAX;

#[derive(Default)]
struct Waiters {
    /// The task that waits for a message: one, since receiving is exclusive.
    receiver: Option<Waker>,
    /// How that one waits.
    guarded: Guarded,
    /// The last key that was given out. No two waits at a time have the same
    /// within four billion.
    last_key: u32,
    /// Tasks that wait for room, for a flush, for a Pong, or for the end.
    others: Option<Box<Others>>,
    /// Keeps a connection without owner alive until it has closed properly.
    orphan: Option<Arc<Shared>>,
}

/// Held by a pointer, which is there as long as there are some.
type Others = Vec<(WaitKey, Waker)>;

/// Whether a wait tells when it is given up. One that does can be trusted to
/// look after the transport when it is woken; beside one that does not, a
/// combinator that may have lost its interest, the keeper looks too.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Guarded {
    Yes,
    #[default]
    No,
}

/// Which wait a waker belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum WaitKey {
    /// Of a wait that has not registered yet.
    New,
    Guarded(u32),
    /// Of a poll that no guard stands behind.
    Unguarded,
}

impl Signal {
    pub(super) fn new(keeper: Arc<Keeper>, connection: Weak<Shared>) -> Signal {
        Signal {
            keeper,
            connection,
            waiters: Mutex::default(),
            watched: AtomicBool::new(false),
            has_others: AtomicBool::new(false),
            scheduled: AtomicBool::new(false),
            expected: AtomicU32::new(0),
            look_at: AtomicU32::new(0),
            timer: AtomicU32::new(NEVER),
            handles: AtomicU32::new(1),
        }
    }

    pub(super) fn keeper(&self) -> &Keeper {
        &self.keeper
    }

    // --- Watching the transport ---

    /// Whether there is nothing to read until the transport calls.
    pub(super) fn is_watched(&self) -> bool {
        self.watched.load(Ordering::Acquire)
    }

    /// The transport is about to be read. Told before it is, so that a call
    /// which comes meanwhile counts.
    pub(super) fn watch(&self) {
        self.watched.store(true, Ordering::Release);
    }

    /// The read found something.
    pub(super) fn unwatch(&self) {
        self.watched.store(false, Ordering::Release);
    }

    /// The user took a message at `now` and may be back in a moment: until then
    /// the keeper leaves the transport alone.
    pub(super) fn expect(&self, now: Instant) {
        let expected = tick_at(now).saturating_add(2);
        self.expected.store(expected, Ordering::Relaxed);
    }

    /// The transport is to be looked after as soon as it calls.
    pub(super) fn hurry(&self) {
        self.expected.store(0, Ordering::Relaxed);
    }

    /// Has the keeper look after the transport in a moment, if nobody did.
    pub(super) fn look_soon(&self, now: Instant) {
        if self.look_at.load(Ordering::Relaxed) <= tick_at(now) {
            let connection = self.connection.clone();
            let tick = self.keeper.arm(connection, now + TICK, now);
            self.look_at.store(tick, Ordering::Relaxed);
        }
    }

    /// The transport called, and nobody waits.
    fn unattended(&self) {
        let now = self.keeper.now();
        let expected = self.expected.load(Ordering::Relaxed);
        if tick_at(now) < expected {
            self.look_soon(now);
        } else {
            self.schedule();
        }
    }

    // --- Waiting ---

    /// `waker`'s task waits for a message. False if the transport has called
    /// since it was read, so that it is to be read again.
    pub(super) fn wait_to_receive(&self, waker: &Waker, guarded: Guarded) -> bool {
        let mut waiters = lock(&self.waiters);
        waiters.receiver = Some(waker.clone());
        waiters.guarded = guarded;
        drop(waiters);
        self.is_watched()
    }

    /// The receiving task waits no more. If it was woken to look after the
    /// transport and did not, the keeper does.
    pub(super) fn stop_receiving(&self) {
        lock(&self.waiters).receiver = None;
        if !self.is_watched() {
            self.schedule();
        }
    }

    /// `waker`'s task waits for anything else, and is about to look after the
    /// transport.
    pub(super) fn wait(&self, waker: &Waker, key: &mut WaitKey) {
        let mut waiters = lock(&self.waiters);
        if *key == WaitKey::New {
            waiters.last_key = waiters.last_key.wrapping_add(1);
            *key = WaitKey::Guarded(waiters.last_key);
        }
        let others = waiters.others.get_or_insert_default();
        match others.iter_mut().find(|(other, _)| other == key) {
            Some((_, other)) => other.clone_from(waker),
            None => others.push((*key, waker.clone())),
        }
        self.has_others.store(true, Ordering::Release);
    }

    /// The wait with this key is over. If its task was woken to look after the
    /// transport and did not, the keeper does.
    pub(super) fn stop_waiting(&self, key: WaitKey) {
        let mut waiters = lock(&self.waiters);
        waiters.others.take_if(|others| {
            others.retain(|(other, _)| *other != key);
            others.is_empty()
        });
        drop(waiters);
        if !self.is_watched() {
            self.schedule();
        }
    }

    /// Wakes all that wait for something else than a message.
    pub(super) fn wake_others(&self) {
        if self.has_others.load(Ordering::Acquire) {
            let others = self.take_others(&mut lock(&self.waiters));
            wake_all(others);
        }
    }

    fn take_others(&self, waiters: &mut Waiters) -> Option<Box<Others>> {
        self.has_others.store(false, Ordering::Release);
        waiters.others.take()
    }

    /// Wakes the receiving task.
    pub(super) fn wake_receiver(&self) {
        let receiver = lock(&self.waiters).receiver.take();
        if let Some(receiver) = receiver {
            receiver.wake();
        }
    }

    // --- The keeper ---

    /// As [`schedule`](Self::schedule), for one who has just changed the
    /// connection under its lock: cheap when it is in the queue already.
    pub(super) fn schedule_changed(&self) {
        // The keeper takes the connection from its queue under the same lock.
        if !self.scheduled.load(Ordering::Relaxed) {
            self.schedule();
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
        self.unwatch();
        let mut waiters = lock(&self.waiters);
        let receiver = waiters.receiver.take();
        let guarded = receiver.is_some() && waiters.guarded == Guarded::Yes;
        let others = self.take_others(&mut waiters);
        drop(waiters);
        if receiver.is_none() && others.is_none() {
            return self.unattended();
        }
        let is_guarded = |(key, _): &(WaitKey, _)| *key != WaitKey::Unguarded;
        if !guarded && !others.iter().flat_map(|others| &**others).any(is_guarded) {
            self.schedule();
        }
        if let Some(receiver) = receiver {
            receiver.wake();
        }
        wake_all(others);
    }
}

fn wake_all(others: Option<Box<Others>>) {
    let others = others.into_iter().flat_map(|others| *others);
    others.for_each(|(_, waker)| waker.wake());
}
