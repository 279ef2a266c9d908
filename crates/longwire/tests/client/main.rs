//! The client against scripted servers on the loopback interface.

// clippy.toml lets tests unwrap, but not what they share.
#![allow(clippy::unwrap_used)]

mod connecting;
#[cfg(feature = "proxy")]
mod proxies;
mod redirects;
mod refusals;
mod support;
#[cfg(feature = "tls")]
mod tls;
mod waiting;
