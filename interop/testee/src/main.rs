//! Longwire's client, for other people's suites and servers to meet.
//!
//! ```text
//! interop-testee autobahn ws://127.0.0.1:PORT
//! interop-testee deflate
//! interop-testee client-check [--peer-closes] ws://127.0.0.1:PORT
//! ```

mod autobahn;
mod checks;
mod deflate;
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
        _ => Err("usage: interop-testee deflate|autobahn|client-check [--peer-closes] URL".into()),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("interop-testee: {error}");
            ExitCode::FAILURE
        }
    }
}

type Result<T = ()> = std::result::Result<T, Box<dyn std::error::Error>>;
