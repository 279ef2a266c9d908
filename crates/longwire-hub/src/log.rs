use crate::{Gap, Offset, Publication, Read, ReadLimits, SubscriberId, config::HubConfig};
use longwire_proto::PreparedMessage;
use std::{
    collections::VecDeque,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

/// The publications of a channel that are still kept, and nothing but that:
/// whoever reads brings its own position.
///
/// ```text
///   1 ... tail | tail+1 ... head |
///    dropped   |     entries     | not yet published
/// ```
///
/// `entries` is empty only before the first publication.
#[derive(Debug)]
pub(crate) struct Log {
    entries: VecDeque<Publication>,
    /// The offset of the newest publication.
    head: Offset,
    /// What the entries count for together.
    bytes: usize,
    max_count: usize,
    max_bytes: usize,
    budget: Arc<LogBudget>,
}

impl Log {
    pub(crate) fn new(config: &HubConfig, budget: Arc<LogBudget>) -> Log {
        Log {
            entries: VecDeque::new(),
            head: Offset::ZERO,
            bytes: 0,
            max_count: config.max_log_count,
            max_bytes: config.max_log_bytes,
            budget,
        }
    }

    /// The offset of the newest publication; zero before the first.
    pub(crate) const fn head(&self) -> Offset {
        self.head
    }

    /// The offset of the newest publication that was dropped.
    fn tail(&self) -> Offset {
        Offset::new(self.head.get() - self.entries.len() as u64)
    }

    pub(crate) fn append(
        &mut self,
        message: PreparedMessage,
        publisher: Option<SubscriberId>,
    ) -> Offset {
        self.head = self.head.next();
        let entry = Publication::new(self.head, publisher, message);
        self.bytes += entry.cost();
        self.budget.take(entry.cost());
        self.entries.push_back(entry);
        while self.entries.len() > 1 && self.is_over() {
            self.drop_oldest();
        }
        self.head
    }

    fn is_over(&self) -> bool {
        self.entries.len() > self.max_count || self.bytes > self.max_bytes || self.budget.is_over()
    }

    fn drop_oldest(&mut self) {
        if let Some(entry) = self.entries.pop_front() {
            self.bytes -= entry.cost();
            self.budget.give_back(entry.cost());
        }
    }

    /// Reads on from `position`, the offset of what was read last, and moves it;
    /// `None` at the head.
    pub(crate) fn read(
        &self,
        position: &mut Offset,
        limits: ReadLimits,
        out: &mut Vec<Publication>,
    ) -> Option<Read> {
        let tail = self.tail();
        if let Some(gap) = Gap::between(*position, tail) {
            *position = tail;
            return Some(Read::Gap(gap));
        }
        // No more than there are entries.
        let read = (position.get() - tail.get()) as usize;
        let mut count = 0;
        let mut bytes = 0_usize;
        for publication in self.entries.range(read..) {
            bytes = bytes.saturating_add(publication.message().frame().len());
            // The first is given whatever the limits, or a reader with small
            // ones would stand still.
            if count > 0 && (count >= limits.max_count || bytes > limits.max_bytes) {
                break;
            }
            out.push(publication.clone());
            *position = publication.offset();
            count += 1;
        }
        (count > 0).then_some(Read::Publications(count))
    }
}

impl Drop for Log {
    fn drop(&mut self) {
        self.budget.give_back(self.bytes);
    }
}

/// The bytes of all logs of a hub together.
#[derive(Debug)]
pub(crate) struct LogBudget {
    max: usize,
    /// Only a count that guards no other memory, so its order relative to other
    /// accesses does not matter.
    used: AtomicUsize,
}

impl LogBudget {
    pub(crate) const fn new(max: usize) -> LogBudget {
        LogBudget {
            max,
            used: AtomicUsize::new(0),
        }
    }

    pub(crate) fn used(&self) -> usize {
        self.used.load(Ordering::Relaxed)
    }

    fn is_over(&self) -> bool {
        self.used() > self.max
    }

    fn take(&self, bytes: usize) {
        self.used.fetch_add(bytes, Ordering::Relaxed);
    }

    fn give_back(&self, bytes: usize) {
        self.used.fetch_sub(bytes, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests;
