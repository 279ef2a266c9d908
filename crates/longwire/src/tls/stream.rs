//! A session on a stream of tokio.

use super::session::{Received, Session};
use crate::unread::Unread;
use std::{
    cell::Cell,
    io::{self, ErrorKind},
    pin::Pin,
    task::{Context, Poll, ready},
};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
};

/// More than a session keeps together and leaves free, and some records.
const READ_BUFFER: usize = 128 * 1024;

thread_local! {
    /// What streams read to. Taken out while in use.
    static BUFFER: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
}

/// A TLS connection whose handshake is done.
pub(crate) struct SessionStream {
    session: Box<Session>,
    tcp: TcpStream,
    /// Plaintext that nobody has taken yet.
    received: Unread,
}

impl SessionStream {
    pub(crate) fn new(session: Box<Session>, tcp: TcpStream) -> SessionStream {
        SessionStream {
            session,
            tcp,
            received: Unread::default(),
        }
    }

    /// Writes the ciphertext that there is.
    fn poll_write_unsent(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut tcp = Polled(&mut self.tcp, cx);
        match self.session.write_unsent(&mut tcp) {
            Ok(true) => Poll::Ready(Ok(())),
            Ok(false) => Poll::Pending,
            Err(error) => Poll::Ready(Err(error)),
        }
    }
}

impl AsyncRead for SessionStream {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if this.received.is_empty() {
            let mut buffer = BUFFER.take();
            buffer.resize(READ_BUFFER, 0);
            let mut tcp = Polled(&mut this.tcp, cx);
            let received = this.session.read(&mut tcp, &mut buffer);
            if let Ok(Received::Plaintext { len, .. }) = received {
                this.received = buffer[..len].to_vec().into();
            }
            BUFFER.set(buffer);
            match received? {
                Received::Plaintext { .. } => {}
                Received::Nothing => return Poll::Pending,
                Received::End => return Poll::Ready(Ok(())),
            }
        }
        this.received.take(buf);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for SessionStream {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        if buf.is_empty() {
            return Poll::Ready(Ok(0));
        }
        let this = self.get_mut();
        match this.session.write(&mut Polled(&mut this.tcp, cx), buf) {
            Ok(0) => Poll::Pending,
            written => Poll::Ready(written),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.get_mut().poll_write_unsent(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        this.session.close();
        ready!(this.poll_write_unsent(cx))?;
        Pin::new(&mut this.tcp).poll_shutdown(cx)
    }
}

/// A stream that is polled, as one that would block.
struct Polled<'p, 'c>(&'p mut TcpStream, &'p mut Context<'c>);

impl io::Read for Polled<'_, '_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let mut buf = ReadBuf::new(buffer);
        match Pin::new(&mut *self.0).poll_read(self.1, &mut buf) {
            Poll::Ready(read) => read.map(|()| buf.filled().len()),
            Poll::Pending => Err(ErrorKind::WouldBlock.into()),
        }
    }
}

impl io::Write for Polled<'_, '_> {
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
