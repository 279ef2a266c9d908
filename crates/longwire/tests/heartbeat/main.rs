//! Heartbeats over real sockets: canaries, and what is learned by them.
#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

mod canary;
mod learning;
mod middlebox;
mod routes;
mod servers;
mod support;
mod watched;
