//! The PROXY protocol, versions 1 and 2: what a proxy sends before everything
//! else (<https://www.haproxy.org/download/2.9/doc/proxy-protocol.txt>).

use std::{
    error, fmt,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
};

/// The longest header of version 1, its line end included (section 2.1).
const MAX_V1: usize = 107;

/// The longest header of version 2 that is taken. Its addresses take at most 232
/// bytes; the rest is for extensions, of which nothing is read.
const MAX_V2: usize = 4 * 1024;

/// The shortest of all headers: `PROXY UNKNOWN` and its line end.
const SHORTEST: usize = 15;

/// Up to the length of what follows (section 2.2).
const HEAD_V2: usize = 16;

const BEGIN_V1: &[u8] = b"PROXY ";
const BEGIN_V2: &[u8] = b"\r\n\r\n\0\r\nQUIT\n";

/// What a proxy announces.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Announced {
    /// The client's address.
    Client(SocketAddr),
    /// Nothing: it speaks for itself, as with a health check, or does not know.
    Nothing,
}

/// Why a PROXY header is none. The connection is closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ProxyHeaderError {
    /// The first bytes begin none.
    Missing,
    /// It is longer than 107 bytes in version 1, and 4 KiB in version 2.
    TooLong,
    /// The line of version 1 is malformed.
    Line,
    /// Version 2 has this in the place of its version and command.
    Command(u8),
    /// Version 2 has this in the place of its address family and protocol.
    Family(u8),
    /// Version 2 has less room than its addresses need: so many bytes.
    TooShort(u16),
}

impl fmt::Display for ProxyHeaderError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ProxyHeaderError::Missing => f.write_str(
                "the connection does not begin with a PROXY header: have the proxy send one, or do not expect it",
            ),
            ProxyHeaderError::TooLong => f.write_str(
                "the PROXY header is too long: 107 bytes are taken of version 1, and 4,096 of version 2",
            ),
            ProxyHeaderError::Line => f.write_str(
                "the PROXY header is not of the form \"PROXY TCP4 SOURCE DESTINATION PORT PORT\"",
            ),
            ProxyHeaderError::Command(byte) => write!(
                f,
                "the PROXY header has {byte:#04x} for its version and command; 0x20 and 0x21 are known"
            ),
            ProxyHeaderError::Family(byte) => write!(
                f,
                "the PROXY header has {byte:#04x} for its address family and protocol; 0x00, 0x11, 0x21 and 0x31 are known"
            ),
            ProxyHeaderError::TooShort(len) => {
                write!(f, "the PROXY header has {len} bytes for its addresses, which need more")
            }
        }
    }
}

impl error::Error for ProxyHeaderError {}

/// Reads a header, and not a byte behind it: what follows is TLS, or a request,
/// and whoever reads that finds it whole in the transport.
///
/// That takes a few reads for version 2, and some 20 for version 1, whose length
/// nothing tells beforehand.
#[derive(Debug, Default)]
pub(crate) struct ProxyHeaderReader {
    bytes: Vec<u8>,
}

impl ProxyHeaderReader {
    /// How many bytes may be read now: the header has as many more at least.
    pub(crate) fn wants(&self) -> usize {
        let have = self.bytes.len();
        if have < SHORTEST {
            return SHORTEST - have;
        }
        if !self.bytes.starts_with(BEGIN_V2) {
            // Both bytes of the line end, or its second one.
            return if self.bytes.ends_with(b"\r") { 1 } else { 2 };
        }
        match self.len_v2() {
            None => HEAD_V2 - have,
            Some(len) => HEAD_V2 + usize::from(len) - have,
        }
    }

    /// Takes what was read, which is not more than it [wants](Self::wants).
    pub(crate) fn receive(&mut self, bytes: &[u8]) -> Result<Option<Announced>, ProxyHeaderError> {
        self.bytes.extend_from_slice(bytes);
        let begins = |begin: &[u8]| {
            self.bytes
                .iter()
                .zip(begin)
                .all(|(is, wanted)| is == wanted)
        };
        if begins(BEGIN_V2) {
            self.receive_v2()
        } else if begins(BEGIN_V1) {
            self.receive_v1()
        } else {
            Err(ProxyHeaderError::Missing)
        }
    }

    fn receive_v1(&self) -> Result<Option<Announced>, ProxyHeaderError> {
        match self.bytes.strip_suffix(b"\r\n") {
            Some(_) if self.bytes.len() > MAX_V1 => Err(ProxyHeaderError::TooLong),
            Some(line) => line_v1(&line[BEGIN_V1.len()..])
                .map(Some)
                .ok_or(ProxyHeaderError::Line),
            None if self.bytes.len() >= MAX_V1 => Err(ProxyHeaderError::TooLong),
            None if self.bytes.contains(&b'\n') => Err(ProxyHeaderError::Line),
            None => Ok(None),
        }
    }

    /// How long what follows the head is, once that is known.
    fn len_v2(&self) -> Option<u16> {
        let len = self.bytes.get(HEAD_V2 - 2..HEAD_V2)?;
        Some(u16::from_be_bytes([len[0], len[1]]))
    }

    fn receive_v2(&self) -> Result<Option<Announced>, ProxyHeaderError> {
        let Some(len) = self.len_v2() else {
            return Ok(None);
        };
        if HEAD_V2 + usize::from(len) > MAX_V2 {
            return Err(ProxyHeaderError::TooLong);
        }
        let (head, rest) = self.bytes.split_at(HEAD_V2);
        if rest.len() < usize::from(len) {
            return Ok(None);
        }
        match head[12] {
            0x21 => {}
            // LOCAL: the proxy's own, whatever else it says.
            0x20 => return Ok(Some(Announced::Nothing)),
            other => return Err(ProxyHeaderError::Command(other)),
        }
        announced_v2(head[13], rest)
            .ok_or(ProxyHeaderError::TooShort(len))?
            .map(Some)
    }
}

/// What stands between `PROXY ` and the line end. Fields are parted by exactly
/// one space.
fn line_v1(line: &[u8]) -> Option<Announced> {
    let line = str::from_utf8(line).ok()?;
    let (family, rest) = line.split_once(' ').unwrap_or((line, ""));
    let is_v4 = match family {
        // What follows must be ignored.
        "UNKNOWN" => return Some(Announced::Nothing),
        "TCP4" => true,
        "TCP6" => false,
        _ => return None,
    };
    let fields: Vec<&str> = rest.split(' ').collect();
    let [source, destination, port, destination_port] = fields[..] else {
        return None;
    };
    let ip = |text: &str| {
        let ip: IpAddr = text.parse().ok()?;
        (ip.is_ipv4() == is_v4).then_some(ip)
    };
    ip(destination).and(port_v1(destination_port))?;
    let source = SocketAddr::new(ip(source)?, port_v1(port)?);
    Some(Announced::Client(source))
}

/// A number from 0 to 65535, without sign or leading zeros.
fn port_v1(text: &str) -> Option<u16> {
    let plain = text == "0" || text.starts_with(|first: char| matches!(first, '1'..='9'));
    text.parse().ok().filter(|_| plain)
}

/// What the addresses say; nothing if they are not all there.
fn announced_v2(family: u8, addresses: &[u8]) -> Option<Result<Announced, ProxyHeaderError>> {
    let (ip, port): (IpAddr, &[u8]) = match family {
        0x00 => return Some(Ok(Announced::Nothing)),
        // TCP over IPv4.
        0x11 => {
            let source: [u8; 4] = *addresses.get(..12)?.first_chunk()?;
            (Ipv4Addr::from(source).into(), &addresses[8..10])
        }
        // TCP over IPv6.
        0x21 => {
            let source: [u8; 16] = *addresses.get(..36)?.first_chunk()?;
            (Ipv6Addr::from(source).into(), &addresses[32..34])
        }
        // A Unix stream socket: it has no address that means something here.
        0x31 => return addresses.get(..216).map(|_| Ok(Announced::Nothing)),
        other => return Some(Err(ProxyHeaderError::Family(other))),
    };
    let port = u16::from_be_bytes([port[0], port[1]]);
    Some(Ok(Announced::Client(SocketAddr::new(ip, port))))
}

#[cfg(test)]
mod tests;
