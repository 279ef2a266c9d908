//! `longwire serve`: the page and the channels.

use crate::{
    exit::Failure,
    listen::{self, Io, block_on},
    server::{App, HostPolicy, OnWorkers},
};
use longwire::{Config, server::Server, worker::HttpFallback};
use longwire_hub::HubConfig;
use std::{fmt::Display, sync::Arc};
use tokio::runtime::Handle;

#[derive(Debug, clap::Args)]
#[group(skip)]
pub(crate) struct Arguments {
    #[command(flatten)]
    listen: listen::Arguments,

    /// Answer requests for this host name too. A server that listens on
    /// loopback answers only for names of loopback, so that no web page can
    /// reach it by a name of its own (DNS rebinding); repeatable.
    #[arg(long, value_name = "HOST")]
    allow_host: Vec<String>,

    /// The longest message that is taken, in bytes.
    #[arg(long, value_name = "BYTES", default_value_t = 1 << 20)]
    max_message_size: u64,

    /// How many messages each channel keeps for subscribers that are behind.
    #[arg(long, value_name = "COUNT", default_value_t = 1024)]
    log_count: usize,

    /// How many bytes of messages each channel keeps for them.
    #[arg(long, value_name = "BYTES", default_value_t = 8 << 20)]
    log_bytes: usize,
}

/// How much may wait to be written to a client. What it has not taken beyond
/// that waits in its channel's log, which all share.
const QUEUE: usize = 64 << 10;

pub(crate) fn run(arguments: Arguments) -> Result<(), Failure> {
    block_on(async move {
        let mut config = arguments.listen.config();
        config.limits.max_message_size = arguments.max_message_size;
        config.limits.max_frame_size = arguments.max_message_size;
        config.limits.max_queued_output = QUEUE;
        let mut hub = HubConfig::default();
        hub.max_log_count = arguments.log_count;
        hub.max_log_bytes = arguments.log_bytes;

        let listen = arguments.listen;
        let hosts = HostPolicy::new(listen.listen.ip(), arguments.allow_host);
        let app = Arc::new(App::new(hub, hosts, listen.subprotocol.clone()));
        match listen.io {
            Io::Worker => on_workers(&listen, config, app).await,
            Io::Tokio => on_tokio(&listen, config, app).await,
        }
    })
}

async fn on_workers(
    listen: &listen::Arguments,
    config: Config,
    app: Arc<App>,
) -> Result<(), Failure> {
    let pages = Arc::clone(&app);
    let http = HttpFallback::new(Handle::current(), move |http| pages.pages(http));
    let engine = listen.start_engine(OnWorkers(app), config, Some(http))?;
    let lines = lines(listen, engine.local_addr());
    listen.stop.wait(&lines, engine).await;
    Ok(())
}

async fn on_tokio(
    listen: &listen::Arguments,
    config: Config,
    app: Arc<App>,
) -> Result<(), Failure> {
    let server = listen.bind(config).await?;
    let lines = lines(listen, server.local_addr());
    let serve = async |server: &mut Server| app.serve(server).await;
    listen.stop.serve(&lines, server, serve).await;
    Ok(())
}

/// What to say of where it serves.
fn lines(listen: &listen::Arguments, address: impl Display) -> String {
    let (page, socket) = listen.schemes();
    format!(
        "Chat:     {page}://{address}/   (open it in two windows)\n\
         Channels: {socket}://{address}/channels/NAME",
    )
}
