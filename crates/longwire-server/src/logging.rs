//! What is logged, and where.

use std::io::IsTerminal as _;
use tracing_subscriber::EnvFilter;

/// Logs to standard error: what `LONGWIRE_LOG` asks for, or else warnings, and
/// more with each `-v`.
pub(crate) fn start(verbose: u8) {
    let level = match verbose {
        0 => "warn",
        1 => "longwire=info,warn",
        2 => "longwire=debug,info",
        _ => "trace",
    };
    let filter = EnvFilter::try_from_env("LONGWIRE_LOG").unwrap_or_else(|_| EnvFilter::new(level));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .init();
}
