use crate::deflate;
use longwire_proto::handshake::{ClientRequest, Host, MisuseError, Url, UrlError};
use rustls::{ClientConfig, ClientConnection, pki_types::ServerName};
use std::{
    fmt, io,
    net::{SocketAddr, ToSocketAddrs},
    sync::Arc,
};

/// What is measured.
#[derive(Debug, Clone)]
pub struct Target {
    address: SocketAddr,
    pub(crate) protocol: Protocol,
    /// Messages are compressed.
    pub(crate) deflate: bool,
    tls: Option<(Arc<ClientConfig>, ServerName<'static>)>,
    request: ClientRequest,
}

/// What is spoken on the connections.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Protocol {
    WebSocket,
    /// Socket.IO events in the text messages of a WebSocket.
    SocketIo,
    /// The same bytes without a protocol.
    Tcp,
}

/// Why there is nothing to measure at a URL.
#[derive(Debug)]
#[non_exhaustive]
pub enum TargetError {
    /// It is no URL of a WebSocket.
    Url(UrlError),
    /// The URL asks for TLS, and no configuration of it was given.
    NoTls,
    /// The host's name cannot stand in a certificate.
    Name(String),
    /// The host has no address.
    Resolve {
        /// The host.
        host: String,
        /// Why not.
        source: io::Error,
    },
}

impl Target {
    /// The server at `url`: `ws://host:port/path` or `wss://`; or for an echo of
    /// bare bytes, the limit that a server can be compared with,
    /// `tcp://host:port` or `tls://`. `tls` says which servers are trusted.
    ///
    /// Resolves the host's name, and takes its first address.
    ///
    /// # Errors
    /// [`TargetError`], for people.
    pub fn resolve(url: &str, tls: Option<&Arc<ClientConfig>>) -> Result<Target, TargetError> {
        let (protocol, url) = match url.split_once("://") {
            Some(("tcp", rest)) => (Protocol::Tcp, Url::parse(&format!("ws://{rest}"))),
            Some(("tls", rest)) => (Protocol::Tcp, Url::parse(&format!("wss://{rest}"))),
            _ => (Protocol::WebSocket, Url::parse(url)),
        };
        let url = url.map_err(TargetError::Url)?;
        let tls = match (url.is_secure(), tls) {
            (false, _) => None,
            (true, Some(config)) => Some((Arc::clone(config), server_name(&url)?)),
            (true, None) => return Err(TargetError::NoTls),
        };
        Ok(Target {
            address: resolve(&url)?,
            protocol,
            deflate: false,
            tls,
            request: ClientRequest::for_url(&url),
        })
    }

    /// Speaks Socket.IO with the server: joins the default namespace, and sends
    /// events. The URL is that of its WebSocket transport,
    /// `ws://host:port/socket.io/?EIO=4&transport=websocket`.
    #[must_use]
    pub fn socket_io(mut self) -> Target {
        self.protocol = Protocol::SocketIo;
        self
    }

    /// Offers permessage-deflate (RFC 7692) without context takeover, and sends
    /// JSON that was compressed once. A server that does not agree is an error.
    /// Of bare bytes the same ones are sent as a server with the extension gets.
    #[must_use]
    pub fn compress(mut self) -> Target {
        self.deflate = true;
        for offer in deflate::offers() {
            self.request = self.request.offer(offer);
        }
        self
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

    /// The client's end of a TLS connection, if there is to be one.
    pub(crate) fn tls(&self) -> Option<Result<ClientConnection, rustls::Error>> {
        let (config, name) = self.tls.as_ref()?;
        Some(ClientConnection::new(Arc::clone(config), name.clone()))
    }
}

fn server_name(url: &Url) -> Result<ServerName<'static>, TargetError> {
    match url.host() {
        Host::Ip(ip) => Ok(ServerName::from(ip)),
        Host::Name(name) => {
            ServerName::try_from(name.to_owned()).map_err(|_| TargetError::Name(name.to_owned()))
        }
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
            Self::NoTls => f.write_str("the URL asks for TLS, which is not configured"),
            Self::Name(name) => write!(f, "{name:?} cannot stand in a certificate"),
            Self::Resolve { host, source } => write!(f, "{host} has no address: {source}"),
        }
    }
}

impl std::error::Error for TargetError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Url(error) => Some(error),
            Self::NoTls | Self::Name(_) => None,
            Self::Resolve { source, .. } => Some(source),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_protocols_have_urls() {
        let target = Target::resolve("ws://127.0.0.1:9/chat?x=1", None).unwrap();
        assert_eq!(target.protocol, Protocol::WebSocket);
        assert_eq!(target.address(), "127.0.0.1:9".parse().unwrap());
        let target = Target::resolve("tcp://[::1]:9", None).unwrap();
        assert_eq!(target.protocol, Protocol::Tcp);
        assert_eq!(target.address(), "[::1]:9".parse().unwrap());
    }

    #[test]
    fn what_cannot_be_measured_is_told() {
        assert!(matches!(
            Target::resolve("wss://127.0.0.1/", None),
            Err(TargetError::NoTls)
        ));
        assert!(matches!(
            Target::resolve("127.0.0.1", None),
            Err(TargetError::Url(_))
        ));
    }
}
