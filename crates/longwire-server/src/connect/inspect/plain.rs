//! What compressed messages were compressed from.

use super::PREVIEW;
use longwire::{
    Config, DeflateConfig,
    deflate::Pool,
    proto::{
        Env, Failure, Instant, NoMaskKeys, Output,
        extension::{Coded, Extension, MessageExtension as _, PermessageDeflate},
    },
};

/// How much is decompressed at a time. It is only counted, and so costs no more
/// memory however much there is.
const STEP: usize = 4096;

/// A message as it was before it was compressed.
#[derive(Debug, Default, PartialEq, Eq)]
pub(in super::super) struct Plain {
    pub(super) len: u64,
    /// What it begins with.
    pub(super) start: Vec<u8>,
}

/// Decompresses the messages of one direction a second time, to look at them.
/// The connection's own decompressor has no part in it.
#[derive(Debug)]
pub(super) struct Decompression {
    config: Config,
    /// `None` once a message could not be decompressed: later ones may refer to
    /// it.
    deflate: Option<PermessageDeflate>,
    /// Not the thread's: what is lent of that is counted.
    pool: Pool,
    output: Output,
    message: Plain,
}

impl Decompression {
    /// For messages that may refer to those before, within the largest window:
    /// that does for whatever the peers agreed on.
    pub(super) fn new() -> Decompression {
        let agreed = DeflateConfig::client();
        let accepted = Extension::new(PermessageDeflate::NAME).ok();
        let deflate = accepted.and_then(|accepted| {
            PermessageDeflate::accepted(&agreed, &[accepted])
                .ok()
                .flatten()
        });
        let mut config = Config::client();
        config.deflate = Some(agreed);
        // Whether that is too much is for the connection to say.
        config.limits.max_inflation = u32::MAX;
        Decompression {
            config,
            deflate,
            pool: Pool::default(),
            output: Output::new(),
            message: Plain::default(),
        }
    }

    /// Whether all could be decompressed so far.
    pub(super) const fn is_possible(&self) -> bool {
        self.deflate.is_some()
    }

    /// A compressed message begins.
    pub(super) fn begin(&mut self) {
        self.message = Plain::default();
        self.attempt(|deflate, env, config, _| deflate.begin_decoding(env, config));
    }

    /// Takes the next bytes of its payload.
    pub(super) fn push(&mut self, bytes: &[u8]) {
        if !bytes.is_empty() {
            self.decode(Coded { bytes, ends: false });
        }
    }

    /// The message that ends here; `None` if it cannot be decompressed.
    pub(super) fn end(&mut self) -> Option<Plain> {
        self.decode(Coded {
            bytes: &[],
            ends: true,
        });
        self.is_possible()
            .then(|| std::mem::take(&mut self.message))
    }

    fn decode(&mut self, mut input: Coded<'_>) {
        self.attempt(|deflate, env, config, message| {
            let mut buffer = [0; STEP];
            loop {
                let decoded = deflate.decode(env, config, input, &mut buffer)?;
                message.extend(&buffer[..decoded.written]);
                if !decoded.more {
                    return Ok(());
                }
                input.bytes = &input.bytes[decoded.read..];
            }
        });
    }

    fn attempt(
        &mut self,
        act: impl FnOnce(
            &mut PermessageDeflate,
            &mut Env<'_>,
            &Config,
            &mut Plain,
        ) -> Result<(), Failure>,
    ) {
        let Some(deflate) = &mut self.deflate else {
            return;
        };
        let mut env = Env {
            // Nothing that is decoded depends on it.
            now: Instant::from_micros(0),
            output: &mut self.output,
            mask_keys: &mut NoMaskKeys,
            codecs: &mut self.pool,
        };
        if act(deflate, &mut env, &self.config, &mut self.message).is_err() {
            self.deflate = None;
        }
    }
}

impl Plain {
    fn extend(&mut self, bytes: &[u8]) {
        self.len += bytes.len() as u64;
        let room = PREVIEW - self.start.len();
        self.start.extend(&bytes[..bytes.len().min(room)]);
    }
}
