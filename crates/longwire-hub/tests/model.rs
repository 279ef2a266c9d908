//! The hub beside a model so simple that it is right by inspection: a list of
//! all that was ever published, and for each cursor the offset it has come to.
#![allow(clippy::unwrap_used, reason = "a helper of a test may fail the test")]

use longwire_hub::{
    Channel, ChannelName, Cursor, Epoch, Gap, Hub, HubConfig, Offset, Publication, Read,
    ReadLimits, SubscriberId,
};
use longwire_proto::PreparedMessage;
use proptest::{prelude::*, sample::Index};
use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context, Poll, Wake, Waker},
};

#[derive(Debug, Clone)]
enum Step {
    Subscribe,
    Unsubscribe(Index),
    Publish { by: Option<Index>, len: usize },
    Read(Index, usize, usize),
    Poll(Index, usize, usize),
    Skip(Index),
}

fn step() -> impl Strategy<Value = Step> {
    let index = any::<Index>;
    prop_oneof![
        2 => Just(Step::Subscribe),
        1 => index().prop_map(Step::Unsubscribe),
        8 => (prop::option::of(index()), 0..200_usize)
            .prop_map(|(by, len)| Step::Publish { by, len }),
        4 => (index(), 0..6_usize, 0..500_usize).prop_map(|(i, c, b)| Step::Read(i, c, b)),
        4 => (index(), 0..6_usize, 0..500_usize).prop_map(|(i, c, b)| Step::Poll(i, c, b)),
        1 => index().prop_map(Step::Skip),
    ]
}

struct Bounds {
    count: usize,
    bytes: usize,
}

/// All that was ever published; the offset of the first is 1.
#[derive(Default)]
struct ModelLog(Vec<(PreparedMessage, Option<SubscriberId>)>);

impl ModelLog {
    fn head(&self) -> u64 {
        self.0.len() as u64
    }

    /// The newest that fit the bounds together, and at least the newest: the
    /// offset of the last that is not among them.
    fn tail(&self, bounds: &Bounds) -> u64 {
        let mut bytes = 0;
        let kept = self
            .0
            .iter()
            .rev()
            .enumerate()
            .take_while(|(n, (message, _))| {
                bytes += message.frame().len() + 64;
                *n == 0 || (*n < bounds.count && bytes <= bounds.bytes)
            });
        self.head() - kept.count() as u64
    }

    /// What a read after `position` has to find.
    fn read(&self, position: u64, bounds: &Bounds, limits: ReadLimits) -> Option<Expected> {
        let tail = self.tail(bounds);
        if position == self.head() {
            return None;
        }
        if position < tail {
            return Some(Expected::Gap(position + 1, tail));
        }
        let mut bytes = 0;
        let unread = self.0[position as usize..].iter().enumerate();
        let count = unread
            .take_while(|(n, (message, _))| {
                bytes += message.frame().len();
                *n == 0 || (*n < limits.max_count && bytes <= limits.max_bytes)
            })
            .count();
        Some(Expected::Publications(position + 1, count))
    }
}

#[derive(Debug, PartialEq)]
enum Expected {
    Gap(u64, u64),
    /// From which offset, and how many.
    Publications(u64, usize),
}

/// A real cursor, and what the model knows about it.
struct Reader {
    cursor: Cursor,
    position: u64,
    waits: bool,
    woken: usize,
    waker: Arc<Count>,
}

#[derive(Default)]
struct Count(AtomicUsize);

impl Wake for Count {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

struct World {
    bounds: Bounds,
    hub: Hub,
    channel: Channel,
    log: ModelLog,
    readers: Vec<Reader>,
}

impl World {
    fn new(bounds: Bounds) -> World {
        let mut config = HubConfig::default();
        config.max_log_count = bounds.count;
        config.max_log_bytes = bounds.bytes;
        let hub = Hub::new(config, || Epoch::new(7));
        let channel = hub.channel(&ChannelName::new("room").unwrap()).unwrap();
        World {
            bounds,
            hub,
            channel,
            log: ModelLog::default(),
            readers: Vec::new(),
        }
    }

    fn run(&mut self, step: &Step) -> Result<(), TestCaseError> {
        let reader = |index: &Index, world: &World| {
            (!world.readers.is_empty()).then(|| index.index(world.readers.len()))
        };
        match step {
            Step::Subscribe => self.subscribe(),
            Step::Publish { by, len } => {
                let by = by.as_ref().and_then(|index| reader(index, self));
                self.publish(by, *len)?;
            }
            Step::Unsubscribe(index) => {
                if let Some(i) = reader(index, self) {
                    self.readers.swap_remove(i);
                }
            }
            &Step::Read(ref index, max_count, max_bytes) => {
                if let Some(i) = reader(index, self) {
                    self.read(
                        i,
                        ReadLimits {
                            max_count,
                            max_bytes,
                        },
                        false,
                    )?;
                }
            }
            &Step::Poll(ref index, max_count, max_bytes) => {
                if let Some(i) = reader(index, self) {
                    self.read(
                        i,
                        ReadLimits {
                            max_count,
                            max_bytes,
                        },
                        true,
                    )?;
                }
            }
            Step::Skip(index) => {
                if let Some(i) = reader(index, self) {
                    self.skip(i)?;
                }
            }
        }
        prop_assert_eq!(self.channel.subscribers(), self.readers.len());
        prop_assert_eq!(self.channel.head().get(), self.log.head());
        self.check_total_bytes()
    }

    fn subscribe(&mut self) {
        self.readers.push(Reader {
            cursor: self.channel.subscribe().unwrap(),
            position: self.log.head(),
            waits: false,
            woken: 0,
            waker: Arc::default(),
        });
    }

    fn publish(&mut self, by: Option<usize>, len: usize) -> Result<(), TestCaseError> {
        let message = PreparedMessage::new(vec![self.log.head() as u8; len]);
        let publisher = by.map(|i| self.readers[i].cursor.id());
        let offset = self.channel.publish(message.clone(), publisher);
        self.log.0.push((message, publisher));
        prop_assert_eq!(offset.get(), self.log.head());
        for reader in &mut self.readers {
            reader.woken += usize::from(std::mem::take(&mut reader.waits));
            prop_assert_eq!(reader.waker.0.load(Ordering::Relaxed), reader.woken);
        }
        Ok(())
    }

    fn read(&mut self, i: usize, limits: ReadLimits, wait: bool) -> Result<(), TestCaseError> {
        let reader = &mut self.readers[i];
        let expected = self.log.read(reader.position, &self.bounds, limits);
        // What was there before must stay.
        let sentinel = sentinel();
        let mut out = vec![sentinel.clone()];
        let read = if wait {
            let waker = Waker::from(Arc::clone(&reader.waker));
            let cx = &mut Context::from_waker(&waker);
            match reader.cursor.poll_read(cx, limits, &mut out) {
                Poll::Ready(read) => Some(read),
                Poll::Pending => None,
            }
        } else {
            reader.cursor.read(limits, &mut out)
        };
        prop_assert_eq!(&out[0], &sentinel);
        let out = &out[1..];
        reader.waits |= wait && read.is_none();
        let found = read.map(|read| match read {
            Read::Gap(gap) => Expected::Gap(gap.from.get(), gap.to.get()),
            Read::Publications(count) => Expected::Publications(out[0].offset().get(), count),
        });
        prop_assert_eq!(&found, &expected);
        match found {
            None => prop_assert!(out.is_empty()),
            Some(Expected::Gap(_, to)) => {
                prop_assert!(out.is_empty());
                reader.position = to;
            }
            Some(Expected::Publications(_, count)) => {
                prop_assert_eq!(out.len(), count);
                for publication in out {
                    let (message, publisher) = &self.log.0[reader.position as usize];
                    reader.position += 1;
                    prop_assert_eq!(publication.offset().get(), reader.position);
                    prop_assert_eq!(publication.message(), message);
                    prop_assert_eq!(&publication.publisher(), publisher);
                }
            }
        }
        prop_assert_eq!(reader.cursor.position().get(), reader.position);
        Ok(())
    }

    fn skip(&mut self, i: usize) -> Result<(), TestCaseError> {
        let (reader, head) = (&mut self.readers[i], self.log.head());
        let expected = (reader.position < head).then(|| Gap {
            from: Offset::new(reader.position + 1),
            to: Offset::new(head),
        });
        prop_assert_eq!(reader.cursor.skip_to_head(), expected);
        reader.position = head;
        Ok(())
    }

    fn check_total_bytes(&self) -> Result<(), TestCaseError> {
        let kept = &self.log.0[self.log.tail(&self.bounds) as usize..];
        let bytes: usize = kept
            .iter()
            .map(|(message, _)| message.frame().len() + 64)
            .sum();
        prop_assert_eq!(self.hub.total_bytes(), bytes);
        Ok(())
    }
}

/// Some publication that is none of the channel's.
fn sentinel() -> Publication {
    let hub = Hub::new(HubConfig::default(), || Epoch::new(0));
    let channel = hub.channel(&ChannelName::new("other").unwrap()).unwrap();
    let mut cursor = channel.subscribe().unwrap();
    channel.publish(PreparedMessage::new("sentinel"), None);
    let mut out = Vec::new();
    assert_eq!(
        cursor.read(ReadLimits::default(), &mut out),
        Some(Read::Publications(1))
    );
    out.remove(0)
}

proptest! {
    #[test]
    fn every_cursor_sees_the_exact_sequence_or_the_exact_gap(
        count in 0..12_usize,
        bytes in 0..2_000_usize,
        steps in prop::collection::vec(step(), 1..200),
    ) {
        let mut world = World::new(Bounds { count, bytes });
        for step in steps {
            world.run(&step)?;
        }
        // And all come to the head in the end.
        for i in 0..world.readers.len() {
            while world.readers[i].position < world.log.head() {
                world.read(i, ReadLimits::default(), false)?;
            }
            world.read(i, ReadLimits::default(), true)?;
        }
    }
}
