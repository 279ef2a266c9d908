//! Random work for a pair of connections, and what must hold afterwards.

use crate::{Pair, Rng, assembled};
use longwire_proto::{
    CloseCause, CloseFrame, CloseInfo, Config, Connection, ControlPayload, DeflateConfig, Event,
    Initiator, Message, MessageKind, PreparedMessage, ReceiveMode, Role, SendError, Transport,
    extension::Codecs,
};
use proptest::prelude::*;
use std::time::Duration;

/// Something that an end does, or the time between.
#[derive(Debug, Clone)]
#[allow(missing_docs, reason = "the variants' names and fields say it all")]
pub enum Operation {
    Send {
        by: Role,
        how: How,
        kind: MessageKind,
        len: usize,
    },
    Fragment {
        by: Role,
        kind: MessageKind,
        len: usize,
        last: bool,
    },
    Ping {
        by: Role,
        len: usize,
    },
    Pong {
        by: Role,
        len: usize,
    },
    Close {
        by: Role,
        code: u16,
    },
    Receive {
        by: Role,
        mode: ReceiveMode,
        directly: bool,
    },
    Step {
        times: usize,
    },
    Wait {
        millis: u64,
    },
}

/// The ways to send a whole message.
#[derive(Debug, Clone, Copy)]
#[allow(missing_docs, reason = "named after the methods")]
pub enum How {
    Ref,
    Owned,
    Prepared,
}

/// A pair with operations to be done on it.
#[derive(Debug, Clone)]
pub struct Schedule {
    /// Decides how bytes are cut on their way.
    pub seed: u64,
    /// What is done, in order.
    pub operations: Vec<Operation>,
}

/// Any schedule, for property tests.
pub fn any_schedule() -> impl Strategy<Value = Schedule> {
    let operations = proptest::collection::vec(any_operation(), 0..40);
    (any::<u64>(), operations).prop_map(|(seed, operations)| Schedule { seed, operations })
}

fn any_operation() -> impl Strategy<Value = Operation> {
    let by = || prop_oneof![Just(Role::Client), Just(Role::Server)];
    let how = prop_oneof![Just(How::Ref), Just(How::Owned), Just(How::Prepared)];
    let kind = || prop_oneof![Just(MessageKind::Text), Just(MessageKind::Binary)];
    let mode = prop_oneof![Just(ReceiveMode::Message), Just(ReceiveMode::Stream)];
    let len = || {
        prop_oneof![
            8 => 0usize..8,
            4 => 120usize..130,
            4 => 0usize..5_000,
            1 => 65_530usize..65_540,
            1 => 0usize..100_000,
        ]
    };
    prop_oneof![
        8 => (by(), how, kind(), len())
            .prop_map(|(by, how, kind, len)| Operation::Send { by, how, kind, len }),
        6 => (by(), kind(), len(), any::<bool>())
            .prop_map(|(by, kind, len, last)| Operation::Fragment { by, kind, len, last }),
        3 => (by(), 0usize..=125).prop_map(|(by, len)| Operation::Ping { by, len }),
        1 => (by(), 0usize..=125).prop_map(|(by, len)| Operation::Pong { by, len }),
        1 => (by(), 3000u16..5000).prop_map(|(by, code)| Operation::Close { by, code }),
        2 => (by(), mode, any::<bool>())
            .prop_map(|(by, mode, directly)| Operation::Receive { by, mode, directly }),
        8 => (1usize..12).prop_map(|times| Operation::Step { times }),
        2 => (0u64..40_000).prop_map(|millis| Operation::Wait { millis }),
    ]
}

/// What one end managed to send.
#[derive(Debug, Default)]
struct Sent {
    messages: Vec<Message>,
    pings: Vec<Vec<u8>>,
    /// The fragmented message under way.
    fragments: Option<(MessageKind, Vec<u8>)>,
}

/// The state of a run.
struct Run {
    pair: Pair,
    sent_by_client: Sent,
    sent_by_server: Sent,
    filler: Rng,
}

impl Schedule {
    /// Does it all, then closes what is still open, and checks that each end
    /// received in order what the other had sent before its Close frame, that
    /// both ended by the closing handshake, and that they agree on how.
    ///
    /// # Panics
    /// If any of this does not hold.
    pub fn run(&self) {
        self.run_on(Pair::with_config(self.seed, patient));
    }

    /// The same with compression.
    ///
    /// # Panics
    /// As [`run`](Self::run).
    pub fn run_compressed(&self, deflate: &DeflateConfig, codecs: impl Fn() -> Box<dyn Codecs>) {
        let mut pair = Pair::with_config(self.seed, |config| {
            patient(config);
            config.deflate = Some(deflate.clone());
        });
        pair.negotiate_deflate();
        pair.client.codecs = codecs();
        pair.server.codecs = codecs();
        self.run_on(pair);
    }

    fn run_on(&self, pair: Pair) {
        let mut run = Run {
            pair,
            sent_by_client: Sent::default(),
            sent_by_server: Sent::default(),
            filler: Rng::new(self.seed),
        };
        for operation in &self.operations {
            run.operate(operation);
        }
        run.finish();
    }
}

/// The schedule may leave a message unfinished for longer.
fn patient(config: &mut Config) {
    config.limits.assembly_timeout = Duration::from_secs(1 << 30);
}

/// Any configuration of permessage-deflate that compresses all it can.
pub fn any_deflate_config() -> impl Strategy<Value = DeflateConfig> {
    let takeover = (any::<bool>(), any::<bool>());
    let bits = (8_u8..=15, 8_u8..=15);
    let idle = (0_u64..60).prop_map(Duration::from_secs);
    (takeover, bits, 1_u8..=9, 0_usize..200, idle).prop_map(
        |(takeover, bits, level, threshold, idle_timeout)| {
            let mut config = DeflateConfig::server();
            (config.own_takeover, config.peer_takeover) = takeover;
            (config.own_window_bits, config.peer_window_bits) = bits;
            config.level = level;
            config.threshold = threshold;
            config.idle_timeout = idle_timeout;
            config
        },
    )
}

impl Run {
    fn operate(&mut self, operation: &Operation) {
        match *operation {
            Operation::Send { by, how, kind, len } => self.send(by, how, kind, len),
            Operation::Fragment {
                by,
                kind,
                len,
                last,
            } => self.send_fragment(by, kind, len, last),
            Operation::Ping { by, len } => {
                let payload = control_payload(&vec![len as u8; len]);
                let done = self.pair.end(by).call(|c, env| c.ping(env, &payload));
                if self.allowed(by, false, done) {
                    self.sent(by).pings.push(payload.as_bytes().to_vec());
                }
            }
            Operation::Pong { by, len } => {
                let payload = control_payload(&vec![b'p'; len]);
                let done = self.pair.end(by).call(|c, env| c.pong(env, &payload));
                self.allowed(by, false, done);
            }
            Operation::Close { by, code } => {
                let open = self.pair.end(by).connection.is_open();
                let done = self.pair.end(by).close(code, "done");
                assert_eq!(done.is_ok(), open);
            }
            Operation::Receive { by, mode, directly } => {
                let end = self.pair.end(by);
                end.connection.set_receive_mode(mode);
                end.reads_directly = directly;
            }
            Operation::Step { times } => {
                for _ in 0..times {
                    self.pair.step();
                }
            }
            Operation::Wait { millis } => self.pair.run_for(Duration::from_millis(millis)),
        }
    }

    fn sent(&mut self, by: Role) -> &mut Sent {
        match by {
            Role::Client => &mut self.sent_by_client,
            Role::Server => &mut self.sent_by_server,
        }
    }

    /// Whether the send was done; checks that it was refused only when it had
    /// to be.
    fn allowed(&mut self, by: Role, begins: bool, done: Result<(), SendError>) -> bool {
        let connection = &self.pair.end(by).connection;
        match done {
            Ok(()) => assert!(connection.is_open()),
            Err(SendError::InMessage) => assert!(begins && connection.in_fragmented_message()),
            Err(_) => assert!(!connection.is_open()),
        }
        done.is_ok()
    }

    fn send(&mut self, by: Role, how: How, kind: MessageKind, len: usize) {
        let message = self.message(kind, len);
        let end = self.pair.end(by);
        let done = end.call(|c, env| match how {
            How::Ref => c.send_ref(env, &message),
            How::Owned => c.send(env, message.clone()),
            How::Prepared => c.send_prepared(env, &PreparedMessage::new(message.clone())),
        });
        if self.allowed(by, true, done) {
            self.sent(by).messages.push(message);
        }
    }

    fn send_fragment(&mut self, by: Role, kind: MessageKind, len: usize, last: bool) {
        let begun = self.sent(by).fragments.as_ref().map(|(kind, _)| *kind);
        let fragment = self.message(begun.unwrap_or(kind), len);
        let done = self
            .pair
            .end(by)
            .call(|c, env| c.send_fragment(env, &fragment, last));
        if !self.allowed(by, false, done) {
            return;
        }
        let sent = self.sent(by);
        let (_, payload) = sent.fragments.get_or_insert((fragment.kind(), Vec::new()));
        payload.extend_from_slice(fragment.as_bytes());
        if last && let Some((kind, payload)) = sent.fragments.take() {
            sent.messages.push(message_of(kind, payload));
        }
    }

    /// A message of `len` bytes that is unlike the others.
    fn message(&mut self, kind: MessageKind, len: usize) -> Message {
        const LETTERS: [&str; 6] = ["a", "z", "ß", "€", "😀", "\u{0}"];
        match kind {
            MessageKind::Binary => {
                let start = self.filler.next();
                let bytes: Vec<u8> = (0..len as u64)
                    .map(|i| (start.wrapping_add(i * 7)) as u8)
                    .collect();
                bytes.into()
            }
            MessageKind::Text => {
                let letters = (0..20).map(|_| LETTERS[self.filler.below(LETTERS.len())]);
                let text: String = letters.collect();
                let mut text = text.repeat(len / text.len());
                let rest = len - text.len();
                text.extend(std::iter::repeat_n('.', rest));
                text.into()
            }
        }
    }

    fn finish(mut self) {
        if self.pair.client.connection.is_open() && self.pair.server.connection.is_open() {
            self.pair
                .client
                .close(1000, "bye")
                .expect("an open connection can be closed");
        }
        self.pair.run_for(Duration::from_secs(60));
        for (by, sent) in [
            (Role::Client, &self.sent_by_client),
            (Role::Server, &self.sent_by_server),
        ] {
            let receiver = self.pair.end(by.peer());
            let connection = &receiver.connection;
            assert_eq!(connection.transport(), Transport::Close);
            assert_eq!(connection.config().assembly_budget.used(), 0);
            assert!(receiver.output.is_empty());
            sent.check_received(std::mem::take(&mut receiver.events));
        }
        let info = |connection: &Connection| connection.close_info().expect("it has ended").clone();
        check_agreement(
            &info(&self.pair.client.connection),
            &info(&self.pair.server.connection),
        );
    }
}

impl Sent {
    fn check_received(&self, events: Vec<Event<'static>>) {
        assert_eq!(
            events
                .iter()
                .filter(|event| **event == Event::Closed)
                .count(),
            1
        );
        assert_eq!(events.last(), Some(&Event::Closed));
        let mut messages = Vec::new();
        let mut pings = Vec::new();
        for event in assembled(events) {
            match event {
                Event::Text(text) => messages.push(Message::from(text)),
                Event::Binary(payload) => messages.push(Message::from(payload)),
                // Those without a payload may be heartbeats.
                Event::Ping(payload) if !payload.is_empty() => pings.push(payload.into_owned()),
                _ => {}
            }
        }
        assert_eq!(messages, self.messages);
        let with_payload = self.pings.iter().filter(|ping| !ping.is_empty());
        assert!(pings.iter().eq(with_payload));
    }
}

fn check_agreement(client: &CloseInfo, server: &CloseInfo) {
    for (here, there) in [(client, server), (server, client)] {
        assert_eq!(here.cause, CloseCause::Handshake);
        assert!(here.was_clean());
        assert_eq!(here.sent, there.received);
        assert_eq!(
            here.received.as_ref().map(CloseFrame::code),
            Some(here.code())
        );
    }
    match (client.initiator, server.initiator) {
        // Both at once: each has sent its own.
        (Some(Initiator::Local), Some(Initiator::Local)) => {}
        // One answered with what it got.
        (Some(Initiator::Local), Some(Initiator::Peer))
        | (Some(Initiator::Peer), Some(Initiator::Local)) => {
            assert_eq!(client.sent, server.sent);
        }
        ends => panic!("someone began: {ends:?}"),
    }
}

fn control_payload(bytes: &[u8]) -> ControlPayload {
    ControlPayload::try_from(bytes).expect("at most 125 bytes")
}

fn message_of(kind: MessageKind, payload: Vec<u8>) -> Message {
    match kind {
        MessageKind::Binary => payload.into(),
        MessageKind::Text => String::from_utf8(payload)
            .expect("fragments of text are text")
            .into(),
    }
}
