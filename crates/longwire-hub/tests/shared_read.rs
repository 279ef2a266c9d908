//! Many cursors, one read of the log.
#![allow(clippy::unwrap_used, reason = "a helper of a test may fail the test")]

use longwire_hub::{
    Channel, ChannelName, Cursor, Epoch, Gap, Hub, HubConfig, Offset, Read, ReadLimits, SharedRead,
};
use longwire_proto::PreparedMessage;

fn channel(log_count: usize) -> Channel {
    let mut config = HubConfig::default();
    config.max_log_count = log_count;
    let hub = Hub::new(config, || Epoch::new(1));
    hub.channel(&ChannelName::new("a").unwrap()).unwrap()
}

fn publish(channel: &Channel, texts: impl IntoIterator<Item = &'static str>) {
    for text in texts {
        channel.publish(PreparedMessage::new(text), None);
    }
}

fn read(cursor: &mut Cursor, shared: &mut SharedRead) -> Option<Vec<String>> {
    let found = cursor.read_shared(ReadLimits::default(), shared)?;
    let all = shared.publications();
    assert_eq!(found, Read::Publications(all.len()));
    assert_eq!(all.last().unwrap().offset(), cursor.position());
    let text = |payload: &[u8]| String::from_utf8(payload.to_vec()).unwrap();
    Some(
        all.iter()
            .map(|each| text(each.message().payload()))
            .collect(),
    )
}

#[test]
fn those_at_one_place_share_what_the_first_has_read() {
    let channel = channel(100);
    let mut cursors: Vec<Cursor> = (0..3).map(|_| channel.subscribe().unwrap()).collect();
    let mut shared = SharedRead::new();
    assert_eq!(read(&mut cursors[0], &mut shared), None);
    publish(&channel, ["one", "two"]);
    assert_eq!(read(&mut cursors[0], &mut shared).unwrap(), ["one", "two"]);
    assert!(cursors[0].is_at_head() && !cursors[1].is_at_head());
    assert_eq!(read(&mut cursors[0], &mut shared), None);

    // What came meanwhile is not in it, and comes with the next read.
    publish(&channel, ["three"]);
    assert_eq!(read(&mut cursors[1], &mut shared).unwrap(), ["one", "two"]);
    assert_eq!(read(&mut cursors[1], &mut shared).unwrap(), ["three"]);
    let all = ["one", "two", "three"];
    assert_eq!(read(&mut cursors[2], &mut shared).unwrap(), all);
    assert_eq!(read(&mut cursors[0], &mut shared).unwrap(), ["three"]);
    for cursor in &mut cursors {
        assert_eq!(read(cursor, &mut shared), None);
    }
}

#[test]
fn what_was_published_since_is_not_passed_over() {
    let channel = channel(100);
    let mut cursors = [0, 1].map(|_| channel.subscribe().unwrap());
    let mut shared = SharedRead::new();
    publish(&channel, ["one"]);
    read(&mut cursors[0], &mut shared);
    publish(&channel, ["two"]);
    read(&mut cursors[1], &mut shared);
    assert!(!cursors[1].is_at_head());
    assert_eq!(read(&mut cursors[1], &mut shared).unwrap(), ["two"]);
    assert!(cursors[1].is_at_head());
}

#[test]
fn who_stands_elsewhere_reads_for_itself() {
    let channel = channel(2);
    let mut slow = channel.subscribe().unwrap();
    publish(&channel, ["one"]);
    let mut live = channel.subscribe().unwrap();
    publish(&channel, ["two", "three"]);
    let mut shared = SharedRead::new();
    assert_eq!(read(&mut live, &mut shared).unwrap(), ["two", "three"]);
    let gap = Gap {
        from: Offset::new(1),
        to: Offset::new(1),
    };
    let found = slow.read_shared(ReadLimits::default(), &mut shared);
    assert_eq!(found, Some(Read::Gap(gap)));
    assert_eq!(read(&mut slow, &mut shared).unwrap(), ["two", "three"]);
}

#[test]
fn channels_do_not_share_and_are_not_kept() {
    let hub = Hub::new(HubConfig::default(), || Epoch::new(1));
    let names = ["a", "b"].map(|name| ChannelName::new(name).unwrap());
    let channels = [0, 1].map(|i| hub.channel(&names[i]).unwrap());
    let mut cursors = [0, 1].map(|i| channels[i].subscribe().unwrap());
    publish(&channels[0], ["to a"]);
    publish(&channels[1], ["to b"]);
    let mut shared = SharedRead::new();
    assert_eq!(read(&mut cursors[0], &mut shared).unwrap(), ["to a"]);
    assert_eq!(read(&mut cursors[1], &mut shared).unwrap(), ["to b"]);
    drop((channels, cursors));
    assert_eq!(hub.channels(), 0);
}
