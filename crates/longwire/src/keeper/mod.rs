//! The keeper: one task per runtime that looks after every connection whose
//! owner is busy elsewhere.
//!
//! A connection has work to do while its user awaits something else: a Ping to
//! answer, a write to finish, a deadline to keep. Its transport wakes the user
//! if the user waits on the connection, and the keeper otherwise. So nothing
//! depends on the user polling, and no connection needs a task or a timer of
//! its own.

mod wheel;

use crate::websocket::Shared;
use longwire_proto::Instant;
use std::{
    cell::Cell,
    collections::{HashMap, VecDeque},
    future::poll_fn,
    panic::{AssertUnwindSafe, catch_unwind},
    pin::pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
    task::Poll,
    time::Duration,
};
use tokio::{runtime, sync::Notify, time};
use wheel::Wheel;

/// A count of [`TICK`]s since the keeper's origin, for six years.
pub(crate) type Tick = u32;

/// The resolution of deadlines.
pub(crate) const TICK: Duration = Duration::from_millis(50);

/// How many connections are looked after before other tasks get a turn.
const TURN: usize = 64;

pub(crate) struct Keeper {
    origin: time::Instant,
    work: Mutex<Work>,
    notify: Arc<Notify>,
}

/// The time of one piece of work: read from the clock when it is first asked
/// for, and then the same.
pub(crate) struct Now<'k> {
    keeper: &'k Keeper,
    read: Cell<Option<Instant>>,
}

impl Now<'_> {
    /// Whether anybody asked for it.
    pub(crate) fn was_read(&self) -> bool {
        self.read.get().is_some()
    }

    pub(crate) fn get(&self) -> Instant {
        self.read.get().unwrap_or_else(|| {
            let now = self.keeper.now();
            self.read.set(Some(now));
            now
        })
    }
}

struct Work {
    ready: VecDeque<Arc<Shared>>,
    timers: Wheel<Weak<Shared>>,
    /// The runtime is gone, and with it the keeper's task.
    closed: bool,
}

/// What the task does after a turn.
enum Next {
    Continue,
    Sleep(Option<time::Instant>),
}

static KEEPERS: Mutex<Option<HashMap<runtime::Id, Weak<Keeper>>>> = Mutex::new(None);

impl Keeper {
    /// The keeper of the runtime that this is called on.
    ///
    /// # Panics
    /// Outside a runtime, as everything of tokio does that needs one.
    pub(crate) fn current() -> Arc<Keeper> {
        let runtime = runtime::Handle::current();
        let mut keepers = lock(&KEEPERS);
        let keepers = keepers.get_or_insert_default();
        let known = keepers.get(&runtime.id()).and_then(Weak::upgrade);
        if let Some(keeper) = known.filter(|keeper| !lock(&keeper.work).closed) {
            return keeper;
        }
        keepers.retain(|_, keeper| keeper.strong_count() > 0);
        let keeper = Arc::new(Keeper {
            origin: time::Instant::now(),
            work: Mutex::new(Work {
                ready: VecDeque::new(),
                timers: Wheel::new(),
                closed: false,
            }),
            notify: Arc::new(Notify::new()),
        });
        keepers.insert(runtime.id(), Arc::downgrade(&keeper));
        let task = Task {
            keeper: Arc::downgrade(&keeper),
            notify: Arc::clone(&keeper.notify),
        };
        runtime.spawn(task.run());
        keeper
    }

    /// The time, for those who may not need it.
    pub(crate) fn later(&self) -> Now<'_> {
        Now {
            keeper: self,
            read: Cell::new(None),
        }
    }

    /// The time, for the core.
    pub(crate) fn now(&self) -> Instant {
        let micros = self.origin.elapsed().as_micros();
        Instant::from_micros(u64::try_from(micros).unwrap_or(u64::MAX))
    }

    /// Has the keeper look after `connection` as soon as the running task
    /// yields. False if there is no keeper any more.
    pub(crate) fn schedule(&self, connection: Arc<Shared>) -> bool {
        let mut work = lock(&self.work);
        if work.closed {
            return false;
        }
        // For those before it the keeper has been called already.
        let is_first = work.ready.is_empty();
        work.ready.push_back(connection);
        drop(work);
        if is_first {
            self.notify.notify_one();
        }
        true
    }

    /// Has the keeper look after `connection` at `deadline`, or earlier.
    /// Returns the tick at which it will.
    pub(crate) fn arm(&self, connection: Weak<Shared>, deadline: Instant, now: Instant) -> Tick {
        let mut work = lock(&self.work);
        let sleeping_until = work.timers.next();
        let tick = work
            .timers
            .insert(tick_after(deadline), tick_at(now), connection);
        drop(work);
        if sleeping_until.is_none_or(|sleeping_until| tick < sleeping_until) {
            self.notify.notify_one();
        }
        tick
    }

    /// Looks after what is ready and what is due, up to a bound.
    fn turn(&self) -> Next {
        for _ in 0..TURN {
            let Some(connection) = lock(&self.work).ready.pop_front() else {
                break;
            };
            visit(&connection, None);
        }
        let now = tick_at(self.now());
        let due = lock(&self.work).timers.pop(now);
        if let Some((tick, connections)) = &due {
            for connection in connections.iter().filter_map(Weak::upgrade) {
                visit(&connection, Some(*tick));
            }
        }
        let work = lock(&self.work);
        if due.is_some() || !work.ready.is_empty() {
            return Next::Continue;
        }
        let start = |tick: Tick| self.origin + TICK * tick;
        Next::Sleep(work.timers.next().map(start))
    }
}

/// Looks after one connection. A transport of the user's own may panic; the
/// others must not lose their keeper by it.
fn visit(connection: &Arc<Shared>, timer: Option<Tick>) {
    if catch_unwind(AssertUnwindSafe(|| connection.keep(timer))).is_err() {
        connection.panicked();
    }
}

impl Drop for Keeper {
    fn drop(&mut self) {
        // The task sees that nobody is left to look after.
        self.notify.notify_one();
    }
}

struct Task {
    keeper: Weak<Keeper>,
    notify: Arc<Notify>,
}

impl Task {
    async fn run(self) {
        // One timer for as long as the task runs: moved, not made anew.
        let mut sleep = pin!(time::sleep(Duration::ZERO));
        while let Some(keeper) = self.keeper.upgrade() {
            let next = keeper.turn();
            drop(keeper);
            match next {
                Next::Continue => tokio::task::yield_now().await,
                Next::Sleep(None) => self.notify.notified().await,
                Next::Sleep(Some(deadline)) => {
                    if sleep.deadline() != deadline {
                        sleep.as_mut().reset(deadline);
                    }
                    let mut notified = pin!(self.notify.notified());
                    poll_fn(|cx| match notified.as_mut().poll(cx) {
                        Poll::Ready(()) => Poll::Ready(()),
                        Poll::Pending => sleep.as_mut().poll(cx),
                    })
                    .await;
                }
            }
        }
    }
}

impl Drop for Task {
    fn drop(&mut self) {
        if let Some(keeper) = self.keeper.upgrade() {
            let mut work = lock(&keeper.work);
            work.closed = true;
            work.timers.clear();
            let ready = std::mem::take(&mut work.ready);
            drop(work);
            // Outside the lock: dropping the last handle of one comes back here.
            drop(ready);
        }
    }
}

/// The tick under way.
pub(crate) fn tick_at(time: Instant) -> Tick {
    as_tick(time.as_micros() / TICK.as_micros() as u64)
}

/// The first tick that begins at `time` or after it.
pub(crate) fn tick_after(time: Instant) -> Tick {
    as_tick(time.as_micros().div_ceil(TICK.as_micros() as u64))
}

fn as_tick(count: u64) -> Tick {
    Tick::try_from(count).unwrap_or(Tick::MAX)
}

/// Locks, also after a panic: what a lock guards here is whole between calls.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
