//! Many threads on one hub: one order for all, nothing lost without a word, no
//! wake-up missed. Bounded in count, and by a deadline.
#![allow(clippy::unwrap_used, reason = "a helper of a test may fail the test")]

use longwire_hub::{
    Channel, ChannelName, Cursor, Epoch, Hub, HubConfig, Publication, Read, ReadLimits,
};
use longwire_proto::PreparedMessage;
use std::{
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll, Wake, Waker},
    thread::{self, Thread},
    time::{Duration, Instant},
};

const PUBLISHERS: u32 = 4;
const EACH: u32 = 25_000;
const TOTAL: u64 = PUBLISHERS as u64 * EACH as u64;

/// An executor for one future: a thread that parks.
struct Unpark {
    thread: Thread,
    woken: AtomicBool,
}

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.woken.store(true, Ordering::Release);
        self.thread.unpark();
    }
}

/// Runs `future`, polling it only when it was woken, so that a lost wake-up is
/// a test that fails at the deadline.
fn block_on<T>(future: impl Future<Output = T>) -> T {
    let deadline = Instant::now() + Duration::from_secs(30);
    let unpark = Arc::new(Unpark {
        thread: thread::current(),
        woken: AtomicBool::new(true),
    });
    let waker = Waker::from(Arc::clone(&unpark));
    let mut future = pin!(future);
    loop {
        if unpark.woken.swap(false, Ordering::Acquire) {
            if let Poll::Ready(output) = future.as_mut().poll(&mut Context::from_waker(&waker)) {
                return output;
            }
        } else {
            assert!(Instant::now() < deadline, "nobody woke this reader");
            thread::park_timeout(Duration::from_millis(100));
        }
    }
}

/// Publishes `EACH` messages, and returns which offset each got.
fn publish(channel: &Channel, publisher: u32) -> Vec<u64> {
    (0..EACH)
        .map(|n| {
            let payload = [publisher.to_be_bytes(), n.to_be_bytes()].concat();
            channel.publish(PreparedMessage::new(payload), None).get()
        })
        .collect()
}

/// Reads to the last publication. `None` stands for what was in a gap.
async fn read_all(mut cursor: Cursor, limits: ReadLimits, lazy: bool) -> Vec<Option<(u32, u32)>> {
    let mut seen = Vec::new();
    let mut batch = Vec::new();
    while cursor.position().get() < TOTAL {
        match cursor.next(limits, &mut batch).await {
            Read::Publications(count) => assert_eq!(count, batch.len()),
            Read::Gap(gap) => {
                assert_eq!(gap.from.get(), seen.len() as u64 + 1);
                seen.resize(gap.to.get() as usize, None);
            }
        }
        for publication in batch.drain(..) {
            seen.push(Some(parse(&publication)));
            assert_eq!(publication.offset().get(), seen.len() as u64);
        }
        if lazy {
            thread::sleep(Duration::from_micros(200));
        }
    }
    seen
}

fn parse(publication: &Publication) -> (u32, u32) {
    let payload: &[u8; 8] = publication.message().payload().try_into().unwrap();
    let (publisher, n) = payload.split_at(4);
    let number = |bytes: &[u8]| u32::from_be_bytes(bytes.try_into().unwrap());
    (number(publisher), number(n))
}

/// Runs publishers and readers, and returns how much each reader missed.
fn run(max_log_count: usize, readers: &[(usize, bool)]) -> Vec<usize> {
    let mut config = HubConfig::default();
    config.max_log_count = max_log_count;
    let hub = Hub::new(config, || Epoch::new(1));
    let channel = hub.channel(&ChannelName::new("room").unwrap()).unwrap();
    let (order, seen) = thread::scope(|scope| {
        let readers: Vec<_> = readers
            .iter()
            .map(|&(max_count, lazy)| {
                let cursor = channel.subscribe().unwrap();
                let limits = ReadLimits {
                    max_count,
                    ..ReadLimits::default()
                };
                scope.spawn(move || block_on(read_all(cursor, limits, lazy)))
            })
            .collect();
        let publishers: Vec<_> = (0..PUBLISHERS)
            .map(|publisher| {
                let channel = &channel;
                scope.spawn(move || publish(channel, publisher))
            })
            .collect();
        let mut order = vec![None; TOTAL as usize];
        for (publisher, thread) in (0..).zip(publishers) {
            let offsets = thread.join().unwrap();
            assert!(offsets.is_sorted(), "a publisher's calls are in order");
            for (n, offset) in (0..).zip(offsets) {
                let place = &mut order[offset as usize - 1];
                assert_eq!(
                    place.replace((publisher, n)),
                    None,
                    "an offset is given once"
                );
            }
        }
        let seen: Vec<_> = readers
            .into_iter()
            .map(|thread| thread.join().unwrap())
            .collect();
        (order, seen)
    });
    assert_eq!(channel.subscribers(), 0);
    let missed = |seen: &Vec<Option<(u32, u32)>>| {
        assert_eq!(seen.len(), order.len());
        for (seen, published) in seen.iter().zip(&order) {
            assert!(seen.is_none() || seen == published);
        }
        seen.iter().filter(|seen| seen.is_none()).count()
    };
    seen.iter().map(missed).collect()
}

#[test]
fn a_log_that_is_long_enough_loses_nothing() {
    let missed = run(
        TOTAL as usize,
        &[(1, false), (7, false), (64, false), (64, true)],
    );
    assert_eq!(missed, [0; 4]);
}

#[test]
fn a_log_that_is_too_short_loses_nothing_unsaid() {
    let missed = run(16, &[(1, false), (64, false), (1, true), (3, true)]);
    // 200 us and more for each publication is too slow for a log of 16.
    assert!(missed[2] > 0, "{missed:?}");
}

#[test]
fn a_conversation_never_stalls() {
    // Each side speaks only when it has heard the other, so that no later
    // publication makes up for a lost wake-up.
    let hub = Hub::new(HubConfig::default(), || Epoch::new(1));
    let channel = hub.channel(&ChannelName::new("room").unwrap()).unwrap();
    let one = ReadLimits {
        max_count: 1,
        ..ReadLimits::default()
    };
    thread::scope(|scope| {
        for turn in [0, 1] {
            let channel = &channel;
            let mut cursor = channel.subscribe().unwrap();
            scope.spawn(move || {
                let mut batch = Vec::new();
                for offset in 1..=20_000_u64 {
                    if offset % 2 == turn {
                        channel.publish(PreparedMessage::new("x"), None);
                    }
                    let read = block_on(cursor.next(one, &mut batch));
                    assert_eq!(read, Read::Publications(1));
                    assert_eq!(cursor.position().get(), offset);
                    batch.clear();
                }
            });
        }
    });
}

#[test]
fn channels_and_subscribers_come_and_go() {
    let mut config = HubConfig::default();
    config.max_log_count = usize::MAX; // a thread may be off the processor for long
    let hub = Hub::new(config, || Epoch::new(1));
    let names: Vec<_> = ["a", "b", "c"]
        .map(|name| ChannelName::new(name).unwrap())
        .into();
    thread::scope(|scope| {
        for n in 0..4_usize {
            let (hub, names) = (&hub, &names);
            scope.spawn(move || {
                for round in 0..3_000_usize {
                    let channel = hub.channel(&names[(n + round) % names.len()]).unwrap();
                    let mut cursor = channel.subscribe().unwrap();
                    // While this handle lives the name means this very channel,
                    // whoever lets go of theirs at the moment.
                    let again = hub.get(channel.name()).expect("it is in use");
                    again.publish(PreparedMessage::new("x"), Some(cursor.id()));
                    block_on(own_publication(&mut cursor));
                }
            });
        }
    });
    assert_eq!((hub.channels(), hub.total_bytes()), (0, 0));
}

/// Reads on to what the cursor itself published.
async fn own_publication(cursor: &mut Cursor) {
    let id = cursor.id();
    let mut batch = Vec::new();
    loop {
        let read = cursor.next(ReadLimits::default(), &mut batch).await;
        assert!(matches!(read, Read::Publications(_)), "{read:?}");
        if batch
            .iter()
            .any(|publication| publication.publisher() == Some(id))
        {
            return;
        }
    }
}
