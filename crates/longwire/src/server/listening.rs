use super::{
    AcceptError, Accepted, Address, Listener, Options, Pending,
    accept::{Place, handshake},
    address::Shown,
    connections::Connections,
};
use crate::{Drain, WebSocket, io::Io};
use longwire_proto::handshake::{Refusal, Request};
use std::{fmt, future::poll_fn, io, pin::pin, sync::Arc, task::Poll, time::Duration};
use tokio::{
    net::ToSocketAddrs,
    sync::{Semaphore, mpsc},
    task::{AbortHandle, JoinSet},
    time::{Instant, sleep},
};
use tracing::{debug, info};

/// Listens, and gives the clients whose requests are in order.
///
/// Connections are taken in and opening handshakes run in the background, many
/// at a time ([`Options::max_handshakes`]), so that no slow or silent client
/// keeps others waiting. Dropping the server stops the listening; open
/// WebSockets are not touched. [`shutdown`](Server::shutdown) closes them too.
///
/// See the [module](super) for an example.
#[derive(Debug)]
pub struct Server {
    accepted: mpsc::UnboundedReceiver<Accepted>,
    local_addr: Address,
    handle: ServerHandle,
}

impl Server {
    /// Listens on a TCP address, with the default [`Options`].
    ///
    /// # Errors
    /// Those of binding: most often that the port is in use.
    pub async fn bind(address: impl ToSocketAddrs) -> io::Result<Server> {
        let listener = Listener::bind(address).await?;
        Ok(Server::listen(listener, Options::default()))
    }

    /// Listens with `listener`.
    ///
    /// # Panics
    /// Outside of a tokio runtime.
    pub fn listen(listener: Listener, options: Options) -> Server {
        // Bounded by the places for handshakes: whatever is in here has one.
        let (sender, accepted) = mpsc::unbounded_channel();
        let connections = Arc::new(Connections::default());
        let local_addr = listener.local_addr().clone();
        info!(address = %local_addr, "listening");
        let accepting = Accepting {
            listener,
            options: Arc::new(options),
            connections: Arc::clone(&connections),
            sender,
        };
        let accepting = tokio::spawn(accepting.run()).abort_handle();
        let handle = ServerHandle {
            connections,
            accepting,
        };
        Server {
            accepted,
            local_addr,
            handle,
        }
    }

    /// The next client that wants a WebSocket; `None` once the server is shut
    /// down.
    ///
    /// Requests that want something else are answered, mostly with 426.
    ///
    /// # Cancel safety
    /// Nothing is lost when the future is dropped.
    pub async fn accept(&mut self) -> Option<Pending> {
        loop {
            match self.accept_any().await? {
                Accepted::WebSocket(pending) => return Some(pending),
                Accepted::Http(http) => match Request::from_head(http.head().clone()) {
                    Err(refusal) => http.refuse(refusal),
                    // The head has no `Upgrade: websocket`, so this does not come up.
                    Ok(_) => http.refuse(Refusal::not_found("There is no such page.\n")),
                },
            }
        }
    }

    /// The next client, whatever it wants; `None` once the server is shut down.
    ///
    /// With this a program serves HTTP on the same port: see [`HttpConnection`]
    /// for how.
    ///
    /// # Cancel safety
    /// Nothing is lost when the future is dropped.
    ///
    /// [`HttpConnection`]: super::HttpConnection
    pub async fn accept_any(&mut self) -> Option<Accepted> {
        loop {
            let accepted = self.accepted.recv().await?;
            // What came too late is dropped, and thereby answered with 503.
            if !self.handle.connections.is_leaving() {
                return Some(accepted);
            }
        }
    }

    /// Where the server listens: tells the port if it was bound to port 0.
    pub fn local_addr(&self) -> &Address {
        &self.local_addr
    }

    /// A handle with which any task can shut the server down.
    pub fn handle(&self) -> ServerHandle {
        self.handle.clone()
    }

    /// Shuts the server down: see [`ServerHandle::shutdown`].
    pub async fn shutdown(self, limit: Duration) -> usize {
        let handle = self.handle();
        // Answers those who wait to be accepted.
        drop(self);
        handle.shutdown(limit).await
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.handle.accepting.abort();
    }
}

/// Shuts a [`Server`] down from any task.
#[derive(Clone)]
pub struct ServerHandle {
    connections: Arc<Connections>,
    accepting: AbortHandle,
}

/// How often a shutdown looks whether all is closed.
const LOOK: Duration = Duration::from_millis(10);

impl ServerHandle {
    /// Stops listening, closes every WebSocket with 1001, and waits until all
    /// are closed, but not longer than `limit`. Gives how many are still open
    /// then: 0 if all went well.
    ///
    /// Tasks that hold the WebSockets see them close: what was sent before
    /// leaves before the Close frame, and what the peers sent before theirs is
    /// received. A WebSocket that is accepted during the shutdown is closed at
    /// once. What remains after `limit` goes on closing, bounded by
    /// `Config::close_timeout`.
    ///
    /// ```no_run
    /// # use longwire::{Server, server::Pending};
    /// # use std::time::Duration;
    /// # async fn serve(pending: Pending) {}
    /// # async fn run() -> std::io::Result<()> {
    /// let mut server = Server::bind("127.0.0.1:9001").await?;
    /// let handle = server.handle();
    /// let leaving = tokio::spawn(async move {
    ///     tokio::signal::ctrl_c().await?;
    ///     Ok::<_, std::io::Error>(handle.shutdown(Duration::from_secs(10)).await)
    /// });
    /// while let Some(pending) = server.accept().await {
    ///     tokio::spawn(serve(pending));
    /// }
    /// // `accept` gives `None` at once; the open connections take a moment.
    /// let open = leaving.await??;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Cancel safety
    /// The shutdown goes on when the future is dropped; only the waiting ends.
    pub async fn shutdown(&self, limit: Duration) -> usize {
        self.accepting.abort();
        self.connections.leave();
        self.closed(limit).await
    }

    /// Stops listening, and closes every WebSocket step by step, telling each
    /// when to come back: see [`Drain`]. Then waits as
    /// [`shutdown`](Self::shutdown) does, and gives what it gives.
    ///
    /// A WebSocket that is accepted meanwhile is closed at once, and may come
    /// back at any moment of the whole window. Ends earlier when no connection
    /// is left. A `shutdown` during it closes the rest at once; a drain during
    /// either only waits.
    ///
    /// # Cancel safety
    /// It goes on when the future is dropped; only the waiting ends.
    pub async fn drain(&self, drain: Drain, limit: Duration) -> usize {
        self.accepting.abort();
        let connections = Arc::clone(&self.connections);
        let draining = tokio::spawn(async move { connections.drain(drain).await });
        // Its only way not to end well is the runtime's end.
        let _ = draining.await;
        self.closed(limit).await
    }

    /// Waits until all are closed, but not longer than `limit`.
    async fn closed(&self, limit: Duration) -> usize {
        let deadline = Instant::now() + limit;
        loop {
            let open = self.connections.open();
            if open == 0 && self.accepting.is_finished() || Instant::now() >= deadline {
                info!(open, "the server is shut down");
                return open;
            }
            sleep(LOOK).await;
        }
    }

    /// How many WebSockets are open.
    pub fn connections(&self) -> usize {
        self.connections.open()
    }

    /// Whether a shutdown or a drain has begun.
    pub fn is_shutting_down(&self) -> bool {
        self.connections.is_leaving()
    }

    /// Makes a WebSocket one of the server's, so that a shutdown closes it too:
    /// for those that a program's HTTP server has upgraded.
    pub fn adopt(&self, ws: &WebSocket) {
        self.connections.add(ws);
    }
}

impl fmt::Debug for ServerHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServerHandle")
            .field("connections", &self.connections)
            .finish_non_exhaustive()
    }
}

/// The task that takes connections in.
struct Accepting {
    listener: Listener,
    options: Arc<Options>,
    connections: Arc<Connections>,
    sender: mpsc::UnboundedSender<Accepted>,
}

impl Accepting {
    async fn run(mut self) {
        let places = self.options.max_handshakes.clamp(1, Semaphore::MAX_PERMITS);
        let places = Arc::new(Semaphore::new(places));
        // Dropped with this task, and the handshakes with it.
        let mut handshakes = JoinSet::new();
        loop {
            let Ok(permit) = Arc::clone(&places).acquire_owned().await else {
                return; // Nobody closes the semaphore.
            };
            let (io, peer) = {
                let mut accepted = pin!(self.listener.accept());
                poll_fn(|cx| {
                    // What they took is given back now, not with the next client.
                    while let Poll::Ready(Some(_)) = handshakes.poll_join_next(cx) {}
                    accepted.as_mut().poll(cx)
                })
                .await
            };
            let place = Place {
                _permit: permit,
                connections: Arc::clone(&self.connections),
            };
            let options = Arc::clone(&self.options);
            let sender = self.sender.clone();
            handshakes.spawn(run_handshake(io, peer, options, place, sender));
        }
    }
}

async fn run_handshake(
    io: Io,
    peer: Option<Address>,
    options: Arc<Options>,
    place: Place,
    sender: mpsc::UnboundedSender<Accepted>,
) {
    match handshake(io, peer.clone(), &options, Some(place)).await {
        // The server being gone, this is dropped: it answers the client.
        Ok(accepted) => drop(sender.send(accepted)),
        Err(AcceptError::Canary) => debug!(peer = %Shown(&peer), "canary opened"),
        Err(error) => debug!(peer = %Shown(&peer), reason = %error, "handshake failed"),
    }
}
