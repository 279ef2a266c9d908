//! The channels on the async API.
//!
//! A client has a task, which reads what it publishes. What is published goes to
//! the members of a channel row by row: a task that wakes up for each of them
//! would cost more than the write does. Who takes less than is published is left
//! to its own task until it has caught up.

use super::channel::{Next, Subscription, late, with_shared};
use longwire::{CloseFrame, Error, Permit, PreparedMessage, Sender, WebSocket};
use longwire_hub::ChannelName;
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
};
use tokio::{sync::Notify, task};

/// How many members are in a row, whose task then lets others run.
const SEATS: usize = 64;

/// The audiences of all channels. None is kept alive here; it removes itself.
#[derive(Clone, Default)]
pub(super) struct Audiences(Arc<Mutex<HashMap<ChannelName, Weak<Audience>>>>);

/// All members of one channel.
pub(super) struct Audience {
    name: ChannelName,
    all: Audiences,
    /// The last one may have free seats.
    rows: Mutex<Vec<Weak<Row>>>,
}

/// Members who get what is published one after the other.
struct Row {
    members: Mutex<Vec<Arc<Member>>>,
    published: Arc<Notify>,
}

struct Member {
    sender: Sender,
    place: Mutex<Place>,
    /// Told when it becomes late.
    late: Notify,
}

struct Place {
    subscription: Subscription,
    /// Its own task delivers, and not its row's.
    is_late: bool,
}

/// A member is in its row for as long as this is held.
struct Seat {
    row: Arc<Row>,
    member: Arc<Member>,
}

impl Audiences {
    pub(super) fn of(&self, name: &ChannelName) -> Arc<Audience> {
        let mut all = lock(&self.0);
        if let Some(audience) = all.get(name).and_then(Weak::upgrade) {
            return audience;
        }
        let audience = Arc::new(Audience {
            name: name.clone(),
            all: self.clone(),
            rows: Mutex::default(),
        });
        all.insert(name.clone(), Arc::downgrade(&audience));
        audience
    }
}

impl Audience {
    /// Publishes what the client sends, and has it sent what is published, until
    /// the connection ends.
    ///
    /// A client that publishes faster than it takes what is published is read
    /// from more slowly, and does not fall behind by its own doing.
    pub(super) async fn attend(&self, subscription: Subscription, ws: WebSocket) {
        let (sender, mut receiver) = ws.split();
        let seat = self.seat(subscription, sender);
        while seat.member.catch_up().await.is_ok() {
            let message = tokio::select! {
                biased;
                () = seat.member.late.notified() => continue,
                message = receiver.next() => message,
            };
            let Some(Ok(message)) = message else {
                return;
            };
            seat.member.publish(PreparedMessage::new(message));
            self.call();
        }
    }

    /// Has all rows look for what was published.
    fn call(&self) {
        let rows = lock(&self.rows);
        let rows = rows.iter().filter_map(Weak::upgrade);
        rows.for_each(|row| row.published.notify_one());
    }

    fn seat(&self, subscription: Subscription, sender: Sender) -> Seat {
        let member = Arc::new(Member {
            sender,
            place: Mutex::new(Place {
                subscription,
                // Something may have been published since it subscribed.
                is_late: true,
            }),
            late: Notify::new(),
        });
        let mut rows = lock(&self.rows);
        let last = rows.last().and_then(Weak::upgrade);
        let row = last.filter(|row| lock(&row.members).len() < SEATS);
        let row = row.unwrap_or_else(|| {
            rows.retain(|row| row.strong_count() > 0);
            let row = Row::new();
            rows.push(Arc::downgrade(&row));
            row
        });
        lock(&row.members).push(Arc::clone(&member));
        Seat { row, member }
    }
}

impl Drop for Audience {
    fn drop(&mut self) {
        let mut all = lock(&self.all.0);
        // Another one may have taken its place.
        if all
            .get(&self.name)
            .is_some_and(|own| own.strong_count() == 0)
        {
            all.remove(&self.name);
        }
    }
}

impl Row {
    fn new() -> Arc<Row> {
        let row = Arc::new(Row {
            members: Mutex::default(),
            published: Arc::default(),
        });
        let published = Arc::clone(&row.published);
        task::spawn(Row::serve(Arc::downgrade(&row), published));
        row
    }

    /// Delivers what is published, until the row is gone.
    async fn serve(row: Weak<Row>, published: Arc<Notify>) {
        loop {
            published.notified().await;
            let Some(row) = row.upgrade() else {
                return;
            };
            // Nobody else wants the list but who joins or leaves, and no write
            // waits.
            lock(&row.members)
                .iter()
                .for_each(|member| member.deliver());
            drop(row);
            task::yield_now().await;
        }
    }
}

impl Drop for Row {
    fn drop(&mut self) {
        self.published.notify_one();
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut members = lock(&self.row.members);
        members.retain(|member| !Arc::ptr_eq(member, &self.member));
    }
}

impl Member {
    fn publish(&self, message: PreparedMessage) {
        lock(&self.place).subscription.publish(message);
    }

    /// Delivers what there is room for. The rest waits in the log, which all
    /// share, for its own task.
    fn deliver(&self) {
        let mut place = lock(&self.place);
        while !place.is_late && !place.subscription.is_at_head() {
            let permit = self.sender.try_reserve();
            let sent = permit.map(|permit| place.deliver(&self.sender, permit));
            if !matches!(sent, Some(Ok(_))) {
                place.is_late = true;
                self.late.notify_one();
            }
        }
    }

    /// Delivers everything, as fast as the client takes it.
    ///
    /// # Errors
    /// The connection ends.
    async fn catch_up(&self) -> Result<(), Error> {
        loop {
            let permit = self.sender.reserve().await?;
            let mut place = lock(&self.place);
            place.is_late = place.deliver(&self.sender, permit)?;
            if !place.is_late {
                return Ok(());
            }
        }
    }
}

impl Place {
    /// Sends one batch, for which there is room. False at the head.
    fn deliver(&mut self, sender: &Sender, permit: Permit<'_>) -> Result<bool, Error> {
        with_shared(|shared| match self.subscription.read(shared) {
            None => Ok(false),
            Some(Next::Batch(batch)) => permit.send_batch(&batch).map(|()| true),
            Some(Next::Missed(gap)) => {
                let (code, reason) = late(gap);
                sender.closer().close(CloseFrame::new(code, reason)?);
                Err(Error::Closing)
            }
        })
    }
}

/// Locks, also after a panic: nothing here is left half done by one.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
