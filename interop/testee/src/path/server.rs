//! The end that listens, on either driver.

use super::{PAUSE, with_ping_interval};
use crate::Result;
use longwire::{
    CloseInfo, Config, MessageRef, Server, WebSocket,
    server::{Address, Listener, Options, Pending, Refusal},
    worker::{Acceptance, Engine, EngineHandle, EngineOptions, Handler, Opening, Peer},
};
use std::{net::TcpListener, sync::Arc};
use tokio::time::sleep;

/// What goes to those on `/streamed`.
const STREAM: &str = "streamed";

pub(crate) async fn run(address: &str, driver: &str, ping_interval: &str) -> Result {
    let config = Arc::new(with_ping_interval(Config::server(), ping_interval)?);
    match driver {
        "async" => on_tokio(address, config).await,
        "worker" => on_workers(address, config).await,
        _ => Err(format!("there is no driver '{driver}'").into()),
    }
}

fn lost(path: &str, info: &CloseInfo) {
    println!("lost {:?} {path}", info.cause);
}

async fn on_tokio(address: &str, config: Arc<Config>) -> Result {
    let mut options = Options::default();
    options.config = config;
    let mut server = Server::listen(Listener::bind(address).await?, options);
    println!("listening");
    while let Some(pending) = server.accept().await {
        tokio::spawn(serve(pending));
    }
    Ok(())
}

async fn serve(pending: Pending) {
    let path = pending.request().path().to_owned();
    let from = pending.peer_addr().and_then(Address::tcp);
    let Ok(mut ws) = pending.accept().await else {
        return;
    };
    println!(
        "open {path} {}",
        from.map(|from| from.ip().to_string()).unwrap_or_default()
    );
    serve_path(&mut ws, &path).await;
    if let Some(info) = ws.close_info() {
        lost(&path, &info);
    }
}

async fn serve_path(ws: &mut WebSocket, path: &str) {
    match path {
        "/streamed" => {
            while ws.send(STREAM).await.is_ok() {
                sleep(PAUSE).await;
            }
        }
        "/writing" => while let Some(Ok(_)) = ws.next().await {},
        _ => {
            while let Some(Ok(message)) = ws.next().await {
                if ws.send(message).await.is_err() {
                    return;
                }
            }
        }
    }
}

async fn on_workers(address: &str, config: Arc<Config>) -> Result {
    let mut options = EngineOptions::default();
    options.config = config;
    options.workers = 1;
    let engine = Engine::start(&TcpListener::bind(address)?, Served, options)?;
    println!("listening");
    stream(engine.handle()).await
}

async fn stream(engine: EngineHandle) -> Result {
    loop {
        engine.publish(STREAM, longwire::Message::from(STREAM))?;
        sleep(PAUSE).await;
    }
}

struct Served;

impl Handler for Served {
    type Data = String;

    fn on_request(
        &self,
        opening: &Opening<'_>,
    ) -> std::result::Result<(Acceptance, String), Refusal> {
        let path = opening.path().to_owned();
        let from = opening.peer_addr().map(|from| from.ip().to_string());
        println!("open {path} {}", from.unwrap_or_default());
        Ok((Acceptance::default(), path))
    }

    fn on_open(&self, peer: &mut Peer<'_, String>) {
        if *peer.data == "/streamed" {
            // It is its only topic.
            let _ = peer.subscribe(STREAM);
        }
    }

    fn on_message<'m>(
        &self,
        peer: &mut Peer<'_, String>,
        message: MessageRef<'m>,
    ) -> Option<MessageRef<'m>> {
        (*peer.data != "/writing").then_some(message)
    }

    fn on_close(&self, peer: &mut Peer<'_, String>, info: &CloseInfo) {
        lost(peer.data, info);
    }
}
