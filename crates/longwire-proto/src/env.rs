use crate::{Instant, Output, extension::Codecs};

/// What a driver lends to a call: the time, the place for what is to be
/// written, the source of masking keys, and compressors.
pub struct Env<'e> {
    /// The time.
    pub now: Instant,
    /// Takes what is to be written.
    pub output: &'e mut Output,
    /// Makes the key of each frame that a client sends.
    pub mask_keys: &'e mut dyn MaskKeys,
    /// Lends compressors and decompressors.
    /// [`NoCodecs`](crate::extension::NoCodecs) where no compression is
    /// negotiated.
    pub codecs: &'e mut dyn Codecs,
}

/// A source of masking keys.
///
/// RFC 6455 section 5.3: the key "needs to be unpredictable", and "derived from
/// a strong source of entropy". Any `FnMut() -> [u8; 4]` is one. A server sends
/// no masked frames and passes [`NoMaskKeys`].
pub trait MaskKeys {
    /// The key of the next frame.
    fn next_key(&mut self) -> [u8; 4];
}

impl<F: FnMut() -> [u8; 4]> MaskKeys for F {
    fn next_key(&mut self) -> [u8; 4] {
        self()
    }
}

/// For servers, which mask nothing: never asked for a key.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoMaskKeys;

impl MaskKeys for NoMaskKeys {
    fn next_key(&mut self) -> [u8; 4] {
        [0; 4]
    }
}
