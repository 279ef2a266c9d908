//! The report for scripts: one object. Every field is there, null if it is not
//! known; `docs/probe.md` explains them.

use super::{
    finding::{End, Finding},
    report::{Attempt, Largest, Outcome, Report},
};
use crate::connect::json::{Line, milliseconds};
use longwire::heartbeat::Segment;
use serde_json::{Value, json};
use std::{
    io::{self, Write as _},
    time::Duration,
};

pub(super) fn write(report: &Report) -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    stdout.write_all(&object(report))?;
    stdout.flush()
}

fn object(report: &Report) -> Vec<u8> {
    let ms = |time: &Option<Duration>| time.map(milliseconds);
    let resolved = report.resolved.as_ref();
    let handshake = report.handshake.as_ref();
    let addresses = resolved.map(|it| texts(&it.addresses));
    let status = handshake.map(|it| it.status).or(report.refused);
    let line = Line::new("probe")
        .field("url", report.url.as_str())
        .field("complete", report.error.is_none() && !report.interrupted)
        .field("error", error(report))
        .field("proxy", report.proxy.clone())
        .field("addresses", addresses)
        .field("resolve_ms", resolved.map(|it| milliseconds(it.after)))
        .field("attempts", attempts(&report.attempts))
        .field("address", report.connected.map(|(it, _)| it.to_string()))
        .field(
            "connect_ms",
            report.connected.map(|(_, it)| milliseconds(it)),
        )
        .field("tunnel_ms", ms(&report.tunnelled))
        .field("tls", tls(report))
        .field("status", status)
        .field("handshake_ms", handshake.map(|it| milliseconds(it.after)))
        .field("server", handshake.and_then(|it| it.server.clone()))
        .field("via", handshake.and_then(|it| it.via.clone()))
        .field("subprotocols_offered", json!(report.offered))
        .field(
            "subprotocol",
            handshake.and_then(|it| it.subprotocol.clone()),
        )
        .field("extensions", handshake.and_then(|it| it.extensions.clone()))
        .field("round_trip_ms", round_trip(report))
        .field("largest_message", largest(report.largest.as_ref()))
        .field(
            "server_ping_seconds",
            report.announced_beat().map(|it| it.as_secs_f64()),
        );
    idle(line, report.idle.as_ref()).end().to_vec()
}

fn error(report: &Report) -> Value {
    match &report.error {
        None => Value::Null,
        Some(message) => json!({ "step": report.step.name(), "message": message }),
    }
}

fn attempts(attempts: &[Attempt]) -> Value {
    attempts
        .iter()
        .map(|attempt| {
            let (after, error) = match &attempt.outcome {
                Outcome::GivenUp => (None, None),
                Outcome::Connected(after) => (Some(after), None),
                Outcome::Failed(after, error) => (Some(after), Some(error)),
            };
            json!({
                "address": attempt.address.to_string(),
                "family": if attempt.address.is_ipv6() { "IPv6" } else { "IPv4" },
                "connected": matches!(attempt.outcome, Outcome::Connected(_)),
                "ms": after.map(|&after| milliseconds(after)),
                "error": error,
            })
        })
        .collect()
}

fn tls(report: &Report) -> Value {
    report.tls.as_ref().map_or(Value::Null, |tls| {
        json!({
            "ms": milliseconds(tls.after),
            "version": tls.version,
            "cipher_suite": tls.cipher_suite,
            "alpn": tls.alpn,
        })
    })
}

fn round_trip(report: &Report) -> Value {
    if report.round_trips.is_empty() {
        return Value::Null;
    }
    let at = |percent| milliseconds(report.percentile(percent));
    json!({
        "count": report.round_trips.len(),
        "min": at(0),
        "p50": at(50),
        "p90": at(90),
        "p99": at(99),
        "max": at(100),
    })
}

fn largest(largest: Option<&Largest>) -> Value {
    largest.map_or(Value::Null, |largest| {
        let failed = largest.failed.as_ref();
        json!({
            "passed_bytes": largest.passed,
            "failed_bytes": failed.map(|(size, _)| size),
            "failed_because": failed.map(|(_, why)| why),
        })
    })
}

fn idle(line: Line, finding: Option<&Finding>) -> Line {
    let time = |of: fn(&Finding) -> Option<Duration>| {
        let time = finding.and_then(of);
        time.map(|time| (time.as_secs_f64() * 1e3).round() / 1e3)
    };
    let end = finding.and_then(|it| it.end.as_ref());
    let close = match end {
        Some(End::Close { code, reason }) => Some(json!({ "code": code, "reason": reason })),
        _ => None,
    };
    line.field("idle_limit_seconds", time(|it| it.limit))
        .field("idle_carried_seconds", time(|it| it.carried))
        .field("idle_max_seconds", time(|it| Some(it.max)))
        .field("idle_dropped_by", end.map(name))
        .field("idle_close", close)
        .field("server_beat_seconds", time(|it| it.beat))
        .field("safe_heartbeat_seconds", time(|it| it.safe))
        .field("canaries", finding.map(|it| it.canaries))
        .field("idle_trouble", finding.and_then(|it| it.trouble.clone()))
}

fn name(end: &End) -> &'static str {
    match end {
        End::Segment(Segment::Fin) => "fin",
        End::Segment(Segment::Rst) => "rst",
        End::Silence => "silence",
        End::Close { .. } => "close",
    }
}

fn texts(values: &[impl ToString]) -> Vec<String> {
    values.iter().map(ToString::to_string).collect()
}
