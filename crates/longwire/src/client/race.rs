//! Happy eyeballs (RFC 8305): several addresses of one host, tried beside each
//! other, so that one that is silent costs a quarter of a second and not a
//! timeout.

use super::{DialEvent, dial::Observer};
use std::{
    future::{Future, poll_fn},
    io,
    net::SocketAddr,
    pin::{Pin, pin},
    task::Poll,
    time::Duration,
};

/// How long an attempt runs alone before the next one begins beside it: RFC
/// 8305 section 5, "Connection Attempt Delay".
pub(super) const ATTEMPT_DELAY: Duration = Duration::from_millis(250);

/// An address that was tried, and why it was of no use.
#[derive(Debug)]
#[non_exhaustive]
pub struct Attempt {
    /// The address.
    pub address: SocketAddr,
    /// Why no connection came of it.
    pub error: io::Error,
}

/// Orders addresses so that the families alternate, beginning with that of the
/// first one (RFC 8305 section 4). Within a family the order stays: the
/// resolver has sorted by RFC 6724.
pub(super) fn interleave(addresses: impl IntoIterator<Item = SocketAddr>) -> Vec<SocketAddr> {
    let mut addresses = addresses.into_iter().peekable();
    let starts_with_ipv6 = addresses.peek().is_some_and(SocketAddr::is_ipv6);
    let (first, second): (Vec<_>, Vec<_>) =
        addresses.partition(|address| address.is_ipv6() == starts_with_ipv6);
    let (mut first, mut second) = (first.into_iter(), second.into_iter());
    let mut ordered = Vec::with_capacity(first.len() + second.len());
    while first.len() + second.len() > 0 {
        ordered.extend(first.next().into_iter().chain(second.next()));
    }
    ordered
}

/// The first connection that comes about; the other attempts are dropped with
/// the future. The next attempt begins when one has failed, and when
/// `ATTEMPT_DELAY` has passed without a result. `observe` is told of each.
///
/// # Errors
/// All attempts, in the order in which they failed.
pub(super) async fn race<T, F>(
    addresses: Vec<SocketAddr>,
    observe: Observer<'_>,
    dial: impl Fn(SocketAddr) -> F,
) -> Result<T, Vec<Attempt>>
where
    F: Future<Output = io::Result<T>>,
{
    let mut waiting = addresses.into_iter();
    let mut running: Vec<Running<F>> = Vec::new();
    let mut failed = Vec::new();
    loop {
        match waiting.next() {
            Some(address) => {
                observe(DialEvent::Attempt(address));
                running.push((address, Box::pin(dial(address))));
            }
            None if running.is_empty() => return Err(failed),
            None => {}
        }
        let finished = pin!(first_of(&mut running));
        let finished = if waiting.len() == 0 {
            finished.await
        } else {
            match tokio::time::timeout(ATTEMPT_DELAY, finished).await {
                Ok(finished) => finished,
                Err(_) => continue,
            }
        };
        match finished {
            (address, Ok(connection)) => {
                observe(DialEvent::Connected(address));
                return Ok(connection);
            }
            (address, Err(error)) => {
                tracing::debug!(%address, %error, "attempt failed");
                let attempt = Attempt { address, error };
                observe(DialEvent::Failed(&attempt));
                failed.push(attempt);
            }
        }
    }
}

type Running<F> = (SocketAddr, Pin<Box<F>>);

/// Waits for the first attempt to end, and takes it out.
async fn first_of<F: Future>(running: &mut Vec<Running<F>>) -> (SocketAddr, F::Output) {
    poll_fn(|cx| {
        for at in 0..running.len() {
            let (address, attempt) = &mut running[at];
            if let Poll::Ready(output) = attempt.as_mut().poll(cx) {
                let address = *address;
                running.remove(at);
                return Poll::Ready((address, output));
            }
        }
        Poll::Pending
    })
    .await
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::RefCell;
    use tokio::time::{Instant, sleep};

    fn v4(last: u8) -> SocketAddr {
        SocketAddr::from(([192, 0, 2, last], 80))
    }

    fn v6(last: u16) -> SocketAddr {
        SocketAddr::from(([0x2001, 0xdb8, 0, 0, 0, 0, 0, last], 80))
    }

    /// What an address of a test does.
    #[derive(Clone, Copy)]
    enum Host {
        Answers(u64),
        Refuses(u64),
        IsSilent,
    }

    /// Races scripted hosts; the result, and when each attempt began, in
    /// milliseconds.
    async fn scripted(hosts: &[Host]) -> (Result<usize, Vec<Attempt>>, Vec<(usize, u128)>) {
        let start = Instant::now();
        let begun = RefCell::new(Vec::new());
        let addresses = (0..hosts.len()).map(|at| v4(at as u8)).collect();
        let result = race(addresses, &mut |_| {}, |address| {
            let SocketAddr::V4(v4) = address else {
                panic!("only IPv4 here")
            };
            let at = usize::from(v4.ip().octets()[3]);
            begun.borrow_mut().push((at, start.elapsed().as_millis()));
            async move {
                match hosts[at] {
                    Host::Answers(millis) => {
                        sleep(Duration::from_millis(millis)).await;
                        Ok(at)
                    }
                    Host::Refuses(millis) => {
                        sleep(Duration::from_millis(millis)).await;
                        Err(io::ErrorKind::ConnectionRefused.into())
                    }
                    Host::IsSilent => std::future::pending().await,
                }
            }
        })
        .await;
        (result, begun.into_inner())
    }

    #[test]
    fn families_alternate_from_the_first_one() {
        assert_eq!(
            interleave([v6(1), v6(2), v6(3), v4(1), v4(2)]),
            [v6(1), v4(1), v6(2), v4(2), v6(3)]
        );
        assert_eq!(interleave([v4(1), v6(1), v6(2)]), [v4(1), v6(1), v6(2)]);
        assert_eq!(interleave([v4(2), v4(1)]), [v4(2), v4(1)]);
        assert_eq!(interleave([]), []);
    }

    #[tokio::test(start_paused = true)]
    async fn a_silent_address_costs_a_quarter_of_a_second() {
        let (result, begun) =
            scripted(&[Host::IsSilent, Host::Answers(30), Host::Answers(0)]).await;
        assert_eq!(result.unwrap(), 1);
        assert_eq!(begun, [(0, 0), (1, 250)]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_refusal_starts_the_next_attempt_at_once() {
        let (result, begun) = scripted(&[Host::Refuses(10), Host::Answers(10)]).await;
        assert_eq!(result.unwrap(), 1);
        assert_eq!(begun, [(0, 0), (1, 10)]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_slow_first_address_may_still_win() {
        let (result, begun) = scripted(&[Host::Answers(400), Host::Answers(400)]).await;
        assert_eq!(result.unwrap(), 0);
        assert_eq!(begun, [(0, 0), (1, 250)]);
    }

    #[tokio::test(start_paused = true)]
    async fn the_last_address_may_take_its_time() {
        let (result, _) = scripted(&[Host::Refuses(0), Host::Answers(60_000)]).await;
        assert_eq!(result.unwrap(), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn all_failures_are_told() {
        let (result, _) = scripted(&[Host::Refuses(300), Host::Refuses(10)]).await;
        let failed: Vec<_> = result
            .unwrap_err()
            .iter()
            .map(|attempt| attempt.address)
            .collect();
        assert_eq!(failed, [v4(1), v4(0)]);
    }

    #[tokio::test]
    async fn no_address_is_a_failure_without_attempts() {
        let (result, _) = scripted(&[]).await;
        assert!(result.unwrap_err().is_empty());
    }
}
