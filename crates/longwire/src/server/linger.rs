//! Reading without keeping a buffer, and closing so that the last words arrive.

use crate::io::Io;
use longwire_proto::handshake::Refusal;
use std::{
    future::poll_fn,
    io,
    mem::MaybeUninit,
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};
use tokio::{
    io::{AsyncRead, AsyncWriteExt, ReadBuf},
    time::timeout,
};

/// How long a refused client may take to read the refusal and close.
const LINGER: Duration = Duration::from_secs(5);

/// How much a refused client may still send, such as a request's body.
const MAX_DRAINED: usize = 256 * 1024;

/// Reads once, onto the stack: a connection that waits owns no buffer. Gives
/// no bytes at the end of the stream.
pub(super) fn poll_read_with<T>(
    io: &mut Io,
    cx: &mut Context<'_>,
    take: impl FnOnce(&[u8]) -> T,
) -> Poll<io::Result<T>> {
    let mut scratch = [MaybeUninit::uninit(); 4096];
    let mut buf = ReadBuf::uninit(&mut scratch);
    ready!(Pin::new(io).poll_read(cx, &mut buf))?;
    Poll::Ready(Ok(take(buf.filled())))
}

/// Sends a refusal and closes the connection.
///
/// What the client sends meanwhile is read: closing a socket with unread bytes
/// resets the connection, and a reset discards what the client has not read
/// yet, which is the refusal (RFC 9112, section 9.6).
pub(super) async fn refuse(mut io: Io, refusal: &Refusal) -> io::Result<()> {
    let answer = refusal.to_bytes();
    let sent = timeout(LINGER, async move {
        io.write_all(&answer).await?;
        io.shutdown().await?;
        let mut drained = 0;
        while drained < MAX_DRAINED {
            match poll_fn(|cx| poll_read_with(&mut io, cx, <[u8]>::len)).await? {
                0 => break,
                read => drained += read,
            }
        }
        Ok(())
    });
    // Whoever takes longer has had the time to read it.
    sent.await.unwrap_or(Ok(()))
}
