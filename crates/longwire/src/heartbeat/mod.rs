//! How often a connection has to beat, and how to find out.
//!
//! A NAT, a firewall or a proxy on the way forgets a connection on which nothing
//! passes for too long, and mostly tells nobody. After how long is known only to
//! the path. A [`Canary`] finds out, at the cost of a connection that nobody
//! needs.

mod canary;

pub use canary::{Canary, Fate, Segment};
