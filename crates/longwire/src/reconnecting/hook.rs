//! What the program has a say in.

use super::Event;
use crate::Connector;
use std::{error, fmt, pin::Pin};

/// Why a hook has no connector.
pub type HookError = Box<dyn error::Error + Send + Sync>;

type Made = Pin<Box<dyn Future<Output = Result<Connector, HookError>> + Send>>;

/// Where the connector of a try comes from.
pub(super) enum Source {
    Fixed(Connector),
    Hook(Box<dyn Fn() -> Made + Send + Sync>),
}

impl Source {
    pub(super) fn hook<F>(hook: impl Fn() -> F + Send + Sync + 'static) -> Source
    where
        F: Future<Output = Result<Connector, HookError>> + Send + 'static,
    {
        Source::Hook(Box::new(move || Box::pin(hook())))
    }

    pub(super) async fn connector(&self) -> Result<Connector, HookError> {
        match self {
            Source::Fixed(connector) => Ok(connector.clone()),
            Source::Hook(hook) => hook().await,
        }
    }
}

impl fmt::Debug for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Source::Fixed(_) => "Fixed",
            Source::Hook(_) => "Hook",
        })
    }
}

type Watch = dyn Fn(&Event<'_>) + Send + Sync;

/// Who watches.
#[derive(Default)]
pub(super) struct Watcher(Option<Box<Watch>>);

impl Watcher {
    pub(super) fn new(watch: impl Fn(&Event<'_>) + Send + Sync + 'static) -> Watcher {
        Watcher(Some(Box::new(watch)))
    }

    pub(super) fn tell(&self, event: &Event<'_>) {
        if let Some(watch) = &self.0 {
            watch(event);
        }
    }
}

impl fmt::Debug for Watcher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_some() { "Watcher" } else { "None" })
    }
}
