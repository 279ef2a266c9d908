//! Checks of our client against a stranger's echo server. Their names are those
//! of `xtask/src/strangers/matrix.rs`.

use crate::{Result, payload};
use longwire::{
    CloseCode, CloseFrame, CloseInfo, Config, Connector, ConnectorBuilder, DeflateConfig, Message,
    WebSocket, proto::extension::Extension,
};
use std::time::Duration;

const LIMIT: Duration = Duration::from_secs(20);

pub(crate) async fn run(url: &str, peer_closes: bool) -> Result {
    let mut report = Report { failed: 0 };
    for (name, message) in payload::echoes() {
        report.check(&name, echo(url, message)).await;
    }
    report.check("fragmented", fragmented(url)).await;
    report.check("ping", ping(url)).await;
    report.check("pipelined", pipelined(url)).await;
    report
        .check("permessage-deflate", permessage_deflate(url))
        .await;
    report.check("subprotocol", subprotocol(url)).await;
    for code in [1000, 3000, 4999] {
        report
            .check(&format!("close-{code}"), close(url, code))
            .await;
    }
    report
        .check("close-without-code", close_without_code(url))
        .await;
    if peer_closes {
        for code in [1000, 1011, 3000, 4999] {
            let url = format!("{url}/close/{code}");
            let closed = peer_close(&url, CloseCode::new(code));
            report.check(&format!("peer-close-{code}"), closed).await;
        }
        let url = format!("{url}/close/none");
        let closed = peer_close(&url, CloseCode::NO_STATUS_RECEIVED);
        report.check("peer-close-without-code", closed).await;
    }
    report.check("peer-going-away-1001", going_away(url)).await;
    match report.failed {
        0 => Ok(()),
        failed => Err(format!("{failed} checks failed").into()),
    }
}

struct Report {
    failed: u32,
}

impl Report {
    async fn check(&mut self, name: &str, check: impl Future<Output = Result>) {
        let done = match tokio::time::timeout(LIMIT, check).await {
            Ok(done) => done,
            Err(_) => Err(format!("not done after {LIMIT:?}").into()),
        };
        match done {
            Ok(()) => println!("ok {name}"),
            Err(error) => {
                self.failed += 1;
                println!("FAIL {name}: {error}");
            }
        }
    }
}

fn client() -> ConnectorBuilder {
    let mut config = Config::client();
    config.deflate = Some(DeflateConfig::client());
    config.limits.max_message_size = 64 << 20;
    config.limits.max_frame_size = 64 << 20;
    // For the proxies of `client-proxies`.
    Connector::builder().config(config).proxy_from_environment()
}

async fn connect(url: &str) -> Result<WebSocket> {
    Ok(client().build()?.connect(url).await?)
}

async fn receive(ws: &mut WebSocket) -> Result<Message> {
    Ok(ws.next().await.ok_or("the connection was closed")??)
}

fn expect_same(received: &Message, sent: &Message) -> Result {
    if received == sent {
        return Ok(());
    }
    let what = |message: &Message| format!("{:?} of {} bytes", message.kind(), message.len());
    Err(format!("{} came back for {}", what(received), what(sent)).into())
}

fn expect_code(info: &CloseInfo, code: CloseCode) -> Result {
    if info.was_clean() && info.code() == code {
        return Ok(());
    }
    Err(format!("closed with {info:?}, not cleanly with {code}").into())
}

/// Closes, and wants a clean close of both ends.
async fn finish(mut ws: WebSocket) -> Result {
    expect_code(&ws.close(1000, "").await?, CloseCode::NORMAL)
}

async fn echo(url: &str, message: Message) -> Result {
    let mut ws = connect(url).await?;
    ws.send(message.clone()).await?;
    expect_same(&receive(&mut ws).await?, &message)?;
    finish(ws).await
}

async fn fragmented(url: &str) -> Result {
    let mut ws = connect(url).await?;
    let parts = ["frag", "", "mented ", "ü", "ber all"];
    let mut writer = ws.stream_text();
    for part in parts {
        writer.write(part).await?;
    }
    writer.finish().await?;
    expect_same(&receive(&mut ws).await?, &parts.concat().into())?;

    let bytes = payload::pattern(300_000);
    let mut writer = ws.stream_binary();
    for part in bytes.chunks(7_777) {
        writer.write(part).await?;
    }
    writer.finish().await?;
    expect_same(&receive(&mut ws).await?, &bytes.into())?;
    finish(ws).await
}

async fn ping(url: &str) -> Result {
    let mut ws = connect(url).await?;
    ws.ping().await?;
    finish(ws).await
}

async fn pipelined(url: &str) -> Result {
    let ws = connect(url).await?;
    let (sender, mut receiver) = ws.split();
    let sending = tokio::spawn(async move {
        for message in payload::pipelined() {
            sender.send(message).await?;
        }
        Ok::<_, longwire::Error>(sender)
    });
    for message in payload::pipelined() {
        let received = receiver.next().await.ok_or("the connection was closed")??;
        expect_same(&received, &message)?;
    }
    let sender = sending.await??;
    expect_code(&sender.close(1000, "").await?, CloseCode::NORMAL)
}

async fn permessage_deflate(url: &str) -> Result {
    let (mut ws, response) = client().build()?.connect_with_response(url).await?;
    let names: Vec<_> = response.extensions.iter().map(Extension::name).collect();
    if names != ["permessage-deflate"] {
        return Err(format!("agreed on {names:?}").into());
    }
    for message in [
        "compressed ".repeat(10_000).into(),
        payload::pattern(100_000).into(),
    ] {
        let message: Message = message;
        ws.send(message.clone()).await?;
        expect_same(&receive(&mut ws).await?, &message)?;
    }
    finish(ws).await
}

async fn subprotocol(url: &str) -> Result {
    let connector = client()
        .subprotocol("chat.v2")
        .subprotocol("chat.v1")
        .build()?;
    let ws = connector.connect(url).await?;
    if ws.subprotocol() != Some("chat.v1") {
        return Err(format!("{:?} was selected", ws.subprotocol()).into());
    }
    finish(ws).await
}

async fn close(url: &str, code: u16) -> Result {
    let mut ws = connect(url).await?;
    expect_code(&ws.close(code, "reason").await?, CloseCode::new(code))
}

async fn close_without_code(url: &str) -> Result {
    let mut ws = connect(url).await?;
    ws.closer().close(CloseFrame::EMPTY);
    while let Some(message) = ws.next().await {
        message?;
    }
    let info = ws.close_info().ok_or("not closed")?;
    // Some answer an empty Close frame with 1000.
    match info.code() {
        CloseCode::NORMAL => Ok(()),
        _ => expect_code(&info, CloseCode::NO_STATUS_RECEIVED),
    }
}

async fn peer_close(url: &str, code: CloseCode) -> Result {
    let mut ws = connect(url).await?;
    while let Some(message) = ws.next().await {
        message?;
    }
    expect_code(&ws.close_info().ok_or("not closed")?, code)
}

async fn going_away(url: &str) -> Result {
    let mut ws = connect(url).await?;
    println!("await shutdown");
    while let Some(message) = ws.next().await {
        message?;
    }
    expect_code(&ws.close_info().ok_or("not closed")?, CloseCode::GOING_AWAY)
}
