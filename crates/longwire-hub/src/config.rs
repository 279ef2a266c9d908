/// The bounds of a hub.
///
/// An entry of a log counts the bytes of its frame and 64 for its place in the
/// log, so that even empty messages are bounded by the bytes.
///
/// ```
/// use longwire_hub::HubConfig;
/// let mut config = HubConfig::default();
/// config.max_log_count = 100;
/// ```
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct HubConfig {
    /// The most channels at a time. Default: 65,536.
    pub max_channels: usize,
    /// The most subscribers of one channel. Default: 65,536.
    pub max_subscribers: usize,
    /// The most publications in the log of one channel. Default: 1,024. The
    /// newest one is always kept.
    pub max_log_count: usize,
    /// The most bytes in the log of one channel. Default: 8 MiB. The newest
    /// publication is always kept, whatever its size.
    pub max_log_bytes: usize,
    /// The most bytes in all logs together. Default: 256 MiB. While they are
    /// past it, a channel that is published to drops its own oldest
    /// publications; the newest one is always kept. So logs get shorter under
    /// pressure, and slow consumers see gaps sooner.
    pub max_total_bytes: usize,
}

impl Default for HubConfig {
    fn default() -> Self {
        HubConfig {
            max_channels: 65_536,
            max_subscribers: 65_536,
            max_log_count: 1_024,
            max_log_bytes: 8 << 20,
            max_total_bytes: 256 << 20,
        }
    }
}
