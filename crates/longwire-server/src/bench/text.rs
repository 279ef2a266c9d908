//! The result for people.

use super::{Outcome, number, plot};
use longwire_bench::{Latency, Measured, echo, fan_out, idle};

/// All of it.
pub(super) fn page(url: &str, outcome: &Outcome<'_>) -> String {
    let lines = match outcome {
        Outcome::Echo(options, report) => echo_lines(url, options, report),
        Outcome::Storm(measured) => storm_lines(url, measured),
        Outcome::Idle(report) => idle_lines(url, report),
        Outcome::FanOut(options, measured) => fan_out_lines(url, options, measured),
    };
    lines.join("\n")
}

fn echo_lines(url: &str, options: &echo::Options, report: &echo::Report) -> Vec<String> {
    let pace = match options.pace {
        echo::Pace::InFlight(count) => format!("{count} in flight on each"),
        echo::Pace::Rate(rate) => format!("{} a second on all", number::digits(rate)),
    };
    let title = format!(
        "{url}: {} connections, messages of {}, {pace}",
        number::whole(options.connections as u64),
        number::size(options.size),
    );
    let unanswered = (report.unanswered > 0)
        .then(|| row("unanswered", &number::whole(report.unanswered)))
        .into_iter();
    let mut lines = measured_lines(title, ["messages", "message"], &report.measured);
    // Below the rate, which stands below the title.
    lines.splice(3..3, unanswered);
    lines
}

fn storm_lines(url: &str, measured: &Measured) -> Vec<String> {
    let title = format!("{url}: connections opened and dropped");
    measured_lines(title, ["handshakes", "handshake"], measured)
}

fn fan_out_lines(url: &str, options: &fan_out::Options, measured: &Measured) -> Vec<String> {
    let title = format!(
        "{url}: {} subscribers, publications of {}, {} on their way",
        number::whole(options.subscribers as u64),
        number::size(options.size),
        options.outstanding,
    );
    measured_lines(title, ["deliveries", "delivery"], measured)
}

/// What every measurement under load gives. `units` are those of the count.
fn measured_lines(title: String, units: [&str; 2], measured: &Measured) -> Vec<String> {
    let [many, one] = units;
    let mut lines = vec![title, String::new(), rate(many, measured)];
    lines.extend(usage(one, measured));
    lines.extend(latency(&measured.latency));
    lines
}

fn idle_lines(url: &str, report: &idle::Report) -> Vec<String> {
    let mut lines = vec![
        format!("{url}: connections held"),
        String::new(),
        format!(
            "{:>13}  {:>15}  {:>15}",
            "connections", "server KiB", "TCP queues KiB"
        ),
    ];
    lines.extend(report.steps.iter().map(|step| {
        let kernel = step
            .kernel
            .map_or_else(String::new, |bytes| number::whole(bytes / 1024));
        format!(
            "{:>13}  {:>15}  {kernel:>15}",
            number::whole(step.connections as u64),
            number::whole(step.resident / 1024),
        )
    }));
    let slope = number::whole(report.bytes_per_connection.max(0.0) as u64);
    lines.extend([
        String::new(),
        row("a connection", &format!("{slope} bytes")),
    ]);
    lines
}

fn row(name: &str, value: &str) -> String {
    format!("{name:>13}  {value}")
}

fn rate(what: &str, measured: &Measured) -> String {
    let seconds = measured.elapsed.as_secs_f64();
    let a_second = (measured.count as f64 / seconds) as u64;
    let text = format!(
        "{} in {seconds:.1} s, {} a second",
        number::whole(measured.count),
        number::whole(a_second),
    );
    row(what, &text)
}

fn usage(unit: &str, measured: &Measured) -> Vec<String> {
    let both = [
        ("server CPU", measured.server),
        ("our CPU", measured.generator),
    ];
    let known = both
        .into_iter()
        .filter_map(|(name, usage)| Some((name, usage?)));
    known
        .map(|(name, usage)| {
            let seconds = usage.cpu.as_secs_f64();
            let each = seconds * 1e6 / measured.count.max(1) as f64;
            let cores = seconds / measured.elapsed.as_secs_f64() * 100.0;
            let text = format!(
                "{} µs a {unit}, {cores:.0} % of a core",
                number::digits(each)
            );
            row(name, &text)
        })
        .collect()
}

fn latency(latency: &Latency) -> Vec<String> {
    if latency.count() == 0 {
        return Vec::new();
    }
    let shares = [("p50", 0.5), ("p90", 0.9), ("p99", 0.99), ("p99.9", 0.999)];
    let mut parts: Vec<String> = shares
        .iter()
        .map(|(name, share)| format!("{name} {}", number::time(latency.quantile(*share))))
        .collect();
    parts.push(format!("max {}", number::time(latency.max())));
    let mut lines = vec![row("latency", &parts.join(", ")), String::new()];
    lines.extend(plot::bars(latency));
    lines
}
