//! A server on its way through a scenario, and its turns beside the limit's.

use std::fmt;

use super::measure::Contender;
use super::programs::{Ready, Running};
use super::source::{Generator, Source, Turn};
use super::statistics::Summary;
use super::table::Cell;
use crate::error::{Error, Result};

/// How much of its core the load generator may use before it is in the way.
const BUSY: f64 = 0.97;

/// A server on its way through a scenario.
pub(crate) struct Lane<'a> {
    pub(crate) contender: &'a Contender<'a>,
    /// None if it could not be had, or has failed.
    running: Option<Running>,
    columns: Vec<Column>,
    /// CPU time of the load generator for each message, turn by turn.
    pub(crate) generator: Vec<f64>,
}

/// Turn by turn.
#[derive(Clone, Default)]
struct Column {
    numbers: Vec<f64>,
    /// Each number beside the limit's.
    ratios: Vec<f64>,
}

/// A turn, and that of the limit just before or behind it.
pub(crate) struct Pair {
    pub(crate) own: Turn,
    pub(crate) limit: Option<Turn>,
}

impl<'a> Lane<'a> {
    /// One that is started, if it could be had.
    pub(crate) fn start(
        contender: &'a Contender<'a>,
        columns: usize,
        start: impl FnOnce(&Ready) -> Result<Running>,
    ) -> Lane<'a> {
        let mut lane = Lane {
            contender,
            running: None,
            columns: vec![Column::default(); columns],
            generator: Vec::new(),
        };
        if let Ok(ready) = &contender.entry.ready {
            lane.running = lane.heed("starting", start(ready));
        }
        lane
    }

    pub(crate) fn runs(&self) -> bool {
        self.running.is_some()
    }

    pub(crate) fn running(&self) -> Result<(&Ready, &Running)> {
        let ready = self.contender.entry.ready.as_ref().ok();
        let both = ready.zip(self.running.as_ref());
        both.ok_or_else(|| Error::new(format!("{} does not run", self.contender.name)))
    }

    /// What came of something; one that failed is ended, and why is told.
    pub(crate) fn heed<T>(&mut self, what: &str, result: Result<T>) -> Option<T> {
        let told = |why: &Error| match &self.running {
            // Whatever the load printed, the server's end says more.
            Some(running) => running.service.failure(&format!("failed: {why}")),
            None => Error::new(why.to_string()),
        };
        if let Err(why) = &result {
            println!("    {what} {}: {}", self.contender.name, told(why));
            self.running = None;
        }
        result.ok()
    }

    pub(crate) fn take(&mut self, pair: &Pair) {
        self.take_alone(&pair.own);
        let ratios = self.columns.iter_mut().zip(pair.ratios());
        ratios.for_each(|(column, ratio)| column.ratios.push(ratio));
        self.generator.extend(pair.own.generator.map(|it| it.each));
    }

    pub(crate) fn take_alone(&mut self, turn: &Turn) {
        let numbers = self.columns.iter_mut().zip(&turn.columns);
        numbers.for_each(|(column, number)| column.numbers.push(*number));
    }

    pub(crate) fn cells(&self) -> Vec<Cell> {
        let cell = |column: &Column| match Summary::with_quartiles(&column.numbers) {
            _ if self.contender.entry.ready.is_err() => Cell::Missing,
            Some(summary) if self.running.is_some() => Cell::Measured {
                summary,
                ratio: Summary::with_interval(&column.ratios),
            },
            _ => Cell::Failed,
        };
        self.columns.iter().map(cell).collect()
    }
}

impl Pair {
    /// Who goes first changes, so that a machine that slows down slows both.
    pub(crate) fn make(
        own: &mut Source<'_>,
        limit: Option<&mut Source<'_>>,
        limit_first: bool,
    ) -> Result<Pair> {
        let Some(limit) = limit else {
            let own = own.turn()?;
            return Ok(Pair { own, limit: None });
        };
        let before = limit_first.then(|| limit.turn()).transpose()?;
        let own = own.turn()?;
        let limit = before.map_or_else(|| limit.turn(), Ok)?;
        Ok(Pair {
            own,
            limit: Some(limit),
        })
    }

    fn ratios(&self) -> impl Iterator<Item = f64> {
        let limit = self.limit.iter().flat_map(|limit| &limit.columns);
        let columns = self.own.columns.iter().zip(limit);
        columns.map(|(own, limit)| own / limit)
    }
}

/// The pairs of a round, in a line.
pub(crate) struct Told<'a>(pub(crate) &'a [Pair]);

impl fmt::Display for Told<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let median = |numbers: &mut dyn Iterator<Item = f64>| {
            let numbers: Vec<f64> = numbers.collect();
            Summary::with_quartiles(&numbers).map(|it| it.median)
        };
        let columns = self.0.first().map_or(0, |pair| pair.own.columns.len());
        for at in 0..columns {
            let number = median(&mut self.0.iter().map(|pair| pair.own.columns[at]));
            write!(f, "{:.3} ", number.unwrap_or_default())?;
            if let Some(ratio) = median(&mut self.0.iter().filter_map(|it| it.ratios().nth(at))) {
                write!(f, "{ratio:.2}× ")?;
            }
        }
        write!(f, "({} turns", self.0.len())?;
        let told = |of: fn(Generator) -> f64| {
            median(&mut self.0.iter().filter_map(|pair| pair.own.generator.map(of)))
        };
        if let Some((each, busy)) = told(|it| it.each).zip(told(|it| it.busy)) {
            let percent = busy * 100.0;
            write!(f, ", load generator {each:.3}, {percent:.0} % of its core")?;
            f.write_str(if busy > BUSY { ": IN THE WAY" } else { "" })?;
        }
        f.write_str(")")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn turn(number: f64) -> Turn {
        Turn {
            columns: vec![number, number * 10.0],
            generator: None,
        }
    }

    #[test]
    fn a_ratio_is_to_the_turn_beside_it() {
        let pair = Pair {
            own: turn(3.0),
            limit: Some(turn(2.0)),
        };
        assert!(pair.ratios().eq([1.5, 1.5]));
        let alone = Pair {
            own: turn(3.0),
            limit: None,
        };
        assert_eq!(alone.ratios().count(), 0);
        assert_eq!(
            Told(&[pair, alone]).to_string(),
            "3.000 1.50× 30.000 1.50× (2 turns)"
        );
    }

    /// Of a burst that both have to bear nothing is left, and one that one of
    /// them has is an outlier.
    #[test]
    fn bursts_do_not_move_the_ratio() {
        let numbers = [
            (5.0, 4.0),
            (50.0, 40.0),
            (5.0, 4.0),
            (25.0, 4.0),
            (5.0, 4.0),
        ];
        let mut column = Column::default();
        for (own, limit) in numbers {
            let pair = Pair {
                own: turn(own),
                limit: Some(turn(limit)),
            };
            column.ratios.extend(pair.ratios().next());
        }
        let ratio = Summary::with_interval(&column.ratios).map(|it| it.median);
        assert_eq!(ratio, Some(1.25));
    }
}
