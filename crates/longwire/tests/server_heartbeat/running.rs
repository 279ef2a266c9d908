//! An echo server on either driver, that remembers what it gets to see.

use crate::server_peer::soon;
use longwire::{
    CloseCause, CloseInfo, Config, MessageRef,
    server::{Listener, Options, Refusal, Server, ServerHandle},
    worker::{self, Acceptance, Engine, EngineHandle, EngineOptions, Handler, Opening},
};
use std::{
    net::{SocketAddr, TcpListener},
    sync::{Arc, Mutex, atomic::AtomicUsize, atomic::Ordering},
    time::Duration,
};

#[derive(Debug, Clone, Copy)]
pub(crate) enum Driver {
    Async,
    Worker,
}

pub(crate) const DRIVERS: [Driver; 2] = [Driver::Async, Driver::Worker];

/// What the program was told.
#[derive(Default)]
pub(crate) struct Seen {
    pub(crate) requests: AtomicUsize,
    ends: Mutex<Vec<CloseCause>>,
}

pub(crate) struct Running {
    pub(crate) address: SocketAddr,
    pub(crate) seen: Arc<Seen>,
    pub(crate) config: Arc<Config>,
    handle: Handle,
}

enum Handle {
    Async(ServerHandle),
    Worker(EngineHandle, Option<Engine>),
}

impl Running {
    pub(crate) async fn start(driver: Driver, config: Config) -> Running {
        let (config, seen) = (Arc::new(config), Arc::new(Seen::default()));
        let (address, handle) = match driver {
            Driver::Async => on_tokio(&config, &seen).await,
            Driver::Worker => on_workers(&config, &seen),
        };
        Running {
            address,
            seen,
            config,
            handle,
        }
    }

    pub(crate) fn requests(&self) -> usize {
        self.seen.requests.load(Ordering::SeqCst)
    }

    /// How many connections the server says are open, where it says it.
    pub(crate) fn connections(&self) -> Option<usize> {
        match &self.handle {
            Handle::Async(_) => None,
            Handle::Worker(engine, _) => Some(engine.connections()),
        }
    }

    /// How the first connections of the program ended, once there are so many.
    pub(crate) async fn ends(&self, count: usize) -> Vec<CloseCause> {
        until(|| self.seen.ends.lock().unwrap().len() >= count).await;
        self.seen.ends.lock().unwrap().clone()
    }

    /// Closes everything, and waits until that is done.
    pub(crate) async fn shut_down(&mut self) {
        match &mut self.handle {
            Handle::Async(server) => {
                assert_eq!(server.shutdown(Duration::from_secs(20)).await, 0);
            }
            Handle::Worker(handle, engine) => {
                handle.shutdown();
                let engine = engine.take().unwrap();
                let waiting = tokio::task::spawn_blocking(|| engine.wait());
                soon(waiting).await.unwrap();
            }
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Handle::Worker(engine, _) = &self.handle {
            engine.shutdown();
        }
    }
}

/// Waits until `what` is true.
pub(crate) async fn until(what: impl Fn() -> bool) {
    soon(async {
        while !what() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    })
    .await;
}

async fn on_tokio(config: &Arc<Config>, seen: &Arc<Seen>) -> (SocketAddr, Handle) {
    let mut options = Options::default();
    options.config = Arc::clone(config);
    let listener = Listener::bind("127.0.0.1:0").await.unwrap();
    let mut server = Server::listen(listener, options);
    let address = server.local_addr().tcp().unwrap();
    let handle = server.handle();
    let seen = Arc::clone(seen);
    tokio::spawn(async move {
        while let Some(pending) = server.accept().await {
            seen.requests.fetch_add(1, Ordering::SeqCst);
            let seen = Arc::clone(&seen);
            tokio::spawn(async move {
                let mut ws = pending.accept().await.unwrap();
                while let Some(Ok(message)) = ws.next().await {
                    if ws.send(message).await.is_err() {
                        break;
                    }
                }
                let cause = ws.close_info().unwrap().cause;
                seen.ends.lock().unwrap().push(cause);
            });
        }
    });
    (address, Handle::Async(handle))
}

fn on_workers(config: &Arc<Config>, seen: &Arc<Seen>) -> (SocketAddr, Handle) {
    let mut options = EngineOptions::default();
    options.workers = 2;
    options.config = Arc::clone(config);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let engine = Engine::start(&listener, Echo(Arc::clone(seen)), options).unwrap();
    let handle = Handle::Worker(engine.handle(), Some(engine));
    (listener.local_addr().unwrap(), handle)
}

struct Echo(Arc<Seen>);

impl Handler for Echo {
    type Data = ();

    fn on_request(&self, _: &Opening<'_>) -> Result<(Acceptance, ()), Refusal> {
        self.0.requests.fetch_add(1, Ordering::SeqCst);
        Ok((Acceptance::new(), ()))
    }

    fn on_message<'m>(
        &self,
        _: &mut worker::Peer<'_, ()>,
        message: MessageRef<'m>,
    ) -> Option<MessageRef<'m>> {
        Some(message)
    }

    fn on_close(&self, _: &mut worker::Peer<'_, ()>, info: &CloseInfo) {
        self.0.ends.lock().unwrap().push(info.cause);
    }
}
