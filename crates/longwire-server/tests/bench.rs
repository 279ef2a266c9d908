//! `longwire bench`.

mod program;

use program::Program;
use serde_json::Value;
use std::process::{Command, Output};

fn bench(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_longwire"))
        .arg("bench")
        .args(arguments)
        .output()
        .expect("the program runs")
}

fn json(arguments: &[&str]) -> Value {
    let output = bench(&[&["--json"], arguments].concat());
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{output:?}");
    serde_json::from_str(&text).expect("it is JSON")
}

const SHORT: [&str; 4] = ["--duration", "0.3", "--warm-up", "0.1"];

#[test]
fn every_message_in_flight_comes_back() {
    let program = Program::start(&["echo"]);
    let url = program.url("/");
    for load in ["-c 3", "-c 3 -i 16 -s 1K", "-c 2 -s 1M --text", "-s 0"] {
        let load: Vec<&str> = load
            .split_whitespace()
            .chain(SHORT)
            .chain([&*url])
            .collect();
        let result = json(&load);
        assert!(result["messages"].as_u64().unwrap() > 0, "{result}");
        assert_eq!(result["unanswered"], 0, "{result}");
        assert!(result["latency_us"]["p50"].as_f64().unwrap() > 0.0);
    }
}

#[test]
fn a_rate_is_kept_and_no_more() {
    let program = Program::start(&["echo"]);
    let result = json(&["--rate", "200", "-d", "1", "-c", "4", &program.url("/")]);
    let messages = result["messages"].as_u64().unwrap();
    assert!((150..=205).contains(&messages), "{result}");
    assert_eq!(result["unanswered"], 0, "{result}");
}

#[test]
fn a_storm_ends_at_its_limit() {
    let program = Program::start(&["echo"]);
    let result = json(&["--storm", "--limit", "200", "-c", "20", &program.url("/")]);
    assert_eq!(result["handshakes"], 200, "{result}");
}

#[test]
fn a_publication_comes_to_every_subscriber() {
    let program = Program::start(&["serve"]);
    let url = program.url("/channels/bench");
    let load = ["--fan-out", "-c", "10", "-i", "2"];
    let result = json(&[&load, &SHORT[..], &[&*url]].concat());
    assert!(result["deliveries"].as_u64().unwrap() >= 10, "{result}");
}

#[cfg(target_os = "linux")]
#[test]
fn memory_is_looked_at_step_by_step() {
    let program = Program::start(&["echo"]);
    let id = program.id().to_string();
    let url = program.url("/");
    let result = json(&["--idle", "0,50,100", "-s", "100", "--pid", &id, &url]);
    assert_eq!(result["steps"].as_array().unwrap().len(), 3);
    assert!(result["steps"][2]["resident_bytes"].as_u64().unwrap() > 0);
}

#[test]
fn people_get_a_page() {
    let program = Program::start(&["echo"]);
    let url = program.url("/");
    let output = bench(&[&SHORT[..], &[&*url]].concat());
    let text = String::from_utf8_lossy(&output.stdout);
    for part in ["50 connections", "a second", "p99.9", "µs"] {
        assert!(text.contains(part), "{text}");
    }
    // No terminal, no progress.
    assert!(output.stderr.is_empty(), "{output:?}");
}

#[test]
fn what_cannot_be_measured_has_an_exit_code() {
    let program = Program::start(&["serve"]);
    let url = program.url("/nothing/here");
    let output = bench(&[&url]);
    assert_eq!(output.status.code(), Some(4), "{output:?}");

    let output = bench(&["ws://127.0.0.1:1/"]);
    assert_eq!(output.status.code(), Some(3), "{output:?}");

    let output = bench(&["wss://127.0.0.1/"]);
    assert_eq!(output.status.code(), Some(2), "{output:?}");
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(told.contains("TLS"), "{told}");
}
