//! Waiting for either of two futures.

use std::{future::poll_fn, pin::pin, task::Poll};

/// Which of two futures was ready.
pub(crate) enum First<A, B> {
    One(A),
    Other(B),
}

/// Waits for one of two futures, and drops the other. If both are ready it is
/// `one`.
pub(crate) async fn first<A, B>(
    one: impl Future<Output = A>,
    other: impl Future<Output = B>,
) -> First<A, B> {
    let (mut one, mut other) = (pin!(one), pin!(other));
    poll_fn(|cx| {
        if let Poll::Ready(ready) = one.as_mut().poll(cx) {
            return Poll::Ready(First::One(ready));
        }
        other.as_mut().poll(cx).map(First::Other)
    })
    .await
}
