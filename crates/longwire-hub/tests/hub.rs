//! Channels come and go; subscribers are counted; who publishes is known.
#![allow(clippy::unwrap_used, reason = "a helper of a test may fail the test")]

use longwire_hub::{
    Channel, ChannelName, Cursor, Epoch, Gap, Hub, HubConfig, Offset, Publication, Read,
    ReadLimits, TooManyChannels, TooManySubscribers,
};
use longwire_proto::PreparedMessage;
use std::sync::atomic::{AtomicU64, Ordering};

fn hub_with(change: impl FnOnce(&mut HubConfig)) -> Hub {
    let mut config = HubConfig::default();
    change(&mut config);
    let epochs = AtomicU64::new(100);
    Hub::new(config, move || {
        Epoch::new(epochs.fetch_add(1, Ordering::Relaxed))
    })
}

fn hub() -> Hub {
    hub_with(|_| {})
}

fn name(name: &str) -> ChannelName {
    ChannelName::new(name).unwrap()
}

fn publish(channel: &Channel, text: &str) -> Offset {
    channel.publish(PreparedMessage::new(text), None)
}

/// Everything up to the head.
fn texts(cursor: &mut Cursor) -> Vec<String> {
    let mut batch = Vec::new();
    while let Some(read) = cursor.read(ReadLimits::default(), &mut batch) {
        assert!(matches!(read, Read::Publications(_)), "{read:?}");
    }
    let text = |payload: &[u8]| String::from_utf8(payload.to_vec()).unwrap();
    batch
        .iter()
        .map(|publication| text(publication.message().payload()))
        .collect()
}

#[test]
fn one_name_is_one_channel_and_two_names_are_two() {
    let hub = hub();
    let (a, again, b) = (
        hub.channel(&name("a")).unwrap(),
        hub.channel(&name("a")).unwrap(),
        hub.channel(&name("b")).unwrap(),
    );
    let (mut in_a, mut in_b) = (again.subscribe().unwrap(), b.subscribe().unwrap());
    publish(&a, "to a");
    assert_eq!(texts(&mut in_a), ["to a"]);
    assert!(texts(&mut in_b).is_empty());
    assert_eq!((a.name().as_str(), a.epoch()), ("a", again.epoch()));
    assert_ne!(a.epoch(), b.epoch());
    assert_eq!(hub.channels(), 2);
}

#[test]
fn a_channel_goes_with_its_last_handle_and_comes_back_anew() {
    let hub = hub();
    let channel = hub.channel(&name("a")).unwrap();
    let epoch = channel.epoch();
    let mut cursor = channel.subscribe().unwrap();
    publish(&channel, "one");
    drop(channel);

    let channel = hub.get(&name("a")).expect("a cursor keeps the channel");
    assert_eq!(channel.epoch(), epoch);
    assert_eq!(publish(&channel, "two"), Offset::new(2));
    assert_eq!(texts(&mut cursor), ["one", "two"]);
    drop(cursor);
    assert_eq!(hub.channels(), 1);
    assert!(hub.total_bytes() > 0);
    drop(channel);
    assert_eq!((hub.channels(), hub.total_bytes()), (0, 0));
    assert!(hub.get(&name("a")).is_none());

    let channel = hub.channel(&name("a")).unwrap();
    assert_ne!(channel.epoch(), epoch);
    assert_eq!(channel.head(), Offset::ZERO);
}

#[test]
fn channels_are_bounded_at_the_limit() {
    let hub = hub_with(|config| config.max_channels = 2);
    let a = hub.channel(&name("a")).unwrap();
    let _b = hub.channel(&name("b")).unwrap();
    let error = hub.channel(&name("c")).unwrap_err();
    assert_eq!(error, TooManyChannels { max: 2 });
    assert!(error.to_string().contains("limit of 2 channels"), "{error}");
    hub.channel(&name("a"))
        .expect("one that exists is no new one");
    drop(a);
    hub.channel(&name("c")).expect("one has gone");
}

#[test]
fn subscribers_are_bounded_at_the_limit() {
    let hub = hub_with(|config| config.max_subscribers = 2);
    let channel = hub.channel(&name("a")).unwrap();
    let first = channel.subscribe().unwrap();
    let _second = channel.subscribe().unwrap();
    let error = channel.subscribe().unwrap_err();
    assert_eq!(error, TooManySubscribers { max: 2 });
    assert!(
        error.to_string().contains("limit of 2 subscribers"),
        "{error}"
    );
    assert_eq!(channel.subscribers(), 2);
    drop(first);
    assert_eq!(channel.subscribers(), 1);
    channel.subscribe().expect("one has left");
}

#[test]
fn a_subscriber_gets_what_comes_after_it() {
    let hub = hub();
    let channel = hub.channel(&name("a")).unwrap();
    publish(&channel, "before");
    let mut cursor = channel.subscribe().unwrap();
    assert_eq!(cursor.position(), Offset::new(1));
    publish(&channel, "after");
    assert_eq!(texts(&mut cursor), ["after"]);
    assert_eq!(cursor.position(), channel.head());
}

#[test]
fn a_publication_names_its_publisher_to_everyone() {
    let hub = hub();
    let channel = hub.channel(&name("a")).unwrap();
    let (mut alice, mut bob) = (channel.subscribe().unwrap(), channel.subscribe().unwrap());
    assert_ne!(alice.id(), bob.id());
    channel.publish(PreparedMessage::new("by alice"), Some(alice.id()));
    channel.publish(PreparedMessage::new("by nobody"), None);
    channel.publish(PreparedMessage::new("by bob"), Some(bob.id()));
    let expected = [Some(alice.id()), None, Some(bob.id())];
    for cursor in [&mut alice, &mut bob] {
        let mut batch = Vec::new();
        assert_eq!(
            cursor.read(ReadLimits::default(), &mut batch),
            Some(Read::Publications(3))
        );
        let publishers: Vec<_> = batch.iter().map(Publication::publisher).collect();
        assert_eq!(publishers, expected);
    }
}

#[test]
fn readers_share_the_encoded_bytes() {
    let hub = hub();
    let channel = hub.channel(&name("a")).unwrap();
    let mut cursors = [channel.subscribe().unwrap(), channel.subscribe().unwrap()];
    let message = PreparedMessage::new("hello");
    let bytes = message.frame().as_ptr();
    channel.publish(message, None);
    for cursor in &mut cursors {
        let mut batch = Vec::new();
        assert_eq!(
            cursor.read(ReadLimits::default(), &mut batch),
            Some(Read::Publications(1))
        );
        assert_eq!(batch[0].message().frame().as_ptr(), bytes);
        assert_eq!(&batch[0].message().frame()[..], b"\x81\x05hello");
    }
}

#[test]
fn a_slow_reader_is_told_its_gap_once_and_goes_on() {
    let hub = hub_with(|config| config.max_log_count = 2);
    let channel = hub.channel(&name("a")).unwrap();
    let mut cursor = channel.subscribe().unwrap();
    for text in ["1", "2", "3", "4", "5"] {
        publish(&channel, text);
    }
    let mut batch = Vec::new();
    let gap = Gap {
        from: Offset::new(1),
        to: Offset::new(3),
    };
    assert_eq!(gap.count(), 3);
    assert_eq!(
        cursor.read(ReadLimits::default(), &mut batch),
        Some(Read::Gap(gap))
    );
    assert!(batch.is_empty());
    assert_eq!(texts(&mut cursor), ["4", "5"]);
}

#[test]
fn skipping_says_what_was_skipped() {
    let hub = hub_with(|config| config.max_log_count = 2);
    let channel = hub.channel(&name("a")).unwrap();
    let mut cursor = channel.subscribe().unwrap();
    assert_eq!(cursor.skip_to_head(), None);
    for text in ["1", "2", "3"] {
        publish(&channel, text);
    }
    let all = Gap {
        from: Offset::new(1),
        to: Offset::new(3),
    };
    assert_eq!(cursor.skip_to_head(), Some(all), "dropped or not");
    assert_eq!(cursor.skip_to_head(), None);
    publish(&channel, "4");
    assert_eq!(texts(&mut cursor), ["4"]);
}

#[test]
fn everything_can_move_between_threads() {
    fn movable<T: Send + Sync + Unpin + 'static>() {}
    movable::<Hub>();
    movable::<Channel>();
    movable::<Cursor>();
    fn sendable<T: Send>(_: &T) {}
    let channel = hub().channel(&name("a")).unwrap();
    let mut cursor = channel.subscribe().unwrap();
    let mut batch = Vec::new();
    sendable(&cursor.next(ReadLimits::default(), &mut batch));
}
