use super::{AtLimit, Flows, Rules, reset};
use std::{
    future::pending,
    io,
    net::SocketAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{
        TcpStream,
        tcp::{ReadHalf, WriteHalf},
    },
    sync::{mpsc, watch},
    time::{self, Instant},
};

/// The most that is read at once, and how many such pieces may be on their way.
const PIECE: usize = 16 * 1024;
const PIECES: usize = 64;

/// How a flow came to its end.
enum End {
    /// By both of its ends, or by the middlebox in the same way: a FIN.
    Fin,
    /// One of them was reset, so that the other is too.
    Rst,
    /// It is forgotten, and this one of them asked for it: it is told.
    Unknown(Sender),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sender {
    Client,
    Server,
}

/// What is known of a flow.
#[derive(Debug)]
struct State {
    rules: watch::Receiver<Rules>,
    /// When something last passed; `None` once the flow is forgotten.
    passed: Mutex<Option<Instant>>,
    memory: u64,
}

/// Counts a flow as ended also when its task is aborted.
struct Counted {
    flows: Arc<Flows>,
    number: usize,
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.flows.end(self.number);
    }
}

pub(super) async fn run(
    client: TcpStream,
    server: SocketAddr,
    rules: watch::Receiver<Rules>,
    flows: Arc<Flows>,
    number: usize,
) {
    let memory = rules.borrow().memory;
    let state = State {
        rules,
        passed: Mutex::new(Some(Instant::now())),
        memory,
    };
    let counted = Counted { flows, number };
    state.while_cut().await;
    match TcpStream::connect(server).await {
        Ok(server) => pass(client, server, &state, &counted).await,
        Err(_) => reset(client),
    }
}

async fn pass(mut client: TcpStream, mut server: TcpStream, state: &State, counted: &Counted) {
    // What is small passes as it comes.
    let _ = (client.set_nodelay(true), server.set_nodelay(true));
    let end = {
        let (from_client, to_client) = client.split();
        let (from_server, to_server) = server.split();
        let both = async {
            tokio::try_join!(
                state.direction(from_client, to_server, Sender::Client, |bytes| {
                    counted.flows.sent(counted.number, bytes);
                }),
                state.direction(from_server, to_client, Sender::Server, |_| {}),
            )
        };
        tokio::select! {
            ended = both => ended.err().unwrap_or(End::Fin),
            () = state.closed_when_idle() => End::Fin,
        }
    };
    match end {
        End::Fin => {}
        End::Rst => {
            reset(client);
            reset(server);
        }
        End::Unknown(Sender::Client) => {
            reset(client);
            swallow(server).await;
        }
        End::Unknown(Sender::Server) => {
            reset(server);
            swallow(client).await;
        }
    }
}

/// Reads what nobody gets, to its end.
async fn swallow(mut stream: TcpStream) {
    let mut buffer = [0; 1024];
    while let Ok(1..) = stream.read(&mut buffer).await {}
}

/// A piece of the stream, when it was read; empty for the end.
type Piece = (Instant, Vec<u8>);

impl State {
    /// Passes on what one of the ends sends, until it has sent all.
    async fn direction(
        &self,
        from: ReadHalf<'_>,
        to: WriteHalf<'_>,
        sender: Sender,
        read: impl Fn(&[u8]),
    ) -> Result<(), End> {
        let (pieces, arriving) = mpsc::channel(PIECES);
        tokio::try_join!(
            self.departures(from, pieces, sender, read),
            self.arrivals(to, arriving),
        )?;
        Ok(())
    }

    async fn departures(
        &self,
        mut from: ReadHalf<'_>,
        pieces: mpsc::Sender<Piece>,
        sender: Sender,
        read: impl Fn(&[u8]),
    ) -> Result<(), End> {
        let mut buffer = vec![0; PIECE];
        loop {
            let length = from.read(&mut buffer).await.map_err(|_| End::Rst)?;
            self.while_cut().await;
            if self.is_known() {
                read(&buffer[..length]);
                let piece = (Instant::now(), buffer[..length].to_vec());
                pieces.send(piece).await.map_err(|_| End::Rst)?;
            } else if self.answers() {
                return Err(End::Unknown(sender));
            }
            if length == 0 {
                return Ok(());
            }
        }
    }

    async fn arrivals(
        &self,
        mut to: WriteHalf<'_>,
        mut arriving: mpsc::Receiver<Piece>,
    ) -> Result<(), End> {
        while let Some((sent, bytes)) = arriving.recv().await {
            let delay = self.rules.borrow().delay;
            time::sleep_until(sent + delay).await;
            self.while_cut().await;
            let written: io::Result<()> = match bytes.is_empty() {
                true => to.shutdown().await,
                false => to.write_all(&bytes).await,
            };
            written.map_err(|_| End::Rst)?;
        }
        // It was forgotten, or the end has been passed on: nothing more comes.
        Ok(())
    }

    /// Notes that something is to pass. Whether it may.
    fn is_known(&self) -> bool {
        let rules = *self.rules.borrow();
        let mut passed = self.passed();
        *passed = passed
            .filter(|_| self.memory == rules.memory)
            .filter(|at| rules.idle.is_none_or(|(limit, _)| at.elapsed() <= limit))
            .map(|_| Instant::now());
        passed.is_some()
    }

    /// Whether who sends on a forgotten flow is told so.
    fn answers(&self) -> bool {
        let rules = self.rules.borrow();
        self.memory == rules.memory && matches!(rules.idle, Some((_, AtLimit::Rst)))
    }

    async fn while_cut(&self) {
        // The sender is gone with the middlebox, which ends this task too.
        let _ = self.rules.clone().wait_for(|rules| !rules.cut).await;
    }

    /// Until the flow has been idle for so long that it is closed.
    async fn closed_when_idle(&self) {
        let mut rules = self.rules.clone();
        loop {
            let due = self.closes_at(&rules.borrow_and_update());
            if due.is_some_and(|due| due <= Instant::now()) {
                return;
            }
            tokio::select! {
                _ = rules.changed() => {}
                () = until(due) => {}
            }
        }
    }

    fn closes_at(&self, rules: &Rules) -> Option<Instant> {
        let passed = self.passed().filter(|_| self.memory == rules.memory)?;
        match rules.idle {
            Some((limit, AtLimit::Fin)) => Some(passed + limit),
            _ => None,
        }
    }

    fn passed(&self) -> MutexGuard<'_, Option<Instant>> {
        self.passed.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn until(due: Option<Instant>) {
    match due {
        Some(due) => time::sleep_until(due).await,
        None => pending().await,
    }
}
