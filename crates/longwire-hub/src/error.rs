use std::fmt;

/// The hub has as many channels as [`HubConfig::max_channels`] allows.
///
/// [`HubConfig::max_channels`]: crate::HubConfig::max_channels
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TooManyChannels {
    /// The limit.
    pub max: usize,
}

impl fmt::Display for TooManyChannels {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let max = self.max;
        write!(
            f,
            "the limit of {max} channels is reached; try again when one is no longer used"
        )
    }
}

impl std::error::Error for TooManyChannels {}

/// The channel has as many subscribers as [`HubConfig::max_subscribers`]
/// allows.
///
/// [`HubConfig::max_subscribers`]: crate::HubConfig::max_subscribers
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TooManySubscribers {
    /// The limit.
    pub max: usize,
}

impl fmt::Display for TooManySubscribers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let max = self.max;
        write!(
            f,
            "the channel's limit of {max} subscribers is reached; try again when one has left"
        )
    }
}

impl std::error::Error for TooManySubscribers {}
