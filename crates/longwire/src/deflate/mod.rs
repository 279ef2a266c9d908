//! Compressors and decompressors for `permessage-deflate`.
//!
//! The protocol core borrows one for as long as it needs it, from the pool of
//! the thread that it runs on. `docs/compression.md` says what that costs.

mod engine;
mod pool;
mod room;

pub use engine::{ZlibDeflate, ZlibInflate};
pub use pool::{Pool, ThreadCodecs};
pub(crate) use room::Room;

#[cfg(test)]
mod tests;
