use super::*;
use alloc::string::ToString;
use proptest::prelude::*;

fn headers(values: &[&str]) -> Headers {
    let mut headers = Headers::new();
    for value in values {
        headers.append(HEADER, value).unwrap();
    }
    headers
}

fn proposal(value: &str) -> Option<Proposal> {
    Proposal::of(&headers(&[value]))
}

fn terms(value: &str) -> Option<Terms> {
    Terms::of(&headers(&[value]))
}

const fn secs(secs: u64) -> Duration {
    Duration::from_secs(secs)
}

#[test]
fn what_a_client_says_is_a_token() {
    assert_eq!(proposal("client"), Some(Proposal::Client));
    assert_eq!(proposal("canary"), Some(Proposal::Canary));
    assert_eq!(proposal("ask"), Some(Proposal::Ask));
    assert_eq!(proposal(" canary ;span=60;x=\"y\""), Some(Proposal::Canary));
    for later in ["page", "Client", "*", "a/b:c"] {
        assert_eq!(proposal(later), Some(Proposal::Ask), "{later}");
    }
    for bad in [
        "",
        ";a=1",
        "1",
        "\"client\"",
        "client, canary",
        "a b",
        "?1",
        "cl\u{e9}",
    ] {
        assert_eq!(proposal(bad), None, "{bad}");
    }
    assert_eq!(Proposal::of(&headers(&["client", "client"])), None);
}

#[test]
fn what_a_server_answers_is_a_dictionary() {
    let watch = |max_silence, canaries| Terms {
        server: ServerBeat::Watch { max_silence },
        canaries,
    };
    assert_eq!(terms("watch=3600, canaries"), Some(watch(secs(3600), true)));
    assert_eq!(terms("canaries=?0,watch=1"), Some(watch(secs(1), false)));
    assert_eq!(terms("canaries;x=1, watch=2;y"), Some(watch(secs(2), true)));
    let ping = terms("ping=25, timeout=20.5").unwrap();
    let interval = secs(25);
    let timeout = Duration::from_millis(20_500);
    assert_eq!(ping.server, ServerBeat::Ping { interval, timeout });
    assert!(!ping.canaries);
    let longest = watch(secs(999_999_999_999), false);
    assert_eq!(terms("watch=999999999999999"), Some(longest));
    assert_eq!(terms("canaries").unwrap().server, ServerBeat::Nothing);
    // RFC 9651 section 3.2: a Dictionary may be parted over fields, and of
    // members with one name the last one holds.
    let parted = headers(&["watch=9, ping=1", "canaries, watch=7"]);
    assert_eq!(Terms::of(&parted), Some(watch(secs(7), true)));
    // What a later version adds.
    let later = "new=(1 \"a, b\"), watch=5, other=:AA==:, third=@1659578233";
    assert_eq!(terms(later), Some(watch(secs(5), false)));
}

#[test]
fn what_is_malformed_counts_as_absent() {
    for bad in [
        "watch",
        "watch=",
        "watch=0",
        "watch=0.099",
        "watch=-5",
        "watch=1.",
        "watch=.5",
        "watch=1.2345",
        "watch=1e3",
        "watch=\"5\"",
        "watch=1000000000000000",
        "watch=1000000000000.5",
        "ping=25",
        "ping=25, timeout=x",
        "watch=5, canaries=1",
    ] {
        assert_eq!(terms(bad), None, "{bad}");
    }
    assert_eq!(Terms::of(&Headers::new()), None);
    let mut bytes = Headers::new();
    bytes.append(HEADER, b"watch=5, \xff").unwrap();
    assert_eq!(Terms::of(&bytes), None);
}

#[test]
fn times_are_cut_to_milliseconds() {
    let shown = |time| Seconds(time).to_string();
    assert_eq!(shown(secs(3600)), "3600");
    assert_eq!(shown(Duration::from_millis(250)), "0.25");
    assert_eq!(shown(Duration::from_micros(1_001_999)), "1.001");
    assert_eq!(shown(Duration::MAX), "999999999999.999");
}

#[test]
fn the_answer_follows_from_the_configuration() {
    let mut config = Config::server();
    let answer = |proposal, config: &Config| Terms::answer(proposal, config).to_string();
    for own in [Proposal::Client, Proposal::Canary] {
        assert_eq!(answer(own, &config), "watch=3600, canaries");
    }
    assert_eq!(
        answer(Proposal::Ask, &config),
        "ping=25, timeout=20, canaries"
    );
    config.ping_interval = None;
    config.canaries = super::super::CanaryBudget::new(0).into();
    assert_eq!(answer(Proposal::Ask, &config), "canaries=?0");
}

fn any_time() -> impl Strategy<Value = Duration> {
    (100u64..1_000_000_000_000_000).prop_map(Duration::from_millis)
}

fn any_terms() -> impl Strategy<Value = Terms> {
    let server = prop_oneof![
        any_time().prop_map(|max_silence| ServerBeat::Watch { max_silence }),
        (any_time(), any_time())
            .prop_map(|(interval, timeout)| ServerBeat::Ping { interval, timeout }),
        Just(ServerBeat::Nothing),
    ];
    (server, any::<bool>()).prop_map(|(server, canaries)| Terms { server, canaries })
}

proptest! {
    #[test]
    fn what_is_said_is_understood(said in any_terms()) {
        prop_assert_eq!(terms(&said.to_string()), Some(said));
    }

    #[test]
    fn nothing_that_comes_panics_or_is_too_short(
        values in proptest::collection::vec(
            prop_oneof![
                "[ -~]{0,40}",
                "((watch|ping|timeout|canaries|x)(=[?0-9.\"a]{0,6})?(;a)?,? ?){0,5}",
            ],
            0..4,
        ),
    ) {
        let values: alloc::vec::Vec<&str> = values.iter().map(alloc::string::String::as_str).collect();
        let headers = headers(&values);
        let _ = Proposal::of(&headers);
        if let Some(terms) = Terms::of(&headers) {
            let shortest = match terms.server {
                ServerBeat::Watch { max_silence } => max_silence,
                ServerBeat::Ping { interval, timeout } => interval.min(timeout),
                ServerBeat::Nothing => Terms::SHORTEST,
            };
            prop_assert!(shortest >= Terms::SHORTEST);
        }
    }
}
