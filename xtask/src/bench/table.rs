//! Results side by side.

use super::figure::Figure;
use super::paired::Found;
use super::scenario::{Group, Scenario, Task};
use super::statistics::Summary;

/// The results of a group.
pub(crate) struct Table {
    pub(crate) group: &'static Group,
    columns: Vec<String>,
    rows: Vec<Row>,
    /// What the load generator took, where CPU time is the figure.
    generator: Vec<Cell>,
}

/// The results of a server.
struct Row {
    name: String,
    cells: Vec<Cell>,
}

#[derive(Clone, Copy)]
pub(crate) enum Cell {
    Measured {
        summary: Summary,
        /// To the limit.
        ratio: Option<Summary>,
    },
    Failed,
    /// The server could not be had.
    Missing,
}

impl Cell {
    /// Something that is not compared.
    pub(crate) fn alone(summary: Summary) -> Cell {
        let ratio = None;
        Cell::Measured { summary, ratio }
    }
}

impl Table {
    /// One without columns yet.
    pub(crate) fn new(group: &'static Group, names: impl Iterator<Item = String>) -> Table {
        let row = |name| Row {
            name,
            cells: Vec::new(),
        };
        Table {
            group,
            columns: Vec::new(),
            rows: names.map(row).collect(),
            generator: Vec::new(),
        }
    }

    /// Adds a scenario's columns.
    pub(crate) fn add(&mut self, scenario: &Scenario, found: Found) {
        let columns = self.group.figure.columns().iter();
        let columns = columns.map(|column| format!("{}{column}", scenario.title));
        self.columns.extend(columns);
        for (row, cells) in self.rows.iter_mut().zip(found.cells) {
            row.cells.extend(cells);
        }
        let generator = Summary::with_quartiles(&found.generator);
        self.generator
            .push(generator.map_or(Cell::Missing, Cell::alone));
    }

    /// As Markdown, which reads well on a terminal too.
    pub(crate) fn markdown(&self) -> String {
        let mut rows = vec![
            std::iter::once(String::new())
                .chain(self.columns.iter().cloned())
                .collect::<Vec<_>>(),
        ];
        rows.extend(
            self.rows
                .iter()
                .map(|row| self.texts(&row.name, &row.cells)),
        );
        if self.group.figure == Figure::Cpu && self.group.task != Task::Client {
            // So that everybody sees what the load itself took.
            rows.push(self.texts("*the load generator*", &self.generator));
        }
        let widths: Vec<usize> = (0..=self.columns.len())
            .map(|column| {
                rows.iter()
                    .map(|row| width(&row[column]))
                    .max()
                    .unwrap_or(0)
            })
            .collect();
        let mut lines: Vec<String> = rows.iter().map(|row| line(row, &widths)).collect();
        let rule: Vec<String> = widths
            .iter()
            .enumerate()
            .map(|(at, &width)| match at {
                0 => "-".repeat(width),
                _ => "-".repeat(width.max(2) - 1) + ":",
            })
            .collect();
        lines.insert(1, line(&rule, &widths));
        lines.join("\n")
    }

    /// How many cells there are, and how many of them failed.
    pub(crate) fn cells(&self) -> (usize, usize) {
        let cells = || self.rows.iter().flat_map(|row| &row.cells);
        let failed = cells().filter(|cell| matches!(cell, Cell::Failed));
        (cells().count(), failed.count())
    }

    fn texts(&self, name: &str, cells: &[Cell]) -> Vec<String> {
        let cells = cells.iter().map(|cell| self.text(cell));
        std::iter::once(name.to_owned()).chain(cells).collect()
    }

    /// `4.81 (4.75–5.02) 1.03× (1.02–1.05)`
    fn text(&self, cell: &Cell) -> String {
        let (summary, ratio) = match cell {
            Cell::Measured { summary, ratio } => (summary, ratio),
            Cell::Failed => return "failed".to_owned(),
            Cell::Missing => return "missing".to_owned(),
        };
        let number = |number: f64| match self.group.figure {
            Figure::Cpu if number < 1.0 => format!("{number:.3}"),
            Figure::Cpu if number < 100.0 => format!("{number:.2}"),
            _ => format!("{number:.0}"),
        };
        let factor = |ratio: f64| format!("{ratio:.2}");
        let mut text = number(summary.median) + &range(summary, number);
        if let Some(ratio) = ratio {
            text += &format!(" {}×{}", factor(ratio.median), range(ratio, factor));
        }
        text
    }
}

/// ` (4.75–5.02)`
fn range(summary: &Summary, text: impl Fn(f64) -> String) -> String {
    let range = summary
        .around
        .map(|(low, high)| format!(" ({}–{})", text(low), text(high)));
    range.unwrap_or_default()
}

fn line(cells: &[String], widths: &[usize]) -> String {
    let mut line = String::from("|");
    for (at, (cell, &wanted)) in cells.iter().zip(widths).enumerate() {
        let space = " ".repeat(wanted.saturating_sub(width(cell)));
        line += &match at {
            0 => format!(" {cell}{space} |"),
            _ => format!(" {space}{cell} |"),
        };
    }
    line
}

fn width(text: &str) -> usize {
    text.chars().count()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::scenario::GROUPS;

    fn summary(median: f64, around: Option<(f64, f64)>) -> Summary {
        Summary { median, around }
    }

    #[test]
    fn a_cell_tells_what_turns_were_and_the_ratio_to_the_limit() {
        let names = ["raw", "ours"].map(str::to_owned);
        let mut table = Table::new(&GROUPS[0], names.into_iter());
        let scenarios = GROUPS[0].scenarios;
        let ours = Cell::Measured {
            summary: summary(5.0, Some((2.5, 10.0))),
            ratio: Some(summary(1.254, Some((1.2, 1.309)))),
        };
        let found = Found {
            cells: vec![
                vec![Cell::alone(summary(4.0, Some((3.9, 4.1))))],
                vec![ours],
            ],
            generator: vec![2.0],
        };
        table.add(&scenarios[1], found);
        let found = Found {
            cells: vec![vec![Cell::Missing], vec![Cell::Failed]],
            generator: Vec::new(),
        };
        table.add(&scenarios[2], found);
        let expected = "\
|                      |                           20 B × 50 | 20 B × 1000 |
| -------------------- | ----------------------------------: | ----------: |
| raw                  |                    4.00 (3.90–4.10) |     missing |
| ours                 | 5.00 (2.50–10.00) 1.25× (1.20–1.31) |      failed |
| *the load generator* |                                2.00 |     missing |";
        assert_eq!(table.markdown(), expected);
        assert_eq!(table.cells(), (4, 1));
    }
}
