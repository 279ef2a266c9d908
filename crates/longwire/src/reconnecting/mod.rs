//! One logical connection that does not end when a connection does.
//!
//! ```no_run
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! let mut ws = longwire::reconnecting("wss://example.com/feed").build()?;
//! ws.send("hello").await?;
//! while let Some(message) = ws.next().await {
//!     println!("{:?}", message?);
//! }
//! # Ok(())
//! # }
//! ```
//!
//! # When it tries again, and when it gives up
//!
//! | how it ended | then |
//! |---|---|
//! | any Close frame whose reason has a [`ReconnectWindow`] | at a random moment of the window |
//! | TCP broke, the peer was silent, our address is gone, 1001, 1011 to 1014, other codes from 3000 | again |
//! | 1000: the server has said goodbye | gives up |
//! | 1002, 1003, 1007 to 1010, of either side; 3000, 3003 | gives up: it would come again |
//! | no address, no TCP, no TLS, timeouts, 5xx, 408, 425, 429 | again |
//! | redirects, pages, certificates of other names | again: perhaps a captive portal |
//! | 4xx otherwise: credentials, the path | gives up |
//! | a proxy that wants other credentials, or is none | gives up |
//! | a bad header, an extension that is required and missing, no usable TLS configuration | gives up |
//!
//! Each wait is random, up to a ceiling that doubles ([`Backoff`]), so that clients
//! that were lost together do not return together.
//! [`retry_now`](Reconnecting::retry_now) cuts a wait short.
//!
//! # When the network changes
//!
//! When an address or a route has come or gone, a try that is waited for begins
//! at once, unless the server has given a window. A connection whose local
//! address is gone is lost at once ([`CloseCause::AddressGone`]), and comes back
//! from another one; any other is asked by a Ping whether it is still there.
//!
//! Linux tells by rtnetlink: one socket for all that are on a runtime. Elsewhere
//! nobody tells, unless the program does
//! ([`network_changes`](ReconnectingBuilder::network_changes)); then a
//! connection that is gone is noticed by its next heartbeat or write.
//!
//! # What becomes of messages
//!
//! What is sent is queued and goes out in order, each message on one connection
//! at most: one that was handed to a connection that was then lost may or may not
//! have arrived, and is not sent again. What has not been handed to a connection
//! waits for the next one, up to a bound ([`WhenFull`]).
//! [`close`](Reconnecting::close) gives back what was not sent.
//!
//! What the server sends while there is no connection is the server's to keep: a
//! channel of Longwire's own server resumes where it was lost.
//!
//! # How often it beats
//!
//! As the connector says ([`ping_interval`](crate::ConnectorBuilder::ping_interval)),
//! or as seldom as the path allows, which is [learned](crate::heartbeat), and goes
//! on over all connections ([`heartbeat`](ReconnectingBuilder::heartbeat)).

mod backoff;
mod builder;
mod event;
mod hook;
mod queue;
mod task;
mod verdict;

pub use backoff::Backoff;
pub use builder::ReconnectingBuilder;
pub use event::{Event, Lost};
pub use hook::HookError;
pub use longwire_proto::ReconnectWindow;
pub use queue::{SendError, WhenFull};

use crate::{client::IntoUrl, heartbeat::Beat};
use hook::Watcher;
#[cfg(doc)]
use longwire_proto::CloseCause;
use longwire_proto::{CloseCode, CloseFrame, InvalidCloseFrame, Message, Utf8Bytes};
use queue::Queue;
use std::{fmt, sync::Arc};
use tokio::{
    sync::{Notify, mpsc, watch},
    task::JoinHandle,
};

/// Begins to set up a connection that comes back by itself.
pub fn reconnecting(url: impl IntoUrl) -> ReconnectingBuilder {
    ReconnectingBuilder::new(url)
}

/// A WebSocket connection that comes back by itself: see the
/// [module](self) for when it does, and what becomes of messages.
///
/// Dropping it closes the connection with 1001, in the background; what waits to
/// be sent is thrown away.
pub struct Reconnecting {
    queue: Arc<Queue>,
    watcher: Arc<Watcher>,
    messages: mpsc::Receiver<Result<Message, Lost>>,
    state: watch::Receiver<State>,
    closer: watch::Sender<Option<CloseFrame>>,
    retry_now: Arc<Notify>,
    beat: watch::Receiver<Option<Beat>>,
    task: JoinHandle<()>,
}

/// Whether there is a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// A try is under way.
    Connecting,
    /// Messages pass.
    Open,
    /// The next try is waited for.
    Waiting,
    /// It was closed or given up.
    Closed,
}

impl Reconnecting {
    /// Waits for the next message, over any number of connections. `None` after
    /// it was closed or given up.
    ///
    /// # Errors
    /// [`Lost`] once, when it is given up.
    ///
    /// # Cancel safety
    /// No message is lost.
    pub async fn next(&mut self) -> Option<Result<Message, Lost>> {
        self.messages.recv().await
    }

    /// Queues a message, to be sent on this connection or the next.
    ///
    /// # Errors
    /// [`SendError`], with the message.
    ///
    /// # Cancel safety
    /// The message is queued as a whole or not at all.
    pub async fn send(&self, message: impl Into<Message>) -> Result<(), SendError> {
        let dropped = self.queue.put(message.into()).await?;
        self.tell_dropped(dropped);
        Ok(())
    }

    /// Queues a message if there is room, or room can be made.
    ///
    /// # Errors
    /// [`SendError`], with the message.
    pub fn try_send(&self, message: impl Into<Message>) -> Result<(), SendError> {
        let dropped = self.queue.try_put(message.into())?;
        self.tell_dropped(dropped);
        Ok(())
    }

    fn tell_dropped(&self, dropped: usize) {
        if dropped > 0 {
            self.watcher.tell(&Event::Dropped(dropped));
        }
    }

    /// How many messages wait to be handed to a connection.
    pub fn queued(&self) -> usize {
        self.queue.len()
    }

    /// Whether there is a connection now.
    pub fn state(&self) -> State {
        *self.state.borrow()
    }

    /// What keeps the connection alive, and how often: the interval that is fixed
    /// by [`heartbeat`](ReconnectingBuilder::heartbeat), or that is learned, by
    /// now. `None` if neither is set, and the connector's holds, and before the
    /// first connection is open.
    pub fn beat(&self) -> Option<Beat> {
        *self.beat.borrow()
    }

    /// Waits until there is a connection, or never will be.
    ///
    /// # Cancel safety
    /// Safe.
    pub async fn opened(&self) -> State {
        let settled = |state: &State| matches!(state, State::Open | State::Closed);
        let mut state = self.state.clone();
        let found = state.wait_for(settled).await.map(|state| *state);
        found.unwrap_or(State::Closed)
    }

    /// Tries again at once, if the next try is waited for: the network is back.
    pub fn retry_now(&self) {
        if self.state() == State::Waiting {
            self.retry_now.notify_one();
        }
    }

    /// Ends it for good: sends what is queued if there is a connection, for at
    /// most ten seconds, and closes that one properly. Gives back what was not
    /// sent.
    ///
    /// # Errors
    /// If the code or reason cannot be sent; nothing was done then.
    ///
    /// # Cancel safety
    /// Once polled it goes on; what was not sent is not told then.
    pub async fn close(
        self,
        code: impl Into<CloseCode>,
        reason: impl Into<Utf8Bytes>,
    ) -> Result<Vec<Message>, InvalidCloseFrame> {
        let frame = CloseFrame::new(code, reason)?;
        self.queue.close();
        self.closer.send_replace(Some(frame));
        drop(self.messages);
        // A task that panicked has told so already, and has nothing left to do.
        let _ = self.task.await;
        Ok(self.queue.drain())
    }
}

impl fmt::Debug for Reconnecting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reconnecting")
            .field("state", &self.state())
            .field("queued", &self.queued())
            .finish_non_exhaustive()
    }
}
