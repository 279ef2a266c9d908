//! What is to be sent, kept while there is no connection.

use crate::keeper::lock;
use longwire_proto::Message;
use std::{collections::VecDeque, error, fmt, sync::Mutex};
use tokio::sync::Notify;

/// What becomes of a message when the queue is full.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum WhenFull {
    /// Sending waits for room.
    #[default]
    Wait,
    /// Sending fails with [`SendError::Full`], which has the message.
    Reject,
    /// The oldest messages that wait are dropped;
    /// [`Event::Dropped`](super::Event::Dropped) tells how many.
    DropOldest,
}

/// Why a message was not taken, with the message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SendError {
    /// The queue is full.
    Full(Message),
    /// The connection was closed, or has been given up.
    Closed(Message),
}

impl fmt::Display for SendError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            SendError::Full(_) => "too much waits to be sent already",
            SendError::Closed(_) => "the connection is closed for good",
        })
    }
}

impl error::Error for SendError {}

/// Messages in order, bounded in bytes.
pub(super) struct Queue {
    when_full: WhenFull,
    max_bytes: usize,
    waiting: Mutex<Waiting>,
    /// Something was put in, or the queue was closed.
    filled: Notify,
    /// Something was taken out, or the queue was closed.
    emptied: Notify,
}

#[derive(Default)]
struct Waiting {
    messages: VecDeque<Message>,
    bytes: usize,
    /// How many messages were ever taken out at the front, sent or dropped.
    taken: u64,
    closed: bool,
}

/// What a queued message costs besides its payload.
const OVERHEAD: usize = size_of::<Message>();

impl Queue {
    pub(super) fn new(when_full: WhenFull, max_bytes: usize) -> Queue {
        Queue {
            when_full,
            max_bytes,
            waiting: Mutex::default(),
            filled: Notify::new(),
            emptied: Notify::new(),
        }
    }

    /// Puts a message in. How many others were dropped for it.
    pub(super) async fn put(&self, message: Message) -> Result<usize, SendError> {
        let mut message = message;
        loop {
            let emptied = self.emptied.notified();
            match self.try_put(message) {
                Err(SendError::Full(back)) if self.when_full == WhenFull::Wait => message = back,
                done => return done,
            }
            emptied.await;
        }
    }

    /// Puts a message in, if there is room or room can be made.
    pub(super) fn try_put(&self, message: Message) -> Result<usize, SendError> {
        let mut waiting = lock(&self.waiting);
        if waiting.closed {
            return Err(SendError::Closed(message));
        }
        let mut dropped = 0;
        let weight = weight(&message);
        // One message always has room, whatever its size.
        while !waiting.messages.is_empty() && waiting.bytes + weight > self.max_bytes {
            if self.when_full != WhenFull::DropOldest {
                return Err(SendError::Full(message));
            }
            waiting.take_front();
            dropped += 1;
        }
        waiting.bytes += weight;
        waiting.messages.push_back(message);
        drop(waiting);
        self.filled.notify_one();
        Ok(dropped)
    }

    /// Waits for a message. It stays at the front until it is
    /// [taken](Self::take). `None` once the queue is closed and empty.
    pub(super) async fn front(&self) -> Option<(u64, Message)> {
        loop {
            let filled = self.filled.notified();
            {
                let waiting = lock(&self.waiting);
                match waiting.messages.front() {
                    Some(front) => return Some((waiting.taken, front.clone())),
                    None if waiting.closed => return None,
                    None => {}
                }
            }
            filled.await;
        }
    }

    /// Takes out the message that was at the front, unless it was dropped since.
    pub(super) fn take(&self, number: u64) {
        let mut waiting = lock(&self.waiting);
        if waiting.taken == number {
            waiting.take_front();
        }
        drop(waiting);
        self.emptied.notify_waiters();
    }

    /// Takes no more messages. Those that wait can still be sent.
    pub(super) fn close(&self) {
        lock(&self.waiting).closed = true;
        self.filled.notify_one();
        self.emptied.notify_waiters();
    }

    /// Takes out all that wait.
    pub(super) fn drain(&self) -> Vec<Message> {
        let mut waiting = lock(&self.waiting);
        waiting.bytes = 0;
        waiting.messages.drain(..).collect()
    }

    pub(super) fn len(&self) -> usize {
        lock(&self.waiting).messages.len()
    }
}

impl Waiting {
    fn take_front(&mut self) {
        if let Some(front) = self.messages.pop_front() {
            self.bytes -= weight(&front);
            self.taken += 1;
        }
    }
}

fn weight(message: &Message) -> usize {
    message.len() + OVERHEAD
}

#[cfg(test)]
mod tests {
    use super::*;

    fn queue_of(when_full: WhenFull, messages: usize) -> Queue {
        Queue::new(when_full, messages * (OVERHEAD + 1))
    }

    fn texts(queue: &Queue) -> Vec<String> {
        let drained = queue.drain();
        let text = |message: &Message| message.as_text().unwrap().to_owned();
        drained.iter().map(text).collect()
    }

    #[test]
    fn the_oldest_make_room_or_the_newest_is_refused() {
        let queue = queue_of(WhenFull::DropOldest, 2);
        for text in ["a", "b"] {
            assert_eq!(queue.try_put(text.into()), Ok(0));
        }
        assert_eq!(queue.try_put("c".into()), Ok(1));
        assert_eq!(texts(&queue), ["b", "c"]);

        let queue = queue_of(WhenFull::Reject, 1);
        assert_eq!(queue.try_put("longer than all the room".into()), Ok(0));
        let refused = queue.try_put("b".into());
        assert_eq!(refused, Err(SendError::Full("b".into())));
    }

    #[tokio::test]
    async fn a_message_that_was_dropped_while_it_was_being_sent_is_not_taken_for_another() {
        let queue = queue_of(WhenFull::DropOldest, 1);
        queue.try_put("a".into()).unwrap();
        let (number, message) = queue.front().await.unwrap();
        assert_eq!(message.as_text(), Some("a"));
        queue.try_put("b".into()).unwrap();
        queue.take(number);
        assert_eq!(texts(&queue), ["b"]);
    }

    #[tokio::test]
    async fn waiting_for_room_ends_when_there_is_some_or_never_will_be() {
        let queue = std::sync::Arc::new(queue_of(WhenFull::Wait, 1));
        queue.try_put("a".into()).unwrap();
        let put = |text: &'static str| {
            let queue = std::sync::Arc::clone(&queue);
            tokio::spawn(async move { queue.put(text.into()).await })
        };
        let second = put("b");
        tokio::task::yield_now().await;
        assert_eq!(queue.len(), 1);
        let (number, _) = queue.front().await.unwrap();
        queue.take(number);
        assert_eq!(second.await.unwrap(), Ok(0));
        let third = put("c");
        tokio::task::yield_now().await;
        queue.close();
        assert_eq!(third.await.unwrap(), Err(SendError::Closed("c".into())));
        assert_eq!(texts(&queue), ["b"]);
        assert!(queue.front().await.is_none());
    }
}
