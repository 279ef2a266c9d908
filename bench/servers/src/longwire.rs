//! Ours: the async API, with the loop that everybody writes.

use std::net::SocketAddr;

use longwire::Server;

use crate::Result;
use crate::listen::{announce, block_on};

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
