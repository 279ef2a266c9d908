//! What permessage-deflate needs from a DEFLATE engine. The core has none.

use alloc::{boxed::Box, vec::Vec};
use core::{any::Any, fmt};

/// A place to borrow compressors and decompressors from: the driver's, lent to
/// each call in [`Env`](crate::Env).
///
/// What is borrowed comes back by `take_back_*`, or is dropped with its
/// connection.
pub trait Codecs: fmt::Debug {
    /// A decompressor for windows of up to 32 KiB; `None` if more than
    /// `max_lent` bytes would be lent with it.
    fn inflater(&mut self, max_lent: usize) -> Option<Box<dyn Inflate>>;

    /// A compressor with an empty window; `None` if more than `max_lent` bytes
    /// would be lent with it, or if this engine has none with such a window.
    fn deflater(&mut self, settings: DeflateSettings, max_lent: usize) -> Option<Box<dyn Deflate>>;

    /// Takes back what [`inflater`](Self::inflater) lent.
    fn take_back_inflater(&mut self, inflater: Box<dyn Inflate>);

    /// Takes back what [`deflater`](Self::deflater) lent.
    fn take_back_deflater(&mut self, deflater: Box<dyn Deflate>);
}

/// For connections without compression: never asked for a codec.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoCodecs;

impl Codecs for NoCodecs {
    fn inflater(&mut self, _: usize) -> Option<Box<dyn Inflate>> {
        None
    }

    fn deflater(&mut self, _: DeflateSettings, _: usize) -> Option<Box<dyn Deflate>> {
        None
    }

    fn take_back_inflater(&mut self, _: Box<dyn Inflate>) {}

    fn take_back_deflater(&mut self, _: Box<dyn Deflate>) {}
}

/// What a compressor is to be like.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct DeflateSettings {
    /// No match reaches back further than 2 to the power of this, 8 to 15.
    pub window_bits: u8,
    /// From 1, the fastest, to 9, the smallest.
    pub level: u8,
}

/// Decompresses raw DEFLATE (RFC 1951).
pub trait Inflate: Any + fmt::Debug + Send {
    /// Begins a new stream, with these pieces in the window.
    fn restart(&mut self, history: &[&[u8]]);

    /// Decompresses from `input` to `output`, until the one is used up, the
    /// other is full, or a final block ends.
    ///
    /// # Errors
    /// [`InvalidDeflate`]; nothing more can come of this stream.
    fn inflate(&mut self, input: &[u8], output: &mut [u8]) -> Result<Inflated, InvalidDeflate>;
}

/// What [`Inflate::inflate`] came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Inflated {
    /// How many bytes of the input were taken.
    pub read: usize,
    /// How many bytes of the output were written.
    pub written: usize,
    /// A block with BFINAL set has ended, and with it the stream.
    pub finished: bool,
}

/// The input is not DEFLATE, whatever may still follow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InvalidDeflate;

/// Compresses to raw DEFLATE (RFC 1951).
pub trait Deflate: Any + fmt::Debug + Send {
    /// What this compressor is like.
    fn settings(&self) -> DeflateSettings;

    /// Appends `input`, which is not empty, compressed, to `output`. All of it
    /// can be decompressed from what was appended, which ends with an empty
    /// block without compression: `00 00 ff ff` (zlib's sync flush).
    fn deflate(&mut self, input: &[u8], output: &mut Vec<u8>);
}
