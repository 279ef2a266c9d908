//! When the network has changed, and what is left of it.

#[cfg(target_os = "linux")]
mod linux;

use futures_core::Stream;
use std::{
    fmt,
    future::{pending, poll_fn},
    io::ErrorKind,
    net::{SocketAddr, UdpSocket},
    pin::Pin,
    time::Duration,
};
#[cfg(target_os = "linux")]
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};

/// Several changes that come together count as one: an address comes with its
/// routes, and an interface that flaps is not followed.
const CALM: Duration = Duration::from_millis(250);

/// Tells when the network has changed.
pub(crate) struct Changes {
    source: Source,
    /// The next one is not told before.
    calm: Option<Instant>,
}

enum Source {
    /// Nobody tells.
    None,
    #[cfg(target_os = "linux")]
    System(watch::Receiver<()>),
    Given(Pin<Box<dyn Stream<Item = ()> + Send>>),
}

impl Changes {
    fn of(source: Source) -> Changes {
        Changes { source, calm: None }
    }

    /// What the system tells, to those who are on one runtime by one socket.
    /// Where it cannot, or will not, nothing comes.
    pub(crate) fn of_system() -> Changes {
        #[cfg(target_os = "linux")]
        match linux::subscribe() {
            Ok(changes) => return Changes::of(Source::System(changes)),
            Err(error) => tracing::debug!(%error, "changes of the network are not told"),
        }
        Changes::of(Source::None)
    }

    pub(crate) fn given(changes: impl Stream<Item = ()> + Send + 'static) -> Changes {
        Changes::of(Source::Given(Box::pin(changes)))
    }

    /// Waits for the next one. Cancel safe: none is missed.
    pub(crate) async fn next(&mut self) {
        if let Some(calm) = self.calm {
            sleep_until(calm).await;
        }
        let told = match &mut self.source {
            Source::None => false,
            #[cfg(target_os = "linux")]
            Source::System(changes) => changes.changed().await.is_ok(),
            Source::Given(changes) => poll_fn(|cx| changes.as_mut().poll_next(cx)).await.is_some(),
        };
        if !told {
            self.source = Source::None;
            pending::<()>().await;
        }
        self.calm = Some(Instant::now() + CALM);
    }
}

impl fmt::Debug for Changes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.source {
            Source::None => "None",
            #[cfg(target_os = "linux")]
            Source::System(_) => "System",
            Source::Given(_) => "Given",
        })
    }
}

/// Whether `address` is not this machine's any more. What cannot be told counts
/// as there.
pub(crate) fn is_gone(mut address: SocketAddr) -> bool {
    address.set_port(0);
    let bound = UdpSocket::bind(address);
    bound.is_err_and(|error| error.kind() == ErrorKind::AddrNotAvailable)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_that_is_not_ours_is_gone() {
        assert!(!is_gone(SocketAddr::from(([127, 0, 0, 1], 80))));
        // RFC 5737: nobody's.
        assert!(is_gone(SocketAddr::from(([192, 0, 2, 1], 80))));
    }

    #[tokio::test(start_paused = true)]
    async fn changes_that_come_together_are_told_apart_by_a_calm() {
        let mut left = 3;
        let three = poll_stream(move || {
            left -= 1;
            (left >= 0).then_some(())
        });
        let mut changes = Changes::given(three);
        let start = Instant::now();
        for told in 0..3 {
            changes.next().await;
            assert!(start.elapsed() >= CALM * told);
        }
        let more = tokio::time::timeout(Duration::from_secs(60), changes.next()).await;
        assert!(more.is_err(), "a stream that has ended tells nothing");
    }

    /// A stream of what `next` gives.
    fn poll_stream(mut next: impl FnMut() -> Option<()> + Send) -> impl Stream<Item = ()> + Send {
        futures_util::stream::poll_fn(move |_| std::task::Poll::Ready(next()))
    }
}
