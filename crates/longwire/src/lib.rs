//! WebSocket clients and servers for connections that live long, on tokio.
//!
//! ```no_run
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! let mut ws = longwire::connect("wss://example.com/chat").await?;
//! ws.send("hello").await?;
//! while let Some(message) = ws.next().await {
//!     println!("{:?}", message?);
//! }
//! # Ok(())
//! # }
//! ```
//!
//! - [`connect`] and [`Connector`] open a [`WebSocket`]; [`client`] has the rest.
//! - [`reconnecting()`] is a connection that comes back by itself.
//! - [`heartbeat`] finds out how often a path wants to hear of a connection.
//! - [`Server`] accepts them; [`server`] has the rest. The features `hyper` and
//!   `axum` accept them inside an HTTP server that you have already.
//! - [`WebSocket`] says what happens while you do something else, what dropping
//!   a future does, and how a connection ends.
//! - With the feature `worker`, `worker` is a server for people who think in
//!   events, on one event loop for each core.
//! - [`proto`] is the protocol itself, without I/O.
//!
//! Features: `tls` (on by default; `wss://` by rustls), `proxy` (on by default),
//! `hyper`, `axum`, `worker`.
#![forbid(unsafe_code)]

pub mod client;
pub mod deflate;
mod drain;
mod entropy;
mod error;
mod first;
pub mod heartbeat;
#[cfg(feature = "hyper")]
mod integration;
mod io;
mod keeper;
mod network;
pub mod reconnecting;
pub mod server;
mod tcp;
pub mod tls;
mod unread;
mod websocket;
#[cfg(feature = "worker")]
pub mod worker;

pub use client::{ConnectError, Connector, ConnectorBuilder, connect};
pub use drain::Drain;
pub use error::Error;
#[cfg(feature = "axum")]
pub use integration::axum;
#[cfg(feature = "hyper")]
pub use integration::hyper;
#[doc(inline)]
pub use reconnecting::reconnecting;
pub use server::Server;
pub use websocket::{
    BinaryWriter, Closer, MessageReader, Permit, ReadyState, Receiver, Sender, TextWriter,
    TrySendError, WebSocket,
};

pub use longwire_proto as proto;
#[doc(no_inline)]
pub use longwire_proto::{
    Accepts, AssemblyBudget, CloseCause, CloseCode, CloseFrame, CloseInfo, Compress, Config,
    DeflateConfig, Failure, Initiator, InvalidCloseFrame, LimitError, Limits, Message, MessageKind,
    MessageRef, PreparedBatch, PreparedMessage, ProtocolError, Role, Utf8Bytes,
};

/// The programs in the documents compile.
#[cfg(doctest)]
#[doc = include_str!("../../../README.md")]
#[doc = include_str!("../../../docs/from-tungstenite.md")]
struct Documents;
