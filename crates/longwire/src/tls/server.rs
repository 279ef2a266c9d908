//! What a server needs for `wss://`.

use super::{
    TlsError,
    client::{certificates, config},
    provider,
    rustls::{
        Error, ServerConfig,
        pki_types::{PrivateKeyDer, pem::PemObject},
        server::UnbufferedServerConnection,
    },
    session::Session,
    stream::SessionStream,
};
use crate::io::Duplex;
use std::{fmt, io, path::Path, sync::Arc};

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
pub struct ServerTls(pub(super) Arc<ServerConfig>);

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

    /// The server's end of a new connection.
    pub(crate) fn session(&self) -> Result<Session, Error> {
        Session::server(Arc::clone(&self.0))
    }

    /// The same on a stream.
    pub(crate) fn stream<S: Duplex>(
        &self,
        io: S,
    ) -> io::Result<Box<SessionStream<UnbufferedServerConnection, S>>> {
        let session = self.session().map_err(io::Error::other)?;
        Ok(Box::new(SessionStream::new(session, io)))
    }
}

impl From<Arc<ServerConfig>> for ServerTls {
    /// With a configuration of the TLS library, for client certificates,
    /// several certificates, or certificates that change. Application
    /// protocols, if it has some, have to include `http/1.1`. Early data is
    /// refused whatever it says: anybody who records that can send it again
    /// (RFC 8446, section 8).
    fn from(mut config: Arc<ServerConfig>) -> Self {
        if config.max_early_data_size > 0 {
            Arc::make_mut(&mut config).max_early_data_size = 0;
        }
        ServerTls(config)
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
