//! Proxies between the client and the server.

mod environment;
mod error;
mod tunnel;

pub(super) use environment::Environment;
pub use error::{ProxyError, ProxyUrlError};
pub(super) use tunnel::tunnel;

use longwire_proto::handshake::{Host, Url};
use percent_encoding::percent_decode_str;
use std::fmt;

/// A proxy that connects to servers on the client's behalf.
///
/// An HTTP proxy is asked with `CONNECT` (RFC 9110 section 9.3.6), a SOCKS5 one
/// as RFC 1928 says. Both get the server's name and look it up themselves. TLS
/// with the server goes through the proxy, which sees none of it; TLS with the
/// proxy itself is not supported.
///
/// ```
/// use longwire::client::Proxy;
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let proxy = Proxy::parse("http://user:password@proxy.example.com:3128")?;
/// let connector = longwire::Connector::builder().proxy(proxy).build()?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct Proxy {
    protocol: Protocol,
    host: String,
    port: u16,
    credentials: Option<Credentials>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Protocol {
    Http,
    Socks5,
}

#[derive(Clone, PartialEq, Eq)]
struct Credentials {
    user: String,
    password: String,
}

impl Proxy {
    /// The proxy of a URL: `http://` or `socks5://` (`socks5h://` is the same), a
    /// user name and password if it wants them, and a host. The port is 80 or
    /// 1080 if there is none. Without a scheme it is an HTTP proxy, as in the
    /// environment of most systems.
    ///
    /// # Errors
    /// [`ProxyUrlError`], without the URL, which may have a password.
    pub fn parse(text: &str) -> Result<Proxy, ProxyUrlError> {
        let with_scheme = match text.contains("://") {
            true => text.to_owned(),
            false => format!("http://{text}"),
        };
        let url = url::Url::parse(&with_scheme).map_err(ProxyUrlError::Syntax)?;
        let (protocol, default_port) = match url.scheme() {
            "http" => (Protocol::Http, 80),
            "socks5" | "socks5h" => (Protocol::Socks5, 1080),
            other => return Err(ProxyUrlError::Scheme(other.to_owned())),
        };
        let host = url.host_str().filter(|host| !host.is_empty());
        let host = host.ok_or(ProxyUrlError::NoHost)?;
        Ok(Proxy {
            protocol,
            // The brackets of an IPv6 address belong to the URL.
            host: host.trim_matches(['[', ']']).to_owned(),
            port: url.port().unwrap_or(default_port),
            credentials: Credentials::of(&url)?,
        })
    }

    pub(super) fn host(&self) -> Host<'_> {
        match self.host.parse() {
            Ok(address) => Host::Ip(address),
            Err(_) => Host::Name(&self.host),
        }
    }

    pub(super) const fn port(&self) -> u16 {
        self.port
    }

    /// Host and port, as they are shown.
    fn address(&self) -> String {
        match self.host.contains(':') {
            true => format!("[{}]:{}", self.host, self.port),
            false => format!("{}:{}", self.host, self.port),
        }
    }
}

impl Credentials {
    fn of(url: &url::Url) -> Result<Option<Credentials>, ProxyUrlError> {
        if url.username().is_empty() && url.password().is_none() {
            return Ok(None);
        }
        let decode = |text: &str| {
            let decoded = percent_decode_str(text).decode_utf8();
            decoded
                .map(Into::into)
                .map_err(|_| ProxyUrlError::Credentials)
        };
        Ok(Some(Credentials {
            user: decode(url.username())?,
            password: decode(url.password().unwrap_or_default())?,
        }))
    }
}

impl fmt::Debug for Proxy {
    /// Without the password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Display for Proxy {
    /// Without user name and password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = match self.protocol {
            Protocol::Http => "http",
            Protocol::Socks5 => "socks5",
        };
        write!(f, "{scheme}://{}", self.address())
    }
}

/// How a connector gets to servers.
#[derive(Debug, Clone, Default)]
pub(super) enum Route {
    #[default]
    Direct,
    Through(Proxy),
    /// As the environment says, for each server.
    Environment(Environment),
}

impl Route {
    /// The proxy for a server, if there is one.
    pub(super) fn proxy(&self, url: &Url) -> Result<Option<Proxy>, ProxyUrlError> {
        match self {
            Route::Direct => Ok(None),
            Route::Through(proxy) => Ok(Some(proxy.clone())),
            Route::Environment(environment) => {
                environment.proxy(&url.host_header(), url.is_secure())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_names_protocol_host_port_and_credentials() {
        for (text, shown) in [
            (
                "http://proxy.example.com:3128",
                "http://proxy.example.com:3128",
            ),
            ("http://proxy.example.com", "http://proxy.example.com:80"),
            ("proxy.example.com:8080", "http://proxy.example.com:8080"),
            ("socks5://127.0.0.1", "socks5://127.0.0.1:1080"),
            ("socks5h://[::1]:9050/", "socks5://[::1]:9050"),
        ] {
            assert_eq!(Proxy::parse(text).unwrap().to_string(), shown);
        }
        let proxy = Proxy::parse("http://m%C3%BCller:p%40ss:word@p:1").unwrap();
        let credentials = proxy.credentials.as_ref().unwrap();
        assert_eq!(credentials.user, "m\u{fc}ller");
        assert_eq!(credentials.password, "p@ss:word");
        assert_eq!(format!("{proxy} {proxy:?}"), "http://p:1 http://p:1");
    }

    #[test]
    fn a_url_that_names_no_proxy_says_why_and_shows_no_password() {
        for (text, expected) in [
            ("https://u:secret@p", "https"),
            ("socks4://u:secret@p", "socks4"),
            ("http://u:secret@", "host"),
            ("http://u:sec%ffret@p", "percent-encoded UTF-8"),
            ("", "host"),
        ] {
            let error = Proxy::parse(text).unwrap_err().to_string();
            assert!(error.contains(expected), "{error}");
            assert!(!error.contains("sec"), "{error}");
        }
    }
}
