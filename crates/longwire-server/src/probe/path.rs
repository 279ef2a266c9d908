//! From a URL to an open WebSocket, with a note of each step.

use super::report::{Attempt, Handshake, Outcome, Report, Resolved, Step, Tls};
use crate::{
    connect::{escape, failure::of_connect},
    exit::{Failure, Status},
};
use longwire::{
    ConnectError, Connector, WebSocket,
    client::{ByteStream, DialEvent, Stage},
    proto::handshake::Url,
};
use std::{
    net::SocketAddr,
    time::{Duration, Instant},
};

/// Connects.
///
/// # Errors
/// Which step failed, why, and what to do.
pub(super) async fn open(
    connector: &Connector,
    url: &Url,
    report: &mut Report,
) -> Result<WebSocket, Failure> {
    let opened = dial_and_shake(connector, url, report).await;
    opened.map_err(|error| {
        report.step = step(&error).unwrap_or(report.step);
        report.refused = error.status();
        failure(&error, url)
    })
}

async fn dial_and_shake(
    connector: &Connector,
    url: &Url,
    report: &mut Report,
) -> Result<WebSocket, ConnectError> {
    let mut notes = Notes::new(report);
    let stream = connector
        .dial_observed(url, |event| notes.note(&event))
        .await?;
    if let Some(tls) = &mut report.tls {
        agreed(tls, &stream);
    }
    report.step = Step::Handshake;
    let begin = Instant::now();
    let (websocket, response) = connector.handshake(url, stream).await?;
    report.handshake = Some(Handshake::new(&response, begin.elapsed()));
    Ok(websocket)
}

/// Puts the steps of dialling into the report, each with the time that it took.
struct Notes<'a> {
    report: &'a mut Report,
    /// When the step under way began.
    since: Instant,
}

impl<'a> Notes<'a> {
    fn new(report: &'a mut Report) -> Notes<'a> {
        Notes {
            report,
            since: Instant::now(),
        }
    }

    fn note(&mut self, event: &DialEvent<'_>) {
        let now = Instant::now();
        let after = now - self.since;
        match *event {
            DialEvent::Proxy(proxy) => {
                self.report.proxy = Some(proxy.to_string());
            }
            DialEvent::Resolved(addresses) => {
                let addresses = addresses.to_vec();
                self.report.resolved = Some(Resolved { addresses, after });
                self.next(Step::Connect, now);
            }
            DialEvent::Attempt(address) => self.report.attempts.push(Attempt {
                address,
                began: after,
                outcome: Outcome::GivenUp,
            }),
            DialEvent::Failed(failed) => {
                let error = failed.error.to_string();
                self.finished(failed.address, |began| {
                    Outcome::Failed(after.saturating_sub(began), error)
                });
            }
            DialEvent::Connected(address) => {
                self.finished(address, |began| {
                    Outcome::Connected(after.saturating_sub(began))
                });
                self.report.connected = Some((address, after));
                let is_proxied = self.report.proxy.is_some();
                self.next(if is_proxied { Step::Proxy } else { Step::Tls }, now);
            }
            DialEvent::Tunnelled => {
                self.report.tunnelled = Some(after);
                self.next(Step::Tls, now);
            }
            DialEvent::Secured => {
                self.report.tls = Some(Tls {
                    after,
                    version: String::new(),
                    cipher_suite: String::new(),
                    alpn: None,
                });
            }
            _ => {}
        }
    }

    fn next(&mut self, step: Step, now: Instant) {
        self.report.step = step;
        self.since = now;
    }

    fn finished(&mut self, address: SocketAddr, outcome: impl FnOnce(Duration) -> Outcome) {
        let mut attempts = self.report.attempts.iter_mut();
        if let Some(attempt) = attempts.find(|attempt| attempt.address == address) {
            attempt.outcome = outcome(attempt.began);
        }
    }
}

fn agreed(tls: &mut Tls, stream: &ByteStream) {
    let Some(state) = stream.tls_state() else {
        return;
    };
    let version = state.protocol_version().and_then(|it| it.as_str());
    tls.version = match version {
        Some("TLSv1_3") => "TLS 1.3".into(),
        Some("TLSv1_2") => "TLS 1.2".into(),
        other => other.unwrap_or("TLS").into(),
    };
    let suite = state.negotiated_cipher_suite();
    let suite = suite.and_then(|it| it.suite().as_str());
    tls.cipher_suite = suite.unwrap_or("unknown cipher suite").into();
    tls.alpn = state
        .alpn_protocol()
        .map(|name| String::from_utf8_lossy(name).into_owned());
}

/// Which step an error belongs to, where it says so.
fn step(error: &ConnectError) -> Option<Step> {
    Some(match error {
        ConnectError::Resolve { .. } => Step::Resolve,
        ConnectError::Unreachable { .. } => Step::Connect,
        ConnectError::Proxy { .. } | ConnectError::ProxyUrl(_) => Step::Proxy,
        ConnectError::Tls { .. } => Step::Tls,
        ConnectError::Timeout {
            stage: Stage::Tls, ..
        } => Step::Tls,
        // What of it took too long is what was under way.
        ConnectError::Timeout {
            stage: Stage::Connect,
            ..
        } => return None,
        _ => Step::Handshake,
    })
}

/// Why there is no connection, and what to do.
pub(super) fn failure(error: &ConnectError, url: &Url) -> Failure {
    let failure = match error {
        ConnectError::Redirect(_) => Failure::new(
            Status::Refused,
            format_args!(
                "{}\n  hint: probe the URL that it leads to",
                escape::line(&error.to_string())
            ),
        ),
        _ => of_connect(error, url),
    };
    match step(error) {
        Some(step) => Failure::new(
            failure.status,
            format_args!("{} failed: {}", step.title(), failure.message),
        ),
        None => failure,
    }
}
