//! `cargo xtask bench --counts`: the instructions of the hot paths.
//!
//! Time differs from run to run and from machine to machine; the number of
//! instructions hardly does. What each path took is kept in `bench/counts.json`,
//! so that a change that makes one longer shows anywhere, in half a minute.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use serde_json::{Map, Value, json};

use crate::error::{Error, Result, ResultExt as _};
use crate::process;
use crate::setup::valgrind;
use crate::workspace::Workspace;

const FILE: &str = "bench/counts.json";
/// How often each path is gone: the difference of both runs is counted.
const TIMES: [u64; 2] = [1_000, 3_000];
/// How much more a path may take, in percent.
const TOLERANCE: f64 = 2.0;
/// The same with another compiler than the one that the numbers are from.
const TOLERANCE_OF_COMPILERS: f64 = 10.0;
/// A run is a second long.
const LIMIT: Duration = Duration::from_secs(5 * 60);

/// Instructions each time that a path is gone.
struct Counts {
    rustc: String,
    paths: Vec<(String, f64)>,
}

/// Counts, and compares with the numbers that are kept, or keeps the new ones.
pub(crate) fn run(workspace: &Workspace, update: bool) -> Result {
    let kept = Counts::read(&workspace.root.join(FILE));
    let found = Counts::take(workspace)?;
    let table = found.beside(kept.as_ref().ok());
    println!("\n{}", table.join("\n"));
    if update {
        return found.write(&workspace.root.join(FILE));
    }
    let kept = kept?;
    let mut tolerance = TOLERANCE;
    if kept.rustc != found.rustc {
        tolerance = TOLERANCE_OF_COMPILERS;
        println!(
            "\n{FILE} was written with rustc {}, and this is {}. So {tolerance} % are taken for the \
             compiler's\ndoing. To see more, run `cargo xtask bench --counts --update` on the \
             commit before yours,\nand compare with that.",
            kept.rustc, found.rustc,
        );
    }
    let grown = found.grown(&kept, tolerance);
    if grown.is_empty() {
        return Ok(());
    }
    Err(Error::new(format!(
        "more than {tolerance} % more instructions than in {FILE}:\n{}\nIf that is worth it, say why \
         in the commit, and run `cargo xtask bench --counts --update`.",
        grown.join("\n"),
    )))
}

impl Counts {
    fn take(workspace: &Workspace) -> Result<Counts> {
        println!("==> building the paths");
        let program = workspace.bench_program("bench-counts")?;
        let valgrind = valgrind::program(workspace)?;
        let list = process::run(workspace, "list", &mut Command::new(&program), LIMIT)?;
        let mut paths = Vec::new();
        for name in list.lines() {
            let [few, many] = TIMES.map(|times| {
                let mut command = Command::new(&valgrind);
                command
                    .args(["--tool=callgrind", "--callgrind-out-file=/dev/null"])
                    .arg(&program)
                    .args([name, &times.to_string()]);
                let output = process::run(workspace, "bench counts", &mut command, LIMIT)?;
                collected(&output)
                    .ok_or_else(|| Error::new(format!("callgrind counted nothing:\n{output}")))
            });
            let each = (many? - few?) / (TIMES[1] - TIMES[0]) as f64;
            println!("    {name}: {each:.1}");
            paths.push((name.to_owned(), each));
        }
        Ok(Counts {
            rustc: rustc(workspace)?,
            paths,
        })
    }

    fn read(path: &Path) -> Result<Counts> {
        let text = fs::read_to_string(path).context(format!("reading {FILE}"))?;
        let value: Value = serde_json::from_str(&text).context(format!("reading {FILE}"))?;
        let counts = value["instructions"].as_object().into_iter().flatten();
        let paths = counts.filter_map(|(name, count)| Some((name.clone(), count.as_f64()?)));
        Ok(Counts {
            rustc: value["rustc"].as_str().unwrap_or("unknown").to_owned(),
            paths: paths.collect(),
        })
    }

    fn write(&self, path: &Path) -> Result {
        let paths = self.paths.iter();
        // Tenths of instructions are chance.
        let counts: Map<String, Value> = paths
            .map(|(name, count)| (name.clone(), json!(count.round())))
            .collect();
        let value = json!({ "rustc": self.rustc, "instructions": counts });
        fs::write(path, format!("{value:#}\n")).context(format!("writing {FILE}"))
    }

    fn get(&self, path: &str) -> Option<f64> {
        let mut paths = self.paths.iter();
        paths
            .find(|(name, _)| name == path)
            .map(|(_, count)| *count)
    }

    /// A line for each path, with what it took before.
    fn beside(&self, kept: Option<&Counts>) -> Vec<String> {
        let line = |(name, now): &(String, f64)| match kept.and_then(|kept| kept.get(name)) {
            Some(before) => change(name, before, *now),
            None => format!("{name:<26} {:>9} {now:>9.0}", "new"),
        };
        self.paths.iter().map(line).collect()
    }

    /// The lines of those that take more than they may, and of those that are
    /// counted no more.
    fn grown(&self, kept: &Counts, tolerance: f64) -> Vec<String> {
        let lines = kept.paths.iter().filter_map(|(name, before)| {
            let Some(now) = self.get(name) else {
                return Some(format!("{name:<26} is counted no more"));
            };
            let grown = now > before * (1.0 + tolerance / 100.0);
            grown.then(|| change(name, *before, now))
        });
        lines.collect()
    }
}

fn change(name: &str, before: f64, now: f64) -> String {
    let percent = (now / before - 1.0) * 100.0;
    format!("{name:<26} {before:>9.0} {now:>9.0} {percent:>+7.2} %")
}

/// The number in callgrind's `Collected : 123`.
fn collected(output: &str) -> Option<f64> {
    let line = output.lines().find(|line| line.contains("Collected :"))?;
    line.rsplit(' ').next()?.parse().ok()
}

/// `1.95.0`.
fn rustc(workspace: &Workspace) -> Result<String> {
    let mut command = Command::new("rustc");
    command.arg("--version").current_dir(&workspace.root);
    let version = process::run(workspace, "rustc --version", &mut command, LIMIT)?;
    let number = version.split_whitespace().nth(1);
    number
        .map(str::to_owned)
        .ok_or_else(|| Error::new("rustc does not tell its version"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counts(paths: &[(&str, f64)]) -> Counts {
        Counts {
            rustc: "1.95.0".to_owned(),
            paths: paths
                .iter()
                .map(|(name, count)| ((*name).to_owned(), *count))
                .collect(),
        }
    }

    #[test]
    fn what_grew_is_told() {
        let kept = counts(&[("a", 100.0), ("b", 100.0), ("c", 100.0), ("d", 100.0)]);
        let found = counts(&[("a", 102.0), ("b", 102.1), ("c", 50.0), ("e", 1.0)]);
        let grown = found.grown(&kept, 2.0);
        assert_eq!(grown.len(), 2, "{grown:?}");
        assert!(grown[0].starts_with("b ") && grown[0].ends_with("+2.10 %"));
        assert!(grown[1].starts_with("d "));
    }

    #[test]
    fn what_is_written_is_what_is_read() {
        let path = std::env::temp_dir().join(format!("counts-{}.json", std::process::id()));
        counts(&[("a", 12.4)]).write(&path).expect("it is written");
        let read = Counts::read(&path).expect("it is read");
        assert_eq!((read.get("a"), &*read.rustc), (Some(12.0), "1.95.0"));
        fs::remove_file(path).expect("it is there");
    }

    #[test]
    fn callgrind_is_understood() {
        let output = "==9== Events    : Ir\n==9== Collected : 1234567\n==9==\n";
        assert_eq!(collected(output), Some(1_234_567.0));
    }
}
