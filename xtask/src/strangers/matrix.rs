//! What is checked, by name. A client prints each name with its verdict, and a
//! name that does not come is a failure, so that no client can quietly do less.

/// What a stranger's client checks of our server.
const OF_SERVER: &[&str] = &[
    "text",
    "binary",
    "empty-text",
    "empty-binary",
    "size-125",
    "size-126",
    "size-127",
    "size-65535",
    "size-65536",
    "16-mib",
    "unicode",
    "fragmented",
    "ping",
    "pipelined",
    "permessage-deflate",
    "subprotocol-first-offer",
    "subprotocol-configured",
    "close-1000",
    "close-3000",
    "close-4999",
    "close-without-code",
    "server-close-1007",
    "own-origin-accepted",
    "foreign-origin-refused",
    "server-going-away-1001",
];

/// Out of reach of the browser's API: whole messages of valid text, and no pings.
const OF_BROWSERS: &[&str] = &["fragmented", "ping", "server-close-1007"];

/// What a stranger's interface has no way to say.
const OUT_OF_REACH: &[(&str, &[&str])] = &[
    // It fragments nothing.
    ("server-aiohttp", &["fragmented"]),
    ("server-chromium", OF_BROWSERS),
    ("server-firefox", OF_BROWSERS),
    // The same, but for pings.
    ("server-undici", &["fragmented", "server-close-1007"]),
    // Text is a string, a close has a code, and there are no extensions.
    (
        "server-jdk",
        &[
            "permessage-deflate",
            "close-without-code",
            "server-close-1007",
        ],
    ),
    (
        "server-okhttp",
        &[
            "fragmented",
            "ping",
            "permessage-deflate",
            "close-without-code",
            "server-close-1007",
        ],
    ),
];

/// What curl checks of our server: handshakes and nothing else.
pub(super) const OF_HANDSHAKE: &[&str] = &[
    "accept-of-the-rfc",
    "accept-of-another-key",
    "names-and-tokens-know-no-case",
    "subprotocol-first-offer",
    "subprotocol-configured",
    "other-version-426",
    "plain-get-426",
    "post-405",
    "no-key-400",
    "short-key-400",
    "own-origin-accepted",
    "foreign-origin-403",
    "null-origin-403",
];

/// What our client checks of any server that speaks `chat.v1`.
pub(super) const OF_CLIENT: &[&str] = &[
    "text",
    "binary",
    "empty-text",
    "empty-binary",
    "size-125",
    "size-126",
    "size-127",
    "size-65535",
    "size-65536",
    "16-mib",
    "unicode",
    "fragmented",
    "ping",
    "pipelined",
    "permessage-deflate",
    "subprotocol",
    "close-1000",
    "close-3000",
    "close-4999",
    "close-without-code",
    "peer-going-away-1001",
];

/// What our client checks of a server that closes as its path asks.
pub(super) const OF_PEERS_CLOSE: &[&str] = &[
    "peer-close-1000",
    "peer-close-1011",
    "peer-close-3000",
    "peer-close-4999",
    "peer-close-without-code",
];

/// What the stranger of that part can check of our server.
pub(super) fn of_server(part: &str) -> Vec<&'static str> {
    let out_of_reach = OUT_OF_REACH
        .iter()
        .find(|(name, _)| *name == part)
        .map_or(&[][..], |(_, checks)| checks);
    OF_SERVER
        .iter()
        .copied()
        .filter(|check| !out_of_reach.contains(check))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::part::PARTS;

    #[test]
    fn what_is_out_of_reach_exists() {
        for (part, checks) in OUT_OF_REACH {
            assert!(PARTS.iter().any(|it| it.name == *part), "{part}");
            assert_eq!(
                of_server(part).len(),
                OF_SERVER.len() - checks.len(),
                "{part}"
            );
        }
        assert_eq!(of_server("server-ws"), OF_SERVER);
    }
}
