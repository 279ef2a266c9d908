use crate::client::Attempt;
use std::{error, fmt, io};

/// Why a text names no proxy.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum ProxyUrlError {
    /// It is no URL.
    Syntax(url::ParseError),
    /// Its scheme is of no proxy that is known here.
    Scheme(String),
    /// It has no host.
    NoHost,
    /// User name or password are not percent-encoded UTF-8.
    Credentials,
    /// It stands in this variable of the environment.
    Environment(&'static str, Box<ProxyUrlError>),
}

impl fmt::Display for ProxyUrlError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ProxyUrlError::Syntax(error) => write!(
                f,
                "a proxy is given as http://host:port or socks5://host:port: {error}"
            ),
            ProxyUrlError::Scheme(scheme) => write!(
                f,
                "there is no {scheme} proxy here: http://host:port and socks5://host:port are \
                 spoken"
            ),
            ProxyUrlError::NoHost => f.write_str("the proxy's URL has no host"),
            ProxyUrlError::Credentials => f.write_str(
                "the user name or password of the proxy's URL is not percent-encoded UTF-8",
            ),
            ProxyUrlError::Environment(variable, error) => write!(f, "{variable}: {error}"),
        }
    }
}

impl error::Error for ProxyUrlError {}

/// Why a proxy gave no connection to the server.
#[derive(Debug)]
#[non_exhaustive]
pub enum ProxyError {
    /// The proxy's own name has no address, or it could not be looked up.
    Resolve(io::Error),
    /// No address of the proxy took a TCP connection.
    Unreachable(Vec<Attempt>),
    /// It wants a user name and password, or others.
    Unauthorized,
    /// An HTTP proxy answered with this status.
    Refused(u16),
    /// A SOCKS5 proxy said so.
    Socks(tokio_socks::Error),
    /// What it answered is not HTTP, or the connection broke.
    Http(hyper::Error),
    /// The server's name cannot stand in a request to it.
    Request(http::Error),
    /// It sent something before the server was asked for anything.
    UnexpectedData,
}

impl fmt::Display for ProxyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ProxyError::Resolve(error) => write!(f, "its address cannot be found: {error}"),
            ProxyError::Unreachable(attempts) => {
                f.write_str("it cannot be reached")?;
                for (at, Attempt { address, error }) in attempts.iter().enumerate() {
                    let before = if at == 0 { ": " } else { "; " };
                    write!(f, "{before}{address}: {error}")?;
                }
                Ok(())
            }
            ProxyError::Unauthorized => f.write_str(
                "it wants a user name and password; give them as \
                 http://user:password@host:port",
            ),
            ProxyError::Refused(status) => {
                write!(f, "it answers {status}")?;
                f.write_str(match status {
                    403 => "; it does not let this client connect there",
                    502..=504 => "; it cannot reach the server",
                    _ => "",
                })
            }
            ProxyError::Socks(error) => write!(f, "it answers: {error}"),
            ProxyError::Http(error) => write!(f, "it does not answer as an HTTP proxy: {error}"),
            ProxyError::Request(error) => write!(f, "it cannot be asked for this server: {error}"),
            ProxyError::UnexpectedData => {
                f.write_str("it sent something before the server was asked for anything")
            }
        }
    }
}

impl error::Error for ProxyError {
    fn source(&self) -> Option<&(dyn error::Error + 'static)> {
        match self {
            ProxyError::Resolve(error) => Some(error),
            ProxyError::Unreachable(attempts) => {
                attempts.first().map(|attempt| &attempt.error as _)
            }
            ProxyError::Unauthorized | ProxyError::Refused(_) | ProxyError::UnexpectedData => None,
            ProxyError::Request(error) => Some(error),
            ProxyError::Socks(error) => Some(error),
            ProxyError::Http(error) => Some(error),
        }
    }
}
