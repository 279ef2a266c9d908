//! What came out of each case, and what should have.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::error::{Error, Result, ResultExt as _};

/// A case's number in its parts, so that 9.10.1 comes after 9.2.1.
type CaseId = Vec<u16>;

/// What came out of one case: `behavior` of the messages, `behaviorClose` of
/// the closing handshake. An endpoint can be right in one and wrong in the other.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Outcome {
    behavior: String,
    behavior_close: String,
}

/// The outcomes of a run, or those expected of it.
#[derive(Debug)]
pub(super) struct Outcomes(BTreeMap<CaseId, Outcome>);

impl Outcomes {
    /// Reads `{"1.1.1": {"behavior": "OK", "behaviorClose": "OK"}, ...}`.
    pub(super) fn parse(text: &str) -> Result<Self> {
        let cases = serde_json::from_str(text).context("reading expected outcomes")?;
        Self::from_cases(&cases)
    }

    /// Reads what a report says of one agent.
    pub(super) fn of_agent(report: &Value, agent: &str) -> Result<Self> {
        match report.get(agent) {
            Some(cases) => Self::from_cases(cases),
            None => Err(Error::new(format!(
                "the report has nothing on agent {agent}"
            ))),
        }
    }

    fn from_cases(cases: &Value) -> Result<Self> {
        let cases = cases
            .as_object()
            .ok_or_else(|| Error::new("the cases are no object"))?;
        let outcomes = cases.iter().map(|(id, case)| {
            let text = |key: &str| {
                case[key]
                    .as_str()
                    .map(str::to_owned)
                    .ok_or_else(|| Error::new(format!("case {id} has no {key}")))
            };
            let outcome = Outcome {
                behavior: text("behavior")?,
                behavior_close: text("behaviorClose")?,
            };
            Ok((parse_id(id)?, outcome))
        });
        outcomes.collect::<Result<_>>().map(Self)
    }

    /// Takes out the slow cases: those about compression send a thousand messages
    /// each, and of each group of them the first three, with the shortest, stay.
    /// Gives their names.
    pub(super) fn take_slow(&mut self) -> Vec<String> {
        let is_slow = |id: &CaseId| matches!(id[..], [12 | 13, _, 4..=u16::MAX]);
        let slow = self.0.keys().filter(|id| is_slow(id)).map(name).collect();
        self.0.retain(|id, _| !is_slow(id));
        slow
    }

    /// A line such as `301 cases: 298 OK, 3 INFORMATIONAL`.
    pub(super) fn summary(&self) -> String {
        let mut counts = BTreeMap::<&str, usize>::new();
        for outcome in self.0.values() {
            *counts.entry(&outcome.behavior).or_default() += 1;
        }
        let mut counts: Vec<_> = counts.into_iter().collect();
        counts.sort_by_key(|&(_, count)| std::cmp::Reverse(count));
        let counts: Vec<String> = counts
            .into_iter()
            .map(|(behavior, count)| format!("{count} {behavior}"))
            .collect();
        format!("{} cases: {}", self.0.len(), counts.join(", "))
    }
}

/// A line for each case that is missing, unexpected or different, for the
/// better too: what is expected is then to be raised.
pub(super) fn compare(expected: &Outcomes, actual: &Outcomes) -> Vec<String> {
    let mut differences = Vec::new();
    for (id, expected) in &expected.0 {
        match actual.0.get(id) {
            None => differences.push(format!("{}: did not run", name(id))),
            Some(actual) if actual != expected => differences.push(format!(
                "{}: {} (close {}), expected {} (close {})",
                name(id),
                actual.behavior,
                actual.behavior_close,
                expected.behavior,
                expected.behavior_close
            )),
            Some(_) => {}
        }
    }
    for id in actual.0.keys().filter(|id| !expected.0.contains_key(*id)) {
        differences.push(format!("{}: ran, and is not expected", name(id)));
    }
    differences
}

fn parse_id(id: &str) -> Result<CaseId> {
    let parts = id.split('.').map(str::parse);
    parts
        .collect::<std::result::Result<_, _>>()
        .context(format!("case id '{id}'"))
}

fn name(id: &CaseId) -> String {
    let parts: Vec<String> = id.iter().map(u16::to_string).collect();
    parts.join(".")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outcomes(cases: &[(&str, &str, &str)]) -> Outcomes {
        let cases = cases.iter().map(|(id, behavior, close)| {
            let case = serde_json::json!({"behavior": behavior, "behaviorClose": close});
            ((*id).to_owned(), case)
        });
        Outcomes::from_cases(&Value::Object(cases.collect())).expect("well formed")
    }

    #[test]
    fn equal_outcomes_do_not_differ() {
        let all = [
            ("1.1.1", "OK", "OK"),
            ("7.1.6", "INFORMATIONAL", "INFORMATIONAL"),
        ];
        assert!(compare(&outcomes(&all), &outcomes(&all)).is_empty());
    }

    #[test]
    fn every_kind_of_difference_is_told() {
        let expected = outcomes(&[
            ("1.1.1", "OK", "OK"),
            ("6.4.3", "OK", "OK"),
            ("7.3.6", "OK", "OK"),
            ("7.1.6", "INFORMATIONAL", "INFORMATIONAL"),
        ]);
        let actual = outcomes(&[
            ("6.4.3", "NON-STRICT", "OK"),
            ("7.3.6", "OK", "WRONG CODE"),
            ("7.1.6", "OK", "OK"),
            ("9.10.1", "OK", "OK"),
        ]);
        assert_eq!(
            compare(&expected, &actual),
            [
                "1.1.1: did not run",
                "6.4.3: NON-STRICT (close OK), expected OK (close OK)",
                "7.1.6: OK (close OK), expected INFORMATIONAL (close INFORMATIONAL)",
                "7.3.6: OK (close WRONG CODE), expected OK (close OK)",
                "9.10.1: ran, and is not expected",
            ]
        );
    }

    #[test]
    fn a_report_without_us_is_an_error() {
        let report = serde_json::json!({"other": {}});
        assert!(Outcomes::of_agent(&report, "longwire").is_err());
    }

    #[test]
    fn a_case_without_an_outcome_is_an_error() {
        assert!(Outcomes::parse(r#"{"1.1.1": {"behavior": "OK"}}"#).is_err());
        assert!(
            Outcomes::parse(r#"{"1.x.1": {"behavior": "OK", "behaviorClose": "OK"}}"#).is_err()
        );
    }

    #[test]
    fn what_is_expected_is_a_perfect_run() {
        let text = include_str!("../../../interop/autobahn/expected.json");
        let mut expected = Outcomes::parse(text).expect("well formed");
        assert_eq!(expected.summary(), "517 cases: 514 OK, 3 INFORMATIONAL");
        let slow = expected.take_slow();
        assert_eq!(expected.summary(), "337 cases: 334 OK, 3 INFORMATIONAL");
        assert_eq!((slow.len(), slow[0].as_str()), (180, "12.1.4"));
    }
}
