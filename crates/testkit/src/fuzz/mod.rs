//! The bodies of the fuzz targets, as ordinary functions: they compile in
//! normal builds, and `cargo test` runs them over the committed corpus. The
//! targets in `fuzz/` only hand them the fuzzer's bytes.

mod decoder;
mod deflate;
mod handshake;
mod oracle;
mod pair;

pub use decoder::decoder;
pub use deflate::{inflate, inflate_strictly, negotiation};
pub use handshake::handshake;
pub use pair::pair;

/// The fuzzer's bytes, taken from the front as numbers. Zeros when used up.
#[derive(Debug)]
struct Source<'a>(&'a [u8]);

impl Source<'_> {
    fn byte(&mut self) -> u8 {
        let (&byte, rest) = self.0.split_first().unwrap_or((&0, &[]));
        self.0 = rest;
        byte
    }

    fn u16(&mut self) -> u16 {
        u16::from_be_bytes([self.byte(), self.byte()])
    }

    fn flag(&mut self) -> bool {
        self.byte() & 1 == 1
    }
}
