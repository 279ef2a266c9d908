//! What TLS costs the two servers: memory for each connection, and CPU time for
//! each message and each handshake. A bare client in the same process, whose own
//! time is not counted (Linux).
#![allow(clippy::unwrap_used, reason = "a measurement that fails ends")]

#[path = "../tests/tls_peer/mod.rs"]
mod tls_peer;

use longwire::{
    MessageRef, Server,
    server::{Listener, Options, Refusal},
    worker::{Acceptance, Engine, EngineOptions, Handler, Opening, Peer},
};
use std::{
    alloc::{GlobalAlloc, Layout, System},
    fs,
    net::{SocketAddr, TcpListener},
    sync::{
        Arc,
        atomic::{AtomicIsize, Ordering},
    },
    thread,
    time::Duration,
};
use tls_peer::{BOTH, Certificate, Wire};
use tokio_rustls::rustls::{ClientConfig, client::Resumption};

/// Counts what is allocated and not freed.
struct Counting;

static LIVE: AtomicIsize = AtomicIsize::new(0);

#[global_allocator]
static ALLOCATOR: Counting = Counting;

// SAFETY: all calls are passed on as they are.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        LIVE.fetch_add(layout.size() as isize, Ordering::Relaxed);
        // SAFETY: as the caller promises.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        LIVE.fetch_sub(layout.size() as isize, Ordering::Relaxed);
        // SAFETY: as the caller promises.
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        LIVE.fetch_add(size as isize - layout.size() as isize, Ordering::Relaxed);
        // SAFETY: as the caller promises.
        unsafe { System.realloc(pointer, layout, size) }
    }
}

struct Echo;

impl Handler for Echo {
    type Data = ();

    fn on_request(&self, _: &Opening<'_>) -> Result<(Acceptance, ()), Refusal> {
        Ok(Default::default())
    }

    fn on_message<'m>(
        &self,
        _: &mut Peer<'_, ()>,
        message: MessageRef<'m>,
    ) -> Option<MessageRef<'m>> {
        Some(message)
    }
}

fn start_worker(certificate: &Certificate) -> SocketAddr {
    let mut options = EngineOptions::default();
    options.workers = 1;
    options.tls_threads = 1;
    options.tls = Some(certificate.server());
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    Engine::start(&listener, Echo, options)
        .unwrap()
        .local_addr()
}

fn start_tokio(certificate: &Certificate) -> SocketAddr {
    let mut options = Options::default();
    options.tls = Some(certificate.server());
    let (tell, told) = std::sync::mpsc::channel();
    thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        runtime.block_on(async {
            let listener = Listener::bind("127.0.0.1:0").await.unwrap();
            tell.send(listener.local_addr().tcp().unwrap()).unwrap();
            let mut server = Server::listen(listener, options);
            while let Some(pending) = server.accept().await {
                tokio::spawn(async move {
                    let Ok(mut ws) = pending.accept().await else {
                        return;
                    };
                    while let Some(Ok(message)) = ws.next().await {
                        if ws.send(message).await.is_err() {
                            return;
                        }
                    }
                });
            }
        });
    });
    told.recv().unwrap()
}

const REQUEST: &str = "GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\n\
    Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n\
    Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";

fn open(address: SocketAddr, config: &Arc<ClientConfig>) -> Wire {
    let mut wire = Wire::connect(address, config);
    wire.open(REQUEST);
    wire
}

/// The CPU time of all threads but the client's, in nanoseconds.
fn server_time() -> u64 {
    let client = fs::read_link("/proc/thread-self").unwrap();
    let threads = fs::read_dir("/proc/self/task").unwrap();
    threads
        .map(|thread| thread.unwrap().path())
        .filter(|thread| thread.file_name() != client.file_name())
        .map(|thread| {
            let times = fs::read_to_string(thread.join("schedstat")).unwrap();
            times.split(' ').next().unwrap().parse::<u64>().unwrap()
        })
        .sum()
}

/// Microseconds of the server for each of `count` times that `act` does something.
fn cost(count: usize, act: impl FnOnce()) -> f64 {
    let before = server_time();
    act();
    thread::sleep(Duration::from_millis(50));
    (server_time() - before) as f64 / count as f64 / 1_000.0
}

fn bytes_per_connection(address: SocketAddr, config: &Arc<ClientConfig>) -> isize {
    let hold = |count: usize| -> Vec<_> {
        // Only the socket is kept of the client.
        (0..count).map(|_| open(address, config).tcp).collect()
    };
    // What the server keeps once for all, such as tickets, is there by then.
    let _warm = hold(300);
    thread::sleep(Duration::from_millis(500));
    let before = LIVE.load(Ordering::Relaxed);
    let held = hold(500);
    thread::sleep(Duration::from_millis(500));
    (LIVE.load(Ordering::Relaxed) - before) / held.len() as isize
}

fn echo(address: SocketAddr, config: &Arc<ClientConfig>, size: usize, connections: usize) -> f64 {
    let mut wires: Vec<Wire> = (0..connections).map(|_| open(address, config)).collect();
    let mut frame = vec![0x82, 0xff];
    frame.extend((size as u64).to_be_bytes());
    frame.extend([0; 4]);
    frame.resize(frame.len() + size, 7);
    let header = match size {
        0..126 => 2,
        126..65_536 => 4,
        _ => 10,
    };
    if size < 126 {
        frame.drain(1..10);
        frame.insert(1, 0x80 | size as u8);
    } else if size < 65_536 {
        frame.drain(1..10);
        frame.splice(1..1, [0xfe, (size >> 8) as u8, size as u8]);
    }
    let mut answer = vec![0; header + size];
    let rounds = (60_000_000 / (size + 20_000)).max(connections) / connections;
    cost(rounds * connections, || {
        for _ in 0..rounds {
            for wire in &mut wires {
                wire.send(&frame);
            }
            for wire in &mut wires {
                wire.receive(&mut answer).unwrap();
            }
        }
    })
}

fn main() {
    let certificate = Certificate::new();
    let config = Arc::new(certificate.client(BOTH));
    let mut fresh = certificate.client(BOTH);
    fresh.resumption = Resumption::disabled();
    let fresh = Arc::new(fresh);
    let servers = [
        ("worker", start_worker(&certificate)),
        ("tokio", start_tokio(&certificate)),
    ];
    for (name, address) in servers {
        println!(
            "{name}: {} bytes a connection",
            bytes_per_connection(address, &fresh)
        );
    }
    for turn in 0..5 {
        for (name, address) in servers {
            let full = cost(500, || (0..500).for_each(|_| drop(open(address, &fresh))));
            let resumed = cost(500, || (0..500).for_each(|_| drop(open(address, &config))));
            print!("{turn} {name}: handshake {full:.0} us, resumed {resumed:.0} us; echo");
            for (size, connections) in [(20, 50), (1_024, 50), (16_384, 10), (1 << 20, 4)] {
                print!(
                    ", {size} B {:.2} us",
                    echo(address, &config, size, connections)
                );
            }
            println!();
        }
    }
}
