//! WebSockets inside the HTTP servers of others.

#[cfg(feature = "axum")]
pub mod axum;
pub mod hyper;
