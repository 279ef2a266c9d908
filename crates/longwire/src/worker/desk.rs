#[cfg(feature = "tls")]
use super::handshakes::Handshakes;
use super::{
    mailbox::{self, Letter, Mail, Mailbox},
    remote::RemoteError,
    topics::Topics,
};
#[cfg(feature = "tls")]
use crate::tls::Session;
use std::{collections::HashSet, io, sync::Arc};

/// How many bytes of publications a worker collects from its own connections,
/// at most, until it delivers them.
const MUCH: usize = 1 << 20;

/// What a worker has beside its connections, lent to the handler's calls: their
/// topics, and the mailboxes of all workers.
pub(super) struct Desk {
    number: usize,
    mailboxes: Arc<[Arc<Mailbox>]>,
    pub(super) topics: Topics,
    /// Connections that take nothing more from other threads, as their mailbox
    /// knows.
    full: HashSet<u64>,
    /// So many bytes the worker has posted to itself since it looked.
    posted: Option<usize>,
    /// What the transport said when it failed under the connection whose turn
    /// it is.
    pub(super) transport_error: Option<Arc<io::Error>>,
    #[cfg(feature = "tls")]
    pub(super) handshakes: Option<Arc<Handshakes>>,
}

impl Desk {
    pub(super) fn new(number: usize, mailboxes: Arc<[Arc<Mailbox>]>, topics: Topics) -> Desk {
        Desk {
            number,
            mailboxes,
            topics,
            full: HashSet::new(),
            posted: None,
            transport_error: None,
            #[cfg(feature = "tls")]
            handshakes: None,
        }
    }

    /// For an engine that speaks TLS.
    #[cfg(feature = "tls")]
    pub(super) fn with_handshakes(mut self, handshakes: Option<Arc<Handshakes>>) -> Desk {
        self.handshakes = handshakes;
        self
    }

    /// Has the next step of a connection's TLS handshake done.
    #[cfg(feature = "tls")]
    pub(super) fn submit(&self, id: u64, session: Box<Session>) {
        if let Some(handshakes) = &self.handshakes {
            handshakes.submit(id, session, Arc::clone(self.mailbox()));
        }
    }

    /// Which of the workers this is, from 0.
    pub(super) const fn number(&self) -> u32 {
        self.number as u32
    }

    /// How many workers there are.
    pub(super) fn workers(&self) -> u32 {
        self.mailboxes.len() as u32
    }

    /// The worker's own mailbox.
    pub(super) fn mailbox(&self) -> &Arc<Mailbox> {
        &self.mailboxes[self.number]
    }

    pub(super) const fn mailboxes(&self) -> &Arc<[Arc<Mailbox>]> {
        &self.mailboxes
    }

    pub(super) fn post(&mut self, letter: &Letter) -> Result<(), RemoteError> {
        mailbox::post_to_all(&self.mailboxes, letter, Some(self.number))?;
        *self.posted.get_or_insert(0) += letter.bytes();
        Ok(())
    }

    /// Whether the worker is to look into its mailbox before it waits.
    pub(super) const fn has_posted(&self) -> bool {
        self.posted.is_some()
    }

    /// Whether it is to look at once, before the mailbox is full.
    pub(super) fn has_posted_much(&self) -> bool {
        self.posted.is_some_and(|bytes| bytes >= MUCH)
    }

    pub(super) fn take_mail(&mut self) -> Mail {
        self.posted = None;
        self.mailbox().take()
    }

    pub(super) fn notify(&mut self, topic: &str) {
        for (number, mailbox) in self.mailboxes.iter().enumerate() {
            mailbox.notify(topic, number != self.number);
        }
        self.posted.get_or_insert(0);
    }

    /// A connection takes nothing more from other threads.
    pub(super) fn is_full(&mut self, id: u64) {
        if self.full.insert(id) {
            self.mailbox().set_full(id, true);
        }
    }

    /// It does again, or is gone.
    pub(super) fn has_room(&mut self, id: u64) {
        if self.full.remove(&id) {
            self.mailbox().set_full(id, false);
        }
    }

    /// A connection is gone.
    pub(super) fn forget(&mut self, id: u64) {
        self.topics.leave(id);
        self.has_room(id);
    }
}
