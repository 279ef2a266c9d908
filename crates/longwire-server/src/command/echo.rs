//! `longwire echo`: what a client sends, it gets back.

use crate::{
    exit::Failure,
    listen::{self, announce, block_on, stopped, until_stopped},
};
use longwire::{
    Config, MessageRef, WebSocket,
    server::{Pending, Refusal, Request, Server},
    worker::{Acceptance, Handler, Peer},
};

#[derive(Debug, clap::Args)]
#[group(skip)]
pub(crate) struct Arguments {
    #[command(flatten)]
    listen: listen::Arguments,

    /// The longest message that is taken, in bytes.
    #[arg(long, value_name = "BYTES", default_value_t = 64 << 20)]
    max_message_size: u64,

    /// How connections are driven: by a task each, or by one event loop for
    /// each core (no TLS yet).
    #[arg(long, value_enum, value_name = "HOW", default_value = "tokio")]
    io: Io,
}

#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum Io {
    Tokio,
    Worker,
}

pub(crate) fn run(arguments: Arguments) -> Result<(), Failure> {
    match arguments.io {
        Io::Tokio => run_on_tokio(arguments),
        Io::Worker => run_on_workers(&arguments),
    }
}

fn run_on_workers(arguments: &Arguments) -> Result<(), Failure> {
    let config = config(arguments);
    let echo = Echo {
        subprotocols: arguments.listen.subprotocol.clone(),
    };
    let engine = arguments.listen.start_engine(echo, config)?;
    announce(&format!("Echo: ws://{}/", engine.local_addr()));
    block_on(async {
        stopped().await;
        engine.handle().shutdown();
        let closed = tokio::task::spawn_blocking(|| engine.wait());
        tokio::select! {
            _ = closed => {}
            // Again: at once.
            () = stopped() => std::process::exit(0),
        }
        Ok(())
    })
}

struct Echo {
    subprotocols: Vec<String>,
}

impl Handler for Echo {
    type Data = ();

    fn on_request(&self, request: &Request) -> Result<(Acceptance, ()), Refusal> {
        let spoken = if self.subprotocols.is_empty() {
            request.subprotocols().first()
        } else {
            request.select_subprotocol(&self.subprotocols)
        };
        let acceptance = Acceptance::new();
        Ok(match spoken {
            Some(spoken) => (acceptance.subprotocol(spoken.as_str()), ()),
            None => (acceptance, ()),
        })
    }

    fn on_message<'m>(
        &self,
        _: &mut Peer<'_, ()>,
        message: MessageRef<'m>,
    ) -> Option<MessageRef<'m>> {
        Some(message)
    }
}

fn run_on_tokio(arguments: Arguments) -> Result<(), Failure> {
    block_on(async move {
        let server = arguments.listen.bind(config(&arguments)).await?;
        let (_, scheme) = arguments.listen.schemes();
        announce(&format!("Echo: {scheme}://{}/", server.local_addr()));
        let subprotocols = arguments.listen.subprotocol;
        until_stopped(server, async |server| accept(server, &subprotocols).await).await;
        Ok(())
    })
}

/// Limits wide enough for any test of a WebSocket client: the testsuites send
/// 16 MiB in fragments of 64 bytes.
fn config(arguments: &Arguments) -> Config {
    let mut config = arguments.listen.config();
    config.limits.max_message_size = arguments.max_message_size;
    config.limits.max_frame_size = arguments.max_message_size;
    config.limits.max_fragments = u32::MAX;
    config.limits.max_control_frames = u32::MAX;
    config
}

async fn accept(server: &mut Server, subprotocols: &[String]) {
    while let Some(pending) = server.accept().await {
        let pending = select(pending, subprotocols);
        tokio::spawn(async move {
            match pending.accept().await {
                Ok(ws) => echo(ws).await,
                Err(error) => tracing::debug!(%error, "not accepted"),
            }
        });
    }
}

/// Speaks one of the configured subprotocols; any, if none is configured.
pub(crate) fn select(pending: Pending, subprotocols: &[String]) -> Pending {
    if subprotocols.is_empty() {
        pending.select_first_offered()
    } else {
        pending.select_subprotocol(subprotocols)
    }
}

async fn echo(mut ws: WebSocket) {
    while let Some(Ok(message)) = ws.next().await {
        if ws.send(message).await.is_err() {
            break;
        }
    }
}
