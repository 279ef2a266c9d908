use super::{
    accept::Place,
    address::{Address, Shown},
    pending::refuse_in_background,
};
use crate::{io::Io, unread::Unread};
use longwire_proto::handshake::{Refusal, RequestHead};
use std::{
    fmt, io,
    net::IpAddr,
    pin::Pin,
    task::{Context, Poll},
};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tracing::debug;

/// A connection whose first request asks for no WebSocket.
///
/// It is for the program's HTTP server, which reads it from its beginning with
/// [`into_stream`](HttpConnection::into_stream); with hyper:
/// `TokioIo::new(http.into_stream())`.
#[derive(Debug)]
pub struct HttpConnection {
    pub(super) head: RequestHead,
    pub(super) stream: Rewound,
    pub(super) peer: Option<Address>,
    client: Option<IpAddr>,
    pub(super) place: Option<Place>,
}

impl HttpConnection {
    /// With what came behind the head.
    pub(crate) fn new(
        head: RequestHead,
        rest: &[u8],
        io: Io,
        peer: Option<Address>,
        client: Option<IpAddr>,
    ) -> HttpConnection {
        let stream = Rewound::new(io, [head.raw(), rest].concat());
        HttpConnection {
            head,
            stream,
            peer,
            client,
            place: None,
        }
    }

    /// The head of the first request.
    pub fn head(&self) -> &RequestHead {
        &self.head
    }

    /// Where the connection comes from, if that can be told. Behind a proxy this
    /// is the proxy.
    pub fn peer_addr(&self) -> Option<&Address> {
        self.peer.as_ref()
    }

    /// Where the client of the first request is: see
    /// [`Pending::client_addr`](super::Pending::client_addr). Later requests on
    /// the connection may be of others, and tell for themselves.
    pub fn client_addr(&self) -> Option<IpAddr> {
        self.client
    }

    /// The connection, to be read from the first byte of the first request.
    pub fn into_stream(self) -> Rewound {
        self.stream
    }

    /// Answers the request and closes the connection, in the background.
    ///
    /// # Panics
    /// Outside of a tokio runtime.
    pub fn refuse(self, refusal: Refusal) {
        debug!(
            peer = %Shown(&self.peer),
            method = self.head.method(),
            status = refusal.status(),
            reason = %refusal,
            "request refused"
        );
        refuse_in_background(self.stream.io, refusal, self.place);
    }
}

/// A stream that begins anew: the bytes that were read from it come first.
pub struct Rewound {
    io: Io,
    read: Unread,
}

impl Rewound {
    pub(crate) fn new(io: Io, read: Vec<u8>) -> Rewound {
        let read = read.into();
        Rewound { io, read }
    }

    /// The transport, and the bytes that have not been read again.
    #[cfg(feature = "hyper")]
    pub(crate) fn into_parts(self) -> (Io, Vec<u8>) {
        (self.io, self.read.into_bytes())
    }
}

impl fmt::Debug for Rewound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Rewound")
            .field("rewound_bytes", &self.read.len())
            .finish_non_exhaustive()
    }
}

impl AsyncRead for Rewound {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if this.read.is_empty() {
            return Pin::new(&mut this.io).poll_read(cx, buf);
        }
        this.read.take(buf);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Rewound {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.io).poll_write(cx, buf)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.io).poll_write_vectored(cx, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(cx)
    }
}
