//! How long it will take.

use super::figure::Figure;
use super::options::Options;
use super::scenario::{Group, Scenario, Task};
use super::server::Server;

/// Seconds that a server takes to start and to end.
const START: f64 = 0.12;
/// Seconds that a round takes beside its turns: a load that starts and ends, and
/// the turns that are not counted.
const ROUND: f64 = 0.2;
/// The same of clients, which start for each turn.
const ROUND_OF_CLIENT: f64 = 1.2;
/// Seconds that a connection takes to open, and to close.
const CONNECTION: f64 = 0.000_15;
/// Seconds that a delivery takes, the server and the generator together.
const DELIVERY: f64 = 0.000_01;
/// Seconds for which memory is looked at, with a start and an end.
const MEMORY: f64 = 3.5;

/// The time without building, in words.
pub(crate) fn text(options: &Options) -> String {
    let seconds: f64 = options.groups.iter().map(|it| group(options, it)).sum();
    match seconds / 60.0 {
        minutes if minutes < 1.5 => format!("{seconds:.0} s, and what has to be built"),
        minutes => format!("{minutes:.0} minutes, and what has to be built"),
    }
}

fn group(options: &Options, group: &'static Group) -> f64 {
    let scenarios = options.scenarios(group);
    let servers = options.servers.iter();
    let servers = servers.filter(|server| server.is_in(group.name));
    let cells = servers.flat_map(|server| {
        let scenarios = scenarios.iter();
        scenarios.map(move |scenario| cell(options, group, scenario, server))
    });
    cells.sum()
}

fn cell(options: &Options, group: &Group, scenario: &Scenario, server: &Server) -> f64 {
    if group.figure == Figure::Memory {
        return MEMORY + scenario.held() * CONNECTION;
    }
    let round = match group.task {
        Task::Client => ROUND_OF_CLIENT,
        _ => ROUND + scenario.number("-c", 50.0) * CONNECTION,
    };
    let turns = match group.task {
        Task::FanOut => options.seconds.max(fewest_turns(scenario)),
        _ => options.seconds * group.figure.patience(),
    };
    START + server.warm_up() + options.rounds as f64 * (round + turns)
}

/// What the fewest turns take of a fan-out, each of which waits for all that is on
/// its way: two pairs and one that is not counted, with as much warming up.
fn fewest_turns(scenario: &Scenario) -> f64 {
    let deliveries = scenario.number("-c", 50.0) * scenario.number("-i", 1.0);
    6.0 * DELIVERY * deliveries
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
            let groups = options.groups.iter();
            groups.map(|it| group(&options, it)).sum::<f64>()
        };
        assert!(seconds("--quick") < 100.0, "{}", seconds("--quick"));
        assert!(seconds("") <= 28.5 * 60.0, "{}", seconds(""));
    }
}
