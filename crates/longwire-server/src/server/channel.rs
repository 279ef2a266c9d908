//! One client on one channel.

use longwire::{CloseCode, PreparedBatch, PreparedMessage};
use longwire_hub::{Cursor, Gap, Publication, Read, ReadLimits, SharedRead};
use std::{borrow::Cow, cell::RefCell};

thread_local! {
    /// What the thread has read of a channel last. Nearly all of its subscribers
    /// stand at the same place, and take the same.
    static SHARED: RefCell<SharedRead> = RefCell::default();
}

/// A client's place in a channel.
pub(crate) struct Subscription {
    pub(super) cursor: Cursor,
    /// The client gets what it publishes itself.
    pub(super) echo: bool,
}

/// What a client is to get next.
pub(super) enum Next<'r> {
    Batch(Cow<'r, PreparedBatch>),
    /// It has fallen behind the log.
    Missed(Gap),
}

impl Subscription {
    pub(super) fn publish(&self, message: PreparedMessage) {
        self.cursor
            .channel()
            .publish(message, Some(self.cursor.id()));
    }

    /// Whether the client has got all that was published until now.
    pub(super) fn is_at_head(&self) -> bool {
        self.cursor.is_at_head()
    }

    /// Reads on. `None` at the head.
    pub(super) fn read<'r>(&mut self, shared: &'r mut SharedRead) -> Option<Next<'r>> {
        if self.is_at_head() {
            return None;
        }
        let read = self.cursor.read_shared(ReadLimits::default(), shared)?;
        Some(match read {
            Read::Publications(_) => Next::Batch(self.wanted(shared)),
            Read::Gap(gap) => Next::Missed(gap),
        })
    }

    /// What the client wants of what was read: all of it, as nearly all do, or
    /// what others have published.
    fn wanted<'r>(&self, shared: &'r SharedRead) -> Cow<'r, PreparedBatch> {
        let own = |each: &&Publication| each.publisher() == Some(self.cursor.id());
        let publications = shared.publications();
        if self.echo || !publications.iter().any(|each| own(&each)) {
            return Cow::Borrowed(shared.batch());
        }
        let others = publications.iter().filter(|each| !own(each));
        Cow::Owned(others.map(|each| each.message().clone()).collect())
    }
}

/// Lends what the thread has read last.
pub(super) fn with_shared<R>(call: impl FnOnce(&mut SharedRead) -> R) -> R {
    SHARED.with_borrow_mut(call)
}

/// A client that has fallen behind the log has missed messages for good. It is
/// told, since nothing in a plain stream of messages would.
pub(super) fn late(gap: Gap) -> (CloseCode, String) {
    tracing::info!(missed = gap.count(), "subscriber fell behind the log");
    let reason = format!("too slow: {} messages were missed", gap.count());
    (CloseCode::TRY_AGAIN_LATER, reason)
}
