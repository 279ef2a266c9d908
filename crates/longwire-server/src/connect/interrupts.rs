//! Being asked to leave: Ctrl-C, at the prompt or as a signal, and SIGTERM.

use std::{future::pending, io};
use tokio::sync::mpsc::UnboundedReceiver;

pub(crate) struct Interrupts {
    /// At the prompt Ctrl-C is a key and not a signal.
    keys: Option<UnboundedReceiver<()>>,
    signals: Signals,
}

impl Interrupts {
    /// From now on signals do not end the process.
    ///
    /// # Errors
    /// When signals cannot be listened to.
    pub(crate) fn new(keys: Option<UnboundedReceiver<()>>) -> io::Result<Interrupts> {
        Ok(Interrupts {
            keys,
            signals: Signals::new()?,
        })
    }

    /// Waits for the next one.
    pub(crate) async fn next(&mut self) {
        let key = async {
            if let Some(keys) = &mut self.keys
                && keys.recv().await.is_some()
            {
                return;
            }
            pending::<()>().await;
        };
        tokio::select! {
            () = key => {}
            () = self.signals.next() => {}
        }
    }
}

#[cfg(unix)]
struct Signals {
    interrupt: tokio::signal::unix::Signal,
    terminate: tokio::signal::unix::Signal,
}

#[cfg(unix)]
impl Signals {
    fn new() -> io::Result<Signals> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Signals {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
        })
    }

    async fn next(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}

#[cfg(windows)]
struct Signals(tokio::signal::windows::CtrlC);

#[cfg(windows)]
impl Signals {
    fn new() -> io::Result<Signals> {
        tokio::signal::windows::ctrl_c().map(Signals)
    }

    async fn next(&mut self) {
        self.0.recv().await;
    }
}
