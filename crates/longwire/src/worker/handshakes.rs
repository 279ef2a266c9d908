//! The threads that TLS handshakes are computed on. A worker's thread would
//! keep its other connections waiting meanwhile: a signature takes as long as
//! hundreds of messages.

use super::mailbox::Mailbox;
use crate::{
    keeper::lock,
    tls::{ServerTls, Session, rustls},
};
use std::{
    collections::VecDeque,
    io,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, Condvar, Mutex},
    thread,
};

/// What all workers of an engine share for TLS. Its threads end when it is
/// dropped.
pub(super) struct Handshakes {
    tls: ServerTls,
    desk: Arc<Desk>,
}

#[derive(Default)]
struct Desk {
    steps: Mutex<Steps>,
    changed: Condvar,
}

/// No more of them wait than handshakes are allowed to be under way.
#[derive(Default)]
struct Steps {
    waiting: VecDeque<(Step, Arc<Mailbox>)>,
    closed: bool,
}

/// A step of the handshake of one connection: to be done, or done.
pub(super) struct Step {
    pub(super) id: u64,
    pub(super) session: Box<Session>,
    pub(super) result: Result<(), rustls::Error>,
}

impl Handshakes {
    pub(super) fn start(tls: &ServerTls, threads: usize) -> io::Result<Handshakes> {
        let handshakes = Handshakes {
            tls: tls.clone(),
            desk: Arc::default(),
        };
        for number in 0..threads.max(1) {
            let desk = Arc::clone(&handshakes.desk);
            let thread = thread::Builder::new().name(format!("longwire-tls-{number}"));
            thread.spawn(move || desk.work())?;
        }
        Ok(handshakes)
    }

    pub(super) fn session(&self) -> Result<Box<Session>, rustls::Error> {
        self.tls.session().map(Box::new)
    }

    /// Has a step done for the connection with this id. It comes back to the
    /// mailbox.
    pub(super) fn submit(&self, id: u64, session: Box<Session>, mailbox: Arc<Mailbox>) {
        let step = Step {
            id,
            session,
            result: Ok(()),
        };
        lock(&self.desk.steps).waiting.push_back((step, mailbox));
        self.desk.changed.notify_one();
    }
}

impl Drop for Handshakes {
    fn drop(&mut self) {
        lock(&self.desk.steps).closed = true;
        self.desk.changed.notify_all();
    }
}

impl Desk {
    fn work(&self) {
        while let Some((mut step, mailbox)) = self.next() {
            // Certificates may be chosen by the program's own code.
            let done = catch_unwind(AssertUnwindSafe(|| step.session.shake_hands()));
            step.result = done.unwrap_or_else(|_| {
                tracing::error!("a TLS handshake panicked");
                Err(rustls::Error::General("the handshake panicked".into()))
            });
            mailbox.post_step(step);
        }
    }

    /// Waits for a step; none comes any more when the engine has ended.
    fn next(&self) -> Option<(Step, Arc<Mailbox>)> {
        let mut steps = lock(&self.steps);
        loop {
            if let Some(next) = steps.waiting.pop_front() {
                return Some(next);
            }
            if steps.closed {
                return None;
            }
            // A panic elsewhere leaves the queue as it is.
            steps = self
                .changed
                .wait(steps)
                .unwrap_or_else(std::sync::PoisonError::into_inner);
        }
    }
}
