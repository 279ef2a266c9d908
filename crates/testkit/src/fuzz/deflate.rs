use super::Source;
use crate::{Chunker, Endpoint, RandomDeflate, RawFrame, Rng, TestCodecs, assembled};
use longwire_proto::{
    CloseCause, DeflateConfig, Event, Failure, LimitError, ReceiveMode, Role,
    extension::{Codecs, Deflate, DeflateSettings, Extension, PermessageDeflate},
    handshake::Headers,
};

/// The longest message.
const SIZE_LIMIT: u64 = 1 << 16;

/// Any text as a list of extensions, for a server to choose from and for a
/// client to judge.
///
/// What a server accepts, a client that had made just that offer must agree to.
///
/// # Panics
/// If it does not.
pub fn negotiation(data: &[u8]) {
    let mut source = Source(data);
    let config = config(&mut source);
    let mut headers = Headers::new();
    if headers
        .append("Sec-WebSocket-Extensions", source.0)
        .is_err()
    {
        return;
    }
    let Ok(list) = Extension::parse_list(&headers) else {
        return;
    };
    // As the answer of a server: it may be wrong, and is told to be then.
    let _ = PermessageDeflate::accepted(&config, &list);
    let Some((response, agreed)) = PermessageDeflate::accept(&config, &list) else {
        return;
    };
    assert!(agreed.own().window_bits <= config.own_window_bits);
    assert!(!agreed.own().takeover || config.own_takeover);
    assert!(!agreed.peer().takeover || config.peer_takeover);
    assert!(!agreed.peer().takeover || agreed.peer().window_bits <= config.peer_window_bits);
    let text = response.to_string();
    let mut headers = Headers::new();
    let appended = headers.append("Sec-WebSocket-Extensions", &text);
    appended.expect("a response can stand in a header");
    let parsed = Extension::parse_list(&headers).expect("a response is a list");
    assert_eq!(parsed, [response]);
}

fn config(source: &mut Source<'_>) -> DeflateConfig {
    let (flags, bits) = (source.byte(), source.byte());
    let mut config = DeflateConfig::server();
    config.own_takeover = flags & 1 != 0;
    config.peer_takeover = flags & 2 != 0;
    config.min_window_bits = 8 + (flags >> 2 & 1);
    config.own_window_bits = 8 + (bits & 7);
    config.peer_window_bits = 8 + (bits >> 4 & 7);
    config
}

/// A server with compression is given any compressed messages.
///
/// However they are cut the outcome must be the same, streaming must give the
/// messages that whole reception gives, no limit may be passed, and the engine
/// that `codecs` lends must see what [`TestCodecs`] see.
///
/// # Panics
/// If any of this does not hold.
pub fn inflate(data: &[u8], codecs: impl Fn() -> Box<dyn Codecs>) {
    let mut source = Source(data);
    let flags = source.byte();
    let mut cuts = Rng::new(source.byte().into());
    let stream = frames(&mut source);
    let chunker = Chunker::random(&mut cuts, stream.len());
    let receive = |mode, strictly: bool, room: usize, chunker: &Chunker| {
        let mut end = server(flags & 1 != 0);
        if !strictly {
            end.codecs = codecs();
        }
        end.scratch = vec![0; room];
        end.connection.set_receive_mode(mode);
        let events = end.receive_in_pieces(&stream, chunker);
        check_limits(&events, mode);
        // Of two things that are wrong, the cuts decide which is met first.
        let failed = end.connection.close_info().map(|info| info.cause);
        (events, failed)
    };
    let whole = receive(ReceiveMode::Message, false, 0, &Chunker::whole());
    let pieces = receive(ReceiveMode::Message, false, 1 << 12, &chunker);
    assert_eq!(pieces.0, whole.0, "cuts change nothing");
    let strictly = receive(ReceiveMode::Message, true, 0, &Chunker::whole());
    assert_eq!(strictly.0, whole.0, "nor does the engine");
    let (streamed, failed) = receive(ReceiveMode::Stream, false, 1 << 10, &chunker);
    check_streamed(&assembled(streamed), failed, &whole);
}

fn check_limits(events: &[Event<'static>], mode: ReceiveMode) {
    for event in events {
        match event {
            Event::Text(text) => assert!(text.len() as u64 <= SIZE_LIMIT),
            Event::Binary(bytes) => assert!(bytes.len() as u64 <= SIZE_LIMIT),
            Event::Chunk(chunk) => {
                assert!(mode == ReceiveMode::Stream && chunk.payload.len() <= 1 << 14);
            }
            _ => {}
        }
    }
}

type Outcome = (Vec<Event<'static>>, Option<CloseCause>);

/// Streaming has no limit on size.
fn check_streamed(events: &[Event<'static>], failed: Option<CloseCause>, whole: &Outcome) {
    if let Some(CloseCause::Failed(Failure::Limit(LimitError::MessageSize { .. }))) = whole.1 {
        let before = &whole.0[..whole.0.len() - 1];
        assert_eq!(&events[..before.len()], before);
    } else {
        assert_eq!(events, whole.0);
        assert_eq!(failed.is_some(), whole.1.is_some());
    }
}

fn server(takeover: bool) -> Endpoint {
    let mut deflate = DeflateConfig::server();
    deflate.own_takeover = takeover;
    deflate.peer_takeover = takeover;
    let mut end = Endpoint::with_config(Role::Server, |config| {
        config.limits.max_message_size = SIZE_LIMIT;
        config.limits.max_inflation = 50;
        config.limits.inflation_floor = SIZE_LIMIT / 2;
        config.deflate = Some(deflate.clone());
    });
    let offers = PermessageDeflate::offers(&deflate);
    let (_, agreed) = PermessageDeflate::accept(&deflate, &offers).expect("it is offered");
    end.use_extension(agreed);
    end
}

/// Messages from recipes: bytes as they are for the decompressor, or compressed
/// first so that there is something in them; in fragments; plain ones between.
fn frames(source: &mut Source<'_>) -> Vec<u8> {
    let settings = DeflateSettings {
        window_bits: 15,
        level: 1,
    };
    let mut deflate = RandomDeflate::new(source.byte().into(), settings);
    let mut stream = Vec::new();
    while !source.0.is_empty() && stream.len() < SIZE_LIMIT as usize {
        let recipe = source.byte();
        let opcode = 1 + (recipe & 1);
        let len = usize::from(source.byte()).min(source.0.len());
        let (given, rest) = source.0.split_at(len);
        source.0 = rest;
        let given = given.repeat(1 + usize::from(recipe >> 4));
        let mut payload = Vec::new();
        match recipe >> 1 & 3 {
            0 => payload = given,
            _ if given.is_empty() => payload.push(0),
            _ => {
                deflate.deflate(&given, &mut payload);
                payload.truncate(payload.len() - 4);
            }
        }
        let plain = recipe & 0x0E == 0x0E;
        let rsv = if plain { 0 } else { 0x40 };
        let half = payload.len() / 2;
        let message = if recipe & 8 != 0 {
            vec![
                RawFrame::new(opcode, &payload[..half]).rsv(rsv).fragment(),
                RawFrame::ping("between"),
                RawFrame::continuation(&payload[half..]),
            ]
        } else {
            vec![RawFrame::new(opcode, payload).rsv(rsv)]
        };
        for frame in message {
            stream.extend(frame.sent_by(Role::Client).to_bytes());
        }
    }
    stream
}

/// The same with DEFLATE of our own on both sides.
///
/// # Panics
/// As [`inflate`].
pub fn inflate_strictly(data: &[u8]) {
    inflate(data, || Box::<TestCodecs>::default());
}
