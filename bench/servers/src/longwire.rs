//! Ours.

use std::net::{SocketAddr, TcpListener};

use longwire::server::Refusal;
use longwire::worker::{Acceptance, Engine, EngineOptions, Handler, Opening, Peer};
use longwire::{MessageRef, Server};

use crate::Result;
use crate::listen::{announce, block_on};

/// The async API, with the loop that everybody writes.
pub(crate) fn echo(address: SocketAddr) -> Result {
    block_on(async move {
        let mut server = Server::bind(address).await?;
        announce(server.local_addr());
        while let Some(pending) = server.accept().await {
            tokio::spawn(async move {
                let mut ws = pending.accept().await?;
                while let Some(message) = ws.next().await {
                    ws.send(message?).await?;
                }
                Result::Ok(())
            });
        }
        Ok(())
    })
}

/// The `Handler` API, on one event loop.
pub(crate) fn handler(address: SocketAddr) -> Result {
    let mut options = EngineOptions::default();
    options.workers = 1;
    let engine = Engine::start(&TcpListener::bind(address)?, Echo, options)?;
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
