//! A socket that does everything a socket may do, for tests: in the place of
//! mio's, whose other methods are here as they are.

use longwire_proto::Acknowledgements;
use mio::{Interest, Registry, Token, event::Source};
use std::{
    collections::VecDeque,
    io::{self, ErrorKind, IoSlice, Read, Write},
    net::{Shutdown, SocketAddr},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

pub(super) enum TcpStream {
    Real(mio::net::TcpStream),
    Faulty(End),
}

/// The worker's end of a wire.
pub(super) struct End(Arc<Mutex<Wire>>);

impl Drop for End {
    fn drop(&mut self) {
        lock(&self.0).dropped = true;
    }
}

/// The kernel's side of a faulty socket.
#[derive(Debug, Default)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "what can befall a socket is independent"
)]
pub(super) struct Wire {
    /// What has arrived and was not read.
    pub(super) arrived: VecDeque<u8>,
    /// The peer has closed its half behind it.
    pub(super) fin: bool,
    /// The peer has reset the connection.
    pub(super) reset: bool,
    /// How many calls end with `Interrupted` before the next one that does not.
    pub(super) interruptions: u32,
    /// How much is taken before a write would block.
    pub(super) space: usize,
    /// A write has blocked: space is told of.
    pub(super) blocked: bool,
    /// What was written.
    pub(super) written: Vec<u8>,
    /// What of it was acknowledged, as far as the kernel tells.
    pub(super) acknowledgements: Option<Acknowledgements>,
    /// The sending half was shut down.
    pub(super) shut_down: bool,
    /// The socket was dropped.
    pub(super) dropped: bool,
}

impl From<mio::net::TcpStream> for TcpStream {
    fn from(tcp: mio::net::TcpStream) -> TcpStream {
        TcpStream::Real(tcp)
    }
}

pub(super) fn lock(wire: &Mutex<Wire>) -> MutexGuard<'_, Wire> {
    wire.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Wire {
    fn begin(&mut self) -> io::Result<()> {
        if self.interruptions > 0 {
            self.interruptions -= 1;
            return Err(ErrorKind::Interrupted.into());
        }
        if self.reset {
            return Err(ErrorKind::ConnectionReset.into());
        }
        Ok(())
    }
}

impl Read for TcpStream {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let mut wire = match self {
            TcpStream::Real(tcp) => return tcp.read(buffer),
            TcpStream::Faulty(end) => lock(&end.0),
        };
        wire.begin()?;
        if wire.arrived.is_empty() && !wire.fin {
            return Err(ErrorKind::WouldBlock.into());
        }
        wire.arrived.read(buffer)
    }
}

impl Write for TcpStream {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.write_vectored(&[IoSlice::new(bytes)])
    }

    fn write_vectored(&mut self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        let mut wire = match self {
            TcpStream::Real(tcp) => return tcp.write_vectored(slices),
            TcpStream::Faulty(end) => lock(&end.0),
        };
        wire.begin()?;
        let len: usize = slices.iter().map(|slice| slice.len()).sum();
        assert!(
            len > 0 && !wire.shut_down,
            "a write of nothing, or too late"
        );
        if wire.space == 0 {
            wire.blocked = true;
            return Err(ErrorKind::WouldBlock.into());
        }
        let taken = len.min(wire.space);
        let before = wire.written.len();
        for slice in slices {
            wire.written.extend_from_slice(slice);
        }
        wire.written.truncate(before + taken);
        wire.space -= taken;
        Ok(taken)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl TcpStream {
    pub(super) fn faulty(wire: &Arc<Mutex<Wire>>) -> TcpStream {
        TcpStream::Faulty(End(Arc::clone(wire)))
    }

    pub(super) fn peer_addr(&self) -> io::Result<SocketAddr> {
        match self {
            TcpStream::Real(tcp) => tcp.peer_addr(),
            TcpStream::Faulty(_) => Err(ErrorKind::NotConnected.into()),
        }
    }

    pub(super) fn acknowledgements(&self) -> Option<Acknowledgements> {
        match self {
            TcpStream::Real(tcp) => crate::tcp::acknowledgements(tcp),
            TcpStream::Faulty(end) => lock(&end.0).acknowledgements,
        }
    }

    pub(super) fn shutdown(&mut self, how: Shutdown) -> io::Result<()> {
        match self {
            TcpStream::Real(tcp) => tcp.shutdown(how),
            TcpStream::Faulty(end) => {
                lock(&end.0).shut_down = true;
                Ok(())
            }
        }
    }
}

impl From<TcpStream> for std::net::TcpStream {
    fn from(tcp: TcpStream) -> std::net::TcpStream {
        match tcp {
            TcpStream::Real(tcp) => tcp.into(),
            TcpStream::Faulty(_) => panic!("no runtime takes this"),
        }
    }
}

impl Source for TcpStream {
    fn register(&mut self, to: &Registry, token: Token, what: Interest) -> io::Result<()> {
        match self {
            TcpStream::Real(tcp) => tcp.register(to, token, what),
            TcpStream::Faulty(_) => Ok(()),
        }
    }

    fn reregister(&mut self, to: &Registry, token: Token, what: Interest) -> io::Result<()> {
        match self {
            TcpStream::Real(tcp) => tcp.reregister(to, token, what),
            TcpStream::Faulty(_) => Ok(()),
        }
    }

    fn deregister(&mut self, from: &Registry) -> io::Result<()> {
        match self {
            TcpStream::Real(tcp) => tcp.deregister(from),
            TcpStream::Faulty(_) => Ok(()),
        }
    }
}
