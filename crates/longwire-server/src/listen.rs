//! Listening: what `serve` and `echo` have in common.

use crate::{
    connect::values,
    exit::{Failure, Status},
    proxies::Proxies,
    stop::StopArguments,
};
use longwire::{
    Config, DeflateConfig,
    proto::heartbeat::CanaryBudget,
    server::{Listener, Options, OriginPolicy, Server},
    tls::ServerTls,
    worker::{Engine, EngineOptions, Handler, HttpFallback},
};
use std::{io, net::SocketAddr, path::PathBuf, time::Duration};

/// Where to listen, and whom to let in.
#[derive(Debug, clap::Args)]
#[group(skip)]
pub(crate) struct Arguments {
    /// The address to listen on. Port 0 takes any free port.
    #[arg(long, value_name = "ADDR:PORT", default_value = "127.0.0.1:8080")]
    pub(crate) listen: SocketAddr,

    /// Speak this subprotocol to clients that offer it; repeatable. Without
    /// it the first one that a client offers is spoken, because a browser
    /// fails the connection when its offer goes unanswered.
    #[arg(long, value_name = "NAME")]
    pub(crate) subprotocol: Vec<String>,

    /// Let pages of this origin open a WebSocket here, such as
    /// https://example.com; repeatable. `*` lets in pages of any origin.
    /// Pages of the same host, and clients that are no pages, are always let
    /// in.
    #[arg(long, value_name = "ORIGIN")]
    allow_origin: Vec<String>,

    /// Compress nothing, whatever clients offer. Without it messages of 256
    /// bytes and more are compressed (permessage-deflate), each by itself.
    #[arg(long)]
    no_compress: bool,

    /// How long a client that says that it keeps its connection alive may be
    /// silent before it counts as gone. Others are pinged.
    #[arg(long, value_name = "SECONDS", default_value = "3600", value_parser = silence)]
    max_silence: Duration,

    /// How many canaries are held at one time: connections with which clients
    /// find out how long one may be silent on their path. 0 forbids them.
    #[arg(long, value_name = "COUNT", default_value_t = 1000)]
    max_canaries: usize,

    /// The certificate chain for wss://, a PEM file.
    #[arg(long, value_name = "FILE", requires = "tls_key")]
    tls_cert: Option<PathBuf>,

    /// The private key of --tls-cert, a PEM file.
    #[arg(long, value_name = "FILE", requires = "tls_cert")]
    tls_key: Option<PathBuf>,

    #[command(flatten)]
    proxies: Proxies,

    #[command(flatten)]
    pub(crate) stop: StopArguments,

    /// How connections are driven: by one event loop for each core, or by a
    /// task each.
    #[arg(long, value_enum, value_name = "HOW", default_value = "worker")]
    pub(crate) io: Io,
}

/// What drives the connections.
#[derive(Debug, Clone, Copy, clap::ValueEnum)]
pub(crate) enum Io {
    Worker,
    Tokio,
}

impl Arguments {
    /// The configuration of a server; the program's own limits come on top.
    pub(crate) fn config(&self) -> Config {
        let mut config = Config::server();
        config.deflate = (!self.no_compress).then(DeflateConfig::server);
        config.max_silence = self.max_silence;
        config.canaries = CanaryBudget::new(self.max_canaries).into();
        config
    }

    /// Listens.
    pub(crate) async fn bind(&self, config: Config) -> Result<Server, Failure> {
        let mut options = Options::default();
        options.config = config.into();
        options.origin = self.origin_policy();
        options.origin_setting = "--allow-origin".into();
        options.proxies = self.proxies.trusted();
        options.tls = self.tls()?;
        let listener = Listener::bind(self.listen).await;
        let listener = listener.map_err(|error| self.cannot_bind(&error))?;
        Ok(Server::listen(listener, options))
    }

    /// Listens, and serves on event loops. `http` answers what asks for no
    /// WebSocket.
    pub(crate) fn start_engine(
        &self,
        handler: impl Handler,
        config: Config,
        http: Option<HttpFallback>,
    ) -> Result<Engine, Failure> {
        let mut options = EngineOptions::default();
        options.config = config.into();
        options.origin = self.origin_policy();
        options.origin_setting = "--allow-origin".into();
        options.proxies = self.proxies.trusted();
        options.tls = self.tls()?;
        options.http = http;
        let listener = std::net::TcpListener::bind(self.listen);
        let listener = listener.map_err(|error| self.cannot_bind(&error))?;
        Engine::start(&listener, handler, options)
            .map_err(|error| Failure::new(Status::Failed, format!("cannot start: {error}")))
    }

    /// The schemes of the addresses to print: of the page, and of the WebSocket.
    pub(crate) fn schemes(&self) -> (&'static str, &'static str) {
        match self.tls_cert {
            None => ("http", "ws"),
            Some(_) => ("https", "wss"),
        }
    }

    fn tls(&self) -> Result<Option<ServerTls>, Failure> {
        let (Some(chain), Some(key)) = (&self.tls_cert, &self.tls_key) else {
            return Ok(None);
        };
        let tls = ServerTls::from_pem_files(chain, key);
        tls.map(Some)
            .map_err(|error| Failure::new(Status::Usage, error))
    }

    fn origin_policy(&self) -> OriginPolicy {
        if self.allow_origin.iter().any(|origin| origin == "*") {
            return OriginPolicy::Any;
        }
        OriginPolicy::SameHostOr(self.allow_origin.clone())
    }

    fn cannot_bind(&self, error: &io::Error) -> Failure {
        let address = self.listen;
        let what = match error.kind() {
            io::ErrorKind::AddrInUse => format!(
                "{address} is in use: another program listens there. Stop it, or choose another \
                 port, for example --listen {}:{}",
                Host(address),
                address.port().wrapping_add(1).max(1024),
            ),
            io::ErrorKind::AddrNotAvailable => format!(
                "{address} is no address of this machine. Use 127.0.0.1 for this machine alone, \
                 or 0.0.0.0 for every network it is on"
            ),
            io::ErrorKind::PermissionDenied => format!(
                "this user may not listen on {address}. Ports below 1024 need a privilege; \
                 choose a higher one, for example --listen {}:8080",
                Host(address),
            ),
            _ => format!("cannot listen on {address}: {error}"),
        };
        Failure::new(Status::Unreachable, what)
    }
}

/// What is less than a second no client could keep to.
fn silence(text: &str) -> Result<Duration, String> {
    let time = values::seconds(text)?;
    let enough = time >= Duration::from_secs(1);
    enough
        .then_some(time)
        .ok_or_else(|| "it takes at least 1 second".to_owned())
}

/// The host of an address, as it stands before a port.
struct Host(SocketAddr);

impl std::fmt::Display for Host {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.0 {
            SocketAddr::V4(address) => address.ip().fmt(f),
            SocketAddr::V6(address) => write!(f, "[{}]", address.ip()),
        }
    }
}

/// Says where the server is. It serves on if nobody listens to that any more.
pub(crate) fn announce(lines: &str) {
    use io::Write as _;
    let mut stdout = io::stdout().lock();
    let _ = writeln!(stdout, "{lines}").and_then(|()| stdout.flush());
}

/// Runs `serve` on a runtime of its own.
pub(crate) fn block_on<T>(serve: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    let runtime = tokio::runtime::Runtime::new()
        .map_err(|error| Failure::new(Status::Failed, format!("cannot start: {error}")))?;
    runtime.block_on(serve)
}
