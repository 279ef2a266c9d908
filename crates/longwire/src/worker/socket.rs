//! What a worker's connection reads from and writes to.

#[cfg(feature = "tls")]
use crate::tls::{Received, Session, SessionStream};
use crate::{
    io::{Io, SLICES},
    server::{Address, Headers, TrustedProxies},
};
use longwire_proto::{Acknowledgements, Output};
use mio::{Interest, Registry, Token, event::Source};
use std::{
    io::{self, ErrorKind, IoSlice, Read as _, Write as _},
    net::{IpAddr, Shutdown, SocketAddr},
};

#[cfg(test)]
pub(super) use super::faults::TcpStream;
#[cfg(not(test))]
pub(super) use mio::net::TcpStream;

/// A socket of a worker, which never blocks.
pub(super) struct Socket {
    tcp: TcpStream,
    /// Ciphertext is what is read and written, unless there is none.
    #[cfg(feature = "tls")]
    session: Option<Box<Session>>,
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
        Socket {
            tcp: tcp.into(),
            #[cfg(feature = "tls")]
            session: None,
        }
    }

    /// Speaks TLS from now on.
    #[cfg(feature = "tls")]
    pub(super) fn set_session(&mut self, session: Box<Session>) {
        self.session = Some(session);
    }

    #[cfg(feature = "tls")]
    pub(super) fn take_session(&mut self) -> Option<Box<Session>> {
        self.session.take()
    }

    /// The address that the peer connects from.
    pub(super) fn peer_addr(&self) -> io::Result<SocketAddr> {
        self.tcp.peer_addr()
    }

    /// Whether its peer is a proxy that begins with a PROXY header. The address
    /// is asked for only then.
    pub(super) fn expects_proxy_header(&self, proxies: &TrustedProxies) -> bool {
        proxies.expects_headers()
            && self
                .peer_addr()
                .is_ok_and(|peer| proxies.expects_header_of(&Address::Tcp(peer)))
    }

    /// Where the client is that sends a request with these headers, behind the
    /// proxies.
    pub(super) fn client_addr(
        &self,
        proxies: &TrustedProxies,
        announced: Option<SocketAddr>,
        headers: &Headers,
    ) -> Option<IpAddr> {
        let peer = Address::Tcp(self.peer_addr().ok()?);
        proxies.client(&peer, announced, headers)
    }

    /// Reads what comes as it is, also where TLS is spoken.
    pub(super) fn read_bare(&mut self, buffer: &mut [u8]) -> io::Result<Incoming> {
        #[cfg(feature = "tls")]
        if let Some(session) = self.session.take() {
            let read = self.read(buffer);
            self.session = Some(session);
            return read;
        }
        self.read(buffer)
    }

    /// What the peer's system has acknowledged of what was written, where that is
    /// known. A system call.
    pub(super) fn acknowledgements(&self) -> Option<Acknowledgements> {
        #[cfg(test)]
        return self.tcp.acknowledgements();
        #[cfg(not(test))]
        crate::tcp::acknowledgements(&self.tcp)
    }

    /// Reads once.
    pub(super) fn read(&mut self, buffer: &mut [u8]) -> io::Result<Incoming> {
        #[cfg(feature = "tls")]
        if let Some(session) = &mut self.session {
            return Ok(match session.read(&mut self.tcp, buffer)? {
                Received::Plaintext { len, drained } => Incoming::Bytes { len, drained },
                Received::Nothing => Incoming::Nothing,
                Received::End => Incoming::End,
            });
        }
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
        #[cfg(feature = "tls")]
        if let Some(session) = &mut self.session {
            output.put(payload);
            return encrypt(session, &mut self.tcp, output);
        }
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
        let mut first = [&[][..]];
        output.slices(&mut first);
        match (first[0], payload) {
            (only, []) if only.len() == output.len() => return self.tcp.write(only),
            ([], only) => return self.tcp.write(only),
            _ => {}
        }
        let mut slices = [&[][..]; SLICES];
        let mut filled = output.slices(&mut slices[..SLICES - 1]);
        // Only behind all of the output.
        if filled < SLICES - 1 && !payload.is_empty() {
            slices[filled] = payload;
            filled += 1;
        }
        self.tcp.write_vectored(&slices.map(IoSlice::new)[..filled])
    }

    /// Whether it speaks TLS.
    pub(super) fn is_secure(&self) -> bool {
        #[cfg(feature = "tls")]
        if self.session.is_some() {
            return true;
        }
        false
    }

    /// What was written and the socket has not taken: ciphertext.
    pub(super) fn unwritten(&self) -> usize {
        #[cfg(feature = "tls")]
        if let Some(session) = &self.session {
            return session.unsent().len();
        }
        0
    }

    /// Tells the peer that nothing more will come. If the socket does not take
    /// that yet, it is told again when it does.
    pub(super) fn shutdown(&mut self) -> io::Result<bool> {
        #[cfg(feature = "tls")]
        if let Some(session) = &mut self.session {
            session.close();
            if !session.write_unsent(&mut self.tcp)? {
                return Ok(false);
            }
        }
        self.tcp.shutdown(Shutdown::Write)?;
        Ok(true)
    }

    /// Has events told under `token` from now on, each once.
    pub(super) fn register(&mut self, registry: &Registry, token: Token) -> io::Result<()> {
        let both = Interest::READABLE | Interest::WRITABLE;
        self.tcp.register(registry, token, both)
    }

    /// The last words before it is closed, if the socket takes them.
    pub(super) fn say_goodbye(self) {
        #[cfg(feature = "tls")]
        if let Socket {
            mut tcp,
            session: Some(mut session),
        } = self
        {
            session.close();
            // It is closed in any case.
            let _ = session.write_unsent(&mut tcp);
        }
    }

    /// For a runtime, in whose context this is called. Deregistered before.
    pub(super) fn into_io(self) -> io::Result<(Io, Option<Address>)> {
        let tcp = tokio::net::TcpStream::from_std(self.tcp.into())?;
        let peer = tcp.peer_addr().ok().map(Address::Tcp);
        #[cfg(feature = "tls")]
        if let Some(session) = self.session {
            return Ok((Io::new(SessionStream::new(session, tcp)), peer));
        }
        Ok((Io::Tcp(tcp), peer))
    }

    pub(super) fn deregister(&mut self, registry: &Registry) -> io::Result<()> {
        self.tcp.deregister(registry)
    }
}

/// Writes `output` through a session until all is written or the socket takes
/// no more. What is not encrypted yet is in `output` then.
#[cfg(feature = "tls")]
fn encrypt(session: &mut Session, tcp: &mut TcpStream, output: &mut Output) -> io::Result<()> {
    while session.write_unsent(tcp)? && !output.is_empty() {
        let mut first = [&[][..]];
        output.slices(&mut first);
        let written = session.write(tcp, first[0])?;
        output.advance(written);
    }
    Ok(())
}
