//! WebSockets in a program that serves HTTP with hyper.
//!
//! ```no_run
//! use bytes::Bytes;
//! use http::{Request, Response};
//! use http_body_util::Full;
//!
//! async fn handle<B>(mut request: Request<B>) -> Result<Response<Full<Bytes>>, std::convert::Infallible> {
//!     let (response, upgrading) = match longwire::hyper::upgrade(&mut request) {
//!         Ok(upgrade) => upgrade,
//!         Err(rejection) => return Ok(rejection.into_response().map(Full::new)),
//!     };
//!     tokio::spawn(async move {
//!         let mut ws = upgrading.await?;
//!         while let Some(message) = ws.next().await {
//!             ws.send(message?).await?;
//!         }
//!         Ok::<_, Box<dyn std::error::Error + Send + Sync>>(())
//!     });
//!     Ok(response.map(Full::new))
//! }
//! ```
//!
//! That refuses canaries: [`Upgrade::is_canary`] says what they are, and
//! [`Upgrade::accept_canary`] keeps them.
//!
//! The connection has to be served with upgrades: `with_upgrades()` for hyper's
//! `http1`, `serve_connection_with_upgrades` for hyper-util's `auto`.

use crate::{
    WebSocket,
    io::Io,
    server::{Answer, Rewound, canary, heartbeat},
    websocket::Agreed,
};
use ::hyper::upgrade::{OnUpgrade, Upgraded};
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Response, StatusCode, Uri, Version};
use hyper_util::{rt::TokioIo, server::conn::auto};
use longwire_proto::{
    Config, Role,
    handshake::{Acceptance, Headers, MisuseError, OriginPolicy, Refusal, Request},
};
use std::{
    borrow::Cow,
    error, fmt,
    future::Future,
    pin::Pin,
    sync::{Arc, LazyLock},
    task::{Context, Poll, ready},
};
use tokio::net::TcpStream;
use tracing::{debug, error};

/// Opens a WebSocket for a request: gives the response to send, and the
/// WebSocket once that is sent.
///
/// [`Upgrade`] is the same with choices.
///
/// # Errors
/// [`Rejection`] for a request that breaks a rule of RFC 6455, section 4.2.1,
/// or of a page of another host.
pub fn upgrade<B>(
    request: &mut http::Request<B>,
) -> Result<(Response<Bytes>, Upgrading), Rejection> {
    Upgrade::new(request)?.accept()
}

/// One for all connections, as its budget for unfinished messages has to be.
static DEFAULT_CONFIG: LazyLock<Arc<Config>> = LazyLock::new(|| Arc::new(Config::server()));

/// A request for a WebSocket that hyper has read and that follows every rule of
/// RFC 6455, section 4.2.1.
#[derive(Debug)]
#[must_use = "the client waits for the response of `accept`, or another"]
pub struct Upgrade {
    request: Request,
    on_upgrade: OnUpgrade,
    answer: Answer,
    origin: OriginPolicy,
    origin_setting: Cow<'static, str>,
    config: Arc<Config>,
}

impl Upgrade {
    /// Judges a request.
    ///
    /// # Errors
    /// [`Rejection`], as listed for
    /// [`Request::from_head`](crate::server::Request::from_head).
    pub fn new<B>(request: &mut http::Request<B>) -> Result<Upgrade, Rejection> {
        let judged = judge(
            request.method(),
            request.uri(),
            request.version(),
            request.headers(),
        )?;
        Ok(Upgrade::of(judged, ::hyper::upgrade::on(request)))
    }

    pub(super) fn of(request: Request, on_upgrade: OnUpgrade) -> Upgrade {
        Upgrade {
            request,
            on_upgrade,
            answer: Answer::default(),
            origin: OriginPolicy::default(),
            origin_setting: Cow::Borrowed("Upgrade::origin"),
            config: Arc::clone(&DEFAULT_CONFIG),
        }
    }

    /// What the client asks for.
    pub fn request(&self) -> &Request {
        &self.request
    }

    /// Which pages may open a WebSocket. Default: those of the same host.
    pub fn origin(mut self, policy: OriginPolicy) -> Upgrade {
        self.origin = policy;
        self
    }

    /// What the 403 of a page that may not names as the setting to change.
    /// Default: `Upgrade::origin`.
    pub fn origin_setting(mut self, name: impl Into<Cow<'static, str>>) -> Upgrade {
        self.origin_setting = name.into();
        self
    }

    /// How the WebSocket behaves: limits, heartbeats, timeouts. Default:
    /// [`Config::server`].
    ///
    /// It should be made once and shared: the budget for unfinished messages in
    /// it is for all connections together.
    pub fn config(mut self, config: impl Into<Arc<Config>>) -> Upgrade {
        self.config = config.into();
        self
    }

    /// Speaks this subprotocol, which has to be one that the client offers.
    pub fn subprotocol(mut self, name: &str) -> Upgrade {
        self.answer.subprotocol(name);
        self
    }

    /// Speaks the first of the client's offers that is among those that the
    /// program `supports`; none if there is none.
    pub fn select_subprotocol(mut self, supports: &[impl AsRef<str>]) -> Upgrade {
        self.answer.select_subprotocol(&self.request, supports);
        self
    }

    /// Speaks whatever subprotocol the client offers first.
    pub fn select_first_offered(mut self) -> Upgrade {
        self.answer.select_first_offered(&self.request);
        self
    }

    /// Adds a header to the response, such as `Set-Cookie`.
    pub fn header(mut self, name: &str, value: impl AsRef<[u8]>) -> Upgrade {
        self.answer.header(name, value.as_ref());
        self
    }

    /// Whether this is a canary: a connection that only finds out how long it may
    /// be silent ([`Proposal::Canary`](longwire_proto::heartbeat::Proposal)). A
    /// program that wants such connections answers with
    /// [`accept_canary`](Upgrade::accept_canary); [`accept`](Upgrade::accept)
    /// refuses them.
    pub fn is_canary(&self) -> bool {
        heartbeat::is_canary(&self.request)
    }

    /// Opens a canary: gives the response to send. From then on it is kept in the
    /// background, within [`Config::canaries`] and
    /// [`Config::max_silence`]; the program never gets to see it.
    ///
    /// # Errors
    /// [`Rejection`] with 403 if the page's origin is not let in or canaries are
    /// forbidden, with 503 if there are as many as there may be.
    ///
    /// # Panics
    /// Outside of a tokio runtime.
    pub fn accept_canary(self) -> Result<Response<Bytes>, Rejection> {
        self.origin.check(&self.request, &self.origin_setting)?;
        let (acceptance, place) = heartbeat::admit(&self.config)?;
        let (response, upgrading) = self.open(&acceptance, Agreed::watching())?;
        tokio::spawn(async move {
            match upgrading.await {
                Ok(ws) => canary::keep(ws, place).await,
                Err(error) => debug!(%error, "the canary did not wait for its WebSocket"),
            }
        });
        Ok(response)
    }

    /// Lets the client in: gives the response to send, and the WebSocket once
    /// that is sent.
    ///
    /// # Errors
    /// [`Rejection`] with 403 if the page's origin is not let in, or if this is a
    /// canary; with 500, and a log entry that says why, if the subprotocol was not
    /// offered or a header cannot stand in the response.
    pub fn accept(mut self) -> Result<(Response<Bytes>, Upgrading), Rejection> {
        self.origin.check(&self.request, &self.origin_setting)?;
        if self.is_canary() {
            return Err(heartbeat::forbidden(&self.config).into());
        }
        let answer = std::mem::take(&mut self.answer).finish(&self.request, &self.config);
        let (acceptance, agreed) = answer.map_err(|misuse| mistake(&misuse))?;
        self.open(&acceptance, agreed)
    }

    fn open(
        self,
        acceptance: &Acceptance,
        agreed: Agreed,
    ) -> Result<(Response<Bytes>, Upgrading), Rejection> {
        let headers = self
            .request
            .accept_headers(acceptance)
            .map_err(|misuse| mistake(&misuse))?;
        let response = response(StatusCode::SWITCHING_PROTOCOLS, &headers, Bytes::new());
        debug!(
            path = self.request.path(),
            subprotocol = agreed.subprotocol,
            compressed = agreed.extension.is_some(),
            "upgrading to a WebSocket"
        );
        let upgrading = Upgrading {
            on_upgrade: self.on_upgrade,
            config: self.config,
            agreed,
        };
        Ok((response, upgrading))
    }
}

/// Judges a request by its parts.
pub(super) fn judge(
    method: &Method,
    uri: &Uri,
    version: Version,
    headers: &HeaderMap,
) -> Result<Request, Refusal> {
    use longwire_proto::handshake::HttpVersion;
    let version = match version {
        Version::HTTP_11 => HttpVersion::Http11,
        Version::HTTP_09 | Version::HTTP_10 => HttpVersion::Http10,
        _ => HttpVersion::Later,
    };
    let headers = headers
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_bytes()));
    Request::from_parts(method.as_str(), &uri.to_string(), version, headers)
}

/// The program asked for what cannot be sent: its log tells, the client need
/// not know.
fn mistake(misuse: &MisuseError) -> Refusal {
    error!(reason = %misuse, "this answer cannot be sent");
    crate::server::mistake()
}

fn response(status: StatusCode, headers: &Headers, body: Bytes) -> Response<Bytes> {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    for (name, value) in headers.iter() {
        // What is in `Headers` can stand on the wire: both allow the same.
        let name = HeaderName::from_bytes(name.as_bytes());
        if let (Ok(name), Ok(value)) = (name, HeaderValue::from_bytes(value)) {
            response.headers_mut().append(name, value);
        }
    }
    response
}

/// A request that becomes no WebSocket. It is answered with
/// [`into_response`](Rejection::into_response).
#[derive(Debug, Clone)]
pub struct Rejection(Refusal);

impl Rejection {
    /// The response that tells the client why.
    pub fn into_response(self) -> Response<Bytes> {
        let status = StatusCode::from_u16(self.0.status());
        // A refusal's status is from 300 to 599.
        let status = status.unwrap_or(StatusCode::BAD_REQUEST);
        let body = Bytes::copy_from_slice(self.0.body_bytes());
        response(status, self.0.headers(), body)
    }

    /// The refusal: status, headers and text.
    pub fn refusal(&self) -> &Refusal {
        &self.0
    }
}

impl From<Refusal> for Rejection {
    fn from(refusal: Refusal) -> Self {
        debug!(status = refusal.status(), reason = %refusal, "request refused");
        Rejection(refusal)
    }
}

impl fmt::Display for Rejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl error::Error for Rejection {}

/// A WebSocket that opens as soon as hyper has sent the response.
///
/// # Errors
/// hyper's error if the connection ends before that, or was not served with
/// upgrades.
///
/// # Cancel safety
/// Dropping it drops the connection after the response.
#[derive(Debug)]
#[must_use = "the WebSocket opens when this is awaited"]
pub struct Upgrading {
    on_upgrade: OnUpgrade,
    config: Arc<Config>,
    agreed: Agreed,
}

impl Future for Upgrading {
    type Output = Result<WebSocket, ::hyper::Error>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let upgraded = ready!(Pin::new(&mut self.on_upgrade).poll(cx))?;
        let config = Arc::clone(&self.config);
        let (io, read) = take_apart(upgraded);
        if let Io::Tcp(tcp) = &io {
            // What fails here fails again, and with a reason, on the first read.
            let _ = tcp.set_nodelay(true);
        }
        let agreed = std::mem::take(&mut self.agreed);
        let ws = WebSocket::open(io, Role::Server, config, &read, agreed);
        Poll::Ready(Ok(ws))
    }
}

/// Gets the transport out of what hyper has wrapped around it, and gives
/// hyper's buffers back. One of an unknown type stays wrapped.
fn take_apart(upgraded: Upgraded) -> (Io, Bytes) {
    let upgraded = match unwrap::<TcpStream>(upgraded) {
        Ok(parts) => return parts,
        Err(upgraded) => upgraded,
    };
    #[cfg(unix)]
    let upgraded = match unwrap::<tokio::net::UnixStream>(upgraded) {
        Ok(parts) => return parts,
        Err(upgraded) => upgraded,
    };
    #[cfg(feature = "tls")]
    let upgraded = match downcast::<tokio_rustls::server::TlsStream<TcpStream>>(upgraded) {
        Ok((tls, read)) => return (Io::Tls(Box::new(tokio_rustls::TlsStream::from(tls))), read),
        Err(upgraded) => upgraded,
    };
    match downcast::<Rewound>(upgraded) {
        Ok((rewound, read)) => {
            let (io, mut unread) = rewound.into_parts();
            unread.splice(0..0, read);
            (io, unread.into())
        }
        Err(upgraded) => (Io::new(TokioIo::new(upgraded)), Bytes::new()),
    }
}

fn unwrap<T>(upgraded: Upgraded) -> Result<(Io, Bytes), Upgraded>
where
    T: tokio::io::AsyncRead + tokio::io::AsyncWrite + Send + Unpin + 'static,
{
    let (io, read) = downcast::<T>(upgraded)?;
    Ok((Io::new(io), read))
}

/// The transport and what was read of it, if it is a `T` under hyper's own
/// server or hyper-util's.
fn downcast<T>(upgraded: Upgraded) -> Result<(T, Bytes), Upgraded>
where
    T: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin + 'static,
{
    let upgraded = match upgraded.downcast::<TokioIo<T>>() {
        Ok(parts) => return Ok((parts.io.into_inner(), parts.read_buf)),
        Err(upgraded) => upgraded,
    };
    let parts = auto::upgrade::downcast::<TokioIo<T>>(upgraded)?;
    Ok((parts.io.into_inner(), parts.read_buf))
}

#[cfg(test)]
mod tests;
