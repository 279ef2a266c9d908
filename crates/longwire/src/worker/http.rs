//! Requests that ask for no WebSocket.

use super::socket::Socket;
use crate::server::HttpConnection;
use longwire_proto::handshake::RequestHead;
use std::{fmt, net::IpAddr, pin::Pin, sync::Arc};
use tokio::{
    runtime::Handle,
    sync::{OwnedSemaphorePermit, Semaphore},
};

/// Serves what asks for no WebSocket: an HTTP server of the program's own, such
/// as hyper, on a tokio runtime.
///
/// The workers read each connection's first request. Unless that asks for a
/// WebSocket, the connection leaves its worker and becomes a task of the
/// runtime, with all that was read of it. It does not come back: a request for
/// a WebSocket that follows on it is the HTTP server's to answer.
///
/// ```no_run
/// # use std::convert::Infallible;
/// # use hyper_util::rt::TokioIo;
/// use longwire::worker::{EngineOptions, HttpFallback};
/// # async fn page(_: hyper::Request<hyper::body::Incoming>)
/// #     -> Result<hyper::Response<String>, Infallible> { unreachable!() }
///
/// let runtime = tokio::runtime::Runtime::new()?;
/// let mut options = EngineOptions::default();
/// options.http = Some(HttpFallback::new(runtime.handle().clone(), async |http| {
///     let io = TokioIo::new(http.into_stream());
///     let serve = hyper::service::service_fn(page);
///     let _ = hyper::server::conn::http1::Builder::new().serve_connection(io, serve).await;
/// }));
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Clone)]
pub struct HttpFallback {
    runtime: Handle,
    serve: Arc<dyn Fn(HttpConnection) -> Task + Send + Sync>,
    places: Arc<Semaphore>,
}

type Task = Pin<Box<dyn Future<Output = ()> + Send>>;

/// A connection on its way from its worker to the HTTP server.
pub(super) struct Leaving {
    head: RequestHead,
    /// What came behind the head.
    rest: Vec<u8>,
    /// Where the client is.
    client: Option<IpAddr>,
    place: OwnedSemaphorePermit,
}

impl HttpFallback {
    /// How many connections are served at a time, unless
    /// [`max_connections`](Self::max_connections) says otherwise.
    pub const MAX_CONNECTIONS: usize = 1_024;

    /// Calls `serve` for each such connection, in a task of `runtime`, whose
    /// I/O has to be enabled. When the task ends its place is free.
    ///
    /// How long a client may be idle, and what it may send, is for the HTTP
    /// server to limit. [`EngineHandle::shutdown`](super::EngineHandle::shutdown)
    /// does not reach these connections.
    pub fn new<F, Served>(runtime: Handle, serve: F) -> HttpFallback
    where
        F: Fn(HttpConnection) -> Served + Send + Sync + 'static,
        Served: Future<Output = ()> + Send + 'static,
    {
        HttpFallback {
            runtime,
            serve: Arc::new(move |http| Box::pin(serve(http))),
            places: Arc::new(Semaphore::new(Self::MAX_CONNECTIONS)),
        }
    }

    /// How many connections are served at a time. Who comes then is answered
    /// with 503.
    #[must_use]
    pub fn max_connections(self, max: usize) -> HttpFallback {
        HttpFallback {
            places: Arc::new(Semaphore::new(max.min(Semaphore::MAX_PERMITS))),
            ..self
        }
    }

    /// A connection leaves, if there is a place for it.
    pub(super) fn admit(
        &self,
        head: RequestHead,
        rest: &[u8],
        client: Option<IpAddr>,
    ) -> Option<Box<Leaving>> {
        let place = Arc::clone(&self.places).try_acquire_owned().ok()?;
        let rest = rest.to_vec();
        Some(Box::new(Leaving {
            head,
            rest,
            client,
            place,
        }))
    }

    /// Takes a connection over from its worker.
    pub(super) fn take(&self, socket: Socket, leaving: Leaving) {
        let serve = Arc::clone(&self.serve);
        self.runtime.spawn(async move {
            let Leaving {
                head,
                rest,
                client,
                place,
            } = leaving;
            match socket.into_io() {
                Ok((io, peer)) => {
                    serve(HttpConnection::new(head, &rest, io, peer, client)).await;
                }
                Err(error) => tracing::debug!(%error, "a connection cannot be handed over"),
            }
            drop(place);
        });
    }
}

impl fmt::Debug for HttpFallback {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpFallback")
            .field("free_places", &self.places.available_permits())
            .finish_non_exhaustive()
    }
}
