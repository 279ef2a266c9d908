//! Lines of JSON, for scripts.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use bytes::Bytes;
use longwire::{CloseInfo, Initiator, Message, heartbeat::Beat};
use serde_json::Value;
use std::time::Duration;

/// A line under way. Its fields keep their order, so that the line can be read
/// by people too.
pub(crate) struct Line(String);

impl Line {
    /// Begins a line of this `type`, with the time.
    pub(crate) fn new(kind: &str) -> Line {
        Line::at(jiff::Timestamp::now(), kind)
    }

    pub(crate) fn at(time: jiff::Timestamp, kind: &str) -> Line {
        Line("{".to_owned())
            .field("time", format!("{time:.3}"))
            .field("type", kind)
    }

    pub(crate) fn field(mut self, name: &str, value: impl Into<Value>) -> Line {
        if self.0.len() > 1 {
            self.0.push(',');
        }
        self.0.push_str(&Value::from(name).to_string());
        self.0.push(':');
        self.0.push_str(&value.into().to_string());
        self
    }

    /// The field, if there is a value.
    pub(crate) fn optional(self, name: &str, value: Option<impl Into<Value>>) -> Line {
        match value {
            Some(value) => self.field(name, value),
            None => self,
        }
    }

    pub(crate) fn end(mut self) -> Bytes {
        self.0.push_str("}\n");
        self.0.into()
    }
}

/// Milliseconds, to the microsecond.
pub(crate) fn milliseconds(time: Duration) -> f64 {
    (time.as_secs_f64() * 1e6).round() / 1e3
}

pub(crate) fn message(message: &Message) -> Bytes {
    match message {
        Message::Text(text) => Line::new("text").field("data", text.as_str()),
        Message::Binary(bytes) => Line::new("binary")
            .field("length", bytes.len())
            .field("base64", STANDARD.encode(bytes)),
    }
    .end()
}

/// What keeps the connection alive, and how often.
pub(crate) fn heartbeat(beat: Beat, settled: bool) -> Bytes {
    let (by, interval) = match beat {
        Beat::Every(interval) => ("client", interval),
        Beat::Peer(interval) => ("server", interval),
    };
    Line::new("heartbeat")
        .field("by", by)
        .field("interval_ms", milliseconds(interval))
        .field("settled", settled)
        .end()
}

pub(crate) fn close(info: &CloseInfo) -> Bytes {
    let by = info.initiator.map(|initiator| match initiator {
        Initiator::Local => "client",
        Initiator::Peer => "server",
    });
    Line::new("close")
        .field("code", info.code().get())
        .field("reason", info.reason())
        .field("clean", info.was_clean())
        .optional("initiator", by)
        .end()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_keep_their_order_and_are_escaped() {
        let time = "2026-11-21T02:40:12.3456Z".parse().unwrap();
        let line = Line::at(time, "text")
            .field("data", "\"\n\u{1b}")
            .optional("code", None::<u16>)
            .field("rtt_ms", milliseconds(Duration::from_nanos(212_700)))
            .end();
        assert_eq!(
            line,
            "{\"time\":\"2026-11-21T02:40:12.345Z\",\"type\":\"text\",\
             \"data\":\"\\\"\\n\\u001b\",\"rtt_ms\":0.213}\n"
        );
    }

    #[test]
    fn binary_is_base64() {
        let line = message(&Message::from(&b"\x00\xff"[..]));
        let value: Value = serde_json::from_slice(&line).unwrap();
        assert_eq!(value["type"], "binary");
        assert_eq!(value["length"], 2);
        assert_eq!(value["base64"], "AP8=");
    }
}
