//! The DEFLATE engine: zlib-rs, by its safe interface.

use longwire_proto::extension::{Deflate, DeflateSettings, Inflate, Inflated, InvalidDeflate};
use std::fmt;
use zlib_rs::{DeflateConfig, DeflateFlush, InflateFlush, Status};

/// A decompressor for windows of up to 32 KiB.
pub struct ZlibInflate {
    stream: zlib_rs::Inflate,
}

impl ZlibInflate {
    /// What one holds, in bytes: the window, tables and the state.
    pub const MEMORY: usize = 47 * 1024;

    /// A decompressor with an empty window.
    pub fn new() -> ZlibInflate {
        ZlibInflate {
            stream: zlib_rs::Inflate::new(RAW, MAX_BITS),
        }
    }
}

/// No header and no checksum around the DEFLATE data.
const RAW: bool = false;

const MAX_BITS: u8 = 15;

impl Default for ZlibInflate {
    fn default() -> Self {
        ZlibInflate::new()
    }
}

impl Inflate for ZlibInflate {
    fn restart(&mut self, history: &[&[u8]]) {
        self.stream.reset(RAW);
        for piece in history.iter().filter(|piece| !piece.is_empty()) {
            let set = self.stream.set_dictionary(piece);
            debug_assert!(set.is_ok(), "a raw stream takes a dictionary at any time");
        }
    }

    fn inflate(&mut self, input: &[u8], output: &mut [u8]) -> Result<Inflated, InvalidDeflate> {
        let before = (self.stream.total_in(), self.stream.total_out());
        let status = self
            .stream
            .decompress(input, output, InflateFlush::SyncFlush)
            .map_err(|_| InvalidDeflate)?;
        Ok(Inflated {
            read: (self.stream.total_in() - before.0) as usize,
            written: (self.stream.total_out() - before.1) as usize,
            finished: status == Status::StreamEnd,
        })
    }
}

impl fmt::Debug for ZlibInflate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ZlibInflate").finish_non_exhaustive()
    }
}

/// A compressor.
pub struct ZlibDeflate {
    stream: zlib_rs::Deflate,
    settings: DeflateSettings,
}

impl ZlibDeflate {
    /// A compressor with an empty window.
    ///
    /// zlib has no windows of 8 bits without a header. One of 9 bits does in
    /// their place: zlib's matches reach back at most 262 bytes less than its
    /// window is long, which for 512 bytes is 250.
    pub fn new(settings: DeflateSettings) -> ZlibDeflate {
        let config = DeflateConfig {
            // Raw, as zlib has it said.
            window_bits: -i32::from(window_bits(settings)),
            mem_level: mem_level(settings),
            level: settings.level.into(),
            ..DeflateConfig::default()
        };
        ZlibDeflate {
            stream: zlib_rs::Deflate::new_with_config(config),
            settings,
        }
    }

    /// Empties the window.
    pub fn reset(&mut self) {
        self.stream.reset();
    }

    /// What a compressor like this holds, in bytes: a hash table of 128 KiB
    /// whatever the window, the window twice, its chains, and what waits to be
    /// coded.
    pub const fn memory(settings: DeflateSettings) -> usize {
        let waiting = 7 << (mem_level(settings) + 6);
        (131 << 10) + (4 << window_bits(settings)) + waiting
    }
}

const fn window_bits(settings: DeflateSettings) -> u8 {
    match settings.window_bits {
        0..=9 => 9,
        bits @ 10..=14 => bits,
        _ => 15,
    }
}

/// zlib's own measure of memory: 8 beside the largest window, less beside
/// smaller ones.
const fn mem_level(settings: DeflateSettings) -> i32 {
    window_bits(settings) as i32 - 7
}

impl Deflate for ZlibDeflate {
    fn settings(&self) -> DeflateSettings {
        self.settings
    }

    fn deflate(&mut self, mut input: &[u8], output: &mut Vec<u8>) {
        // By way of the stack: then the output is never longer than what is in
        // it, and nothing has to be known of how long that will be.
        let mut buffer = [0; 4096];
        loop {
            let before = (self.stream.total_in(), self.stream.total_out());
            let status = self
                .stream
                .compress(input, &mut buffer, DeflateFlush::SyncFlush);
            debug_assert!(status.is_ok(), "a compressor takes any input: {status:?}");
            let read = (self.stream.total_in() - before.0) as usize;
            let written = (self.stream.total_out() - before.1) as usize;
            output.extend_from_slice(&buffer[..written]);
            input = &input[read..];
            // All is out when there was room for more.
            if written < buffer.len() && (input.is_empty() || written + read == 0) {
                return;
            }
        }
    }
}

impl fmt::Debug for ZlibDeflate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ZlibDeflate")
            .field("settings", &self.settings)
            .finish_non_exhaustive()
    }
}
