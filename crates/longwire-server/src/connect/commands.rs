//! What a line at the prompt means.

use super::hex;
use longwire::CloseFrame;
use std::path::PathBuf;

/// A line at the prompt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Command {
    /// Send this text.
    Text(String),
    /// Send these bytes.
    Binary(Vec<u8>),
    /// Send the bytes of a file.
    SendFile(PathBuf),
    /// Write the last binary message to a file.
    Save(PathBuf),
    /// Measure the round trip.
    Ping,
    /// Begin the closing handshake.
    Close(CloseFrame),
    /// Say what can be done.
    Help,
}

/// The commands, as they are completed and shown by `/help`.
const COMMANDS: [(&str, &str, &str); 7] = [
    ("/ping", "", "send a Ping and show the round-trip time"),
    (
        "/close",
        " [CODE] [REASON]",
        "close the connection and leave",
    ),
    (
        "/binary",
        " HEX",
        "send a binary message, such as /binary 00 ff 7f",
    ),
    ("/send-file", " FILE", "send a file as a binary message"),
    (
        "/save",
        " FILE",
        "write the last binary message to a new file",
    ),
    ("/help", "", "show this"),
    ("//", "TEXT", "send a text that begins with /"),
];

/// Reads a line.
///
/// # Errors
/// What is wrong with it.
pub(super) fn parse(line: &str) -> Result<Command, String> {
    if let Some(text) = line.strip_prefix("//") {
        return Ok(Command::Text(format!("/{text}")));
    }
    if !line.starts_with('/') {
        return Ok(Command::Text(line.to_owned()));
    }
    let (name, rest) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
    let rest = rest.trim();
    match name {
        "/ping" => Ok(Command::Ping),
        "/close" | "/quit" | "/exit" => close(rest).map(Command::Close),
        "/binary" => hex::parse(rest).map(Command::Binary),
        "/send-file" => path(name, rest).map(Command::SendFile),
        "/save" => path(name, rest).map(Command::Save),
        "/help" | "/?" => Ok(Command::Help),
        _ => Err(format!(
            "there is no command {name}; /help lists them, and //... sends a text that begins \
             with /"
        )),
    }
}

/// `[CODE] [REASON]`, by default 1000.
fn close(rest: &str) -> Result<CloseFrame, String> {
    let (code, reason) = rest.split_once(char::is_whitespace).unwrap_or((rest, ""));
    let code: u16 = match code {
        "" => 1000,
        _ => code
            .parse()
            .map_err(|_| "/close takes a code and a reason, such as /close 1000 bye".to_owned())?,
    };
    CloseFrame::new(code, reason.trim()).map_err(|error| error.to_string())
}

fn path(name: &str, rest: &str) -> Result<PathBuf, String> {
    if rest.is_empty() {
        return Err(format!("{name} takes the path of a file"));
    }
    Ok(PathBuf::from(rest))
}

/// The commands that begin like this line.
pub(super) fn completions(line: &str) -> impl Iterator<Item = &'static str> {
    let is_command = line.starts_with('/');
    COMMANDS
        .iter()
        .filter(move |(name, ..)| is_command && *name != "//" && name.starts_with(line))
        .map(|(name, ..)| *name)
}

/// What `/help` shows.
pub(super) fn help() -> String {
    let commands = COMMANDS
        .iter()
        .map(|(name, arguments, what)| format!("  {:<24}{what}", format!("{name}{arguments}")));
    let keys = [
        "  Up, Ctrl-R              recall a line, search the history".to_owned(),
        "  Ctrl-D, Ctrl-C          close with 1000 and leave".to_owned(),
    ];
    commands.chain(keys).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_texts_unless_they_begin_with_a_slash() {
        for (line, text) in [
            ("hello", "hello"),
            (" /ping", " /ping"),
            ("//ping", "/ping"),
            ("///", "//"),
            ("", ""),
        ] {
            assert_eq!(parse(line), Ok(Command::Text(text.to_owned())));
        }
    }

    #[test]
    fn commands() {
        assert_eq!(parse("/ping"), Ok(Command::Ping));
        assert_eq!(parse("/help  "), Ok(Command::Help));
        assert_eq!(parse("/binary 0aFF"), Ok(Command::Binary(vec![10, 255])));
        assert_eq!(
            parse("/send-file  my file.png"),
            Ok(Command::SendFile("my file.png".into()))
        );
        assert_eq!(parse("/save x"), Ok(Command::Save("x".into())));
    }

    #[test]
    fn closing() {
        let frame = |code: u16, reason: &str| {
            let frame = CloseFrame::new(code, reason).unwrap();
            Ok(Command::Close(frame))
        };
        assert_eq!(parse("/close"), frame(1000, ""));
        assert_eq!(parse("/quit"), frame(1000, ""));
        assert_eq!(parse("/close 4001"), frame(4001, ""));
        assert_eq!(
            parse("/close 4001 see you later"),
            frame(4001, "see you later")
        );
        assert!(parse("/close bye").unwrap_err().contains("/close 1000 bye"));
        // Reported, never sent.
        assert!(parse("/close 1006").is_err());
        assert!(parse(&format!("/close 1000 {}", "x".repeat(124))).is_err());
    }

    #[test]
    fn what_is_no_command_is_not_sent() {
        assert!(parse("/pign").unwrap_err().contains("/help"));
        assert!(parse("/").is_err());
        assert!(parse("/save").unwrap_err().contains("file"));
        assert!(parse("/binary 0").is_err());
    }

    #[test]
    fn completing() {
        assert_eq!(
            completions("/s").collect::<Vec<_>>(),
            ["/send-file", "/save"]
        );
        assert_eq!(completions("/ping").collect::<Vec<_>>(), ["/ping"]);
        assert_eq!(completions("").count(), 0);
        assert_eq!(completions("s").count(), 0);
    }

    #[test]
    fn help_shows_every_command() {
        for (name, ..) in COMMANDS {
            assert!(help().contains(name));
        }
    }
}
