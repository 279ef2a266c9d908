//! Ours.

use std::future::Future;
use std::net::TcpListener;
use std::sync::Arc;

use longwire::server::{Listener, Options, Refusal};
use longwire::tls::ServerTls;
use longwire::worker::{Acceptance, Engine, EngineOptions, Handler, Opening, Peer};
use longwire::{Config, DeflateConfig, MessageKind, MessageRef, Server, WebSocket};

use crate::listen::{ADDRESS, announce, block_on};
use crate::{Result, tls};

/// The async API.
pub(crate) fn echo() -> Result {
    serve(Options::default(), obvious)
}

/// The same behind TLS.
pub(crate) fn echo_tls() -> Result {
    let mut options = Options::default();
    options.tls = Some(ServerTls::from(tls::config()?));
    serve(options, obvious)
}

/// The same with permessage-deflate.
pub(crate) fn echo_deflate() -> Result {
    let mut options = Options::default();
    options.config = compressing();
    serve(options, obvious)
}

/// Every message is compressed, as the peers do it.
fn compressing() -> Arc<Config> {
    let mut deflate = DeflateConfig::server();
    deflate.threshold = 0;
    let mut config = Config::server();
    config.deflate = Some(deflate);
    Arc::new(config)
}

/// Messages that are never whole in memory.
pub(crate) fn echo_streaming() -> Result {
    serve(Options::default(), streaming)
}

pub(crate) fn serve<F>(
    options: Options,
    echo: impl Fn(WebSocket) -> F + Clone + Send + 'static,
) -> Result
where
    F: Future<Output = Result> + Send + 'static,
{
    block_on(async move {
        let mut server = Server::listen(Listener::bind(ADDRESS).await?, options);
        announce(server.local_addr());
        while let Some(pending) = server.accept().await {
            let echo = echo.clone();
            tokio::spawn(async move {
                let ws = pending.accept().await?;
                echo(ws).await
            });
        }
        Ok(())
    })
}

/// The loop that everybody writes.
async fn obvious(mut ws: WebSocket) -> Result {
    while let Some(message) = ws.next().await {
        ws.send(message?).await?;
    }
    Ok(())
}

async fn streaming(ws: WebSocket) -> Result {
    let (sender, mut receiver) = ws.split();
    while let Some(reader) = receiver.next_reader().await {
        let mut reader = reader?;
        if reader.kind() == MessageKind::Text {
            return Err("text is streamed as text, which is not measured".into());
        }
        let mut writer = sender.stream_binary();
        while let Some(chunk) = reader.chunk().await {
            writer.feed(chunk?).await?;
        }
        writer.finish().await?;
    }
    Ok(())
}

/// The `Handler` API, on one event loop.
pub(crate) fn handler() -> Result {
    run(EngineOptions::default())
}

/// The same behind TLS.
pub(crate) fn handler_tls() -> Result {
    let mut options = EngineOptions::default();
    options.tls = Some(ServerTls::from(tls::config()?));
    run(options)
}

/// The same with permessage-deflate.
pub(crate) fn handler_deflate() -> Result {
    let mut options = EngineOptions::default();
    options.config = compressing();
    run(options)
}

fn run(mut options: EngineOptions) -> Result {
    options.workers = 1;
    let engine = Engine::start(&TcpListener::bind(ADDRESS)?, Echo, options)?;
    announce(engine.local_addr());
    engine.wait();
    Ok(())
}

struct Echo;

impl Handler for Echo {
    type Data = ();

    fn on_request(&self, _: &Opening<'_>) -> std::result::Result<(Acceptance, ()), Refusal> {
        Ok((Acceptance::new(), ()))
    }

    fn on_message<'m>(
        &self,
        _: &mut Peer<'_, ()>,
        message: MessageRef<'m>,
    ) -> Option<MessageRef<'m>> {
        Some(message)
    }
}
