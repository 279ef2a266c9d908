#[cfg(feature = "proxy")]
use super::proxy::{Environment, Proxy, Route};
use super::{Connector, USER_AGENT, redirect::Credentials};
#[cfg(feature = "tls")]
use crate::tls::{ClientSetup, ClientTls, rustls::ClientConfig};
use longwire_proto::{
    Config, Limits,
    extension::{Extension, PermessageDeflate},
    handshake::{ClientRequest, HeadLimits, MisuseError, Url},
    heartbeat::{self, Proposal},
};
use std::{collections::HashMap, fmt, net::IpAddr, sync::Arc, time::Duration};

/// Sets the options of a [`Connector`].
///
/// ```no_run
/// use longwire::Connector;
/// use std::time::Duration;
///
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// let connector = Connector::builder()
///     .header("Authorization", "Bearer 0123456789")
///     .subprotocol("chat.v2")
///     .subprotocol("chat.v1")
///     .handshake_timeout(Duration::from_secs(5))
///     .redirects(3)
///     .build()?;
/// let websocket = connector.connect("wss://example.com/room").await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
#[must_use = "a builder does nothing until `build` is called"]
pub struct ConnectorBuilder {
    options: Options,
}

/// What a [`Connector`] is set to.
#[derive(Clone)]
pub(super) struct Options {
    headers: Vec<(String, Vec<u8>)>,
    subprotocols: Vec<String>,
    extensions: Vec<Offer>,
    head_limits: HeadLimits,
    pub(super) connect_timeout: Duration,
    pub(super) handshake_timeout: Duration,
    pub(super) redirects: u32,
    pub(super) addresses: HashMap<String, Vec<IpAddr>>,
    pub(super) config: Arc<Config>,
    #[cfg(feature = "proxy")]
    pub(super) route: Route,
    #[cfg(feature = "tls")]
    pub(super) tls: Arc<ClientSetup>,
}

#[derive(Clone)]
enum Offer {
    Optional(Extension),
    Required(Extension),
}

impl ConnectorBuilder {
    pub(super) fn new() -> ConnectorBuilder {
        ConnectorBuilder {
            options: Options {
                headers: vec![("User-Agent".into(), USER_AGENT.into())],
                subprotocols: Vec::new(),
                extensions: Vec::new(),
                head_limits: HeadLimits::default(),
                connect_timeout: Duration::from_secs(15),
                handshake_timeout: Duration::from_secs(15),
                redirects: 0,
                addresses: HashMap::new(),
                config: Arc::new(Config::client()),
                #[cfg(feature = "proxy")]
                route: Route::default(),
                #[cfg(feature = "tls")]
                tls: Arc::new(ClientSetup::new(ClientTls::new())),
            },
        }
    }

    /// Adds a header to the request, such as `Authorization` or `Cookie`.
    ///
    /// `Authorization` takes the place of credentials in the URL, and
    /// `User-Agent` that of this library's own. The headers of the handshake
    /// itself cannot be set.
    pub fn header(mut self, name: impl Into<String>, value: impl Into<Vec<u8>>) -> Self {
        self.options.headers.push((name.into(), value.into()));
        self
    }

    /// Says on behalf of which origin the connection is made, such as
    /// `https://example.com`: what a browser tells about the page. Servers that
    /// let in only their own pages ask for it; most do not ask programs.
    pub fn origin(self, origin: impl Into<Vec<u8>>) -> Self {
        self.header("Origin", origin)
    }

    /// Offers a subprotocol (RFC 6455 section 1.9), the most wanted one first.
    pub fn subprotocol(mut self, name: impl Into<String>) -> Self {
        self.options.subprotocols.push(name.into());
        self
    }

    /// Offers an extension, which the server may leave out
    /// (RFC 6455 section 9.1).
    ///
    /// The `Response` says what the server made of it. What the extension does
    /// is up to the program, and it cannot use reserved bits.
    pub fn extension(mut self, extension: Extension) -> Self {
        self.options.extensions.push(Offer::Optional(extension));
        self
    }

    /// Offers an extension without which the program cannot go on: when the
    /// server leaves it out, the connection is closed with code 1010
    /// (RFC 6455 section 7.4.1), and connecting fails with
    /// [`ConnectError::MissingExtensions`](super::ConnectError::MissingExtensions).
    pub fn require_extension(mut self, extension: Extension) -> Self {
        self.options.extensions.push(Offer::Required(extension));
        self
    }

    /// How long it may take to find the host's addresses and to get a TCP
    /// connection to one of them. Default: 15 s.
    pub fn connect_timeout(mut self, timeout: Duration) -> Self {
        self.options.connect_timeout = timeout;
        self
    }

    /// How long TLS may take, and then how long the opening handshake may.
    /// Default: 15 s each.
    pub fn handshake_timeout(mut self, timeout: Duration) -> Self {
        self.options.handshake_timeout = timeout;
        self
    }

    /// How many redirects to follow. Default: none; the
    /// [error](super::ConnectError::Redirect) says where the first one leads.
    ///
    /// A redirect to another server takes along the subprotocols and headers,
    /// but not `Authorization`, `Cookie`, `Proxy-Authorization` and the
    /// credentials of the URL. One from `wss` to `ws` is never followed.
    pub fn redirects(mut self, max: u32) -> Self {
        self.options.redirects = max;
        self
    }

    /// Connects to these addresses, in this order, when a URL names this host,
    /// in place of asking the resolver. The `Host` header and the name that the
    /// certificate must be valid for stay the URL's.
    pub fn resolve(
        mut self,
        host: impl AsRef<str>,
        addresses: impl IntoIterator<Item = IpAddr>,
    ) -> Self {
        // Names in URLs are in lower case.
        let host = host.as_ref().to_ascii_lowercase();
        let addresses = addresses.into_iter().collect();
        self.options.addresses.insert(host, addresses);
        self
    }

    /// Connects through this proxy, to every server.
    #[cfg(feature = "proxy")]
    pub fn proxy(mut self, proxy: Proxy) -> Self {
        self.options.route = Route::Through(proxy);
        self
    }

    /// Connects through the proxies that the environment names now, as other
    /// programs do: `HTTP_PROXY` for `ws`, `HTTPS_PROXY` for `wss`, `ALL_PROXY`
    /// for both, but not to the hosts and networks of `NO_PROXY`. The names in
    /// lower case come first. A setting that names no proxy fails the connections
    /// that it is for.
    #[cfg(feature = "proxy")]
    pub fn proxy_from_environment(mut self) -> Self {
        self.options.route = Route::Environment(Environment::read());
        self
    }

    /// How large the head of the server's answer may be. Default: 16 KiB and
    /// 100 headers.
    pub fn head_limits(mut self, limits: HeadLimits) -> Self {
        self.options.head_limits = limits;
        self
    }

    /// What the server may make a WebSocket hold or do once it is open.
    pub fn limits(mut self, limits: Limits) -> Self {
        Arc::make_mut(&mut self.options.config).limits = limits;
        self
    }

    /// After how long without a byte from the server a Ping is sent; `None`
    /// sends none. Default: 30 s.
    pub fn ping_interval(mut self, interval: Option<Duration>) -> Self {
        Arc::make_mut(&mut self.options.config).ping_interval = interval;
        self
    }

    /// Sets everything about the open WebSocket at once, [`limits`](Self::limits)
    /// and [`ping_interval`](Self::ping_interval) included.
    pub fn config(mut self, config: impl Into<Arc<Config>>) -> Self {
        self.options.config = config.into();
        self
    }

    /// How `wss://` is spoken: which certificates are trusted, and which one is
    /// presented. Default: the system's roots, and no client certificate.
    #[cfg(feature = "tls")]
    pub fn tls(mut self, tls: ClientTls) -> Self {
        self.options.tls = Arc::new(ClientSetup::new(tls));
        self
    }

    /// Speaks `wss://` with this configuration, as it is, in place of one made
    /// from [`tls`](Self::tls): for all that rustls can do.
    #[cfg(feature = "tls")]
    pub fn rustls(mut self, config: Arc<ClientConfig>) -> Self {
        self.options.tls = Arc::new(ClientSetup::Given(config));
        self
    }

    /// The connector.
    ///
    /// # Errors
    /// [`MisuseError`] if a header, a subprotocol or the origin could not stand
    /// in a request; it names the one.
    pub fn build(self) -> Result<Connector, MisuseError> {
        // A connector that exists can make its requests.
        let request = ClientRequest::new("localhost", "/")?;
        self.options.fill(request, Credentials::Send)?;
        Ok(self.build_valid())
    }

    /// The connector of options that are the defaults.
    pub(super) fn build_valid(self) -> Connector {
        Connector::of(self.options)
    }
}

impl Options {
    /// The request for `url`.
    pub(super) fn request(
        &self,
        url: &Url,
        credentials: Credentials,
    ) -> Result<ClientRequest, MisuseError> {
        self.fill(ClientRequest::for_url(url), credentials)
    }

    /// The same, with this said of the connection.
    pub(super) fn proposing(&self, proposal: Proposal) -> Options {
        let mut options = self.clone();
        let is_same = |name: &str| name.eq_ignore_ascii_case(heartbeat::HEADER);
        options.headers.retain(|(name, _)| !is_same(name));
        let header = (heartbeat::HEADER.into(), proposal.as_str().into());
        options.headers.push(header);
        options
    }

    /// The same, for spare connections that say and are told nothing: with all
    /// that is needed to be let in, and without what a message would need.
    pub(super) fn for_canaries(&self) -> Options {
        let mut options = self.proposing(Proposal::Canary);
        options.subprotocols.clear();
        options.extensions.clear();
        let config = Arc::make_mut(&mut options.config);
        config.deflate = None;
        config.ping_interval = None;
        options
    }

    fn fill(
        &self,
        mut request: ClientRequest,
        credentials: Credentials,
    ) -> Result<ClientRequest, MisuseError> {
        for (name, value) in &self.headers {
            if !credentials.withhold(name) {
                request = request.header(name, value)?;
            }
        }
        for name in &self.subprotocols {
            request = request.subprotocol(name)?;
        }
        for offer in self
            .config
            .deflate
            .iter()
            .flat_map(PermessageDeflate::offers)
        {
            request = request.offer(offer);
        }
        for offer in &self.extensions {
            request = match offer {
                Offer::Optional(extension) => request.offer(extension.clone()),
                Offer::Required(extension) => request.require(extension.clone()),
            };
        }
        Ok(request.limits(self.head_limits))
    }
}

impl fmt::Debug for Options {
    /// Names of headers only: any value may be a secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let headers: Vec<&str> = self.headers.iter().map(|(name, _)| &**name).collect();
        f.debug_struct("Options")
            .field("headers", &headers)
            .field("subprotocols", &self.subprotocols)
            .field("connect_timeout", &self.connect_timeout)
            .field("handshake_timeout", &self.handshake_timeout)
            .field("redirects", &self.redirects)
            .field("addresses", &self.addresses)
            .finish_non_exhaustive()
    }
}
