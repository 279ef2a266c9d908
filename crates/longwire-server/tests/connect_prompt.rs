//! `longwire connect` at a terminal: a pseudo-terminal, and somebody who types.
#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "a test")]

mod connecting;
mod program;

use connecting::{accepting, drain};
use program::Program;
use rustix::{
    fs::OFlags,
    pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt},
    termios::{LocalModes, Winsize, tcgetattr, tcsetwinsize},
};
use std::{
    fs::File,
    io::{Read as _, Write as _},
    path::PathBuf,
    process::{Child, Command},
    sync::{Arc, Mutex},
    thread,
    time::{Duration, Instant},
};

/// A terminal with the program in it.
struct Terminal {
    keyboard: File,
    /// The program's end, which remembers the modes.
    device: File,
    screen: Arc<Mutex<Vec<u8>>>,
    child: Child,
    state: PathBuf,
}

impl Terminal {
    fn connect(name: &str, arguments: &[&str]) -> Terminal {
        let keyboard = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
        grantpt(&keyboard).unwrap();
        unlockpt(&keyboard).unwrap();
        let path = ptsname(&keyboard, Vec::new()).unwrap();
        let flags = OFlags::RDWR | OFlags::NOCTTY;
        let device = rustix::fs::open(path.as_c_str(), flags, rustix::fs::Mode::empty()).unwrap();
        let size = Winsize {
            ws_row: 40,
            ws_col: 120,
            ws_xpixel: 0,
            ws_ypixel: 0,
        };
        tcsetwinsize(&device, size).unwrap();
        let state = std::env::temp_dir().join(format!("longwire-{name}-{}", std::process::id()));
        let end = || device.try_clone().unwrap();
        let child = Command::new(env!("CARGO_BIN_EXE_longwire"))
            .arg("connect")
            .args(arguments)
            .env("TERM", "xterm")
            .env("XDG_STATE_HOME", &state)
            .env_remove("NO_COLOR")
            .env_remove("LONGWIRE_LOG")
            .stdin(end())
            .stdout(end())
            .stderr(end())
            .spawn()
            .unwrap();
        let screen = Arc::new(Mutex::new(Vec::new()));
        let keyboard = File::from(keyboard);
        let mut display = keyboard.try_clone().unwrap();
        let shown = Arc::clone(&screen);
        thread::spawn(move || {
            let mut buffer = [0; 4096];
            while let Ok(length) = display.read(&mut buffer) {
                shown.lock().unwrap().extend_from_slice(&buffer[..length]);
            }
        });
        Terminal {
            keyboard,
            device: device.into(),
            screen,
            child,
            state,
        }
    }

    fn type_keys(&mut self, keys: &str) {
        self.keyboard.write_all(keys.as_bytes()).unwrap();
    }

    fn shown(&self) -> String {
        String::from_utf8_lossy(&self.screen.lock().unwrap()).into_owned()
    }

    /// Waits until this has been shown, since the last time that something was
    /// waited for.
    #[track_caller]
    fn expect(&mut self, text: &str) {
        let deadline = Instant::now() + Duration::from_secs(20);
        loop {
            {
                // Locked until it is cut, so that nothing new is lost.
                let mut screen = self.screen.lock().unwrap();
                let found = screen
                    .windows(text.len())
                    .position(|shown| shown == text.as_bytes());
                if let Some(at) = found {
                    screen.drain(..at + text.len());
                    return;
                }
            }
            assert!(
                Instant::now() < deadline,
                "{text:?} is not in {:?}",
                self.shown()
            );
            thread::sleep(Duration::from_millis(5));
        }
    }

    /// Waits for the program's end, which leaves the terminal as it was.
    #[track_caller]
    fn ends(&mut self, code: i32) {
        let deadline = Instant::now() + Duration::from_secs(20);
        let status = loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                break status;
            }
            assert!(
                Instant::now() < deadline,
                "it does not end: {:?}",
                self.shown()
            );
            thread::sleep(Duration::from_millis(5));
        };
        assert_eq!(status.code(), Some(code), "{:?}", self.shown());
        let modes = tcgetattr(&self.device).unwrap().local_modes;
        assert!(modes.contains(LocalModes::ICANON | LocalModes::ECHO | LocalModes::ISIG));
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = std::fs::remove_dir_all(&self.state);
    }
}

const PROMPT: &str = "\x1b[32m> \x1b[0m";

#[test]
fn a_conversation() {
    let echo = Program::start(&["echo"]);
    let mut terminal = Terminal::connect("conversation", &["-s", "chat", &echo.url("/")]);
    terminal.expect("Connected to ws://");
    terminal.expect("subprotocol chat");
    terminal.expect(PROMPT);
    // In one burst, as a slow line delivers it.
    terminal.type_keys("hello\r");
    terminal.expect("< \x1b[0m\x1b[36mhello\x1b[0m");
    terminal.type_keys("//ping\r");
    terminal.expect("\x1b[36m/ping\x1b[0m");
    terminal.type_keys("/ping\r");
    terminal.expect("Pong after ");
    terminal.type_keys("/pign\r");
    terminal.expect("there is no command /pign");
    terminal.type_keys("/binary 1b 5b\r");
    terminal.expect("binary, 2 B");
    terminal.expect("|.[|");
    terminal.type_keys("/he\t\r");
    terminal.expect("/send-file FILE");
    terminal.type_keys("\x04");
    terminal.expect("Closed: 1000 (normal closure)");
    terminal.ends(0);
    let history = std::fs::read_to_string(terminal.state.join("longwire/history")).unwrap();
    assert!(history.contains("hello\n"), "{history}");
}

#[test]
fn files_are_sent_and_saved() {
    let echo = Program::start(&["echo"]);
    let folder = std::env::temp_dir().join(format!("longwire-sent-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let (original, copy) = (folder.join("original"), folder.join("copy"));
    let bytes: Vec<u8> = (0..200_000_u32).map(|at| (at % 251) as u8).collect();
    std::fs::write(&original, &bytes).unwrap();
    let mut terminal = Terminal::connect("files", &["--no-history", &echo.url("/")]);
    terminal.expect(PROMPT);
    terminal.type_keys(&format!("/save {}\r", copy.display()));
    terminal.expect("no binary message has come yet");
    terminal.type_keys(&format!("/send-file {}\r", original.display()));
    terminal.expect("/save FILE writes all");
    terminal.type_keys(&format!("/save {}\r", copy.display()));
    terminal.expect("200000 bytes in ");
    assert!(std::fs::read(&copy).unwrap() == bytes);
    // Nothing is written over.
    terminal.type_keys(&format!("/save {}\r", original.display()));
    terminal.expect("cannot write ");
    terminal.type_keys("/close 4000 bye\r");
    terminal.expect("Closed: 4000: bye");
    terminal.ends(0);
    assert!(!terminal.state.exists(), "there is a history");
    std::fs::remove_dir_all(&folder).unwrap();
}

#[test]
fn a_server_that_closes_while_one_types() {
    let echo = Program::start(&["echo"]);
    let mut terminal = Terminal::connect("server", &[&echo.url("/")]);
    terminal.expect(PROMPT);
    terminal.type_keys("half a li");
    terminal.expect("li");
    echo.terminate();
    // The prompt is taken away, and then it is said.
    terminal.expect("\r\x1b[K");
    terminal.expect("Closed by the server: 1001 (going away)");
    assert!(!terminal.shown().contains("half"), "{:?}", terminal.shown());
    terminal.ends(0);
}

#[test]
fn ctrl_c_leaves_and_twice_at_once() {
    let echo = Program::start(&["echo"]);
    let mut terminal = Terminal::connect("interrupt", &[&echo.url("/")]);
    terminal.expect(PROMPT);
    terminal.type_keys("x\x03");
    terminal.expect("Closed: 1000");
    terminal.ends(0);

    // It does not answer the Close frame.
    let address = accepting(b"", drain);
    let mut terminal = Terminal::connect("twice", &[&format!("ws://{address}/")]);
    terminal.expect(PROMPT);
    let begin = Instant::now();
    terminal.type_keys("\x03");
    // The prompt that is none: the line is cleared, and nothing stands on it.
    terminal.expect("\x1b[?2004h");
    terminal.type_keys("\x03");
    terminal.expect("left before the server closed");
    terminal.ends(5);
    assert!(
        begin.elapsed() < Duration::from_secs(8),
        "the close timeout was waited for"
    );
}

#[test]
fn frames_take_the_place_of_short_messages() {
    let echo = Program::start(&["echo"]);
    let mut terminal = Terminal::connect("inspect", &["--inspect", &echo.url("/")]);
    terminal.expect(" GET / HTTP/1.1");
    terminal.expect(" HTTP/1.1 101 Switching Protocols");
    terminal.expect(PROMPT);
    terminal.type_keys("short\r");
    terminal.expect("→\x1b[0m  \x1b[32mTEXT  \x1b[0m  fin masked        5 B  \"short\"");
    terminal.expect("←\x1b[0m  \x1b[36mTEXT  \x1b[0m  fin               5 B  \"short\"");
    let long = "long ".repeat(20);
    terminal.type_keys(&format!("{long}\r"));
    terminal.expect("…");
    terminal.expect("…");
    terminal.expect(&format!("\x1b[36m{long}\x1b[0m"));
    assert!(!terminal.shown().contains("36mshort"));
    terminal.type_keys("\x04");
    terminal.expect("CLOSE");
    terminal.ends(0);
}

#[test]
fn the_prompt_survives_a_flood() {
    let address = accepting(b"", |mut stream| {
        let mut reading = stream.try_clone().unwrap();
        let closing = thread::spawn(move || {
            // A masked Close frame with a code.
            let mut frame = [0; 8];
            reading.read_exact(&mut frame).unwrap();
            assert_eq!(frame[..2], [0x88, 0x82]);
        });
        while !closing.is_finished() {
            stream.write_all(&b"\x81\x05flood".repeat(1_000)).unwrap();
        }
        closing.join().unwrap();
        stream.write_all(b"\x88\x02\x03\xe8").unwrap();
        drain(stream);
    });
    let mut terminal = Terminal::connect("flood", &[&format!("ws://{address}/")]);
    for _ in 0..5_000 {
        terminal.expect("flood\x1b[0m\r\n");
    }
    terminal.type_keys("\x04");
    // What stood in line is painted, and then the prompt is taken away.
    terminal.expect("\r\x1b[K\x1b[?2026l\x1b[?2004l");
    terminal.expect("Closed: 1000 (normal closure)");
    terminal.ends(0);
}
