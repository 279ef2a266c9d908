use longwire_proto::{Chunk, Event, MessageKind};
use std::borrow::Cow;

/// The event, no longer borrowed from a buffer.
pub fn owned(event: Event<'_>) -> Event<'static> {
    fn bytes(payload: Cow<'_, [u8]>) -> Cow<'static, [u8]> {
        Cow::Owned(payload.into_owned())
    }
    match event {
        Event::Text(text) => Event::Text(Cow::Owned(text.into_owned())),
        Event::Binary(payload) => Event::Binary(bytes(payload)),
        Event::Ping(payload) => Event::Ping(bytes(payload)),
        Event::Pong(payload) => Event::Pong(bytes(payload)),
        Event::Chunk(chunk) => Event::Chunk(Chunk {
            kind: chunk.kind,
            payload: bytes(chunk.payload),
            first: chunk.first,
            last: chunk.last,
        }),
        Event::Closed => Event::Closed,
    }
}

/// The events with neighbouring chunks of one message made one: how a message
/// was cut on its way is no longer seen.
pub fn joined(events: Vec<Event<'static>>) -> Vec<Event<'static>> {
    let mut all: Vec<Event<'static>> = Vec::new();
    for event in events {
        match (all.last_mut(), event) {
            (Some(Event::Chunk(before)), Event::Chunk(chunk)) if !before.last => {
                assert!(!chunk.first, "a chunk begins a message inside another one");
                assert_eq!(before.kind, chunk.kind);
                before.payload.to_mut().extend_from_slice(&chunk.payload);
                before.last = chunk.last;
            }
            (_, event) => all.push(event),
        }
    }
    all
}

/// The events with the chunks of each message made that message, where its last
/// chunk stood. What has no last chunk is left out.
///
/// # Panics
/// If the chunks are not those of messages, one after the other, or if the
/// text is not UTF-8.
pub fn assembled(events: Vec<Event<'static>>) -> Vec<Event<'static>> {
    let mut all = Vec::new();
    let mut message: Option<(MessageKind, Vec<u8>)> = None;
    for event in events {
        let Event::Chunk(chunk) = event else {
            all.push(event);
            continue;
        };
        assert_eq!(
            chunk.first,
            message.is_none(),
            "the first chunk, and no other, begins"
        );
        let (kind, payload) = message.get_or_insert((chunk.kind, Vec::new()));
        assert_eq!(*kind, chunk.kind);
        payload.extend_from_slice(&chunk.payload);
        if chunk.last {
            let payload = message
                .take()
                .map(|(_, payload)| payload)
                .unwrap_or_default();
            all.push(match chunk.kind {
                MessageKind::Binary => Event::Binary(payload.into()),
                MessageKind::Text => {
                    let text = String::from_utf8(payload).expect("text chunks make UTF-8");
                    Event::Text(text.into())
                }
            });
        }
    }
    all
}
