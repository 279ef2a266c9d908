use super::{
    Backoff, Event, Reconnecting, WhenFull,
    hook::{HookError, Source, Watcher},
    queue::Queue,
    task::{Plan, Task},
};
use crate::{
    Connector,
    client::IntoUrl,
    heartbeat::{Heartbeat, MemoryStore, Store},
    network::Changes,
};
use futures_core::Stream;
use longwire_proto::handshake::{Url, UrlError};
use std::sync::Arc;

/// Sets the options of a [`Reconnecting`].
#[derive(Debug)]
#[must_use = "a builder does nothing until `build` is called"]
pub struct ReconnectingBuilder {
    urls: Vec<Result<Url, UrlError>>,
    source: Source,
    backoff: Backoff,
    when_full: WhenFull,
    max_queued: usize,
    heartbeat: Option<Heartbeat>,
    store: Arc<dyn Store>,
    watcher: Watcher,
    changes: Option<Changes>,
}

impl ReconnectingBuilder {
    pub(super) fn new(url: impl IntoUrl) -> ReconnectingBuilder {
        ReconnectingBuilder {
            urls: vec![url.into_url()],
            source: Source::Fixed(Connector::new()),
            backoff: Backoff::default(),
            when_full: WhenFull::default(),
            max_queued: 1 << 20,
            heartbeat: None,
            store: Arc::new(MemoryStore::new()),
            watcher: Watcher::default(),
            changes: None,
        }
    }

    /// Adds another place to connect to. Each try that fails goes on to the next
    /// one, and from the last to the first.
    pub fn endpoint(mut self, url: impl IntoUrl) -> Self {
        self.urls.push(url.into_url());
        self
    }

    /// Connects with these options: headers, subprotocols, TLS, timeouts.
    pub fn connector(mut self, connector: Connector) -> Self {
        self.source = Source::Fixed(connector);
        self
    }

    /// Asks `hook` for a connector before each try, so that each can have a fresh
    /// token. When it fails, that is a try that failed.
    ///
    /// ```no_run
    /// # async fn fetch_token() -> Result<String, std::io::Error> { unreachable!() }
    /// # fn example() -> Result<(), Box<dyn std::error::Error>> {
    /// let ws = longwire::reconnecting("wss://example.com/feed")
    ///     .connector_with(|| async {
    ///         let token = fetch_token().await?;
    ///         let connector = longwire::Connector::builder();
    ///         Ok(connector.header("Authorization", format!("Bearer {token}")).build()?)
    ///     })
    ///     .build()?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn connector_with<F>(mut self, hook: impl Fn() -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = Result<Connector, HookError>> + Send + 'static,
    {
        self.source = Source::hook(hook);
        self
    }

    /// How long to wait between tries.
    pub fn backoff(mut self, backoff: Backoff) -> Self {
        self.backoff = backoff;
        self
    }

    /// How many bytes of messages may wait to be sent, and what becomes of more.
    /// Default: 1 MiB, and sending waits.
    pub fn queue(mut self, max_bytes: usize, when_full: WhenFull) -> Self {
        self.max_queued = max_bytes;
        self.when_full = when_full;
        self
    }

    /// How often the connection beats, in place of the connector's
    /// [`ping_interval`](crate::ConnectorBuilder::ping_interval).
    ///
    /// What learns opens spare connections to the same endpoint
    /// ([`Canary`](crate::heartbeat::Canary)), with the connector that has opened
    /// the connection. Where its token is good for one connection only, they are
    /// refused, and nothing is learned.
    pub fn heartbeat(mut self, heartbeat: Heartbeat) -> Self {
        self.heartbeat = Some(heartbeat);
        self
    }

    /// Where it is kept what a [`Heartbeat::Learned`] has learned. Default: in
    /// memory, for as long as this connection is not closed.
    pub fn heartbeat_store(mut self, store: impl Store) -> Self {
        self.store = Arc::new(store);
        self
    }

    /// Calls `watch` with everything that happens. It must not block.
    pub fn on_event(mut self, watch: impl Fn(&Event<'_>) + Send + Sync + 'static) -> Self {
        self.watcher = Watcher::new(watch);
        self
    }

    /// Is told by `changes` when the network has changed, in place of by the
    /// system: see [how they are noticed](super#when-the-network-changes). Each
    /// item is a change, whatever it was; those within a quarter of a second
    /// count as one. For systems that do not tell by themselves, and for programs
    /// that know better. A stream without items switches it off.
    pub fn network_changes(mut self, changes: impl Stream<Item = ()> + Send + 'static) -> Self {
        self.changes = Some(Changes::given(changes));
        self
    }

    /// Begins to connect, in the background, on the current tokio runtime.
    ///
    /// # Errors
    /// A URL that is none.
    ///
    /// # Panics
    /// Outside of a tokio runtime.
    pub fn build(self) -> Result<Reconnecting, UrlError> {
        let urls = self.urls.into_iter().collect::<Result<_, _>>()?;
        let queue = Arc::new(Queue::new(self.when_full, self.max_queued));
        let plan = Plan {
            urls,
            source: self.source,
            backoff: self.backoff,
            heartbeat: self.heartbeat,
            store: self.store,
            watcher: Arc::new(self.watcher),
        };
        let changes = self.changes.unwrap_or_else(Changes::of_system);
        Ok(Task::spawn(plan, queue, changes))
    }
}
