//! How often a connection has to beat, and how to find out.
//!
//! A NAT, a firewall or a proxy on the way forgets a connection on which nothing
//! passes for too long, and mostly tells nobody. After how long is known only to
//! the path.
//!
//! - A fixed interval is what every connection has
//!   ([`ping_interval`](crate::ConnectorBuilder::ping_interval)). It should be
//!   below the limit of every path that a program will ever be used on.
//! - A [`Heartbeat::Learned`] finds out what the path carries, and beats as seldom
//!   as that allows. It is for programs that pay for each beat: by battery, by
//!   radio, by the million.
//!
//! # Learning
//!
//! The live connection is never what finds it out. A [`Canary`] is: a spare
//! connection to the same endpoint that stays silent and then asks whether
//! anybody is there. Several are out at one time, silent for different spans. The
//! longest that was answered, less a margin, is how often the live connection
//! beats ([`Learner`](longwire_proto::heartbeat::Learner) has the rules).
//!
//! ```no_run
//! use longwire::heartbeat::{FileStore, Heartbeat, LearningConfig};
//! # fn example() -> Result<(), Box<dyn std::error::Error>> {
//! let ws = longwire::reconnecting("wss://example.com/feed")
//!     .heartbeat(Heartbeat::Learned(LearningConfig::default()))
//!     .heartbeat_store(FileStore::new("/var/lib/example/heartbeats"))
//!     .build()?;
//! # Ok(())
//! # }
//! ```
//!
//! - What is learned belongs to a [`Route`]: a network and an endpoint. It is kept
//!   in a [`Store`], checked again after
//!   [`recheck`](LearningConfig::recheck), and forgotten at once when the live
//!   connection dies after a silence that was thought to be safe.
//! - The server is told who beats (the header `Longwire-Heartbeat`,
//!   [`Proposal::Client`]). One that knows it sends no Pings of its own, and says
//!   how long a client may be silent and whether canaries are welcome ([`Terms`]).
//!   Against one that pings all the same, learning notices, reports its interval
//!   ([`Beat::Peer`]), and adds nothing.
//! - The number of canaries, their rate and their total are bounded
//!   ([`LearningConfig`]); with `max_canaries` 0 there are none, and only what the
//!   store knows is used.
//!
//! [`Reconnecting`](crate::reconnecting::Reconnecting) does all this by itself. A
//! [`Pacemaker`] does it for connections of any other kind.

mod awake;
mod canary;
mod entries;
mod file_store;
mod flight;
mod learners;
mod live;
mod pacemaker;
mod route;
mod store;

pub use canary::{Canary, Fate, Segment};
pub use file_store::{FileStore, FileStoreError};
pub use live::Live;
pub use longwire_proto::heartbeat::{
    Beat, Known, LearningConfig, Outcome, Proposal, ServerBeat, Terms,
};
pub use pacemaker::{Event, Pacemaker};
pub use route::Route;
pub use store::{MemoryStore, Store, StoreError};

use std::time::Duration;

/// How the interval of a connection's heartbeats is found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Heartbeat {
    /// Always a Ping after so much silence.
    Fixed(Duration),
    /// As seldom as the path allows: see the [module](self).
    Learned(LearningConfig),
}
