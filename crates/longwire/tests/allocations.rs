//! How much is allocated: for each message, and for a connection that is idle.
#![allow(clippy::unwrap_used, reason = "a test's helpers fail the test")]

#[cfg(feature = "tls")]
mod tls_peer;

use longwire::{
    Server, WebSocket,
    server::{Listener, Options},
};
use std::{
    io::{self, Read, Write},
    net::TcpStream,
    sync::mpsc,
    time::Duration,
};
use testkit::{Allocations, Counting};
use tokio::sync::oneshot;

#[global_allocator]
static ALLOCATOR: Counting = Counting;

const REQUEST: &[u8] =
    b"GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
        Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";

/// Of our own making, so that the client's part allocates on another thread and
/// is not counted.
struct Client(TcpStream);

impl Client {
    fn connect(address: &str) -> io::Result<Client> {
        let mut stream = TcpStream::connect(address)?;
        stream.set_read_timeout(Some(Duration::from_secs(60)))?;
        stream.write_all(REQUEST)?;
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            let mut byte = [0];
            stream.read_exact(&mut byte)?;
            head.push(byte[0]);
        }
        assert!(head.starts_with(b"HTTP/1.1 101"));
        Ok(Client(stream))
    }

    /// Sends that many messages of 20 bytes at once, and reads them back.
    fn echo(&mut self, messages: usize) -> io::Result<()> {
        let mut frame = vec![0x82, 0x80 | 20, 0, 0, 0, 0];
        frame.extend_from_slice(&[7; 20]);
        self.0.write_all(&frame.repeat(messages))?;
        let mut answers = vec![0; 22 * messages];
        self.0.read_exact(&mut answers)?;
        assert!(answers.chunks(22).all(|answer| answer[..2] == [0x82, 20]));
        Ok(())
    }
}

/// The loop that everybody writes.
async fn serve(mut ws: WebSocket) -> Result<(), longwire::Error> {
    while let Some(message) = ws.next().await {
        ws.send(message?).await?;
    }
    Ok(())
}

/// What the server allocates between the steps of a client, in order. The
/// server, all of it, is on the thread that asks; the client is not.
fn between_steps(
    options: Options,
    client: impl FnOnce(&str, &mut dyn FnMut()) + Send + 'static,
) -> Vec<Allocations> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("no runtime");
    runtime.block_on(async {
        let listener = Listener::bind("127.0.0.1:0").await.expect("no port");
        let mut server = Server::listen(listener, options);
        let address = server.local_addr().to_string();
        let (step, mut steps) = tokio::sync::mpsc::unbounded_channel::<mpsc::Sender<()>>();
        let (done, finished) = oneshot::channel();
        std::thread::spawn(move || {
            client(&address, &mut || {
                let (seen, wait) = mpsc::channel();
                step.send(seen).expect("the test is over");
                wait.recv().expect("the test is over");
            });
            drop(step);
            let _ = done.send(());
        });
        tokio::spawn(async move {
            while let Some(pending) = server.accept().await {
                tokio::spawn(async move { serve(pending.accept().await.expect("refused")).await });
            }
        });
        let mut seen = Vec::new();
        while let Some(step) = steps.recv().await {
            // The keeper has a look at what came last, and then it is quiet.
            tokio::time::sleep(Duration::from_millis(300)).await;
            seen.push(Allocations::of_thread());
            step.send(()).expect("the client gave up");
        }
        finished.await.expect("the client panicked");
        seen.windows(2).map(|pair| pair[1] - pair[0]).collect()
    })
}

#[test]
fn a_message_is_one_allocation() {
    const MESSAGES: usize = 2_000;
    for in_flight in [1, 16] {
        let made = between_steps(Options::default(), move |address, step| {
            let mut client = Client::connect(address).unwrap();
            client.echo(64).unwrap();
            step();
            for _ in 0..MESSAGES / in_flight {
                client.echo(in_flight).unwrap();
            }
            step();
        });
        let count = usize::try_from(made[0].count).unwrap();
        // The message itself; and now and then an entry of a timer.
        let expected = MESSAGES..MESSAGES + MESSAGES / 20;
        assert!(expected.contains(&count), "{in_flight} in flight: {count}");
    }
}

/// Of what was made in two steps, connections and then traffic on each.
fn assert_each_holds(made: &[Allocations], connections: usize, most: i64) {
    let each = |made: &Allocations| made.held / i64::try_from(connections).unwrap();
    let idle = each(&made[0]);
    assert!(idle <= most, "{idle} bytes");
    let after = idle + each(&made[1]);
    assert!(after <= most, "{after} bytes after traffic");
}

#[test]
fn an_idle_connection_holds_little_before_and_after_traffic() {
    const CONNECTIONS: usize = 200;
    const MOST: i64 = 1_100;
    let made = between_steps(Options::default(), |address, step| {
        // What is there once for all of them.
        let mut clients = vec![Client::connect(address).unwrap()];
        clients[0].echo(16).unwrap();
        step();
        clients.extend((0..CONNECTIONS).map(|_| Client::connect(address).unwrap()));
        step();
        for client in &mut clients {
            client.echo(16).unwrap();
        }
        step();
    });
    assert_each_holds(&made, CONNECTIONS, MOST);
}

/// What an idle connection holds behind TLS: as much as without, and what rustls
/// keeps of its keys. No buffer, also when large messages have come and gone.
#[cfg(feature = "tls")]
#[test]
fn an_idle_connection_behind_tls_holds_no_buffer() {
    const CONNECTIONS: usize = 200;
    const MOST: i64 = 4_700;
    let certificate = tls_peer::Certificate::new();
    let mut options = Options::default();
    options.tls = Some(certificate.server());
    let made = between_steps(options, move |address, step| {
        let address = address.parse().unwrap();
        let mut config = certificate.client(tls_peer::BOTH);
        config.resumption = tokio_rustls::rustls::client::Resumption::disabled();
        let config = std::sync::Arc::new(config);
        let request = String::from_utf8(REQUEST.to_vec()).unwrap();
        let open = || {
            let mut wire = tls_peer::Wire::connect(address, &config);
            wire.open(&request);
            wire
        };
        let mut echo = vec![0x82, 0xfe, 0xff, 0xff, 0, 0, 0, 0];
        echo.resize(8 + 0xffff, 7);
        let mut answer = vec![0; 4 + 0xffff];
        // What is there once for all of them, such as the last sessions, which may
        // be resumed.
        let mut wires: Vec<_> = (0..300).map(|_| open()).collect();
        wires[0].send(&echo);
        wires[0].receive(&mut answer).unwrap();
        step();
        wires.extend((0..CONNECTIONS).map(|_| open()));
        step();
        for wire in &mut wires[300..] {
            wire.send(&echo);
            wire.receive(&mut answer).unwrap();
        }
        step();
    });
    assert_each_holds(&made, CONNECTIONS, MOST);
}
