use super::{
    ByteStream, ConnectError, ConnectorBuilder, DialEvent, IntoUrl, Redirect, builder::Options,
    dial, handshake, redirect::Credentials, stream::into_io,
};
use crate::websocket::{Agreed, WebSocket};
use longwire_proto::{
    CloseCode, CloseFrame, Config, InvalidCloseFrame, Role,
    extension::{MessageExtension, PermessageDeflate},
    handshake::{HandshakeError, Response, Url},
    heartbeat::Proposal,
};
use std::sync::{Arc, OnceLock};
use tokio::io::{AsyncRead, AsyncWrite};
use tracing::Instrument;

/// Opens WebSockets to servers, all with the same options.
///
/// It holds what is shared: the TLS configuration with the roots, which are
/// loaded once, and session tickets, with which later connections to the same
/// server open faster. Clones are cheap and share all of it.
///
/// ```no_run
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// let connector = longwire::Connector::builder().subprotocol("chat").build()?;
/// for room in ["tea", "coffee"] {
///     let url = format!("wss://example.com/{room}");
///     let (mut websocket, response) = connector.connect_with_response(url).await?;
///     println!("{:?}", response.head.headers().get("Server"));
///     websocket.send("hello").await?;
/// }
/// # Ok(())
/// # }
/// ```
///
/// # In one step, or in two
///
/// [`connect`](Connector::connect) does everything. Its parts can be had alone:
/// [`dial`](Connector::dial) gives the connection before anything was said on
/// it, and [`handshake`](Connector::handshake) makes a WebSocket of any
/// connection, whatever it goes through. A program can wrap the stream between
/// them, or bring its own, such as a Unix socket:
///
/// ```no_run
/// # #[cfg(unix)]
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// let socket = tokio::net::UnixStream::connect("/run/chat.sock").await?;
/// let connector = longwire::Connector::new();
/// // The URL gives the `Host` header and the path.
/// let (websocket, _response) = connector.handshake("ws://localhost/room", socket).await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Connector {
    options: Arc<Options>,
}

impl Connector {
    /// A connector with default options.
    pub fn new() -> Connector {
        // Shared, so that the roots are loaded once however it is come by.
        static DEFAULT: OnceLock<Connector> = OnceLock::new();
        DEFAULT
            .get_or_init(|| Connector::builder().build_valid())
            .clone()
    }

    /// Begins to set options.
    pub fn builder() -> ConnectorBuilder {
        ConnectorBuilder::new()
    }

    /// The same, but says to servers what its connections are for: who beats,
    /// above all. A server that knows the header `Longwire-Heartbeat` answers
    /// ([`Terms`](longwire_proto::heartbeat::Terms)); others ignore it.
    #[must_use]
    pub fn proposing(&self, proposal: Proposal) -> Connector {
        Connector::of(self.options.proposing(proposal))
    }

    /// The same, for canaries.
    pub(crate) fn for_canaries(&self) -> Connector {
        Connector::of(self.options.for_canaries())
    }

    pub(super) fn of(options: Options) -> Connector {
        Connector {
            options: Arc::new(options),
        }
    }

    /// Opens a WebSocket.
    ///
    /// # Errors
    /// [`ConnectError`], by cause.
    ///
    /// # Cancel safety
    /// Dropping the future closes whatever connection was under way.
    pub async fn connect(&self, url: impl IntoUrl) -> Result<WebSocket, ConnectError> {
        let (websocket, _) = self.connect_with_response(url).await?;
        Ok(websocket)
    }

    /// Opens a WebSocket, and gives the server's answer too: its headers, and
    /// what it chose of the offer.
    ///
    /// # Errors
    /// [`ConnectError`], by cause.
    ///
    /// # Cancel safety
    /// Dropping the future closes whatever connection was under way.
    pub async fn connect_with_response(
        &self,
        url: impl IntoUrl,
    ) -> Result<(WebSocket, Response), ConnectError> {
        let mut url = url.into_url()?;
        let mut credentials = Credentials::Send;
        let mut followed = 0;
        loop {
            let redirect = match self.attempt(&url, credentials).await {
                Err(ConnectError::Redirect(redirect)) => Redirect {
                    followed,
                    ..*redirect
                },
                done => return done,
            };
            if followed == self.options.redirects {
                return Err(ConnectError::Redirect(Box::new(redirect)));
            }
            if redirect.is_downgrade() {
                return Err(ConnectError::InsecureRedirect(Box::new(redirect)));
            }
            tracing::debug!(
                status = redirect.status,
                to = redirect.to.host_header(),
                "redirected"
            );
            credentials = credentials.after(&redirect);
            url = redirect.to;
            followed += 1;
        }
    }

    /// Connects to the server of a URL, by TCP, and by TLS within it for
    /// `wss://`. Nothing of the opening handshake is sent.
    ///
    /// # Errors
    /// [`ConnectError`] when the URL is none, its host has no address, no
    /// address answers, or TLS fails.
    ///
    /// # Cancel safety
    /// Dropping the future closes whatever connection was under way.
    pub async fn dial(&self, url: impl IntoUrl) -> Result<ByteStream, ConnectError> {
        self.dial_observed(url, |_| {}).await
    }

    /// The same, and tells `observe` of each step as it is done: which addresses
    /// there are, which one answered, how long each step took.
    ///
    /// ```no_run
    /// # async fn example() -> Result<(), longwire::ConnectError> {
    /// use longwire::{Connector, client::DialEvent};
    /// let begin = std::time::Instant::now();
    /// let observe = |event: DialEvent<'_>| println!("{:?}: {event:?}", begin.elapsed());
    /// let stream = Connector::new().dial_observed("wss://example.com/", observe).await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// As [`dial`](Connector::dial).
    ///
    /// # Cancel safety
    /// Dropping the future closes whatever connection was under way.
    pub async fn dial_observed(
        &self,
        url: impl IntoUrl,
        mut observe: impl FnMut(DialEvent<'_>) + Send,
    ) -> Result<ByteStream, ConnectError> {
        let url = url.into_url()?;
        dial::dial(&self.options, &url, &mut observe).await
    }

    /// Makes the opening handshake on a connection that exists: what
    /// [`dial`](Connector::dial) gave, that in a wrapper, or anything else that
    /// bytes go through. TLS is the stream's own affair, whatever the URL's
    /// scheme.
    ///
    /// A redirect cannot be followed here, and is an
    /// [error](ConnectError::Redirect) that says where it leads.
    ///
    /// # Errors
    /// [`ConnectError`] when the server refuses, or is none for WebSockets.
    ///
    /// # Cancel safety
    /// Dropping the future drops the stream, which closes it.
    pub async fn handshake<S>(
        &self,
        url: impl IntoUrl,
        stream: S,
    ) -> Result<(WebSocket, Response), ConnectError>
    where
        S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    {
        let url = url.into_url()?;
        self.open(&url, into_io(stream), Credentials::Send).await
    }

    async fn attempt(
        &self,
        url: &Url,
        credentials: Credentials,
    ) -> Result<(WebSocket, Response), ConnectError> {
        // Neither credentials nor path and query: they may be secret.
        let span = tracing::debug_span!("connect", host = url.host_header(), tls = url.is_secure());
        async {
            let stream = dial::dial(&self.options, url, &mut |_| {}).await?;
            self.open(url, into_io(stream), credentials).await
        }
        .instrument(span)
        .await
        .inspect_err(|error| {
            let (host, cause) = (url.host_header(), error.cause());
            tracing::debug!(host, cause, "no WebSocket");
        })
    }

    async fn open(
        &self,
        url: &Url,
        io: crate::io::Io,
        credentials: Credentials,
    ) -> Result<(WebSocket, Response), ConnectError> {
        let request = self.options.request(url, credentials)?;
        let timeout = self.options.handshake_timeout;
        let opened = handshake::open(io, url, &request, timeout).await?;
        let (io, response, read) = (opened.io, opened.response, opened.read);
        let config = Arc::clone(&self.options.config);
        let agreed = agreed(&config, &response).map_err(|source| ConnectError::Handshake {
            host: url.host_header(),
            source,
        })?;
        let websocket = WebSocket::open(io, Role::Client, config, &read, agreed);
        if response.missing_extensions.is_empty() {
            return Ok((websocket, response));
        }
        let names = response.missing_extensions;
        if let Ok(frame) = missing(&names) {
            // The closing handshake goes on by itself.
            websocket.closer().close(frame);
        }
        Err(ConnectError::MissingExtensions {
            host: url.host_header(),
            names,
        })
    }
}

/// What the server made of the offer.
fn agreed(config: &Config, response: &Response) -> Result<Agreed, HandshakeError> {
    let deflate = match &config.deflate {
        Some(config) => PermessageDeflate::accepted(config, &response.extensions),
        None => Ok(None),
    };
    let deflate = deflate.map_err(HandshakeError::Deflate)?;
    Ok(Agreed {
        subprotocol: response.subprotocol.as_ref().map(ToString::to_string),
        extension: deflate.map(|agreed| Box::new(agreed) as Box<dyn MessageExtension>),
        watches: false,
    })
}

/// RFC 6455 section 7.4.1, on 1010: "The list of extensions that are needed
/// SHOULD appear in the /reason/ part of the Close frame."
fn missing(extensions: &[String]) -> Result<CloseFrame, InvalidCloseFrame> {
    const MAX_REASON: usize = 123;
    // Their names are tokens, which are ASCII, so that any cut is one between
    // characters.
    let reason: String = extensions.join(", ").chars().take(MAX_REASON).collect();
    CloseFrame::new(CloseCode::MANDATORY_EXTENSION, reason)
}

impl Default for Connector {
    /// The same as [`new`](Connector::new).
    fn default() -> Connector {
        Connector::new()
    }
}
