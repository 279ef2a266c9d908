//! `longwire echo`: what a client sends, it gets back.

use crate::{
    exit::Failure,
    listen::{self, Io, block_on},
    subprotocol,
};
use longwire::{
    Config, MessageRef, WebSocket,
    server::{Refusal, Server},
    worker::{Acceptance, Handler, Opening, Peer},
};

#[derive(Debug, clap::Args)]
#[group(skip)]
pub(crate) struct Arguments {
    #[command(flatten)]
    listen: listen::Arguments,

    /// The longest message that is taken, in bytes.
    #[arg(long, value_name = "BYTES", default_value_t = 64 << 20)]
    max_message_size: u64,
}

pub(crate) fn run(arguments: Arguments) -> Result<(), Failure> {
    match arguments.listen.io {
        Io::Tokio => run_on_tokio(arguments),
        Io::Worker => run_on_workers(&arguments),
    }
}

fn run_on_workers(arguments: &Arguments) -> Result<(), Failure> {
    let config = config(arguments);
    let echo = Echo {
        subprotocols: arguments.listen.subprotocol.clone(),
    };
    let engine = arguments.listen.start_engine(echo, config, None)?;
    let (_, scheme) = arguments.listen.schemes();
    let line = format!("Echo: {scheme}://{}/", engine.local_addr());
    block_on(async {
        arguments.listen.stop.wait(&line, engine).await;
        Ok(())
    })
}

struct Echo {
    subprotocols: Vec<String>,
}

impl Handler for Echo {
    type Data = ();

    fn on_request(&self, opening: &Opening<'_>) -> Result<(Acceptance, ()), Refusal> {
        Ok((subprotocol::acceptance(opening, &self.subprotocols), ()))
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
        let line = format!("Echo: {scheme}://{}/", server.local_addr());
        let subprotocols = &arguments.listen.subprotocol;
        let serve = async |server: &mut Server| accept(server, subprotocols).await;
        arguments.listen.stop.serve(&line, server, serve).await;
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
        let pending = subprotocol::select(pending, subprotocols);
        tokio::spawn(async move {
            match pending.accept().await {
                Ok(ws) => echo(ws).await,
                Err(error) => tracing::debug!(%error, "not accepted"),
            }
        });
    }
}

async fn echo(mut ws: WebSocket) {
    while let Some(Ok(message)) = ws.next().await {
        if ws.send(message).await.is_err() {
            break;
        }
    }
}
