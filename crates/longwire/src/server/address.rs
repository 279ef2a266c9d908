use crate::io::Io;
use std::{fmt, net::SocketAddr, path::PathBuf};

/// Where one end of a connection is.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Address {
    /// An IP address and a port.
    Tcp(SocketAddr),
    /// A Unix socket; most clients' have no path.
    Unix(Option<PathBuf>),
}

impl Address {
    /// The IP address and the port, unless this is a Unix socket.
    pub const fn tcp(&self) -> Option<SocketAddr> {
        match self {
            Address::Tcp(address) => Some(*address),
            Address::Unix(_) => None,
        }
    }

    #[cfg(unix)]
    pub(super) fn unix(address: &tokio::net::unix::SocketAddr) -> Address {
        Address::Unix(address.as_pathname().map(Into::into))
    }

    /// Where the peer of a transport is, if that can be told.
    pub(super) fn of_peer(io: &Io) -> Option<Address> {
        match io {
            Io::Tcp(tcp) => tcp.peer_addr().ok().map(Address::Tcp),
            #[cfg(unix)]
            Io::Unix(unix) => unix.peer_addr().ok().as_ref().map(Address::unix),
            #[cfg(feature = "tls")]
            Io::Tls(tls) => tls.tcp().peer_addr().ok().map(Address::Tcp),
            _ => None,
        }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Address::Tcp(address) => address.fmt(f),
            Address::Unix(Some(path)) => write!(f, "unix:{}", path.display()),
            Address::Unix(None) => f.write_str("unix"),
        }
    }
}

/// An address that may be unknown, for logs.
pub(super) struct Shown<'a>(pub(super) &'a Option<Address>);

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(address) => address.fmt(f),
            None => f.write_str("unknown"),
        }
    }
}
