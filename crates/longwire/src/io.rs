//! The transports that a WebSocket runs over.

use crate::tcp;
#[cfg(feature = "tls")]
use crate::tls::TlsOverTcp;
use longwire_proto::{Acknowledgements, Output};
use std::{
    any::Any,
    io::{self, IoSlice},
    net::SocketAddr,
    pin::Pin,
    task::{Context, Poll},
};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
};

/// A transport. TCP is held as it is, so that it costs no allocation, and the
/// other common ones so that they cost no virtual call.
pub(crate) enum Io {
    Tcp(TcpStream),
    #[cfg(unix)]
    Unix(Box<tokio::net::UnixStream>),
    #[cfg(feature = "tls")]
    Tls(Box<dyn TlsOverTcp>),
    Other(Box<dyn Duplex>),
    /// The transport is closed and its descriptor given back.
    Closed,
}

/// Any other transport.
pub(crate) trait Duplex: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Duplex for T {}

/// How many pieces go into one vectored write.
pub(crate) const SLICES: usize = 32;

impl Io {
    /// Holds any transport, and recognises those that have a place of their
    /// own here.
    pub(crate) fn new<T: AsyncRead + AsyncWrite + Send + Unpin + 'static>(io: T) -> Io {
        let mut io = Some(io);
        let any: &mut dyn Any = &mut io;
        if let Some(tcp) = any.downcast_mut::<Option<TcpStream>>() {
            return tcp.take().map_or(Io::Closed, Io::Tcp);
        }
        #[cfg(unix)]
        if let Some(unix) = any.downcast_mut::<Option<tokio::net::UnixStream>>() {
            return unix
                .take()
                .map_or(Io::Closed, |unix| Io::Unix(Box::new(unix)));
        }
        #[cfg(feature = "tls")]
        if let Some(tls) = any.downcast_mut::<Option<tokio_rustls::TlsStream<TcpStream>>>() {
            return tls.take().map_or(Io::Closed, |tls| Io::Tls(Box::new(tls)));
        }
        io.map_or(Io::Closed, |io| Io::Other(Box::new(io)))
    }

    /// Whether the transport has been given back.
    pub(crate) const fn is_closed(&self) -> bool {
        matches!(self, Io::Closed)
    }

    /// Whether a read to a large buffer saves it a copy, wherever the bytes are to
    /// go from there.
    pub(crate) fn wants_room(&self) -> bool {
        match self {
            #[cfg(feature = "tls")]
            Io::Tls(tls) => tls.wants_room(),
            _ => false,
        }
    }

    /// The local address, where there is one: of TCP, and of TLS on it.
    pub(crate) fn local_addr(&self) -> Option<SocketAddr> {
        match self {
            Io::Tcp(tcp) => tcp.local_addr().ok(),
            #[cfg(feature = "tls")]
            Io::Tls(tls) => tls.tcp().local_addr().ok(),
            _ => None,
        }
    }

    /// What the peer's system has acknowledged of what was written, where that is
    /// known. A system call.
    pub(crate) fn acknowledgements(&self) -> Option<Acknowledgements> {
        match self {
            Io::Tcp(tcp) => tcp::acknowledgements(tcp),
            #[cfg(feature = "tls")]
            Io::Tls(tls) => tcp::acknowledgements(tls.tcp()),
            _ => None,
        }
    }

    /// Writes as much of `output` as the transport takes in one call.
    pub(crate) fn poll_write_output(
        &mut self,
        cx: &mut Context<'_>,
        output: &Output,
    ) -> Poll<io::Result<usize>> {
        let mut first = [&[][..]];
        output.slices(&mut first);
        if first[0].len() == output.len() {
            return Pin::new(self).poll_write(cx, first[0]);
        }
        let mut slices = [&[][..]; SLICES];
        let filled = output.slices(&mut slices);
        let bufs = slices.map(IoSlice::new);
        Pin::new(self).poll_write_vectored(cx, &bufs[..filled])
    }

    /// The same, with `payload` right behind it in the same call.
    pub(crate) fn poll_write_followed(
        &mut self,
        cx: &mut Context<'_>,
        output: &Output,
        payload: &[u8],
    ) -> Poll<io::Result<usize>> {
        let mut slices = [&[][..]; SLICES];
        let mut filled = output.slices(&mut slices[..SLICES - 1]);
        // Only behind all of the output.
        if filled < SLICES - 1 {
            slices[filled] = payload;
            filled += 1;
        }
        let bufs = slices.map(IoSlice::new);
        Pin::new(self).poll_write_vectored(cx, &bufs[..filled])
    }
}

macro_rules! delegate {
    ($self:ident, $io:ident => $call:expr, closed => $closed:expr) => {
        match $self.get_mut() {
            Io::Tcp($io) => {
                let $io = Pin::new($io);
                $call
            }
            #[cfg(unix)]
            Io::Unix($io) => {
                let $io = Pin::new(&mut **$io);
                $call
            }
            #[cfg(feature = "tls")]
            Io::Tls($io) => {
                let $io = Pin::new(&mut **$io);
                $call
            }
            Io::Other($io) => {
                let $io = Pin::new(&mut **$io);
                $call
            }
            Io::Closed => $closed,
        }
    };
}

impl AsyncRead for Io {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        delegate!(self, io => io.poll_read(cx, buf), closed => Poll::Ready(Ok(())))
    }
}

impl AsyncWrite for Io {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        delegate!(self, io => io.poll_write(cx, buf), closed => Poll::Ready(Ok(0)))
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        delegate!(self, io => io.poll_write_vectored(cx, bufs), closed => Poll::Ready(Ok(0)))
    }

    /// Whether a vectored write takes more than its first piece, without a copy.
    fn is_write_vectored(&self) -> bool {
        match self {
            Io::Tcp(io) => io.is_write_vectored(),
            #[cfg(unix)]
            Io::Unix(io) => io.is_write_vectored(),
            #[cfg(feature = "tls")]
            Io::Tls(io) => io.is_write_vectored(),
            Io::Other(io) => io.is_write_vectored(),
            Io::Closed => false,
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        delegate!(self, io => io.poll_flush(cx), closed => Poll::Ready(Ok(())))
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        delegate!(self, io => io.poll_shutdown(cx), closed => Poll::Ready(Ok(())))
    }
}
