//! Decompression of messages (RFC 7692 section 7.2.2), and its bounds.

use super::{Inflate, TAIL, params::Direction};
use crate::{
    Env, Failure, LimitError, Limits, ProtocolError,
    extension::message::{Coded, Decoded},
};
use alloc::{boxed::Box, collections::VecDeque};

/// What is needed while a message comes, and what is kept for the next one.
#[derive(Debug, Default)]
pub(super) struct Receiving {
    inflater: Option<Box<dyn Inflate>>,
    /// What the peer may refer back to. A decompressor can be without its
    /// window between messages: it gets this back when the next one begins.
    history: VecDeque<u8>,
    /// How much of [`TAIL`] was put back after the payload.
    tail: usize,
    /// A block with BFINAL set has ended the stream; another one may follow.
    finished: bool,
    /// How many bytes of the message came.
    read: u64,
    /// How many bytes came of them.
    written: u64,
}

impl Receiving {
    /// A compressed message begins.
    pub(super) fn begin(&mut self, env: &mut Env<'_>, max_lent: usize) -> Result<(), Failure> {
        let inflater = env.codecs.inflater(max_lent);
        let mut inflater = inflater.ok_or(LimitError::Inflaters)?;
        let (old, new) = self.history.as_slices();
        inflater.restart(&[old, new]);
        self.inflater = Some(inflater);
        self.tail = 0;
        self.finished = false;
        (self.read, self.written) = (0, 0);
        Ok(())
    }

    /// Decompresses the payload, and at its end the tail that was taken off
    /// (7.2.2: "Append 4 octets of 0x00 0x00 0xff 0xff to the tail end of the
    /// payload of the message").
    pub(super) fn decode(
        &mut self,
        limits: &Limits,
        input: Coded<'_>,
        output: &mut [u8],
    ) -> Result<Decoded, Failure> {
        let (mut read, mut written) = (0, 0);
        loop {
            let in_payload = read < input.bytes.len();
            let source = match in_payload {
                true => &input.bytes[read..],
                false if input.ends => &TAIL[self.tail..],
                false => &[],
            };
            if self.finished {
                if !in_payload {
                    // 7.2.3.4: what ended with BFINAL set needs no tail.
                    let more = false;
                    return Ok(Decoded {
                        read,
                        written,
                        more,
                    });
                }
                self.restart(&output[..written]);
            }
            let Some(inflater) = &mut self.inflater else {
                return Err(ProtocolError::InvalidDeflate.into());
            };
            let step = inflater
                .inflate(source, &mut output[written..])
                .map_err(|_| ProtocolError::InvalidDeflate)?;
            if in_payload {
                read += step.read;
                self.read += step.read as u64;
            } else {
                self.tail += step.read;
            }
            written += step.written;
            self.written += step.written as u64;
            self.finished = step.finished;
            self.check_ratio(limits)?;
            let is_full = written == output.len();
            let is_starved = step.read == source.len() && !(in_payload && input.ends);
            if !step.finished && (is_full || is_starved) {
                let more = is_full;
                return Ok(Decoded {
                    read,
                    written,
                    more,
                });
            }
            if step.read == 0 && step.written == 0 && !step.finished {
                // With both input and room this is no DEFLATE that could go on.
                return Err(ProtocolError::InvalidDeflate.into());
            }
        }
    }

    /// After a final block: a new stream, but the same window. 7.2.1 allows to
    /// end blocks with BFINAL set anywhere, and says nothing of the window.
    fn restart(&mut self, output: &[u8]) {
        let (old, new) = self.history.as_slices();
        if let Some(inflater) = &mut self.inflater {
            inflater.restart(&[old, new, output]);
        }
        self.finished = false;
    }

    /// What deflates to next to nothing costs the peer nothing and us a lot.
    fn check_ratio(&self, limits: &Limits) -> Result<(), LimitError> {
        let limit = limits.max_inflation;
        let allowed = self.read.saturating_mul(limit.into());
        if self.written > limits.inflation_floor.max(allowed) {
            return Err(LimitError::Inflation { limit });
        }
        Ok(())
    }

    /// Keeps what the rest of this message, or the next one, may refer to.
    pub(super) fn remember(&mut self, peer: Direction, output: &[u8], ended: bool) {
        if ended && !peer.takeover {
            return;
        }
        let window = 1 << peer.window_bits;
        let new = &output[output.len().saturating_sub(window)..];
        let excess = (self.history.len() + new.len()).saturating_sub(window);
        self.history.drain(..excess);
        if self.history.capacity() < self.history.len() + new.len() {
            // Doubling, but never past the window.
            let wanted = (2 * self.history.capacity()).clamp(new.len(), window);
            self.history
                .reserve_exact(wanted.max(self.history.len() + new.len()) - self.history.len());
        }
        self.history.extend(new);
    }

    /// The message has ended.
    pub(super) fn end(&mut self, env: &mut Env<'_>) {
        if let Some(inflater) = self.inflater.take() {
            env.codecs.take_back_inflater(inflater);
        }
    }
}
