//! What a server needs for `wss://`.

use super::{
    TlsError,
    client::{certificates, config},
    provider,
    rustls::{
        Error, ServerConfig,
        pki_types::{PrivateKeyDer, pem::PemObject},
    },
};
use std::{fmt, path::Path, sync::Arc};
use tokio_rustls::TlsAcceptor;

/// How a server speaks TLS: its certificate and key, and whatever else the TLS
/// library lets it choose.
///
/// ```no_run
/// # async fn run() -> Result<(), Box<dyn std::error::Error>> {
/// use longwire::{Server, server::{Listener, Options}, tls::ServerTls};
///
/// let mut options = Options::default();
/// options.tls = Some(ServerTls::from_pem_files("chain.pem", "key.pem")?);
/// let server = Server::listen(Listener::bind("[::]:443").await?, options);
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct ServerTls(TlsAcceptor);

impl ServerTls {
    /// With a certificate chain, the server's own certificate first, and its
    /// private key (PKCS #8, PKCS #1 or SEC 1), as PEM texts. Both may be the
    /// same text, which then has all sections.
    ///
    /// # Errors
    /// [`TlsErrorKind::Config`](super::TlsErrorKind::Config) if one of them is
    /// missing or broken, or they do not belong together.
    pub fn from_pem(chain: impl AsRef<[u8]>, key: impl AsRef<[u8]>) -> Result<ServerTls, TlsError> {
        let chain = certificates(chain.as_ref())?;
        let key = PrivateKeyDer::from_pem_slice(key.as_ref()).map_err(|error| {
            config("there is no private key in the PEM text").with_source(error)
        })?;
        let mut made = ServerConfig::builder_with_provider(provider())
            .with_safe_default_protocol_versions()
            .map_err(unusable)?
            .with_no_client_auth()
            .with_single_cert(chain, key)
            .map_err(unusable)?;
        // The opening handshake is HTTP/1.1 (RFC 6455, section 4.1).
        made.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(ServerTls::from(Arc::new(made)))
    }

    /// The same from files.
    ///
    /// # Errors
    /// Those of [`from_pem`](Self::from_pem); also if a file cannot be read.
    pub fn from_pem_files(
        chain: impl AsRef<Path>,
        key: impl AsRef<Path>,
    ) -> Result<ServerTls, TlsError> {
        ServerTls::from_pem(read(chain.as_ref())?, read(key.as_ref())?)
    }

    pub(crate) fn acceptor(&self) -> &TlsAcceptor {
        &self.0
    }

    /// The configuration, without early data: anybody who records that can send
    /// it again (RFC 8446, section 8).
    #[cfg(feature = "worker")]
    pub(crate) fn config(&self) -> Arc<ServerConfig> {
        let config = self.0.config();
        if config.max_early_data_size == 0 {
            return Arc::clone(config);
        }
        let mut config = ServerConfig::clone(config);
        config.max_early_data_size = 0;
        Arc::new(config)
    }
}

impl From<Arc<ServerConfig>> for ServerTls {
    /// With a configuration of the TLS library, for client certificates,
    /// several certificates, or certificates that change. Application
    /// protocols, if it has some, have to include `http/1.1`.
    fn from(config: Arc<ServerConfig>) -> Self {
        ServerTls(config.into())
    }
}

impl fmt::Debug for ServerTls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServerTls").finish_non_exhaustive()
    }
}

fn read(path: &Path) -> Result<Vec<u8>, TlsError> {
    std::fs::read(path).map_err(|error| {
        config(format!("cannot read {}: {error}", path.display())).with_source(error)
    })
}

fn unusable(error: Error) -> TlsError {
    let text = match &error {
        Error::InconsistentKeys(_) => "the private key is not that of the certificate".to_owned(),
        other => format!("the certificate and its key cannot be used: {other}"),
    };
    config(text).with_source(error)
}
