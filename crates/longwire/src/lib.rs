//! An async WebSocket client and server for connections that live long.
#![forbid(unsafe_code)]

pub mod client;
mod entropy;
mod error;
mod io;
mod keeper;
pub mod tls;
mod websocket;

pub use client::{ConnectError, Connector, ConnectorBuilder, connect};
pub use error::Error;
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
