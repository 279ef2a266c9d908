//! What the handles of one connection share, and what the keeper does with it.

use super::{
    Agreed,
    driver::{Batch, Driver},
    signal::{Guarded, NEVER, Signal, WaitKey},
};
use crate::{
    Error,
    io::Io,
    keeper::{Keeper, Now, Tick, lock, tick_after},
};
use longwire_proto::{CloseCode, CloseFrame, Config, Connection, Message, MessageRef, Role};
use std::{
    sync::{Arc, Mutex, MutexGuard, atomic::Ordering},
    task::{Context, Poll, Waker},
};
use tokio::task::coop;

pub(crate) struct Shared {
    pub(super) signal: Arc<Signal>,
    /// `signal`, as the transport wants it.
    waker: Waker,
    driver: Mutex<Driver>,
    /// Behind one pointer more, since most have none.
    subprotocol: Option<Box<Box<str>>>,
}

/// How many batches the keeper reads of one connection before others get
/// their turn.
const BATCHES: usize = 4;

impl Shared {
    pub(super) fn new(io: Io, role: Role, config: Arc<Config>, agreed: Agreed) -> Arc<Shared> {
        let keeper = Keeper::current();
        let mut connection = Connection::new(role, config, keeper.now());
        if let Some(extension) = agreed.extension {
            connection = connection.with_extension(extension);
        }
        if agreed.watches {
            connection.watch();
        }
        Arc::new_cyclic(|shared| {
            let signal = Arc::new(Signal::new(keeper, shared.clone()));
            Shared {
                waker: Waker::from(Arc::clone(&signal)),
                signal,
                driver: Mutex::new(Driver::new(connection, io)),
                subprotocol: agreed.subprotocol.map(|name| Box::new(name.into())),
            }
        })
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, Driver> {
        lock(&self.driver)
    }

    pub(super) fn subprotocol(&self) -> Option<&str> {
        self.subprotocol.as_deref().map(Box::as_ref)
    }

    pub(super) fn now(&self) -> Now<'_> {
        self.signal.keeper().later()
    }

    /// The context for polling the transport: always this connection's own
    /// waker, whoever polls.
    pub(super) fn io_context(&self) -> Context<'_> {
        Context::from_waker(&self.waker)
    }

    /// Takes in what came with the opening handshake, and has the keeper begin.
    pub(super) fn start(self: &Arc<Self>, read: &[u8]) {
        if !read.is_empty() {
            self.lock().take_in(&mut read.to_vec(), &self.now());
        }
        self.signal.schedule();
    }

    /// Waits until `take` finds something in what was received, or the end.
    #[inline]
    pub(super) fn poll_receive<T>(
        self: &Arc<Self>,
        cx: &mut Context<'_>,
        guarded: Guarded,
        mut take: impl FnMut(&mut Driver, &Now<'_>) -> Option<Result<T, Error>>,
    ) -> Poll<Option<Result<T, Error>>> {
        // So that a peer that sends without end cannot keep the task from
        // letting others run.
        let budget = std::task::ready!(coop::poll_proceed(cx));
        let now = self.now();
        let mut driver = self.lock();
        let had_room = driver.inbox.has_room();
        let Some(taken) = take(&mut driver, &now) else {
            let polled = self.poll_input(cx, guarded, driver, &now, take);
            if polled.is_ready() {
                budget.made_progress();
            }
            return polled;
        };
        budget.made_progress();
        driver.taken(&now);
        if !had_room {
            // Reading may go on, so somebody has to watch again.
            self.signal.look_soon(now.get());
        }
        Poll::Ready(Some(taken))
    }

    /// Waits for input in which `take` finds something, or the end, when nothing
    /// is left of what was received.
    ///
    /// What was deferred is written before anything is waited for.
    #[inline(never)] // So that who has a message at hand does not move it the more.
    fn poll_input<T>(
        self: &Arc<Self>,
        cx: &mut Context<'_>,
        guarded: Guarded,
        mut driver: MutexGuard<'_, Driver>,
        now: &Now<'_>,
        mut take: impl FnMut(&mut Driver, &Now<'_>) -> Option<Result<T, Error>>,
    ) -> Poll<Option<Result<T, Error>>> {
        let mut last = Batch::Full;
        let mut called = false;
        let received = loop {
            driver.release_end(now);
            self.flush(&mut driver, now);
            if let Some(end) = driver.end() {
                break Some(Err(end));
            }
            match self.poll_read(&mut driver, now) {
                Poll::Ready(batch) => last = batch,
                Poll::Pending => {
                    called = !self.signal.wait_to_receive(cx.waker(), guarded);
                    break None;
                }
            }
            if let Some(taken) = take(&mut driver, now) {
                break Some(Ok(taken));
            }
        };
        if let Some(Ok(_)) = received {
            self.read_on(&mut driver, last, now);
            if driver.inbox.has_unread() {
                // If the user does not come for it before the task waits for
                // anything else, it is taken in all the same.
                self.signal.schedule_changed();
            }
        }
        self.rearm_changed(&driver, now);
        let unflushed = !driver.is_flushed();
        drop(driver);
        match received {
            None => {
                if called {
                    // The transport did when nobody waited for it yet.
                    self.signal.wake_receiver();
                }
                Poll::Pending
            }
            Some(Ok(taken)) => {
                if unflushed {
                    // A Pong waits for the answers to this batch, but no longer.
                    self.signal.schedule();
                }
                Poll::Ready(Some(taken))
            }
            Some(Err(end)) => {
                self.ended();
                Poll::Ready(end.map(Err))
            }
        }
    }

    /// Reads a batch. Nothing is asked of a transport that is to call first.
    fn poll_read(&self, driver: &mut Driver, now: &Now<'_>) -> Poll<Batch> {
        if self.signal.is_watched() {
            return Poll::Pending;
        }
        self.signal.watch();
        let polled = driver.poll_read(&mut self.io_context(), now);
        if polled.is_ready() {
            self.signal.unwatch();
        }
        polled
    }

    /// Goes on after a read that found a message. Where that was most likely all
    /// there is, the transport is asked once more, which leaves it watched: a
    /// user who takes long with the message needs nobody else to look. Otherwise
    /// the user probably comes back for more.
    fn read_on(&self, driver: &mut Driver, mut last: Batch, now: &Now<'_>) {
        while last == Batch::Short && driver.inbox.has_room() {
            match self.poll_read(driver, now) {
                Poll::Ready(batch) => last = batch,
                Poll::Pending => break,
            }
        }
        if !self.signal.is_watched() {
            self.signal.look_soon(now.get());
        }
        if driver.connection().is_open() && !driver.is_blocked() {
            self.signal.expect(now.get());
        }
    }

    /// Queues `message` if there is room. `None` if there is not, and then the
    /// task of `cx` is woken when there is.
    pub(super) fn poll_send(
        self: &Arc<Self>,
        cx: &mut Context<'_>,
        key: &mut WaitKey,
        message: &mut Option<Message>,
        defer: bool,
    ) -> Poll<Result<(), Error>> {
        let mut driver = self.lock();
        let now = self.now();
        std::task::ready!(self.poll_room(cx, key, &mut driver, &now))?;
        let Some(message) = message.take() else {
            return Poll::Ready(Ok(()));
        };
        driver.send(message)?;
        self.written(driver, &now, defer);
        Poll::Ready(Ok(()))
    }

    /// Waits for room in the outgoing queue, writing what is there.
    pub(super) fn poll_room(
        self: &Arc<Self>,
        cx: &mut Context<'_>,
        key: &mut WaitKey,
        driver: &mut Driver,
        now: &Now<'_>,
    ) -> Poll<Result<(), Error>> {
        if !driver.connection().is_open() {
            return Poll::Ready(Err(driver.refused(longwire_proto::SendError::Closing)));
        }
        if driver.has_room() {
            return Poll::Ready(Ok(()));
        }
        self.wait(cx, key, driver, now);
        if !driver.connection().is_open() {
            return Poll::Ready(Err(driver.refused(longwire_proto::SendError::Closing)));
        }
        if driver.has_room() {
            return Poll::Ready(Ok(()));
        }
        Poll::Pending
    }

    /// Registers the task of `cx` for any change, and does what can be done
    /// meanwhile.
    pub(super) fn wait(
        self: &Arc<Self>,
        cx: &mut Context<'_>,
        key: &mut WaitKey,
        driver: &mut Driver,
        now: &Now<'_>,
    ) {
        self.signal.wait(cx.waker(), key);
        if self.look_after(driver, now) {
            self.signal.schedule();
        }
        self.rearm(driver, now);
        if !driver.inbox.is_empty() || driver.connection().close_info().is_some() {
            self.signal.wake_receiver();
        }
    }

    /// Writes what was just queued, now or, while received messages still wait
    /// to be answered, together with the answers to them.
    #[inline]
    pub(super) fn written(
        self: &Arc<Self>,
        driver: MutexGuard<'_, Driver>,
        now: &Now<'_>,
        defer: bool,
    ) {
        if (defer || !driver.inbox.is_empty()) && !driver.is_flushed() {
            return self.signal.schedule_changed();
        }
        self.write(driver, now);
    }

    fn write(self: &Arc<Self>, mut driver: MutexGuard<'_, Driver>, now: &Now<'_>) {
        self.flush(&mut driver, now);
        self.rearm_changed(&driver, now);
        if driver.connection().close_info().is_some() {
            drop(driver);
            self.ended();
        }
    }

    /// Sends a large fragment, written from where it is as far as the transport
    /// takes it.
    pub(super) fn write_fragment(
        &self,
        driver: &mut Driver,
        fragment: MessageRef<'_>,
        last: bool,
        now: &Now<'_>,
    ) -> Result<(), Error> {
        driver.write_fragment(&mut self.io_context(), fragment, last, now)?;
        self.flush(driver, now);
        Ok(())
    }

    /// Writes, and wakes those who wait for room or for all to be written.
    fn flush(&self, driver: &mut Driver, now: &Now<'_>) {
        if driver.is_flushed() {
            return;
        }
        let full = !driver.has_room();
        driver.flush(&mut self.io_context(), now);
        if (full && driver.has_room()) || driver.is_flushed() {
            self.signal.wake_others();
        }
        if driver.is_blocked() {
            self.signal.hurry();
        }
    }

    /// Does all that can be done on the transport now. True if there is more.
    fn look_after(self: &Arc<Self>, driver: &mut Driver, now: &Now<'_>) -> bool {
        driver.read_up(now);
        self.flush(driver, now);
        let mut more = false;
        for batch in 0..=BATCHES {
            more = batch == BATCHES;
            let closing = !driver.connection().is_open();
            if more || !(driver.inbox.has_room() || closing) {
                break;
            }
            if self.poll_read(driver, now).is_pending() {
                break;
            }
            driver.read_up(now);
            self.flush(driver, now);
        }
        driver.poll_transport(&mut self.io_context(), now);
        more
    }

    /// The keeper's visit: because it was asked to, or because `timer` is due.
    pub(crate) fn keep(self: &Arc<Self>, timer: Option<Tick>) {
        let mut driver = self.lock();
        match timer {
            None => self.signal.unscheduled(),
            Some(tick) if tick == self.signal.timer.load(Ordering::Acquire) => {
                self.signal.timer.store(NEVER, Ordering::Release);
            }
            // The user did not come back for what the transport had.
            Some(_) if !self.signal.is_watched() => {}
            // A nearer deadline was entered after this one, and has passed.
            Some(_) => return,
        }
        let now = self.now();
        let was_open = driver.connection().close_info().is_none();
        // Reading comes before deadlines: after a stopped process or a slept
        // laptop, what proves the peer alive waits in the socket.
        let more = self.look_after(&mut driver, &now);
        if timer.is_some() || driver.connection().has_held_end() {
            driver.handle_timeout(&now);
        }
        self.flush(&mut driver, &now);
        driver.poll_transport(&mut self.io_context(), &now);
        self.rearm(&driver, &now);
        let has_news = !driver.inbox.is_empty();
        let has_ended = driver.connection().close_info().is_some();
        let finished = driver.is_finished();
        drop(driver);

        if has_news || has_ended {
            self.signal.wake_receiver();
        }
        self.signal.wake_others();
        if finished {
            self.signal.release_orphan();
        } else if more || (was_open && has_ended) {
            self.signal.schedule();
        }
    }

    /// The connection's transport panicked under the keeper: only this
    /// connection ends.
    pub(crate) fn panicked(&self) {
        self.lock().transport_panicked(&self.now());
        self.signal.wake_receiver();
        self.signal.wake_others();
        self.signal.release_orphan();
    }

    /// The connection has ended: whoever waits learns it, and the keeper takes
    /// the transport down.
    fn ended(&self) {
        self.signal.hurry();
        self.signal.wake_receiver();
        self.signal.wake_others();
        self.signal.schedule();
    }

    /// As [`rearm`](Self::rearm), after something that may have changed the next
    /// deadline: it did not unless the clock was read, or something was written.
    fn rearm_changed(self: &Arc<Self>, driver: &Driver, now: &Now<'_>) {
        if now.was_read() || driver.connection().awaits_acknowledgement() {
            self.rearm(driver, now);
        }
    }

    /// Sees to it that the keeper looks when the next deadline comes.
    pub(super) fn rearm(self: &Arc<Self>, driver: &Driver, now: &Now<'_>) {
        let Some(deadline) = driver.next_timeout() else {
            return;
        };
        let timer = self.signal.timer.load(Ordering::Acquire);
        if driver.is_finished() || tick_after(deadline) >= timer {
            return; // It looks early enough, and will see the deadline then.
        }
        let keeper = self.signal.keeper();
        let tick = keeper.arm(Arc::downgrade(self), deadline, now.get());
        self.signal.timer.store(tick, Ordering::Release);
    }

    pub(super) fn add_handle(&self) {
        self.signal.handles.fetch_add(1, Ordering::Relaxed);
    }

    /// A handle is gone. With the last one the connection is closed, properly
    /// and in the background.
    pub(super) fn remove_handle(self: &Arc<Self>) {
        if self.signal.handles.fetch_sub(1, Ordering::AcqRel) > 1 {
            return;
        }
        let mut driver = self.lock();
        if driver.is_finished() {
            return;
        }
        let code = if std::thread::panicking() {
            CloseCode::INTERNAL_ERROR
        } else {
            CloseCode::GOING_AWAY
        };
        if let Ok(frame) = CloseFrame::new(code, "") {
            let now = self.now();
            driver.begin_close(frame, &now);
            self.rearm(&driver, &now);
        }
        drop(driver);
        self.signal.hurry();
        self.signal.keep_orphan(Arc::clone(self));
    }

    /// The network has changed.
    pub(super) fn network_changed(self: &Arc<Self>) {
        let mut driver = self.lock();
        let now = self.now();
        driver.network_changed(&now);
        self.signal.hurry();
        self.written(driver, &now, false);
    }

    /// Begins the closing handshake, from any thread.
    pub(super) fn begin_close(self: &Arc<Self>, frame: CloseFrame) {
        let mut driver = self.lock();
        let now = self.now();
        driver.begin_close(frame, &now);
        self.signal.hurry();
        self.written(driver, &now, false);
    }
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn an_idle_connection_fits_between_what_tokio_allocates() {
        // Of an `Arc`.
        const COUNTS: usize = 2 * size_of::<usize>();
        // A word more costs 128 bytes: docs/performance.md has the reasons.
        assert!(size_of::<Signal>() + COUNTS <= 104);
        // mio's sockets know their selector when they are debugged.
        let debugging = if cfg!(debug_assertions) { 8 } else { 0 };
        assert!(size_of::<Shared>() + COUNTS - debugging <= 232);
    }
}
