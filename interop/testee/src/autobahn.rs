//! The client that the Autobahn testsuite's `fuzzingserver` tests.

use crate::Result;
use longwire::{Config, Connector, DeflateConfig, Message, WebSocket};

const AGENT: &str = "longwire";

/// Runs every case that the server has, and has it write the report.
pub(crate) async fn run(url: &str) -> Result {
    let connector = Connector::builder().config(config()).build()?;
    let mut counting = connector.connect(format!("{url}/getCaseCount")).await?;
    let count = counting.next().await.ok_or("no case count came")??;
    let count: u32 = count
        .as_text()
        .ok_or("the case count is no text")?
        .parse()?;
    for case in 1..=count {
        let url = format!("{url}/runCase?case={case}&agent={AGENT}");
        echo(connector.connect(url).await?).await;
    }
    let url = format!("{url}/updateReports?agent={AGENT}");
    let mut reporting = connector.connect(url).await?;
    while reporting.next().await.is_some() {}
    println!("{count} cases run");
    Ok(())
}

/// The suite sends 16 MiB in fragments of 64 bytes.
fn config() -> Config {
    let mut config = Config::client();
    config.deflate = Some(DeflateConfig::client());
    config.limits.max_message_size = 64 << 20;
    config.limits.max_frame_size = 64 << 20;
    config.limits.max_fragments = u32::MAX;
    config.limits.max_control_frames = u32::MAX;
    config
}

/// How it ends is what the suite judges.
async fn echo(mut ws: WebSocket) {
    while let Some(Ok(message)) = ws.next().await {
        let message: Message = message;
        if ws.send(message).await.is_err() {
            break;
        }
    }
    while ws.next().await.is_some() {}
}
