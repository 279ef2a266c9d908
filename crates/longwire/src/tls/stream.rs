//! A session on a stream of tokio.

use super::{
    rustls::{CommonState, server::UnbufferedServerConnection},
    session::{End, Received, Session},
};
use crate::{io::Duplex, unread::Unread};
use std::{
    cell::Cell,
    future::poll_fn,
    io::{self, ErrorKind, IoSlice},
    pin::Pin,
    slice,
    task::{Context, Poll, ready},
};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
};

/// More than a session keeps together and leaves free, and some records.
const READ_BUFFER: usize = 64 * 1024;

/// How much is read at a time in the handshake: what comes behind it is kept
/// until it is read.
const HANDSHAKE_BUFFER: usize = 4096;

thread_local! {
    /// What streams read to for those who have less room. Taken out while in use.
    static BUFFER: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
}

/// TLS on TCP, whoever speaks it.
pub(crate) trait TlsOverTcp: Duplex {
    fn tcp(&self) -> &TcpStream;

    /// What the handshake has agreed on.
    fn state(&self) -> &CommonState;

    /// Whether it decrypts where it reads to, if there is room, and copies
    /// otherwise.
    fn wants_room(&self) -> bool;
}

impl TlsOverTcp for tokio_rustls::TlsStream<TcpStream> {
    fn tcp(&self) -> &TcpStream {
        self.get_ref().0
    }

    fn state(&self) -> &CommonState {
        self.get_ref().1
    }

    fn wants_room(&self) -> bool {
        false
    }
}

impl<E: End> TlsOverTcp for SessionStream<E> {
    fn tcp(&self) -> &TcpStream {
        &self.io
    }

    fn state(&self) -> &CommonState {
        self.session.state()
    }

    fn wants_room(&self) -> bool {
        true
    }
}

/// One end of a TLS connection.
pub(crate) struct SessionStream<E = UnbufferedServerConnection, S = TcpStream> {
    session: Session<E>,
    io: S,
    /// Plaintext that nobody has taken yet.
    received: Unread,
}

impl<E: End, S: Duplex> SessionStream<E, S> {
    pub(crate) fn new(session: Session<E>, io: S) -> SessionStream<E, S> {
        SessionStream {
            session,
            io,
            received: Unread::default(),
        }
    }

    /// Runs the handshake.
    ///
    /// # Errors
    /// As those of [`Session::read`].
    ///
    /// # Cancel safety
    /// Dropping the future drops the stream.
    pub(crate) async fn shake_hands(mut self: Box<Self>) -> io::Result<Box<Self>> {
        poll_fn(|cx| self.poll_shake_hands(cx)).await?;
        Ok(self)
    }

    fn poll_shake_hands(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        loop {
            ready!(self.poll_write_unsent(cx))?;
            if !self.session.is_handshaking() {
                return Poll::Ready(Ok(()));
            }
            let mut scratch = [0; HANDSHAKE_BUFFER];
            let mut buf = ReadBuf::new(&mut scratch);
            ready!(Pin::new(&mut self.io).poll_read(cx, &mut buf))?;
            if buf.filled().is_empty() {
                let text = "the peer closed the connection in the TLS handshake";
                return Poll::Ready(Err(io::Error::new(ErrorKind::UnexpectedEof, text)));
            }
            if self.session.receive(buf.filled())
                && let Err(error) = self.session.shake_hands()
            {
                let mut transport = Polled(&mut self.io, cx);
                return Poll::Ready(Err(self.session.failed(&mut transport, error)));
            }
        }
    }

    /// Writes the ciphertext that there is.
    fn poll_write_unsent(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.session.write_unsent(&mut Polled(&mut self.io, cx))? {
            Pin::new(&mut self.io).poll_flush(cx)
        } else {
            Poll::Pending
        }
    }

    /// Reads to a buffer that a session can work in. Nothing at the end.
    fn poll_session(&mut self, cx: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<usize>> {
        match self.session.read(&mut Polled(&mut self.io, cx), buffer)? {
            Received::Plaintext { len, .. } => Poll::Ready(Ok(len)),
            Received::Nothing => Poll::Pending,
            Received::End => Poll::Ready(Ok(0)),
        }
    }

    /// Encrypts and writes the beginning of `pieces`, which are not empty.
    fn poll_write_pieces(
        &mut self,
        cx: &mut Context<'_>,
        pieces: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        match self.session.write(&mut Polled(&mut self.io, cx), pieces) {
            Ok(0) => Poll::Pending,
            written => Poll::Ready(written),
        }
    }
}

impl<E: End, S: Duplex> AsyncRead for SessionStream<E, S> {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if !this.received.is_empty() {
            this.received.take(buf);
            return Poll::Ready(Ok(()));
        }
        let room = buf.initialized().len() - buf.filled().len();
        if room >= READ_BUFFER {
            // Decrypted where it is wanted.
            let len = ready!(this.poll_session(cx, buf.initialize_unfilled_to(room)))?;
            buf.advance(len);
            return Poll::Ready(Ok(()));
        }
        let mut buffer = BUFFER.take();
        buffer.resize(READ_BUFFER, 0);
        let polled = this.poll_session(cx, &mut buffer);
        if let Poll::Ready(Ok(len)) = polled {
            let (wanted, unread) = buffer[..len].split_at(len.min(buf.remaining()));
            buf.put_slice(wanted);
            this.received = unread.to_vec().into();
        }
        BUFFER.set(buffer);
        polled.map_ok(|_| ())
    }
}

impl<E: End, S: Duplex> AsyncWrite for SessionStream<E, S> {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.poll_write_vectored(cx, slice::from_ref(&IoSlice::new(buf)))
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        if bufs.iter().all(|buf| buf.is_empty()) {
            return Poll::Ready(Ok(0));
        }
        self.get_mut().poll_write_pieces(cx, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.get_mut().poll_write_unsent(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        this.session.close();
        ready!(this.poll_write_unsent(cx))?;
        Pin::new(&mut this.io).poll_shutdown(cx)
    }
}

/// A stream that is polled, as one that would block.
struct Polled<'p, 'c, S>(&'p mut S, &'p mut Context<'c>);

impl<S: Duplex> io::Read for Polled<'_, '_, S> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let mut buf = ReadBuf::new(buffer);
        match Pin::new(&mut *self.0).poll_read(self.1, &mut buf) {
            Poll::Ready(read) => read.map(|()| buf.filled().len()),
            Poll::Pending => Err(ErrorKind::WouldBlock.into()),
        }
    }
}

impl<S: Duplex> io::Write for Polled<'_, '_, S> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match Pin::new(&mut *self.0).poll_write(self.1, bytes) {
            Poll::Ready(written) => written,
            Poll::Pending => Err(ErrorKind::WouldBlock.into()),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests;
