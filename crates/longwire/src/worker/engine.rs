#[cfg(feature = "tls")]
use super::handshakes::Handshakes;
use super::{
    desk::Desk,
    event_loop::{MAILBOX, Worker},
    handler::Handler,
    http::HttpFallback,
    mailbox::{self, Letter, Mailbox, Publication},
    peer::Peer,
    remote::RemoteError,
    routes::RouteData,
    topics::Topics,
};
#[cfg(feature = "tls")]
use crate::tls::ServerTls;
use crate::{Drain, server::TrustedProxies};
use longwire_proto::{
    Config, PreparedMessage,
    handshake::{HeadLimits, OriginPolicy},
};
use std::{
    any::Any,
    borrow::Cow,
    fmt, io,
    net::{SocketAddr, TcpListener, ToSocketAddrs},
    sync::Arc,
    thread::{self, JoinHandle},
    time::Duration,
};

/// How an engine treats those who come.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct EngineOptions {
    /// How many event loops there are, each on a thread of its own. Default: as
    /// many as the machine has cores.
    pub workers: usize,
    /// How open connections behave: limits, heartbeats, timeouts. Default:
    /// [`Config::server`].
    pub config: Arc<Config>,
    /// Which pages may open a WebSocket here. Default: those of the same host.
    pub origin: OriginPolicy,
    /// What the 403 of a page that may not names as the setting to change.
    /// Default: `EngineOptions::origin`.
    pub origin_setting: Cow<'static, str>,
    /// The proxies in front of the engine, and what they are believed. Default:
    /// nobody.
    pub proxies: TrustedProxies,
    /// How large a request's head may be. Default: 16 KiB, 100 headers.
    pub head_limits: HeadLimits,
    /// How long a client may take from connecting until its request is whole,
    /// a PROXY header and TLS included. Default: 10 s.
    pub handshake_timeout: Duration,
    /// How many topics a connection may subscribe to. Default: 1,024.
    pub max_topics: usize,
    /// How many connections may be in their opening handshake at once, TLS
    /// included; more wait in the listener's backlog. Each worker has its share.
    /// Default: 4,096.
    pub max_handshakes: usize,
    /// TLS, for `wss://`. Default: none.
    #[cfg(feature = "tls")]
    pub tls: Option<ServerTls>,
    /// On how many threads TLS handshakes are computed, so that nobody waits
    /// for them who is connected already. Default: as many as the machine has
    /// cores.
    #[cfg(feature = "tls")]
    pub tls_threads: usize,
    /// Who answers requests that ask for no WebSocket. Default: nobody; they
    /// are refused with 426.
    pub http: Option<HttpFallback>,
}

impl Default for EngineOptions {
    fn default() -> Self {
        let cores = thread::available_parallelism().map_or(1, usize::from);
        EngineOptions {
            workers: cores,
            config: Arc::new(Config::server()),
            origin: OriginPolicy::default(),
            origin_setting: Cow::Borrowed("EngineOptions::origin"),
            proxies: TrustedProxies::default(),
            head_limits: HeadLimits::default(),
            handshake_timeout: Duration::from_secs(10),
            max_topics: 1024,
            max_handshakes: 4_096,
            #[cfg(feature = "tls")]
            tls: None,
            #[cfg(feature = "tls")]
            tls_threads: cores,
            http: None,
        }
    }
}

/// Event loops that serve one address, on threads of their own.
///
/// Dropping it leaves them running; [`wait`](Engine::wait) waits for their end,
/// which [`EngineHandle::shutdown`] brings about.
#[derive(Debug)]
pub struct Engine {
    workers: Vec<JoinHandle<()>>,
    local_addr: SocketAddr,
    handle: EngineHandle,
}

impl Engine {
    /// Listens on a TCP address, with the default options.
    ///
    /// # Errors
    /// Those of binding, most often that the port is in use, and of starting
    /// threads.
    pub fn bind(address: impl ToSocketAddrs, handler: impl Handler) -> io::Result<Engine> {
        Engine::start(
            &TcpListener::bind(address)?,
            handler,
            EngineOptions::default(),
        )
    }

    /// Serves what comes to `listener`, which each worker duplicates.
    ///
    /// # Errors
    /// When an event loop or a thread cannot be made.
    pub fn start<H: Handler>(
        listener: &TcpListener,
        handler: H,
        options: EngineOptions,
    ) -> io::Result<Engine> {
        listener.set_nonblocking(true)?;
        let local_addr = listener.local_addr()?;
        let (handler, options) = (Arc::new(handler), Arc::new(options));
        #[cfg(feature = "tls")]
        let handshakes = match &options.tls {
            Some(tls) => Some(Arc::new(Handshakes::start(tls, options.tls_threads)?)),
            None => None,
        };
        let mut polls = Vec::new();
        let mut mailboxes = Vec::new();
        for _ in 0..options.workers.max(1) {
            let poll = mio::Poll::new()?;
            let waker = mio::Waker::new(poll.registry(), MAILBOX)?;
            mailboxes.push(Arc::new(Mailbox::new(waker)));
            polls.push(poll);
        }
        let mailboxes: Arc<[Arc<Mailbox>]> = mailboxes.into();
        let mut workers = Vec::new();
        for (number, poll) in polls.into_iter().enumerate() {
            let topics = Topics::new(options.max_topics);
            let desk = Desk::new(number, Arc::clone(&mailboxes), topics);
            #[cfg(feature = "tls")]
            let desk = desk.with_handshakes(handshakes.clone());
            let worker = Worker::new(
                poll,
                mio::net::TcpListener::from_std(listener.try_clone()?),
                Arc::clone(&handler),
                Arc::clone(&options),
                desk,
            )?;
            let thread = thread::Builder::new().name(format!("longwire-{number}"));
            workers.push(thread.spawn(move || worker.run())?);
        }
        tracing::info!(address = %local_addr, workers = workers.len(), "listening");
        Ok(Engine {
            workers,
            local_addr,
            handle: EngineHandle { mailboxes },
        })
    }

    /// The address that it listens on.
    pub fn local_addr(&self) -> SocketAddr {
        self.local_addr
    }

    /// A way to publish, and to shut it down, from any thread.
    pub fn handle(&self) -> EngineHandle {
        self.handle.clone()
    }

    /// Waits until the engine was shut down and all its connections have
    /// closed.
    pub fn wait(self) {
        for worker in self.workers {
            // A worker does not panic: the handler's panics are caught.
            let _ = worker.join();
        }
    }
}

/// Does things with the connections of an [`Engine`], from any thread.
///
/// Nothing here waits for the workers: it is handed to them, and they do it in
/// their next turn.
#[derive(Clone)]
pub struct EngineHandle {
    mailboxes: Arc<[Arc<Mailbox>]>,
}

impl EngineHandle {
    pub(super) const fn new(mailboxes: Arc<[Arc<Mailbox>]>) -> EngineHandle {
        EngineHandle { mailboxes }
    }

    /// Publishes a message to all subscribers of a topic. It is encoded once.
    ///
    /// # Errors
    /// [`RemoteError`]; then nobody gets it.
    pub fn publish(
        &self,
        topic: &str,
        message: impl Into<PreparedMessage>,
    ) -> Result<(), RemoteError> {
        self.post(Some(topic.into()), message.into())
    }

    /// Sends a message to all open connections. It is encoded once.
    ///
    /// # Errors
    /// [`RemoteError`]; then nobody gets it.
    pub fn broadcast(&self, message: impl Into<PreparedMessage>) -> Result<(), RemoteError> {
        self.post(None, message.into())
    }

    /// Has [`Handler::on_notified`] called for all subscribers of a topic. Costs
    /// nothing more while an earlier notification still waits for a worker.
    pub fn notify(&self, topic: &str) {
        for mailbox in self.mailboxes.iter() {
            mailbox.notify(topic, true);
        }
    }

    /// How many connections are open.
    pub fn connections(&self) -> usize {
        self.mailboxes.iter().map(|mailbox| mailbox.open()).sum()
    }

    /// Calls `visit` for every open connection whose data is a `D`, also below
    /// [`Routes`](super::Routes): each worker for its own, one after the other.
    /// A panic in it closes that connection with 1011.
    ///
    /// ```
    /// # use longwire::worker::EngineHandle;
    /// # struct User { name: String }
    /// # fn log_out(engine: &EngineHandle, name: String) {
    /// engine.for_each(move |peer: &mut longwire::worker::Peer<'_, User>| {
    ///     if peer.data.name == name {
    ///         peer.close(longwire::CloseFrame::new(4001, "logged out").unwrap());
    ///     }
    /// });
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`RemoteError`]; then it is called for none.
    pub fn for_each<D: 'static>(
        &self,
        visit: impl Fn(&mut Peer<'_, D>) + Send + Sync + 'static,
    ) -> Result<(), RemoteError> {
        let visit = move |peer: &mut Peer<'_, dyn Any>| visit_as(peer, &visit);
        mailbox::post_to_all(&self.mailboxes, &Letter::Visit(Arc::new(visit)), None)
    }

    /// Stops listening, and closes every connection with 1001. They have
    /// [`Config::close_timeout`] to answer.
    pub fn shutdown(&self) {
        // An engine that has ended has nothing to shut down.
        let _ = mailbox::post_to_all(&self.mailboxes, &Letter::Leave(None), None);
    }

    /// Stops listening, and closes every connection step by step, telling each
    /// when to come back: see [`Drain`]. Each worker does it for its own
    /// connections. [`Engine::wait`] waits until all are closed.
    ///
    /// A [`shutdown`](Self::shutdown) during it closes the rest at once; a drain
    /// during either does nothing.
    pub fn drain(&self, drain: Drain) {
        let _ = mailbox::post_to_all(&self.mailboxes, &Letter::Leave(Some(drain)), None);
    }

    fn post(&self, topic: Option<Arc<str>>, message: PreparedMessage) -> Result<(), RemoteError> {
        let publication = Publication {
            topic,
            message,
            except: None,
        };
        mailbox::post_to_all(&self.mailboxes, &Letter::Publish(publication), None)
    }
}

fn visit_as<D: 'static>(peer: &mut Peer<'_, dyn Any>, visit: &impl Fn(&mut Peer<'_, D>)) {
    if let Some(mut peer) = peer.downcast::<D>() {
        visit(&mut peer);
    } else if let Some(mut peer) = peer.downcast::<RouteData>() {
        visit_as(&mut peer.with_data(RouteData::inner), visit);
    }
}

impl fmt::Debug for EngineHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EngineHandle")
            .field("workers", &self.mailboxes.len())
            .field("connections", &self.connections())
            .finish_non_exhaustive()
    }
}
