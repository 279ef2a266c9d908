//! Servers for people who think in events: a [`Handler`] is told what happens,
//! on one event loop for each core.
//!
//! ```no_run
//! use longwire::worker::{Acceptance, Engine, Handler, Opening, Peer};
//! use longwire::{MessageRef, server::Refusal};
//!
//! struct Echo;
//!
//! impl Handler for Echo {
//!     type Data = ();
//!
//!     fn on_request(&self, _: &Opening<'_>) -> Result<(Acceptance, ()), Refusal> {
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
//! handled leaves in one write. A message costs no allocation.
//!
//! # Threads
//!
//! A connection stays with the worker that accepted it, so a handler's methods
//! are never called for one connection at the same time, though for several. A
//! handler that blocks keeps all connections of its worker waiting. Other threads
//! send by a [`Remote`].
//!
//! # TLS and HTTP
//!
//! With `EngineOptions::tls` the loops speak TLS. Its handshakes are computed on
//! threads of their own, and as many connections may be in their handshake as
//! [`EngineOptions::max_handshakes`] says. An idle connection keeps no buffer
//! there either.
//!
//! Requests that ask for no WebSocket go to an HTTP server of the program's, if
//! [`EngineOptions::http`] has one.

mod connection;
mod desk;
mod engine;
mod event_loop;
mod handler;
#[cfg(feature = "tls")]
mod handshakes;
mod http;
mod mailbox;
mod opening;
mod peer;
mod remote;
mod routes;
#[cfg(feature = "tls")]
mod securing;
mod socket;
mod topics;

pub use engine::{Engine, EngineHandle, EngineOptions};
pub use handler::{Handler, Overflow};
pub use http::HttpFallback;
pub use longwire_proto::handshake::Acceptance;
pub use opening::Opening;
pub use peer::{Peer, Sent};
pub use remote::{Remote, RemoteError};
pub use routes::{RouteData, RouteError, Routes};
pub use topics::SubscribeError;
