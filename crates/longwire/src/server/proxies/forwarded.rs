//! The headers in which proxies tell where a request comes from.

use std::{
    borrow::Cow,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
};

/// The header in which proxies tell where a request comes from.
///
/// Only one is believed: a proxy that sets the one hands on the other as its
/// client sent it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ForwardedHeader {
    /// `X-Forwarded-For: 192.0.2.43, 10.0.0.3`, which no standard has and nearly
    /// all proxies speak.
    #[default]
    XForwardedFor,
    /// `Forwarded: for=192.0.2.43, for="[2001:db8::7]:4711"` (RFC 7239).
    Forwarded,
}

impl ForwardedHeader {
    pub(super) const fn name(self) -> &'static str {
        match self {
            ForwardedHeader::XForwardedFor => "X-Forwarded-For",
            ForwardedHeader::Forwarded => "Forwarded",
        }
    }

    /// The addresses that a field of this name lists, the last one first; `None`
    /// for what is none.
    pub(super) fn hops(self, field: &[u8]) -> impl Iterator<Item = Option<IpAddr>> {
        let members = FromTheRight::new(field, b',');
        let members = members.filter(|member| !member.is_empty());
        members.map(move |member| match self {
            ForwardedHeader::XForwardedFor => address(str::from_utf8(member).ok()?),
            ForwardedHeader::Forwarded => forwarded_for(member),
        })
    }
}

/// The parts of a list, from the last to the first. Separators in quoted strings
/// are none.
///
/// From the right, because the left may be the client's: a quote that it opens
/// and does not close must not swallow what a proxy has added.
struct FromTheRight<'l> {
    rest: Option<&'l [u8]>,
    separator: u8,
}

impl<'l> FromTheRight<'l> {
    const fn new(list: &'l [u8], separator: u8) -> FromTheRight<'l> {
        FromTheRight {
            rest: Some(list),
            separator,
        }
    }
}

impl<'l> Iterator for FromTheRight<'l> {
    type Item = &'l [u8];

    fn next(&mut self) -> Option<&'l [u8]> {
        let list = self.rest?;
        let mut quoted = false;
        let separator = (0..list.len()).rev().find(|&at| {
            match list[at] {
                b'"' if !is_escaped(list, at) => quoted = !quoted,
                byte => return byte == self.separator && !quoted,
            }
            false
        });
        let last = match separator {
            Some(at) => {
                self.rest = Some(&list[..at]);
                &list[at + 1..]
            }
            None => self.rest.take()?,
        };
        Some(last.trim_ascii())
    }
}

/// Whether an odd number of backslashes stands before it.
fn is_escaped(list: &[u8], at: usize) -> bool {
    let backslashes = list[..at].iter().rev().take_while(|byte| **byte == b'\\');
    backslashes.count() % 2 == 1
}

/// The address in the `for` of one element (RFC 7239, section 4).
fn forwarded_for(element: &[u8]) -> Option<IpAddr> {
    let pairs = FromTheRight::new(element, b';');
    let mut values = pairs.filter_map(|pair| {
        let equals = pair.iter().position(|byte| *byte == b'=')?;
        let (name, value) = (&pair[..equals], &pair[equals + 1..]);
        name.eq_ignore_ascii_case(b"for").then_some(value)
    });
    // "Each parameter MUST NOT occur more than once per field-value."
    let (Some(value), None) = (values.next(), values.next()) else {
        return None;
    };
    address(&unquoted(str::from_utf8(value).ok()?))
}

/// The content of a quoted string, or a token as it is.
fn unquoted(value: &str) -> Cow<'_, str> {
    let inner = value
        .strip_prefix('"')
        .and_then(|rest| rest.strip_suffix('"'));
    match inner {
        None => value.into(),
        Some(inner) if !inner.contains('\\') => inner.into(),
        Some(inner) => {
            let mut plain = String::with_capacity(inner.len());
            let mut chars = inner.chars();
            while let Some(char) = chars.next() {
                match char {
                    '\\' => plain.extend(chars.next()),
                    char => plain.push(char),
                }
            }
            plain.into()
        }
    }
}

/// An address, perhaps with a port: `192.0.2.43`, `192.0.2.43:47`,
/// `2001:db8::7`, `[2001:db8::7]:47`. Nothing for names that hide it.
fn address(node: &str) -> Option<IpAddr> {
    let ip = if let Some(rest) = node.strip_prefix('[') {
        let (ip, port) = rest.split_once(']')?;
        (port.is_empty() || port.starts_with(':')).then_some(())?;
        IpAddr::V6(ip.parse::<Ipv6Addr>().ok()?)
    } else if let Some((ip, port)) = node.split_once(':').filter(|(_, port)| !port.contains(':')) {
        (!port.is_empty()).then_some(())?;
        IpAddr::V4(ip.parse::<Ipv4Addr>().ok()?)
    } else {
        node.parse().ok()?
    };
    Some(ip.to_canonical())
}

#[cfg(test)]
mod tests {
    use super::*;
    use ForwardedHeader::{Forwarded, XForwardedFor};
    use proptest::prelude::*;

    fn hops(header: ForwardedHeader, field: &str) -> Vec<Option<String>> {
        let hops = header.hops(field.as_bytes());
        hops.map(|hop| hop.map(|ip| ip.to_string())).collect()
    }

    fn known(ips: &[&str]) -> Vec<Option<String>> {
        ips.iter().map(|ip| Some((*ip).to_owned())).collect()
    }

    #[test]
    fn x_forwarded_for_lists_addresses() {
        let field =
            "192.0.2.43,10.0.0.3 , [2001:db8::1]:80, 2001:db8::2,192.0.2.1:9,, ::ffff:192.0.2.7";
        assert_eq!(
            hops(XForwardedFor, field),
            known(&[
                "192.0.2.7",
                "192.0.2.1",
                "2001:db8::2",
                "2001:db8::1",
                "10.0.0.3",
                "192.0.2.43"
            ])
        );
    }

    #[test]
    fn forwarded_is_read_as_rfc_7239_writes_it() {
        // The examples of sections 4 and 7.1, and more of each element.
        for (field, expected) in [
            (r#"For="[2001:db8:cafe::17]:4711""#, "2001:db8:cafe::17"),
            ("for=192.0.2.60;proto=http;by=203.0.113.43", "192.0.2.60"),
            (r#"by=203.0.113.43 ; for="192.0.2.47:_port" "#, "192.0.2.47"),
            (r#"host="a,b;for=1.1.1.1\"";for=192.0.2.4"#, "192.0.2.4"),
            (r#"for="19\2.0.2.9""#, "192.0.2.9"),
        ] {
            assert_eq!(hops(Forwarded, field), known(&[expected]), "{field}");
        }
        assert_eq!(
            hops(Forwarded, r#"for=192.0.2.43, for="[2001:db8:cafe::17]""#),
            known(&["2001:db8:cafe::17", "192.0.2.43"])
        );
    }

    #[test]
    fn what_is_no_address_is_none() {
        for member in [
            "unknown",
            "_hidden",
            "1.2.3",
            "1.2.3.4:",
            "[::1",
            "[::1]x",
            "[1.2.3.4]",
            "1.2.3.4.example",
            "fe80::1%eth0",
            "0x7f.1",
            "127.1",
        ] {
            assert_eq!(hops(XForwardedFor, member), [None], "{member}");
            let quoted = format!("for=\"{member}\"");
            assert_eq!(hops(Forwarded, &quoted), [None], "{quoted}");
        }
        for element in ["for", "by=1.2.3.4", "for=1.2.3.4;for=1.2.3.5", "1.2.3.4"] {
            assert_eq!(hops(Forwarded, element), [None], "{element}");
        }
        assert_eq!(hops(XForwardedFor, ", ,"), []);
    }

    #[test]
    fn a_quote_that_a_client_left_open_hides_nothing() {
        for claimed in [r#"for="1.1.1.1"#, r#"""#, r#"for="1.1.1.1\""#, r#"\"#] {
            let field = format!("{claimed}, for=192.0.2.9");
            let hops = hops(Forwarded, &field);
            assert_eq!(hops[0].as_deref(), Some("192.0.2.9"), "{field}");
        }
    }

    proptest! {
        /// And what a proxy appends is found, whatever stands before it.
        #[test]
        fn nothing_panics(claimed in any::<Vec<u8>>()) {
            for (header, member) in [(XForwardedFor, "192.0.2.9"), (Forwarded, "for=192.0.2.9")] {
                for hop in header.hops(&claimed) {
                    let _ = hop;
                }
                let mut field = claimed.clone();
                field.extend_from_slice(b", ");
                field.extend_from_slice(member.as_bytes());
                let last = header.hops(&field).next();
                prop_assert_eq!(last, Some(Some([192, 0, 2, 9].into())));
            }
        }
    }
}
