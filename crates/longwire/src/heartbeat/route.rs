use longwire_proto::handshake::{Host, Url};
use std::{
    fmt,
    net::{IpAddr, Ipv6Addr},
};

/// What a learned interval holds for: an endpoint as it is reached from a
/// network.
///
/// Nothing tells a program what network it is in. Its own address there comes
/// nearest: another network mostly gives another one. Of an IPv6 address only the
/// first 64 bits count, since systems change the rest by the day. Two homes whose
/// routers give out the same private address count as one network; if the one
/// carries less than the other, a connection dies of that once, and it is learned
/// anew.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Route {
    network: IpAddr,
    endpoint: String,
}

impl Route {
    /// The route that a connection from a local address takes to the server of a
    /// URL.
    pub fn new(local: IpAddr, url: &Url) -> Route {
        let scheme = if url.is_secure() { "wss" } else { "ws" };
        let port = url.port();
        let endpoint = match url.host() {
            Host::Name(name) => format!("{scheme}://{name}:{port}"),
            Host::Ip(IpAddr::V4(address)) => format!("{scheme}://{address}:{port}"),
            Host::Ip(IpAddr::V6(address)) => format!("{scheme}://[{address}]:{port}"),
        };
        Route {
            network: network_of(local),
            endpoint,
        }
    }

    /// As it was written down. `None` for an address that is no network's.
    pub(super) fn parse(network: &str, endpoint: &str) -> Option<Route> {
        let network = network.parse().ok()?;
        let is_plain = !endpoint.is_empty() && network_of(network) == network;
        is_plain.then(|| Route {
            network,
            endpoint: endpoint.to_owned(),
        })
    }

    /// The local address, or its network's for IPv6.
    pub const fn network(&self) -> IpAddr {
        self.network
    }

    /// Scheme, host and port, as in `wss://example.com:443`. No credentials, and
    /// no path.
    pub fn endpoint(&self) -> &str {
        &self.endpoint
    }
}

fn network_of(local: IpAddr) -> IpAddr {
    match local.to_canonical() {
        IpAddr::V4(address) => IpAddr::V4(address),
        IpAddr::V6(address) => {
            let prefix = address.to_bits() & (u128::MAX << 64);
            IpAddr::V6(Ipv6Addr::from_bits(prefix))
        }
    }
}

impl fmt::Display for Route {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} from {}", self.endpoint, self.network)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn route(local: &str, url: &str) -> String {
        let url = Url::parse(url).unwrap();
        Route::new(local.parse().unwrap(), &url).to_string()
    }

    #[test]
    fn it_has_the_endpoint_without_secrets_and_the_network() {
        assert_eq!(
            route(
                "10.1.2.3",
                "wss://user:secret@Example.com/path?token=secret"
            ),
            "wss://example.com:443 from 10.1.2.3"
        );
        assert_eq!(
            route("2001:db8:1:2:3:4:5:6", "ws://[::1]:8080/"),
            "ws://[::1]:8080 from 2001:db8:1:2::"
        );
        let mapped = route("::ffff:10.1.2.3", "ws://10.0.0.1/");
        assert_eq!(mapped, "ws://10.0.0.1:80 from 10.1.2.3");
    }

    #[test]
    fn it_is_read_as_it_was_written() {
        let url = Url::parse("wss://example.com/").unwrap();
        for local in ["10.1.2.3", "2001:db8:1:2:3:4:5:6"] {
            let route = Route::new(local.parse().unwrap(), &url);
            let network = route.network().to_string();
            assert_eq!(Route::parse(&network, route.endpoint()), Some(route));
        }
        assert_eq!(Route::parse("10.1.2", "wss://example.com:443"), None);
        assert_eq!(Route::parse("2001:db8::1", "wss://example.com:443"), None);
        assert_eq!(Route::parse("10.1.2.3", ""), None);
    }
}
