//! The opening handshake (RFC 6455, section 4): HTTP up to the point where it is none any more.
//!
//! A client makes a [`ClientRequest`], starts a [`ClientHandshake`] with it for each connection,
//! and gets a [`Response`] or a [`HandshakeError`]. A server reads a [`RequestHead`] with a
//! [`RequestReader`], makes a [`Request`] of it, and accepts that or sends a [`Refusal`]. Bytes go
//! in, in whatever pieces they come, and bytes come out. Neither side looks at a socket, a clock or
//! a source of randomness: the nonce is an argument, and time limits are up to the driver.
//!
//! Everything that reads input takes a `&mut &[u8]` and moves it on behind what it used: the rest
//! is what follows the handshake, as frames may come in the same packet.

mod accept_key;
mod acceptance;
mod authority;
mod body;
mod client;
mod error;
#[doc(hidden)]
pub mod fuzz;
mod head;
mod headers;
mod message_head;
mod misuse;
mod origin;
mod refusal;
mod response;
mod server;
mod status;
pub(crate) mod token;
#[cfg(feature = "url")]
mod url;

pub use self::accept_key::{AcceptKey, accept_key};
pub use self::acceptance::Acceptance;
pub use self::body::Body;
pub use self::client::{ClientHandshake, ClientRequest};
pub use self::error::HandshakeError;
pub use self::head::{HeadError, HeadLimits};
pub use self::headers::Headers;
pub use self::message_head::{HttpVersion, RequestHead, RequestReader, ResponseHead};
pub use self::misuse::MisuseError;
pub use self::origin::OriginPolicy;
pub use self::refusal::Refusal;
pub use self::response::{Refused, Response};
pub use self::server::Request;
#[cfg(feature = "url")]
pub use self::url::{Host, Url, UrlError};
