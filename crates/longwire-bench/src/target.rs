use longwire_proto::handshake::{ClientRequest, Host, MisuseError, Url, UrlError};
use std::{
    fmt, io,
    net::{SocketAddr, ToSocketAddrs},
};

/// What is measured.
#[derive(Debug, Clone)]
pub struct Target {
    pub(crate) address: SocketAddr,
    pub(crate) protocol: Protocol,
    request: ClientRequest,
}

/// What is spoken on the connections.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Protocol {
    WebSocket,
    /// The same bytes without a protocol.
    Tcp,
}

/// Why there is nothing to measure at a URL.
#[derive(Debug)]
#[non_exhaustive]
pub enum TargetError {
    /// It is no URL of a WebSocket.
    Url(UrlError),
    /// It is a `wss://` URL, and the generator does no TLS.
    Tls,
    /// The host has no address.
    Resolve {
        /// The host.
        host: String,
        /// Why not.
        source: io::Error,
    },
}

impl Target {
    /// The server at `url`: `ws://host:port/path`, or `tcp://host:port` for an
    /// echo of bare bytes, the limit that a server can be compared with.
    ///
    /// Resolves the host's name, and takes its first address.
    ///
    /// # Errors
    /// [`TargetError`], for people.
    pub fn resolve(url: &str) -> Result<Target, TargetError> {
        let (protocol, url) = match url.strip_prefix("tcp://") {
            Some(rest) => (Protocol::Tcp, Url::parse(&format!("ws://{rest}"))),
            None => (Protocol::WebSocket, Url::parse(url)),
        };
        let url = url.map_err(TargetError::Url)?;
        if url.is_secure() {
            return Err(TargetError::Tls);
        }
        Ok(Target {
            address: resolve(&url)?,
            protocol,
            request: ClientRequest::for_url(&url),
        })
    }

    /// Adds a header to the request of every connection.
    ///
    /// # Errors
    /// Those of [`ClientRequest::header`].
    pub fn header(mut self, name: &str, value: &str) -> Result<Target, MisuseError> {
        self.request = self.request.header(name, value)?;
        Ok(self)
    }

    /// The address that is connected to.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    pub(crate) fn request(&self) -> &ClientRequest {
        &self.request
    }
}

fn resolve(url: &Url) -> Result<SocketAddr, TargetError> {
    let name = match url.host() {
        Host::Ip(ip) => return Ok((ip, url.port()).into()),
        Host::Name(name) => name,
    };
    let found = (name, url.port())
        .to_socket_addrs()
        .and_then(|mut all| all.next().ok_or_else(|| io::ErrorKind::NotFound.into()));
    found.map_err(|source| TargetError::Resolve {
        host: name.to_owned(),
        source,
    })
}

impl fmt::Display for TargetError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Url(error) => error.fmt(f),
            Self::Tls => f.write_str(
                "wss:// cannot be measured: the generator does no TLS; measure the server behind \
                 it with ws://",
            ),
            Self::Resolve { host, source } => write!(f, "{host} has no address: {source}"),
        }
    }
}

impl std::error::Error for TargetError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Url(error) => Some(error),
            Self::Tls => None,
            Self::Resolve { source, .. } => Some(source),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_protocols_have_urls() {
        let target = Target::resolve("ws://127.0.0.1:9/chat?x=1").unwrap();
        assert_eq!(target.protocol, Protocol::WebSocket);
        assert_eq!(target.address(), "127.0.0.1:9".parse().unwrap());
        let target = Target::resolve("tcp://[::1]:9").unwrap();
        assert_eq!(target.protocol, Protocol::Tcp);
        assert_eq!(target.address(), "[::1]:9".parse().unwrap());
    }

    #[test]
    fn what_cannot_be_measured_is_told() {
        assert!(matches!(
            Target::resolve("wss://127.0.0.1/"),
            Err(TargetError::Tls)
        ));
        assert!(matches!(
            Target::resolve("127.0.0.1"),
            Err(TargetError::Url(_))
        ));
    }
}
