use super::connect::TlsArguments;
use crate::{
    bench::{self, Look, Measurement},
    connect::values::{self, Header},
    exit::Failure,
};
use longwire_bench::{Process, echo, fan_out, idle, storm};
use std::time::Duration;

const HELP: &str = "\
By default the server at URL has to be an echo: what it gets it sends back, as
`longwire echo` does. The first answer on each connection is compared with what
was sent.

With --in-flight an answer has the next message sent, which finds out how much a
server can do. How long answers take then says little: whoever is slow gets less
to do. With --rate messages are due at fixed times, and latency is counted from
these, so that a message that had to wait shows (no coordinated omission).

A tcp:// URL is an echo of bare bytes, and tls:// the same behind TLS: the limits
to compare a server with. With TLS the generator costs about as much as what it
measures, since it decrypts all that it gets; look at what it says of `our CPU`.

With --by-line a line on standard input has it measure once more. Two that get
their lines in turns compare two servers by the moment, on a machine where two
runs of one server differ by more than the servers do. Pings that come while it
waits for a line are not answered before it.

Examples:
  longwire bench ws://localhost:8080/
  longwire bench --connections 1000 --in-flight 16 --size 1K ws://localhost:8080/
  longwire bench --compress --size 1K --text ws://localhost:8080/
  longwire bench --rate 5000 --duration 60 ws://localhost:8080/
  longwire bench --storm --pid $(pidof server) ws://localhost:8080/
  longwire bench --idle 0,5000,10000 --pid $(pidof server) ws://localhost:8080/
  longwire bench --fan-out --connections 1000 ws://localhost:8080/channels/bench

Load only what is yours: a public server takes this for an attack.";

#[derive(Debug, clap::Args)]
#[command(after_help = "See --help for what is measured, and for examples.")]
#[command(after_long_help = HELP)]
pub(crate) struct Arguments {
    /// What to measure: ws:// or wss://HOST[:PORT]/PATH, or tcp:// or
    /// tls://HOST:PORT.
    url: String,

    #[command(flatten)]
    mode: ModeArguments,
    #[command(flatten)]
    load: LoadArguments,
    #[command(flatten)]
    tls: TlsArguments,
    #[command(flatten)]
    output: OutputArguments,
}

#[derive(Debug, clap::Args)]
#[command(next_help_heading = "What to measure")]
#[group(multiple = false)]
struct ModeArguments {
    /// Send as many messages a second, on all connections together, whether
    /// answers come or not.
    #[arg(long, value_name = "N", value_parser = rate)]
    rate: Option<f64>,
    /// Open connections and drop them, as many as the server takes.
    #[arg(long)]
    storm: bool,
    /// Hold as many connections, step by step, and look at the memory of --pid.
    #[arg(long, value_name = "N,N,...", value_delimiter = ',', requires = "pid")]
    idle: Vec<usize>,
    /// Publish to a channel: every connection gets what the first one sends.
    #[arg(long)]
    fan_out: bool,
}

#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Load")]
struct LoadArguments {
    /// How many connections. With --storm: how many at once.
    #[arg(short, long, value_name = "N", default_value_t = 50, value_parser = count)]
    connections: usize,
    /// How many messages are in flight on each connection. With --fan-out: how
    /// many publications.
    #[arg(short, long, value_name = "N", default_value_t = 1, conflicts_with_all = ["rate", "storm", "idle"],
          value_parser = clap::value_parser!(u32).range(1..=65_536))]
    in_flight: u32,
    /// The length of a message, in bytes, or with K or M. With --idle: each
    /// connection has echoed one such message.
    #[arg(short, long, value_name = "SIZE", value_parser = size)]
    size: Option<usize>,
    /// Send text in place of binary messages.
    #[arg(short, long)]
    text: bool,
    /// For how many seconds to measure. What is in flight then is waited for, and
    /// counts. With --storm: at most.
    #[arg(short, long, value_name = "SECONDS", default_value = "10", value_parser = values::seconds)]
    duration: Duration,
    /// For how many seconds to send before that.
    #[arg(long, value_name = "SECONDS", default_value = "0.5", value_parser = values::seconds)]
    warm_up: Duration,
    /// With --storm: how many connections at most.
    #[arg(long, value_name = "N", default_value_t = 20_000)]
    limit: u64,
    /// Speak Socket.IO: join the default namespace, and send events named "bench"
    /// with one text. The URL ends in /socket.io/?EIO=4&transport=websocket.
    #[arg(long, conflicts_with = "storm")]
    socket_io: bool,
    /// Offer permessage-deflate without context takeover, and send JSON that was
    /// compressed beforehand. --size is its length before that.
    #[arg(long, conflicts_with = "socket_io")]
    compress: bool,
    /// Add a header to each request; repeatable.
    #[arg(short = 'H', long, value_name = "NAME: VALUE", value_parser = values::header)]
    header: Vec<Header>,
}

#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Output")]
struct OutputArguments {
    /// The server's process, on this machine: tells its CPU time (Linux).
    #[arg(long, value_name = "PID")]
    pid: Option<u32>,
    /// Write the result as a line of JSON.
    #[arg(long)]
    json: bool,
    /// Measure once for each line on standard input, over the same connections.
    #[arg(long)]
    by_line: bool,
}

pub(crate) fn run(arguments: Arguments) -> Result<(), Failure> {
    let tls = arguments.tls.load()?;
    let mut target = bench::target(&arguments.url, &arguments.load.header, &tls)?;
    if arguments.load.socket_io {
        target = target.socket_io();
    }
    if arguments.load.compress {
        target = target.compress();
    }
    let process = arguments.output.pid.map(Process::new).transpose();
    let process = process.map_err(|error| bench::failure(&error))?;
    let look = Look {
        url: arguments.url,
        json: arguments.output.json,
        by_line: arguments.output.by_line,
    };
    let measurement = measurement(arguments.mode, &arguments.load, process);
    bench::run(&target, &measurement, &look)
}

fn measurement(mode: ModeArguments, load: &LoadArguments, process: Option<Process>) -> Measurement {
    if mode.storm {
        let mut options = storm::Options::default();
        options.at_once = load.connections;
        options.limit = load.limit;
        options.duration = load.duration;
        options.process = process;
        return Measurement::Storm(options);
    }
    if let (false, Some(process)) = (mode.idle.is_empty(), &process) {
        let mut options = idle::Options::default();
        options.steps = mode.idle;
        options.steps.sort_unstable();
        options.echo = load.size;
        return Measurement::Idle(options, process.clone());
    }
    if mode.fan_out {
        let mut options = fan_out::Options::default();
        options.subscribers = load.connections;
        options.outstanding = load.in_flight;
        options.size = load.size.unwrap_or(options.size);
        options.text = load.text;
        options.warm_up = load.warm_up;
        options.duration = load.duration;
        options.process = process;
        return Measurement::FanOut(options);
    }
    let mut options = echo::Options::default();
    options.connections = load.connections;
    options.pace = match mode.rate {
        Some(rate) => echo::Pace::Rate(rate),
        None => echo::Pace::InFlight(load.in_flight),
    };
    options.size = load.size.unwrap_or(options.size);
    options.text = load.text;
    options.warm_up = load.warm_up;
    options.duration = load.duration;
    options.process = process;
    Measurement::Echo(options)
}

fn count(text: &str) -> Result<usize, String> {
    let count = text.parse().ok().filter(|count| *count > 0);
    count.ok_or_else(|| "it takes a number from 1 on".to_owned())
}

fn rate(text: &str) -> Result<f64, String> {
    text.parse()
        .ok()
        .filter(|rate| (0.001..=1e8).contains(rate))
        .ok_or_else(|| "it takes a number of messages a second, such as 5000".to_owned())
}

/// What one message may be: the generator holds it.
fn size(text: &str) -> Result<usize, String> {
    const LONGEST: u64 = 1 << 30;
    let size = if text == "0" { 0 } else { values::size(text)? };
    if size > LONGEST {
        return Err("a message is at most 1G long".to_owned());
    }
    Ok(size as usize)
}
