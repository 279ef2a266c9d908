//! TLS by rustls, for everybody the same.

use std::future::Future;
use std::sync::Arc;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::pki_types::PrivateKeyDer;
use tokio_rustls::server::TlsStream;

use crate::Result;
use crate::listen::serve_tcp;

/// With a certificate that was made for this run.
pub(crate) fn config() -> Result<Arc<ServerConfig>> {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()])?;
    let key = PrivateKeyDer::try_from(made.signing_key.serialize_der())?;
    let mut config = ServerConfig::builder()
        .with_no_client_auth()
        .with_single_cert(vec![made.cert.der().clone()], key)?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}

/// Serves each connection in a task of its own, with the handshake of TLS.
pub(crate) fn serve_tls<F>(serve: fn(TlsStream<TcpStream>) -> F) -> Result
where
    F: Future<Output = Result> + Send + 'static,
{
    let acceptor = TlsAcceptor::from(config()?);
    serve_tcp(move |stream| {
        let accepting = acceptor.accept(stream);
        async move { serve(accepting.await?).await }
    })
}

/// The limit: the bytes that come, and rustls.
pub(crate) fn echo() -> Result {
    serve_tls(|mut stream| async move {
        let mut buffer = Vec::with_capacity(16 * 1024);
        loop {
            buffer.clear();
            if stream.read_buf(&mut buffer).await? == 0 {
                return Ok(());
            }
            stream.write_all(&buffer).await?;
            stream.flush().await?;
        }
    })
}
