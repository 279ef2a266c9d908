//! A path that can be cut, and tells nobody.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, ReadHalf, WriteHalf, split},
    net::{TcpListener, TcpStream},
};

/// Passes bytes on to a server. While it is cut they are swallowed, without an
/// end or a reset, and so is ever after what comes on connections of before.
pub(super) struct Path {
    address: SocketAddr,
    cuts: Arc<AtomicU64>,
}

/// While it is cut, the count is odd.
fn is_cut(cuts: u64) -> bool {
    cuts % 2 == 1
}

impl Path {
    pub(super) async fn to(server: &str) -> Path {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let server: SocketAddr = server.parse().unwrap();
        let cuts = Arc::new(AtomicU64::new(0));
        let seen = Arc::clone(&cuts);
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                tokio::spawn(pass(client, server, Arc::clone(&seen)));
            }
        });
        Path { address, cuts }
    }

    pub(super) fn address(&self) -> String {
        self.address.to_string()
    }

    pub(super) fn cut(&self) {
        assert!(!is_cut(self.cuts.fetch_add(1, Ordering::SeqCst)));
    }

    pub(super) fn heal(&self) {
        assert!(is_cut(self.cuts.fetch_add(1, Ordering::SeqCst)));
    }
}

async fn pass(client: TcpStream, server: SocketAddr, cuts: Arc<AtomicU64>) {
    let began = cuts.load(Ordering::SeqCst);
    // The other side is not there; what the client makes of that is its own.
    let Ok(server) = TcpStream::connect(server).await else {
        return;
    };
    let (client_read, client_write) = split(client);
    let (server_read, server_write) = split(server);
    tokio::join!(
        copy(client_read, server_write, &cuts, began),
        copy(server_read, client_write, &cuts, began),
    );
}

async fn copy(
    mut from: ReadHalf<TcpStream>,
    mut to: WriteHalf<TcpStream>,
    cuts: &AtomicU64,
    began: u64,
) {
    let mut buffer = [0; 4096];
    loop {
        let length = match from.read(&mut buffer).await {
            Ok(0) | Err(_) => break,
            Ok(length) => length,
        };
        let passes = cuts.load(Ordering::SeqCst) == began && !is_cut(began);
        if passes && to.write_all(&buffer[..length]).await.is_err() {
            break;
        }
    }
    let _ = to.shutdown().await;
}
