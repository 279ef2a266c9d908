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
//! # Who comes in
//!
//! [`Handler::on_request`] sees each request before it becomes a connection: its
//! path and parameters, query, headers, subprotocols, and where it comes from
//! ([`Opening`]). It refuses it, or makes the [`Data`](Handler::Data) that is
//! kept for the connection. [`Routes`] is a handler that gives each path a
//! handler of its own.
//!
//! Canaries, with which clients find out how long a connection may be silent,
//! never get to the handler: the worker keeps them, within
//! [`Config::canaries`](crate::Config::canaries).
//!
//! # Sending
//!
//! - **What `on_message` returns** is sent back; usually the message itself.
//! - **[`Peer::send`]** sends from inside any method. All that is sent while one
//!   batch of input is handled leaves in one write.
//! - **[`Remote::send`]** sends from any other thread. [`Peer::remote`] makes one;
//!   it may outlive its connection.
//! - **[`Peer::publish`]** and [`EngineHandle::publish`] send to all subscribers of
//!   a topic, [`EngineHandle::broadcast`] to all connections. The message is
//!   encoded once.
//!
//! # Topics
//!
//! A topic exists while somebody subscribes to it ([`Peer::subscribe`]). A
//! publication is handed to all workers or to none, and all subscribers get the
//! publications of all topics in one order: for one publisher in the order of
//! its calls. Each worker writes to each of its subscribers once, however many
//! publications of a topic wait; that is at the end of its turn, so what a
//! method sends to its own connection may come before what it published
//! earlier.
//!
//! A topic keeps nothing. Who wants that of a connection which was away, or too
//! slow, keeps it elsewhere and uses [`EngineHandle::notify`]: it carries no
//! message, has [`Handler::on_notified`] called for each subscriber, and is one
//! notification however often it was called meanwhile.
//!
//! # Back-pressure
//!
//! At most [`Limits::max_queued_output`](crate::Limits::max_queued_output) waits
//! to be written to a connection, and the message that went past it. Nothing is
//! dropped in silence:
//!
//! - [`Peer::send`] says [`Sent::Full`]; [`Handler::on_drained`] says when to go
//!   on.
//! - A connection whose queue is full is not read from, so who sends more than it
//!   takes is slowed down.
//! - [`Remote::send`] and the publishing methods say [`RemoteError::Full`], and
//!   then nothing was sent: to a connection that is full, or because 16 MiB wait
//!   for a worker that has not got to it.
//! - For a publication that a subscriber has no room for,
//!   [`Handler::on_overflow`] decides: that one connection is closed with 1013,
//!   which is the default, or goes without.
//!
//! # How it ends
//!
//! [`Handler::on_close`] is called once for each connection that was open, with
//! the Close frames of both ends. If there was no closing handshake,
//! [`Handler::on_error`] comes directly before it and says what failed. Both are
//! called before the connection leaves its topics, and may publish.
//!
//! # Threads
//!
//! A connection stays with the worker that accepted it, so a handler's methods
//! are never called for one connection at the same time, though for several. A
//! handler that blocks keeps all connections of its worker waiting. Nothing that
//! an [`EngineHandle`] or a [`Remote`] does waits for a worker, so they may be
//! used inside a handler too.
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
//!
//! # What it costs
//!
//! A connection is plain state in its worker: no task, no buffer, no timer. A
//! worker reads all its connections through one buffer and lends the handler
//! messages that are in it; a large answer goes out from where it is. A message
//! costs no allocation, an idle connection at most 208 bytes besides the handler's
//! data, and one without topics no memory for them.

mod announcing;
mod connection;
mod desk;
mod engine;
mod event_loop;
#[cfg(test)]
mod faults;
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
