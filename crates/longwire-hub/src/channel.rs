use crate::{
    ChannelName, Cursor, Epoch, Offset, SubscriberId, TooManySubscribers, hub, log::Log,
    sync::lock, wake::WaitList,
};
use longwire_proto::PreparedMessage;
use std::{
    fmt,
    sync::{
        Arc, Mutex, MutexGuard,
        atomic::{AtomicU64, Ordering},
    },
    task::Waker,
};

/// A channel of a [`Hub`](crate::Hub): a log, and the cursors in it.
///
/// Cheap to clone, and used from any thread. The channel exists while there is
/// one of these or a [`Cursor`].
#[derive(Clone)]
pub struct Channel {
    shared: Arc<Shared>,
}

/// What the handles of one channel share.
pub(crate) struct Shared {
    name: ChannelName,
    epoch: Epoch,
    hub: Arc<hub::Shared>,
    state: Mutex<State>,
    /// The log's head, for those who only look. Written under the lock.
    head: AtomicU64,
}

/// What is under the channel's lock. It is held to append one publication or to
/// read one batch, never while foreign code runs.
#[derive(Debug)]
pub(crate) struct State {
    pub(crate) log: Log,
    pub(crate) waiting: WaitList,
    subscribers: usize,
}

impl Channel {
    pub(crate) fn new(name: ChannelName, epoch: Epoch, hub: Arc<hub::Shared>) -> Channel {
        let log = Log::new(hub.config(), hub.budget().clone());
        let state = State {
            log,
            waiting: WaitList::default(),
            subscribers: 0,
        };
        Channel {
            shared: Arc::new(Shared {
                name,
                epoch,
                hub,
                state: Mutex::new(state),
                head: AtomicU64::new(Offset::ZERO.get()),
            }),
        }
    }

    pub(crate) const fn from_shared(shared: Arc<Shared>) -> Channel {
        Channel { shared }
    }

    pub(crate) const fn shared(&self) -> &Arc<Shared> {
        &self.shared
    }

    /// The channel's name.
    pub fn name(&self) -> &ChannelName {
        &self.shared.name
    }

    /// Which log of this name it is.
    pub fn epoch(&self) -> Epoch {
        self.shared.epoch
    }

    /// The offset of the newest publication; zero before the first.
    pub fn head(&self) -> Offset {
        Offset::new(self.shared.head.load(Ordering::Acquire))
    }

    /// How many cursors there are.
    pub fn subscribers(&self) -> usize {
        self.lock().subscribers
    }

    /// Appends `message` to the log, wakes the subscribers that wait at the
    /// head, and returns its offset.
    ///
    /// Publications are in one order for all, and for one publisher in the order
    /// of its calls. A cursor whose id is `publisher` gets the publication too.
    /// Never waits for a reader. Wakers are called on this thread, without a
    /// lock: they may use the hub. They should be short, and must not panic, or
    /// others that wait might not be woken.
    pub fn publish(&self, message: PreparedMessage, publisher: Option<SubscriberId>) -> Offset {
        let (offset, wakers) = {
            let mut state = self.lock();
            let offset = state.log.append(message, publisher);
            self.shared.head.store(offset.get(), Ordering::Release);
            (offset, state.waiting.take())
        };
        wakers.into_iter().for_each(Waker::wake);
        offset
    }

    /// A new subscriber, at the head: it gets what is published from now on.
    ///
    /// # Errors
    /// When the channel has [`HubConfig::max_subscribers`] already.
    ///
    /// [`HubConfig::max_subscribers`]: crate::HubConfig::max_subscribers
    pub fn subscribe(&self) -> Result<Cursor, TooManySubscribers> {
        let max = self.shared.hub.config().max_subscribers;
        let head = {
            let mut state = self.lock();
            if state.subscribers >= max {
                return Err(TooManySubscribers { max });
            }
            state.subscribers += 1;
            state.log.head()
        };
        let id = self.shared.hub.next_subscriber_id();
        Ok(Cursor::new(self.clone(), id, head))
    }

    /// Forgets a subscriber. Only its cursor calls this, once.
    pub(crate) fn unsubscribe(&self, id: SubscriberId) {
        let mut state = self.lock();
        state.subscribers -= 1;
        let waker = state.waiting.remove(id);
        drop(state);
        drop(waker);
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, State> {
        lock(&self.shared.state)
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        self.hub.forget(&self.name);
    }
}

impl fmt::Debug for Channel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Channel")
            .field("name", &self.shared.name)
            .field("epoch", &self.shared.epoch)
            .finish_non_exhaustive()
    }
}
