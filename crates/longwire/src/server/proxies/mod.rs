//! The proxies in front of a server, and what they tell of its clients.

mod forwarded;
mod networks;
mod protocol;

pub use self::forwarded::ForwardedHeader;
pub use self::networks::InvalidNetwork;
pub use self::protocol::ProxyHeaderError;
pub(crate) use self::protocol::{Announced, ProxyHeaderReader};

use self::networks::Networks;
use super::Address;
use longwire_proto::handshake::Headers;
use std::net::{IpAddr, SocketAddr};

/// Which peers are proxies, and what is believed of what they tell: where the
/// client is.
///
/// Behind a proxy every connection comes from the proxy. It can tell the client's
/// address in a header of the request ([`ForwardedHeader`]) or, before anything
/// else, with the PROXY protocol. Anybody can do that, so only those that are
/// named here are believed.
///
/// ```
/// use longwire::server::{ForwardedHeader, Options, TrustedProxies};
///
/// # fn example() -> Result<(), longwire::server::InvalidNetwork> {
/// let mut options = Options::default();
/// options.proxies = TrustedProxies::new(["10.0.3.0/24", "2001:db8::7"])?
///     .header(ForwardedHeader::Forwarded);
/// # Ok(())
/// # }
/// ```
///
/// # Who the client is
///
/// A header may name several addresses: each proxy adds the one it was connected
/// from. What stands on the left may be an invention of the client's, so they are
/// looked at from the right, beginning with the peer itself (or what its PROXY
/// header says), and the first address that is not a trusted proxy's is the
/// client's. If all are, it is the last one.
///
/// So name the proxies and not the networks of clients: whoever has an address
/// that is named here can say what he likes.
#[derive(Clone, Debug, Default)]
pub struct TrustedProxies {
    networks: Networks,
    header: ForwardedHeader,
    proxy_protocol: bool,
}

impl TrustedProxies {
    /// Trusts peers of these networks, such as `10.0.3.0/24` or `2001:db8::/32`,
    /// single addresses, and with `unix` those that come by a Unix socket.
    ///
    /// What they say in `X-Forwarded-For` is believed, unless
    /// [`header`](Self::header) says otherwise. The default trusts nobody.
    ///
    /// # Errors
    /// Something is neither a network nor an address nor `unix`.
    pub fn new<N: AsRef<str>>(
        networks: impl IntoIterator<Item = N>,
    ) -> Result<TrustedProxies, InvalidNetwork> {
        Ok(TrustedProxies {
            networks: Networks::parse(networks)?,
            ..TrustedProxies::default()
        })
    }

    /// Which header is believed. It has to be the one that the proxies set: most
    /// hand on others as the client sent them.
    #[must_use]
    pub fn header(self, header: ForwardedHeader) -> TrustedProxies {
        TrustedProxies { header, ..self }
    }

    /// Has trusted peers begin each connection with a header of the PROXY
    /// protocol, version 1 or 2, before TLS.
    ///
    /// They have to: who cannot say that there will be one must not guess. Without
    /// one, or with a malformed one, the connection is closed, and a warning
    /// logged. Others are not expected to send one, and it would not be believed.
    #[must_use]
    pub fn proxy_protocol(self) -> TrustedProxies {
        TrustedProxies {
            proxy_protocol: true,
            ..self
        }
    }

    /// Whether any peer has to send a PROXY header: a reason to ask where it is.
    #[cfg(feature = "worker")]
    pub(crate) const fn expects_headers(&self) -> bool {
        self.proxy_protocol
    }

    /// Whether this peer has to send one.
    pub(crate) fn expects_header_of(&self, peer: &Address) -> bool {
        self.proxy_protocol && self.networks.trust(peer)
    }

    /// Where the client is, if that can be told: `peer` is connected, and has
    /// `announced` this in its PROXY header.
    pub(crate) fn client(
        &self,
        peer: &Address,
        announced: Option<SocketAddr>,
        headers: &Headers,
    ) -> Option<IpAddr> {
        let nearest = announced.map_or_else(|| peer.clone(), Address::Tcp);
        let mut client = nearest.tcp().map(|address| address.ip().to_canonical());
        if !self.networks.trust(&nearest) {
            return client;
        }
        // The last field was added last.
        let fields: Vec<&[u8]> = headers.get_all(self.header.name()).collect();
        for hop in fields
            .into_iter()
            .rev()
            .flat_map(|field| self.header.hops(field))
        {
            // A proxy that is trusted says that it does not know, or nothing that
            // can be understood.
            let ip = hop?;
            client = Some(ip);
            if !self.networks.trust_ip(ip) {
                break;
            }
        }
        client
    }
}

#[cfg(test)]
mod tests;
