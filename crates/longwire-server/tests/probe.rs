//! What `longwire probe` tells of a path, and of steps that fail.
#![allow(clippy::unwrap_used, reason = "a test")]

mod connecting;
mod probing;
mod program;

use connecting::{drain, request, scripted};
use probing::{accept, probe};
use program::Program;
use std::{
    fs,
    io::Write as _,
    net::{TcpListener, TcpStream},
    thread,
    time::Duration,
};

/// The run fails with this code, names the step, and says each of these.
#[track_caller]
fn fails(arguments: &[&str], code: i32, step: &str, says: &[&str]) {
    let run = probe(&[&["--json"], arguments].concat());
    assert_eq!(run.code, Some(code), "{}", run.stderr);
    for text in says {
        assert!(
            run.stderr.contains(text),
            "{text:?} is not in {:?}",
            run.stderr
        );
    }
    let json = run.json();
    assert_eq!(json["complete"], false);
    assert_eq!(json["error"]["step"], step, "{json}");
    let message = json["error"]["message"].as_str().unwrap();
    assert!(run.stderr.contains(message), "{message:?}");
}

#[test]
fn each_step_is_told_to_people() {
    let echo = Program::start(&["echo", "--subprotocol", "chat.v1"]);
    let run = probe(&[
        "--subprotocol",
        "chat.v1",
        "--subprotocol",
        "chat.v2",
        "--pings",
        "5",
        &echo.url("/"),
    ]);
    assert_eq!((run.code, run.stderr.as_str()), (Some(0), ""));
    for text in [
        &format!("Probing {}\n", echo.url("/")),
        &format!("TCP          {} connected in", echo.address),
        "Handshake    101 in",
        "Subprotocol  chat.v1 (offered: chat.v1, chat.v2)",
        "Compression  permessage-deflate",
        "the server says that it pings every 25 s",
        "Round trip   5 Pings: min ",
        ", p99 ",
    ] {
        assert!(run.stdout.contains(text), "{text:?}: {}", run.stdout);
    }
    assert!(run.stdout.lines().all(|line| line.chars().count() <= 80));
    assert!(!run.stdout.contains('\x1b'), "it is no terminal");
    assert!(!run.stdout.contains("Idle") && !run.stdout.contains("Message"));
}

#[test]
fn each_step_is_told_to_scripts() {
    let echo = Program::start(&["echo"]);
    let run = probe(&["--json", "--max-size", "100K", &echo.url("/")]);
    assert_eq!((run.code, run.stderr.as_str()), (Some(0), ""));
    let json = run.json();
    assert_eq!(json["type"], "probe");
    assert_eq!(json["url"], echo.url("/"));
    assert_eq!(json["complete"], true);
    assert_eq!(json["address"], echo.address);
    assert_eq!(json["attempts"][0]["family"], "IPv4");
    assert_eq!(json["attempts"][0]["connected"], true);
    assert_eq!(json["status"], 101);
    assert_eq!(json["round_trip_ms"]["count"], 20);
    let ms = |name: &str| json["round_trip_ms"][name].as_f64().unwrap();
    assert!(ms("min") > 0.0 && ms("min") <= ms("p50") && ms("p99") <= ms("max"));
    assert_eq!(json["largest_message"]["passed_bytes"], 102_400);
    assert!(json["largest_message"]["failed_bytes"].is_null());
    for unknown in [
        "error",
        "proxy",
        "tls",
        "server",
        "subprotocol",
        "idle_limit_seconds",
        "safe_heartbeat_seconds",
    ] {
        assert_eq!(
            json.get(unknown),
            Some(&serde_json::Value::Null),
            "{unknown}"
        );
    }
}

#[test]
fn who_answers_is_told_and_cannot_reach_the_terminal_as_it_is() {
    let headers = "Server: Front\r\nVia: 1.1 one\r\nVia: 1.1 \u{202e}two\r\n";
    let server = scripted(move |mut stream| {
        accept(&mut stream, headers).unwrap();
        // A Close frame without a code: there is no round trip to be had.
        stream.write_all(b"\x88\x00").unwrap();
        drain(stream);
    });
    let run = probe(&[&format!("ws://{server}/")]);
    assert_eq!(run.code, Some(5), "{}", run.stderr);
    let text = "Server       Front, via 1.1 one, 1.1 ";
    assert!(run.stdout.contains(text), "{}", run.stdout);
    assert!(!run.stdout.contains('\u{202e}'));
    assert!(
        run.stderr.contains("the connection was lost"),
        "{}",
        run.stderr
    );
}

#[test]
fn a_message_that_is_too_large_is_found() {
    let echo = Program::start(&["echo", "--max-message-size", "9000"]);
    let run = probe(&["--json", "--max-size", "1M", &echo.url("/")]);
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    let largest = &run.json()["largest_message"];
    assert_eq!(largest["passed_bytes"], 8192);
    assert_eq!(largest["failed_bytes"], 16_384);
    let why = largest["failed_because"].as_str().unwrap();
    assert!(why.contains("1009"), "{why}");
}

#[test]
fn pings_that_nobody_answers_are_told() {
    let server = scripted(|mut stream| {
        accept(&mut stream, "").unwrap();
        drain(stream);
    });
    fails(
        &["--timeout", "0.5", &format!("ws://{server}/")],
        5,
        "round-trip",
        &["a Ping was not answered within 0.5 s", "--timeout"],
    );
}

#[test]
fn what_is_no_url_or_no_span_is_2() {
    for (arguments, says) in [
        (&["localhost:8080/path"][..], "did you mean ws://localhost"),
        (&["--idle", "5d", "ws://localhost/"], "10m"),
        (&["--idle", "2s", "ws://localhost/"], "--idle-from"),
        (&["--idle", "10m"], "which URL"),
        (&["--idle"], "which URL"),
        (&[], "<URL>"),
        (&["--pings", "0", "ws://localhost/"], "1..=1000"),
    ] {
        let run = probe(arguments);
        assert_eq!(run.code, Some(2), "{arguments:?}");
        assert!(run.stderr.contains(says), "{}", run.stderr);
    }
}

#[test]
fn steps_that_fail_are_named() {
    let free = TcpListener::bind("127.0.0.1:0").unwrap();
    let nobody = format!("ws://{}/", free.local_addr().unwrap());
    drop(free);
    let says = &["the TCP connection failed", "is the server running"];
    fails(&[&nobody], 3, "connect", says);

    let unknown = "ws://longwire-probe.invalid/";
    fails(&[unknown], 3, "resolve", &["name resolution failed"]);

    let echo = Program::start(&["echo"]);
    let no_tls = echo.url("/").replace("ws:", "wss:");
    fails(&[&no_tls], 3, "tls", &["TLS failed", "ws:// in place of"]);

    let proxy = format!("http://{}", nobody.trim_matches(['w', 's', ':', '/']));
    let says = &["the proxy failed", "--proxy none"];
    fails(&["--proxy", &proxy, &echo.url("/")], 3, "proxy", says);

    let silent = format!("ws://{}/", scripted(drain));
    let says = &["the opening handshake failed", "--timeout"];
    fails(&["--timeout", "0.3", &silent], 3, "handshake", says);
}

#[test]
fn refusals_are_4_with_their_status() {
    for (answer, status, says) in [
        (
            "403 Forbidden\r\nContent-Length: 8\r\n\r\nkeep out",
            403,
            "keep out",
        ),
        ("404 Not Found\r\nContent-Length: 0\r\n\r\n", 404, "path"),
        ("200 OK\r\nContent-Length: 0\r\n\r\n", 200, "200"),
        (
            "302 Found\r\nLocation: /other\r\n\r\n",
            302,
            "probe the URL",
        ),
    ] {
        let server = scripted(move |mut stream| {
            request(&stream);
            write!(stream, "HTTP/1.1 {answer}").unwrap();
        });
        let run = probe(&["--json", &format!("ws://{server}/")]);
        assert_eq!(run.code, Some(4), "{}", run.stderr);
        assert!(run.stderr.contains("the opening handshake failed"));
        assert!(run.stderr.contains(says), "{}", run.stderr);
        assert_eq!(run.json()["status"], status);
        assert_eq!(run.json()["error"]["step"], "handshake");
    }
    let other = scripted(|mut stream| {
        stream.write_all(b"220 mail.example ESMTP\r\n").unwrap();
        drain(stream);
    });
    fails(&[&format!("ws://{other}/")], 4, "handshake", &["wss://"]);
}

#[test]
fn a_proxy_is_told_and_no_password() {
    let echo = Program::start(&["echo"]);
    let server = echo.address.clone();
    let proxy = scripted(move |mut client| {
        request(&client);
        let mut server = TcpStream::connect(server).unwrap();
        client.write_all(b"HTTP/1.1 200 OK\r\n\r\n").unwrap();
        let (mut from, mut to) = (client.try_clone().unwrap(), server.try_clone().unwrap());
        thread::spawn(move || std::io::copy(&mut from, &mut to));
        let _ = std::io::copy(&mut server, &mut client);
    });
    let through = format!("http://user:secret@{proxy}");
    let url = echo.url("/").replace("://", "://me:secret@");
    let run = probe(&["--json", "--proxy", &through, &url]);
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    assert!(!run.stdout.contains("secret"), "{}", run.stdout);
    let json = run.json();
    assert_eq!(json["proxy"], format!("http://{proxy}"));
    assert_eq!(json["address"], proxy);
    assert!(json["tunnel_ms"].as_f64().unwrap() > 0.0);
}

#[test]
fn tls_is_told() {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let folder = std::env::temp_dir().join(format!("longwire-probe-{}", std::process::id()));
    fs::create_dir_all(&folder).unwrap();
    let (cert, key) = (folder.join("cert.pem"), folder.join("key.pem"));
    fs::write(&cert, made.cert.pem()).unwrap();
    fs::write(&key, made.signing_key.serialize_pem()).unwrap();
    let (cert, key) = (cert.to_str().unwrap(), key.to_str().unwrap());
    let echo = Program::start(&["echo", "--tls-cert", cert, "--tls-key", key]);
    let (_, port) = echo.address.rsplit_once(':').unwrap();
    let url = format!("wss://localhost:{port}/");

    let run = probe(&["--json", "--cacert", cert, &url]);
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    let json = run.json();
    assert_eq!(json["tls"]["version"], "TLS 1.3");
    assert!(
        json["tls"]["cipher_suite"]
            .as_str()
            .unwrap()
            .contains("TLS13_")
    );
    assert!(json["tls"]["ms"].as_f64().unwrap() > 0.0);
    let run = probe(&["--insecure", &url]);
    assert!(
        run.stdout.contains("TLS          TLS 1.3 in "),
        "{}",
        run.stdout
    );
    let says = &["TLS failed", "nobody who is trusted", "--cacert"];
    fails(&[&url], 3, "tls", says);
    fs::remove_dir_all(&folder).unwrap();
}

#[cfg(unix)]
fn interrupt(child: &std::process::Child) {
    let id = child.id().to_string();
    let killed = std::process::Command::new("kill")
        .args(["-INT", &id])
        .status();
    assert!(killed.unwrap().success());
}

#[cfg(unix)]
#[test]
fn an_interrupt_prints_what_is_known() {
    use std::{io::Read as _, time::Instant};
    let quiet = probing::AfterSilence::Says(b"");
    let url = probing::stranger(Duration::from_secs(60), quiet);
    let mut child = probing::command(&["--idle", "60s", &url]).spawn().unwrap();
    let mut stdout = child.stdout.take().unwrap();
    let mut text = String::new();
    while !text.contains("Round trip") {
        let mut buffer = [0; 1024];
        let length = stdout.read(&mut buffer).unwrap();
        assert!(length > 0, "{text}");
        text.push_str(std::str::from_utf8(&buffer[..length]).unwrap());
    }
    interrupt(&child);
    let begin = Instant::now();
    stdout.read_to_string(&mut text).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(0));
    assert!(begin.elapsed() < Duration::from_secs(20));
    assert!(text.contains("Interrupted at"), "{text}");
}

#[cfg(unix)]
#[test]
fn an_interrupt_while_connecting_prints_how_far_that_was() {
    let (asked, was_asked) = std::sync::mpsc::channel();
    let server = scripted(move |stream| {
        request(&stream);
        asked.send(()).unwrap();
        drain(stream);
    });
    let url = format!("ws://{server}/");
    let child = probing::command(&[&url]).spawn().unwrap();
    was_asked.recv().unwrap();
    interrupt(&child);
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0));
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.contains(&format!("{server} connected in")), "{text}");
    assert!(
        text.contains("Interrupted at the opening handshake"),
        "{text}"
    );
}
