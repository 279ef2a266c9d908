//! An echo server on either driver. On `/burst` it sends [`BURST`] bytes first,
//! and [`FLOOD`] on `/flood`.

use crate::PATIENCE;
use longwire::{
    CloseInfo, Config, MessageRef, Server,
    server::{Listener, Options, Pending, Refusal},
    worker::{Acceptance, Engine, EngineHandle, EngineOptions, Handler, Opening, Peer},
};
use std::{
    net::{SocketAddr, TcpListener},
    sync::mpsc,
};
use tokio::runtime::Runtime;

#[derive(Debug, Clone, Copy)]
pub(crate) enum Driver {
    Async,
    Worker,
}

pub(crate) const DRIVERS: [Driver; 2] = [Driver::Async, Driver::Worker];

/// As much as the kernel takes for a peer that reads slowly.
pub(crate) const BURST: usize = 1 << 20;

/// More than the kernel takes for a peer that does not read.
pub(crate) const FLOOD: usize = 12 << 20;

pub(crate) struct Running {
    pub(crate) address: SocketAddr,
    ends: mpsc::Receiver<CloseInfo>,
    _on: On,
}

/// What goes when it is dropped.
enum On {
    Tokio(#[expect(dead_code, reason = "dropped")] Runtime),
    Workers(EngineHandle),
}

impl Drop for On {
    fn drop(&mut self) {
        if let On::Workers(engine) = self {
            engine.shutdown();
        }
    }
}

/// What is sent first on this path.
fn greeting(path: &str) -> Option<Vec<u8>> {
    match path {
        "/burst" => Some(vec![7; BURST]),
        "/flood" => Some(vec![7; FLOOD]),
        _ => None,
    }
}

impl Running {
    pub(crate) fn start(driver: Driver, config: Config) -> Running {
        let (tell, ends) = mpsc::channel();
        let (address, on) = match driver {
            Driver::Async => on_tokio(config, tell),
            Driver::Worker => on_workers(config, tell),
        };
        Running {
            address,
            ends,
            _on: on,
        }
    }

    /// How the next connection ended.
    pub(crate) fn end(&self) -> CloseInfo {
        self.ends.recv_timeout(PATIENCE).unwrap()
    }

    /// Asserts that no connection has ended.
    pub(crate) fn assert_alive(&self) {
        if let Ok(info) = self.ends.try_recv() {
            panic!("it has ended: {info:?}");
        }
    }
}

fn on_tokio(config: Config, tell: mpsc::Sender<CloseInfo>) -> (SocketAddr, On) {
    let runtime = Runtime::new().unwrap();
    let mut options = Options::default();
    options.config = config.into();
    let mut server = runtime.block_on(async {
        let listener = Listener::bind("127.0.0.1:0").await.unwrap();
        Server::listen(listener, options)
    });
    let address = server.local_addr().tcp().unwrap();
    runtime.spawn(async move {
        while let Some(pending) = server.accept().await {
            tokio::spawn(serve(pending, tell.clone()));
        }
    });
    (address, On::Tokio(runtime))
}

async fn serve(pending: Pending, tell: mpsc::Sender<CloseInfo>) {
    let greeting = greeting(pending.request().path());
    let mut ws = pending.accept().await.unwrap();
    if let Some(greeting) = greeting {
        // How it ends is told below.
        let _ = ws.send(greeting).await;
    }
    while let Some(Ok(message)) = ws.next().await {
        if ws.send(message).await.is_err() {
            break;
        }
    }
    // The test may have ended.
    let _ = tell.send(ws.close_info().unwrap());
}

fn on_workers(config: Config, tell: mpsc::Sender<CloseInfo>) -> (SocketAddr, On) {
    let mut options = EngineOptions::default();
    options.config = config.into();
    options.workers = 1;
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let engine = Engine::start(&listener, Served(tell), options).unwrap();
    (engine.local_addr(), On::Workers(engine.handle()))
}

struct Served(mpsc::Sender<CloseInfo>);

impl Handler for Served {
    type Data = Option<Vec<u8>>;

    fn on_request(&self, opening: &Opening<'_>) -> Result<(Acceptance, Self::Data), Refusal> {
        Ok((Acceptance::default(), greeting(opening.path())))
    }

    fn on_open(&self, peer: &mut Peer<'_, Self::Data>) {
        if let Some(greeting) = peer.data.take() {
            let _ = peer.send(&greeting[..]);
        }
    }

    fn on_message<'m>(
        &self,
        _: &mut Peer<'_, Self::Data>,
        message: MessageRef<'m>,
    ) -> Option<MessageRef<'m>> {
        Some(message)
    }

    fn on_close(&self, _: &mut Peer<'_, Self::Data>, info: &CloseInfo) {
        let _ = self.0.send(info.clone());
    }
}
