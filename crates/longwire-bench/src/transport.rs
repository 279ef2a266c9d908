//! The bytes of a connection: TCP, or TLS on it.

use crate::{Error, Target};
use mio::net::TcpStream;
use rustls::ClientConnection;
use std::io::{self, ErrorKind, Read as _, Write as _};

#[derive(Debug)]
pub(crate) struct Transport {
    tcp: TcpStream,
    tls: Option<Box<ClientConnection>>,
}

impl Transport {
    /// Connects. TLS begins with the first write.
    pub(crate) fn connect(target: &Target) -> Result<Transport, Error> {
        let tcp = TcpStream::connect(target.address()).map_err(Error::Connect)?;
        let tls = target.tls().transpose().map_err(Error::Tls)?;
        Ok(Transport {
            tcp,
            tls: tls.map(Box::new),
        })
    }

    /// The socket.
    pub(crate) fn tcp(&mut self) -> &mut TcpStream {
        &mut self.tcp
    }

    /// Bytes come and go by records: a read or a write that is short does not
    /// mean that the next one would have to wait.
    pub(crate) fn is_tls(&self) -> bool {
        self.tls.is_some()
    }

    /// What is skipped costs less than what is read.
    pub(crate) fn can_skip(&self) -> bool {
        cfg!(target_os = "linux") && self.tls.is_none()
    }

    pub(crate) fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let Some(tls) = &mut self.tls else {
            return self.tcp.read(buffer);
        };
        loop {
            match tls.reader().read(buffer) {
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                // The end, though not a polite one.
                Err(error) if error.kind() == ErrorKind::UnexpectedEof => return Ok(0),
                read => return read,
            }
            let read = tls.read_tls(&mut self.tcp);
            if read.is_ok() {
                let processed = tls.process_new_packets();
                processed.map_err(|error| io::Error::new(ErrorKind::InvalidData, error))?;
            }
            // The handshake's next step, or what the records asked for.
            write_records(tls, &mut self.tcp)?;
            read?;
        }
    }

    /// Reads up to as many bytes as `buffer` is long, and forgets them: on Linux
    /// the kernel does not even copy them (`MSG_TRUNC`, tcp(7)).
    #[cfg(target_os = "linux")]
    pub(crate) fn skip(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        use rustix::net::{RecvFlags, recv};
        let (skipped, _) = recv(&self.tcp, buffer, RecvFlags::TRUNC)?;
        Ok(skipped)
    }

    #[cfg(not(target_os = "linux"))]
    pub(crate) fn skip(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.read(buffer)
    }

    /// Writes some of it. With TLS the rest of a record may be kept for
    /// [`flush`](Transport::flush).
    pub(crate) fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let Some(tls) = &mut self.tls else {
            return self.tcp.write(bytes);
        };
        write_records(tls, &mut self.tcp)?;
        if !tls.is_handshaking() && tls.wants_write() {
            return Err(ErrorKind::WouldBlock.into());
        }
        let written = tls.writer().write(bytes)?;
        write_records(tls, &mut self.tcp)?;
        match written {
            0 if !bytes.is_empty() => Err(ErrorKind::WouldBlock.into()),
            _ => Ok(written),
        }
    }

    /// Writes what was kept, as far as the socket takes it.
    pub(crate) fn flush(&mut self) -> io::Result<()> {
        match &mut self.tls {
            Some(tls) => write_records(tls, &mut self.tcp),
            None => Ok(()),
        }
    }
}

fn write_records(tls: &mut ClientConnection, tcp: &mut TcpStream) -> io::Result<()> {
    while tls.wants_write() {
        match tls.write_tls(tcp) {
            Ok(_) => {}
            Err(error) if error.kind() == ErrorKind::WouldBlock => break,
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}
