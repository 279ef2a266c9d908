//! What other threads, and other workers, have for a worker.

#[cfg(feature = "tls")]
use super::handshakes::Step;
use super::{peer::Peer, remote::RemoteError};
use crate::{Drain, keeper::lock};
use longwire_proto::{CloseFrame, PreparedMessage};
use std::{
    any::Any,
    collections::{HashSet, hash_set},
    io, mem,
    sync::{
        Arc, Mutex, MutexGuard,
        atomic::{AtomicUsize, Ordering},
    },
};

/// The most bytes that wait in a mailbox for its worker. A worker empties it at
/// every turn, so only one that is overrun by other threads fills it.
const MAX_BYTES: usize = 16 << 20;

/// What a letter costs besides its message.
const OVERHEAD: usize = 64;

pub(super) struct Mailbox {
    waker: mio::Waker,
    letters: Mutex<Letters>,
    /// How many connections the worker has open.
    open: AtomicUsize,
}

#[derive(Default)]
struct Letters {
    waiting: Vec<Letter>,
    /// Steps of TLS handshakes that are done.
    #[cfg(feature = "tls")]
    steps: Vec<Step>,
    bytes: usize,
    /// Topics whose subscribers are to be notified.
    notified: HashSet<Arc<str>>,
    /// Connections that take nothing more from other threads, until what they
    /// have has been written.
    full: HashSet<u64>,
    /// The worker is gone.
    closed: bool,
}

#[derive(Clone)]
pub(super) enum Letter {
    /// For one connection.
    Send(u64, PreparedMessage),
    Close(u64, CloseFrame),
    /// For many.
    Publish(Publication),
    Visit(Arc<Visit>),
    /// For the worker itself: stop listening, and close all, at once or step by
    /// step.
    Leave(Option<Drain>),
}

/// A message for all subscribers of a topic.
#[derive(Clone)]
pub(super) struct Publication {
    /// `None`: for all connections.
    pub(super) topic: Option<Arc<str>>,
    pub(super) message: PreparedMessage,
    /// The connection that does not get it.
    pub(super) except: Option<u64>,
}

/// What is done with each connection.
pub(super) type Visit = dyn Fn(&mut Peer<'_, dyn Any>) + Send + Sync;

/// What a worker takes out at once.
pub(super) struct Mail {
    pub(super) letters: Vec<Letter>,
    #[cfg(feature = "tls")]
    pub(super) steps: Vec<Step>,
    pub(super) notified: hash_set::IntoIter<Arc<str>>,
}

impl Letter {
    pub(super) fn bytes(&self) -> usize {
        match self {
            Letter::Send(_, message) => message.frame().len() + OVERHEAD,
            Letter::Publish(publication) => {
                let topic = publication.topic.as_ref().map_or(0, |topic| topic.len());
                publication.message.frame().len() + topic + OVERHEAD
            }
            Letter::Visit(_) => OVERHEAD,
            Letter::Close(..) | Letter::Leave(_) => 0,
        }
    }
}

impl Letters {
    fn is_empty(&self) -> bool {
        #[cfg(feature = "tls")]
        if !self.steps.is_empty() {
            return false;
        }
        self.waiting.is_empty() && self.notified.is_empty()
    }

    /// Whether a letter is taken.
    fn check(&self, letter: &Letter) -> Result<(), RemoteError> {
        let bytes = letter.bytes();
        if self.closed {
            return Err(RemoteError::Gone);
        }
        if bytes > 0 && !self.waiting.is_empty() && self.bytes + bytes > MAX_BYTES {
            return Err(RemoteError::Full);
        }
        match letter {
            Letter::Send(id, _) if self.full.contains(id) => Err(RemoteError::Full),
            _ => Ok(()),
        }
    }

    /// Takes a letter. Whether the worker is to be woken: it is not, while it
    /// has not looked since it was.
    fn push(&mut self, letter: Letter) -> bool {
        let first = self.is_empty();
        self.bytes += letter.bytes();
        self.waiting.push(letter);
        first
    }
}

impl Mailbox {
    pub(super) fn new(waker: mio::Waker) -> Mailbox {
        Mailbox {
            waker,
            letters: Mutex::default(),
            open: AtomicUsize::new(0),
        }
    }

    pub(super) fn post(&self, letter: Letter) -> Result<(), RemoteError> {
        let mut letters = lock(&self.letters);
        letters.check(&letter)?;
        let first = letters.push(letter);
        drop(letters);
        if first {
            self.wake();
        }
        Ok(())
    }

    /// A step of a TLS handshake is done. A worker that has ended has no use
    /// for it.
    #[cfg(feature = "tls")]
    pub(super) fn post_step(&self, step: Step) {
        let mut letters = lock(&self.letters);
        if letters.closed {
            return;
        }
        let first = letters.is_empty();
        letters.steps.push(step);
        drop(letters);
        if first {
            self.wake();
        }
    }

    /// Has a topic's subscribers notified. The worker is not woken by itself.
    pub(super) fn notify(&self, topic: &str, wake: bool) {
        let mut letters = lock(&self.letters);
        if letters.closed || letters.notified.contains(topic) {
            return;
        }
        let first = letters.is_empty();
        letters.notified.insert(topic.into());
        drop(letters);
        if first && wake {
            self.wake();
        }
    }

    pub(super) fn take(&self) -> Mail {
        let mut letters = lock(&self.letters);
        letters.bytes = 0;
        Mail {
            letters: mem::take(&mut letters.waiting),
            #[cfg(feature = "tls")]
            steps: mem::take(&mut letters.steps),
            notified: mem::take(&mut letters.notified).into_iter(),
        }
    }

    /// Whether a connection takes more from other threads.
    pub(super) fn set_full(&self, id: u64, full: bool) {
        let mut letters = lock(&self.letters);
        if full {
            letters.full.insert(id);
        } else {
            letters.full.remove(&id);
        }
    }

    pub(super) fn close(&self) {
        let mut letters = lock(&self.letters);
        *letters = Letters {
            closed: true,
            ..Letters::default()
        };
    }

    /// One more connection is open.
    pub(super) fn opened(&self) {
        self.open.fetch_add(1, Ordering::Relaxed);
    }

    /// One connection less is open.
    pub(super) fn closed(&self) {
        self.open.fetch_sub(1, Ordering::Relaxed);
    }

    /// How many connections are open.
    pub(super) fn open(&self) -> usize {
        self.open.load(Ordering::Relaxed)
    }

    fn wake(&self) {
        let woken: io::Result<()> = self.waker.wake();
        if let Err(error) = woken {
            // The worker looks at its mailbox at every sweep all the same.
            tracing::error!(%error, "cannot wake a worker");
        }
    }
}

/// Puts a letter into all mailboxes, or into none.
///
/// All of them are locked meanwhile, always in the same order: so that all
/// workers find such letters in one order. Workers that have ended need none.
/// The worker of number `own` is not woken: it looks before it waits.
pub(super) fn post_to_all(
    mailboxes: &[Arc<Mailbox>],
    letter: &Letter,
    own: Option<usize>,
) -> Result<(), RemoteError> {
    let mut all: Vec<MutexGuard<'_, Letters>> =
        mailboxes.iter().map(|each| lock(&each.letters)).collect();
    if all.iter().all(|letters| letters.closed) {
        return Err(RemoteError::Gone);
    }
    for letters in all.iter().filter(|letters| !letters.closed) {
        letters.check(letter)?;
    }
    let mut woken = Vec::new();
    for (number, letters) in all.iter_mut().enumerate() {
        if !letters.closed && letters.push(letter.clone()) && own != Some(number) {
            woken.push(number);
        }
    }
    drop(all);
    woken.iter().for_each(|&number| mailboxes[number].wake());
    Ok(())
}
