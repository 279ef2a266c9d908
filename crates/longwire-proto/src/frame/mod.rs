//! Frames (RFC 6455 section 5): the header, its encoding, and masking.
//!
//! The codec is the same for both roles. What a role may receive is checked in
//! one place, `FrameHeader::check`.

mod decode;
mod encode;
mod header;
mod mask;
mod plain;

pub use decode::Expected;
pub use encode::EncodedHeader;
pub use header::{FrameHeader, Rsv};
pub use mask::mask;
pub(crate) use plain::PlainFrame;

#[cfg(test)]
mod tests;
