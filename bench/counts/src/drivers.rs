//! The two drivers, each with a peer that knows nothing but bytes.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};

use longwire::proto::Opcode;
use longwire::server::Refusal;
use longwire::worker::{Acceptance, Engine, EngineOptions, Handler, Opening, Peer};
use longwire::{Config, MessageRef, PreparedMessage, Role, WebSocket};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use crate::{Result, answer_len, frame};

/// A turn of the worker for so many messages in flight: readiness, a read, the handler, a
/// write. The peer's system calls are in it too, which valgrind does not see
/// into.
pub(crate) fn handler(times: usize, len: usize, in_flight: usize) -> Result {
    let engine = engine(Echo)?;
    let mut peer = open(&engine)?;
    let message = frame(Opcode::Binary, &vec![b'x'; len]);
    let mut answers = vec![0; answer_len(&message) * in_flight];
    let messages = message.repeat(in_flight);
    for _ in 0..times / in_flight {
        peer.write_all(&messages)?;
        peer.read_exact(&mut answers)?;
    }
    engine.handle().shutdown();
    Ok(())
}

/// A turn of the worker for so many publications of 128 bytes in one write, which
/// all subscribers get. One of them publishes. Their system calls are in it too.
pub(crate) fn publish(times: usize, subscribers: usize, outstanding: usize) -> Result {
    let engine = engine(Topic)?;
    let peers: Result<Vec<TcpStream>> = (0..subscribers).map(|_| open(&engine)).collect();
    let mut peers = peers?;
    let message = frame(Opcode::Binary, &[b'x'; 128]);
    let mut publications = vec![0; answer_len(&message) * outstanding];
    let messages = message.repeat(outstanding);
    for _ in 0..times / outstanding {
        peers[0].write_all(&messages)?;
        for peer in &mut peers {
            peer.read_exact(&mut publications)?;
        }
    }
    engine.handle().shutdown();
    Ok(())
}

fn engine(handler: impl Handler) -> Result<Engine> {
    let mut options = EngineOptions::default();
    options.workers = 1;
    let listener = TcpListener::bind("127.0.0.1:0")?;
    Ok(Engine::start(&listener, handler, options)?)
}

/// A peer whose opening handshake is done.
fn open(engine: &Engine) -> Result<TcpStream> {
    let mut peer = TcpStream::connect(engine.local_addr())?;
    peer.set_nodelay(true)?;
    peer.write_all(
        b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
          Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
    )?;
    let mut response = Vec::new();
    while !response.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        peer.read_exact(&mut byte)?;
        response.push(byte[0]);
    }
    Ok(peer)
}

struct Echo;

impl Handler for Echo {
    type Data = ();

    fn on_request(&self, _: &Opening<'_>) -> std::result::Result<(Acceptance, ()), Refusal> {
        Ok((Acceptance::new(), ()))
    }

    fn on_message<'m>(
        &self,
        _: &mut Peer<'_, ()>,
        message: MessageRef<'m>,
    ) -> Option<MessageRef<'m>> {
        Some(message)
    }
}

struct Topic;

impl Handler for Topic {
    type Data = ();

    fn on_request(&self, _: &Opening<'_>) -> std::result::Result<(Acceptance, ()), Refusal> {
        Ok((Acceptance::new(), ()))
    }

    fn on_open(&self, peer: &mut Peer<'_, ()>) {
        peer.subscribe("lobby").expect("it is the only topic");
    }

    fn on_message<'m>(
        &self,
        peer: &mut Peer<'_, ()>,
        message: MessageRef<'m>,
    ) -> Option<MessageRef<'m>> {
        let message = PreparedMessage::from_ref(message);
        let published = peer.publish_to_all("lobby", message);
        published.expect("little waits");
        None
    }
}

/// A task of the obvious loop, over a pipe in memory, with so many messages in
/// flight.
pub(crate) fn async_echo(times: usize, len: usize, in_flight: usize) -> Result {
    // The clock stands, so that the keeper does not come by chance.
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .start_paused(true)
        .build()?;
    runtime.block_on(async {
        let (mut peer, stream) = tokio::io::duplex(64 * 1024);
        let mut ws = WebSocket::from_stream(stream, Role::Server, Config::server(), b"");
        let echo = tokio::spawn(async move {
            while let Some(Ok(message)) = ws.next().await {
                if ws.send(message).await.is_err() {
                    return;
                }
            }
        });
        let message = frame(Opcode::Binary, &vec![b'x'; len]);
        let mut answers = vec![0; answer_len(&message) * in_flight];
        let messages = message.repeat(in_flight);
        for _ in 0..times / in_flight {
            peer.write_all(&messages).await?;
            peer.read_exact(&mut answers).await?;
        }
        drop(peer);
        echo.await?;
        Ok(())
    })
}
