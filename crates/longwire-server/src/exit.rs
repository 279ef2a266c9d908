//! How the program ends: a message for a person, a code for a script.

use std::{fmt, process::ExitCode};

/// Why a command failed.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) status: Status,
    /// What was wrong, and what to do.
    pub(crate) message: String,
}

/// The exit codes, as documented in `longwire --help`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Status {
    /// Something failed while it ran: input or output, the transport.
    Failed = 1,
    /// The command line or a URL is wrong. (clap uses 2 for the former.)
    Usage = 2,
    /// No connection: the name, the network, TLS, a port in use.
    Unreachable = 3,
    /// The server refused the opening handshake, or is no WebSocket server.
    Refused = 4,
    /// The connection was lost, or closed with an error code.
    Closed = 5,
}

impl Failure {
    pub(crate) fn new(status: Status, message: impl fmt::Display) -> Failure {
        Failure {
            status,
            message: message.to_string(),
        }
    }
}

/// Says what failed, and turns it into the exit code.
pub(crate) fn code(result: Result<(), Failure>) -> ExitCode {
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("longwire: {}", failure.message);
            ExitCode::from(failure.status as u8)
        }
    }
}
