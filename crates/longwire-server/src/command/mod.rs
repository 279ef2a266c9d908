//! The command line: one file for each command.

mod bench;
mod connect;
mod echo;
mod probe;
mod request;
mod serve;

use crate::exit::Failure;
use clap::{ArgAction, Parser, Subcommand};

const EXIT_CODES: &str = "\
Exit codes:
  0  done
  1  failed while running
  2  wrong command line or URL
  3  no connection: name, network, TLS, or a port in use
  4  the opening handshake was refused
  5  the connection was lost or closed with an error code";

/// A realtime WebSocket server and client.
///
/// Without a command it serves: `longwire` is `longwire serve`.
#[derive(Debug, Parser)]
#[command(name = "longwire", version, after_help = EXIT_CODES, subcommand_negates_reqs = true)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct Arguments {
    /// Say more of what happens, on standard error; repeat for even more.
    /// The variable LONGWIRE_LOG sets it in detail (longwire=debug).
    #[arg(short, long, global = true, action = ArgAction::Count)]
    pub(crate) verbose: u8,

    #[command(subcommand)]
    command: Option<Command>,

    #[command(flatten)]
    serve: serve::Arguments,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Serve the chat page and the channels (the default).
    Serve(serve::Arguments),
    /// Serve an echo on any path: what a client sends, it gets back.
    Echo(echo::Arguments),
    /// Connect to a server and talk to it from the terminal.
    Connect(connect::Arguments),
    /// Explain the path to a server: steps, times, who drops it when it is idle.
    Probe(probe::Arguments),
    /// Measure a server: throughput, latency, handshakes, memory, fan-out.
    Bench(bench::Arguments),
}

impl Arguments {
    pub(crate) fn run(self) -> Result<(), Failure> {
        match self.command {
            None => serve::run(self.serve),
            Some(Command::Serve(arguments)) => serve::run(arguments),
            Some(Command::Echo(arguments)) => echo::run(arguments),
            Some(Command::Connect(arguments)) => connect::run(arguments),
            Some(Command::Probe(arguments)) => probe::run(arguments),
            Some(Command::Bench(arguments)) => bench::run(arguments),
        }
    }
}
