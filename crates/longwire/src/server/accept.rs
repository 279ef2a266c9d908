use super::{
    AcceptError, Address, HttpConnection, Options, Pending,
    connections::Connections,
    heartbeat,
    linger::{poll_read_with, refuse},
    proxies::{Announced, ProxyHeaderReader},
};
use crate::io::Io;
#[cfg(feature = "tls")]
use crate::{
    io::Duplex,
    tls::{ServerTls, SessionStream, rustls::server::UnbufferedServerConnection},
};
use longwire_proto::handshake::{HeadError, Headers, Refusal, Request, RequestHead, RequestReader};
use std::{
    future::poll_fn,
    io,
    net::{IpAddr, SocketAddr},
    sync::Arc,
};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite},
    sync::OwnedSemaphorePermit,
    time::{Instant, timeout_at},
};
use tracing::warn;

/// What a client wants.
#[derive(Debug)]
#[expect(
    clippy::large_enum_variant,
    reason = "moved a few times in the life of a connection, and matched where it is made"
)]
pub enum Accepted {
    /// A WebSocket: its request is in order and waits for an answer.
    WebSocket(Pending),
    /// Something else of an HTTP server.
    Http(HttpConnection),
}

/// The place of a connection among a server's handshakes.
#[derive(Debug)]
pub(super) struct Place {
    /// Given back when dropped.
    pub(super) _permit: OwnedSemaphorePermit,
    pub(super) connections: Arc<Connections>,
}

/// Runs the opening handshake on a stream up to the decision, TLS included if
/// the options have it.
///
/// # Errors
/// [`AcceptError`]; the client has been answered and the stream closed then.
///
/// # Cancel safety
/// Dropping the future drops the stream.
pub async fn accept<S>(stream: S, options: &Options) -> Result<Accepted, AcceptError>
where
    S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    let io = Io::new(stream);
    let peer = Address::of_peer(&io);
    handshake(io, peer, options, None).await
}

pub(super) async fn handshake(
    io: Io,
    peer: Option<Address>,
    options: &Options,
    place: Option<Place>,
) -> Result<Accepted, AcceptError> {
    let deadline = Instant::now() + options.handshake_timeout;
    if let Io::Tcp(tcp) = &io {
        // Frames are small and each is wanted at once. What fails here fails
        // again, and with a reason, on the first read.
        let _ = tcp.set_nodelay(true);
    }
    let (mut io, from) = match timeout_at(deadline, prepare(io, peer, options, deadline)).await {
        Ok(prepared) => prepared?,
        Err(_) => return Err(AcceptError::Timeout { received: 0 }),
    };
    let mut reader = RequestReader::new(options.head_limits);
    let read = timeout_at(deadline, read_head(&mut io, &mut reader)).await;
    let received = reader.received();
    drop(reader);
    match read {
        Ok(Ok(Some((head, rest)))) => judge(head, rest, io, from, options, place).await,
        Ok(Ok(None)) => Err(AcceptError::Closed { received }),
        Ok(Err(ReadError::Io(error))) => Err(error.into()),
        Ok(Err(ReadError::Head(error))) => Err(refused(io, error.into()).await),
        Err(_) => {
            if received > 0 {
                refused(io, super::late()).await;
            }
            Err(AcceptError::Timeout { received })
        }
    }
}

/// Where a connection comes from.
struct Hop {
    peer: Option<Address>,
    /// What the peer, a trusted proxy, has announced.
    announced: Option<SocketAddr>,
}

impl Hop {
    /// Where the client is that sends a request with these headers.
    fn client(&self, options: &Options, headers: &Headers) -> Option<IpAddr> {
        let peer = self.peer.as_ref()?;
        options.proxies.client(peer, self.announced, headers)
    }
}

/// Reads and does what comes before the request.
async fn prepare(
    mut io: Io,
    peer: Option<Address>,
    options: &Options,
    deadline: Instant,
) -> Result<(Io, Hop), AcceptError> {
    let expected = peer
        .as_ref()
        .filter(|peer| options.proxies.expects_header_of(peer));
    let announced = match expected {
        Some(peer) => match timeout_at(deadline, read_proxy_header(&mut io, peer)).await {
            Ok(read) => read?,
            Err(_) => {
                warn!(%peer, "the proxy sent no whole PROXY header in time");
                return Err(AcceptError::Timeout { received: 0 });
            }
        },
        None => None,
    };
    let io = secure(io, options).await?;
    Ok((io, Hop { peer, announced }))
}

/// Reads what a trusted proxy sends first, and nothing behind it.
async fn read_proxy_header(io: &mut Io, peer: &Address) -> Result<Option<SocketAddr>, AcceptError> {
    let mut reader = ProxyHeaderReader::default();
    let mut buffer = [0; 256];
    loop {
        let wants = reader.wants().min(buffer.len());
        let read = match io.read(&mut buffer[..wants]).await? {
            0 => return Err(AcceptError::Closed { received: 0 }),
            read => read,
        };
        match reader.receive(&buffer[..read]) {
            Ok(None) => {}
            Ok(Some(Announced::Client(address))) => return Ok(Some(address)),
            Ok(Some(Announced::Nothing)) => return Ok(None),
            Err(error) => {
                warn!(%peer, reason = %error, "the proxy is not understood");
                return Err(AcceptError::ProxyHeader(error));
            }
        }
    }
}

/// Decides what can be decided without the program.
async fn judge(
    head: RequestHead,
    rest: Vec<u8>,
    io: Io,
    from: Hop,
    options: &Options,
    place: Option<Place>,
) -> Result<Accepted, AcceptError> {
    let client = from.client(options, head.headers());
    if !head.is_upgrade() {
        let mut http = HttpConnection::new(head, &rest, io, from.peer, client);
        http.place = place;
        return Ok(Accepted::Http(http));
    }
    let judged = Request::from_head(head)
        .and_then(|request| options.check_origin(&request).map(|()| request));
    let request = match judged {
        Ok(request) => request,
        Err(refusal) => return Err(refused(io, refusal).await),
    };
    if !heartbeat::is_canary(&request) {
        let pending = Pending::new(request, rest, io, (from.peer, client), options, place);
        return Ok(Accepted::WebSocket(pending));
    }
    match heartbeat::admit(&options.config) {
        Ok(admitted) => {
            let pending = Pending::new(request, rest, io, (from.peer, client), options, place);
            pending.accept_canary(admitted).await?;
            Err(AcceptError::Canary)
        }
        Err(refusal) => Err(refused(io, refusal).await),
    }
}

async fn refused(io: Io, refusal: Refusal) -> AcceptError {
    // The refusal is what matters; that the client did not wait for it is not.
    let _ = refuse(io, &refusal).await;
    AcceptError::Refused(refusal)
}

enum ReadError {
    Io(io::Error),
    Head(HeadError),
}

/// Reads the head, and what came right behind it; nothing if the client closes
/// the connection first.
async fn read_head(
    io: &mut Io,
    reader: &mut RequestReader,
) -> Result<Option<(RequestHead, Vec<u8>)>, ReadError> {
    loop {
        let read = poll_fn(|cx| {
            poll_read_with(io, cx, |mut input| match input {
                [] => Some(Ok(None)),
                _ => match reader.receive(&mut input) {
                    Ok(None) => None,
                    Ok(Some(head)) => Some(Ok(Some((head, input.to_vec())))),
                    Err(error) => Some(Err(ReadError::Head(error))),
                },
            })
        });
        if let Some(done) = read.await.map_err(ReadError::Io)? {
            return done;
        }
    }
}

#[cfg(not(feature = "tls"))]
async fn secure(io: Io, _: &Options) -> Result<Io, AcceptError> {
    Ok(io)
}

/// Runs the TLS handshake if there is to be one.
#[cfg(feature = "tls")]
async fn secure(io: Io, options: &Options) -> Result<Io, AcceptError> {
    let Some(tls) = &options.tls else {
        return Ok(io);
    };
    match io {
        Io::Tcp(tcp) => {
            let mut first = [0];
            match tcp.peek(&mut first).await? {
                0 => return Err(AcceptError::Closed { received: 0 }),
                _ if first[0] != crate::tls::HANDSHAKE => return not_tls(Io::Tcp(tcp)).await,
                _ => {}
            }
            Ok(Io::Tls(shake_hands(tls, tcp).await?))
        }
        other => Ok(Io::Other(shake_hands(tls, other).await?)),
    }
}

#[cfg(feature = "tls")]
async fn shake_hands<S: Duplex>(
    tls: &ServerTls,
    io: S,
) -> Result<Box<SessionStream<UnbufferedServerConnection, S>>, AcceptError> {
    let secured = tls.stream(io).map_err(AcceptError::Tls)?.shake_hands();
    secured.await.map_err(AcceptError::Tls)
}

/// Tells, in plain text, one who speaks plain text what to do.
#[cfg(feature = "tls")]
async fn not_tls(io: Io) -> Result<Io, AcceptError> {
    refused(io, super::not_tls()).await;
    Err(AcceptError::NotTls)
}
