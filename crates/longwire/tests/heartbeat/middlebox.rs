//! A middlebox that forgets idle connections without a word.

use std::{
    net::SocketAddr,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream, tcp},
};

/// Passes bytes on to a server. What comes on a connection on which nothing has
/// passed for longer than the limit is swallowed, as is all that follows.
#[derive(Debug, Clone)]
pub(crate) struct Middlebox {
    pub(crate) address: SocketAddr,
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    limit_millis: AtomicU64,
    /// Canaries now, the most at one time, and in all.
    canaries: AtomicUsize,
    most_canaries: AtomicUsize,
    all_canaries: AtomicUsize,
}

impl Middlebox {
    pub(crate) async fn before(server: SocketAddr, limit: Duration) -> Middlebox {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let middlebox = Middlebox {
            address: listener.local_addr().unwrap(),
            shared: Arc::new(Shared {
                limit_millis: AtomicU64::new(limit.as_millis() as u64),
                canaries: AtomicUsize::new(0),
                most_canaries: AtomicUsize::new(0),
                all_canaries: AtomicUsize::new(0),
            }),
        };
        let shared = Arc::clone(&middlebox.shared);
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                tokio::spawn(Arc::clone(&shared).pass(client, server));
            }
        });
        middlebox
    }

    pub(crate) fn url(&self) -> String {
        format!("ws://{}/", self.address)
    }

    pub(crate) fn set_limit(&self, limit: Duration) {
        let millis = limit.as_millis() as u64;
        self.shared.limit_millis.store(millis, Ordering::Relaxed);
    }

    /// How many canaries are there.
    pub(crate) fn canaries_now(&self) -> usize {
        self.shared.canaries.load(Ordering::Relaxed)
    }

    /// The most canaries that were there at one time, and all that ever were.
    pub(crate) fn canaries(&self) -> (usize, usize) {
        let load = |count: &AtomicUsize| count.load(Ordering::Relaxed);
        (
            load(&self.shared.most_canaries),
            load(&self.shared.all_canaries),
        )
    }
}

impl Shared {
    async fn pass(self: Arc<Self>, mut client: TcpStream, server: SocketAddr) {
        let mut server = TcpStream::connect(server).await.unwrap();
        let mut head = vec![0; 4096];
        let length = client.read(&mut head).await.unwrap_or_default();
        server.write_all(&head[..length]).await.unwrap();
        let is_canary = String::from_utf8_lossy(&head).contains("Longwire-Heartbeat: canary");
        if is_canary {
            let now = self.canaries.fetch_add(1, Ordering::Relaxed) + 1;
            self.most_canaries.fetch_max(now, Ordering::Relaxed);
            self.all_canaries.fetch_add(1, Ordering::Relaxed);
        }
        let passed = Mutex::new(Some(Instant::now()));
        let (client_read, client_write) = client.split();
        let (server_read, server_write) = server.split();
        tokio::join!(
            self.copy(client_read, server_write, &passed),
            self.copy(server_read, client_write, &passed),
        );
        if is_canary {
            self.canaries.fetch_sub(1, Ordering::Relaxed);
        }
    }

    /// `passed` is when something last did; `None` once it is forgotten.
    async fn copy(
        &self,
        mut from: tcp::ReadHalf<'_>,
        mut to: tcp::WriteHalf<'_>,
        passed: &Mutex<Option<Instant>>,
    ) {
        let mut buffer = vec![0; 4096];
        loop {
            let length = match from.read(&mut buffer).await {
                Ok(0) | Err(_) => break,
                Ok(length) => length,
            };
            let limit = Duration::from_millis(self.limit_millis.load(Ordering::Relaxed));
            let is_known = {
                let mut passed = passed.lock().unwrap();
                *passed = passed
                    .filter(|at| at.elapsed() <= limit)
                    .map(|_| Instant::now());
                passed.is_some()
            };
            if is_known && to.write_all(&buffer[..length]).await.is_err() {
                break;
            }
        }
        let _ = to.shutdown().await;
    }
}
