//! Two of ours back to back, under random schedules, with waits given up at
//! random: what was sent is received, whole, once and in order.

use longwire::{Config, Error, Message, Receiver, Role, Sender, WebSocket};
use proptest::prelude::*;
use std::{future::poll_fn, pin::pin, task::Poll};
use tokio::io::duplex;

/// What one end does next. `polls` is how often its wait is polled before it
/// is given up.
#[derive(Debug, Clone)]
struct Step {
    end: bool,
    act: Act,
    polls: usize,
}

#[derive(Debug, Clone)]
enum Act {
    Send(usize),
    Feed(usize),
    Flush,
    Reserve(usize),
    /// Parts of that length, which are fed or written.
    Stream(Vec<(usize, bool)>),
    Ping,
    Receive,
    ReceiveStreamed,
    /// Lets the keeper and everything else run.
    Rest,
}

fn step() -> impl Strategy<Value = Step> {
    let len = || prop_oneof![0usize..200, 0usize..20_000];
    let act = prop_oneof![
        3 => len().prop_map(Act::Send),
        2 => len().prop_map(Act::Feed),
        1 => Just(Act::Flush),
        1 => len().prop_map(Act::Reserve),
        1 => proptest::collection::vec((0usize..5_000, any::<bool>()), 0..4).prop_map(Act::Stream),
        1 => Just(Act::Ping),
        5 => Just(Act::Receive),
        2 => Just(Act::ReceiveStreamed),
        1 => Just(Act::Rest),
    ];
    (any::<bool>(), act, 1usize..4).prop_map(|(end, act, polls)| Step { end, act, polls })
}

/// One end, and what it knows for certain.
struct End {
    sender: Sender,
    receiver: Receiver,
    /// What was queued, in order.
    sent: Vec<Vec<u8>>,
    received: Vec<Vec<u8>>,
}

impl End {
    fn new(ws: WebSocket) -> End {
        let (sender, receiver) = ws.split();
        End {
            sender,
            receiver,
            sent: Vec::new(),
            received: Vec::new(),
        }
    }

    /// A message that no other is equal to.
    fn message(&self, len: usize) -> Vec<u8> {
        let mut bytes = (self.sent.len() as u32).to_be_bytes().to_vec();
        bytes.extend((0..len).map(|i| i as u8));
        bytes
    }

    async fn act(&mut self, act: Act, polls: usize) {
        match act {
            Act::Send(len) => {
                let message = self.message(len);
                let sent = given_up(polls, self.sender.send(message.clone())).await;
                self.note(sent, message);
            }
            Act::Feed(len) => {
                let message = self.message(len);
                let sent = given_up(polls, self.sender.feed(message.clone())).await;
                self.note(sent, message);
            }
            Act::Reserve(len) => {
                let message = self.message(len);
                let sent = given_up(polls, self.sender.reserve()).await;
                let sent =
                    sent.map(|permit| permit.and_then(|permit| permit.send(message.clone())));
                self.note(sent, message);
            }
            Act::Stream(parts) => self.stream(&parts).await,
            Act::Flush => drop(given_up(polls, self.sender.flush()).await),
            Act::Ping => drop(given_up(polls, self.sender.ping()).await),
            Act::Receive => {
                if let Some(message) = given_up(polls, self.receiver.next()).await {
                    let message: Message = message.expect("closed").expect("an error");
                    self.received.push(message.into_bytes().to_vec());
                }
            }
            Act::ReceiveStreamed => self.receive_streamed(polls).await,
            Act::Rest => {
                for _ in 0..polls {
                    tokio::task::yield_now().await;
                }
            }
        }
    }

    /// A fragmented message; other senders would wait for its end, so this is
    /// not given up in the middle.
    async fn stream(&mut self, parts: &[(usize, bool)]) {
        let message: Vec<Vec<u8>> = parts.iter().map(|&(len, _)| self.message(len)).collect();
        let write = async {
            let mut writer = self.sender.stream_binary();
            for (part, &(_, fed)) in message.iter().zip(parts) {
                match fed {
                    true => writer.feed(part.clone()).await?,
                    false => writer.write(part).await?,
                }
            }
            writer.finish().await
        };
        // Only if there is room: nobody else acts while this waits.
        if given_up(1, self.sender.reserve()).await.is_some() && parts.len() * 5_000 < 16_000 {
            write.await.expect("an error");
            self.sent.push(message.concat());
        }
    }

    async fn receive_streamed(&mut self, polls: usize) {
        let reader = given_up(polls, self.receiver.next_reader()).await;
        let Some(reader) = reader else { return };
        let mut reader = reader.expect("closed").expect("an error");
        let mut message = Vec::new();
        // The peer does nothing meanwhile, but its keeper writes what it queued.
        while let Some(chunk) = reader.chunk().await {
            message.extend_from_slice(&chunk.expect("an error"));
        }
        self.received.push(message);
    }

    fn note(&mut self, sent: Option<Result<(), Error>>, message: Vec<u8>) {
        if let Some(sent) = sent {
            sent.expect("an error");
            self.sent.push(message);
        }
    }

    async fn receive_all(&mut self, count: usize) {
        while self.received.len() < count {
            let message = self
                .receiver
                .next()
                .await
                .expect("closed")
                .expect("an error");
            self.received.push(message.into_bytes().to_vec());
        }
    }
}

/// Polls `wait` so often, with other tasks running in between, and gives it up.
async fn given_up<T>(polls: usize, wait: impl Future<Output = T>) -> Option<T> {
    let mut wait = pin!(wait);
    for _ in 0..polls {
        let polled = poll_fn(|cx| Poll::Ready(wait.as_mut().poll(cx))).await;
        if let Poll::Ready(done) = polled {
            return Some(done);
        }
        tokio::task::yield_now().await;
    }
    None
}

async fn run(steps: Vec<Step>, room: usize) {
    let mut config = Config::client();
    config.limits.max_queued_output = 8_000;
    let (left, right) = duplex(room);
    let client = WebSocket::from_stream(left, Role::Client, config.clone(), b"");
    let server = WebSocket::from_stream(right, Role::Server, config, b"");
    let mut ends = [End::new(client), End::new(server)];
    for step in steps {
        ends[usize::from(step.end)].act(step.act, step.polls).await;
    }
    let [client, server] = &mut ends;
    let (to_server, to_client) = (client.sent.len(), server.sent.len());
    tokio::join!(client.receive_all(to_client), server.receive_all(to_server));
    compare(&client.sent, &server.received);
    compare(&server.sent, &client.received);
}

fn compare(sent: &[Vec<u8>], received: &[Vec<u8>]) {
    let lens = |messages: &[Vec<u8>]| messages.iter().map(Vec::len).collect::<Vec<_>>();
    assert_eq!(lens(sent), lens(received));
    assert!(sent == received, "the content differs");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, max_shrink_iters: 150, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn nothing_is_lost_torn_or_doubled_by_giving_up(
        steps in proptest::collection::vec(step(), 1..60),
        room in 64usize..8_192,
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let done = runtime.block_on(async {
            tokio::time::timeout(std::time::Duration::from_secs(10), run(steps, room)).await
        });
        prop_assert!(done.is_ok(), "somebody waits for ever");
    }
}
