use crate::{Chunker, Endpoint, Rng};
use longwire_proto::{Config, Connection, Instant, Role, Transport, extension::PermessageDeflate};
use std::{collections::VecDeque, time::Duration};

/// A client and a server back to back, on a virtual clock.
///
/// [`step`](Pair::step) jumps to the next thing that happens: bytes arrive, cut
/// as a seed says, or a timeout is due. The driver's part that `Transport` asks
/// for (shut down, await the peer, close) is done here too.
#[derive(Debug)]
pub struct Pair {
    /// The client; [`Endpoint::events`] holds what it received.
    pub client: Endpoint,
    /// The server.
    pub server: Endpoint,
    /// The time, the same for both.
    pub time: Instant,
    /// How long bytes are under way.
    pub latency: Duration,
    to_client: Link,
    to_server: Link,
    rng: Rng,
    cut: bool,
}

/// What is under way to one end.
#[derive(Debug, Default)]
struct Link {
    arriving: VecDeque<(Instant, Delivery)>,
    /// The sender has shut down its half.
    ended: bool,
}

#[derive(Debug)]
enum Delivery {
    Bytes(Vec<u8>),
    Eof,
}

impl Pair {
    /// A pair with the defaults, 20 ms apart.
    pub fn new(seed: u64) -> Pair {
        Pair::with_config(seed, |_| {})
    }

    /// A pair whose configurations, the client's and the server's, are both
    /// changed.
    pub fn with_config(seed: u64, change: impl Fn(&mut Config)) -> Pair {
        let client = Endpoint::with_config(Role::Client, &change);
        let server = Endpoint::with_config(Role::Server, &change);
        Pair {
            time: client.now,
            client,
            server,
            latency: Duration::from_millis(20),
            to_client: Link::default(),
            to_server: Link::default(),
            rng: Rng::new(seed),
            cut: false,
        }
    }

    /// Begins anew with permessage-deflate, as the two agree on it.
    ///
    /// # Panics
    /// If they do not agree.
    pub fn negotiate_deflate(&mut self) {
        let config = |end: &Endpoint| {
            let config = end.connection.config().deflate.clone();
            config.expect("compression is configured")
        };
        let (client, server) = (config(&self.client), config(&self.server));
        let offers = PermessageDeflate::offers(&client);
        let (response, of_server) =
            PermessageDeflate::accept(&server, &offers).expect("the server accepts");
        let of_client = PermessageDeflate::accepted(&client, &[response]);
        let of_client = of_client.expect("the client takes the response");
        self.client
            .use_extension(of_client.expect("it was accepted"));
        self.server.use_extension(of_server);
    }

    /// One of the two ends.
    pub fn end(&mut self, role: Role) -> &mut Endpoint {
        match role {
            Role::Client => &mut self.client,
            Role::Server => &mut self.server,
        }
    }

    /// From here on everything sent is lost, without a word to either end.
    pub fn cut(&mut self) {
        self.cut = true;
        self.to_client.arriving.clear();
        self.to_server.arriving.clear();
    }

    /// Jumps to the next thing that happens, and lets it happen. False if
    /// nothing ever will.
    pub fn step(&mut self) -> bool {
        self.send_off();
        let Some(next) = self.next_wake_up() else {
            return false;
        };
        self.pass_to(self.time.max(next));
        for role in [Role::Client, Role::Server] {
            self.deliver(role);
            self.handle_timeout(role);
        }
        self.send_off();
        true
    }

    /// Steps until nothing is under way.
    pub fn settle(&mut self) {
        self.send_off();
        while !(self.to_client.arriving.is_empty() && self.to_server.arriving.is_empty()) {
            self.step();
        }
    }

    /// Steps until this much time has passed.
    pub fn run_for(&mut self, duration: Duration) {
        let end = self.time + duration;
        self.send_off();
        while self.next_wake_up().is_some_and(|next| next <= end) {
            self.step();
        }
        self.pass_to(end);
    }

    fn pass_to(&mut self, time: Instant) {
        self.time = time;
        self.client.now = time;
        self.server.now = time;
    }

    fn next_wake_up(&self) -> Option<Instant> {
        let arrivals = [&self.to_client, &self.to_server]
            .map(|link| link.arriving.front().map(|(time, _)| *time));
        let timeouts = [&self.client, &self.server].map(|end| end.connection.next_timeout());
        arrivals.into_iter().chain(timeouts).flatten().min()
    }

    /// Puts what both ends have written under way.
    fn send_off(&mut self) {
        for (from, link) in [
            (&mut self.client, &mut self.to_server),
            (&mut self.server, &mut self.to_client),
        ] {
            let arrival = self.time + self.latency;
            let written = from.take_output();
            let ends = matches!(
                from.connection.transport(),
                Transport::ShutdownWrite | Transport::Close
            );
            if self.cut || link.ended {
                continue;
            }
            let chunker = Chunker::random(&mut self.rng, written.len());
            let pieces = chunker.split(&written);
            link.arriving
                .extend(pieces.map(|piece| (arrival, Delivery::Bytes(piece.to_vec()))));
            if ends {
                link.ended = true;
                link.arriving.push_back((arrival, Delivery::Eof));
            }
        }
    }

    /// Delivers one piece of what is due.
    fn deliver(&mut self, role: Role) {
        let (end, link) = match role {
            Role::Client => (&mut self.client, &mut self.to_client),
            Role::Server => (&mut self.server, &mut self.to_server),
        };
        let due = matches!(link.arriving.front(), Some((arrival, _)) if *arrival <= self.time);
        let Some((_, delivery)) = due.then(|| link.arriving.pop_front()).flatten() else {
            return;
        };
        if end.connection.transport() == Transport::Close {
            return;
        }
        let events = match delivery {
            Delivery::Bytes(bytes) if end.reads_directly => {
                end.receive_directly(&bytes, &Chunker::whole())
            }
            Delivery::Bytes(bytes) => end.receive(&bytes),
            Delivery::Eof => {
                end.connection.receive_eof(self.time);
                end.poll()
            }
        };
        end.events.extend(events);
    }

    fn handle_timeout(&mut self, role: Role) {
        let now = self.time;
        let end = self.end(role);
        if end
            .connection
            .next_timeout()
            .is_some_and(|timeout| timeout <= now)
        {
            end.call(Connection::handle_timeout);
            let events = end.poll();
            end.events.extend(events);
        }
    }
}
