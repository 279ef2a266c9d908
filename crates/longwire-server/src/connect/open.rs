//! From options to an open WebSocket.

use super::{
    Heartbeat,
    heartbeat::Pacer,
    inspect::{Seen, Tap},
    values::{Header, ProxyChoice},
};
use crate::exit::{Failure, Status};
use longwire::{
    AssemblyBudget, Config, ConnectError, Connector, DeflateConfig, Limits, WebSocket,
    client::ByteStream,
    heartbeat::Proposal,
    proto::handshake::{Response, Url},
    tls::{ClientTls, TlsError},
};
use std::{fs, path::Path, sync::Arc, time::Duration};
use tokio::sync::mpsc::UnboundedSender;

/// How to connect.
#[derive(Debug)]
pub(crate) struct Transport {
    pub(crate) headers: Vec<Header>,
    pub(crate) origin: Option<String>,
    pub(crate) subprotocols: Vec<String>,
    pub(crate) redirects: u32,
    /// As the environment says, if nothing is chosen.
    pub(crate) proxy: Option<ProxyChoice>,
    pub(crate) tls: ClientTls,
    pub(crate) timeout: Duration,
    pub(crate) heartbeat: Heartbeat,
    pub(crate) max_message_size: u64,
    pub(crate) compress: bool,
}

impl Transport {
    /// What connects, and what sets the beat if that is learned.
    ///
    /// # Errors
    /// What of it could not stand in a request.
    pub(super) fn connector(self) -> Result<(Connector, Option<Pacer>), Failure> {
        let (connector, heartbeat) = self.plain_connector()?;
        Ok(match heartbeat.pacer() {
            Some(pacer) => (connector.proposing(Proposal::Client), Some(pacer)),
            None => (connector, None),
        })
    }

    /// What connects, without learning.
    ///
    /// # Errors
    /// What of it could not stand in a request.
    pub(crate) fn plain_connector(self) -> Result<(Connector, Heartbeat), Failure> {
        let mut builder = Connector::builder()
            .config(self.config())
            .tls(self.tls)
            .connect_timeout(self.timeout)
            .handshake_timeout(self.timeout)
            .redirects(self.redirects);
        builder = match self.proxy {
            None => builder.proxy_from_environment(),
            Some(ProxyChoice::None) => builder,
            Some(ProxyChoice::Proxy(proxy)) => builder.proxy(proxy),
        };
        for Header { name, value } in self.headers {
            builder = builder.header(name, value);
        }
        for name in self.subprotocols {
            builder = builder.subprotocol(name);
        }
        if let Some(origin) = self.origin {
            builder = builder.origin(origin);
        }
        let connector = builder
            .build()
            .map_err(|error| Failure::new(Status::Usage, error))?;
        Ok((connector, self.heartbeat))
    }

    fn config(&self) -> Config {
        let mut limits = Limits::default();
        limits.max_message_size = self.max_message_size;
        limits.max_frame_size = self.max_message_size;
        let mut config = Config::client();
        config.limits = limits;
        config.ping_interval = self.heartbeat.fixed();
        config.deflate = self.compress.then(DeflateConfig::client);
        // There is one connection, so that its limit is the only one. What is
        // decompressed is noticed to be too long when it is one byte too long.
        let budget = usize::try_from(self.max_message_size).unwrap_or(usize::MAX);
        config.assembly_budget = Arc::new(AssemblyBudget::new(budget.saturating_add(1)));
        config
    }
}

/// How TLS is spoken.
///
/// # Errors
/// Which file cannot be read, or what is wrong with it.
pub(crate) fn tls(
    insecure: bool,
    cacert: Option<&Path>,
    cert: Option<&Path>,
    key: Option<&Path>,
) -> Result<ClientTls, Failure> {
    let mut tls = ClientTls::new();
    if insecure {
        tls = tls.danger_accept_invalid_certificates();
    }
    if let Some(path) = cacert {
        let unusable = |error| unusable("--cacert", path, &error);
        tls = tls.root_pem(read("--cacert", path)?).map_err(unusable)?;
    }
    if let Some(cert) = cert {
        let key = match key {
            Some(key) => read("--key", key)?,
            None => read("--cert", cert)?,
        };
        let unusable = |error| unusable("--cert", cert, &error);
        tls = tls
            .client_certificate_pem(read("--cert", cert)?, key)
            .map_err(unusable)?;
    }
    Ok(tls)
}

fn read(option: &str, path: &Path) -> Result<Vec<u8>, Failure> {
    fs::read(path).map_err(|error| {
        let message = format!("cannot read {} ({option}): {error}", path.display());
        Failure::new(Status::Usage, message)
    })
}

fn unusable(option: &str, path: &Path, error: &TlsError) -> Failure {
    let message = format!("cannot use {} ({option}): {error}", path.display());
    Failure::new(Status::Usage, message)
}

/// Connects; what passes goes to `seen`, if someone wants to see it.
pub(super) async fn open(
    connector: &Connector,
    url: &Url,
    seen: Option<UnboundedSender<Seen>>,
) -> Result<(WebSocket, Response), ConnectError> {
    let Some(seen) = seen else {
        return connector.connect_with_response(url).await;
    };
    let stream = connector.dial(url).await?;
    // Nobody listens any more when the program is about to end.
    let _ = seen.send(Seen::Dialed {
        peer: stream.peer_addr(),
        tls: tls_summary(&stream),
    });
    connector.handshake(url, Tap::new(stream, seen)).await
}

/// Version and cipher suite, such as `TLS 1.3, TLS13_AES_256_GCM_SHA384`.
fn tls_summary(stream: &ByteStream) -> Option<String> {
    let state = stream.tls_state()?;
    let version = match state.protocol_version()?.as_str()? {
        "TLSv1_3" => "TLS 1.3",
        "TLSv1_2" => "TLS 1.2",
        other => other,
    };
    let suite = state.negotiated_cipher_suite()?.suite();
    Some(format!(
        "{version}, {}",
        suite.as_str().unwrap_or("unknown cipher suite")
    ))
}
