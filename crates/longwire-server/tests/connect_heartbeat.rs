//! `longwire connect --heartbeat`.
#![allow(clippy::unwrap_used, reason = "a test")]

mod connecting;
mod program;

use connecting::{command, finish, run};
use program::Program;
use std::{
    env, fs,
    path::PathBuf,
    process,
    time::{SystemTime, UNIX_EPOCH},
};

/// A folder of the test's own.
fn folder(name: &str) -> PathBuf {
    let folder = env::temp_dir().join(format!("longwire-{name}-{}", process::id()));
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).unwrap();
    folder
}

/// What the store says of a path to this server that carries 285 s.
fn known(server: &Program) -> String {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    let (now, address) = (now.as_secs(), &server.address);
    format!("longwire heartbeats 1\n{now} 127.0.0.1 ws://{address} 285000 300000\n")
}

#[test]
fn what_is_known_of_the_path_is_used_and_told() {
    let folder = folder("known");
    let store = folder.join("store");
    let server = Program::start(&["echo"]);
    fs::write(&store, known(&server)).unwrap();
    let arguments = ["--json", "--wait", "0.5", "--heartbeat", "learned"];
    let store_argument = ["--heartbeat-store", store.to_str().unwrap()];
    let url = server.url("/");
    let run = run(&[&arguments[..], &store_argument, &[&url]].concat(), b"x\n");
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    let events = run.json();
    let is_beat = |event: &&serde_json::Value| event["type"] == "heartbeat";
    let beats: Vec<_> = events.iter().filter(is_beat).collect();
    assert_eq!(beats.len(), 1, "{events:?}");
    assert_eq!(beats[0]["by"], "client");
    // Less a twentieth.
    assert_eq!(beats[0]["interval_ms"], 270_750.0);
    assert_eq!(beats[0]["settled"], true);
    fs::remove_dir_all(folder).unwrap();
}

#[test]
fn the_store_is_in_the_state_folder_and_a_broken_one_is_told() {
    let folder = folder("state");
    let store = folder.join("longwire").join("heartbeats");
    let server = Program::start(&["echo"]);
    let connect = || {
        let mut command = command(&["--wait", "0.5", "--heartbeat=learned", &server.url("/")]);
        command.env("XDG_STATE_HOME", &folder);
        finish(command.spawn().unwrap())
    };
    let run = connect();
    assert_eq!((run.code, &*run.stderr), (Some(0), ""));
    fs::create_dir_all(store.parent().unwrap()).unwrap();
    fs::write(&store, "nothing of ours").unwrap();
    let run = connect();
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    let expected = format!("line 1 of {} is not one", store.display());
    assert!(run.stderr.contains(&expected), "{}", run.stderr);
    fs::remove_dir_all(folder).unwrap();
}

#[test]
fn a_wrong_heartbeat_is_told() {
    for (arguments, expected) in [
        (&["--heartbeat", "often", "ws://127.0.0.1:9/"][..], "25s"),
        (
            &["--heartbeat-store", "x", "ws://127.0.0.1:9/"][..],
            "--heartbeat learned",
        ),
    ] {
        let run = run(arguments, b"");
        assert_eq!(run.code, Some(2));
        assert!(run.stderr.contains(expected), "{}", run.stderr);
    }
}

#[test]
fn a_fixed_heartbeat_pings() {
    use std::io::Read as _;
    for option in ["--heartbeat=0.2s", "--ping-interval=0.2"] {
        let server = connecting::accepting(b"", |mut stream| {
            // An empty Ping, masked.
            let mut ping = [0; 6];
            stream.read_exact(&mut ping).unwrap();
            assert_eq!(ping[..2], [0x89, 0x80]);
            std::io::Write::write_all(&mut stream, &[0x88, 0x02, 0x03, 0xe8]).unwrap();
            connecting::drain(stream);
        });
        let url = format!("ws://{server}/");
        let run = run(&["--wait", "forever", option, &url], b"");
        assert_eq!(run.code, Some(0), "{}", run.stderr);
    }
}
