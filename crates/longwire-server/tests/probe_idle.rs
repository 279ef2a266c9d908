//! `longwire probe --idle`: after how long a silent connection is dropped, by
//! whom, and how often to beat.
#![allow(clippy::unwrap_used, reason = "a test")]

mod connecting;
mod probing;
mod program;

use probing::{AfterSilence, probe, stranger};
use program::Program;
use serde_json::Value;
use std::time::Duration;
use testkit::{AtLimit, Middlebox};

const LIMIT: Duration = Duration::from_secs(3);
const SEARCH: [&str; 5] = ["--json", "--idle", "8s", "--idle-from", "1s"];

/// What is found out of an echo behind a middlebox with a limit of 3 s.
fn behind(then: AtLimit) -> Value {
    let echo = Program::start(&["echo"]);
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let server = echo.address.parse().unwrap();
    let middlebox = runtime.block_on(Middlebox::before(server)).unwrap();
    middlebox.limit_idle(LIMIT, then);
    let url = format!("ws://{}/", middlebox.address());
    let run = probe(&[&SEARCH[..], &[&url]].concat());
    assert_eq!((run.code, run.stderr.as_str()), (Some(0), ""));
    let most = middlebox.flows().len();
    assert!(most <= 64, "{most} connections");
    run.json()
}

/// The limit was found, and the beat stays below it. A slow machine prolongs
/// silences, so that shorter ones look as if they were dropped.
#[track_caller]
fn found(json: &Value, by: &str) {
    let seconds = |name: &str| {
        json[name]
            .as_f64()
            .unwrap_or_else(|| panic!("{name}: {json}"))
    };
    let limit = seconds("idle_limit_seconds");
    assert!((2.0..=4.5).contains(&limit), "{json}");
    assert_eq!(json["idle_dropped_by"], by, "{json}");
    assert!(
        seconds("safe_heartbeat_seconds") < LIMIT.as_secs_f64(),
        "{json}"
    );
    assert!(seconds("safe_heartbeat_seconds") >= 0.5, "{json}");
    assert_eq!(json["complete"], true);
    assert!(json["server_beat_seconds"].is_null(), "{json}");
}

#[test]
fn a_path_that_forgets_without_a_word() {
    let json = behind(AtLimit::Silence);
    found(&json, "silence");
    assert!(json["idle_carried_seconds"].as_f64() < json["idle_limit_seconds"].as_f64());
}

#[test]
fn a_path_that_answers_with_rst() {
    found(&behind(AtLimit::Rst), "rst");
}

#[test]
fn a_path_that_closes_with_fin() {
    let json = behind(AtLimit::Fin);
    found(&json, "fin");
    let limit = json["idle_limit_seconds"].as_f64().unwrap();
    assert!(limit >= 2.9, "a timer is seen as it is: {json}");
}

#[test]
fn a_path_that_carries_all_has_no_limit() {
    let echo = Program::start(&["echo"]);
    let search = [
        "--json",
        "--idle",
        "2s",
        "--idle-from",
        "1s",
        &echo.url("/"),
    ];
    let run = probe(&search);
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    let json = run.json();
    assert!(json["idle_limit_seconds"].is_null(), "{json}");
    assert!(json["idle_dropped_by"].is_null(), "{json}");
    assert_eq!(json["idle_carried_seconds"], 2.0);
    assert_eq!(json["safe_heartbeat_seconds"], 1.5);
    assert_eq!(json["server_ping_seconds"], 25.0);
}

#[test]
fn a_server_that_wants_no_canaries_gets_none() {
    let echo = Program::start(&["echo", "--max-canaries", "0"]);
    let run = probe(&[&SEARCH[..], &[&echo.url("/")]].concat());
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    let json = run.json();
    assert_eq!(json["canaries"], 0);
    let trouble = json["idle_trouble"].as_str().unwrap();
    assert!(trouble.contains("wants no canaries"), "{trouble}");
    assert!(json["safe_heartbeat_seconds"].is_null(), "{json}");
}

#[test]
fn a_server_that_closes_says_with_which_code() {
    // 4000 and "idle".
    let close = AfterSilence::Leaves(b"\x88\x06\x0f\xa0idle");
    let url = stranger(Duration::from_secs(2), close);
    let run = probe(&[&SEARCH[..], &[&url]].concat());
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    let json = run.json();
    found(&json, "close");
    assert_eq!(json["idle_close"]["code"], 4000);
    assert_eq!(json["idle_close"]["reason"], "idle");
}

#[test]
fn a_server_that_beats_by_itself_needs_nothing_added() {
    let url = stranger(Duration::from_millis(1500), AfterSilence::Says(b"\x89\x00"));
    let run = probe(&["--idle-from", "1s", "--idle", &url]);
    assert_eq!((run.code, run.stderr.as_str()), (Some(0), ""));
    assert!(
        run.stdout.contains("the server speaks before"),
        "{}",
        run.stdout
    );
    assert!(run.stdout.contains("Heartbeat    the server beats every"));
    assert!(run.stdout.contains("nothing to add"), "{}", run.stdout);
}

#[test]
fn an_end_that_is_not_due_to_silence_is_told_apart() {
    let echo = Program::start(&["echo"]);
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let server = echo.address.parse().unwrap();
    let middlebox = runtime.block_on(Middlebox::before(server)).unwrap();
    let url = format!("ws://{}/", middlebox.address());
    let search = ["--json", "--idle", "20s", &url];
    let child = probing::command(&search).spawn().unwrap();
    // The first is the one that is kept alive; the canaries come after it.
    while middlebox.flows().len() < 3 {
        std::thread::sleep(Duration::from_millis(20));
    }
    drop(middlebox);
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(5));
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert!(stderr.contains("kept alive by Pings"), "{stderr}");
    let json: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(json["error"]["step"], "idle");
    assert!(json["idle_limit_seconds"].is_null(), "{json}");
}
