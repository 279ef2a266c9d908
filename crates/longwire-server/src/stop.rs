//! Stopping: who is closed when, and what is said of it.

use crate::{connect::values, listen::announce};
use longwire::{Drain, reconnecting::ReconnectWindow, server::Server, worker::Engine};
use std::time::Duration;
use tokio::signal;

/// How long clients have to answer the Close frame when the program stops.
const SHUTDOWN: Duration = Duration::from_secs(5);

/// How long the next server is given to start, unless --reconnect says it.
const START: Duration = Duration::from_secs(2);

/// How long clients have to come back at least, unless --reconnect says it.
const SHORTEST_WINDOW: Duration = Duration::from_secs(10);

/// How to stop.
#[derive(Debug, clap::Args)]
#[group(skip)]
pub(crate) struct StopArguments {
    /// When told to stop (SIGTERM, Ctrl-C), close the connections evenly over
    /// so many seconds, and tell each client when to come back. Without it all
    /// are closed at once. Told a second time, it stops at once.
    #[arg(long, value_name = "SECONDS", value_parser = values::seconds)]
    drain: Option<Duration>,

    /// When clients are to come back, in seconds from when it is told to stop:
    /// their reconnects are spread evenly over that. By default from 2 seconds
    /// after the drain on, for as long as it took, and at least 10 seconds.
    #[arg(long, value_name = "FROM-TO", requires = "drain", value_parser = window)]
    reconnect: Option<ReconnectWindow>,

    /// Say to clients that this server is started again (1012), not that it
    /// goes away (1001).
    #[arg(long, requires = "drain")]
    restarting: bool,
}

/// `12-42`, in seconds.
fn window(text: &str) -> Result<ReconnectWindow, String> {
    let wrong = || "it takes two numbers of seconds, such as 12-42".to_owned();
    let (from, to) = text.split_once('-').ok_or_else(wrong)?;
    let seconds = |text: &str| values::seconds(text).map_err(|_| wrong());
    let (from, to) = (seconds(from)?, seconds(to)?);
    if from > to || to > ReconnectWindow::MAX {
        return Err("the first moment comes before the last, which is within a day".to_owned());
    }
    Ok(ReconnectWindow { from, to })
}

impl StopArguments {
    /// Announces where it serves, serves until the program is told to stop, and
    /// then closes every connection.
    pub(crate) async fn serve(
        &self,
        lines: &str,
        mut server: Server,
        mut serve: impl AsyncFnMut(&mut Server),
    ) {
        let mut stop = Stop::listen();
        announce(lines);
        let handle = server.handle();
        tokio::select! {
            () = serve(&mut server) => {}
            () = stop.told() => {}
        }
        self.say_stopping(handle.connections());
        let closing = async {
            match self.drain() {
                Some(drain) => handle.drain(drain, SHUTDOWN).await,
                None => handle.shutdown(SHUTDOWN).await,
            }
        };
        tokio::select! {
            unfinished = closing => {
                if unfinished > 0 {
                    tracing::warn!(unfinished, "connections did not close in time");
                }
            }
            () = self.say_progress(|| handle.connections()) => {}
            () = stop.told() => {}
        }
    }

    /// The same for an engine.
    pub(crate) async fn wait(&self, lines: &str, engine: Engine) {
        let mut stop = Stop::listen();
        announce(lines);
        stop.told().await;
        let handle = engine.handle();
        self.say_stopping(handle.connections());
        let drain = self.drain();
        match drain {
            Some(drain) => handle.drain(drain),
            None => handle.shutdown(),
        }
        let limit = SHUTDOWN + drain.map_or(Duration::ZERO, |drain| drain.over());
        let (ended, all_ended) = tokio::sync::oneshot::channel();
        // Not a task of the runtime, whose end would wait for it.
        std::thread::spawn(move || {
            engine.wait();
            let _ = ended.send(());
        });
        tokio::select! {
            _ = all_ended => {}
            () = tokio::time::sleep(limit) => {
                let unfinished = handle.connections();
                tracing::warn!(unfinished, "connections did not close in time");
            }
            () = self.say_progress(|| handle.connections()) => {}
            () = stop.told() => {}
        }
    }

    fn drain(&self) -> Option<Drain> {
        let over = self.drain?;
        let window = self.reconnect.unwrap_or_else(|| default_window(over));
        Some(if self.restarting {
            Drain::restarting(over, window)
        } else {
            Drain::leaving(over, window)
        })
    }

    fn say_stopping(&self, connections: usize) {
        let over = self.drain.map_or_else(String::new, |over| {
            format!(" over {} s", over.as_secs_f64())
        });
        eprintln!(
            "Stopping: closing {connections} connections{over}. Press Ctrl-C again to stop at once."
        );
    }

    /// Says how many connections a drain has still to close, some ten times.
    async fn say_progress(&self, connections: impl Fn() -> usize) {
        let Some(over) = self.drain else {
            return std::future::pending().await;
        };
        loop {
            tokio::time::sleep((over / 10).max(Duration::from_secs(1))).await;
            eprintln!("{} connections are left.", connections());
        }
    }
}

/// The first come back when the next server has had a moment to start, and the
/// last as long after that as closing took, but not all within a moment.
fn default_window(over: Duration) -> ReconnectWindow {
    let from = over + START;
    let to = from + over.max(SHORTEST_WINDOW);
    ReconnectWindow { from, to }
}

/// Ctrl-C, or what service managers send.
struct Stop {
    #[cfg(unix)]
    terminate: Option<signal::unix::Signal>,
    #[cfg(unix)]
    interrupt: Option<signal::unix::Signal>,
}

impl Stop {
    /// From here on a signal does not kill the program: to be called before
    /// anybody can know that it is there.
    fn listen() -> Stop {
        #[cfg(unix)]
        {
            use signal::unix::{SignalKind, signal};
            Stop {
                terminate: signal(SignalKind::terminate()).ok(),
                interrupt: signal(SignalKind::interrupt()).ok(),
            }
        }
        #[cfg(not(unix))]
        Stop {}
    }

    /// Waits until the program is told to stop.
    #[cfg(unix)]
    async fn told(&mut self) {
        async fn came(signal: &mut Option<signal::unix::Signal>) {
            match signal {
                Some(signal) => {
                    signal.recv().await;
                }
                // It cannot be listened to, and kills the program.
                None => std::future::pending().await,
            }
        }
        tokio::select! {
            () = came(&mut self.terminate) => {}
            () = came(&mut self.interrupt) => {}
        }
    }

    /// Waits until the program is told to stop.
    #[cfg(not(unix))]
    async fn told(&mut self) {
        if signal::ctrl_c().await.is_err() {
            // No signals here: only the end of the process stops it.
            std::future::pending::<()>().await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seconds(from: f64, to: f64) -> ReconnectWindow {
        ReconnectWindow {
            from: Duration::from_secs_f64(from),
            to: Duration::from_secs_f64(to),
        }
    }

    #[test]
    fn a_window_is_two_numbers() {
        assert_eq!(window("12-42"), Ok(seconds(12.0, 42.0)));
        assert_eq!(window("0.5-0.5"), Ok(seconds(0.5, 0.5)));
        for wrong in [
            "", "12", "12-", "-12", "a-b", "1-2-3", "42-12", "0-86401", "0-inf",
        ] {
            assert!(window(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn by_default_nobody_comes_back_before_the_next_server_is_there() {
        assert_eq!(default_window(Duration::from_secs(30)), seconds(32.0, 62.0));
        assert_eq!(default_window(Duration::ZERO), seconds(2.0, 12.0));
    }
}
