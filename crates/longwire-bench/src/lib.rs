//! A load generator for WebSocket servers.
//!
//! It is built to cost less than what it measures: one thread, readiness events,
//! frames that are masked once, answers of which only the headers are parsed and
//! the payload, where it is long, is not even copied from the kernel. With TLS it
//! costs as much as what it measures, since it has to decrypt everything. With
//! compression it costs no more: [`Target::compress`].
//!
//! - [`echo()`] keeps messages in flight to a server that echoes, or sends them at
//!   a fixed rate;
//! - [`storm()`] opens connections and drops them;
//! - [`idle()`] opens connections, holds them and looks at the server's memory;
//! - [`fan_out()`] publishes to a channel that all its connections subscribe to.
//!
//! [`echo::Session`] and [`fan_out::Session`] do so any number of times over the same
//! connections.
//!
//! Each takes its options, a callback for the progress, and blocks until the
//! report is there. The [`Process`] of a server on the same machine can be given
//! along: its CPU time per message survives a noisy machine, as throughput does
//! not.
#![forbid(unsafe_code)]

mod deflate;
pub mod echo;
mod error;
pub mod fan_out;
pub mod idle;
mod latency;
mod limits;
mod measured;
mod opening;
mod outgoing;
mod peer;
mod process;
mod scanner;
mod schedule;
pub mod storm;
mod swarm;
mod target;
mod transport;

pub use self::echo::echo;
pub use self::error::Error;
pub use self::fan_out::fan_out;
pub use self::idle::idle;
pub use self::latency::Latency;
pub use self::measured::Measured;
pub use self::process::{Process, Usage, kernel_socket_memory};
pub use self::storm::storm;
pub use self::target::{Target, TargetError};
