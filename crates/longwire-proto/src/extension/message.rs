//! What an extension in use does to the messages of a connection.

use crate::{Config, EncodedMessage, Env, Failure, Instant, PreparedMessage, Rsv};
use alloc::vec::Vec;
use core::fmt;

/// An extension that changes the payload of messages: the ground that RFC 7692
/// section 6 lays for compression, and on which other codings fit as well.
///
/// A [`Connection`](crate::Connection) has one at most. It tells the extension
/// where messages begin and end, and does the rest itself: control frames, which
/// are never changed, fragmentation, masking, UTF-8, and the limits on what
/// comes out.
pub trait MessageExtension: fmt::Debug + Send {
    /// The reserved bits that the first frame of a message may have. A message
    /// that has none of them is plain.
    fn rsv(&self) -> Rsv;

    /// A coded message begins to come.
    ///
    /// # Errors
    /// The [`Failure`] that ends the connection.
    fn begin_decoding(&mut self, env: &mut Env<'_>, config: &Config) -> Result<(), Failure>;

    /// Decodes from `input` to `output`, until the one is used up or the other
    /// is full.
    ///
    /// # Errors
    /// The [`Failure`] that ends the connection.
    fn decode(
        &mut self,
        env: &mut Env<'_>,
        config: &Config,
        input: Coded<'_>,
        output: &mut [u8],
    ) -> Result<Decoded, Failure>;

    /// Codes the next piece of a message. `None`: the message goes out plain,
    /// which is decided for all of it at its first piece.
    fn encode(&mut self, env: &mut Env<'_>, config: &Config, piece: Piece<'_>) -> Option<Vec<u8>>;

    /// The message in this extension's coding, for a server to send. `None`: the
    /// message goes out plain.
    fn encode_prepared<'m>(
        &mut self,
        env: &mut Env<'_>,
        config: &Config,
        message: &'m PreparedMessage,
    ) -> Option<&'m EncodedMessage>;

    /// When [`handle_timeout`](Self::handle_timeout) is due.
    fn next_timeout(&self, config: &Config) -> Option<Instant>;

    /// Does what is due.
    fn handle_timeout(&mut self, env: &mut Env<'_>, config: &Config);
}

/// The next bytes of a coded message.
#[derive(Debug, Clone, Copy)]
pub struct Coded<'a> {
    /// The bytes.
    pub bytes: &'a [u8],
    /// No more follow.
    pub ends: bool,
}

/// What [`MessageExtension::decode`] came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Decoded {
    /// How many bytes of the input were taken.
    pub read: usize,
    /// How many bytes of the output were written.
    pub written: usize,
    /// Whether there may be more to write without more input. Never with room
    /// left in the output.
    pub more: bool,
}

/// The next bytes of a message that is to be coded.
#[derive(Debug, Clone, Copy)]
pub struct Piece<'a> {
    /// The bytes.
    pub bytes: &'a [u8],
    /// Whether the message begins here.
    pub first: bool,
    /// Whether the message ends here.
    pub last: bool,
    /// What the sender said.
    pub compress: Compress,
}

/// Whether a message is to be compressed, where the peers have agreed on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Compress {
    /// As the configuration says: see [`DeflateConfig`](crate::DeflateConfig).
    #[default]
    Auto,
    /// Yes, however short it is.
    Always,
    /// No: for what is compressed already, and for secrets next to what an
    /// attacker chooses.
    Never,
}
