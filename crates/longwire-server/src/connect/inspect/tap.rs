//! The stream that is looked at.

use super::{Direction, Seen, watch::Watch};
use std::{
    collections::VecDeque,
    io::{self, IoSlice},
    pin::Pin,
    task::{Context, Poll, ready},
    time::Instant,
};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    sync::mpsc::UnboundedSender,
};

/// How many Pings without an answer are remembered.
const PINGS: usize = 32;

/// A stream that tells what passes.
pub(in super::super) struct Tap<S> {
    stream: S,
    seen: UnboundedSender<Seen>,
    sent: Watch,
    received: Watch,
    pings: Pings,
}

impl<S> Tap<S> {
    /// What passes goes to `seen`. How much waits there is bounded by how far
    /// the library reads ahead.
    pub(in super::super) fn new(stream: S, seen: UnboundedSender<Seen>) -> Tap<S> {
        Tap {
            stream,
            seen,
            sent: Watch::new(Direction::Sent),
            received: Watch::new(Direction::Received),
            pings: Pings::default(),
        }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Tap<S> {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let tap = self.get_mut();
        let before = buffer.filled().len();
        ready!(Pin::new(&mut tap.stream).poll_read(cx, buffer))?;
        let bytes = buffer.filled().get(before..).unwrap_or_default();
        tap.received.push(bytes, &mut tap.pings, &tap.seen);
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Tap<S> {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.poll_write_vectored(cx, &[IoSlice::new(bytes)])
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let tap = self.get_mut();
        let written = ready!(Pin::new(&mut tap.stream).poll_write_vectored(cx, slices))?;
        let mut left = written;
        for slice in slices {
            let bytes = &slice[..slice.len().min(left)];
            tap.sent.push(bytes, &mut tap.pings, &tap.seen);
            left -= bytes.len();
        }
        Poll::Ready(Ok(written))
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_shutdown(cx)
    }
}

/// The Pings that were sent, and when.
#[derive(Debug, Default)]
pub(super) struct Pings(VecDeque<(Vec<u8>, Instant)>);

impl Pings {
    pub(super) fn sent(&mut self, payload: &[u8]) {
        if self.0.len() == PINGS {
            self.0.pop_front();
        }
        self.0.push_back((payload.to_vec(), Instant::now()));
    }

    /// When the Ping was sent that this Pong answers. It answers those before
    /// it too (RFC 6455 section 5.5.3).
    pub(super) fn answered(&mut self, payload: &[u8]) -> Option<Instant> {
        let at = self.0.iter().position(|(ping, _)| ping == payload)?;
        self.0.drain(..=at).next_back().map(|(_, sent)| sent)
    }
}
