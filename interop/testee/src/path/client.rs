//! The end that connects.

use super::{PAUSE, with_ping_interval};
use crate::Result;
use longwire::{
    CloseInfo, Config, Connector, WebSocket,
    heartbeat::{self, Heartbeat, LearningConfig},
    reconnecting::{Backoff, Event, Lost, reconnecting},
};
use std::time::Duration;
use tokio::{sync::mpsc, time::sleep};

/// Connects and does as `pattern` says until the connection is lost; a
/// reconnecting one, until it is ended.
pub(crate) async fn run(pattern: &str, url: &str, ping_interval: &str) -> Result {
    let config = with_ping_interval(Config::client(), ping_interval)?;
    let connector = Connector::builder().config(config).build()?;
    let url = format!("{url}/{pattern}");
    match pattern {
        "learning" => return learn(connector, &url).await,
        "told" | "untold" => return come_back(connector, &url, pattern == "told").await,
        _ => {}
    }
    let mut ws = connector.connect(url).await?;
    println!("open");
    match pattern {
        "idle" | "streamed" => while let Some(Ok(_)) = ws.next().await {},
        "busy" => while echo(&mut ws).await.is_ok() {},
        "writing" => {
            while ws.send("one way").await.is_ok() {
                sleep(PAUSE).await;
            }
        }
        "lasting" => return last(ws).await,
        _ => return Err(format!("there is no pattern '{pattern}'").into()),
    }
    let info = ws.close_info().ok_or("it goes on")?;
    println!("lost {:?}", info.cause);
    Ok(())
}

async fn echo(ws: &mut WebSocket) -> Result {
    ws.send("there and back").await?;
    ws.next().await.ok_or("it has ended")??;
    sleep(PAUSE).await;
    Ok(())
}

/// Is idle for ten seconds, and then shows that it lives.
async fn last(mut ws: WebSocket) -> Result {
    let idle = tokio::time::timeout(Duration::from_secs(10), ws.next());
    if let Ok(ended) = idle.await {
        println!("lost {:?}", ended.map(|message| message.map(|_| ())));
        return Ok(());
    }
    match echo(&mut ws).await {
        Ok(()) => println!("lives"),
        Err(error) => println!("lost {error}"),
    }
    Ok(())
}

/// Learns how seldom it may beat, keeps that for a while, and shows that it lives.
async fn learn(connector: Connector, url: &str) -> Result {
    let mut config = LearningConfig::default();
    config.start = Duration::from_millis(500);
    config.max = Duration::from_secs(4);
    config.resolution = Duration::from_millis(300);
    // What a busy machine may be late by.
    config.margin = Duration::from_millis(500);
    config.pace = Duration::from_millis(20);
    let (settled, mut settles) = mpsc::unbounded_channel();
    let mut ws = reconnecting(url)
        .connector(connector)
        .heartbeat(Heartbeat::Learned(config))
        .on_event(move |event| {
            print(event);
            if let Event::Heartbeat(heartbeat::Event::Beat {
                beat,
                settled: true,
            }) = event
            {
                // Once the loop below has ended nobody wants to know.
                let _ = settled.send(*beat);
            }
        })
        .build()?;
    let learned = settles.recv().await.ok_or("nothing was learned")?;
    sleep(Duration::from_secs(6)).await;
    ws.send("there and back").await?;
    ws.next().await.ok_or("it has ended")??;
    println!("lives {learned:?}");
    Ok(())
}

/// Comes back whenever it is lost, and shows each time that messages pass. Who is
/// told of changes of the network waits for one, and else never tries again.
async fn come_back(connector: Connector, url: &str, told: bool) -> Result {
    let mut backoff = Backoff::default();
    if told {
        backoff.min = Duration::from_secs(600);
        backoff.max = backoff.min;
    }
    let (opened, mut opens) = mpsc::unbounded_channel();
    let mut builder = reconnecting(url)
        .connector(connector)
        .backoff(backoff)
        .on_event(move |event| {
            print(event);
            if let Event::Open { .. } = event {
                // Once the loop below has ended nobody wants to know.
                let _ = opened.send(());
            }
        });
    if !told {
        builder = builder.network_changes(futures_util::stream::pending());
    }
    let mut ws = builder.build()?;
    while opens.recv().await.is_some() {
        ws.send("there and back").await?;
        ws.next().await.ok_or("it has ended")??;
        println!("echoed");
    }
    Ok(())
}

fn print(event: &Event<'_>) {
    match event {
        Event::Open { .. } => println!("open"),
        Event::Lost {
            cause: Lost::Closed(CloseInfo { cause, .. }),
            ..
        } => println!("lost {cause:?}"),
        Event::Lost { cause, .. } => println!("failed {cause}"),
        Event::GaveUp(cause) => println!("gave up {cause}"),
        _ => {}
    }
}
