//! What is found out of silent connections.

use longwire::heartbeat::Segment;
use std::time::Duration;

/// What was found out, so far.
#[derive(Debug, Default)]
pub(super) struct Finding {
    pub(super) max: Duration,
    /// The longest silence after which a Ping was answered.
    pub(super) carried: Option<Duration>,
    /// The shortest that was not carried.
    pub(super) limit: Option<Duration>,
    /// The limit is a timer: this is when it ends.
    pub(super) is_exact: bool,
    /// How what was silent for longer was dropped.
    pub(super) end: Option<End>,
    /// The server spoke by itself, about so often.
    pub(super) beat: Option<Duration>,
    /// How often to beat.
    pub(super) safe: Option<Duration>,
    /// How many canaries were sent.
    pub(super) canaries: u32,
    /// Nothing more is to be found out.
    pub(super) complete: bool,
    /// Why the limit was not found.
    pub(super) trouble: Option<String>,
}

/// How a silent connection was dropped.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum End {
    Segment(Segment),
    Silence,
    Close { code: u16, reason: String },
}
