//! The hub.

use longwire::PreparedMessage;
use longwire_hub::{ChannelName, Cursor, Epoch, Hub, HubConfig, ReadLimits};

use crate::Result;

/// A publication of 128 bytes, and its way to so many subscribers.
pub(crate) fn publish(times: usize, subscribers: usize) -> Result {
    let hub = Hub::new(HubConfig::default(), || Epoch::new(1));
    let channel = hub.channel(&ChannelName::new("lobby")?)?;
    let cursors: std::result::Result<Vec<Cursor>, _> =
        (0..subscribers).map(|_| channel.subscribe()).collect();
    let mut cursors = cursors?;
    let mut batch = Vec::new();
    let text = "x".repeat(128);
    for _ in 0..times {
        channel.publish(PreparedMessage::new(&*text), None);
        for cursor in &mut cursors {
            cursor.read(ReadLimits::default(), &mut batch);
            batch.clear();
        }
    }
    Ok(())
}
