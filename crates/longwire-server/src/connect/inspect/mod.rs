//! `--inspect`: a look at the bytes that pass, without a hand in them.

mod plain;
mod show;
mod tap;
mod watch;

pub(super) use show::{Secrets, Show, is_shown_whole, round_trip};
pub(super) use tap::Tap;

use jiff::Timestamp;
use longwire::proto::{FrameHeader, MessageKind, ProtocolError, Role};
use plain::Plain;
use std::{net::SocketAddr, time::Duration};

/// How much of a payload is kept to be shown: all of a control frame's.
const PREVIEW: usize = 125;

/// Which way something went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Direction {
    /// From here to the server.
    Sent,
    /// From the server to here.
    Received,
}

impl Direction {
    const fn receiver(self) -> Role {
        match self {
            Direction::Sent => Role::Server,
            Direction::Received => Role::Client,
        }
    }
}

/// Something that passed.
#[derive(Debug)]
pub(super) enum Seen {
    /// The transport is there: address, and TLS version and cipher suite.
    Dialed {
        peer: SocketAddr,
        tls: Option<String>,
    },
    /// The head of the request, or of a response.
    Head(Direction, Vec<u8>),
    /// A frame.
    Frame(Frame),
    /// A frame that breaks this rule. What follows cannot be told apart.
    Broken(Direction, ProtocolError),
}

/// A frame that passed.
#[derive(Debug)]
pub(super) struct Frame {
    pub(super) at: Timestamp,
    pub(super) direction: Direction,
    pub(super) header: FrameHeader,
    /// What the payload, unmasked, begins with.
    pub(super) start: Vec<u8>,
    /// The kind of the message that it is a part of, if it is one.
    pub(super) kind: Option<MessageKind>,
    pub(super) coding: Coding,
    /// For a Pong that answers a Ping: how long that took.
    pub(super) round_trip: Option<Duration>,
}

/// How the message is coded that a frame is a part of.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Coding {
    /// It is not.
    None,
    /// Its first frame had RSV1: it is compressed (RFC 7692). What it was
    /// compressed from is known at its last frame.
    Compressed,
    /// It is compressed, and ends with this frame.
    CompressedFrom(Plain),
    /// It cannot be decompressed, or one before it could not be.
    Unknown,
}
