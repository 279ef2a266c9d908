use super::connection::key_of;
use std::{
    collections::{BTreeSet, HashMap},
    error, fmt,
    sync::Arc,
};

/// The longest name of a topic, in bytes.
const MAX_NAME: usize = 1024;

/// Who subscribes to what, of one worker's connections. A connection without
/// topics has no place in here, and so costs nothing.
pub(super) struct Topics {
    subscribers: HashMap<Arc<str>, BTreeSet<usize>>,
    /// By the place of the connection.
    topics: HashMap<usize, Vec<Arc<str>>>,
    /// The most of one connection.
    max: usize,
}

/// Why a connection does not subscribe.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum SubscribeError {
    /// It has as many topics as
    /// [`EngineOptions::max_topics`](super::EngineOptions::max_topics) allows.
    TooMany {
        /// The limit.
        max: usize,
    },
    /// The topic's name is longer than 1,024 bytes.
    NameTooLong {
        /// Its length in bytes.
        len: usize,
    },
}

impl fmt::Display for SubscribeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            SubscribeError::TooMany { max } => {
                write!(f, "the connection's limit of {max} topics is reached")
            }
            SubscribeError::NameTooLong { len } => write!(
                f,
                "the topic's name has {len} bytes; allowed are {MAX_NAME}"
            ),
        }
    }
}

impl error::Error for SubscribeError {}

impl Topics {
    pub(super) fn new(max: usize) -> Topics {
        Topics {
            subscribers: HashMap::new(),
            topics: HashMap::new(),
            max,
        }
    }

    pub(super) fn subscribe(&mut self, id: u64, topic: &str) -> Result<(), SubscribeError> {
        if topic.len() > MAX_NAME {
            return Err(SubscribeError::NameTooLong { len: topic.len() });
        }
        if self.is_subscribed(id, topic) {
            return Ok(());
        }
        let max = self.max;
        if self.of(id).count() >= max {
            return Err(SubscribeError::TooMany { max });
        }
        let name = match self.subscribers.get_key_value(topic) {
            Some((name, _)) => Arc::clone(name),
            None => Arc::from(topic),
        };
        let key = key_of(id);
        self.topics.entry(key).or_default().push(Arc::clone(&name));
        self.subscribers.entry(name).or_default().insert(key);
        Ok(())
    }

    pub(super) fn unsubscribe(&mut self, id: u64, topic: &str) -> bool {
        let key = key_of(id);
        let Some(topics) = self.topics.get_mut(&key) else {
            return false;
        };
        let Some(at) = topics.iter().position(|name| **name == *topic) else {
            return false;
        };
        topics.remove(at);
        if topics.is_empty() {
            self.topics.remove(&key);
        }
        self.remove(key, topic);
        true
    }

    pub(super) fn is_subscribed(&self, id: u64, topic: &str) -> bool {
        let subscribers = self.subscribers.get(topic);
        subscribers.is_some_and(|subscribers| subscribers.contains(&key_of(id)))
    }

    pub(super) fn of(&self, id: u64) -> impl Iterator<Item = &str> {
        let topics = self.topics.get(&key_of(id));
        topics.into_iter().flatten().map(|name| &**name)
    }

    /// The places of a topic's subscribers, appended to `keys`.
    pub(super) fn subscribers(&self, topic: &str, keys: &mut Vec<usize>) {
        keys.extend(self.subscribers.get(topic).into_iter().flatten());
    }

    /// A connection has ended.
    pub(super) fn leave(&mut self, id: u64) {
        let key = key_of(id);
        for topic in self.topics.remove(&key).into_iter().flatten() {
            self.remove(key, &topic);
        }
    }

    fn remove(&mut self, key: usize, topic: &str) {
        if let Some(subscribers) = self.subscribers.get_mut(topic) {
            subscribers.remove(&key);
            if subscribers.is_empty() {
                self.subscribers.remove(topic);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn subscribers(topics: &Topics, topic: &str) -> Vec<usize> {
        let mut keys = Vec::new();
        topics.subscribers(topic, &mut keys);
        keys
    }

    #[test]
    fn a_topic_is_forgotten_with_its_last_subscriber() {
        let mut topics = Topics::new(8);
        topics.subscribe(3, "a").unwrap();
        topics.subscribe(3, "a").unwrap();
        topics.subscribe(1, "a").unwrap();
        topics.subscribe(1, "b").unwrap();
        assert_eq!(subscribers(&topics, "a"), [1, 3]);
        assert_eq!(topics.of(1).collect::<Vec<_>>(), ["a", "b"]);
        assert!(topics.unsubscribe(3, "a"));
        assert!(!topics.unsubscribe(3, "a"));
        topics.leave(1);
        topics.leave(1);
        assert!(topics.subscribers.is_empty() && topics.topics.is_empty());
    }

    #[test]
    fn topics_are_bounded_in_number_and_length() {
        let mut topics = Topics::new(2);
        let too_long = "x".repeat(MAX_NAME + 1);
        assert_eq!(
            topics.subscribe(1, &too_long),
            Err(SubscribeError::NameTooLong { len: 1025 })
        );
        topics.subscribe(1, &too_long[1..]).unwrap();
        topics.subscribe(1, "b").unwrap();
        let error = topics.subscribe(1, "c").unwrap_err();
        assert_eq!(error, SubscribeError::TooMany { max: 2 });
        assert!(error.to_string().contains("2 topics"));
        assert!(!topics.is_subscribed(1, "c"));
        topics.subscribe(1, "b").unwrap();
        topics.subscribe(2, "c").unwrap();
    }
}
