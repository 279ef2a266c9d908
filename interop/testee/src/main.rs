//! Longwire's client, for other people's suites and servers to meet.
//!
//! ```text
//! interop-testee autobahn ws://127.0.0.1:PORT
//! interop-testee deflate
//! interop-testee client-check [--peer-closes] ws://127.0.0.1:PORT
//! interop-testee path-client PATTERN ws://HOST:PORT PING_MILLIS
//! interop-testee path-server HOST:PORT async|worker PING_MILLIS
//! ```

mod autobahn;
mod checks;
mod deflate;
mod path;
mod payload;

use std::process::ExitCode;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let done = match arguments[..] {
        ["deflate"] => deflate::run(),
        ["autobahn", url] => autobahn::run(url).await,
        ["client-check", url] => checks::run(url, false).await,
        ["client-check", "--peer-closes", url] => checks::run(url, true).await,
        ["path-client", pattern, url, ping] => path::client(pattern, url, ping).await,
        ["path-server", address, driver, ping] => path::server(address, driver, ping).await,
        _ => Err(USAGE.into()),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("interop-testee: {error}");
            ExitCode::FAILURE
        }
    }
}

const USAGE: &str = "usage: interop-testee deflate
       interop-testee autobahn|client-check [--peer-closes] URL
       interop-testee path-client PATTERN URL PING_MILLIS
       interop-testee path-server ADDRESS async|worker PING_MILLIS";

type Result<T = ()> = std::result::Result<T, Box<dyn std::error::Error>>;
