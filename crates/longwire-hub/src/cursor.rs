use crate::{Channel, Gap, Offset, Publication, SharedRead, SubscriberId};
use std::{
    future::poll_fn,
    task::{Context, Poll},
};

/// A subscriber: a position in a channel's log, and no queue of its own.
///
/// It begins at the head and gets every publication after that, in the order of
/// their offsets, each exactly once or as part of exactly one [`Gap`]. Dropping
/// it unsubscribes.
///
/// A driver takes out as much as its connection can take, and comes back when
/// that is written; what it has not taken stays in the log, shared with
/// everyone else.
///
/// ```
/// # use longwire_hub::*;
/// /// Sends a channel to a peer until the peer is gone or too slow.
/// async fn forward(mut cursor: Cursor, peer: &mut impl Peer) {
///     let mut batch = Vec::new();
///     loop {
///         match cursor.next(ReadLimits::default(), &mut batch).await {
///             Read::Publications(_) => {
///                 for publication in batch.drain(..) {
///                     peer.send(publication.message().frame()).await;
///                 }
///             }
///             Read::Gap(gap) => {
///                 peer.close(&format!("too slow: {} messages are lost", gap.count())).await;
///                 return;
///             }
///         }
///     }
/// }
/// # #[allow(async_fn_in_trait)]
/// # trait Peer { async fn send(&mut self, frame: &[u8]); async fn close(&mut self, reason: &str); }
/// ```
#[derive(Debug)]
pub struct Cursor {
    channel: Channel,
    id: SubscriberId,
    /// The offset of what was read last.
    position: Offset,
}

/// What [`Cursor::read`] found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use = "a gap says that publications were missed"]
pub enum Read {
    /// So many publications, one at least, were added to the end of the vector.
    Publications(usize),
    /// The cursor fell past the log's tail. Nothing was added; it stands now
    /// before the oldest publication that the log has.
    Gap(Gap),
}

/// How much is taken by one read. At least one publication is, whatever the
/// limits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReadLimits {
    /// The most publications. Default: 64.
    pub max_count: usize,
    /// The most bytes of encoded frames. Default: 64 KiB.
    pub max_bytes: usize,
}

impl Default for ReadLimits {
    fn default() -> Self {
        ReadLimits {
            max_count: 64,
            max_bytes: 64 << 10,
        }
    }
}

impl Cursor {
    pub(crate) const fn new(channel: Channel, id: SubscriberId, position: Offset) -> Cursor {
        Cursor {
            channel,
            id,
            position,
        }
    }

    /// Who this is, to be given with what it publishes.
    pub const fn id(&self) -> SubscriberId {
        self.id
    }

    /// The channel that it reads.
    pub const fn channel(&self) -> &Channel {
        &self.channel
    }

    /// The offset up to which all is read, or was reported as missed.
    pub const fn position(&self) -> Offset {
        self.position
    }

    /// Whether all is read that was published until now. Takes no lock.
    pub fn is_at_head(&self) -> bool {
        self.position == self.channel.head()
    }

    /// Reads on, into the end of `out`. `None` at the head: all is read.
    ///
    /// Leaves no waker, and does not touch one that [`poll_read`] left.
    ///
    /// [`poll_read`]: Cursor::poll_read
    pub fn read(&mut self, limits: ReadLimits, out: &mut Vec<Publication>) -> Option<Read> {
        self.channel
            .lock()
            .log
            .read(&mut self.position, limits, out)
    }

    /// Like [`read`](Cursor::read), for an event loop that reads many cursors of
    /// a channel one after the other: the first one fills `shared`, and those
    /// that stand where it stood take what it has found, without the channel's
    /// lock.
    ///
    /// After [`Read::Publications`] they are in `shared`. What was published
    /// since it was filled is not: the next read finds it
    /// ([`is_at_head`](Cursor::is_at_head)).
    pub fn read_shared(&mut self, limits: ReadLimits, shared: &mut SharedRead) -> Option<Read> {
        if shared.is_for(&self.channel, self.position) {
            self.position = shared.end();
        } else {
            let found = shared.fill(&self.channel, &mut self.position, limits)?;
            if let Read::Gap(_) = found {
                return Some(found);
            }
        }
        Some(Read::Publications(shared.publications().len()))
    }

    /// Like [`read`](Cursor::read), and at the head it waits.
    ///
    /// When this returns `Pending`, the waker of `cx` is called once, after the
    /// next publication, whoever published it. It is not called again until
    /// `poll_read` has returned `Pending` again: while a cursor is behind the
    /// head, publications cost it nothing. Only the last waker counts. It may
    /// still be called when the cursor has since read the publication, or was
    /// dropped, because it is called outside the lock.
    pub fn poll_read(
        &mut self,
        cx: &mut Context<'_>,
        limits: ReadLimits,
        out: &mut Vec<Publication>,
    ) -> Poll<Read> {
        if let Some(read) = self.read(limits, out) {
            return Poll::Ready(read);
        }
        // Foreign code, so outside the lock; hence the log is asked again.
        let waker = cx.waker().clone();
        let mut state = self.channel.lock();
        if let Some(read) = state.log.read(&mut self.position, limits, out) {
            drop(state);
            return Poll::Ready(read);
        }
        let replaced = state.waiting.insert(self.id, waker);
        drop(state);
        drop(replaced);
        Poll::Pending
    }

    /// [`poll_read`](Cursor::poll_read) as a future, for any runtime.
    ///
    /// # Cancel safety
    /// Nothing is read before the future is ready, so dropping it loses
    /// nothing. The waker it left may be called once.
    pub async fn next(&mut self, limits: ReadLimits, out: &mut Vec<Publication>) -> Read {
        poll_fn(|cx| self.poll_read(cx, limits, out)).await
    }

    /// Goes to the head, past everything that is unread, and returns what that
    /// was: for a reader that fell behind and wants the present, not the past.
    pub fn skip_to_head(&mut self) -> Option<Gap> {
        let head = self.channel.head();
        let skipped = Gap::between(self.position, head);
        self.position = head;
        skipped
    }
}

impl Drop for Cursor {
    fn drop(&mut self) {
        self.channel.unsubscribe(self.id);
    }
}
