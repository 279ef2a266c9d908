//! WebSocket clients: from a URL to an open [`WebSocket`].
//!
//! [`connect`] is enough for most:
//!
//! ```no_run
//! # async fn example() -> Result<(), longwire::ConnectError> {
//! let websocket = longwire::connect("wss://example.com/chat").await?;
//! # Ok(())
//! # }
//! ```
//!
//! Headers, subprotocols, certificates, timeouts and limits are set on a
//! [`Connector`], which opens any number of connections with them.
//!
//! # What happens
//!
//! 1. The host is looked up, or the proxy's if there is one
//!    ([`ConnectorBuilder::proxy`]). Its addresses are tried IPv6 and IPv4 in turn, a
//!    new one every 250 ms and whenever one has failed; the first connection
//!    wins (RFC 8305, "happy eyeballs").
//! 2. For `wss://` TLS 1.3 or 1.2 is set up, and the server's certificate
//!    checked against the system's roots, or others ([`tls`](crate::tls)).
//! 3. The opening handshake is made (RFC 6455 section 4.1). Credentials in the
//!    URL (`ws://user:password@host/`) become an `Authorization` header
//!    (RFC 7617).
//! 4. A redirect is followed if that is [allowed](ConnectorBuilder::redirects).
//!
//! Each step has a time limit, and what the server may answer is bounded.
//! What goes wrong is a [`ConnectError`], whose text is meant to be shown.
//!
//! Everything must run within a tokio runtime that has I/O and time enabled.

mod builder;
mod connector;
mod dial;
mod error;
mod handshake;
mod into_url;
#[cfg(feature = "proxy")]
mod proxy;
mod race;
mod redirect;
mod stream;

pub use builder::ConnectorBuilder;
pub use connector::Connector;
pub use dial::DialEvent;
pub use error::{ConnectError, Stage};
pub use into_url::IntoUrl;
#[cfg(feature = "proxy")]
pub use proxy::{Proxy, ProxyError, ProxyUrlError};
pub use race::Attempt;
pub use redirect::Redirect;
pub use stream::ByteStream;

// What the signatures here are made of.
#[doc(no_inline)]
pub use longwire_proto::{
    extension::Extension,
    handshake::{HandshakeError, HeadLimits, MisuseError, Refused, Response, Url, UrlError},
};

use crate::websocket::WebSocket;

/// What a client calls itself, to servers and proxies.
const USER_AGENT: &str = concat!("longwire/", env!("CARGO_PKG_VERSION"));

/// Opens a WebSocket with default options: [`Connector::connect`].
///
/// # Errors
/// [`ConnectError`], by cause.
///
/// # Cancel safety
/// Dropping the future closes whatever connection was under way.
pub async fn connect(url: impl IntoUrl) -> Result<WebSocket, ConnectError> {
    Connector::new().connect(url).await
}
