use super::{
    TlsError, TlsErrorKind,
    danger::AcceptAnyCertificate,
    provider,
    rustls::{
        self, ClientConfig, RootCertStore,
        pki_types::{CertificateDer, PrivateKeyDer, ServerName, pem::PemObject},
        sign::{CertifiedKey, SingleCertAndKey},
    },
    session::Session,
    stream::{SessionStream, TlsOverTcp},
};
use longwire_proto::handshake::Host;
use std::{fmt, sync::Arc};
use tokio::{net::TcpStream, sync::OnceCell};

/// How a client speaks TLS: which servers it trusts, and who it says it is.
///
/// ```no_run
/// use longwire::{Connector, tls::{ClientTls, Roots}};
///
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// // A company's own authority, and no other; and a certificate of ours.
/// let tls = ClientTls::new()
///     .roots(Roots::None)
///     .root_pem(std::fs::read("company-ca.pem")?)?
///     .client_certificate_pem(std::fs::read("me.pem")?, std::fs::read("me.key")?)?;
/// let connector = Connector::builder().tls(tls).build()?;
/// let websocket = connector.connect("wss://intranet.example/live").await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
#[must_use]
pub struct ClientTls {
    roots: Roots,
    own_roots: Vec<CertificateDer<'static>>,
    identity: Option<Arc<CertifiedKey>>,
    verification: Verification,
}

/// The authorities that a client trusts, besides those that are added one by
/// one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Roots {
    /// Those of the system, or of `SSL_CERT_FILE` and `SSL_CERT_DIR` where these
    /// are set. They are loaded when the first `wss://` URL is connected to,
    /// and then kept.
    #[default]
    System,
    /// Mozilla's, as they were when this program was built: the same
    /// everywhere, for systems that have none.
    WebPki,
    /// No others.
    None,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verification {
    On,
    Off,
}

impl ClientTls {
    /// The system's roots, and no client certificate.
    pub fn new() -> ClientTls {
        ClientTls {
            roots: Roots::System,
            own_roots: Vec::new(),
            identity: None,
            verification: Verification::On,
        }
    }

    /// Which authorities are trusted, besides those added by
    /// [`root`](Self::root) and [`root_pem`](Self::root_pem).
    pub fn roots(mut self, roots: Roots) -> ClientTls {
        self.roots = roots;
        self
    }

    /// Trusts this authority too. A self-signed server certificate can be one.
    ///
    /// # Errors
    /// [`TlsErrorKind::Config`] if it is no certificate.
    pub fn root(mut self, certificate: CertificateDer<'static>) -> Result<ClientTls, TlsError> {
        RootCertStore::empty()
            .add(certificate.clone())
            .map_err(|error| {
                config("the root certificate is none: not X.509, or not in DER").with_source(error)
            })?;
        self.own_roots.push(certificate);
        Ok(self)
    }

    /// Trusts the authorities in this PEM text too: one or more sections
    /// `-----BEGIN CERTIFICATE-----`.
    ///
    /// # Errors
    /// [`TlsErrorKind::Config`] if there is none, or one is broken.
    pub fn root_pem(mut self, pem: impl AsRef<[u8]>) -> Result<ClientTls, TlsError> {
        for certificate in certificates(pem.as_ref())? {
            self = self.root(certificate)?;
        }
        Ok(self)
    }

    /// Presents this certificate to servers that ask for one. The chain begins
    /// with the certificate itself; behind it come those that lead to an
    /// authority that the server knows.
    ///
    /// # Errors
    /// [`TlsErrorKind::Config`] if the key is of no known kind, or is not the
    /// certificate's.
    pub fn client_certificate(
        mut self,
        chain: Vec<CertificateDer<'static>>,
        key: PrivateKeyDer<'static>,
    ) -> Result<ClientTls, TlsError> {
        let identity = CertifiedKey::from_der(chain, key, &provider()).map_err(|error| {
            let text = format!("the client certificate and its key cannot be used: {error}");
            config(text).with_source(error)
        })?;
        self.identity = Some(Arc::new(identity));
        Ok(self)
    }

    /// The same as [`client_certificate`](Self::client_certificate), from PEM
    /// texts. Both may be the same text, which then has all sections.
    ///
    /// # Errors
    /// [`TlsErrorKind::Config`], also if there is no certificate or no key.
    pub fn client_certificate_pem(
        self,
        chain: impl AsRef<[u8]>,
        key: impl AsRef<[u8]>,
    ) -> Result<ClientTls, TlsError> {
        let chain = certificates(chain.as_ref())?;
        let key = PrivateKeyDer::from_pem_slice(key.as_ref()).map_err(|error| {
            config("there is no private key in the PEM text").with_source(error)
        })?;
        self.client_certificate(chain, key)
    }

    /// Connects whatever certificate the server presents: expired, for another
    /// name, signed by anyone.
    ///
    /// Whoever can get between the client and the server can then read and
    /// change everything. For tests on one's own machine; to trust one's own
    /// server, [`root_pem`](Self::root_pem) is as easy, and safe.
    pub fn danger_accept_invalid_certificates(mut self) -> ClientTls {
        self.verification = Verification::Off;
        self
    }

    /// The same for those who speak TLS by themselves. Loads the system's roots,
    /// if these are trusted.
    ///
    /// # Errors
    /// [`TlsErrorKind::Config`] if there is no root to check a server by.
    pub async fn to_rustls(&self) -> Result<Arc<ClientConfig>, TlsError> {
        let provider = provider();
        let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()?;
        let builder = match self.verification {
            Verification::On => builder.with_root_certificates(self.root_store().await?),
            Verification::Off => builder
                .dangerous()
                .with_custom_certificate_verifier(Arc::new(AcceptAnyCertificate(provider))),
        };
        let mut config = match &self.identity {
            None => builder.with_no_client_auth(),
            Some(identity) => builder
                .with_client_cert_resolver(Arc::new(SingleCertAndKey::from(Arc::clone(identity)))),
        };
        // RFC 7301: servers that also speak HTTP/2 then know not to.
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Arc::new(config))
    }

    async fn root_store(&self) -> Result<RootCertStore, TlsError> {
        let mut store = RootCertStore::empty();
        let mut why_not = "none is given".to_owned();
        match self.roots {
            Roots::None => {}
            Roots::WebPki => store.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned()),
            Roots::System => {
                let loaded = load_system_roots().await;
                // Systems are known to hold some that no strict parser takes.
                let (usable, ignored) = store.add_parsable_certificates(loaded.certs);
                tracing::debug!(
                    usable,
                    ignored,
                    errors = loaded.errors.len(),
                    "system roots loaded"
                );
                why_not = match loaded.errors.first() {
                    Some(error) => format!("this system's cannot be loaded ({error})"),
                    None => "this system has none; install its package of CA certificates, or use \
                             those of the web PKI"
                        .to_owned(),
                };
            }
        }
        for root in &self.own_roots {
            store.add(root.clone())?;
        }
        if store.is_empty() {
            return Err(config(format!(
                "there are no root certificates to check a server's by: {why_not}"
            )));
        }
        Ok(store)
    }
}

impl Default for ClientTls {
    /// The same as [`new`](ClientTls::new).
    fn default() -> ClientTls {
        ClientTls::new()
    }
}

impl fmt::Debug for ClientTls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientTls")
            .field("roots", &self.roots)
            .field("own_roots", &self.own_roots.len())
            .field("identity", &self.identity.is_some())
            .field("verification", &self.verification)
            .finish()
    }
}

/// Reads files, which blocks.
async fn load_system_roots() -> rustls_native_certs::CertificateResult {
    tokio::task::spawn_blocking(rustls_native_certs::load_native_certs)
        .await
        // The runtime shuts down, so that nothing more comes of this
        // connection.
        .unwrap_or_default()
}

pub(super) fn certificates(pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let certificates: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
    match certificates {
        Ok(none) if none.is_empty() => Err(config("there is no certificate in the PEM text")),
        Ok(certificates) => Ok(certificates),
        Err(error) => Err(config("the PEM text is broken").with_source(error)),
    }
}

pub(super) fn config(text: impl Into<String>) -> TlsError {
    TlsError::new(TlsErrorKind::Config, text)
}

/// What a connector makes its TLS connections with.
pub(crate) enum ClientSetup {
    /// To be made into a configuration at the first connection, since that may
    /// take reading files.
    Lazy(ClientTls, OnceCell<Arc<ClientConfig>>),
    /// The caller's.
    Given(Arc<ClientConfig>),
}

impl ClientSetup {
    pub(crate) fn new(tls: ClientTls) -> ClientSetup {
        ClientSetup::Lazy(tls, OnceCell::new())
    }

    async fn config(&self) -> Result<Arc<ClientConfig>, TlsError> {
        match self {
            ClientSetup::Given(config) => Ok(Arc::clone(config)),
            ClientSetup::Lazy(tls, made) => made
                .get_or_try_init(|| tls.to_rustls())
                .await
                .map(Arc::clone),
        }
    }

    /// Sets up TLS with `host` on a connection.
    pub(crate) async fn connect(
        &self,
        host: Host<'_>,
        stream: TcpStream,
    ) -> Result<Box<dyn TlsOverTcp>, TlsError> {
        let name = match host {
            Host::Ip(address) => ServerName::from(address),
            Host::Name(name) => ServerName::try_from(name.to_owned()).map_err(|error| {
                let text = format!("{name:?} cannot stand in a certificate");
                TlsError::new(TlsErrorKind::WrongName, text).with_source(error)
            })?,
        };
        let session = Session::client(self.config().await?, name)?;
        let stream = Box::new(SessionStream::new(session, stream));
        let secured = stream.shake_hands().await;
        Ok(secured.map_err(TlsError::of_handshake)?)
    }
}

impl From<rustls::Error> for TlsError {
    fn from(error: rustls::Error) -> TlsError {
        let (kind, text) = super::explain::explain(&error);
        TlsError::new(kind, text).with_source(error)
    }
}
