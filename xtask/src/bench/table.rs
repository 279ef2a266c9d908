//! Results side by side.

use super::scenario::{Figure, Group, Task};
use super::summary::Summary;

/// The results of a group.
pub(crate) struct Table {
    pub(crate) group: &'static Group,
    pub(crate) columns: Vec<String>,
    pub(crate) rows: Vec<Row>,
    /// What the load generator took, where CPU time is the figure.
    pub(crate) generator: Vec<Cell>,
}

/// The results of a server.
pub(crate) struct Row {
    pub(crate) name: String,
    /// The others are compared with it.
    pub(crate) is_limit: bool,
    pub(crate) cells: Vec<Cell>,
}

#[derive(Clone, Copy)]
pub(crate) enum Cell {
    Measured(Summary),
    Failed,
    /// The server could not be had.
    Missing,
}

impl Table {
    /// As Markdown, which reads well on a terminal too.
    pub(crate) fn markdown(&self) -> String {
        let mut rows = vec![
            std::iter::once(String::new())
                .chain(self.columns.iter().cloned())
                .collect::<Vec<_>>(),
        ];
        rows.extend(self.rows.iter().map(|row| self.texts(row)));
        if self.group.figure == Figure::Cpu && self.group.task != Task::Client {
            rows.push(self.generator_texts());
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

    pub(crate) fn failures(&self) -> usize {
        let cells = self.rows.iter().flat_map(|row| &row.cells);
        cells.filter(|cell| matches!(cell, Cell::Failed)).count()
    }

    fn texts(&self, row: &Row) -> Vec<String> {
        let limit = self.rows.iter().find(|row| row.is_limit);
        let cells = row.cells.iter().enumerate().map(|(at, cell)| {
            let limit = limit.and_then(|limit| limit.cells.get(at));
            self.text(cell, limit.filter(|_| !row.is_limit))
        });
        std::iter::once(row.name.clone()).chain(cells).collect()
    }

    /// Beside the servers, so that everybody sees what the load itself took.
    fn generator_texts(&self) -> Vec<String> {
        let cells = self.generator.iter().map(|cell| self.text(cell, None));
        std::iter::once("*the load generator*".to_owned())
            .chain(cells)
            .collect()
    }

    /// `4.81 (4.75–5.02) 1.03×`
    fn text(&self, cell: &Cell, limit: Option<&Cell>) -> String {
        let summary = match cell {
            Cell::Measured(summary) => summary,
            Cell::Failed => return "failed".to_owned(),
            Cell::Missing => return "missing".to_owned(),
        };
        let number = |number: f64| match self.group.figure {
            Figure::Cpu if number < 1.0 => format!("{number:.3}"),
            Figure::Cpu if number < 100.0 => format!("{number:.2}"),
            _ => format!("{number:.0}"),
        };
        let spread = format!(
            "{} ({}–{})",
            number(summary.median),
            number(summary.least),
            number(summary.greatest),
        );
        match (self.group.figure, limit) {
            (Figure::Cpu, Some(Cell::Measured(limit))) => {
                format!("{spread} {:.2}×", summary.median / limit.median)
            }
            _ => spread,
        }
    }
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

    #[test]
    fn ratios_are_to_the_limit() {
        let cell = |median: f64| {
            let (least, greatest) = (median / 2.0, median * 2.0);
            Cell::Measured(Summary {
                median,
                least,
                greatest,
            })
        };
        let row = |name: &str, is_limit, cells| Row {
            name: name.to_owned(),
            is_limit,
            cells,
        };
        let table = Table {
            group: &GROUPS[0],
            columns: vec!["20 B".to_owned(), "1 KiB".to_owned()],
            rows: vec![
                row("raw", true, vec![cell(4.0), cell(0.5)]),
                row("ours", false, vec![cell(5.0), Cell::Failed]),
            ],
            generator: vec![cell(2.0), Cell::Missing],
        };
        let expected = "\
|                      |                    20 B |              1 KiB |
| -------------------- | ----------------------: | -----------------: |
| raw                  |        4.00 (2.00–8.00) | 0.500 (0.250–1.00) |
| ours                 | 5.00 (2.50–10.00) 1.25× |             failed |
| *the load generator* |        2.00 (1.00–4.00) |            missing |";
        assert_eq!(table.markdown(), expected);
        assert_eq!(table.failures(), 1);
    }
}
