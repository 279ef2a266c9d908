//! Reads what a client prints: one line per check.
//!
//! - `ok NAME`
//! - `FAIL NAME: why`
//! - `await shutdown`: the client waits for the server to be shut down
//!
//! Anything else is the client's own talk, and stays in its log.

use std::time::{Duration, Instant};

use crate::error::{Error, Result};
use crate::process::Service;

/// Dozens of small checks, each with a time limit of its own.
const LIMIT: Duration = Duration::from_secs(3 * 60);

/// Follows a client to its end, and compares what it checked with `expected`.
/// `shut_down` is called when the client asks for it.
pub(super) fn follow(
    client: &mut Service,
    expected: &[&str],
    mut shut_down: impl FnMut() -> Result,
) -> Result<String> {
    let deadline = Instant::now() + LIMIT;
    let mut transcript = Transcript::default();
    while let Some(line) = client.next_line(deadline)? {
        if line == "await shutdown" {
            shut_down()?;
        } else {
            transcript.read(&line);
        }
    }
    let status = client.wait(LIMIT)?;
    let problems = transcript.problems(expected);
    if problems.is_empty() && status.success() {
        return Ok(format!("{} checks", expected.len()));
    }
    if problems.is_empty() {
        return Err(client.failure(&format!("passed every check, and ended with {status}")));
    }
    let count = format!("{} of {} checks failed", problems.len(), expected.len());
    let problems = problems.join("\n");
    if transcript.passed.len() + transcript.failed.len() >= expected.len() {
        return Err(Error::new(format!(
            "{count}\n{problems}\nsee {}",
            client.log().display()
        )));
    }
    // It did not get to the end: its log tells why.
    Err(client.failure(&format!("ended early: {count}\n{problems}")))
}

#[derive(Default)]
struct Transcript {
    passed: Vec<String>,
    /// Name and reason.
    failed: Vec<(String, String)>,
}

impl Transcript {
    fn read(&mut self, line: &str) {
        if let Some(name) = line.strip_prefix("ok ") {
            self.passed.push(name.to_owned());
        } else if let Some((name, why)) = line
            .strip_prefix("FAIL ")
            .and_then(|failure| failure.split_once(": "))
        {
            self.failed.push((name.to_owned(), why.to_owned()));
        }
    }

    fn problems(&self, expected: &[&str]) -> Vec<String> {
        let mut problems: Vec<String> = self
            .failed
            .iter()
            .map(|(name, why)| format!("{name}: {why}"))
            .collect();
        let failed = |name: &str| self.failed.iter().any(|(it, _)| it == name);
        for name in expected.iter().filter(|name| !failed(name)) {
            match self.passed.iter().filter(|it| it == name).count() {
                0 => problems.push(format!("{name}: was not checked")),
                1 => {}
                _ => problems.push(format!("{name}: was checked twice")),
            }
        }
        for name in self
            .passed
            .iter()
            .filter(|it| !expected.contains(&it.as_str()))
        {
            problems.push(format!("{name}: is in no list of checks"));
        }
        problems
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problems(lines: &[&str], expected: &[&str]) -> Vec<String> {
        let mut transcript = Transcript::default();
        for line in lines {
            transcript.read(line);
        }
        transcript.problems(expected)
    }

    #[test]
    fn all_that_was_expected_passed() {
        assert!(problems(&["hello", "ok text", "ok 16-mib"], &["text", "16-mib"]).is_empty());
    }

    #[test]
    fn a_failure_is_told_with_its_reason() {
        assert_eq!(
            problems(
                &["FAIL text: close code 1006: no", "ok binary"],
                &["text", "binary"]
            ),
            ["text: close code 1006: no"]
        );
    }

    #[test]
    fn silence_is_a_failure() {
        assert_eq!(
            problems(&["ok text"], &["text", "binary"]),
            ["binary: was not checked"]
        );
        assert_eq!(problems(&[], &["text"]), ["text: was not checked"]);
    }

    #[test]
    fn checks_that_nobody_listed_are_told() {
        assert_eq!(
            problems(&["ok text", "ok txet"], &["text"]),
            ["txet: is in no list of checks"]
        );
        assert_eq!(
            problems(&["ok text", "ok text"], &["text"]),
            ["text: was checked twice"]
        );
    }
}
