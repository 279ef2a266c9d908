//! Servers: listen, decide who comes in, and leave in good order.
//!
//! ```no_run
//! # async fn run() -> std::io::Result<()> {
//! let mut server = longwire::Server::bind("127.0.0.1:9001").await?;
//! while let Some(pending) = server.accept().await {
//!     tokio::spawn(async move {
//!         let mut ws = pending.accept().await?;
//!         while let Some(message) = ws.next().await {
//!             ws.send(message?).await?;
//!         }
//!         Ok::<_, Box<dyn std::error::Error + Send + Sync>>(())
//!     });
//! }
//! # Ok(()) }
//! ```
//!
//! [`Server::accept`] gives a [`Pending`] for each client whose request follows
//! RFC 6455, section 4.2.1, and whose `Origin` the [`Options`] let in. The
//! program looks at it and says yes or no:
//!
//! ```no_run
//! # use longwire::server::{Pending, Refusal};
//! async fn answer(pending: Pending) {
//!     if pending.request().path() != "/chat" {
//!         return pending.refuse(Refusal::not_found("There is no WebSocket here.\n"));
//!     }
//!     match pending.select_subprotocol(&["v2.chat", "v1.chat"]).accept().await {
//!         Ok(ws) => println!("they speak {:?}", ws.subprotocol()),
//!         Err(error) => println!("{error}"),
//!     }
//! }
//! ```
//!
//! Canaries, with which clients find out how long a connection may be silent,
//! never get to the program: the server keeps them, within
//! [`Config::canaries`](crate::Config::canaries).
//!
//! Below the [`Server`] is [`accept()`]: the opening handshake on one stream, for
//! programs that listen by themselves or speak HTTP on the same port.

mod accept;
mod address;
mod answer;
pub(crate) mod canary;
mod connections;
mod error;
pub(crate) mod heartbeat;
mod http;
mod linger;
mod listener;
mod listening;
mod options;
mod pending;
mod proxies;
mod refusals;

pub use self::accept::{Accepted, accept};
pub use self::address::Address;
pub(crate) use self::answer::Answer;
#[cfg(feature = "worker")]
pub(crate) use self::answer::compress;
pub use self::error::AcceptError;
pub use self::http::{HttpConnection, Rewound};
pub use self::listener::Listener;
pub use self::listening::{Server, ServerHandle};
pub use self::options::Options;
pub use self::pending::Pending;
#[cfg(feature = "worker")]
pub(crate) use self::proxies::{Announced, ProxyHeaderReader};
pub use self::proxies::{ForwardedHeader, InvalidNetwork, ProxyHeaderError, TrustedProxies};
#[cfg(feature = "worker")]
pub(crate) use self::refusals::crowded;
#[cfg(feature = "tls")]
pub(crate) use self::refusals::not_tls;
pub(crate) use self::refusals::{late, mistake};
pub use longwire_proto::handshake::{
    HeadLimits, Headers, MisuseError, OriginPolicy, Refusal, Request, RequestHead,
};
