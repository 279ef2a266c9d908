//! What is sent: a pipe's lines or bytes, or what is said at the prompt.

use super::{
    commands::{self, Command},
    screen::Screen,
};
use crate::exit::{Failure, Status};
use bytes::Bytes;
use longwire::{CloseFrame, Sender};
use std::{
    cell::{Cell, RefCell},
    io,
    path::Path,
    sync::Arc,
};
use tokio::{
    fs::File,
    io::{AsyncBufReadExt as _, AsyncRead, AsyncReadExt as _, AsyncWriteExt as _, BufReader},
    sync::mpsc::UnboundedReceiver,
};

/// How large the fragments are of a message that is sent as it is read.
const FRAGMENT: usize = 64 * 1024;

/// Why no more is sent.
#[derive(Debug)]
pub(super) enum End {
    /// All is sent.
    Eof,
    /// The user closes.
    Close(CloseFrame),
    /// The connection ended before all was sent.
    Unsent,
    /// The input is at fault.
    Failed(Failure),
}

impl From<longwire::Error> for End {
    /// How the connection ended is seen where it is received from.
    fn from(_: longwire::Error) -> End {
        End::Unsent
    }
}

impl End {
    fn of_read(error: &io::Error) -> End {
        let message = format!("cannot read the input: {error}");
        End::Failed(Failure::new(Status::Failed, message))
    }
}

/// Sends each line as a text message. `unsent` is set while there is something
/// that has been read, and not yet been handed to the transport.
pub(super) async fn send_lines(
    input: impl AsyncRead + Unpin,
    sender: &Sender,
    unsent: &Cell<bool>,
) -> Result<(), End> {
    let mut input = BufReader::with_capacity(FRAGMENT, input);
    for number in 1_u64.. {
        let mut line = Vec::new();
        let length = input.read_until(b'\n', &mut line).await;
        if length.map_err(|error| End::of_read(&error))? == 0 {
            break;
        }
        let text = String::from_utf8(line).map_err(|_| {
            let message = format!(
                "line {number} of the input is not UTF-8, which text messages are; --binary \
                 sends any bytes"
            );
            End::Failed(Failure::new(Status::Failed, message))
        })?;
        unsent.set(true);
        // Lines that are read together are written together.
        sender.feed(without_line_end(&text)).await?;
        if input.buffer().is_empty() {
            sender.flush().await?;
            unsent.set(false);
        }
    }
    Ok(())
}

fn without_line_end(line: &str) -> &str {
    let line = line.strip_suffix('\n').unwrap_or(line);
    line.strip_suffix('\r').unwrap_or(line)
}

/// Sends all of the input as one binary message, in constant memory; nothing
/// if there is none. `unsent` is set meanwhile.
pub(super) async fn send_bytes(
    mut input: impl AsyncRead + Unpin,
    sender: &Sender,
    unsent: &Cell<bool>,
) -> Result<(), End> {
    let mut buffer = Vec::with_capacity(FRAGMENT);
    let mut fill = async |buffer: &mut Vec<u8>| {
        buffer.clear();
        let mut rest = (&mut input).take(FRAGMENT as u64);
        rest.read_to_end(buffer)
            .await
            .map_err(|error| End::of_read(&error))
    };
    if fill(&mut buffer).await? == 0 {
        return Ok(());
    }
    unsent.set(true);
    if buffer.len() < FRAGMENT {
        // Some servers do not put fragments together, and this needs none.
        sender.send(buffer).await?;
    } else {
        let mut message = sender.stream_binary();
        while !buffer.is_empty() {
            message.write(&buffer).await?;
            fill(&mut buffer).await?;
        }
        message.finish().await?;
    }
    sender.flush().await?;
    unsent.set(false);
    Ok(())
}

/// What is said at the prompt.
pub(super) struct Conversation<'c> {
    pub(super) sender: &'c Sender,
    pub(super) screen: &'c Arc<Screen>,
    /// The binary message that came last.
    pub(super) last_binary: &'c RefCell<Option<Bytes>>,
    /// Something could not be sent yet.
    pub(super) unsent: &'c Cell<bool>,
    /// Typed lines are binary messages.
    pub(super) binary: bool,
}

impl Conversation<'_> {
    /// Does what each line says.
    pub(super) async fn follow(&self, lines: &mut UnboundedReceiver<String>) -> End {
        while let Some(line) = lines.recv().await {
            // Enter alone is rarely meant as an empty message.
            if line.is_empty() {
                continue;
            }
            match commands::parse(&line) {
                Err(error) => self.screen.complain(&error).await,
                Ok(Command::Close(frame)) => return End::Close(frame),
                Ok(command) => match self.obey(command).await {
                    Ok(()) => {}
                    Err(End::Failed(failure)) => self.screen.complain(&failure.message).await,
                    Err(end) => return end,
                },
            }
        }
        match CloseFrame::new(1000, "") {
            Ok(frame) => End::Close(frame),
            Err(_) => End::Eof,
        }
    }

    async fn obey(&self, command: Command) -> Result<(), End> {
        match command {
            Command::Text(text) if self.binary => self.sender.send(text.into_bytes()).await?,
            Command::Text(text) => self.sender.send(text).await?,
            Command::Binary(bytes) => self.sender.send(bytes).await?,
            Command::SendFile(path) => self.send_file(&path).await?,
            Command::Save(path) => self.save(&path).await?,
            Command::Ping => self.ping(),
            Command::Help => self.screen.answer(&commands::help()).await,
            Command::Close(_) => {}
        }
        Ok(())
    }

    async fn send_file(&self, path: &Path) -> Result<(), End> {
        let file = File::open(path)
            .await
            .map_err(|error| file_failure("read", path, &error))?;
        send_bytes(file, self.sender, self.unsent).await
    }

    async fn save(&self, path: &Path) -> Result<(), End> {
        let bytes = self.last_binary.borrow().clone();
        let Some(bytes) = bytes else {
            let message = "no binary message has come yet";
            return Err(End::Failed(Failure::new(Status::Failed, message)));
        };
        let written = async {
            let mut file = File::create_new(path).await?;
            file.write_all(&bytes).await?;
            file.flush().await
        };
        written
            .await
            .map_err(|error| file_failure("write", path, &error))?;
        let text = format!("{} bytes in {}", bytes.len(), path.display());
        self.screen.answer(&text).await;
        Ok(())
    }

    /// Waits for the Pong elsewhere, so that the conversation goes on.
    fn ping(&self) {
        let (sender, screen) = (self.sender.clone(), Arc::clone(self.screen));
        tokio::spawn(async move {
            // That the connection ended is said by others.
            if let Ok(time) = sender.ping().await {
                screen.ponged(time).await;
            }
        });
    }
}

fn file_failure(what: &str, path: &Path, error: &io::Error) -> End {
    let message = format!("cannot {what} {}: {error}", path.display());
    End::Failed(Failure::new(Status::Failed, message))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn line_ends_are_no_part_of_the_text() {
        for (line, text) in [
            ("a\n", "a"),
            ("a\r\n", "a"),
            ("a", "a"),
            ("\n", ""),
            ("a\r\r\n", "a\r"),
        ] {
            assert_eq!(without_line_end(line), text);
        }
    }
}
