use super::*;

fn headers(fields: &[(&str, &str)]) -> Headers {
    let mut headers = Headers::new();
    for (name, value) in fields {
        headers.append(name, value).unwrap();
    }
    headers
}

fn peer(ip: &str) -> Address {
    Address::Tcp(SocketAddr::new(ip.parse().unwrap(), 4711))
}

fn client(proxies: &TrustedProxies, from: &str, fields: &[(&str, &str)]) -> Option<String> {
    let client = proxies.client(&peer(from), None, &headers(fields));
    client.map(|ip| ip.to_string())
}

const XFF: &str = "X-Forwarded-For";

#[test]
fn nobody_is_believed_unless_he_is_trusted() {
    let claim = [(XFF, "1.1.1.1"), ("Forwarded", "for=1.1.1.1")];
    let client = |proxies: &TrustedProxies, from| client(proxies, from, &claim);
    let nobody = TrustedProxies::default();
    assert_eq!(client(&nobody, "10.0.0.1").as_deref(), Some("10.0.0.1"));
    let trusted = TrustedProxies::new(["10.0.0.0/24", "2001:db8::7"]).unwrap();
    for proxy in ["10.0.0.1", "::ffff:10.0.0.1", "2001:db8::7"] {
        assert_eq!(client(&trusted, proxy).as_deref(), Some("1.1.1.1"));
    }
    for other in ["10.0.1.1", "2001:db8::8", "127.0.0.1"] {
        assert_eq!(client(&trusted, other).as_deref(), Some(other));
    }
}

#[test]
fn the_client_is_the_first_from_the_right_that_is_no_proxy() {
    let proxies = TrustedProxies::new(["10.0.0.0/8"]).unwrap();
    for (field, expected) in [
        ("1.1.1.1, 192.0.2.9", Some("192.0.2.9")),
        ("1.1.1.1, 192.0.2.9, 10.0.0.3, 10.9.0.1", Some("192.0.2.9")),
        ("nonsense, 192.0.2.9, 10.0.0.3", Some("192.0.2.9")),
        // A client of the proxies' own network.
        ("10.0.0.5, 10.0.0.3", Some("10.0.0.5")),
        // The proxy knows it only by a name, or says nothing of use.
        ("192.0.2.9, unknown", None),
        ("192.0.2.9, nonsense, 10.0.0.3", None),
        ("", Some("10.0.0.1")),
    ] {
        let told = client(&proxies, "10.0.0.1", &[(XFF, field)]);
        assert_eq!(told.as_deref(), expected, "{field}");
    }
    // As if they were one field; the last one was added last.
    let fields = [
        (XFF, "1.1.1.1"),
        (XFF, "192.0.2.9, 10.0.0.2"),
        (XFF, "10.0.0.3"),
    ];
    assert_eq!(
        client(&proxies, "10.0.0.1", &fields).as_deref(),
        Some("192.0.2.9")
    );
    assert_eq!(
        client(&proxies, "10.0.0.1", &[]).as_deref(),
        Some("10.0.0.1")
    );
}

#[test]
fn only_the_header_that_the_proxies_set_is_believed() {
    let fields = [(XFF, "1.1.1.1"), ("Forwarded", "for=2.2.2.2")];
    let proxies = TrustedProxies::new(["10.0.0.1"]).unwrap();
    assert_eq!(
        client(&proxies, "10.0.0.1", &fields).as_deref(),
        Some("1.1.1.1")
    );
    let proxies = proxies.header(ForwardedHeader::Forwarded);
    assert_eq!(
        client(&proxies, "10.0.0.1", &fields).as_deref(),
        Some("2.2.2.2")
    );
}

#[test]
fn what_is_announced_comes_before_what_headers_say() {
    let proxies = TrustedProxies::new(["10.0.0.0/24", "unix"])
        .unwrap()
        .proxy_protocol();
    let fields = headers(&[(XFF, "1.1.1.1")]);
    let client = |peer: &Address, announced: Option<&str>| {
        let announced = announced.map(|ip| SocketAddr::new(ip.parse().unwrap(), 1));
        let client = proxies.client(peer, announced, &fields);
        client.map(|ip| ip.to_string())
    };
    // The header passed the proxy unseen: it is the client's own.
    let announced = client(&peer("10.0.0.1"), Some("192.0.2.9"));
    assert_eq!(announced.as_deref(), Some("192.0.2.9"));
    // Behind it is another proxy, which set the header.
    let announced = client(&peer("10.0.0.1"), Some("10.0.0.2"));
    assert_eq!(announced.as_deref(), Some("1.1.1.1"));
    assert_eq!(
        client(&Address::Unix(None), None).as_deref(),
        Some("1.1.1.1")
    );
    for (peer, expected) in [
        (peer("10.0.0.1"), true),
        (peer("10.0.1.1"), false),
        (Address::Unix(None), true),
    ] {
        assert_eq!(proxies.expects_header_of(&peer), expected, "{peer}");
    }
    let quiet = TrustedProxies::new(["10.0.0.0/24"]).unwrap();
    assert!(!quiet.expects_header_of(&peer("10.0.0.1")));
    #[cfg(feature = "worker")]
    assert!(!quiet.expects_headers() && proxies.expects_headers());
}

#[test]
fn a_unix_socket_is_trusted_only_by_name() {
    let proxies = TrustedProxies::new(["0.0.0.0/0", "::/0"]).unwrap();
    let fields = headers(&[(XFF, "1.1.1.1")]);
    assert_eq!(proxies.client(&Address::Unix(None), None, &fields), None);
}

#[test]
fn what_is_no_network_is_named() {
    for wrong in [
        "10.0.0.0/33",
        "example.com",
        "",
        "10.0.0",
        "10.0.0.1/",
        "Unix",
    ] {
        let error = TrustedProxies::new([wrong]).unwrap_err();
        assert!(error.to_string().contains(&format!("{wrong:?}")), "{error}");
    }
    let error = TrustedProxies::new(["::1", "10/8"]).unwrap_err();
    assert!(error.to_string().starts_with("\"10/8\" is no network"));
}
