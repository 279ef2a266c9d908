//! From a URL to a connection: name resolution, TCP, TLS.

#[cfg(feature = "proxy")]
use super::proxy::{Proxy, ProxyError, tunnel};
use super::{
    ByteStream, ConnectError, Stage,
    builder::Options,
    race::{Attempt, interleave, race},
};
use crate::tcp;
use longwire_proto::handshake::{Host, Url};
use std::{future::Future, io, net::SocketAddr, time::Duration};
use tokio::net::{TcpStream, lookup_host};

/// A step of [`Connector::dial_observed`](super::Connector::dial_observed), as it
/// is done. When that was is for the observer to note.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub enum DialEvent<'a> {
    /// The connection goes through this proxy: what follows is about its
    /// addresses.
    #[cfg(feature = "proxy")]
    Proxy(&'a Proxy),
    /// The host has these addresses, in the order in which they are tried.
    Resolved(&'a [SocketAddr]),
    /// An attempt begins at this address.
    Attempt(SocketAddr),
    /// An attempt has failed.
    Failed(&'a Attempt),
    /// There is a TCP connection to this address. The other attempts under way
    /// are given up.
    Connected(SocketAddr),
    /// The proxy has connected to the server.
    #[cfg(feature = "proxy")]
    Tunnelled,
    /// The TLS handshake is done.
    #[cfg(feature = "tls")]
    Secured,
}

/// Who is told of each step.
pub(super) type Observer<'a> = &'a mut (dyn for<'e> FnMut(DialEvent<'e>) + Send);

/// Connects to the server of `url`.
pub(super) async fn dial(
    options: &Options,
    url: &Url,
    observe: Observer<'_>,
) -> Result<ByteStream, ConnectError> {
    #[cfg(not(feature = "tls"))]
    if url.is_secure() {
        return Err(ConnectError::Tls {
            host: url.host_header(),
            source: crate::tls::TlsError::not_built_in(),
        });
    }
    let timeout = options.connect_timeout;
    let reached = reach(options, url, &mut *observe);
    let (stream, peer) = within(timeout, Stage::Connect, url, reached).await?;
    // Of a server that reads nothing for so long a client has no use either.
    tcp::set_user_timeout(&stream, options.config.write_timeout);
    tracing::debug!(%peer, "connected");
    #[cfg(feature = "tls")]
    if url.is_secure() {
        let stream = secure(options, url, stream, peer).await?;
        observe(DialEvent::Secured);
        return Ok(stream);
    }
    Ok(ByteStream::tcp(stream, peer))
}

/// Gets a TCP connection to the server of `url`, or to it through a proxy.
async fn reach(
    options: &Options,
    url: &Url,
    observe: Observer<'_>,
) -> Result<(TcpStream, SocketAddr), ConnectError> {
    #[cfg(feature = "proxy")]
    if let Some(proxy) = options.route.proxy(url)? {
        return through(&proxy, options, url, observe).await;
    }
    let unresolved = |source| ConnectError::Resolve {
        host: url.host_header(),
        source,
    };
    let addresses = resolve(options, url.host(), url.port()).await;
    let connected = connect(addresses.map_err(unresolved)?, observe).await;
    connected.map_err(|attempts| ConnectError::Unreachable {
        host: url.host_header(),
        attempts,
    })
}

/// Has a proxy connect to the server. The address is the proxy's.
#[cfg(feature = "proxy")]
async fn through(
    proxy: &Proxy,
    options: &Options,
    url: &Url,
    observe: Observer<'_>,
) -> Result<(TcpStream, SocketAddr), ConnectError> {
    observe(DialEvent::Proxy(proxy));
    let tunnel = async {
        let addresses = resolve(options, proxy.host(), proxy.port()).await;
        let connected = connect(addresses.map_err(ProxyError::Resolve)?, &mut *observe).await;
        let (stream, address) = connected.map_err(ProxyError::Unreachable)?;
        let stream = tunnel(proxy, stream, url).await?;
        observe(DialEvent::Tunnelled);
        Ok((stream, address))
    };
    tunnel.await.map_err(|source| ConnectError::Proxy {
        host: url.host_header(),
        proxy: proxy.to_string(),
        source,
    })
}

/// Fails what takes longer than `timeout`.
pub(super) async fn within<T>(
    timeout: Duration,
    stage: Stage,
    url: &Url,
    work: impl Future<Output = Result<T, ConnectError>>,
) -> Result<T, ConnectError> {
    match tokio::time::timeout(timeout, work).await {
        Ok(done) => done,
        Err(_) => Err(ConnectError::Timeout {
            host: url.host_header(),
            stage,
            after: timeout,
        }),
    }
}

/// The addresses of a host, the ones to try first in front.
async fn resolve(options: &Options, host: Host<'_>, port: u16) -> io::Result<Vec<SocketAddr>> {
    let name = match host {
        Host::Ip(address) => return Ok(vec![SocketAddr::new(address, port)]),
        Host::Name(name) => name,
    };
    if let Some(addresses) = options.addresses.get(name) {
        let with_port = addresses
            .iter()
            .map(|&address| SocketAddr::new(address, port));
        return Ok(with_port.collect());
    }
    let addresses = interleave(lookup_host((name, port)).await?);
    if addresses.is_empty() {
        return Err(io::Error::new(
            io::ErrorKind::NotFound,
            "the name has no address",
        ));
    }
    tracing::debug!(addresses = addresses.len(), "resolved");
    Ok(addresses)
}

async fn connect(
    addresses: Vec<SocketAddr>,
    observe: Observer<'_>,
) -> Result<(TcpStream, SocketAddr), Vec<Attempt>> {
    observe(DialEvent::Resolved(&addresses));
    race(addresses, observe, |address| async move {
        let stream = TcpStream::connect(address).await?;
        // Whole frames are written at once; waiting for more would only delay
        // them.
        stream.set_nodelay(true)?;
        Ok((stream, address))
    })
    .await
}

#[cfg(feature = "tls")]
async fn secure(
    options: &Options,
    url: &Url,
    stream: TcpStream,
    peer: SocketAddr,
) -> Result<ByteStream, ConnectError> {
    let stream = within(options.handshake_timeout, Stage::Tls, url, async {
        let connected = options.tls.connect(url.host(), stream).await;
        connected.map_err(|source| ConnectError::Tls {
            host: url.host_header(),
            source,
        })
    })
    .await?;
    let state = stream.state();
    tracing::debug!(version = ?state.protocol_version(), resumed = ?state.handshake_kind(), "secured");
    Ok(ByteStream::tls(stream, peer))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn small_frames_are_not_delayed() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (stream, peer) = connect(vec![address], &mut |_| {}).await.unwrap();
        assert_eq!(peer, address);
        assert!(stream.nodelay().unwrap());
    }

    #[cfg(target_os = "linux")]
    #[tokio::test]
    async fn the_system_gives_up_what_is_not_acknowledged() {
        use nix::sys::socket::{GetSockOpt as _, sockopt::TcpUserTimeout};

        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("ws://{}/", listener.local_addr().unwrap());
        let stream = super::super::Connector::new().dial(url).await.unwrap();
        let timeout = stream.tcp_stream().map(|tcp| TcpUserTimeout.get(tcp));
        assert_eq!(timeout, Some(Ok(30_000)));
    }
}
