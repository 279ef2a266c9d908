use crate::{
    Channel, ChannelName, Epoch, HubConfig, SubscriberId, TooManyChannels, channel, log::LogBudget,
    sync::lock,
};
use std::{
    collections::HashMap,
    fmt,
    sync::{
        Arc, Mutex, Weak,
        atomic::{AtomicU64, Ordering},
    },
};

/// All channels, by name. Cheap to clone, and used from any thread.
#[derive(Clone)]
pub struct Hub {
    shared: Arc<Shared>,
}

/// What the handles of one hub share.
pub(crate) struct Shared {
    config: HubConfig,
    epochs: Box<dyn Fn() -> Epoch + Send + Sync>,
    budget: Arc<LogBudget>,
    last_subscriber: AtomicU64,
    /// The hub does not keep a channel alive; a channel removes itself.
    channels: Mutex<HashMap<ChannelName, Weak<channel::Shared>>>,
}

impl Hub {
    /// A hub without channels. `epochs` is called for each new one, and should
    /// be random: two logs of one channel with the same epoch would pass for one.
    pub fn new(config: HubConfig, epochs: impl Fn() -> Epoch + Send + Sync + 'static) -> Hub {
        let budget = Arc::new(LogBudget::new(config.max_total_bytes));
        Hub {
            shared: Arc::new(Shared {
                config,
                epochs: Box::new(epochs),
                budget,
                last_subscriber: AtomicU64::new(0),
                channels: Mutex::default(),
            }),
        }
    }

    /// The channel with this name, which is created if nobody uses it.
    ///
    /// # Errors
    /// When it would be created and there are [`HubConfig::max_channels`]
    /// already.
    pub fn channel(&self, name: &ChannelName) -> Result<Channel, TooManyChannels> {
        if let Some(channel) = self.get(name) {
            return Ok(channel);
        }
        // Foreign code, so outside the lock; hence another thread may be first.
        let epoch = (self.shared.epochs)();
        let max = self.shared.config.max_channels;
        let mut channels = lock(&self.shared.channels);
        if let Some(shared) = channels.get(name).and_then(Weak::upgrade) {
            return Ok(Channel::from_shared(shared));
        }
        if channels.len() >= max && !channels.contains_key(name) {
            return Err(TooManyChannels { max });
        }
        let channel = Channel::new(name.clone(), epoch, Arc::clone(&self.shared));
        channels.insert(name.clone(), Arc::downgrade(channel.shared()));
        Ok(channel)
    }

    /// The channel with this name, if anybody uses it.
    ///
    /// To publish without creating a channel that nobody subscribes to, and
    /// which would be gone again at once.
    pub fn get(&self, name: &ChannelName) -> Option<Channel> {
        let channels = lock(&self.shared.channels);
        let shared = channels.get(name)?.upgrade()?;
        Some(Channel::from_shared(shared))
    }

    /// How many channels there are.
    pub fn channels(&self) -> usize {
        lock(&self.shared.channels).len()
    }

    /// What all logs together count for against
    /// [`HubConfig::max_total_bytes`].
    pub fn total_bytes(&self) -> usize {
        self.shared.budget.used()
    }
}

impl Shared {
    pub(crate) const fn config(&self) -> &HubConfig {
        &self.config
    }

    pub(crate) const fn budget(&self) -> &Arc<LogBudget> {
        &self.budget
    }

    pub(crate) fn next_subscriber_id(&self) -> SubscriberId {
        SubscriberId::new(self.last_subscriber.fetch_add(1, Ordering::Relaxed) + 1)
    }

    /// Removes a channel whose last handle is gone. Another thread may have
    /// created it anew since, which then stays.
    pub(crate) fn forget(&self, name: &ChannelName) {
        let mut channels = lock(&self.channels);
        if channels
            .get(name)
            .is_some_and(|shared| shared.strong_count() == 0)
        {
            channels.remove(name);
        }
    }
}

impl fmt::Debug for Hub {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hub")
            .field("config", &self.shared.config)
            .field("channels", &self.channels())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // What another thread can see between a channel's last handle going and its
    // removal, brought about by hand.

    fn hub_of_one() -> (Hub, ChannelName) {
        let config = HubConfig {
            max_channels: 1,
            ..HubConfig::default()
        };
        let name = ChannelName::new("a").unwrap();
        (Hub::new(config, || Epoch::new(1)), name)
    }

    #[test]
    fn a_late_removal_leaves_the_new_channel_of_that_name() {
        let (hub, name) = hub_of_one();
        let channel = hub.channel(&name).unwrap();
        hub.shared.forget(&name);
        assert!(hub.get(&name).is_some());
        drop(channel);
        assert_eq!(hub.channels(), 0);
    }

    #[test]
    fn a_channel_is_opened_anew_before_the_old_one_is_removed() {
        let (hub, name) = hub_of_one();
        lock(&hub.shared.channels).insert(name.clone(), Weak::new());
        assert!(hub.get(&name).is_none());
        let _channel = hub.channel(&name).expect("it takes the old one's place");
        assert_eq!(hub.channels(), 1);
    }
}
