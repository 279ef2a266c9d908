//! The WebSocket protocol (RFC 6455) as a pure state machine.
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;
#[cfg(test)]
extern crate std;

pub mod extension;
pub mod handshake;
pub mod subprotocol;
