use super::{
    AcceptError, Address, Answer, Options, accept::Place, address::Shown, canary, heartbeat, linger,
};
use crate::{WebSocket, io::Io, websocket::Agreed};
use longwire_proto::{
    Config, Role,
    handshake::{Refusal, Request},
};
use std::{fmt, io, net::IpAddr, sync::Arc, time::Duration};
use tokio::{io::AsyncWriteExt, runtime::Handle, time::timeout};
use tracing::{debug, error};

/// A client that waits for an answer to its request.
///
/// Dropped without one, the client gets a 503.
///
/// Small, so that a task which accepts and then serves the connection is small
/// too: what the handshake needs is apart, and gone when it is done.
#[must_use = "a client waits for `accept` or `refuse`"]
pub struct Pending(Box<Asked>);

/// What was asked, and what is to be answered.
struct Asked {
    request: Request,
    /// What came behind the request: the first frames, perhaps.
    rest: Vec<u8>,
    /// Closed when the answer is under way.
    io: Io,
    peer: Option<Address>,
    client: Option<IpAddr>,
    answer: Answer,
    config: Arc<Config>,
    timeout: Duration,
    place: Option<Place>,
}

impl Pending {
    pub(super) fn new(
        request: Request,
        rest: Vec<u8>,
        io: Io,
        (peer, client): (Option<Address>, Option<IpAddr>),
        options: &Options,
        place: Option<Place>,
    ) -> Pending {
        Pending(Box::new(Asked {
            request,
            rest,
            io,
            peer,
            client,
            answer: Answer::default(),
            config: Arc::clone(&options.config),
            timeout: options.handshake_timeout,
            place,
        }))
    }

    /// What the client asks for: path, query, headers, offers.
    pub fn request(&self) -> &Request {
        &self.0.request
    }

    /// Where the connection comes from, if that can be told. Behind a proxy this
    /// is the proxy.
    pub fn peer_addr(&self) -> Option<&Address> {
        self.0.peer.as_ref()
    }

    /// Where the client is: what the proxies in front of the server tell, as far
    /// as they are trusted ([`TrustedProxies`](super::TrustedProxies)), and
    /// otherwise the peer's address. `None` if it has none, or a trusted proxy
    /// does not know.
    pub fn client_addr(&self) -> Option<IpAddr> {
        self.0.client
    }

    /// Speaks this subprotocol, which has to be one that the client offers.
    ///
    /// Unless one is chosen none is spoken; a browser fails the connection then
    /// if it offered some.
    pub fn subprotocol(mut self, name: &str) -> Pending {
        self.0.answer.subprotocol(name);
        self
    }

    /// Speaks the first of the client's offers that is among those that the
    /// program `supports`; none if there is none.
    pub fn select_subprotocol(mut self, supports: &[impl AsRef<str>]) -> Pending {
        self.0.answer.select_subprotocol(&self.0.request, supports);
        self
    }

    /// Speaks whatever subprotocol the client offers first, so that browsers
    /// which offer some are served by programs that know none.
    pub fn select_first_offered(mut self) -> Pending {
        self.0.answer.select_first_offered(&self.0.request);
        self
    }

    /// Adds a header to the answer, such as `Set-Cookie`.
    pub fn header(mut self, name: &str, value: impl AsRef<[u8]>) -> Pending {
        self.0.answer.header(name, value.as_ref());
        self
    }

    /// Lets the client in.
    ///
    /// # Errors
    /// [`AcceptError::Misuse`] if the subprotocol was not offered or a header
    /// cannot stand in the answer; the client gets a 500.
    /// [`AcceptError::Timeout`] and [`AcceptError::Io`] if the client does not
    /// take the answer.
    ///
    /// # Cancel safety
    /// Dropping the future drops the connection.
    pub async fn accept(self) -> Result<WebSocket, AcceptError> {
        Box::pin(self.0.accept()).await
    }

    /// Opens a canary, which is kept in the background.
    pub(super) async fn accept_canary(
        self,
        (acceptance, canary): heartbeat::Admitted,
    ) -> Result<(), AcceptError> {
        let response = self.0.request.accept(&acceptance)?;
        let ws = Box::pin(self.0.open(&response, Agreed::watching())).await?;
        tokio::spawn(canary::keep(ws, canary));
        Ok(())
    }

    /// Answers that there is no WebSocket for this client, and closes the
    /// connection, in the background.
    ///
    /// # Panics
    /// Outside of a tokio runtime.
    pub fn refuse(self, refusal: Refusal) {
        self.0.refuse(refusal);
    }
}

impl Asked {
    async fn accept(mut self: Box<Self>) -> Result<WebSocket, AcceptError> {
        let answer = std::mem::take(&mut self.answer).finish(&self.request, &self.config);
        let answer =
            answer.and_then(|(acceptance, agreed)| Ok((self.request.accept(&acceptance)?, agreed)));
        let (response, agreed) = match answer {
            Ok(answer) => answer,
            Err(misuse) => {
                error!(path = self.request.path(), reason = %misuse, "this answer cannot be sent");
                self.refuse(super::mistake());
                return Err(misuse.into());
            }
        };
        self.open(&response, agreed).await
    }

    async fn open(
        mut self: Box<Self>,
        response: &[u8],
        agreed: Agreed,
    ) -> Result<WebSocket, AcceptError> {
        let mut io = std::mem::replace(&mut self.io, Io::Closed);
        let written = timeout(self.timeout, async {
            io.write_all(response).await?;
            io.flush().await
        });
        match written.await {
            Ok(written) => written?,
            Err(_) => {
                let received = self.request.head().raw().len();
                return Err(AcceptError::Timeout { received });
            }
        }
        debug!(
            peer = %Shown(&self.peer),
            client = self.client.map(tracing::field::display),
            path = self.request.path(),
            subprotocol = agreed.subprotocol,
            compressed = agreed.extension.is_some(),
            "WebSocket opened"
        );
        let config = Arc::clone(&self.config);
        let ws = WebSocket::open(io, Role::Server, config, &self.rest, agreed);
        if let Some(place) = &self.place {
            place.connections.add(&ws);
        }
        Ok(ws)
    }

    fn refuse(mut self: Box<Self>, refusal: Refusal) {
        debug!(
            peer = %Shown(&self.peer),
            path = self.request.path(),
            status = refusal.status(),
            reason = %refusal,
            "request refused"
        );
        let io = std::mem::replace(&mut self.io, Io::Closed);
        refuse_in_background(io, refusal, self.place.take());
    }
}

impl Drop for Asked {
    fn drop(&mut self) {
        // Without a runtime nobody can wait for the client to read an answer.
        if self.io.is_closed() || Handle::try_current().is_err() {
            return;
        }
        debug!(peer = %Shown(&self.peer), path = self.request.path(), "request not answered");
        let io = std::mem::replace(&mut self.io, Io::Closed);
        let refusal = Refusal::unavailable("The server takes no requests at the moment.\n");
        refuse_in_background(io, refusal, self.place.take());
    }
}

impl fmt::Debug for Pending {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pending")
            .field("request", &self.0.request)
            .field("peer", &self.0.peer)
            .field("client", &self.0.client)
            .finish_non_exhaustive()
    }
}

/// Refuses without making the program wait. The connection keeps its place
/// among the handshakes until it is closed.
pub(super) fn refuse_in_background(io: Io, refusal: Refusal, place: Option<Place>) {
    tokio::spawn(async move {
        let refused: io::Result<()> = linger::refuse(io, &refusal).await;
        if let Err(error) = refused {
            debug!(%error, "the client did not wait for its refusal");
        }
        drop(place);
    });
}
