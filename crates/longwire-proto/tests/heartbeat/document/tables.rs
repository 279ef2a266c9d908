//! What the ways to choose an interval cost on the paths that people have.

use crate::{
    DAY, PROFILES, minutes,
    path::{End, Path},
    secs,
    simulation::{Report, run},
    strategy::{Choose, Fixed, Mars, learner},
};
use longwire_proto::{Config, Instant, heartbeat::LearningConfig};
use std::{fmt::Write, time::Duration};

const WAYS: [&str; 4] = ["every 30 s", "every 5 min", "Mars", "learned"];

/// The ways that change their interval.
const LEARNING: std::ops::Range<usize> = 2..4;

fn way(at: usize) -> Box<dyn Choose> {
    match at {
        0 => Box::new(Fixed(secs(30))),
        1 => Box::new(Fixed(minutes(5))),
        2 => Box::new(Mars::new()),
        _ => Box::new(learner(LearningConfig::default(), None)),
    }
}

/// The round trip of the simulation, and so what is waited for besides the floor.
const ROUND_TRIP: Duration = Duration::from_millis(50);

/// When the limit of the path that changes shrinks.
const SHRINKS: Duration = Duration::from_secs(12 * 3600);

fn paths() -> Vec<(String, Path)> {
    let of = |limit| Path::fixed(limit, End::Silence);
    let mut paths: Vec<_> = PROFILES
        .iter()
        .map(|(name, limit)| (format!("{name}, {}", limit_of(*limit)), of(*limit)))
        .collect();
    let lossy = Path {
        loss: 25,
        ..of(secs(350))
    };
    paths.push(("350 s, and one canary in four is lost".into(), lossy));
    let mut shrinking = of(minutes(28));
    let at = Instant::default() + SHRINKS;
    shrinking.limits.push((at, secs(90)));
    paths.push(("28 min, and after half a day 90 s".into(), shrinking));
    paths
}

fn limit_of(limit: Duration) -> String {
    match limit.as_secs() {
        whole if whole % 60 == 0 && whole > 60 => span(limit),
        secs => format!("{secs} s"),
    }
}

/// What a way came to on a path in a day.
struct Day {
    report: Report,
    /// In the last quarter of the day.
    beats_per_hour: f64,
    /// Deaths then.
    late_deaths: usize,
    interval: Duration,
    /// From the beginning, or from when the limit changed.
    learned_in: Duration,
}

fn day(path: &Path, at: usize) -> Day {
    let late = DAY * 3 / 4;
    let mut chooser = way(at);
    let report = run(&mut *chooser, path, 1, DAY);
    let until_late = run(&mut *way(at), path, 1, late);
    let hours = (DAY - late).as_secs_f64() / 3600.0;
    let changes = path.limits.iter().map(|(from, _)| *from);
    let began = changes.filter(|from| *from <= report.settled_at).max();
    Day {
        beats_per_hour: f64::from(report.beats - until_late.beats) / hours,
        late_deaths: report.deaths.len() - until_late.deaths.len(),
        interval: chooser.interval(),
        learned_in: report.settled_at - began.unwrap_or_default(),
        report,
    }
}

/// All tables, as they stand in the document.
pub(super) fn all() -> String {
    let days: Vec<(String, Vec<Day>)> = paths()
        .into_iter()
        .map(|(name, path)| (name, (0..WAYS.len()).map(|at| day(&path, at)).collect()))
        .collect();
    let mut out = String::new();
    table(&mut out, "Heartbeats per hour", &days, 0..WAYS.len(), beats);
    table(
        &mut out,
        "Drops in the first day",
        &days,
        0..WAYS.len(),
        drops,
    );
    table(&mut out, "Time to learn", &days, LEARNING, learning);
    table(
        &mut out,
        "Until a silent death is noticed, at most",
        &days,
        0..WAYS.len(),
        notice,
    );
    out.truncate(out.trim_end().len());
    out.push('\n');
    out
}

fn beats(day: &Day) -> String {
    format!("{:.1}", day.beats_per_hour)
}

fn drops(day: &Day) -> String {
    day.report.deaths.len().to_string()
}

fn learning(day: &Day) -> String {
    if day.late_deaths > 0 {
        return "never".into();
    }
    let after = span(day.learned_in);
    match day.report.canaries {
        0 => after,
        canaries => format!("{after}; {canaries} canaries"),
    }
}

/// A peer that dies right after a beat is asked an interval later, and given up
/// when it has not answered in the time that the round trip allows.
fn notice(day: &Day) -> String {
    if day.late_deaths > 0 {
        return "-".into();
    }
    span(day.interval + Config::client().min_pong_timeout + ROUND_TRIP)
}

fn table(
    out: &mut String,
    title: &str,
    days: &[(String, Vec<Day>)],
    ways: std::ops::Range<usize>,
    cell: fn(&Day) -> String,
) {
    let row = |cells: &[String]| format!("| {} |\n", cells.join(" | "));
    let head = WAYS[ways.clone()].iter().map(|way| (*way).to_owned());
    let head: Vec<String> = [title.to_owned()].into_iter().chain(head).collect();
    let _ = writeln!(out, "{}|---|{}", row(&head), "---:|".repeat(ways.len()));
    for (name, days) in days {
        let cells = days[ways.clone()].iter().map(cell);
        let cells: Vec<String> = [name.clone()].into_iter().chain(cells).collect();
        out.push_str(&row(&cells));
    }
    out.push('\n');
}

/// A time as a person says it.
fn span(time: Duration) -> String {
    let secs = time.as_secs_f64().round() as u64;
    match (secs / 3600, secs / 60 % 60, secs % 60) {
        (0, 0, secs) => format!("{secs} s"),
        (0, 1, secs @ 1..30) => format!("{} s", 60 + secs),
        (0, minutes, 0) => format!("{minutes} min"),
        (0, minutes, secs) => format!("{minutes} min {secs} s"),
        (hours, 0, 0) => format!("{hours} h"),
        (hours, minutes, _) => format!("{hours} h {minutes} min"),
    }
}
