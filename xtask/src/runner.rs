//! Runs parts one after another, and sums up.

use std::time::{Duration, Instant};

use crate::part::Part;
use crate::workspace::Workspace;

struct Outcome {
    name: &'static str,
    passed: bool,
    took: Duration,
    /// A line for the summary; of a failure, its first line.
    note: String,
}

/// Runs all `parts`, even after one failed. True when every one passed.
pub(crate) fn run(workspace: &Workspace, parts: &[&Part]) -> bool {
    let outcomes: Vec<Outcome> = parts.iter().map(|part| run_one(workspace, part)).collect();
    let failed = outcomes.iter().filter(|outcome| !outcome.passed).count();

    println!("\n==> summary");
    for outcome in &outcomes {
        println!("{}", summary_line(outcome));
    }
    // Alone on its line, for CI to count.
    println!("\n{} passed, {failed} failed", outcomes.len() - failed);
    failed == 0
}

fn run_one(workspace: &Workspace, part: &Part) -> Outcome {
    println!("\n==> {}: {}", part.name, part.about);
    let start = Instant::now();
    let result = (part.run)(workspace);
    let took = start.elapsed();
    let (passed, note) = match result {
        Ok(note) => {
            let separator = if note.is_empty() { "" } else { ": " };
            println!("    passed in {:.1} s{separator}{note}", took.as_secs_f64());
            (true, note)
        }
        Err(why) => {
            let why = why.to_string();
            println!("    FAILED after {:.1} s", took.as_secs_f64());
            for line in why.lines() {
                println!("    {line}");
            }
            (false, why.lines().next().unwrap_or_default().to_owned())
        }
    };
    Outcome {
        name: part.name,
        passed,
        took,
        note,
    }
}

fn summary_line(outcome: &Outcome) -> String {
    let verdict = if outcome.passed { "ok" } else { "FAILED" };
    let line = format!(
        "{:<20} {verdict:<6} {:>7.1} s  {}",
        outcome.name,
        outcome.took.as_secs_f64(),
        outcome.note
    );
    line.trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Error;

    #[test]
    fn one_failure_fails_the_run_and_stops_nothing() {
        let part = |name, run| Part {
            name,
            about: "",
            interop: false,
            long: false,
            run,
        };
        let good = part("good", |_| Ok(String::new()));
        let bad = part("bad", |_| Err(Error::new("first line\nsecond line")));
        let workspace = Workspace::for_tests();

        assert!(run(&workspace, &[&good, &good]));
        assert!(!run(&workspace, &[&bad, &good]));

        let outcome = run_one(&workspace, &bad);
        assert!(!outcome.passed);
        assert_eq!(outcome.note, "first line");
    }
}
