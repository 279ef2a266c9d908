use core::time::Duration;

/// How permessage-deflate is negotiated and used.
///
/// The defaults of a server give every connection compression and none of them
/// a compressor of its own: without context takeover each message is compressed
/// by itself, with a compressor that is borrowed for as long as that takes.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct DeflateConfig {
    /// From 1, the fastest, to 9, the smallest. Default: 1. Level 6 makes JSON
    /// smaller by a third, and takes several times as long.
    pub level: u8,
    /// Messages shorter than this go out plain, in bytes; a message in
    /// fragments counts as long. Default: 256. By itself a shorter one hardly
    /// shrinks; with takeover 32 is worth a try.
    pub threshold: usize,
    /// Whether messages that this endpoint sends may refer to those before
    /// (context takeover). It makes short messages that resemble each other
    /// much smaller, and costs a compressor for each active connection.
    /// Default: false for a server, true for a client.
    pub own_takeover: bool,
    /// The same for messages of the peer. It costs this endpoint the peer's
    /// window, up to 32 KiB for each connection. Default: false for a server,
    /// true for a client.
    pub peer_takeover: bool,
    /// How far back messages that this endpoint sends may refer, as a power of
    /// two, 8 to 15. Default: 15. The peer may ask for less.
    pub own_window_bits: u8,
    /// The same for messages of the peer, if it lets itself be told. Default:
    /// 15. A client that cannot be held to it is not given context takeover.
    pub peer_window_bits: u8,
    /// The smallest window that this endpoint's compressor can be held to. An
    /// offer that asks for less is declined. Default: 8, what the engine of the
    /// crate `longwire` can do.
    pub min_window_bits: u8,
    /// After how long without a message to send a connection with takeover
    /// gives its compressor back; the next message begins with an empty window.
    /// Default: 10 s.
    pub idle_timeout: Duration,
    /// How many bytes of compressors and decompressors one thread lends at a
    /// time. Default: 64 MiB. While there are no more, messages go out plain;
    /// a compressed message that comes fails the connection with 1013.
    pub max_lent: usize,
}

impl DeflateConfig {
    /// The defaults of a server.
    pub const fn server() -> DeflateConfig {
        DeflateConfig {
            level: 1,
            threshold: 256,
            own_takeover: false,
            peer_takeover: false,
            own_window_bits: 15,
            peer_window_bits: 15,
            min_window_bits: 8,
            idle_timeout: Duration::from_secs(10),
            max_lent: 64 << 20,
        }
    }

    /// The defaults of a client.
    pub const fn client() -> DeflateConfig {
        DeflateConfig {
            own_takeover: true,
            peer_takeover: true,
            ..DeflateConfig::server()
        }
    }

    /// The window of our own compressor that was configured, within 8 to 15.
    pub(super) const fn own_bits(&self) -> u8 {
        clamp(self.own_window_bits)
    }

    /// The window of the peer that was configured, within 8 to 15.
    pub(super) const fn peer_bits(&self) -> u8 {
        clamp(self.peer_window_bits)
    }
}

const fn clamp(bits: u8) -> u8 {
    match bits {
        0..=8 => 8,
        9..=14 => bits,
        _ => 15,
    }
}
