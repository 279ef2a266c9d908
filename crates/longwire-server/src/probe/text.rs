//! The report for people: rows, as they come to be known.

use super::{
    finding::{End, Finding},
    report::{Attempt, Handshake, Largest, Outcome, Report, Step},
};
use crate::{
    bench::{
        number::{size, time},
        progress::Progress,
    },
    connect::{escape, style::Palette},
};
use longwire::{heartbeat::Segment, proto::handshake::Url};
use std::{
    io::{self, Write as _},
    time::Duration,
};

/// Where labels end, and where a row does.
const LABEL: usize = 13;
const WIDTH: usize = 80;

/// Rows on standard output, and on a terminal the progress.
#[derive(Debug)]
pub(super) struct View {
    shown: bool,
    palette: Palette,
    progress: Progress,
    /// What went wrong with standard output.
    failed: io::Result<()>,
}

impl View {
    /// Shows nothing if the report is written as JSON, but the progress.
    pub(super) fn new(json: bool) -> View {
        View {
            shown: !json,
            palette: Palette::of(&io::stdout()),
            progress: Progress::new(),
            failed: Ok(()),
        }
    }

    pub(super) fn begin(&mut self, url: &Url) {
        self.line(&format!("Probing {}", escape::line(&url.to_string())));
    }

    /// How the connection came about, as far as it did.
    pub(super) fn path(&mut self, report: &Report) {
        if let Some(proxy) = &report.proxy {
            self.row("Proxy", proxy);
        }
        if let Some(resolved) = &report.resolved {
            let addresses: Vec<_> = resolved.addresses.iter().map(ToString::to_string).collect();
            let took = time(resolved.after);
            self.row("Address", &format!("{} ({took})", addresses.join(", ")));
        }
        self.attempts(&report.attempts);
        if let Some(after) = report.tunnelled {
            self.row("Tunnel", &format!("the proxy connected in {}", time(after)));
        }
        if let Some(tls) = &report.tls {
            let alpn = match &tls.alpn {
                Some(name) => format!(", ALPN {}", escape::line(name)),
                None => String::new(),
            };
            let (took, suite) = (time(tls.after), &tls.cipher_suite);
            self.row("TLS", &format!("{} in {took}, {suite}{alpn}", tls.version));
        }
        if let Some(handshake) = &report.handshake {
            self.handshake(handshake, report);
        }
    }

    fn attempts(&mut self, attempts: &[Attempt]) {
        for (at, attempt) in attempts.iter().enumerate() {
            let address = attempt.address;
            let text = match &attempt.outcome {
                Outcome::Connected(after) => format!("{address} connected in {}", time(*after)),
                Outcome::Failed(after, error) => {
                    format!("{address} failed after {}: {error}", time(*after))
                }
                Outcome::GivenUp => format!("{address} had not answered"),
            };
            self.row(if at == 0 { "TCP" } else { "" }, &text);
        }
    }

    fn handshake(&mut self, handshake: &Handshake, report: &Report) {
        let (status, took) = (handshake.status, time(handshake.after));
        self.row("Handshake", &format!("{status} in {took}"));
        let answered = match (&handshake.server, &handshake.via) {
            (None, None) => "not named by the response".to_owned(),
            (Some(server), None) => server.clone(),
            (None, Some(via)) => format!("not named, via {via}"),
            (Some(server), Some(via)) => format!("{server}, via {via}"),
        };
        self.row("Server", &answered);
        let offered = report.offered.join(", ");
        let subprotocol = match &handshake.subprotocol {
            Some(chosen) => format!("{chosen} (offered: {offered})"),
            None if offered.is_empty() => "none (none offered)".to_owned(),
            None => format!("none (offered: {offered})"),
        };
        self.row("Subprotocol", &subprotocol);
        let compression = handshake.extensions.as_deref();
        self.row("Compression", compression.unwrap_or("none"));
        if let Some(interval) = report.announced_beat() {
            let text = format!("the server says that it pings every {}", seconds(interval));
            self.row("Pings", &text);
        }
    }

    pub(super) fn round_trips(&mut self, report: &Report) {
        if report.round_trips.is_empty() {
            return;
        }
        let [min, p50, p90, p99, max] =
            [0, 50, 90, 99, 100].map(|percent| time(report.percentile(percent)));
        let count = report.round_trips.len();
        let text = format!("{count} Pings: min {min}, max {max}");
        self.row("Round trip", &text);
        self.row("", &format!("p50 {p50}, p90 {p90}, p99 {p99}"));
    }

    /// A message of this length is on its way.
    pub(super) fn sending(&mut self, length: u64) {
        self.progress.say(&format!("Message: {}", bytes(length)));
    }

    pub(super) fn largest(&mut self, report: &Report) {
        let Some(Largest { passed, failed }) = &report.largest else {
            return;
        };
        let text = match (passed, failed) {
            (0, Some((failed, why))) => format!("{} did not pass: {why}", bytes(*failed)),
            (_, Some((failed, why))) => {
                let (passed, failed) = (bytes(*passed), bytes(*failed));
                format!("{passed} passed, {failed} did not: {why}")
            }
            (_, None) => format!("{} passed, no larger one was tried", bytes(*passed)),
        };
        self.row("Message", &text);
    }

    /// How far the search is, on a terminal.
    pub(super) fn searching(
        &mut self,
        finding: &Finding,
        elapsed: Duration,
        silent: Vec<Duration>,
    ) {
        let mut line = format!("Idle, after {:.0} s: ", elapsed.as_secs_f64());
        if let Some(carried) = finding.carried {
            line += &format!("{} carried, ", seconds(carried));
        }
        if let Some(limit) = finding.limit {
            line += &format!("{} not, ", seconds(limit));
        }
        if !silent.is_empty() {
            let silent: Vec<_> = silent.into_iter().map(seconds).collect();
            line += &format!("silent for {}", silent.join(", "));
        }
        self.progress
            .say(&line.chars().take(WIDTH - 1).collect::<String>());
    }

    /// What is known of the idle limit, and where it all ended.
    ///
    /// # Errors
    /// When standard output could not be written.
    pub(super) fn end(mut self, report: &Report) -> io::Result<()> {
        self.progress.clear();
        if report.interrupted {
            self.under_way(report);
        }
        if let Some(finding) = &report.idle {
            self.row("Idle", &idle(finding));
            if let Some(advice) = advice(finding, report.announced_beat()) {
                self.row("Heartbeat", &advice);
            }
        }
        if report.interrupted {
            let text = format!(
                "Interrupted at {}; this is what is known.",
                report.step.title()
            );
            self.line(&text);
        }
        self.failed
    }

    /// What is known of the step that was interrupted.
    fn under_way(&mut self, report: &Report) {
        match report.step {
            Step::Resolve | Step::Connect | Step::Proxy | Step::Tls | Step::Handshake => {
                self.path(report);
            }
            Step::RoundTrip => self.round_trips(report),
            Step::Messages | Step::Idle | Step::Done => {}
        }
    }

    fn row(&mut self, label: &str, text: &str) {
        let text = escape::line(text);
        let label = self.palette.faint(&format!("{label:<LABEL$}"));
        for (at, part) in wrap(&text, WIDTH - LABEL - 2).into_iter().enumerate() {
            match at {
                0 => self.line(&format!("  {label}{part}")),
                _ => self.line(&format!("  {:<LABEL$}{part}", "")),
            }
        }
    }

    fn line(&mut self, text: &str) {
        if !self.shown || self.failed.is_err() {
            return;
        }
        self.progress.clear();
        let mut stdout = io::stdout().lock();
        self.failed = writeln!(stdout, "{text}").and_then(|()| stdout.flush());
    }
}

fn bytes(length: u64) -> String {
    size(usize::try_from(length).unwrap_or(usize::MAX))
}

fn idle(finding: &Finding) -> String {
    let carried = finding.carried.map(seconds);
    match (finding.limit, &finding.end) {
        (Some(limit), Some(end)) => {
            let when = match carried {
                _ if finding.is_exact => format!("after {}", seconds(limit)),
                Some(carried) => format!("between {carried} and {}", seconds(limit)),
                None => format!("within {}", seconds(limit)),
            };
            format!("dropped {when} of silence, {}", by(end))
        }
        _ if finding.beat.is_some() => {
            "not found: the server speaks before any limit is reached".to_owned()
        }
        _ => {
            let carried = match carried {
                Some(carried) => format!("{carried} of silence carried"),
                None => "nothing is known yet".to_owned(),
            };
            match &finding.trouble {
                Some(trouble) => format!("not found: {trouble}; {carried}"),
                None if finding.complete && finding.carried >= Some(finding.max) => {
                    format!(
                        "not dropped within {}, the longest that was tried",
                        seconds(finding.max)
                    )
                }
                None => format!("not found; {carried}"),
            }
        }
    }
}

fn by(end: &End) -> String {
    match end {
        End::Segment(Segment::Fin) => "by a FIN: a proxy or the server has a time limit".into(),
        End::Segment(Segment::Rst) => {
            "by a RST: a firewall, a balancer or the server has forgotten it".into()
        }
        End::Silence => "without a word: a NAT or a firewall has forgotten it".into(),
        End::Close { code, reason } if reason.is_empty() => format!("by a Close frame with {code}"),
        End::Close { code, reason } => format!("by a Close frame with {code}: {reason}"),
    }
}

/// How to beat.
fn advice(finding: &Finding, announced: Option<Duration>) -> Option<String> {
    if let Some(beat) = finding.beat {
        let beat = seconds(beat);
        return Some(format!("the server beats every {beat}: nothing to add"));
    }
    let announced = announced.filter(|&it| finding.safe.is_none_or(|safe| it <= safe));
    if let Some(announced) = announced.filter(|_| finding.limit.is_some() || finding.complete) {
        let announced = seconds(announced);
        return Some(format!(
            "the server pings every {announced}: nothing to add"
        ));
    }
    match (finding.safe, finding.limit) {
        (Some(safe), Some(_)) => Some(format!("beat every {} or more often", seconds(safe))),
        (Some(safe), None) if finding.complete => {
            let safe = seconds(safe);
            Some(format!("every {safe} is safe; more was not tried"))
        }
        (Some(safe), None) => Some(format!("every {} is safe so far", seconds(safe))),
        (None, Some(_)) => Some("--idle-from TIME, with a shorter one, finds what is safe".into()),
        (None, None) => None,
    }
}

/// `60 s`, `2.5 s`, `0.13 s`.
pub(super) fn seconds(time: Duration) -> String {
    let seconds = time.as_secs_f64();
    let places = match seconds {
        seconds if seconds >= 100.0 => 0,
        seconds if seconds >= 1.0 => 1,
        _ => 2,
    };
    let text = format!("{seconds:.places$}");
    let text = match text.contains('.') {
        true => text.trim_end_matches('0').trim_end_matches('.'),
        false => &text,
    };
    format!("{text} s")
}

/// Breaks a text between words, so that its lines have at most `width`
/// characters; a longer word stays whole.
fn wrap(text: &str, width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split(' ') {
        let last = lines.len() - 1;
        let line = &mut lines[last];
        if line.is_empty() {
            line.push_str(word);
        } else if line.chars().count() + 1 + word.chars().count() <= width {
            line.push(' ');
            line.push_str(word);
        } else {
            lines.push(word.to_owned());
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn secs(secs: u64) -> Option<Duration> {
        Some(Duration::from_secs(secs))
    }

    #[test]
    fn times_are_as_short_as_they_can_be() {
        let texts = [60_000, 2_500, 125, 350_400, 3_049, 10]
            .map(|millis| seconds(Duration::from_millis(millis)));
        assert_eq!(texts, ["60 s", "2.5 s", "0.12 s", "350 s", "3 s", "0.01 s"]);
    }

    #[test]
    fn rows_are_broken_between_words() {
        assert_eq!(wrap("one two three", 7), ["one two", "three"]);
        assert_eq!(wrap("a-long-word b", 4), ["a-long-word", "b"]);
        assert_eq!(wrap("", 4), [""]);
    }

    #[test]
    fn a_limit_is_told_as_closely_as_it_is_known() {
        let mut finding = Finding {
            limit: secs(60),
            carried: secs(57),
            end: Some(End::Silence),
            ..Finding::default()
        };
        assert!(idle(&finding).starts_with("dropped between 57 s and 60 s of silence, without"));
        finding.carried = None;
        assert!(idle(&finding).starts_with("dropped within 60 s of silence"));
        finding.is_exact = true;
        finding.end = Some(End::Segment(Segment::Fin));
        assert!(idle(&finding).starts_with("dropped after 60 s of silence, by a FIN"));
    }

    #[test]
    fn advice_is_to_beat_only_if_nobody_else_does() {
        let mut finding = Finding {
            limit: secs(60),
            safe: secs(57),
            complete: true,
            ..Finding::default()
        };
        let beat = advice(&finding, None).unwrap();
        assert_eq!(beat, "beat every 57 s or more often");
        let nothing = advice(&finding, secs(25)).unwrap();
        assert_eq!(nothing, "the server pings every 25 s: nothing to add");
        assert_eq!(advice(&finding, secs(58)), Some(beat));
        finding.limit = None;
        let safe = advice(&finding, None).unwrap();
        assert_eq!(safe, "every 57 s is safe; more was not tried");
        finding.beat = secs(20);
        assert!(advice(&finding, None).unwrap().contains("beats every 20 s"));
    }
}
