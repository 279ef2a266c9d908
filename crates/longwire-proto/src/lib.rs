//! The WebSocket protocol as a pure state machine: bytes in, events and bytes
//! out. No sockets, no clock, no randomness, no runtime.
//!
//! - [`Connection`] is RFC 6455 after the opening handshake. Its documentation
//!   says how to drive it.
//! - [`handshake`] is the opening handshake, for both roles.
//! - [`frame`] is the codec below both, for those who look at frames themselves.
//!
//! Most users want the async library `longwire`, which drives all this on tokio.
#![no_std]
#![deny(unsafe_code)]

extern crate alloc;
#[cfg(test)]
extern crate std;

mod close_code;
mod config;
mod connection;
mod control;
mod env;
mod error;
mod event;
pub mod extension;
pub mod frame;
pub mod handshake;
pub mod heartbeat;
mod input;
mod message;
mod opcode;
mod output;
mod prepared;
mod prepared_batch;
mod reconnect_window;
mod role;
pub mod subprotocol;
mod time;
mod utf8;

pub use close_code::CloseCode;
pub use config::{Accepts, AssemblyBudget, Config, Limits};
pub use connection::{Acknowledgements, CloseCause, CloseInfo, Connection, Initiator, Transport};
pub use control::{CloseFrame, ControlPayload, ControlPayloadTooLong, InvalidCloseFrame};
pub use env::{Env, MaskKeys, NoMaskKeys};
pub use error::{Failure, LimitError, ProtocolError, SendError};
pub use event::{Chunk, Event, ReceiveMode};
#[doc(inline)]
pub use extension::{Compress, DeflateConfig};
pub use frame::{FrameHeader, Rsv};
pub use input::Input;
pub use message::{Message, MessageKind, MessageRef};
pub use opcode::Opcode;
pub use output::Output;
pub use prepared::{EncodedMessage, PreparedMessage};
pub use prepared_batch::PreparedBatch;
pub use reconnect_window::ReconnectWindow;
pub use role::Role;
pub use time::Instant;
pub use utf8::{InvalidUtf8, Utf8Bytes, Utf8Validator};
