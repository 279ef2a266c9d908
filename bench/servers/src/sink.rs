//! The echo loops for libraries whose WebSocket is a `Stream` and a `Sink`.

use std::error::Error;

use futures_util::{FutureExt as _, Sink, SinkExt as _, Stream, StreamExt as _};

use crate::Result;

/// The obvious loop.
pub(crate) async fn echo<W, M, E>(mut ws: W, is_data: fn(&M) -> bool) -> Result
where
    W: Stream<Item = std::result::Result<M, E>> + Sink<M> + Unpin,
    E: Error + Send + Sync + 'static,
    W::Error: Error + Send + Sync + 'static,
{
    while let Some(message) = ws.next().await {
        let message = message?;
        if is_data(&message) {
            ws.send(message).await?;
        }
    }
    Ok(())
}

/// The loop of somebody who has measured: one flush for all that is at hand,
/// and no budget that makes a busy task yield.
pub(crate) async fn echo_batching<W, M, E>(mut ws: W, is_data: fn(&M) -> bool) -> Result
where
    W: Stream<Item = std::result::Result<M, E>> + Sink<M> + Unpin,
    E: Error + Send + Sync + 'static,
    W::Error: Error + Send + Sync + 'static,
{
    let batches = async {
        while let Some(first) = ws.next().await {
            let mut next = Some(first);
            while let Some(message) = next {
                let message = message?;
                if is_data(&message) {
                    ws.feed(message).await?;
                }
                next = ws.next().now_or_never().flatten();
            }
            ws.flush().await?;
        }
        Ok(())
    };
    tokio::task::unconstrained(batches).await
}

/// The same for a library that flushes when it is asked for the next message:
/// all messages are taken first.
pub(crate) async fn echo_collecting<W, M, E>(mut ws: W, is_data: fn(&M) -> bool) -> Result
where
    W: Stream<Item = std::result::Result<M, E>> + Sink<M> + Unpin,
    E: Error + Send + Sync + 'static,
    W::Error: Error + Send + Sync + 'static,
{
    let batches = async {
        let mut batch = Vec::new();
        while let Some(first) = ws.next().await {
            let mut next = Some(first);
            while let Some(message) = next {
                batch.push(message?);
                next = ws.next().now_or_never().flatten();
            }
            for message in batch.drain(..).filter(is_data) {
                ws.feed(message).await?;
            }
            ws.flush().await?;
        }
        Ok(())
    };
    tokio::task::unconstrained(batches).await
}
