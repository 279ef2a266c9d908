use super::*;
use crate::handshake::{HeadLimits, OriginPolicy, RequestReader};
use std::format;
use std::string::String;
use std::vec;

const KEY: &str = "dGhlIHNhbXBsZSBub25jZQ==";

/// The request of RFC 6455, section 1.2.
const REQUEST: &str = "GET /chat HTTP/1.1\r\n\
    Host: server.example.com\r\n\
    Upgrade: websocket\r\n\
    Connection: Upgrade\r\n\
    Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
    Origin: http://example.com\r\n\
    Sec-WebSocket-Protocol: chat, superchat\r\n\
    Sec-WebSocket-Version: 13\r\n\r\n";

fn head(text: &[u8]) -> RequestHead {
    let mut input = text;
    RequestReader::new(HeadLimits::default())
        .receive(&mut input)
        .expect("the head is well-formed")
        .expect("the head is whole")
}

fn request(text: &str) -> Result<Request, Refusal> {
    Request::from_head(head(text.as_bytes()))
}

/// RFC 6455's request with one line replaced, by several perhaps, or left out for an empty one.
fn with(name: &str, line: &str) -> String {
    let mut text = String::new();
    let mut found = false;
    for old in REQUEST.trim_end().split("\r\n") {
        let new = if old.starts_with(name) { line } else { old };
        found |= old.starts_with(name);
        if !new.is_empty() {
            text += new;
            text += "\r\n";
        }
    }
    assert!(found, "{name} is in the request");
    text + "\r\n"
}

/// The request with a line more.
fn and(line: &str) -> String {
    with("Origin", line)
}

fn refusal(text: &str) -> Refusal {
    request(text).expect_err(text)
}

fn text(refusal: &Refusal) -> &str {
    core::str::from_utf8(refusal.body_bytes()).unwrap()
}

#[test]
fn the_request_of_rfc_6455() {
    let request = request(REQUEST).unwrap();
    assert_eq!(
        (request.target(), request.path(), request.query()),
        ("/chat", "/chat", None)
    );
    assert_eq!(request.host(), "server.example.com");
    assert_eq!(request.origin(), Some("http://example.com"));
    assert_eq!(request.subprotocols(), ["chat", "superchat"]);
    assert_eq!(request.extensions(), []);
    assert_eq!(request.header("sec-websocket-key"), Some(KEY));
    assert_eq!(
        request.accept_key().as_str(),
        "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
    );
    assert_eq!(request.head().raw(), REQUEST.as_bytes());
}

#[test]
fn what_may_vary() {
    for text in [
        with("Upgrade", "upgrade: WebSocket"),
        with("Upgrade", "Upgrade: h2c, websocket"),
        with("Connection", "Connection: keep-alive, upgrade"),
        with(
            "Connection",
            "Connection: keep-alive\r\nConnection: UPGRADE",
        ),
        with("Host", "Host: [::1]:8080"),
        with("Origin", ""),
        with("Origin", "Origin: null"),
        with("Sec-WebSocket-Protocol", "Sec-WebSocket-Protocol:"),
        with(
            "Sec-WebSocket-Protocol",
            "Sec-WebSocket-Extensions: a; b=\"1\", c",
        ),
        with("GET", "GET /?a=b&c HTTP/1.1"),
        with("GET", "GET http://server.example.com/chat HTTP/1.1"),
        and("Content-Length: 0"),
        and("X-Other: caf\u{e9}"),
    ] {
        assert!(request(&text).is_ok(), "{text}");
    }
}

/// For every rule of RFC 6455, section 4.2.1: a request that breaks it, the status, a word of the
/// reason.
#[test]
fn each_broken_rule_has_its_status_and_reason() {
    for (text_of_request, status, reason) in [
        (with("GET", "POST /chat HTTP/1.1"), 405, "POST"),
        (with("GET", "get /chat HTTP/1.1"), 405, "GET"),
        (with("GET", "GET /chat HTTP/1.0"), 426, "HTTP/1.0"),
        (with("Upgrade", ""), 426, "Upgrade: websocket"),
        (with("Upgrade", "Upgrade: h2c"), 426, "Upgrade: websocket"),
        (
            with("Upgrade", "Upgrade: websocketx"),
            426,
            "Upgrade: websocket",
        ),
        (with("Connection", ""), 400, "Connection: Upgrade"),
        (
            with("Connection", "Connection: keep-alive"),
            400,
            "Connection: Upgrade",
        ),
        (with("Host", ""), 400, "Host is missing"),
        (
            with("Host", "Host: a\r\nHost: a"),
            400,
            "Host must not stand in a request twice",
        ),
        (with("Host", "Host:"), 400, "host:port"),
        (with("Host", "Host: a b"), 400, "host:port"),
        (with("Host", "Host: user@a"), 400, "host:port"),
        (with("Host", "Host: a:65536"), 400, "host:port"),
        (with("Sec-WebSocket-Key", ""), 400, "Key is missing"),
        (
            with("Sec-WebSocket-Key", "Sec-WebSocket-Key:"),
            400,
            "16 bytes",
        ),
        (
            with(
                "Sec-WebSocket-Key",
                "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25j",
            ),
            400,
            "16 bytes",
        ),
        (
            with(
                "Sec-WebSocket-Key",
                "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQA=",
            ),
            400,
            "16 bytes",
        ),
        (
            with("Sec-WebSocket-Key", "Sec-WebSocket-Key: not base64, is it?"),
            400,
            "16 bytes",
        ),
        (
            and("Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="),
            400,
            "Key must not",
        ),
        (
            with("Sec-WebSocket-Version", ""),
            400,
            "Version: 13 is missing",
        ),
        (and("Sec-WebSocket-Version: 13"), 400, "Version must not"),
        (
            with("Sec-WebSocket-Version", "Sec-WebSocket-Version: 8"),
            426,
            "\"8\"",
        ),
        (
            with("Sec-WebSocket-Version", "Sec-WebSocket-Version: 013"),
            426,
            "\"013\"",
        ),
        (
            with("Sec-WebSocket-Version", "Sec-WebSocket-Version: 13, 8"),
            426,
            "version 13",
        ),
        (
            with("Sec-WebSocket-Version", "Sec-WebSocket-Version:"),
            426,
            "version 13",
        ),
        (
            with("Sec-WebSocket-Protocol", "Sec-WebSocket-Protocol: a b"),
            400,
            "\"a b\"",
        ),
        (
            with("Sec-WebSocket-Protocol", "Sec-WebSocket-Protocol: a, a"),
            400,
            "twice",
        ),
        (
            and("Sec-WebSocket-Extensions: a; =b"),
            400,
            "Sec-WebSocket-Extensions",
        ),
        (
            and("Sec-WebSocket-Extensions: a; b=\"c d\""),
            400,
            "Sec-WebSocket-Extensions",
        ),
        (
            and("Origin: http://a\r\nOrigin: http://b"),
            400,
            "Origin must not",
        ),
        (and("Content-Length: 1"), 400, "no body"),
        (
            and("Content-Length: 0\r\nContent-Length: 1"),
            400,
            "no body",
        ),
        (and("Content-Length: +0"), 400, "no body"),
        (and("Content-Length:"), 400, "no body"),
        (and("Transfer-Encoding: chunked"), 400, "no body"),
        (with("GET", "GET chat HTTP/1.1"), 400, "target"),
        (with("GET", "GET * HTTP/1.1"), 400, "target"),
        (with("GET", "GET /chat#there HTTP/1.1"), 400, "target"),
        (
            with("GET", "GET ftp://server.example.com/ HTTP/1.1"),
            400,
            "target",
        ),
        (with("GET", "GET /caf\u{e9} HTTP/1.1"), 400, "target"),
        (with("GET", "GET http:///chat HTTP/1.1"), 400, "host:port"),
        (
            with("GET", "GET http://user@host/chat HTTP/1.1"),
            400,
            "host:port",
        ),
    ] {
        let refusal = refusal(&text_of_request);
        assert_eq!(refusal.status(), status, "{text_of_request}\n{refusal}");
        assert!(
            text(&refusal).contains(reason),
            "{text_of_request}\n{refusal}"
        );
        assert!(text(&refusal).ends_with(".\n"));
    }
}

#[test]
fn bytes_where_text_belongs() {
    for name in [
        "Host",
        "Origin",
        "Sec-WebSocket-Key",
        "Sec-WebSocket-Version",
    ] {
        let mut bytes = with(name, &format!("{name}: ~")).into_bytes();
        let at = bytes.iter().position(|&byte| byte == b'~').unwrap();
        bytes[at] = 0xFF;
        let refusal = Request::from_head(head(&bytes)).unwrap_err();
        assert_eq!(refusal.status(), 400);
        assert!(text(&refusal).contains("is not text"), "{refusal}");
    }
}

#[test]
fn refusals_carry_the_headers_that_their_status_asks_for() {
    let wrong_method = refusal(&with("GET", "POST /chat HTTP/1.1"));
    assert_eq!(wrong_method.headers().get("Allow"), Some("GET"));

    let plain = refusal(&with("Upgrade", ""));
    assert_eq!(plain.headers().get("Upgrade"), Some("websocket"));
    assert!(plain.headers().list_contains("Connection", "Upgrade"));
    assert_eq!(plain.headers().get("Sec-WebSocket-Version"), None);

    let old = refusal(&with("Sec-WebSocket-Version", "Sec-WebSocket-Version: 8"));
    assert_eq!(old.headers().get("Sec-WebSocket-Version"), Some("13"));
    let bytes = old.to_bytes();
    let bytes = core::str::from_utf8(&bytes).unwrap();
    assert!(bytes.starts_with("HTTP/1.1 426 Upgrade Required\r\n"));
    assert!(bytes.contains("\r\nConnection: close\r\n"));
}

#[test]
fn an_answer_to_head_has_no_body() {
    let refusal = refusal(&with("GET", "HEAD /chat HTTP/1.1"));
    assert_eq!((refusal.status(), refusal.body_bytes()), (405, &b""[..]));
}

#[test]
fn plain_requests_are_told_apart_and_kept() {
    let plain = "POST /publish HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n";
    let mut bytes = plain.as_bytes().to_vec();
    bytes.extend_from_slice(b"hello");
    let mut input = &bytes[..];
    let head = RequestReader::new(HeadLimits::default())
        .receive(&mut input)
        .unwrap()
        .unwrap();
    assert!(!head.is_upgrade());
    assert_eq!((head.raw(), input), (plain.as_bytes(), &b"hello"[..]));
    assert_eq!(
        (head.method(), head.version()),
        ("POST", HttpVersion::Http11)
    );

    assert!(self::head(REQUEST.as_bytes()).is_upgrade());
    assert!(!self::head(with("Upgrade", "Upgrade: h2c").as_bytes()).is_upgrade());
    // Refused, so that the client hears why.
    assert!(self::head(with("Connection", "").as_bytes()).is_upgrade());
}

#[test]
fn targets_split_into_path_and_query() {
    for (target, path, query, host) in [
        ("/", "/", None, "server.example.com"),
        ("/a/b%20c", "/a/b%20c", None, "server.example.com"),
        ("/a?", "/a", Some(""), "server.example.com"),
        ("/a?b=c?d/e", "/a", Some("b=c?d/e"), "server.example.com"),
        ("/http://x/", "/http://x/", None, "server.example.com"),
        ("//a", "//a", None, "server.example.com"),
        ("http://other:81/a?b", "/a", Some("b"), "other:81"),
        ("HTTPS://other", "/", None, "other"),
        ("http://other?b", "/", Some("b"), "other"),
    ] {
        let request = request(&with("GET", &format!("GET {target} HTTP/1.1"))).unwrap();
        assert_eq!((request.target(), request.path()), (target, path));
        assert_eq!((request.query(), request.host()), (query, host), "{target}");
    }
}

#[test]
fn subprotocols_are_selected_by_the_clients_preference() {
    let request = request(REQUEST).unwrap();
    assert_eq!(
        request.select_subprotocol(&["superchat", "chat"]).unwrap(),
        "chat"
    );
    assert_eq!(
        request.select_subprotocol(&["superchat"]).unwrap(),
        "superchat"
    );
    assert_eq!(request.select_subprotocol(&["Chat"]), None);
    assert_eq!(request.select_subprotocol(&[""; 0]), None);
}

#[test]
fn requests_come_from_http_libraries_too() {
    let headers = [
        ("host", "a"),
        ("upgrade", "websocket"),
        ("connection", "upgrade"),
        ("sec-websocket-key", KEY),
        ("sec-websocket-version", "13"),
    ];
    let request = Request::from_parts("GET", "/x?y", HttpVersion::Http11, headers).unwrap();
    assert_eq!(
        (request.path(), request.query(), request.host()),
        ("/x", Some("y"), "a")
    );
    assert_eq!(request.head().raw(), b"");

    let status = |method, target, version| {
        Request::from_parts(method, target, version, headers)
            .map_err(|refusal| refusal.status())
            .err()
    };
    assert_eq!(status("GET", "/", HttpVersion::Later), Some(505));
    assert_eq!(status("GET", "/", HttpVersion::Http10), Some(426));
    assert_eq!(status("G T", "/", HttpVersion::Http11), Some(400));
    assert_eq!(status("GET", "/ /", HttpVersion::Http11), Some(400));
    let injected = [("host", "a\r\nb: c")];
    let refusal = Request::from_parts("GET", "/", HttpVersion::Http11, injected).unwrap_err();
    assert_eq!(refusal.status(), 400);
}

#[test]
fn origins_are_checked_against_the_host() {
    let request = request(REQUEST).unwrap();
    let refusal = OriginPolicy::SameHost
        .check(&request, "--allow-origin")
        .unwrap_err();
    assert_eq!(refusal.status(), 403);
    for part in ["http://example.com", "server.example.com", "--allow-origin"] {
        assert!(text(&refusal).contains(part), "{refusal}");
    }
    assert_eq!(OriginPolicy::Any.check(&request, ""), Ok(()));
    let listed = OriginPolicy::SameHostOr(vec!["http://example.com".into()]);
    assert_eq!(listed.check(&request, ""), Ok(()));

    let check = |line: &str| OriginPolicy::SameHost.check(&self::request(&and(line)).unwrap(), "x");
    assert_eq!(check(""), Ok(()), "a client that is no browser");
    assert_eq!(check("Origin: https://server.example.com"), Ok(()));
    assert!(check("Origin: null").is_err());
    assert!(check("Origin:").is_err());
}

/// Lists that fill a head take no more than their share of time: none of the checks is quadratic.
#[test]
fn long_lists_are_read_in_linear_time() {
    let names: Vec<String> = (0..100_000).map(|number| format!("{number}")).collect();
    let mut list = names.join(",");
    let headers = |list: &str| {
        [
            ("Host", "a".into()),
            ("Upgrade", "websocket".into()),
            ("Connection", "Upgrade".into()),
            ("Sec-WebSocket-Version", "13".into()),
            ("Sec-WebSocket-Key", KEY.into()),
            ("Sec-WebSocket-Protocol", String::from(list)),
        ]
    };
    let request = Request::from_parts("GET", "/", HttpVersion::Http11, headers(&list)).unwrap();
    assert_eq!(request.subprotocols().len(), 100_000);
    list += ",99999";
    assert!(Request::from_parts("GET", "/", HttpVersion::Http11, headers(&list)).is_err());
}
