use super::*;
use crate::handshake::ClientRequest;
use proptest::prelude::*;

fn error(text: &str) -> UrlError {
    Url::parse(text).expect_err(text)
}

#[test]
fn urls_and_their_parts() {
    for (text, shown, secure, port, host, target) in [
        (
            "ws://example.com",
            "ws://example.com/",
            false,
            80,
            "example.com",
            "/",
        ),
        (
            "wss://example.com",
            "wss://example.com/",
            true,
            443,
            "example.com",
            "/",
        ),
        (
            "ws://example.com:80/",
            "ws://example.com/",
            false,
            80,
            "example.com",
            "/",
        ),
        (
            "wss://example.com:80/",
            "wss://example.com:80/",
            true,
            80,
            "example.com:80",
            "/",
        ),
        (
            "ws://example.com:443/",
            "ws://example.com:443/",
            false,
            443,
            "example.com:443",
            "/",
        ),
        (
            "WS://EXAMPLE.com/A?b=C&d",
            "ws://example.com/A?b=C&d",
            false,
            80,
            "example.com",
            "/A?b=C&d",
        ),
        (
            "ws://example.com?q",
            "ws://example.com/?q",
            false,
            80,
            "example.com",
            "/?q",
        ),
        (
            "ws://example.com/?",
            "ws://example.com/?",
            false,
            80,
            "example.com",
            "/?",
        ),
        (
            "http://example.com/",
            "ws://example.com/",
            false,
            80,
            "example.com",
            "/",
        ),
        (
            "https://example.com/",
            "wss://example.com/",
            true,
            443,
            "example.com",
            "/",
        ),
        (
            "https://example.com:443/",
            "wss://example.com/",
            true,
            443,
            "example.com",
            "/",
        ),
        (
            "ws://[::1]:8080/a",
            "ws://[::1]:8080/a",
            false,
            8080,
            "[::1]:8080",
            "/a",
        ),
        (
            "ws://[2001:DB8::0:1]",
            "ws://[2001:db8::1]/",
            false,
            80,
            "[2001:db8::1]",
            "/",
        ),
        (
            "ws://b\u{fc}cher.example/\u{e9} x?\u{fc}",
            "ws://xn--bcher-kva.example/%C3%A9%20x?%C3%BC",
            false,
            80,
            "xn--bcher-kva.example",
            "/%C3%A9%20x?%C3%BC",
        ),
        (
            "  ws://example.com/%23\n",
            "ws://example.com/%23",
            false,
            80,
            "example.com",
            "/%23",
        ),
    ] {
        let url = Url::parse(text).expect(text);
        assert_eq!(
            (url.as_str(), url.is_secure(), url.port()),
            (shown, secure, port),
            "{text}"
        );
        assert_eq!(
            (url.host_header().as_str(), url.target()),
            (host, target),
            "{text}"
        );
        assert_eq!(url.basic_authorization(), None);
    }
}

#[test]
fn hosts_are_names_or_addresses() {
    let url = |text| Url::parse(text).unwrap();
    assert_eq!(url("ws://Example.com").host(), Host::Name("example.com"));
    assert_eq!(
        url("ws://127.0.0.1:80").host(),
        Host::Ip([127, 0, 0, 1].into())
    );
    assert_eq!(
        url("ws://[::1]").host(),
        Host::Ip(core::net::Ipv6Addr::LOCALHOST.into())
    );
}

#[test]
fn credentials_are_split_off_and_not_shown() {
    for (text, authorization) in [
        ("ws://me:secret@example.com", Some("Basic bWU6c2VjcmV0")),
        ("ws://me@example.com", Some("Basic bWU6")),
        ("ws://:secret@example.com", Some("Basic OnNlY3JldA==")),
        ("ws://m%65:%73ecret@example.com", Some("Basic bWU6c2VjcmV0")),
        (
            "ws://m%C3%A9:100%25%@example.com",
            Some("Basic bcOpOjEwMCUl"),
        ),
        ("ws://@example.com", None),
    ] {
        let url = Url::parse(text).unwrap();
        assert_eq!(
            url.basic_authorization().as_deref(),
            authorization,
            "{text}"
        );
        assert_eq!(
            (url.as_str(), url.host_header().as_str()),
            ("ws://example.com/", "example.com")
        );
        assert_eq!(
            format!("{url} {url:?}"),
            "ws://example.com/ Url(\"ws://example.com/\")"
        );
    }
}

#[test]
fn errors_say_what_would_be_right() {
    for (text, expected) in [
        (
            "example.com:8080",
            "\"example.com:8080\" has no scheme; did you mean ws://example.com:8080?",
        ),
        (
            "localhost:8080/a",
            "\"localhost:8080/a\" has no scheme; did you mean ws://localhost:8080/a?",
        ),
        (
            "example.com/a",
            "\"example.com/a\" has no scheme; did you mean ws://example.com/a?",
        ),
        (
            "127.0.0.1:80",
            "\"127.0.0.1:80\" has no scheme; did you mean ws://127.0.0.1:80?",
        ),
        (
            "me:secret@example.com",
            "\"...@example.com\" has no scheme; did you mean ws://...@example.com?",
        ),
        (
            "ftp://example.com",
            "ftp:// is not for WebSockets; use ws://, or wss:// for TLS",
        ),
        (
            "file:///etc/passwd",
            "there is no host; a WebSocket URL looks like ws://host:port/path",
        ),
        (
            "/chat",
            "there is no host; a WebSocket URL looks like ws://host:port/path",
        ),
        (
            "",
            "there is no host; a WebSocket URL looks like ws://host:port/path",
        ),
        (
            "ws://",
            "there is no host; a WebSocket URL looks like ws://host:port/path",
        ),
        (
            "ws:///chat",
            "there is no host; a WebSocket URL looks like ws://host:port/path",
        ),
        (
            "ws://:8080",
            "there is no host; a WebSocket URL looks like ws://host:port/path",
        ),
        (
            "ws://example.com:65536",
            "the port is not a number from 0 to 65535",
        ),
        (
            "ws://example.com:http",
            "the port is not a number from 0 to 65535",
        ),
        (
            "ws://me:secret@example.com:x",
            "the port is not a number from 0 to 65535",
        ),
        (
            "ws://::1/",
            "the IPv6 address is not valid; write it in brackets, as in ws://[::1]:8080/",
        ),
        (
            "ws://[::1",
            "the IPv6 address is not valid; write it in brackets, as in ws://[::1]:8080/",
        ),
        (
            "ws://[::g]",
            "the IPv6 address is not valid; write it in brackets, as in ws://[::1]:8080/",
        ),
        (
            "ws://1.2.3.256",
            "the IPv4 address is not valid; it looks like ws://127.0.0.1:8080/",
        ),
    ] {
        assert_eq!(error(text).to_string(), expected, "{text}");
    }
    assert!(matches!(error("ws://a b/"), UrlError::InvalidHost(_)));
    assert!(matches!(error("ws://xn--a/"), UrlError::InvalidHost(_)));
    assert!(matches!(error("ws://a{b}/"), UrlError::InvalidHost(_)));
}

/// RFC 6455, section 3: "Fragment identifiers are meaningless in the context of WebSocket URIs".
#[test]
fn fragments_are_refused() {
    for text in [
        "ws://example.com/#a",
        "ws://example.com/a?b#",
        "ws://example.com#",
    ] {
        assert_eq!(error(text), UrlError::Fragment);
    }
}

#[test]
fn redirects_lead_to_other_urls() {
    let url = Url::parse("ws://me:secret@example.com/a/b?c").unwrap();
    for (location, expected, keeps_credentials) in [
        ("d", "ws://example.com/a/d", true),
        ("/d?e#f", "ws://example.com/d?e", true),
        ("//other.example/", "ws://other.example/", false),
        ("http://example.com/d", "ws://example.com/d", true),
        ("https://example.com/d", "wss://example.com/d", false),
        ("ws://example.com:81/", "ws://example.com:81/", false),
        ("ws://you@example.com/", "ws://example.com/", true),
    ] {
        let joined = url.join(location).unwrap();
        assert_eq!(joined.as_str(), expected);
        assert_eq!(
            joined.basic_authorization().is_some(),
            keeps_credentials,
            "{location}"
        );
    }
    assert_eq!(
        url.join("ftp://example.com"),
        Err(UrlError::UnsupportedScheme("ftp".into()))
    );
    assert!(url.join("ws://[").is_err());
}

proptest! {
    /// What is parsed can be sent, and its text parses to the same again.
    #[test]
    fn any_text_is_refused_or_makes_a_request(text in "(ws|wss|http)://[ -~\u{e9}]{0,40}") {
        if let Ok(url) = Url::parse(&text) {
            prop_assert!(ClientRequest::new(&url.host_header(), url.target()).is_ok(), "{url}");
            let again = Url::parse(url.as_str()).unwrap();
            prop_assert_eq!(again.as_str(), url.as_str());
        }
    }

    #[test]
    fn errors_repeat_no_password(text in "(ws://|[a-z/]{0,3})[a-z]{0,3}[:/]hunter2@[ -~]{0,10}") {
        if let Err(error) = Url::parse(&text) {
            prop_assert!(!format!("{error} {error:?}").contains("hunter2"), "{error}");
        }
    }
}
