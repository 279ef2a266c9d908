use longwire_proto::PreparedMessage;
use std::fmt;

/// The place of a publication in its channel's log. The first is 1.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Offset(u64);

impl Offset {
    /// The position before the first publication. No publication has it.
    pub const ZERO: Offset = Offset(0);

    /// The offset with this number.
    pub const fn new(offset: u64) -> Offset {
        Offset(offset)
    }

    /// The number.
    pub const fn get(self) -> u64 {
        self.0
    }

    /// The offset after this one. 2^64 publications are never reached.
    pub(crate) const fn next(self) -> Offset {
        Offset(self.0 + 1)
    }
}

impl fmt::Display for Offset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Tells one log of a channel from another one of the same name, whose offsets
/// mean other publications. Random at creation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Epoch(u64);

impl Epoch {
    /// The epoch with this number, which should come from a random generator.
    pub const fn new(epoch: u64) -> Epoch {
        Epoch(epoch)
    }

    /// The number.
    pub const fn get(self) -> u64 {
        self.0
    }
}

/// Sixteen hexadecimal digits.
impl fmt::Display for Epoch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

/// Who subscribes: one for each [`Cursor`](crate::Cursor), never used twice by
/// a hub.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SubscriberId(u64);

impl SubscriberId {
    pub(crate) const fn new(id: u64) -> SubscriberId {
        SubscriberId(id)
    }

    /// The number, for logs.
    pub const fn get(self) -> u64 {
        self.0
    }
}

impl fmt::Display for SubscriberId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A message in a channel's log. Cheap to clone: the encoded message is shared.
///
/// Whoever holds one keeps its bytes in memory, also after the log has dropped
/// it; what a reader holds is bounded by its [`ReadLimits`](crate::ReadLimits).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Publication {
    offset: Offset,
    publisher: Option<SubscriberId>,
    message: PreparedMessage,
}

impl Publication {
    /// What an entry counts beside its frame: its place in the log.
    const OVERHEAD: usize = 64;

    pub(crate) const fn new(
        offset: Offset,
        publisher: Option<SubscriberId>,
        message: PreparedMessage,
    ) -> Publication {
        Publication {
            offset,
            publisher,
            message,
        }
    }

    /// Its place in the log.
    pub const fn offset(&self) -> Offset {
        self.offset
    }

    /// The subscriber that published it, if it was one.
    pub const fn publisher(&self) -> Option<SubscriberId> {
        self.publisher
    }

    /// The encoded message.
    pub const fn message(&self) -> &PreparedMessage {
        &self.message
    }

    /// The memory that it counts for in its log.
    pub(crate) fn cost(&self) -> usize {
        self.message.frame().len() + Publication::OVERHEAD
    }
}

const _: () = assert!(size_of::<Publication>() <= Publication::OVERHEAD);

/// Publications that are no longer in the log and that a cursor had not read:
/// exactly those from `from` to `to`, both included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Gap {
    /// The first that was missed.
    pub from: Offset,
    /// The last that was missed.
    pub to: Offset,
}

impl Gap {
    /// What lies after `read`, up to and including `to`; `None` if that is
    /// nothing.
    pub(crate) fn between(read: Offset, to: Offset) -> Option<Gap> {
        (read < to).then(|| Gap {
            from: read.next(),
            to,
        })
    }

    /// How many were missed.
    pub const fn count(&self) -> u64 {
        self.to.0 - self.from.0 + 1
    }
}
