//! From a connection to the proxy to one to the server.

use super::{Credentials, Protocol, Proxy, ProxyError};
use crate::first::{First, first};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use hyper::{
    Request, StatusCode,
    client::conn::http1,
    header::{HOST, HeaderValue, PROXY_AUTHORIZATION, USER_AGENT},
};
use hyper_util::rt::TokioIo;
use longwire_proto::handshake::{Host, Url};
use std::{net::SocketAddr, pin::pin};
use tokio::net::TcpStream;
use tokio_socks::{TargetAddr, tcp::Socks5Stream};

/// Has the proxy connect to the server of `url`.
pub(in crate::client) async fn tunnel(
    proxy: &Proxy,
    stream: TcpStream,
    url: &Url,
) -> Result<TcpStream, ProxyError> {
    match proxy.protocol {
        Protocol::Http => connect(proxy, stream, url).await,
        Protocol::Socks5 => socks5(proxy, stream, url).await,
    }
}

async fn socks5(proxy: &Proxy, stream: TcpStream, url: &Url) -> Result<TcpStream, ProxyError> {
    let server = match url.host() {
        Host::Ip(address) => TargetAddr::Ip((address, url.port()).into()),
        Host::Name(name) => TargetAddr::Domain(name.into(), url.port()),
    };
    let connected = match &proxy.credentials {
        None => Socks5Stream::connect_with_socket(stream, server).await,
        Some(Credentials { user, password }) => {
            Socks5Stream::connect_with_password_and_socket(stream, server, user, password).await
        }
    };
    match connected {
        Ok(connected) => Ok(connected.into_inner()),
        Err(
            tokio_socks::Error::PasswordAuthFailure(_)
            | tokio_socks::Error::NoAcceptableAuthMethods,
        ) => Err(ProxyError::Unauthorized),
        Err(error) => Err(ProxyError::Socks(error)),
    }
}

/// RFC 9110 section 9.3.6.
async fn connect(proxy: &Proxy, stream: TcpStream, url: &Url) -> Result<TcpStream, ProxyError> {
    let request = request(proxy, url).map_err(ProxyError::Request)?;
    let handshake = http1::handshake(TokioIo::new(stream));
    let (mut sender, connection) = handshake.await.map_err(ProxyError::Http)?;
    let mut connection = pin!(connection.with_upgrades());
    let mut asking = pin!(sender.send_request(request));
    let (answer, ended) = match first(asking.as_mut(), connection.as_mut()).await {
        First::One(answer) => (answer, false),
        // It may have ended just after the answer.
        First::Other(_) => (asking.await, true),
    };
    let answer = answer.map_err(ProxyError::Http)?;
    match answer.status() {
        status if status.is_success() => {}
        StatusCode::PROXY_AUTHENTICATION_REQUIRED => return Err(ProxyError::Unauthorized),
        status => return Err(ProxyError::Refused(status.as_u16())),
    }
    if !ended {
        // Done with HTTP, it gives up what it went over.
        connection.await.map_err(ProxyError::Http)?;
    }
    let upgraded = hyper::upgrade::on(answer).await.map_err(ProxyError::Http)?;
    match upgraded.downcast::<TokioIo<TcpStream>>() {
        Ok(parts) if parts.read_buf.is_empty() => Ok(parts.io.into_inner()),
        // Neither TLS nor HTTP lets the server speak first.
        _ => Err(ProxyError::UnexpectedData),
    }
}

fn request(proxy: &Proxy, url: &Url) -> Result<Request<String>, http::Error> {
    // With the port, also where it is the default one.
    let authority = match url.host() {
        Host::Ip(address) => SocketAddr::new(address, url.port()).to_string(),
        Host::Name(name) => format!("{name}:{}", url.port()),
    };
    let mut request = Request::connect(&authority)
        .header(HOST, &authority)
        .header(USER_AGENT, crate::client::USER_AGENT);
    if let Some(Credentials { user, password }) = &proxy.credentials {
        let encoded = STANDARD.encode(format!("{user}:{password}"));
        let mut value = HeaderValue::try_from(format!("Basic {encoded}"))?;
        value.set_sensitive(true);
        request = request.header(PROXY_AUTHORIZATION, value);
    }
    request.body(String::new())
}
