use super::*;
use proptest::prelude::*;

/// Reads from `stream` at most `most` bytes at a time. What came of it, and how
/// many bytes were taken.
fn read(stream: &[u8], most: usize) -> (Result<Option<Announced>, ProxyHeaderError>, usize) {
    let mut reader = ProxyHeaderReader::default();
    let mut taken = 0;
    loop {
        let wants = reader.wants();
        assert!(wants > 0);
        let end = stream.len().min(taken + wants.min(most));
        if end == taken {
            return (Ok(None), taken);
        }
        let received = reader.receive(&stream[taken..end]);
        taken = end;
        assert!(taken <= MAX_V2);
        if !matches!(received, Ok(None)) {
            return (received, taken);
        }
    }
}

fn v2(command: u8, family: u8, rest: &[u8]) -> Vec<u8> {
    let len = u16::try_from(rest.len()).unwrap().to_be_bytes();
    [BEGIN_V2, &[command, family], &len, rest].concat()
}

fn v4_addresses() -> Vec<u8> {
    [
        &[192, 0, 2, 43][..],
        &[10, 0, 0, 1],
        &[0x12, 0x67],
        &[0x01, 0xbb],
    ]
    .concat()
}

fn v6_addresses() -> Vec<u8> {
    let source: Ipv6Addr = "2001:db8::17".parse().unwrap();
    let ports = [0x12, 0x67, 0x01, 0xbb];
    [&source.octets()[..], &[0; 16], &ports].concat()
}

fn client(address: &str) -> Announced {
    Announced::Client(address.parse().unwrap())
}

/// Headers in order, and what they announce.
fn headers() -> Vec<(Vec<u8>, Announced)> {
    let line = |line: &str| format!("{line}\r\n").into_bytes();
    let with_extensions = [&v4_addresses()[..], &[0x04, 0, 4, 1, 2, 3, 4]].concat();
    vec![
        (
            line("PROXY TCP4 192.0.2.43 10.0.0.1 4711 443"),
            client("192.0.2.43:4711"),
        ),
        (
            line("PROXY TCP6 2001:db8::17 ::1 65535 0"),
            client("[2001:db8::17]:65535"),
        ),
        (line("PROXY UNKNOWN"), Announced::Nothing),
        (
            line("PROXY UNKNOWN ffff:f...f:ffff ffff:f...f:ffff 65535 65535"),
            Announced::Nothing,
        ),
        (v2(0x21, 0x11, &v4_addresses()), client("192.0.2.43:4711")),
        (
            v2(0x21, 0x21, &v6_addresses()),
            client("[2001:db8::17]:4711"),
        ),
        (v2(0x21, 0x11, &with_extensions), client("192.0.2.43:4711")),
        (v2(0x20, 0x00, &[]), Announced::Nothing),
        (v2(0x20, 0x11, &v4_addresses()), Announced::Nothing),
        (v2(0x21, 0x00, &[1, 2, 3]), Announced::Nothing),
        (v2(0x21, 0x31, &[0; 216]), Announced::Nothing),
    ]
}

#[test]
fn headers_are_read_in_any_pieces_and_nothing_behind_them() {
    for (header, expected) in headers() {
        let stream = [&header[..], b"GET / HTTP/1.1\r\n"].concat();
        for most in 1..=header.len() {
            let told = read(&stream, most);
            assert_eq!(
                told,
                (Ok(Some(expected)), header.len()),
                "{most}: {header:?}"
            );
        }
        // Cut at each byte, it waits for the rest.
        for cut in 0..header.len() {
            assert_eq!(
                read(&stream[..cut], usize::MAX),
                (Ok(None), cut),
                "{header:?}"
            );
        }
    }
}

#[test]
fn what_is_no_header_is_told_by_its_first_bytes() {
    for stream in [
        &b"GET / HTTP/1.1\r\n"[..],
        b"PROXYTCP4 1.1.1.1 1.1.1.1 1 1\r\n",
        b"\x16\x03\x01",
        b"\r\n\r\nGET / HTTP/1.1",
        b"proxy UNKNOWN\r\n",
    ] {
        let (told, _) = read(stream, 1);
        assert_eq!(told, Err(ProxyHeaderError::Missing), "{stream:?}");
    }
}

#[test]
fn malformed_lines_are_refused() {
    for line in [
        "PROXY TCP4 192.0.2.43 10.0.0.1 4711",
        "PROXY TCP4 192.0.2.43 10.0.0.1 4711 443 1",
        "PROXY TCP4  192.0.2.43 10.0.0.1 4711 443",
        "PROXY TCP4 192.0.2.43 10.0.0.1 4711 443 ",
        "PROXY TCP4 2001:db8::17 ::1 4711 443",
        "PROXY TCP6 192.0.2.43 10.0.0.1 4711 443",
        "PROXY TCP4 192.0.2.043 10.0.0.1 4711 443",
        "PROXY TCP4 192.0.2.43 10.0.0.1 04711 443",
        "PROXY TCP4 192.0.2.43 10.0.0.1 +4711 443",
        "PROXY TCP4 192.0.2.43 10.0.0.1 65536 443",
        "PROXY TCP4 192.0.2.43 example.com 4711 443",
        "PROXY UDP4 192.0.2.43 10.0.0.1 4711 443",
        "PROXY SOMETHING",
        "PROXY \nUNKNOWN ",
    ] {
        let (told, _) = read(format!("{line}\r\n").as_bytes(), usize::MAX);
        assert_eq!(told, Err(ProxyHeaderError::Line), "{line}");
    }
}

#[test]
fn malformed_binary_headers_are_refused() {
    let addresses = v4_addresses();
    for (header, expected) in [
        (v2(0x11, 0x11, &addresses), ProxyHeaderError::Command(0x11)),
        (v2(0x22, 0x11, &addresses), ProxyHeaderError::Command(0x22)),
        (v2(0x21, 0x12, &addresses), ProxyHeaderError::Family(0x12)),
        (v2(0x21, 0x41, &addresses), ProxyHeaderError::Family(0x41)),
        (
            v2(0x21, 0x11, &addresses[1..]),
            ProxyHeaderError::TooShort(11),
        ),
        (v2(0x21, 0x21, &addresses), ProxyHeaderError::TooShort(12)),
        (v2(0x21, 0x31, &addresses), ProxyHeaderError::TooShort(12)),
    ] {
        assert_eq!(read(&header, usize::MAX).0, Err(expected), "{header:?}");
    }
}

#[test]
fn headers_have_a_bound_at_the_limit_and_one_past_it() {
    let line = |len: usize| {
        let mut line = b"PROXY UNKNOWN ".to_vec();
        line.resize(len - 2, b'x');
        line.extend_from_slice(b"\r\n");
        line
    };
    let nothing = Ok(Some(Announced::Nothing));
    assert_eq!(read(&line(MAX_V1), usize::MAX), (nothing, MAX_V1));
    let (told, taken) = read(&line(MAX_V1 + 1), usize::MAX);
    assert_eq!(told, Err(ProxyHeaderError::TooLong));
    assert!(taken <= MAX_V1 + 1);
    let longest = v2(0x20, 0, &[0; MAX_V2 - HEAD_V2]);
    assert_eq!(read(&longest, usize::MAX), (nothing, MAX_V2));
    // Refused before anything of it is read.
    let longer = v2(0x20, 0, &[0; MAX_V2 - HEAD_V2 + 1]);
    assert_eq!(
        read(&longer, usize::MAX),
        (Err(ProxyHeaderError::TooLong), HEAD_V2)
    );
}

proptest! {
    #[test]
    fn nothing_panics_and_pieces_make_no_difference(
        begin in 0..4_usize,
        rest in any::<Vec<u8>>(),
        most in 1..40_usize,
    ) {
        let begins: [&[u8]; 4] = [b"", b"PROXY ", b"PROXY TCP4 ", BEGIN_V2];
        let stream = [begins[begin], &rest].concat();
        let whole = read(&stream, usize::MAX);
        prop_assert_eq!(read(&stream, most).0, whole.0);
    }

    #[test]
    fn addresses_come_back(source: SocketAddr, binary: bool) {
        let (ip, port) = (source.ip(), source.port());
        let header = match (ip, binary) {
            (IpAddr::V4(_), false) => format!("PROXY TCP4 {ip} {ip} {port} {port}\r\n").into_bytes(),
            (IpAddr::V6(_), false) => format!("PROXY TCP6 {ip} {ip} {port} {port}\r\n").into_bytes(),
            (IpAddr::V4(v4), true) => {
                let v4 = v4.octets();
                v2(0x21, 0x11, &[&v4[..], &v4, &port.to_be_bytes(), &[0, 0]].concat())
            }
            (IpAddr::V6(v6), true) => {
                let v6 = v6.octets();
                v2(0x21, 0x21, &[&v6[..], &v6, &port.to_be_bytes(), &[0, 0]].concat())
            }
        };
        let announced = Announced::Client(SocketAddr::new(ip, port));
        prop_assert_eq!(read(&header, usize::MAX), (Ok(Some(announced)), header.len()));
    }
}
