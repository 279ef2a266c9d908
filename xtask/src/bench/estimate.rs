//! How long it will take.

use super::options::Options;
use super::scenario::{Figure, Scenario};
use super::server::Server;

/// Seconds that a turn takes beside what is measured: a start, and an end.
const TURN: f64 = 0.45;
/// Seconds that a connection takes to open, and to close.
const CONNECTION: f64 = 0.000_15;
/// Seconds for which memory is looked at, with a start and an end.
const MEMORY: f64 = 3.5;

/// The time without building, in words.
pub(crate) fn text(options: &Options) -> String {
    let seconds: f64 = options
        .groups
        .iter()
        .flat_map(|group| {
            let servers = options.servers.iter();
            let servers = servers.filter(|server| server.is_in(group.name));
            servers.flat_map(move |server| {
                let scenarios = options.scenarios(group).into_iter();
                let rounds = group.figure.rounds(options.rounds) as f64;
                scenarios.map(move |it| rounds * turn(options, group.figure, it, server))
            })
        })
        .sum();
    match seconds / 60.0 {
        minutes if minutes < 1.5 => format!("{seconds:.0} s, and what has to be built"),
        minutes => format!("{minutes:.0} minutes, and what has to be built"),
    }
}

fn turn(options: &Options, figure: Figure, scenario: &Scenario, server: &Server) -> f64 {
    if figure.takes_its_time() {
        return MEMORY + scenario.held() * CONNECTION;
    }
    let connections = scenario.number("-c", 50.0);
    TURN + options.warm_up + server.warm_up() + options.seconds + connections * CONNECTION
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::Request;

    #[test]
    fn a_look_takes_a_minute_and_all_of_it_less_than_half_an_hour() {
        let seconds = |line: &str| {
            let parsed = Request::parse(line.split_whitespace().map(str::to_owned));
            let Ok(Some(Request::Measure(options))) = parsed else {
                panic!("it measures");
            };
            let text = text(&options);
            let number = text
                .split_whitespace()
                .next()
                .and_then(|it| it.parse().ok());
            let number: f64 = number.expect("a number");
            number * if text.contains("minutes") { 60.0 } else { 1.0 }
        };
        assert!(seconds("--quick") < 100.0);
        assert!(seconds("") <= 28.0 * 60.0, "{}", seconds(""));
    }
}
