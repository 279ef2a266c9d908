use super::TrustedProxies;
use longwire_proto::{
    Config,
    handshake::{HeadLimits, OriginPolicy, Refusal, Request},
};
use std::{borrow::Cow, sync::Arc, time::Duration};

/// How a server treats those who come.
///
/// ```
/// use longwire::server::{OriginPolicy, Options};
/// let mut options = Options::default();
/// options.origin = OriginPolicy::SameHostOr(vec!["https://example.com".into()]);
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Options {
    /// How open connections behave: limits, heartbeats, timeouts. Default:
    /// [`Config::server`].
    pub config: Arc<Config>,
    /// Which pages may open a WebSocket here. Default: those of the same host.
    ///
    /// Browsers let any page open a WebSocket to any site, with that site's
    /// cookies; it is the server that has to look (RFC 6455, section 10.2).
    pub origin: OriginPolicy,
    /// What the 403 of a page that may not names as the setting to change.
    /// Default: `Options::origin`. A program puts its own flag here.
    pub origin_setting: Cow<'static, str>,
    /// The proxies in front of the server, and what they are believed. Default:
    /// nobody.
    pub proxies: TrustedProxies,
    /// How large a request's head may be. Default: 16 KiB, 100 headers. A
    /// larger one is refused with 431.
    pub head_limits: HeadLimits,
    /// How long a client may take from connecting until its request is whole,
    /// a PROXY header and TLS included, and then to take the answer. Default: 10 s.
    pub handshake_timeout: Duration,
    /// How many connections may be in their opening handshake at once; more
    /// wait in the listener's backlog. Default: 4,096.
    ///
    /// A connection is in its handshake until the program has accepted or
    /// refused it and that is done.
    pub max_handshakes: usize,
    /// TLS, for `wss://`. Default: none.
    #[cfg(feature = "tls")]
    pub tls: Option<crate::tls::ServerTls>,
}

impl Default for Options {
    fn default() -> Self {
        Options {
            config: Arc::new(Config::server()),
            origin: OriginPolicy::default(),
            origin_setting: Cow::Borrowed("Options::origin"),
            proxies: TrustedProxies::default(),
            head_limits: HeadLimits::default(),
            handshake_timeout: Duration::from_secs(10),
            max_handshakes: 4_096,
            #[cfg(feature = "tls")]
            tls: None,
        }
    }
}

impl Options {
    pub(super) fn check_origin(&self, request: &Request) -> Result<(), Refusal> {
        self.origin.check(request, &self.origin_setting)
    }
}
