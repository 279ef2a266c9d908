//! `longwire`: a realtime WebSocket server and client that runs from one
//! command.
#![forbid(unsafe_code)]

mod bench;
mod command;
mod connect;
mod exit;
mod listen;
mod logging;
mod probe;
mod proxies;
mod server;
mod stop;
mod subprotocol;

use clap::Parser as _;
use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments = command::Arguments::parse();
    logging::start(arguments.verbose);
    exit::code(arguments.run())
}
