//! Servers for people who think in events: a [`Handler`] is told what happens,
//! on one event loop for each core.
//!
//! ```no_run
//! use longwire::worker::{Engine, Handler, Peer};
//! use longwire::{MessageRef, server::Refusal, server::Request};
//!
//! struct Echo;
//!
//! impl Handler for Echo {
//!     type Data = ();
//!
//!     fn on_request(&self, _: &Request) -> Result<(longwire::worker::Acceptance, ()), Refusal> {
//!         Ok(Default::default())
//!     }
//!
//!     fn on_message<'m>(
//!         &self,
//!         _: &mut Peer<'_, ()>,
//!         message: MessageRef<'m>,
//!     ) -> Option<MessageRef<'m>> {
//!         Some(message)
//!     }
//! }
//!
//! # fn main() -> std::io::Result<()> {
//! let engine = Engine::bind("127.0.0.1:9001", Echo)?;
//! println!("listening on {}", engine.local_addr());
//! engine.wait();
//! # Ok(())
//! # }
//! ```
//!
//! # What it costs
//!
//! A connection is plain state in its worker: no task, no buffer, no timer. A
//! worker reads all its connections through one buffer and lends the handler
//! messages that are in it; what the handler sends while one batch of input is
//! handled leaves in one write, and a large answer goes out from where it is. A
//! message costs no allocation, and an idle connection at most 208 bytes besides
//! the handler's data.
//!
//! # Threads
//!
//! A connection stays with the worker that accepted it, so a handler's methods
//! are never called for one connection at the same time, though for several. A
//! handler that blocks keeps all connections of its worker waiting. Other threads
//! send by a [`Remote`].
//!
//! TLS, and HTTP on the same port, are what [`Server`](crate::Server) is for.

mod connection;
mod engine;
mod event_loop;
#[cfg(test)]
mod faults;
mod handler;
mod mailbox;
mod socket;

pub use engine::{Engine, EngineHandle, EngineOptions};
pub use handler::{Handler, Peer, Sent};
pub use longwire_proto::handshake::Acceptance;
pub use mailbox::{Remote, RemoteError};
