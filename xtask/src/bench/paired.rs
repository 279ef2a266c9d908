//! Servers that take short turns, each beside the limit.

use std::thread;
use std::time::{Duration, Instant};

use super::lane::{Lane, Pair, Told};
use super::measure::{Bench, Contender, SETTLE};
use super::scenario::{Group, HALF, Scenario, Task};
use super::source::{self, Source};
use super::table::Cell;
use crate::error::{Error, Result};

/// How often a server has its turn in a round, however long that takes.
const LEAST_PAIRS: usize = 2;
/// How long it is looked at what the limit can do, in seconds.
const LIMIT_RUN: f64 = 0.5;

/// What a scenario came to.
pub(crate) struct Found {
    /// For each contender the cells of its row.
    pub(crate) cells: Vec<Vec<Cell>>,
    /// CPU time of the load generator for each message, in every turn.
    pub(crate) generator: Vec<f64>,
}

impl Bench<'_> {
    /// Starts all servers, and has them take their turns round after round.
    pub(crate) fn in_turns(
        &self,
        group: &Group,
        scenario: &Scenario,
        contenders: &[Contender<'_>],
    ) -> Result<Found> {
        let columns = group.figure.columns().len();
        let start = |it| Lane::start(it, columns, |ready| self.start(group, ready));
        let mut lanes: Vec<Lane<'_>> = contenders.iter().map(start).collect();
        thread::sleep(SETTLE);
        let is_limit = |lane: &Lane<'_>| lane.contender.is_limit && lane.runs();
        let limit = lanes.iter().position(is_limit);
        let load = self.load(group, scenario, limit.map(|at| &lanes[at]))?;
        for lane in &mut lanes {
            let warm = self.warm_up(group, &load, lane);
            lane.heed("warming up", warm);
        }

        let beside = limit.map(|at| self.open(group, &load, &lanes[at]));
        let mut beside = beside.transpose()?;
        let rounds = self.options.rounds;
        for round in 0..rounds {
            let what = format!("{} {}/{rounds}", scenario.title, round + 1);
            for at in order(round, lanes.len()) {
                if Some(at) == limit || !lanes[at].runs() {
                    continue;
                }
                let pairs = self.round(group, &load, &lanes[at], beside.as_mut());
                let Some(pairs) = lanes[at].heed(&what, pairs) else {
                    continue;
                };
                println!("    {what} {}: {}", lanes[at].contender.name, Told(&pairs));
                for pair in &pairs {
                    lanes[at].take(pair);
                    if let Some((limit, turn)) = limit.zip(pair.limit.as_ref()) {
                        lanes[limit].take_alone(turn);
                    }
                }
            }
        }
        beside.map_or(Ok(()), Source::close)?;
        Ok(Found {
            cells: lanes.iter().map(Lane::cells).collect(),
            generator: lanes.into_iter().flat_map(|lane| lane.generator).collect(),
        })
    }

    /// The options of a scenario's load. Where they ask for it, finds out what
    /// the limit can do.
    fn load(&self, group: &Group, scenario: &Scenario, limit: Option<&Lane<'_>>) -> Result<String> {
        if !scenario.load.contains(HALF) {
            return Ok(scenario.load.to_owned());
        }
        let needed = || Error::new("half of raw's rate needs raw among the servers");
        let (ready, running) = limit.ok_or_else(needed)?.running()?;
        let unlimited = scenario.load.replace(&format!("--rate {HALF}"), "");
        let result = self.run(group, &unlimited, ready, running, Some(LIMIT_RUN))?;
        let rate = source::number(&result, "/messages_per_second")?;
        println!("    raw can do {rate:.0} a second");
        Ok(scenario.load.replace(HALF, &format!("{:.0}", rate / 2.0)))
    }

    /// A JVM and Node are not fast from the start.
    fn warm_up(&self, group: &Group, load: &str, lane: &Lane<'_>) -> Result<()> {
        let Ok((ready, running)) = lane.running() else {
            return Ok(());
        };
        let seconds = ready.server.warm_up();
        if seconds > 0.0 && group.task != Task::Client {
            self.run(group, load, ready, running, Some(seconds))?;
        }
        Ok(())
    }

    /// Turns of one server, and of the limit before or behind each. The first
    /// ones, with connections that are new, are not counted.
    fn round(
        &self,
        group: &Group,
        load: &str,
        lane: &Lane<'_>,
        mut limit: Option<&mut Source<'_>>,
    ) -> Result<Vec<Pair>> {
        let mut own = self.open(group, load, lane)?;
        Pair::make(&mut own, limit.as_deref_mut(), true)?;
        let seconds = self.options.seconds * group.figure.patience();
        let end = Instant::now() + Duration::from_secs_f64(seconds);
        let mut pairs = Vec::new();
        while pairs.len() < LEAST_PAIRS || Instant::now() < end {
            let limit_first = pairs.len() % 2 == 0;
            pairs.push(Pair::make(&mut own, limit.as_deref_mut(), limit_first)?);
        }
        own.close()?;
        Ok(pairs)
    }
}

/// The order of a round: another one begins, and every second one goes back.
fn order(round: usize, count: usize) -> Vec<usize> {
    let mut order: Vec<usize> = (0..count).collect();
    order.rotate_left(round * (count / 3 + 1) % count.max(1));
    if round % 2 == 1 {
        order.reverse();
    }
    order
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everybody_has_a_turn_in_every_round_and_another_place() {
        for count in [1, 2, 5, 15] {
            for round in 0..7 {
                let mut all = order(round, count);
                all.sort_unstable();
                assert!(all.into_iter().eq(0..count), "{count} {round}");
            }
        }
        let firsts: Vec<usize> = (0..3).map(|round| order(round, 15)[0]).collect();
        assert_eq!(firsts, [0, 5, 12]);
        assert!(order(0, 0).is_empty());
    }
}
