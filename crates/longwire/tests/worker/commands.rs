//! A handler that does what its clients say, and keeps a diary.

use longwire::{
    CloseCode, CloseInfo, Error, Message, MessageRef, WebSocket,
    server::Refusal,
    worker::{
        Acceptance, Engine, EngineHandle, EngineOptions, Handler, Opening, Overflow, Peer, Remote,
        Sent,
    },
};
use std::{
    net::{SocketAddr, TcpListener},
    sync::{Arc, Mutex},
    thread,
    time::{Duration, Instant},
};

#[derive(Clone, Default)]
struct Commands(Arc<Diary>);

/// What happened, as `path event` and in its order.
#[derive(Default)]
pub(crate) struct Diary {
    pub(crate) events: Mutex<Vec<String>>,
    pub(crate) remotes: Mutex<Vec<Remote>>,
}

impl Diary {
    fn note(&self, path: &str, event: &str) {
        self.events.lock().unwrap().push(format!("{path} {event}"));
    }

    /// What happened to the connections of one path.
    pub(crate) fn of(&self, path: &str) -> Vec<String> {
        let events = self.events.lock().unwrap();
        let own = events.iter().filter_map(|event| {
            let event = event.strip_prefix(path)?;
            event.strip_prefix(' ').map(str::to_owned)
        });
        own.collect()
    }

    pub(crate) fn has(&self, event: &str) -> bool {
        self.events.lock().unwrap().iter().any(|each| each == event)
    }
}

/// A path such as `/panic/on_open` has that method panic.
fn panic_in(path: &str, method: &str) {
    assert!(path != format!("/panic/{method}"), "as was asked for");
}

impl Handler for Commands {
    type Data = String;

    fn on_request(&self, opening: &Opening<'_>) -> Result<(Acceptance, String), Refusal> {
        assert!(opening.peer_addr().unwrap().ip().is_loopback());
        panic_in(opening.path(), "on_request");
        Ok((Acceptance::new(), opening.path().to_owned()))
    }

    fn on_open(&self, peer: &mut Peer<'_, String>) {
        panic_in(peer.data, "on_open");
        self.0.remotes.lock().unwrap().push(peer.remote());
        if peer.data == "/close/on_open" {
            peer.close(longwire::CloseFrame::new(4000, "").unwrap());
            assert_eq!(peer.send("too late"), Sent::Closing);
        }
    }

    fn on_message<'m>(
        &self,
        peer: &mut Peer<'_, String>,
        message: MessageRef<'m>,
    ) -> Option<MessageRef<'m>> {
        panic_in(peer.data, "on_message");
        let MessageRef::Text(text) = message else {
            return Some(message);
        };
        let mut words = text.splitn(3, ' ');
        let mut word = || words.next().unwrap_or_default();
        let (command, topic, said) = (word(), word(), word());
        let answer = match command {
            "join" => match peer.subscribe(topic) {
                Ok(()) => format!("joined {topic}"),
                Err(error) => error.to_string(),
            },
            "leave" => format!("left {}", peer.unsubscribe(topic)),
            "in" => peer.is_subscribed(topic).to_string(),
            "topics" => peer.topics().collect::<Vec<_>>().join(" "),
            "thread" => thread::current().name().unwrap().to_owned(),
            "say" => {
                peer.publish(topic, said).unwrap();
                return None;
            }
            "tell" => {
                peer.publish_to_all(topic, said).unwrap();
                return None;
            }
            "notify" => {
                peer.notify(topic);
                return None;
            }
            "block" => {
                self.0.note(peer.data, "blocks");
                thread::sleep(Duration::from_millis(100));
                return Some(message);
            }
            "flood" => {
                while peer.send([7; 4000].as_slice()) == Sent::Queued {}
                return None;
            }
            _ => return Some(message),
        };
        let _ = peer.send(answer.as_str());
        None
    }

    fn on_drained(&self, peer: &mut Peer<'_, String>) {
        panic_in(peer.data, "on_drained");
        self.0.note(peer.data, "drained");
        if peer.data != "/echo" {
            let _ = peer.send("drained");
        }
    }

    fn on_notified(&self, peer: &mut Peer<'_, String>, topic: &str) {
        panic_in(peer.data, "on_notified");
        let _ = peer.send(&*format!("notified {topic}"));
        if peer.data == "/again" && !peer.is_subscribed("more") {
            // Of what is subscribed and published in here, the former counts
            // for the latter.
            peer.subscribe("more").unwrap();
            peer.publish_to_all("more", "from inside").unwrap();
        }
    }

    fn on_overflow(&self, peer: &mut Peer<'_, String>, topic: Option<&str>) -> Overflow {
        panic_in(peer.data, "on_overflow");
        self.0.note(peer.data, &format!("overflow {topic:?}"));
        match peer.data.as_str() {
            "/skip" => Overflow::Skip,
            _ => Overflow::Close,
        }
    }

    fn on_error(&self, peer: &mut Peer<'_, String>, error: &Error) {
        self.0.note(peer.data, &format!("error: {error}"));
        panic_in(peer.data, "on_error");
    }

    fn on_close(&self, peer: &mut Peer<'_, String>, info: &CloseInfo) {
        self.0
            .note(peer.data, &format!("closed {}", info.code().get()));
        panic_in(peer.data, "on_close");
        assert_eq!(peer.send("too late"), Sent::Closing);
        let farewell = format!("{} left", peer.data);
        peer.publish("farewells", farewell).unwrap();
    }
}

/// An engine of two workers, shut down when dropped.
pub(crate) struct Running {
    pub(crate) diary: Arc<Diary>,
    pub(crate) engine: EngineHandle,
    pub(crate) address: SocketAddr,
}

impl Running {
    pub(crate) fn start() -> Running {
        Running::with(|_| {})
    }

    pub(crate) fn with(change: impl FnOnce(&mut EngineOptions)) -> Running {
        Running::on(&TcpListener::bind("127.0.0.1:0").unwrap(), change)
    }

    pub(crate) fn on(listener: &TcpListener, change: impl FnOnce(&mut EngineOptions)) -> Running {
        let mut options = EngineOptions::default();
        options.workers = 2;
        change(&mut options);
        let handler = Commands::default();
        let diary = Arc::clone(&handler.0);
        let engine = Engine::start(listener, handler, options).unwrap();
        Running {
            diary,
            engine: engine.handle(),
            address: engine.local_addr(),
        }
    }

    pub(crate) async fn connect(&self, path: &str) -> Client {
        let url = format!("ws://{}{path}", self.address);
        Client(longwire::connect(url).await.unwrap())
    }

    /// So many clients, and as many more as it takes until both workers have
    /// one.
    pub(crate) async fn connect_many(&self, count: usize) -> Vec<Client> {
        let mut clients = Vec::new();
        let mut threads = std::collections::BTreeSet::new();
        while clients.len() < count || threads.len() < 2 {
            let mut client = self.connect("/").await;
            threads.insert(client.ask("thread").await);
            clients.push(client);
            assert!(clients.len() < 10_000, "one worker takes all");
        }
        clients
    }

    /// Waits for an entry in the diary.
    pub(crate) async fn noted(&self, event: &str) {
        let deadline = Instant::now() + Duration::from_secs(20);
        while !self.diary.has(event) {
            let events = self.diary.events.lock().unwrap().clone();
            assert!(Instant::now() < deadline, "{event:?} is not in {events:?}");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.engine.shutdown();
    }
}

pub(crate) struct Client(pub(crate) WebSocket);

impl Client {
    pub(crate) async fn send(&mut self, message: impl Into<Message>) {
        self.0.send(message).await.unwrap();
    }

    /// The next message, as text.
    pub(crate) async fn next(&mut self) -> String {
        let next = tokio::time::timeout(Duration::from_secs(20), self.0.next());
        let message = next.await.expect("nothing came").expect("it closed");
        message.unwrap().as_text().unwrap().to_owned()
    }

    pub(crate) async fn ask(&mut self, question: &str) -> String {
        self.send(question).await;
        self.next().await
    }

    pub(crate) async fn join(&mut self, topic: &str) {
        let answer = self.ask(&format!("join {topic}")).await;
        assert_eq!(answer, format!("joined {topic}"));
    }

    /// The code that the server closes it with.
    pub(crate) async fn closed(&mut self) -> CloseCode {
        let end = tokio::time::timeout(Duration::from_secs(20), async {
            while self.0.next().await.is_some() {}
        });
        end.await.expect("it stays open");
        self.0.close_info().unwrap().code()
    }
}
