//! The proxies in front of the server: what `serve` and `echo` take for them.

use longwire::server::{ForwardedHeader, InvalidNetwork, TrustedProxies};

/// Which proxies to believe, and what.
#[derive(Debug, clap::Args)]
#[group(skip)]
pub(crate) struct Proxies {
    /// Believe proxies of this network what they say of where clients are, such
    /// as 10.0.3.0/24 or 192.0.2.1; repeatable. Name the proxies alone: whoever
    /// is in the network can say what he likes.
    #[arg(long, value_name = "NETWORK", value_parser = network)]
    trust_proxy: Vec<String>,

    /// The header that they set. Others are handed on as clients send them, so
    /// only one is believed.
    #[arg(
        long,
        value_enum,
        value_name = "NAME",
        default_value = "x-forwarded-for",
        requires = "trust_proxy"
    )]
    forwarded_header: Header,

    /// Expect a header of the PROXY protocol, version 1 or 2, at the beginning of
    /// each connection from --trust-proxy. Others connect without.
    #[arg(long, requires = "trust_proxy")]
    proxy_protocol: bool,
}

#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum Header {
    XForwardedFor,
    Forwarded,
}

impl Proxies {
    pub(crate) fn trusted(&self) -> TrustedProxies {
        // Each was checked when the command line was read.
        let proxies = TrustedProxies::new(&self.trust_proxy).unwrap_or_default();
        let proxies = proxies.header(match self.forwarded_header {
            Header::XForwardedFor => ForwardedHeader::XForwardedFor,
            Header::Forwarded => ForwardedHeader::Forwarded,
        });
        if self.proxy_protocol {
            proxies.proxy_protocol()
        } else {
            proxies
        }
    }
}

/// A network as it stands, if it is one.
fn network(text: &str) -> Result<String, InvalidNetwork> {
    TrustedProxies::new([text]).map(|_| text.to_owned())
}
