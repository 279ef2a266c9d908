//! What `connect` and `probe` say in the opening handshake, and on which way.

use crate::connect::values::{self, Header, ProxyChoice};

#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Opening handshake")]
pub(super) struct RequestArguments {
    /// Add a header to the request; repeatable.
    #[arg(short = 'H', long, value_name = "NAME: VALUE", value_parser = values::header)]
    pub(super) header: Vec<Header>,
    /// Say that the page of this origin connects, as a browser does.
    #[arg(short, long, value_name = "ORIGIN")]
    pub(super) origin: Option<String>,
    /// Offer a subprotocol; repeatable, the most wanted one first.
    #[arg(short, long, value_name = "NAME")]
    pub(super) subprotocol: Vec<String>,
    /// Connect through this proxy: http://HOST:PORT or socks5://HOST:PORT, with
    /// USER:PASSWORD@ before the host if it wants them; `none` for no proxy.
    ///
    /// Without this, HTTP_PROXY (for ws://), HTTPS_PROXY (for wss://), ALL_PROXY
    /// and NO_PROXY say which proxy there is.
    #[arg(long, value_name = "URL", value_parser = values::proxy)]
    pub(super) proxy: Option<ProxyChoice>,
}
