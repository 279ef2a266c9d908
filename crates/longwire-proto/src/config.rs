use crate::{extension::DeflateConfig, heartbeat::CanaryBudget};
use alloc::sync::Arc;
use core::{
    sync::atomic::{AtomicUsize, Ordering},
    time::Duration,
};

/// How a connection behaves. Shared by any number of connections.
///
/// ```
/// use longwire_proto::Config;
/// let mut config = Config::server();
/// config.limits.max_message_size = 64 * 1024;
/// ```
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Config {
    /// What the peer may make this endpoint hold or do.
    pub limits: Limits,
    /// Which kinds of message are taken. Default: both.
    pub accepts: Accepts,
    /// After how long without a byte from the peer a Ping is sent; `None`
    /// sends none. Default: 25 s for a server, 30 s for a client. Both are
    /// below the 60 s after which common proxies drop an idle connection, and
    /// apart, so that of two of ours only the server beats.
    pub ping_interval: Option<Duration>,
    /// How long after that Ping the peer may stay silent before it counts as
    /// dead, as long as nothing is known of the round trip, and at most. Default:
    /// 20 s. It is pinged twice more in that time.
    pub pong_timeout: Duration,
    /// How long it may stay silent when the round trip is known: so much and
    /// what hardly any round trip is longer than (smoothed, and four times its
    /// variation: RFC 6298), but no longer than `pong_timeout`. The same
    /// goes for its system, which is to acknowledge what was written. Default:
    /// 5 s.
    pub min_pong_timeout: Duration,
    /// How long a client that said that it keeps the connection alive, or that it
    /// is a canary, may be silent before it counts as gone. A server pings
    /// neither. Default: 1 h.
    pub max_silence: Duration,
    /// The canaries that a server holds for clients which learn how long a
    /// connection may be silent. Default: 1,000 at one time.
    pub canaries: Arc<CanaryBudget>,
    /// How long the peer may take nothing of what is to be written to it before
    /// it counts as dead. Default: 30 s.
    pub write_timeout: Duration,
    /// How long the closing handshake may take, and how long the peer may take
    /// after it to close TCP. Default: 10 s.
    pub close_timeout: Duration,
    /// How messages are compressed where the peers agree on it; `None`: it is
    /// neither offered nor accepted. Default: `None`.
    pub deflate: Option<DeflateConfig>,
    /// The memory for unfinished messages of all connections that share this
    /// budget. Default: 256 MiB.
    pub assembly_budget: Arc<AssemblyBudget>,
}

impl Config {
    /// The defaults of a server.
    pub fn server() -> Config {
        Config {
            limits: Limits::default(),
            accepts: Accepts::Both,
            ping_interval: Some(Duration::from_secs(25)),
            pong_timeout: Duration::from_secs(20),
            min_pong_timeout: Duration::from_secs(5),
            max_silence: Duration::from_secs(3600),
            canaries: Arc::new(CanaryBudget::new(1_000)),
            write_timeout: Duration::from_secs(30),
            close_timeout: Duration::from_secs(10),
            deflate: None,
            assembly_budget: Arc::new(AssemblyBudget::new(256 << 20)),
        }
    }

    /// The defaults of a client.
    pub fn client() -> Config {
        Config {
            ping_interval: Some(Duration::from_secs(30)),
            ..Config::server()
        }
    }
}

/// What a peer may make this endpoint hold or do.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Limits {
    /// The longest frame of a message that is received whole, in bytes.
    /// Default: 16 MiB. A larger one fails the connection with 1009.
    pub max_frame_size: u64,
    /// The longest message that is received whole, in bytes. Default: 16 MiB.
    /// A larger one fails the connection with 1009 as soon as its length is
    /// known; a compressed one as soon as so much has come of it.
    pub max_message_size: u64,
    /// The most fragments of a message that is received whole. Default: 8,192.
    /// More fail the connection with 1009.
    pub max_fragments: u32,
    /// The most control frames within a second. Default: 1,000. More fail the
    /// connection with 1008.
    pub max_control_frames: u32,
    /// How many times as long as what came a compressed message may become.
    /// Default: 200. More fail the connection with 1009; in streaming mode too.
    pub max_inflation: u32,
    /// Up to this length, in bytes, a message may be compressed however much.
    /// Default: 1 MiB.
    pub inflation_floor: u64,
    /// How long a message that is received whole may take from its first byte
    /// to its last. Default: 5 min. A slower one fails the connection with
    /// 1008.
    pub assembly_timeout: Duration,
    /// How many bytes may wait to be written before a sender is made to wait.
    /// Kept by the driver. Default: 1 MiB.
    pub max_queued_output: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Limits {
            max_frame_size: 16 << 20,
            max_message_size: 16 << 20,
            max_fragments: 8_192,
            max_control_frames: 1_000,
            max_inflation: 200,
            inflation_floor: 1 << 20,
            assembly_timeout: Duration::from_secs(300),
            max_queued_output: 1 << 20,
        }
    }
}

/// The kinds of message that an endpoint takes. The other kind fails the
/// connection with 1003 (RFC 6455 section 7.4.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Accepts {
    /// Text and binary messages.
    Both,
    /// Only text messages.
    Text,
    /// Only binary messages.
    Binary,
}

impl Accepts {
    pub(crate) const fn includes(self, kind: crate::MessageKind) -> bool {
        use crate::MessageKind;
        matches!(
            (self, kind),
            (Accepts::Both, _)
                | (Accepts::Text, MessageKind::Text)
                | (Accepts::Binary, MessageKind::Binary)
        )
    }
}

/// A bound on the memory of all unfinished messages together.
///
/// The limits of one connection do not bound what many hold: 18,000 peers with
/// 16 MiB each would pass every one of them. A connection whose message does
/// not fit what is left is failed with 1013 (try again later).
#[derive(Debug)]
pub struct AssemblyBudget {
    limit: usize,
    used: AtomicUsize,
}

impl AssemblyBudget {
    /// A budget of `limit` bytes.
    pub const fn new(limit: usize) -> AssemblyBudget {
        AssemblyBudget {
            limit,
            used: AtomicUsize::new(0),
        }
    }

    /// How many bytes unfinished messages hold now.
    pub fn used(&self) -> usize {
        self.used.load(Ordering::Relaxed)
    }

    /// Takes `bytes`; false if they are not to be had.
    fn take(&self, bytes: usize) -> bool {
        self.used
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |used| {
                used.checked_add(bytes).filter(|&used| used <= self.limit)
            })
            .is_ok()
    }

    fn give_back(&self, bytes: usize) {
        self.used.fetch_sub(bytes, Ordering::Relaxed);
    }
}

/// What one unfinished message holds of a budget; given back when dropped.
#[derive(Debug)]
pub(crate) struct AssemblyShare {
    budget: Arc<AssemblyBudget>,
    bytes: usize,
}

impl AssemblyShare {
    pub(crate) fn new(budget: &Arc<AssemblyBudget>) -> AssemblyShare {
        AssemblyShare {
            budget: Arc::clone(budget),
            bytes: 0,
        }
    }

    /// Grows the share to `bytes`; false if the budget has not enough left.
    pub(crate) fn grow_to(&mut self, bytes: usize) -> bool {
        let more = bytes.saturating_sub(self.bytes);
        let granted = more == 0 || self.budget.take(more);
        if granted {
            self.bytes += more;
        }
        granted
    }

    /// Gives all of the share back.
    pub(crate) fn give_back(&mut self) {
        self.budget.give_back(core::mem::take(&mut self.bytes));
    }
}

impl Drop for AssemblyShare {
    fn drop(&mut self) {
        self.give_back();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_bounded_together_and_given_back() {
        let budget = Arc::new(AssemblyBudget::new(100));
        let mut first = AssemblyShare::new(&budget);
        let mut second = AssemblyShare::new(&budget);
        assert!(first.grow_to(60));
        assert!(second.grow_to(40));
        assert!(!second.grow_to(41));
        assert!(
            second.grow_to(10),
            "a share never shrinks, so this is nothing"
        );
        drop(first);
        assert_eq!(budget.used(), 40);
        assert!(second.grow_to(100));
        drop(second);
        assert_eq!(budget.used(), 0);
    }
}
