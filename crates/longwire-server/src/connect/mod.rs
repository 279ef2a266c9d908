//! `longwire connect`: a WebSocket client for people and for scripts.
//!
//! - `open` connects, `session` talks, `failure` says what went wrong.
//! - What is sent comes from `input`: a pipe, or the `prompt`, whose lines
//!   `commands` understands.
//! - What is shown goes to the `screen`, which gives it its form, and on to the
//!   one thread of `output`. Nothing that a peer says gets to a terminal but
//!   through `escape` or `hex`.
//! - `inspect` looks at the bytes that pass.

mod commands;
pub(crate) mod escape;
pub(crate) mod failure;
mod heartbeat;
mod hex;
mod input;
mod inspect;
pub(crate) mod interrupts;
pub(crate) mod json;
mod open;
mod output;
mod prompt;
mod screen;
mod session;
mod state;
pub(crate) mod style;
pub(crate) mod values;

pub(crate) use failure::url;
pub(crate) use heartbeat::Heartbeat;
pub(crate) use open::{Transport, tls};
pub(crate) use screen::{Look, ShowSecrets};
pub(crate) use session::Manners;

use crate::exit::{Failure, Status};
use heartbeat::{Pacer, Place};
use inspect::Seen;
use interrupts::Interrupts;
use longwire::{
    Connector, WebSocket,
    proto::handshake::{Response, Url},
};
use prompt::Prompt;
use screen::Screen;
use session::{Passing, Source};
use std::{
    io::{self, IsTerminal as _},
    sync::Arc,
};
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};

/// What `longwire connect` is to do.
#[derive(Debug)]
pub(crate) struct Options {
    pub(crate) url: Url,
    pub(crate) transport: Transport,
    pub(crate) look: Look,
    pub(crate) manners: Manners,
    pub(crate) keep_history: bool,
}

/// Connects, and talks until one end closes.
///
/// # Errors
/// Why there was no connection, or how it ended badly.
pub(crate) fn run(options: Options) -> Result<(), Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| failed("cannot start", &error))?;
    let result = runtime.block_on(connect(options));
    // A thread may be reading standard input, and cannot be told to stop.
    runtime.shutdown_background();
    result
}

async fn connect(options: Options) -> Result<(), Failure> {
    let Options {
        url,
        transport,
        look,
        manners,
        keep_history,
    } = options;
    let (connector, pacer) = transport.connector()?;
    let screen =
        Screen::new(look, manners.binary).map_err(|error| failed("cannot start", &error))?;
    let screen = Arc::new(screen);
    let (seen, mut passing) = match look.inspect {
        None => (None, None),
        Some(_) => {
            let (seen, passing) = unbounded_channel();
            (Some(seen), Some(passing))
        }
    };
    let result = match open(&connector, &url, seen, &screen, &mut passing).await {
        Err(failure) => Err(failure),
        Ok((websocket, response)) => {
            screen.opened(&url.to_string(), &response).await;
            let place = Place {
                connector,
                url,
                response,
            };
            let heart = (pacer, &place);
            talk(
                websocket,
                heart,
                &screen,
                &mut passing,
                manners,
                keep_history,
            )
            .await
        }
    };
    let written = screen.output().finish().await;
    result?;
    written.map_err(|error| failed("cannot write to standard output", &error))
}

/// Connects, and shows meanwhile what passes.
async fn open(
    connector: &Connector,
    url: &Url,
    seen: Option<UnboundedSender<Seen>>,
    screen: &Screen,
    passing: &mut Passing,
) -> Result<(WebSocket, Response), Failure> {
    let opened = tokio::select! {
        biased;
        never = session::show(passing, screen) => match never {},
        opened = open::open(connector, url, seen) => opened,
    };
    session::show_rest(passing, screen).await;
    match opened {
        Ok(opened) => Ok(opened),
        Err(error) => {
            let failure = failure::of_connect(&error, url);
            screen.not_opened(&error, &failure.message).await;
            Err(failure)
        }
    }
}

/// Talks, at the prompt if a person may be there.
async fn talk(
    websocket: WebSocket,
    heart: (Option<Pacer>, &Place),
    screen: &Arc<Screen>,
    passing: &mut Passing,
    manners: Manners,
    keep_history: bool,
) -> Result<(), Failure> {
    let (source, keys) = if io::stdin().is_terminal() {
        let (prompt, canvas) =
            Prompt::new(keep_history).map_err(|error| failed("cannot use the terminal", &error))?;
        screen.begin_prompt(canvas).await;
        (Source::Prompt(prompt.lines), Some(prompt.interrupts))
    } else {
        (Source::Pipe, None)
    };
    let interrupts =
        Interrupts::new(keys).map_err(|error| failed("cannot listen to signals", &error))?;
    session::talk(
        websocket, heart, source, interrupts, screen, passing, manners,
    )
    .await
}

fn failed(what: &str, error: &io::Error) -> Failure {
    Failure::new(Status::Failed, format_args!("{what}: {error}"))
}
