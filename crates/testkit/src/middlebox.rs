//! What stands between a client and a server, and keeps state.

mod flow;
#[cfg(test)]
mod tests;

use std::{
    io,
    net::SocketAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::watch,
    task::{AbortHandle, JoinSet},
    time::Instant,
};

/// A middlebox on loopback: passes the bytes of TCP connections on to a server,
/// and does to them what NATs, firewalls and proxies do.
///
/// Everything can be changed while it runs, also for the flows that it has.
/// Buffers are bounded. When it is dropped all flows end, by a FIN.
///
/// It is a user of TCP itself, so that the kernel acknowledges on both sides
/// what it has read or will read. How a connection dies under unacknowledged
/// writes cannot be seen with it.
#[derive(Debug)]
pub struct Middlebox {
    address: SocketAddr,
    rules: Arc<watch::Sender<Rules>>,
    flows: Arc<Flows>,
    task: AbortHandle,
}

/// What happens to a flow on which nothing has passed for too long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AtLimit {
    /// It is forgotten without a word: what comes on it goes nowhere, a FIN
    /// too.
    Silence,
    /// It is forgotten, and who sends on it is answered by a RST. The other end
    /// hears nothing.
    Rst,
    /// Both ends get a FIN when the time is over, as from a proxy.
    Fin,
}

/// A connection through a [`Middlebox`].
#[derive(Debug, Clone)]
pub struct Flow {
    /// When the client had connected.
    pub opened: Instant,
    /// When both of its connections were ended, if they are.
    pub ended: Option<Instant>,
    /// The first bytes that the client sent, at most [`Flow::MAX_HEAD`].
    pub head: Vec<u8>,
}

impl Flow {
    /// How much is kept of what a client sent first.
    pub const MAX_HEAD: usize = 2048;
}

#[derive(Debug, Clone, Copy)]
struct Rules {
    idle: Option<(Duration, AtLimit)>,
    delay: Duration,
    cut: bool,
    refuses: bool,
    /// Flows from earlier times are forgotten.
    memory: u64,
}

#[derive(Debug, Default)]
struct Flows(Mutex<Vec<Flow>>);

impl Middlebox {
    /// Listens on a free port of 127.0.0.1, and passes on to `server` all that
    /// comes. Needs a tokio runtime.
    ///
    /// # Errors
    /// When there is no port to listen on.
    pub async fn before(server: SocketAddr) -> io::Result<Middlebox> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let rules = Arc::new(watch::Sender::new(Rules {
            idle: None,
            delay: Duration::ZERO,
            cut: false,
            refuses: false,
            memory: 0,
        }));
        let flows = Arc::new(Flows::default());
        let task = tokio::spawn(accept(
            listener,
            server,
            rules.subscribe(),
            Arc::clone(&flows),
        ));
        Ok(Middlebox {
            address,
            rules,
            flows,
            task: task.abort_handle(),
        })
    }

    /// Where clients connect.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// From now on a flow may be idle for no longer than `limit`.
    pub fn limit_idle(&self, limit: Duration, then: AtLimit) {
        self.change(|rules| rules.idle = Some((limit, then)));
    }

    /// From now on a flow may be idle for ever. What was forgotten stays so.
    pub fn unlimit_idle(&self) {
        self.change(|rules| rules.idle = None);
    }

    /// From now on bytes take so long in each direction.
    pub fn delay(&self, delay: Duration) {
        self.change(|rules| rules.delay = delay);
    }

    /// Nothing passes until [`restore`](Self::restore), on new flows neither.
    /// Nothing is lost by that, since TCP repeats what is lost: all passes then.
    pub fn cut(&self) {
        self.change(|rules| rules.cut = true);
    }

    /// Ends a [`cut`](Self::cut).
    pub fn restore(&self) {
        self.change(|rules| rules.cut = false);
    }

    /// Forgets all flows there are, without a word, as a NAT that was switched
    /// off and on. New ones are served.
    pub fn forget(&self) {
        self.change(|rules| rules.memory += 1);
    }

    /// From now on new connections are reset as soon as they are there.
    pub fn refuse(&self) {
        self.change(|rules| rules.refuses = true);
    }

    /// From now on new connections are served.
    pub fn admit(&self) {
        self.change(|rules| rules.refuses = false);
    }

    /// All flows that there ever were, in the order of their opening; those that
    /// were refused do not count.
    pub fn flows(&self) -> Vec<Flow> {
        self.flows.lock().clone()
    }

    /// How many flows have not ended.
    pub fn open_flows(&self) -> usize {
        let flows = self.flows.lock();
        flows.iter().filter(|flow| flow.ended.is_none()).count()
    }

    fn change(&self, change: impl FnOnce(&mut Rules)) {
        self.rules.send_modify(change);
    }
}

impl Drop for Middlebox {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// The flows are in its hands, so that they end when it does.
async fn accept(
    listener: TcpListener,
    server: SocketAddr,
    rules: watch::Receiver<Rules>,
    flows: Arc<Flows>,
) {
    let mut running = JoinSet::new();
    loop {
        let Ok((client, _)) = listener.accept().await else {
            // Out of descriptors: others have to end first.
            tokio::time::sleep(Duration::from_millis(10)).await;
            continue;
        };
        while running.try_join_next().is_some() {}
        if rules.borrow().refuses {
            reset(client);
            continue;
        }
        let number = flows.open();
        running.spawn(flow::run(
            client,
            server,
            rules.clone(),
            Arc::clone(&flows),
            number,
        ));
    }
}

/// Ends a connection by a RST.
fn reset(stream: TcpStream) {
    // Without it the end is a FIN, which a test will notice.
    let _ = stream.set_zero_linger();
    drop(stream);
}

impl Flows {
    fn lock(&self) -> MutexGuard<'_, Vec<Flow>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn open(&self) -> usize {
        let mut flows = self.lock();
        flows.push(Flow {
            opened: Instant::now(),
            ended: None,
            head: Vec::new(),
        });
        flows.len() - 1
    }

    fn end(&self, number: usize) {
        self.lock()[number].ended = Some(Instant::now());
    }

    fn sent(&self, number: usize, bytes: &[u8]) {
        let head = &mut self.lock()[number].head;
        let room = Flow::MAX_HEAD - head.len();
        head.extend_from_slice(&bytes[..bytes.len().min(room)]);
    }
}
