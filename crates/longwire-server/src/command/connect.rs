use super::request::RequestArguments;
use crate::{
    connect::{
        self, Heartbeat, Look, Manners, Options, ShowSecrets, Transport,
        values::{self, Interval, Patience},
    },
    exit::Failure,
};
use longwire::tls::ClientTls;
use std::{path::PathBuf, time::Duration};

const HELP: &str = "\
On a terminal there is a prompt with line editing and history. What you type is
sent as a text message; a line that begins with / is a command (/help lists
them). Ctrl-D closes the connection and leaves, and so does Ctrl-C; a second
Ctrl-C leaves at once.

From a pipe or a file, each line is sent as a text message, and what comes is
written to standard output: a text message as a line, a binary message as it is.
At the end of the input the answers are waited for (--wait), and the connection
is closed. With --binary all of the input is sent as one binary message, and
what comes is written as it is, without line ends; both in constant memory.

Examples:
  longwire connect ws://localhost:8080/channels/lobby
  echo hello | longwire connect ws://localhost:8080/channels/lobby
  longwire connect --wait forever --json wss://example.com/feed < /dev/null
  longwire connect --heartbeat learned wss://example.com/feed
  longwire connect --inspect --header 'Authorization: Bearer TOKEN' wss://example.com/

Exit codes:
  0  the connection was closed by you, or by the server with 1000, 1001 or no code
  1  standard input or output failed
  2  wrong command line or URL
  3  no connection: name, network or TLS
  4  the server refused, or is no WebSocket server
  5  the connection was lost, closed with an error code, or before all was sent";

#[derive(Debug, clap::Args)]
#[command(after_help = "See --help for the prompt, pipes, examples and exit codes.")]
#[command(after_long_help = HELP)]
pub(crate) struct Arguments {
    /// Where to connect: ws://HOST[:PORT]/PATH, or wss:// for TLS.
    ///
    /// Credentials as in ws://user:password@host/ are sent as an Authorization
    /// header.
    url: String,

    #[command(flatten)]
    handshake: Box<HandshakeArguments>,
    #[command(flatten)]
    tls: Box<TlsArguments>,
    #[command(flatten)]
    limits: LimitArguments,
    #[command(flatten)]
    input: InputArguments,
    #[command(flatten)]
    output: OutputArguments,
    #[command(flatten)]
    inspection: InspectionArguments,
}

#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Opening handshake")]
struct HandshakeArguments {
    #[command(flatten)]
    request: RequestArguments,
    /// Offer to compress messages (permessage-deflate).
    #[arg(short = 'z', long)]
    compress: bool,
    /// Follow as many redirects.
    #[arg(
        long,
        value_name = "N",
        default_value_t = 0,
        conflicts_with = "inspect"
    )]
    redirects: u32,
}

#[derive(Debug, clap::Args)]
#[command(next_help_heading = "TLS")]
pub(super) struct TlsArguments {
    /// Take any certificate. Whoever is on the way can then read and change
    /// everything.
    #[arg(short = 'k', long)]
    insecure: bool,
    /// Trust the authorities in this PEM file too (or a self-signed
    /// certificate).
    #[arg(long, value_name = "FILE")]
    cacert: Option<PathBuf>,
    /// Present the certificate in this PEM file.
    #[arg(long, value_name = "FILE")]
    cert: Option<PathBuf>,
    /// The PEM file with its private key, if that is another one.
    #[arg(long, value_name = "FILE", requires = "cert")]
    key: Option<PathBuf>,
}

#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Times and limits")]
struct LimitArguments {
    /// How many seconds each step of connecting may take.
    #[arg(long, value_name = "SECONDS", default_value = "15", value_parser = values::seconds)]
    timeout: Duration,
    /// After how much silence a Ping is sent: seconds, as in 25s, or `none`; or
    /// `learned`, for as seldom as the path allows.
    ///
    /// It is learned by spare connections to the same server, at most four at a
    /// time, which stay silent and then ask whether they are still there. The
    /// connection itself is never put at risk.
    #[arg(
        long,
        alias = "ping-interval",
        value_name = "TIME",
        default_value = "30s",
        value_parser = values::interval
    )]
    heartbeat: Interval,
    /// Keep what is learned of heartbeats in this file.
    ///
    /// Without this it is longwire/heartbeats in $XDG_STATE_HOME, or in
    /// ~/.local/state.
    #[arg(long, value_name = "FILE")]
    heartbeat_store: Option<PathBuf>,
    /// The longest message to receive, in bytes, or with K, M or G. Without
    /// effect on messages that are written as they come (--binary).
    #[arg(long, value_name = "SIZE", default_value = "16M", value_parser = values::size)]
    max_message_size: u64,
}

#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Input")]
struct InputArguments {
    /// Send binary: all of a piped input as one message, or each line at the
    /// prompt. Piped output is written as it comes, without line ends.
    #[arg(short, long, conflicts_with = "json")]
    binary: bool,
    /// Once all of a piped input is sent, close when nothing has come for as
    /// many seconds; `forever` leaves closing to the server.
    #[arg(short, long, value_name = "SECONDS", default_value = "1", value_parser = values::patience)]
    wait: Patience,
    /// Close when as many messages were received.
    #[arg(short = 'n', long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    count: Option<u64>,
    /// Neither read nor write the history of the prompt.
    #[arg(long)]
    no_history: bool,
}

#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Output")]
struct OutputArguments {
    /// Write each message and event as a line of JSON, with its `type`: open,
    /// text, binary (in base64), pong, close, error; with --inspect also
    /// dialed, handshake, frame, broken; with --heartbeat learned also heartbeat.
    #[arg(long)]
    json: bool,
    /// Say nothing of the connection on standard error, except errors.
    #[arg(short, long)]
    quiet: bool,
}

#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Inspection")]
struct InspectionArguments {
    /// Show the handshake's request and response, and then every frame.
    ///
    /// They go to standard error. For each frame: the time, whether it was sent
    /// (→) or received (←), its opcode, its flags, the length of its payload,
    /// and the payload's beginning; for a Pong the round-trip time. For the last
    /// frame of a compressed message: the length and the beginning of what it
    /// was compressed from.
    #[arg(short, long)]
    inspect: bool,
    /// Do not mask credentials in what --inspect shows.
    #[arg(long, requires = "inspect")]
    show_secrets: bool,
}

pub(crate) fn run(arguments: Arguments) -> Result<(), Failure> {
    let Arguments {
        url,
        handshake,
        tls,
        limits,
        input,
        output,
        inspection,
    } = arguments;
    connect::run(Options {
        url: connect::url(&url)?,
        transport: Transport {
            headers: handshake.request.header,
            origin: handshake.request.origin,
            subprotocols: handshake.request.subprotocol,
            compress: handshake.compress,
            redirects: handshake.redirects,
            proxy: handshake.request.proxy,
            tls: tls.load()?,
            timeout: limits.timeout,
            heartbeat: Heartbeat::new(limits.heartbeat, limits.heartbeat_store)?,
            max_message_size: limits.max_message_size,
        },
        look: Look {
            json: output.json,
            quiet: output.quiet,
            inspect: inspection
                .inspect
                .then_some(ShowSecrets(inspection.show_secrets)),
        },
        manners: Manners {
            binary: input.binary,
            wait: input.wait,
            count: input.count,
        },
        keep_history: !input.no_history,
    })
}

impl TlsArguments {
    pub(super) fn load(&self) -> Result<ClientTls, Failure> {
        connect::tls(
            self.insecure,
            self.cacert.as_deref(),
            self.cert.as_deref(),
            self.key.as_deref(),
        )
    }
}
