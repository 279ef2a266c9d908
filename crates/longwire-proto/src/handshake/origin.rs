//! Which pages may open a WebSocket here (RFC 6455, section 10.2).

use super::authority::Authority;
use super::refusal::Refusal;
use super::server::Request;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

/// Whose requests are let in, by the `Origin` that a browser sends along.
///
/// Browsers do not keep a page from opening a WebSocket to another site, and they send that site's
/// cookies along: it is the server that has to look. A request without `Origin` is always let in:
/// it comes from no browser, and a program could claim any origin.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum OriginPolicy {
    /// Pages of the host and port that the request went to, as its `Host` tells.
    ///
    /// Where one of them gives no port, the usual one of the origin's scheme is meant. Whether the
    /// page came by http or by https makes no difference otherwise, since a server behind a proxy
    /// cannot tell how it is reached.
    #[default]
    SameHost,
    /// Those, and pages of these origins: `https://example.com`, with the port if it is not the
    /// usual one, or `null`.
    SameHostOr(Vec<String>),
    /// Every page. For services that no cookie or place in the network gives rights to.
    Any,
}

impl OriginPolicy {
    /// Whether the request may be accepted.
    ///
    /// # Errors
    /// A [`Refusal`] with 403, whose text tells a person that `setting` can let this origin in.
    pub fn check(&self, request: &Request, setting: &str) -> Result<(), Refusal> {
        match request.origin() {
            Some(origin) if !self.allows(origin, request.host()) => {
                let (shown, host) = (origin.escape_debug(), request.host());
                Err(Refusal::forbidden(format!(
                    "A page of origin {shown} may not open a WebSocket at {host}. \
                     To let it in, add the origin with {setting}.\n"
                )))
            }
            _ => Ok(()),
        }
    }

    /// Whether a page of this `origin` may open a WebSocket at this `host`, both as they stand in
    /// the headers.
    pub fn allows(&self, origin: &str, host: &str) -> bool {
        // An origin has no path, but some clients send one with a slash at its end.
        let origin = origin.strip_suffix('/').unwrap_or(origin);
        match self {
            OriginPolicy::Any => true,
            OriginPolicy::SameHost => is_same_host(origin, host),
            OriginPolicy::SameHostOr(others) => {
                is_same_host(origin, host)
                    || others.iter().any(|other| is_same_origin(other, origin))
            }
        }
    }
}

/// Whether an origin's host and port are those of `host`, where the origin's scheme tells the port
/// that goes unsaid.
fn is_same_host(origin: &str, host: &str) -> bool {
    let (Some((_, default_port, page)), Some(host)) = (split(origin), Authority::parse(host))
    else {
        return false;
    };
    page.is_same(&host, default_port)
}

/// Whether two origins are the same (RFC 6454, section 5): spelled alike, or alike in scheme, host
/// and port.
fn is_same_origin(a: &str, b: &str) -> bool {
    let a = a.strip_suffix('/').unwrap_or(a);
    match (split(a), split(b)) {
        (Some((a_scheme, port, a)), Some((b_scheme, _, b))) => {
            a_scheme.eq_ignore_ascii_case(b_scheme) && a.is_same(&b, port)
        }
        _ => a.eq_ignore_ascii_case(b),
    }
}

/// Scheme, default port and authority of an `http` or `https` origin. `null` and those of other
/// schemes have none.
fn split(origin: &str) -> Option<(&str, u16, Authority<'_>)> {
    let (scheme, authority) = origin.split_once("://")?;
    let default_port = match scheme {
        _ if scheme.eq_ignore_ascii_case("http") => 80,
        _ if scheme.eq_ignore_ascii_case("https") => 443,
        _ => return None,
    };
    Some((scheme, default_port, Authority::parse(authority)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allow(origins: &[&str]) -> OriginPolicy {
        OriginPolicy::SameHostOr(origins.iter().map(|&origin| origin.into()).collect())
    }

    #[test]
    fn the_same_host_and_port_are_let_in() {
        for (origin, host) in [
            ("http://example.com", "example.com"),
            ("https://example.com", "example.com"),
            ("https://example.com", "example.com:443"),
            ("http://example.com:80", "example.com"),
            ("http://127.0.0.1:8080", "127.0.0.1:8080"),
            ("http://[::1]:8080", "[::1]:8080"),
            ("HTTPS://EXAMPLE.com", "Example.COM"),
            ("http://localhost/", "localhost"),
        ] {
            assert!(
                OriginPolicy::SameHost.allows(origin, host),
                "{origin} at {host}"
            );
            assert!(allow(&[]).allows(origin, host), "{origin} at {host}");
        }
    }

    #[test]
    fn others_are_not() {
        for (origin, host) in [
            ("http://evil.example", "example.com"),
            ("http://example.com:8081", "example.com:8080"),
            ("http://example.com", "example.com:8080"),
            ("https://example.com", "example.com:80"),
            ("http://sub.example.com", "example.com"),
            ("http://example.com.evil.example", "example.com"),
            ("http://example.com@evil.example", "example.com"),
            ("null", "example.com"),
            ("null", "null"),
            ("file://", "example.com"),
            ("", "example.com"),
            ("example.com", "example.com"),
            ("ftp://example.com", "example.com"),
            ("http://example.com/path", "example.com"),
            ("http://", ""),
        ] {
            assert!(
                !OriginPolicy::SameHost.allows(origin, host),
                "{origin} at {host}"
            );
            assert!(OriginPolicy::Any.allows(origin, host), "{origin} at {host}");
        }
    }

    #[test]
    fn listed_origins_are_let_in_beside_the_same_host() {
        let policy = allow(&[
            "https://app.example",
            "http://dev.example:3000/",
            "null",
            "chrome-extension://abc",
        ]);
        for origin in [
            "https://app.example",
            "https://app.example:443",
            "https://APP.example/",
            "http://dev.example:3000",
            "null",
            "chrome-extension://abc",
            "https://example.com",
        ] {
            assert!(policy.allows(origin, "example.com"), "{origin}");
        }
        for origin in [
            "http://app.example",
            "https://app.example:8443",
            "http://dev.example",
            "chrome-extension://abd",
        ] {
            assert!(!policy.allows(origin, "example.com"), "{origin}");
        }
    }
}
