use longwire_proto::handshake::Request;
use std::{
    io,
    net::{IpAddr, SocketAddr},
    ops::Deref,
};

/// A request for a WebSocket, with what its connection tells.
///
/// It is a [`Request`]: path, query, headers, subprotocols on offer.
pub struct Opening<'r> {
    request: &'r Request,
    peer_addr: &'r dyn Fn() -> io::Result<SocketAddr>,
    client_addr: &'r dyn Fn() -> Option<IpAddr>,
    parameters: Vec<(&'r str, String)>,
}

impl<'r> Opening<'r> {
    pub(super) fn new(
        request: &'r Request,
        peer_addr: &'r dyn Fn() -> io::Result<SocketAddr>,
        client_addr: &'r dyn Fn() -> Option<IpAddr>,
    ) -> Opening<'r> {
        Opening {
            request,
            peer_addr,
            client_addr,
            parameters: Vec::new(),
        }
    }

    /// The same request, at a route with these parameters.
    pub(super) fn with_parameters(&self, parameters: Vec<(&'r str, String)>) -> Opening<'r> {
        Opening {
            parameters,
            ..*self
        }
    }

    /// The parameter of this name in the pattern that [`Routes`](super::Routes)
    /// matched, percent-decoded; `None` if the pattern has none, or if there are
    /// no routes.
    pub fn parameter(&self, name: &str) -> Option<&str> {
        let mut parameters = self.parameters.iter();
        parameters
            .find(|(each, _)| *each == name)
            .map(|(_, value)| value.as_str())
    }

    /// Where the connection comes from. Behind a proxy this is the proxy.
    ///
    /// # Errors
    /// When the connection is gone already.
    pub fn peer_addr(&self) -> io::Result<SocketAddr> {
        (self.peer_addr)()
    }

    /// Where the client is: what the proxies in front of the engine tell, as far
    /// as they are trusted ([`TrustedProxies`](crate::server::TrustedProxies)),
    /// and otherwise the peer's address. `None` if the connection is gone already,
    /// or a trusted proxy does not know.
    pub fn client_addr(&self) -> Option<IpAddr> {
        (self.client_addr)()
    }
}

impl Deref for Opening<'_> {
    type Target = Request;

    fn deref(&self) -> &Request {
        self.request
    }
}

impl std::fmt::Debug for Opening<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Opening")
            .field("request", &self.request)
            .field("parameters", &self.parameters)
            .finish_non_exhaustive()
    }
}
