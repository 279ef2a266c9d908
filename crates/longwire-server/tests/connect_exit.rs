//! The exit codes of `longwire connect`, and what it says beside them.
#![allow(clippy::unwrap_used, reason = "a test")]

mod connecting;
mod program;

use connecting::{accepting, drain, request, run, scripted};
use longwire::{
    server::{Listener, Options, Server},
    tls::ServerTls,
};
use program::Program;
use std::{fs, io::Write as _, net::TcpListener, thread, time::Duration};

/// The run fails with this code, and says each of these.
#[track_caller]
fn fails(arguments: &[&str], code: i32, says: &[&str]) {
    let run = run(arguments, b"");
    assert_eq!(run.code, Some(code), "{}", run.stderr);
    assert!(run.stderr.starts_with("longwire: "), "{}", run.stderr);
    for text in says {
        assert!(
            run.stderr.contains(text),
            "{text:?} is not in {:?}",
            run.stderr
        );
    }
}

#[test]
fn what_is_no_url_is_2() {
    fails(
        &["localhost:8080/path"],
        2,
        &["did you mean ws://localhost:8080/path?"],
    );
    fails(&[":8080"], 2, &["did you mean ws://localhost:8080?"]);
    fails(&["ftp://host/"], 2, &["ws://"]);
}

#[test]
fn what_could_not_stand_in_a_request_is_2() {
    fails(
        &["-H", "two words: x", "ws://127.0.0.1:1/"],
        2,
        &["two words"],
    );
    fails(&["--subprotocol", "a b", "ws://127.0.0.1:1/"], 2, &["a b"]);
    fails(
        &["--cacert", "/nowhere.pem", "wss://127.0.0.1:1/"],
        2,
        &["/nowhere.pem", "--cacert"],
    );
}

#[test]
fn nobody_there_is_3() {
    let port = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port();
    fails(
        &[&format!("ws://127.0.0.1:{port}/")],
        3,
        &["is the server running"],
    );
}

#[test]
fn no_tls_is_3() {
    let echo = Program::start(&["echo"]);
    fails(
        &[&echo.url("/").replace("ws:", "wss:")],
        3,
        &["ws:// in place of wss://"],
    );
}

#[test]
fn a_server_that_says_nothing_is_3() {
    let server = scripted(drain);
    fails(
        &["--timeout", "0.3", &format!("ws://{server}/")],
        3,
        &["--timeout"],
    );
}

#[test]
fn a_refusal_is_4() {
    for (answer, says) in [
        (
            "403 Forbidden\r\nContent-Length: 8\r\n\r\nkeep out",
            &["403", "keep out", "--origin"][..],
        ),
        (
            "401 Unauthorized\r\nContent-Length: 0\r\n\r\n",
            &["401", "--header"],
        ),
        (
            "404 Not Found\r\nContent-Length: 0\r\n\r\n",
            &["404", "path"],
        ),
        (
            "302 Found\r\nLocation: /other\r\n\r\n",
            &["/other", "--redirects"],
        ),
        ("200 OK\r\nContent-Length: 0\r\n\r\n", &["200"]),
    ] {
        let server = scripted(move |mut stream| {
            request(&stream);
            write!(stream, "HTTP/1.1 {answer}").unwrap();
        });
        fails(&[&format!("ws://{server}/")], 4, says);
    }
}

#[test]
fn what_is_no_http_is_4() {
    let server = scripted(|mut stream| {
        stream.write_all(b"220 mail.example ESMTP\r\n").unwrap();
        drain(stream);
    });
    fails(&[&format!("ws://{server}/")], 4, &["wss://"]);
}

#[test]
fn normal_ends_are_0() {
    // 1000, 1001, and no code at all.
    for frame in [&b"\x88\x02\x03\xe8"[..], b"\x88\x02\x03\xe9", b"\x88\x00"] {
        let server = accepting(frame, drain);
        let run = run(&["--wait", "forever", &format!("ws://{server}/")], b"");
        assert_eq!((run.code, run.stderr.as_str()), (Some(0), ""));
    }
}

#[test]
fn other_ends_are_5() {
    let server = accepting(b"\x88\x06\x03\xf3oops", drain);
    fails(
        &[&format!("ws://{server}/")],
        5,
        &["1011 (internal error)", "oops"],
    );
    // TCP closed in the middle of a frame.
    let server = accepting(b"\x81\x05He", drop);
    fails(
        &[&format!("ws://{server}/")],
        5,
        &["without a closing handshake"],
    );
    // A reserved opcode.
    let server = accepting(b"\x83\x00", drain);
    fails(&[&format!("ws://{server}/")], 5, &["opcode 0x3"]);
    // What the server says cannot reach the terminal as it is.
    let server = accepting(b"\x88\x06\x03\xf3\x1b[2J", drain);
    fails(&[&format!("ws://{server}/")], 5, &["\\x1b[2J"]);
}

#[test]
fn a_message_past_the_limit_is_5() {
    let echo = Program::start(&["echo"]);
    let run = run(&["--max-message-size", "1K", &echo.url("/")], &[b'x'; 1025]);
    assert_eq!(run.code, Some(5));
    assert!(
        run.stderr.contains("longer than 1024 bytes"),
        "{}",
        run.stderr
    );
}

#[test]
fn input_that_cannot_be_sent_any_more_is_5() {
    // It takes nothing, until the client waits with more than is on its way.
    let server = accepting(b"", |mut stream| {
        thread::sleep(Duration::from_secs(1));
        stream.write_all(b"\x88\x02\x03\xe8").unwrap();
        drain(stream);
    });
    let line = [&[b'x'; 64 << 10][..], b"\n"].concat();
    let run = run(
        &["--wait", "forever", &format!("ws://{server}/")],
        &line.repeat(500),
    );
    assert_eq!(run.code, Some(5));
    assert!(
        run.stderr.contains("before all of the input was sent"),
        "{}",
        run.stderr
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn certificates() {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let (certificate, key) = (made.cert.pem(), made.signing_key.serialize_pem());
    let tls = ServerTls::from_pem(&certificate, &key).unwrap();
    let mut options = Options::default();
    options.tls = Some(tls);
    let listener = Listener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().tcp().unwrap().port();
    let mut server = Server::listen(listener, options);
    tokio::spawn(async move {
        while let Some(pending) = server.accept().await {
            tokio::spawn(async move {
                let mut websocket = pending.accept().await.unwrap();
                while let Some(Ok(message)) = websocket.next().await {
                    let _ = websocket.send(message).await;
                }
            });
        }
    });
    let folder = std::env::temp_dir().join(format!("longwire-connect-{}", std::process::id()));
    fs::create_dir_all(&folder).unwrap();
    let authority = folder.join("ca.pem");
    fs::write(&authority, certificate).unwrap();
    let checked = tokio::task::spawn_blocking(move || {
        let authority = authority.to_str().unwrap();
        let url = format!("wss://localhost:{port}/");
        let other_name = format!("wss://127.0.0.1:{port}/");
        fails(
            &[&url],
            3,
            &["nobody who is trusted", "--cacert", "--insecure"],
        );
        fails(
            &["--cacert", authority, &other_name],
            3,
            &["localhost", "--insecure"],
        );
        for arguments in [
            &["--cacert", authority, &url][..],
            &["--insecure", &other_name],
        ] {
            let run = run(arguments, b"safe\n");
            assert_eq!(
                (run.code, run.text()),
                (Some(0), "safe\n"),
                "{}",
                run.stderr
            );
        }
    })
    .await;
    fs::remove_dir_all(&folder).unwrap();
    checked.unwrap();
}
