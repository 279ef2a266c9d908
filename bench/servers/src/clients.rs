//! Clients, against an echo server that is faster than they are.
//!
//! `bench-servers client NAME ADDR:PORT -c N -i N -s BYTES -d SECONDS` keeps
//! messages in flight on some connections, on one thread, and prints as JSON
//! what CPU time a message took.

use std::cell::Cell;
use std::future::Future;
use std::rc::Rc;
use std::time::{Duration, Instant};

use fastwebsockets::{FragmentCollector, Frame, OpCode, Payload};
use futures_util::{Sink, SinkExt as _, Stream, StreamExt as _};
use http_body_util::Empty;
use hyper::body::Bytes;
use hyper::header::{CONNECTION, HOST, UPGRADE};
use rustix::time::{ClockId, clock_gettime};
use tokio::net::TcpStream;
use tokio::task::LocalSet;
use tokio_tungstenite::tungstenite;

use crate::Result;
use crate::listen::block_on;

/// What is not measured: the connecting, and the first messages.
const WARM_UP: Duration = Duration::from_millis(200);

#[derive(Clone)]
struct Load {
    url: String,
    address: String,
    connections: usize,
    in_flight: usize,
    message: Bytes,
    time: Duration,
    answers: Rc<Cell<u64>>,
}

/// Measures one client.
pub(crate) fn run(name: &str, address: &str, load: &[&str]) -> Result {
    let load = Load::parse(address, load)?;
    block_on(async {
        match name {
            "longwire" => load.measure(longwire).await,
            "tokio-tungstenite" => load.measure(tokio_tungstenite).await,
            "tokio-websockets" => load.measure(tokio_websockets).await,
            "fastwebsockets" => load.measure(fastwebsockets).await,
            _ => Err("there is no such client".into()),
        }
    })
}

impl Load {
    fn parse(address: &str, load: &[&str]) -> Result<Load> {
        let [
            "-c",
            connections,
            "-i",
            in_flight,
            "-s",
            size,
            "-d",
            seconds,
        ] = load
        else {
            return Err("a load is -c CONNECTIONS -i IN_FLIGHT -s BYTES -d SECONDS".into());
        };
        Ok(Load {
            url: format!("ws://{address}/"),
            address: address.to_owned(),
            connections: connections.parse()?,
            in_flight: in_flight.parse()?,
            message: vec![b'x'; size.parse()?].into(),
            time: Duration::from_secs_f64(seconds.parse()?),
            answers: Rc::default(),
        })
    }

    async fn measure<F>(&self, client: fn(Load) -> F) -> Result
    where
        F: Future<Output = Result> + 'static,
    {
        let tasks = LocalSet::new();
        for _ in 0..self.connections {
            let running = client(self.clone());
            tasks.spawn_local(async move {
                if let Err(error) = running.await {
                    eprintln!("{error}");
                }
            });
        }
        let measured = tasks.run_until(async {
            tokio::time::sleep(WARM_UP).await;
            let (cpu, answers, start) = (cpu(), self.answers.get(), Instant::now());
            tokio::time::sleep(self.time).await;
            let messages = self.answers.get() - answers;
            (cpu_since(cpu), messages, start.elapsed())
        });
        let (cpu, messages, elapsed) = measured.await;
        if messages == 0 {
            return Err("no message came back".into());
        }
        let result = serde_json::json!({
            "messages": messages,
            "seconds": elapsed.as_secs_f64(),
            "client": { "cpu_us_each": cpu.as_secs_f64() * 1e6 / messages as f64 },
        });
        println!("{result}");
        Ok(())
    }

    fn count(&self) {
        self.answers.set(self.answers.get() + 1);
    }
}

/// Of this process.
fn cpu() -> Duration {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}

fn cpu_since(before: Duration) -> Duration {
    cpu().saturating_sub(before)
}

async fn longwire(load: Load) -> Result {
    let mut ws = longwire::connect(load.url.as_str()).await?;
    for _ in 0..load.in_flight {
        ws.send(load.message.clone()).await?;
    }
    while let Some(answer) = ws.next().await {
        answer?;
        load.count();
        ws.send(load.message.clone()).await?;
    }
    Ok(())
}

async fn tokio_tungstenite(load: Load) -> Result {
    let stream = TcpStream::connect(&load.address).await?;
    stream.set_nodelay(true)?;
    let (ws, _) = tokio_tungstenite::client_async(&load.url, stream).await?;
    over_sink(ws, load, tungstenite::Message::Binary).await
}

async fn tokio_websockets(load: Load) -> Result {
    let stream = TcpStream::connect(&load.address).await?;
    stream.set_nodelay(true)?;
    let builder = tokio_websockets::ClientBuilder::new().uri(&load.url)?;
    let (ws, _) = builder.connect_on(stream).await?;
    over_sink(ws, load, tokio_websockets::Message::binary::<Bytes>).await
}

async fn over_sink<W, M, E>(mut ws: W, load: Load, message: fn(Bytes) -> M) -> Result
where
    W: Stream<Item = std::result::Result<M, E>> + Sink<M> + Unpin,
    E: std::error::Error + Send + Sync + 'static,
    W::Error: std::error::Error + Send + Sync + 'static,
{
    for _ in 0..load.in_flight {
        ws.send(message(load.message.clone())).await?;
    }
    while let Some(answer) = ws.next().await {
        answer?;
        load.count();
        ws.send(message(load.message.clone())).await?;
    }
    Ok(())
}

async fn fastwebsockets(load: Load) -> Result {
    let stream = TcpStream::connect(&load.address).await?;
    stream.set_nodelay(true)?;
    let request = hyper::Request::get(&load.url)
        .header(HOST, &load.address)
        .header(UPGRADE, "websocket")
        .header(CONNECTION, "upgrade")
        .header(
            "Sec-WebSocket-Key",
            fastwebsockets::handshake::generate_key(),
        )
        .header("Sec-WebSocket-Version", "13")
        .body(Empty::<Bytes>::new())?;
    let (ws, _) = fastwebsockets::handshake::client(&Spawner, request, stream).await?;
    let mut ws = FragmentCollector::new(ws);
    let frame = || Frame::binary(Payload::Borrowed(&load.message));
    for _ in 0..load.in_flight {
        ws.write_frame(frame()).await?;
    }
    loop {
        let answer = ws.read_frame().await?;
        if answer.opcode == OpCode::Binary {
            load.count();
            ws.write_frame(frame()).await?;
        }
    }
}

/// Runs hyper's side of a connection.
struct Spawner;

impl<F> hyper::rt::Executor<F> for Spawner
where
    F: Future + Send + 'static,
    F::Output: Send,
{
    fn execute(&self, future: F) {
        tokio::spawn(future);
    }
}
