use super::*;
use crate::{
    extension::{Extension, ExtensionListError},
    handshake::Headers,
};
use alloc::{string::String, string::ToString, vec::Vec};
use std::format;

fn parse(value: &str) -> Result<Vec<Extension>, ExtensionListError> {
    let mut headers = Headers::new();
    headers.append("sec-websocket-extensions", value).unwrap();
    Extension::parse_list(&headers)
}

/// What a server answers, or `None` if it declines.
fn answer(config: &DeflateConfig, offers: &str) -> Option<String> {
    let (response, _) = PermessageDeflate::accept(config, &parse(offers).unwrap())?;
    Some(response.to_string())
}

/// What a server and a client of ours agree on: own and peer of the client.
fn agree(client: &DeflateConfig, server: &DeflateConfig) -> (Direction, Direction) {
    let offers = PermessageDeflate::offers(client);
    let (response, of_server) = PermessageDeflate::accept(server, &offers).expect("accepted");
    let of_client = PermessageDeflate::accepted(client, &[response]);
    let of_client = of_client.unwrap().expect("accepted");
    assert_eq!(of_client.own, of_server.peer);
    assert_eq!(of_client.peer, of_server.own);
    (of_client.own, of_client.peer)
}

fn with_takeover() -> DeflateConfig {
    DeflateConfig {
        own_takeover: true,
        peer_takeover: true,
        ..DeflateConfig::server()
    }
}

#[test]
fn a_server_gives_no_connection_a_compressor_of_its_own() {
    let config = DeflateConfig::server();
    let none = "permessage-deflate; server_no_context_takeover; client_no_context_takeover";
    for offer in [
        "permessage-deflate",
        "permessage-deflate; client_max_window_bits",
        "permessage-deflate; client_max_window_bits=10",
        "permessage-deflate; server_no_context_takeover",
        "x-webkit-deflate-frame, permessage-deflate",
        r#"permessage-deflate; client_max_window_bits="15""#,
    ] {
        assert_eq!(answer(&config, offer).as_deref(), Some(none), "{offer}");
    }
    assert_eq!(
        answer(&config, "permessage-deflate; server_max_window_bits=10"),
        Some(format!("{none}; server_max_window_bits=10"))
    );
}

#[test]
fn a_server_with_takeover_does_what_the_client_asks() {
    let config = with_takeover();
    for (offer, response) in [
        ("", ""),
        ("; client_max_window_bits", ""),
        (
            "; server_no_context_takeover",
            "; server_no_context_takeover",
        ),
        (
            "; client_no_context_takeover",
            "; client_no_context_takeover",
        ),
        ("; server_max_window_bits=8", "; server_max_window_bits=8"),
        ("; server_max_window_bits=15", "; server_max_window_bits=15"),
    ] {
        let name = PermessageDeflate::NAME;
        let (offer, response) = (format!("{name}{offer}"), format!("{name}{response}"));
        assert_eq!(answer(&config, &offer), Some(response), "{offer}");
    }
}

#[test]
fn a_client_that_cannot_be_told_of_a_small_window_gets_no_takeover() {
    let config = DeflateConfig {
        peer_window_bits: 10,
        ..with_takeover()
    };
    for (offer, response) in [
        ("", "; client_no_context_takeover"),
        ("; client_max_window_bits", "; client_max_window_bits=10"),
        ("; client_max_window_bits=9", "; client_max_window_bits=9"),
        ("; client_max_window_bits=12", "; client_max_window_bits=10"),
    ] {
        let name = PermessageDeflate::NAME;
        let (offer, response) = (format!("{name}{offer}"), format!("{name}{response}"));
        assert_eq!(answer(&config, &offer), Some(response), "{offer}");
    }
}

#[test]
fn a_window_that_the_engine_cannot_keep_to_is_declined() {
    let config = DeflateConfig {
        min_window_bits: 9,
        ..DeflateConfig::server()
    };
    let small = "permessage-deflate; server_max_window_bits=8";
    assert_eq!(answer(&config, small), None);
    let with_fallback = format!("{small}, permessage-deflate; server_max_window_bits=9");
    assert!(answer(&config, &with_fallback).unwrap().ends_with("=9"));
}

#[test]
fn invalid_offers_are_declined_and_the_next_one_is_looked_at() {
    let config = with_takeover();
    for bad in [
        "server_no_context_takeover=1",
        "client_no_context_takeover=true",
        "server_max_window_bits",
        "server_max_window_bits=7",
        "server_max_window_bits=16",
        "server_max_window_bits=08",
        "server_max_window_bits=+9",
        "server_max_window_bits=9.0",
        "server_max_window_bits=300",
        "client_max_window_bits=0",
        "client_max_window_bits=7",
        "client_max_window_bits=x",
        "client_max_window_bits; client_max_window_bits",
        "client_max_window_bits; client_max_window_bits=10",
        "server_max_window_bits=10; server_max_window_bits=10",
        "server_no_context_takeover; server_no_context_takeover",
        "client_no_context_takeover; client_no_context_takeover",
        "Server_no_context_takeover",
        "unknown",
        "unknown=1",
    ] {
        let bad = format!("permessage-deflate; {bad}");
        assert_eq!(answer(&config, &bad), None, "{bad}");
        let with_fallback = format!("{bad}, permessage-deflate");
        let plain = Some("permessage-deflate".to_string());
        assert_eq!(answer(&config, &with_fallback), plain, "{bad}");
    }
    assert_eq!(answer(&config, "permessage-bzip2"), None);
}

#[test]
fn a_client_offers_what_it_is_configured_for() {
    let offered = |config: &DeflateConfig| {
        let offers = PermessageDeflate::offers(config);
        offers.iter().map(ToString::to_string).collect::<Vec<_>>()
    };
    let client = DeflateConfig::client();
    assert_eq!(
        offered(&client),
        ["permessage-deflate; client_max_window_bits"]
    );
    assert_eq!(
        offered(&DeflateConfig::server()),
        ["permessage-deflate; server_no_context_takeover; \
          client_no_context_takeover; client_max_window_bits"]
    );
    let small = DeflateConfig {
        own_window_bits: 11,
        peer_window_bits: 9,
        ..client
    };
    assert_eq!(
        offered(&small),
        [
            "permessage-deflate; server_max_window_bits=9; client_max_window_bits=11",
            "permessage-deflate; server_no_context_takeover; client_max_window_bits=11",
        ]
    );
}

#[test]
fn a_client_fails_what_it_has_not_offered() {
    use DeflateParamError::{NotOffered, Repeated, Unknown, Value};
    let config = DeflateConfig {
        peer_window_bits: 10,
        ..DeflateConfig::client()
    };
    for (response, error) in [
        ("", NotOffered),
        ("; server_max_window_bits=11", NotOffered),
        ("; unknown", Unknown("unknown".into())),
        (
            "; server_max_window_bits",
            Value("server_max_window_bits".into()),
        ),
        (
            "; client_max_window_bits",
            Value("client_max_window_bits".into()),
        ),
        (
            "; server_no_context_takeover=1",
            Value("server_no_context_takeover".into()),
        ),
        (
            "; server_max_window_bits=9; server_max_window_bits=9",
            Repeated("server_max_window_bits".into()),
        ),
    ] {
        let response = format!("permessage-deflate{response}");
        let accepted = parse(&response).unwrap();
        let judged = PermessageDeflate::accepted(&config, &accepted);
        assert_eq!(judged.unwrap_err(), error, "{response}");
    }
    let no_takeover = DeflateConfig {
        peer_takeover: false,
        ..DeflateConfig::client()
    };
    let accepted = parse("permessage-deflate").unwrap();
    let judged = PermessageDeflate::accepted(&no_takeover, &accepted);
    assert_eq!(judged.unwrap_err(), NotOffered);
}

#[test]
fn a_client_takes_what_a_server_may_answer() {
    let direction = |takeover, window_bits| Direction {
        takeover,
        window_bits,
    };
    let config = DeflateConfig {
        own_window_bits: 12,
        ..DeflateConfig::client()
    };
    for (response, own, peer) in [
        ("", direction(true, 12), direction(true, 15)),
        (
            "; server_no_context_takeover; server_max_window_bits=8",
            direction(true, 12),
            direction(false, 8),
        ),
        (
            "; client_no_context_takeover; client_max_window_bits=9",
            direction(false, 9),
            direction(true, 15),
        ),
        // 7.1.2.2: larger than what was offered, which goes on to count.
        (
            "; client_max_window_bits=15",
            direction(true, 12),
            direction(true, 15),
        ),
    ] {
        let accepted = parse(&format!("other, permessage-deflate{response}")).unwrap();
        let agreed = PermessageDeflate::accepted(&config, &accepted);
        let agreed = agreed.unwrap().expect("it was accepted");
        assert_eq!((agreed.own, agreed.peer), (own, peer), "{response}");
    }
    let without = PermessageDeflate::accepted(&config, &parse("other").unwrap());
    assert!(without.unwrap().is_none());
}

#[test]
fn two_of_ours_agree_in_every_configuration() {
    for bits in 0..1_u32 << 8 {
        let is = |bit: u32| bits >> bit & 1 == 1;
        let config = |at: u32| DeflateConfig {
            own_takeover: is(at),
            peer_takeover: is(at + 1),
            own_window_bits: if is(at + 2) { 9 } else { 15 },
            peer_window_bits: if is(at + 3) { 8 } else { 15 },
            ..DeflateConfig::server()
        };
        let (client, server) = (config(0), config(4));
        let (own, peer) = agree(&client, &server);
        assert!(!own.takeover || client.own_takeover && server.peer_takeover);
        assert!(!peer.takeover || client.peer_takeover && server.own_takeover);
        assert!(own.window_bits <= client.own_window_bits.min(server.peer_window_bits));
        assert!(peer.window_bits <= client.peer_window_bits.min(server.own_window_bits));
    }
}

#[test]
fn what_an_idle_connection_holds_is_small() {
    // Beside an allocation's own cost; what is borrowed or kept comes on top.
    assert!(
        size_of::<PermessageDeflate>() <= 40,
        "{}",
        size_of::<PermessageDeflate>()
    );
}
