//! `host:port`, as it stands in `Host`, in an absolute request target and in an origin.

/// A host and the port behind it, if one is given (RFC 9110, section 7.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Authority<'a> {
    /// A name, an IPv4 address, or an IPv6 address in its brackets.
    pub(super) host: &'a str,
    pub(super) port: Option<u16>,
}

impl<'a> Authority<'a> {
    /// Parses `host`, `host:` or `host:port`.
    pub(super) fn parse(text: &'a str) -> Option<Authority<'a>> {
        let end = match text.strip_prefix('[') {
            Some(inside) => inside.find(']')? + 2,
            None => text.find(':').unwrap_or(text.len()),
        };
        let (host, rest) = text.split_at(end);
        let port = match rest.strip_prefix(':') {
            // RFC 3986, section 3.2.3: the port may be empty, which is as if it were not there.
            Some("") => None,
            Some(digits) if digits.bytes().all(|byte| byte.is_ascii_digit()) => {
                Some(digits.parse().ok()?)
            }
            None if rest.is_empty() => None,
            _ => return None,
        };
        let valid = if host.starts_with('[') {
            is_ipv6(host)
        } else {
            is_name(host)
        };
        valid.then_some(Authority { host, port })
    }

    /// Whether both mean the same host and port, where `default_port` is meant if none is given.
    pub(super) fn is_same(&self, other: &Authority<'_>, default_port: u16) -> bool {
        self.host.eq_ignore_ascii_case(other.host)
            && self.port.unwrap_or(default_port) == other.port.unwrap_or(default_port)
    }
}

/// RFC 3986, section 3.2.2: `reg-name`, but not empty; IPv4 addresses are of this form too.
fn is_name(host: &str) -> bool {
    const ALSO: &[u8] = b"-._~%!$&'()*+;=";
    !host.is_empty()
        && host
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || ALSO.contains(&byte))
}

/// An IPv6 address in brackets. A zone identifier means something to one machine only and is not
/// sent (RFC 6874).
fn is_ipv6(host: &str) -> bool {
    host.strip_prefix('[')
        .and_then(|rest| rest.strip_suffix(']'))
        .is_some_and(|address| address.parse::<core::net::Ipv6Addr>().is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_with_and_without_ports() {
        for (text, host, port) in [
            ("example.com", "example.com", None),
            ("example.com:", "example.com", None),
            ("example.com:8080", "example.com", Some(8080)),
            ("127.0.0.1:0", "127.0.0.1", Some(0)),
            ("[::1]", "[::1]", None),
            ("[2001:db8::1]:65535", "[2001:db8::1]", Some(65535)),
            ("a_b", "a_b", None),
        ] {
            assert_eq!(
                Authority::parse(text),
                Some(Authority { host, port }),
                "{text}"
            );
        }
    }

    #[test]
    fn what_is_no_host() {
        for text in [
            "",
            ":80",
            "a:65536",
            "a:+1",
            "a:x",
            "a b",
            "a/b",
            "user@host",
            "a,b",
            "a#b",
            "a?b",
            "::1",
            "[::1",
            "[::1]x",
            "[]",
            "[a.b]",
            "[::1]:",
            "[::1]:80:80",
            "\u{e9}.example",
            "a\\b",
        ] {
            let expected = (text == "[::1]:").then_some(Authority {
                host: "[::1]",
                port: None,
            });
            assert_eq!(Authority::parse(text), expected, "{text}");
        }
    }

    #[test]
    fn ports_compare_with_their_default() {
        let same = |a, b, default| {
            Authority::parse(a)
                .unwrap()
                .is_same(&Authority::parse(b).unwrap(), default)
        };
        assert!(same("Example.COM", "example.com:443", 443));
        assert!(!same("example.com", "example.com:443", 80));
        assert!(!same("example.com:8080", "example.com", 80));
        assert!(!same("example.com", "example.org", 80));
    }
}
