//! `longwire echo`: what a client sends, it gets back.

use crate::{
    exit::Failure,
    listen::{self, announce, block_on, until_stopped},
};
use longwire::{
    Config, WebSocket,
    server::{Pending, Server},
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
    let mut config = Config::server();
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
