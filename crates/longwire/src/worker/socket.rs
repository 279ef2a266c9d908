//! What a worker's connection reads from and writes to.

use crate::io::SLICES;
use longwire_proto::Output;
use mio::{Interest, Registry, Token, event::Source};
use std::{
    io::{self, ErrorKind, IoSlice, Read as _, Write as _},
    net::Shutdown,
};

#[cfg(test)]
pub(super) use super::faults::TcpStream;
#[cfg(not(test))]
pub(super) use mio::net::TcpStream;

/// A socket of a worker, which never blocks.
pub(super) struct Socket {
    tcp: TcpStream,
}

/// What a read came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Incoming {
    /// So many bytes, at the front of the buffer.
    Bytes {
        len: usize,
        /// The socket has no more for now, and an event will tell when it has:
        /// unless the peer has closed its half, whose end may lie behind them.
        drained: bool,
    },
    /// Nothing for now. An event will tell when there is more.
    Nothing,
    /// The peer has closed its half.
    End,
}

impl Socket {
    pub(super) fn new(tcp: impl Into<TcpStream>) -> Socket {
        Socket { tcp: tcp.into() }
    }

    /// Reads once.
    pub(super) fn read(&mut self, buffer: &mut [u8]) -> io::Result<Incoming> {
        loop {
            return match self.tcp.read(buffer) {
                Ok(0) => Ok(Incoming::End),
                Ok(len) => Ok(Incoming::Bytes {
                    len,
                    drained: len < buffer.len(),
                }),
                Err(error) if error.kind() == ErrorKind::WouldBlock => Ok(Incoming::Nothing),
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(error) => Err(error),
            };
        }
    }

    /// Writes `output`, and `payload` behind it, until all is written or the
    /// socket takes no more. What it did not take of either is in `output`
    /// then, and an event will tell when to write on. So it is after an error
    /// as well, which the next write meets again.
    pub(super) fn write(&mut self, output: &mut Output, mut payload: &[u8]) -> io::Result<()> {
        let mut written = Ok(());
        while !(output.is_empty() && payload.is_empty()) {
            match self.write_once(output, payload) {
                Ok(0) => written = Err(ErrorKind::WriteZero.into()),
                Ok(len) => {
                    let of_output = len.min(output.len());
                    output.advance(of_output);
                    payload = &payload[len - of_output..];
                    continue;
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                Err(error) => written = Err(error),
            }
            break;
        }
        output.put(payload);
        written
    }

    fn write_once(&mut self, output: &Output, payload: &[u8]) -> io::Result<usize> {
        let mut slices = [&[][..]; SLICES];
        let mut filled = output.slices(&mut slices[..SLICES - 1]);
        // Only behind all of the output.
        if filled < SLICES - 1 && !payload.is_empty() {
            slices[filled] = payload;
            filled += 1;
        }
        match filled {
            1 => self.tcp.write(slices[0]),
            _ => self.tcp.write_vectored(&slices.map(IoSlice::new)[..filled]),
        }
    }

    /// Tells the peer that nothing more will come.
    pub(super) fn shutdown(&mut self) -> io::Result<()> {
        self.tcp.shutdown(Shutdown::Write)
    }

    /// Has events told under `token` from now on, each once.
    pub(super) fn register(&mut self, registry: &Registry, token: Token) -> io::Result<()> {
        let both = Interest::READABLE | Interest::WRITABLE;
        self.tcp.register(registry, token, both)
    }

    pub(super) fn deregister(&mut self, registry: &Registry) -> io::Result<()> {
        self.tcp.deregister(registry)
    }
}
