//! The contract of waiting: who is woken, how often, and what a waker may do.
#![allow(clippy::unwrap_used, reason = "a helper of a test may fail the test")]

use longwire_hub::{
    Channel, ChannelName, Cursor, Epoch, Hub, HubConfig, Publication, Read, ReadLimits,
};
use longwire_proto::PreparedMessage;
use std::{
    cell::Cell,
    future::Future,
    pin::pin,
    ptr,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
        mpsc,
    },
    task::{Context, Poll, RawWaker, RawWakerVTable, Wake, Waker},
    thread,
    time::Duration,
};

/// Counts how often it is woken.
#[derive(Default)]
struct Count(AtomicUsize);

impl Wake for Count {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

impl Count {
    fn get(&self) -> usize {
        self.0.load(Ordering::Relaxed)
    }
}

fn counter() -> (Arc<Count>, Waker) {
    let count = Arc::new(Count::default());
    (Arc::clone(&count), Waker::from(count))
}

fn channel() -> Channel {
    let mut config = HubConfig::default();
    config.max_log_count = 4;
    let hub = Hub::new(config, || Epoch::new(1));
    hub.channel(&ChannelName::new("room").unwrap()).unwrap()
}

fn publish(channel: &Channel) {
    channel.publish(PreparedMessage::new("x"), None);
}

fn poll(cursor: &mut Cursor, waker: &Waker) -> Poll<Read> {
    let one = ReadLimits {
        max_count: 1,
        max_bytes: usize::MAX,
    };
    cursor.poll_read(&mut Context::from_waker(waker), one, &mut Vec::new())
}

const ONE: Poll<Read> = Poll::Ready(Read::Publications(1));

/// Runs `body` on a thread, and fails when it does not come to an end.
fn without_deadlock(body: impl FnOnce() + Send + 'static) {
    let (done, finished) = mpsc::channel();
    let thread = thread::spawn(move || {
        body();
        done.send(()).unwrap();
    });
    match finished.recv_timeout(Duration::from_secs(20)) {
        Err(mpsc::RecvTimeoutError::Timeout) => panic!("deadlock"),
        _ => thread.join().unwrap(),
    }
}

#[test]
fn a_waiting_cursor_is_woken_once_until_it_waits_again() {
    let channel = channel();
    let mut cursor = channel.subscribe().unwrap();
    let (count, waker) = counter();
    assert_eq!(poll(&mut cursor, &waker), Poll::Pending);
    assert_eq!(count.get(), 0);

    publish(&channel);
    publish(&channel);
    assert_eq!(count.get(), 1);

    // Behind the head, by one: no wake-up.
    assert_eq!(poll(&mut cursor, &waker), ONE);
    publish(&channel);
    assert_eq!(count.get(), 1);

    // At the head, but it did not wait yet.
    assert_eq!(poll(&mut cursor, &waker), ONE);
    assert_eq!(poll(&mut cursor, &waker), ONE);
    publish(&channel);
    assert_eq!(count.get(), 1);

    assert_eq!(poll(&mut cursor, &waker), ONE);
    assert_eq!(poll(&mut cursor, &waker), Poll::Pending);
    publish(&channel);
    publish(&channel);
    assert_eq!(count.get(), 2);
}

#[test]
fn read_leaves_no_waker_and_takes_none_away() {
    let channel = channel();
    let mut cursor = channel.subscribe().unwrap();
    let (count, waker) = counter();
    let mut batch = Vec::new();
    assert_eq!(cursor.read(ReadLimits::default(), &mut batch), None);
    publish(&channel);
    assert_eq!(count.get(), 0);

    assert!(cursor.read(ReadLimits::default(), &mut batch).is_some());
    assert_eq!(poll(&mut cursor, &waker), Poll::Pending);
    assert_eq!(cursor.read(ReadLimits::default(), &mut batch), None);
    publish(&channel);
    assert_eq!(count.get(), 1);
}

#[test]
fn waiting_twice_is_waiting_once_with_the_last_waker() {
    let channel = channel();
    let mut cursor = channel.subscribe().unwrap();
    let ((old, old_waker), (new, new_waker)) = (counter(), counter());
    for waker in [&old_waker, &old_waker, &new_waker, &new_waker] {
        assert_eq!(poll(&mut cursor, waker), Poll::Pending);
    }
    drop(old_waker);
    assert_eq!(Arc::strong_count(&old), 1, "the old waker is let go");
    publish(&channel);
    assert_eq!((old.get(), new.get()), (0, 1));
}

#[test]
fn everyone_at_the_head_is_woken_and_nobody_else() {
    let channel = channel();
    let mut cursors: Vec<_> = (0..8)
        .map(|_| (channel.subscribe().unwrap(), counter()))
        .collect();
    for (cursor, (_, waker)) in cursors.iter_mut().skip(3) {
        assert_eq!(poll(cursor, waker), Poll::Pending);
    }
    publish(&channel);
    let woken: Vec<_> = cursors.iter().map(|(_, (count, _))| count.get()).collect();
    assert_eq!(woken, [0, 0, 0, 1, 1, 1, 1, 1]);
}

#[test]
fn the_publisher_is_woken_for_its_own_publication() {
    let channel = channel();
    let mut cursor = channel.subscribe().unwrap();
    let (count, waker) = counter();
    assert_eq!(poll(&mut cursor, &waker), Poll::Pending);
    channel.publish(PreparedMessage::new("x"), Some(cursor.id()));
    assert_eq!(count.get(), 1);
}

#[test]
fn a_cursor_past_the_tail_does_not_wait() {
    let channel = channel();
    let mut cursor = channel.subscribe().unwrap();
    for _ in 0..6 {
        publish(&channel);
    }
    let (_, waker) = counter();
    assert!(matches!(poll(&mut cursor, &waker), Poll::Ready(Read::Gap(gap)) if gap.count() == 2));
}

#[test]
fn a_dropped_cursor_lets_its_waker_go() {
    let channel = channel();
    let mut cursor = channel.subscribe().unwrap();
    let (count, waker) = counter();
    assert_eq!(poll(&mut cursor, &waker), Poll::Pending);
    drop(cursor);
    drop(waker);
    assert_eq!(Arc::strong_count(&count), 1);
    publish(&channel);
    assert_eq!(count.get(), 0);
}

#[test]
fn one_wakeup_serves_all_cursors_of_an_event_loop() {
    let channel = channel();
    let mut cursors: Vec<_> = (0..100).map(|_| channel.subscribe().unwrap()).collect();
    let (count, waker) = counter();
    for round in 1..=3 {
        let (first, rest) = cursors.split_first_mut().unwrap();
        assert_eq!(poll(first, &waker), Poll::Pending);
        for cursor in rest {
            assert_eq!(cursor.read(ReadLimits::default(), &mut Vec::new()), None);
        }
        publish(&channel);
        assert_eq!(count.get(), round);
        for cursor in &mut cursors {
            assert_eq!(
                cursor.read(ReadLimits::default(), &mut Vec::new()),
                Some(Read::Publications(1))
            );
        }
    }
}

#[test]
fn a_dropped_future_has_read_nothing() {
    let channel = channel();
    let mut cursor = channel.subscribe().unwrap();
    let (count, waker) = counter();
    let cx = &mut Context::from_waker(&waker);
    let mut batch: Vec<Publication> = Vec::new();
    {
        let mut next = pin!(cursor.next(ReadLimits::default(), &mut batch));
        assert!(next.as_mut().poll(cx).is_pending());
        publish(&channel);
        assert_eq!(count.get(), 1);
    }
    assert!(batch.is_empty());
    let mut next = pin!(cursor.next(ReadLimits::default(), &mut batch));
    assert_eq!(next.as_mut().poll(cx), Poll::Ready(Read::Publications(1)));
}

thread_local! {
    /// Where a clone of the waker below publishes, once.
    static ON_CLONE: Cell<Option<Channel>> = const { Cell::new(None) };
}

/// A waker that publishes while it is cloned: between the cursor's finding
/// nothing and its waiting.
fn publishes_when_cloned(channel: &Channel) -> Waker {
    static VTABLE: RawWakerVTable = RawWakerVTable::new(
        |_| {
            if let Some(channel) = ON_CLONE.take() {
                publish(&channel);
            }
            RawWaker::new(ptr::null(), &VTABLE)
        },
        |_| {},
        |_| {},
        |_| {},
    );
    ON_CLONE.set(Some(channel.clone()));
    // SAFETY: no function of the table touches the pointer, and all can be
    // called from any thread.
    unsafe { Waker::new(ptr::null(), &VTABLE) }
}

#[test]
fn a_publication_just_before_the_wait_is_not_missed() {
    without_deadlock(|| {
        let channel = channel();
        let mut cursor = channel.subscribe().unwrap();
        let waker = publishes_when_cloned(&channel);
        assert_eq!(poll(&mut cursor, &waker), ONE);
        assert_eq!(poll(&mut cursor, &waker), Poll::Pending);
    });
}

/// A waker that publishes: it would wait for itself if it ran under the lock.
struct Answer {
    channel: Channel,
    answered: AtomicUsize,
}

impl Wake for Answer {
    fn wake(self: Arc<Self>) {
        self.answered.fetch_add(1, Ordering::Relaxed);
        self.channel.publish(PreparedMessage::new("answer"), None);
    }
}

#[test]
fn a_waker_may_publish() {
    without_deadlock(|| {
        let channel = channel();
        let mut cursor = channel.subscribe().unwrap();
        let answer = Arc::new(Answer {
            channel: channel.clone(),
            answered: AtomicUsize::new(0),
        });
        assert_eq!(
            poll(&mut cursor, &Waker::from(Arc::clone(&answer))),
            Poll::Pending
        );
        publish(&channel);
        assert_eq!(answer.answered.load(Ordering::Relaxed), 1);
        assert_eq!(channel.head().get(), 2);
    });
}

/// A waker that owns a cursor, as the waker of a simple executor owns its task.
#[derive(Default)]
struct Task(Mutex<Option<Cursor>>);

impl Wake for Task {
    fn wake(self: Arc<Self>) {}
}

/// A waker that is the only owner of another cursor of `channel`.
fn owner_of_a_cursor(channel: &Channel) -> Waker {
    let task = Task::default();
    *task.0.lock().unwrap() = Some(channel.subscribe().unwrap());
    Waker::from(Arc::new(task))
}

#[test]
fn a_waker_may_drop_a_cursor_when_it_is_replaced() {
    without_deadlock(|| {
        let channel = channel();
        let mut cursor = channel.subscribe().unwrap();
        assert_eq!(
            poll(&mut cursor, &owner_of_a_cursor(&channel)),
            Poll::Pending
        );
        assert_eq!(channel.subscribers(), 2);
        assert_eq!(poll(&mut cursor, Waker::noop()), Poll::Pending);
        assert_eq!(channel.subscribers(), 1);
    });
}

#[test]
fn a_waker_may_drop_a_cursor_when_it_is_called() {
    without_deadlock(|| {
        let channel = channel();
        let mut cursor = channel.subscribe().unwrap();
        assert_eq!(
            poll(&mut cursor, &owner_of_a_cursor(&channel)),
            Poll::Pending
        );
        publish(&channel);
        assert_eq!(channel.subscribers(), 1);
    });
}

#[test]
fn a_waker_may_drop_a_cursor_when_its_own_is_dropped() {
    without_deadlock(|| {
        let channel = channel();
        let mut cursor = channel.subscribe().unwrap();
        assert_eq!(
            poll(&mut cursor, &owner_of_a_cursor(&channel)),
            Poll::Pending
        );
        drop(cursor);
        assert_eq!(channel.subscribers(), 0);
    });
}
