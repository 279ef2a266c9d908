//! TLS for `wss://`, by rustls with the cryptography of ring.
//!
//! A client checks the server's certificate against the system's roots, or
//! those that `ClientTls` is told. A server has a certificate, and a key to it,
//! in its `ServerTls`.

#[cfg(feature = "tls")]
mod client;
#[cfg(feature = "tls")]
mod danger;
mod error;
#[cfg(feature = "tls")]
mod explain;
#[cfg(feature = "tls")]
mod server;
#[cfg(feature = "tls")]
mod session;
#[cfg(feature = "tls")]
mod stream;

#[cfg(feature = "tls")]
pub(crate) use client::ClientSetup;
#[cfg(feature = "tls")]
pub use client::{ClientTls, Roots};
pub use error::{TlsError, TlsErrorKind};
#[cfg(feature = "tls")]
pub use server::ServerTls;
#[cfg(all(feature = "tls", feature = "worker"))]
pub(crate) use session::{Received, Session};
#[cfg(feature = "tls")]
pub(crate) use stream::{SessionStream, TlsOverTcp};
/// The TLS library, of the version that this one works with.
#[cfg(feature = "tls")]
pub use tokio_rustls::rustls;

#[cfg(feature = "tls")]
use std::sync::Arc;

/// The first byte of a connection that begins as TLS does: its record has a
/// handshake message (RFC 8446, section 5.1).
#[cfg(feature = "tls")]
pub(crate) const HANDSHAKE: u8 = 0x16;

/// The cryptography of every configuration that is made here, whatever the
/// process has installed as its default.
#[cfg(feature = "tls")]
pub(crate) fn provider() -> Arc<rustls::crypto::CryptoProvider> {
    Arc::new(rustls::crypto::ring::default_provider())
}
