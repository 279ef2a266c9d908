//! Linux: the option `TCP_INFO`, and `TCP_USER_TIMEOUT` (RFC 5482).

use longwire_proto::Acknowledgements;
use nix::sys::{
    socket::{GetSockOpt as _, SetSockOpt as _, sockopt::TcpUserTimeout},
    utsname::uname,
};
use std::{os::fd::AsFd, sync::LazyLock, time::Duration};

/// The front of the kernel's `struct tcp_info`, up to what we want to know. The
/// kernel fills as much as it is given room for.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
#[expect(unreachable_pub, reason = "nix's macro makes a public option of it")]
pub struct TcpInfo {
    state: u8,
    ca_state: u8,
    retransmits: u8,
    probes: u8,
    /// How often the time until the next retransmission was doubled since the
    /// last acknowledgement that was news.
    backoff: u8,
    options: u8,
    bit_fields: [u8; 2],
    /// The time until the next retransmission, in microseconds.
    rto: u32,
    ato: u32,
    segment_sizes: [u32; 2],
    /// Segments that are under way.
    unacked: u32,
    segments: [u32; 4],
    last: [u32; 4],
    path: [u32; 2],
    /// The smoothed round trip, in microseconds, and its variation.
    rtt: u32,
    rttvar: u32,
    windows: [u32; 7],
    pacing_rates: [u64; 2],
    bytes_acked: u64,
    bytes_received: u64,
    segments_counted: [u32; 2],
    /// Bytes that were not sent yet, not even once.
    notsent_bytes: u32,
    min_rtt: u32,
}

/// A module of its own, since what the macro makes is public.
mod option {
    use nix::{getsockopt_impl, sockopt_impl};

    sockopt_impl!(
        TcpInfo,
        GetOnly,
        libc::IPPROTO_TCP,
        libc::TCP_INFO,
        super::TcpInfo
    );
}

/// Linux 4.6 and later have all of [`TcpInfo`]: before, the kernel would fill
/// less of it, which nix takes for a mistake.
static HAS_TCP_INFO: LazyLock<bool> = LazyLock::new(|| {
    let release = uname().ok();
    let release = release.as_ref().and_then(|name| name.release().to_str());
    release.and_then(version) >= Some((4, 6))
});

/// The first two numbers of a kernel's release.
fn version(release: &str) -> Option<(u32, u32)> {
    let mut numbers = release.split(|c: char| !c.is_ascii_digit());
    let mut next = || numbers.next()?.parse().ok();
    Some((next()?, next()?))
}

/// What the peer's system has acknowledged of what was written to `socket`. One
/// system call, of less than a microsecond.
pub(crate) fn acknowledgements(socket: &impl AsFd) -> Option<Acknowledgements> {
    if !*HAS_TCP_INFO {
        return None;
    }
    let info = option::TcpInfo.get(&socket.as_fd()).ok()?;
    let in_flight = info.unacked > 0;
    Some(Acknowledgements {
        // It wraps around.
        acknowledged: info.bytes_acked as u32,
        pending: in_flight || info.notsent_bytes > 0,
        in_flight: in_flight.then(|| info.in_flight_for()),
        round_trip_limit: micros(info.rtt) + micros(info.rttvar) * 4,
    })
}

impl TcpInfo {
    /// For how long, at least, the oldest segment has been under way: the sum of
    /// the times that were waited before each retransmission, each twice the one
    /// before (RFC 6298 section 5.5).
    fn in_flight_for(&self) -> Duration {
        let first = self.rto >> self.backoff.min(31);
        micros(self.rto - first)
    }
}

fn micros(micros: u32) -> Duration {
    Duration::from_micros(micros.into())
}

/// Has the system give up a connection when what is written stays unacknowledged
/// for so long, or finds no room at the peer.
pub(crate) fn set_user_timeout(socket: &impl AsFd, timeout: Duration) {
    let millis = u32::try_from(timeout.as_millis()).unwrap_or(u32::MAX);
    // Zero would be the system's default, of a quarter of an hour.
    if let Err(error) = TcpUserTimeout.set(&socket.as_fd(), &millis.max(1)) {
        tracing::debug!(%error, "TCP_USER_TIMEOUT is not set");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{
        io::{Read as _, Write as _},
        net::{TcpListener, TcpStream},
        thread,
    };

    fn pair() -> (TcpStream, TcpStream) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        (client, listener.accept().unwrap().0)
    }

    #[test]
    fn releases_are_compared_by_their_numbers() {
        assert_eq!(version("6.18.5-cloud-amd64"), Some((6, 18)));
        assert_eq!(version("4.6-rc1"), Some((4, 6)));
        assert_eq!(version("5"), None);
        assert_eq!(version("strange"), None);
    }

    #[test]
    fn what_was_acknowledged_is_known() {
        let (mut client, mut server) = pair();
        let before = acknowledgements(&client).unwrap();
        assert!(!before.pending);
        client.write_all(&[7; 1000]).unwrap();
        server.read_exact(&mut [0; 1000]).unwrap();
        // The acknowledgement may take its time.
        let after = loop {
            let after = acknowledgements(&client).unwrap();
            if !after.pending {
                break after;
            }
            thread::sleep(Duration::from_millis(1));
        };
        let acknowledged = after.acknowledged.wrapping_sub(before.acknowledged);
        assert_eq!((acknowledged, after.in_flight), (1000, None));
        assert!(after.round_trip_limit < Duration::from_secs(10));
    }

    #[test]
    fn what_the_peer_has_no_room_for_is_pending_and_not_under_way() {
        let (mut client, _server) = pair();
        client.set_nonblocking(true).unwrap();
        // The loopback acknowledges at once, so what is left is not under way for
        // long.
        while client.write(&[7; 65536]).is_ok() {}
        let full = loop {
            let full = acknowledgements(&client).unwrap();
            if full.in_flight.is_none() {
                break full;
            }
            thread::sleep(Duration::from_millis(1));
        };
        assert!(full.pending);
    }

    #[test]
    fn the_age_of_what_is_under_way_follows_from_the_retransmissions() {
        let (client, _server) = pair();
        let info = option::TcpInfo.get(&client).unwrap();
        let aged = |rto, backoff| {
            TcpInfo {
                rto,
                backoff,
                ..info
            }
            .in_flight_for()
        };
        assert_eq!(aged(200_000, 0), Duration::ZERO);
        // 200, 400 and 800 ms were waited.
        assert_eq!(aged(1_600_000, 3), Duration::from_millis(1400));
        assert!(aged(u32::MAX, 255) < micros(u32::MAX));
    }

    #[test]
    fn the_user_timeout_is_set() {
        let (client, _server) = pair();
        set_user_timeout(&client, Duration::from_secs(30));
        assert_eq!(TcpUserTimeout.get(&client), Ok(30_000));
        set_user_timeout(&client, Duration::from_micros(1));
        assert_eq!(TcpUserTimeout.get(&client), Ok(1));
    }
}
