use crate::io::Io;
#[cfg(feature = "tls")]
use crate::tls::TlsOverTcp;
use std::{
    any::Any,
    fmt, io,
    net::SocketAddr,
    pin::Pin,
    task::{Context, Poll},
};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
};

/// A connection to a server, before the opening handshake: TCP, and TLS within
/// it for `wss://`.
///
/// [`Connector::dial`](super::Connector::dial) makes it, and
/// [`Connector::handshake`](super::Connector::handshake) takes it, as it is or
/// wrapped in something that looks at the bytes.
pub struct ByteStream {
    io: Io,
    peer: SocketAddr,
}

impl ByteStream {
    pub(super) fn tcp(stream: TcpStream, peer: SocketAddr) -> ByteStream {
        ByteStream {
            io: Io::Tcp(stream),
            peer,
        }
    }

    #[cfg(all(test, target_os = "linux"))]
    pub(super) fn tcp_stream(&self) -> Option<&TcpStream> {
        match &self.io {
            Io::Tcp(tcp) => Some(tcp),
            _ => None,
        }
    }

    #[cfg(feature = "tls")]
    pub(super) fn tls(stream: Box<dyn TlsOverTcp>, peer: SocketAddr) -> ByteStream {
        ByteStream {
            io: Io::Tls(stream),
            peer,
        }
    }

    /// The address that the connection goes to: the one of the host's addresses
    /// that answered first.
    pub fn peer_addr(&self) -> SocketAddr {
        self.peer
    }

    /// What the TLS handshake agreed on: version, cipher suite, the server's
    /// certificates. `None` for a connection without TLS.
    #[cfg(feature = "tls")]
    pub fn tls_state(&self) -> Option<&crate::tls::rustls::CommonState> {
        match &self.io {
            Io::Tls(stream) => Some(stream.state()),
            _ => None,
        }
    }
}

impl fmt::Debug for ByteStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ByteStream")
            .field("peer_addr", &self.peer)
            .finish_non_exhaustive()
    }
}

impl AsyncRead for ByteStream {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().io).poll_read(cx, buffer)
    }
}

impl AsyncWrite for ByteStream {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().io).poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().io).poll_write_vectored(cx, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().io).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().io).poll_shutdown(cx)
    }
}

/// The transport under a WebSocket.
pub(super) fn into_io<S>(stream: S) -> Io
where
    S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    let mut stream = Some(stream);
    let any: &mut dyn Any = &mut stream;
    if let Some(known) = any.downcast_mut::<Option<ByteStream>>() {
        return known.take().map_or(Io::Closed, |stream| stream.io);
    }
    stream.map_or(Io::Closed, Io::new)
}
