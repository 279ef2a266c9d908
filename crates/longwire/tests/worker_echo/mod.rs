//! An echo on the worker engine.
#![allow(dead_code, reason = "each test binary uses a part of it")]

use crate::server_peer::{self, Ends, Peer, soon};
use longwire::{
    CloseInfo, MessageRef,
    server::Refusal,
    worker::{self, Acceptance, Engine, EngineOptions, Handler, Opening},
};
use std::{
    net::{SocketAddr, TcpListener},
    sync::Arc,
};

#[derive(Clone, Default)]
struct Echo {
    ends: Ends,
}

impl Handler for Echo {
    type Data = ();

    fn on_request(&self, _: &Opening<'_>) -> Result<(Acceptance, ()), Refusal> {
        Ok(Default::default())
    }

    fn on_message<'m>(
        &self,
        _: &mut worker::Peer<'_, ()>,
        message: MessageRef<'m>,
    ) -> Option<MessageRef<'m>> {
        Some(message)
    }

    fn on_close(&self, _: &mut worker::Peer<'_, ()>, info: &CloseInfo) {
        self.ends.lock().unwrap().push(info.clone());
    }
}

/// It is shut down when dropped.
pub(crate) struct Running {
    engine: Option<Engine>,
    pub(crate) address: SocketAddr,
    ends: Ends,
}

impl Running {
    pub(crate) fn start(change: impl FnOnce(&mut EngineOptions)) -> Running {
        let mut options = EngineOptions::default();
        options.workers = 2;
        change(&mut options);
        let echo = Echo::default();
        let ends = Arc::clone(&echo.ends);
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let engine = Engine::start(&listener, echo, options).unwrap();
        Running {
            address: engine.local_addr(),
            engine: Some(engine),
            ends,
        }
    }

    pub(crate) async fn connect(&self) -> Peer {
        Peer::connect(self.address).await
    }

    /// Waits until so many connections have ended, and tells how.
    pub(crate) async fn ends(&self, count: usize) -> Vec<CloseInfo> {
        server_peer::ends(&self.ends, count).await
    }

    /// Shuts it down and waits for its end.
    pub(crate) async fn stop(mut self) {
        let engine = self.engine.take().unwrap();
        engine.handle().shutdown();
        soon(tokio::task::spawn_blocking(|| engine.wait()))
            .await
            .unwrap();
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Some(engine) = self.engine.take() {
            engine.handle().shutdown();
        }
    }
}
