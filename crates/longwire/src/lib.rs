//! An async WebSocket client and server for connections that live long.
#![forbid(unsafe_code)]

pub mod client;
mod entropy;
mod error;
#[cfg(feature = "hyper")]
mod integration;
mod io;
mod keeper;
pub mod server;
pub mod tls;
mod websocket;

pub use client::{ConnectError, Connector, ConnectorBuilder, connect};
pub use error::Error;
#[cfg(feature = "axum")]
pub use integration::axum;
#[cfg(feature = "hyper")]
pub use integration::hyper;
pub use server::Server;
pub use websocket::{
    BinaryWriter, Closer, MessageReader, Permit, ReadyState, Receiver, Sender, TextWriter,
    TrySendError, WebSocket,
};

pub use longwire_proto as proto;
#[doc(no_inline)]
pub use longwire_proto::{
    Accepts, AssemblyBudget, CloseCause, CloseCode, CloseFrame, CloseInfo, Config, Failure,
    Initiator, InvalidCloseFrame, LimitError, Limits, Message, MessageKind, PreparedMessage,
    ProtocolError, Role, Utf8Bytes,
};

/// The programs in the documents compile.
#[cfg(doctest)]
#[doc = include_str!("../../../README.md")]
#[doc = include_str!("../../../docs/from-tungstenite.md")]
struct Documents;
