//! A client that stays connected, and learns how seldom it has to beat.
//!
//! ```text
//! cargo run -p longwire-examples --example echo
//! cargo run -p longwire-examples --example heartbeat
//! ```
//!
//! On loopback nothing forgets a connection, so half an hour of silence is what
//! it learns, within half an hour. Give it the URL of a server that you may
//! connect to, and it finds out what is on the way there. What it learns is kept
//! in the file `heartbeats`, and the next run begins with it.

use longwire::{
    heartbeat::{self, Beat, FileStore, Heartbeat, LearningConfig},
    reconnecting::{Event, Reconnecting},
};
use std::{env, error::Error};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let url = env::args().nth(1);
    let url = url.unwrap_or_else(|| "ws://127.0.0.1:9001/".to_owned());
    let store = FileStore::new("heartbeats");
    let mut ws = connect(&url, LearningConfig::default(), store, |line| {
        println!("{line}");
    })?;
    while let Some(message) = ws.next().await {
        println!("Received {:?}", message?);
    }
    Ok(())
}

/// Connects for good, and tells `tell` what happens.
pub(crate) fn connect(
    url: &str,
    config: LearningConfig,
    store: FileStore,
    tell: impl Fn(String) + Send + Sync + 'static,
) -> Result<Reconnecting, Box<dyn Error>> {
    let ws = longwire::reconnecting(url)
        .heartbeat(Heartbeat::Learned(config))
        .heartbeat_store(store)
        .on_event(move |event| match event {
            Event::Open { url, .. } => tell(format!("Connected to {url}")),
            Event::Lost { cause, next_try_in } => {
                tell(format!("{cause}; next try in {next_try_in:?}"));
            }
            Event::GaveUp(cause) => tell(format!("Gave up: {cause}")),
            Event::Heartbeat(event) => tell(heartbeat(event)),
            _ => {}
        })
        .build()?;
    Ok(ws)
}

fn heartbeat(event: &heartbeat::Event<'_>) -> String {
    match event {
        heartbeat::Event::Beat { beat, settled } => {
            let state = if *settled { "settled" } else { "learning" };
            match beat {
                Beat::Every(interval) => format!("A Ping after {interval:?} of silence, {state}"),
                Beat::Peer(interval) => format!("The server pings every {interval:?}, {state}"),
            }
        }
        heartbeat::Event::Forgotten { silence } => {
            format!("{silence:?} of silence was too long; beginning anew")
        }
        heartbeat::Event::StoreFailed(error) => format!("What is learned is not kept: {error}"),
        other => format!("{other:?}"),
    }
}
