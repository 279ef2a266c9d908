//! `longwire serve`: the page and the channels.

use crate::{
    exit::Failure,
    listen::{self, announce, block_on, until_stopped},
    server::{App, HostPolicy},
};
use longwire_hub::HubConfig;

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

pub(crate) fn run(arguments: Arguments) -> Result<(), Failure> {
    block_on(async move {
        let mut config = arguments.listen.config();
        config.limits.max_message_size = arguments.max_message_size;
        config.limits.max_frame_size = arguments.max_message_size;
        let server = arguments.listen.bind(config).await?;

        let mut hub = HubConfig::default();
        hub.max_log_count = arguments.log_count;
        hub.max_log_bytes = arguments.log_bytes;
        let hosts = HostPolicy::new(arguments.listen.listen.ip(), arguments.allow_host);
        let app = App::new(hub, hosts, arguments.listen.subprotocol.clone());

        let (page, socket) = arguments.listen.schemes();
        let address = server.local_addr();
        announce(&format!(
            "Chat:     {page}://{address}/   (open it in two windows)\n\
             Channels: {socket}://{address}/channels/NAME",
        ));
        until_stopped(server, async |server| app.serve(server).await).await;
        Ok(())
    })
}
