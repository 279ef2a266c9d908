//! What is shown of a connection, and how.

use super::{
    escape,
    heartbeat::{self, Told},
    hex,
    inspect::{self, Secrets, Show},
    json::{self, Line},
    output::{Gone, Item, Output},
    prompt::Canvas,
    style::Palette,
};
use bytes::Bytes;
use longwire::{CloseInfo, ConnectError, Message, heartbeat::Beat, proto::handshake::Response};
use std::{
    io::{self, IsTerminal as _},
    time::Duration,
};

/// How many bytes of a binary message are shown on a terminal.
const MAX_DUMP: usize = 256;
/// How many bytes of a text message are.
const MAX_TEXT: usize = 16 * 1024;

/// Where messages, events and notes are put.
#[derive(Debug)]
pub(super) struct Screen {
    output: Output,
    format: Format,
    /// For standard error.
    palette: Palette,
    /// Whether to say how the connection goes.
    talkative: bool,
    /// How what passes is shown, if it is.
    pub(super) show: Option<Show>,
}

/// The form of what goes to standard output.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Format {
    /// For people: marked, coloured, nothing that the terminal would obey.
    Terminal(Palette),
    /// Texts as lines, binary messages as they are.
    Plain,
    /// Messages as they are.
    Raw,
    /// Messages and events as lines of JSON.
    Json,
}

/// What of it the user chooses.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Look {
    /// Lines of JSON.
    pub(crate) json: bool,
    /// No notes.
    pub(crate) quiet: bool,
    /// What passes, with or without its secrets.
    pub(crate) inspect: Option<ShowSecrets>,
}

/// Whether credentials are shown.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ShowSecrets(pub(crate) bool);

impl Screen {
    /// # Errors
    /// When no thread can be started.
    pub(super) fn new(look: Look, binary: bool) -> io::Result<Screen> {
        let format = match (look.json, io::stdout().is_terminal(), binary) {
            (true, ..) => Format::Json,
            (_, true, _) => Format::Terminal(Palette::of(&io::stdout())),
            (_, _, true) => Format::Raw,
            _ => Format::Plain,
        };
        let palette = Palette::of(&io::stderr());
        let show = look.inspect.map(|ShowSecrets(shown)| {
            let secrets = if shown { Secrets::Show } else { Secrets::Mask };
            match format {
                Format::Json => Show::Json { secrets },
                _ => Show::lines(palette, secrets),
            }
        });
        Ok(Screen {
            output: Output::start()?,
            format,
            palette,
            talkative: !look.quiet && !look.json && io::stderr().is_terminal(),
            show,
        })
    }

    pub(super) const fn output(&self) -> &Output {
        &self.output
    }

    pub(super) fn is_raw(&self) -> bool {
        self.format == Format::Raw
    }

    /// Shows a message.
    pub(super) async fn message(&self, message: &Message) -> Result<(), Gone> {
        let shown = match (self.format, message) {
            (Format::Json, message) => json::message(message),
            (Format::Terminal(_), message)
                if self.show.is_some()
                    && io::stderr().is_terminal()
                    && inspect::is_shown_whole(message) =>
            {
                return Ok(());
            }
            (Format::Terminal(palette), Message::Text(text)) => on_terminal(text, palette).into(),
            (Format::Terminal(palette), Message::Binary(bytes)) => dumped(bytes, palette).into(),
            (Format::Plain, Message::Text(text)) => [text.as_bytes(), &b"\n"[..]].concat().into(),
            (Format::Raw, Message::Text(text)) => text.as_bytes().clone(),
            (Format::Plain | Format::Raw, Message::Binary(bytes)) => bytes.clone(),
        };
        self.output.put(Item::Data(shown)).await
    }

    /// Writes a part of a message as it is.
    pub(super) async fn raw(&self, bytes: Bytes) -> Result<(), Gone> {
        self.output.put(Item::Data(bytes)).await
    }

    /// Says something about the connection.
    pub(super) async fn note(&self, text: &str) {
        if self.talkative {
            self.error_line(self.palette.faint(&escape::lines(text)))
                .await;
        }
    }

    /// Answers to something that the user asked for.
    pub(super) async fn answer(&self, text: &str) {
        self.error_line(escape::lines(text).into_owned()).await;
    }

    /// Says what is wrong with what the user asked for.
    pub(super) async fn complain(&self, text: &str) {
        self.error_line(self.palette.wrong(&escape::lines(text)))
            .await;
    }

    async fn error_line(&self, mut text: String) {
        text.push('\n');
        // Then there is nobody to read it either.
        let _ = self.output.put(Item::Note(text)).await;
    }

    /// The connection is open.
    pub(super) async fn opened(&self, url: &str, response: &Response) {
        let subprotocol = response.subprotocol.as_ref().map(ToString::to_string);
        if self.format == Format::Json {
            let line = Line::new("open")
                .field("url", url)
                .field("subprotocol", subprotocol);
            return self.json(line.end()).await;
        }
        let subprotocol = subprotocol.map(|name| format!(", subprotocol {name}"));
        let text = format!("Connected to {url}{}", subprotocol.unwrap_or_default());
        self.note(&text).await;
    }

    /// The Pong came to a Ping that the user asked for.
    pub(super) async fn ponged(&self, time: Duration) {
        if self.format == Format::Json {
            let line = Line::new("pong").field("rtt_ms", json::milliseconds(time));
            return self.json(line.end()).await;
        }
        let text = format!("Pong after {}", inspect::round_trip(time));
        self.error_line(self.palette.faint(&text)).await;
    }

    /// Something happened to a heartbeat that is learned.
    pub(super) async fn heartbeat(&self, told: &Told) {
        match *told {
            Told::Beat { beat, settled } if self.format == Format::Json => {
                self.json(json::heartbeat(beat, settled)).await;
            }
            Told::Beat { beat, settled } => {
                let learning = if settled { "" } else { ", learning" };
                let text = match beat {
                    Beat::Every(interval) => {
                        format!("Heartbeat every {}{learning}", heartbeat::span(interval))
                    }
                    Beat::Peer(interval) => {
                        format!("The server beats every {}", heartbeat::span(interval))
                    }
                };
                self.note(&text).await;
            }
            Told::Forgotten(silence) => {
                let silence = heartbeat::span(silence);
                let text = format!("Lost after {silence} of silence; it is learned anew next time");
                self.note(&text).await;
            }
            Told::StoreFailed(ref error) => {
                let text = format!("What is learned of heartbeats is not kept: {error}");
                self.complain(&text).await;
            }
            Told::Other => {}
        }
    }

    /// The connection has ended in this way; for scripts.
    pub(super) async fn closed(&self, info: &CloseInfo) {
        if self.format == Format::Json {
            self.json(json::close(info)).await;
        }
    }

    /// There is no connection, for this reason.
    pub(super) async fn not_opened(&self, error: &ConnectError, message: &str) {
        if self.format == Format::Json {
            let line = Line::new("error")
                .field("cause", error.cause())
                .optional("status", error.status())
                .field("message", message);
            return self.json(line.end()).await;
        }
        if let (ConnectError::Refused { refused, .. }, Some(_)) = (error, &self.show) {
            let body = String::from_utf8_lossy(refused.body.bytes());
            let body = escape::lines(body.trim_end()).into_owned();
            if !body.is_empty() {
                self.error_line(format!("{body}\n")).await;
            }
        }
    }

    async fn json(&self, line: Bytes) {
        // Whoever read it knows all that it wanted to know.
        let _ = self.output.put(Item::Data(line)).await;
    }

    /// From now on a prompt stands below what is shown.
    pub(super) async fn begin_prompt(&self, canvas: Canvas) {
        self.note("Type a message and press Enter; /help lists the commands")
            .await;
        let _ = self.output.put(Item::BeginPrompt(canvas)).await;
    }

    /// The prompt is not needed any more.
    pub(super) async fn end_prompt(&self) {
        let _ = self.output.put(Item::EndPrompt).await;
    }
}

/// A text message, for people: marked at its beginning, and indented where it
/// goes on, so that no message can pass for another one.
fn on_terminal(text: &str, palette: Palette) -> String {
    let is_boundary = |&at: &usize| text.is_char_boundary(at);
    let cut = (0..=text.len().min(MAX_TEXT)).rev().find(is_boundary);
    let cut = cut.unwrap_or_default();
    let shown = escape::lines(&text[..cut]);
    let mut lines = String::with_capacity(shown.len() + 16);
    for (at, line) in shown.split('\n').enumerate() {
        let mark = if at == 0 {
            palette.faint("< ")
        } else {
            "  ".to_owned()
        };
        lines.push_str(&mark);
        lines.push_str(&palette.theirs(line));
        lines.push('\n');
    }
    more(&mut lines, text.len() - cut, "a pipe gets all", palette);
    lines
}

fn dumped(bytes: &[u8], palette: Palette) -> String {
    let size = hex::size(bytes.len() as u64);
    let mut lines = format!(
        "{}{}\n",
        palette.faint("< "),
        palette.theirs(&format!("binary, {size}"))
    );
    lines.push_str(&hex::dump(bytes, MAX_DUMP, palette));
    let left = bytes.len().saturating_sub(MAX_DUMP);
    more(&mut lines, left, "/save FILE writes all", palette);
    lines
}

fn more(lines: &mut String, left: usize, hint: &str, palette: Palette) {
    if left > 0 {
        let text = format!("  … {} more; {hint}", hex::size(left as u64));
        lines.push_str(&palette.faint(&text));
        lines.push('\n');
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_text_can_pass_for_another_message_or_move_the_cursor() {
        let shown = on_terminal("one\n< two\r\x1b[2J", Palette::PLAIN);
        assert_eq!(shown, "< one\n  < two\\r\\x1b[2J\n");
    }

    #[test]
    fn a_long_text_is_cut_between_characters() {
        let text = "\u{e9}".repeat(MAX_TEXT);
        let shown = on_terminal(&text, Palette::PLAIN);
        let (first, second) = shown.split_once('\n').unwrap();
        assert_eq!(first.len(), 2 + MAX_TEXT);
        assert_eq!(second, "  … 16.0 KiB more; a pipe gets all\n");
    }

    #[test]
    fn a_binary_message_is_dumped_up_to_a_limit() {
        let shown = dumped(&[0x1B; MAX_DUMP], Palette::PLAIN);
        assert!(shown.starts_with("< binary, 256 B\n  00000000  1b 1b"));
        assert!(!shown.contains("more"));
        let shown = dumped(&[0x1B; MAX_DUMP + 1], Palette::PLAIN);
        assert!(shown.ends_with("  … 1 B more; /save FILE writes all\n"));
        assert!(!shown.contains('\x1b'));
    }

    #[test]
    fn colours_are_around_what_the_peer_says_and_never_from_it() {
        let shown = on_terminal("\x1b[31mred", Palette::COLOURED);
        assert_eq!(shown, "\x1b[2m< \x1b[0m\x1b[36m\\x1b[31mred\x1b[0m\n");
    }
}
