use crate::server::Address;
use ipnet::IpNet;
use std::{error, fmt, net::IpAddr};

/// Networks, and perhaps Unix sockets.
#[derive(Clone, Debug, Default)]
pub(super) struct Networks {
    networks: Vec<IpNet>,
    unix: bool,
}

/// What is neither a network nor an address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvalidNetwork(String);

impl fmt::Display for InvalidNetwork {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{:?} is no network: write it as 10.0.0.0/8, 2001:db8::/32, 192.0.2.1 or unix",
            self.0
        )
    }
}

impl error::Error for InvalidNetwork {}

impl Networks {
    pub(super) fn parse<N: AsRef<str>>(
        names: impl IntoIterator<Item = N>,
    ) -> Result<Networks, InvalidNetwork> {
        let mut parsed = Networks::default();
        for name in names {
            let name = name.as_ref();
            match (name, name.parse::<IpNet>(), name.parse::<IpAddr>()) {
                ("unix", ..) => parsed.unix = true,
                (_, Ok(network), _) => parsed.networks.push(network),
                (_, _, Ok(address)) => parsed.networks.push(address.into()),
                _ => return Err(InvalidNetwork(name.to_owned())),
            }
        }
        Ok(parsed)
    }

    pub(super) fn trust(&self, peer: &Address) -> bool {
        match peer {
            Address::Tcp(address) => self.trust_ip(address.ip()),
            Address::Unix(_) => self.unix,
        }
    }

    /// A listener on IPv6 sees those that come by IPv4 as `::ffff:192.0.2.1`.
    pub(super) fn trust_ip(&self, ip: IpAddr) -> bool {
        let ip = ip.to_canonical();
        self.networks.iter().any(|network| network.contains(&ip))
    }
}
