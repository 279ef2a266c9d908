//! A reconnecting client, and what it tells of its heartbeat.

use crate::support::{millis, soon};
use longwire::{
    Config, Connector,
    heartbeat::{self, Beat, Heartbeat, LearningConfig},
    reconnecting::{Backoff, Event, Reconnecting, ReconnectingBuilder, reconnecting},
};
use std::time::Duration;
use tokio::sync::mpsc;

/// What happened to a client.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Told {
    Open,
    Lost(String),
    Beat(Beat, bool),
    Forgotten(Duration),
    StoreFailed(String),
}

pub(crate) struct Watched {
    pub(crate) client: Reconnecting,
    told: mpsc::UnboundedReceiver<Told>,
}

impl Watched {
    /// Begins to connect, with what `set` adds.
    pub(crate) fn new(
        url: impl longwire::client::IntoUrl,
        set: impl FnOnce(ReconnectingBuilder) -> ReconnectingBuilder,
    ) -> Watched {
        let (tell, told) = mpsc::unbounded_channel();
        let mut backoff = Backoff::default();
        backoff.min = millis(1);
        backoff.max = millis(20);
        let builder = reconnecting(url)
            .backoff(backoff)
            .connector(connector())
            .on_event(move |event| {
                let event = match event {
                    Event::Open { .. } => Told::Open,
                    Event::Lost { cause, .. } => Told::Lost(cause.to_string()),
                    Event::Heartbeat(heartbeat::Event::Beat { beat, settled }) => {
                        Told::Beat(*beat, *settled)
                    }
                    Event::Heartbeat(heartbeat::Event::Forgotten { silence }) => {
                        Told::Forgotten(*silence)
                    }
                    Event::Heartbeat(heartbeat::Event::StoreFailed(error)) => {
                        Told::StoreFailed(error.to_string())
                    }
                    _ => return,
                };
                let _ = tell.send(event);
            });
        let client = set(builder).build().unwrap();
        Watched { client, told }
    }

    pub(crate) async fn next(&mut self) -> Told {
        soon(self.told.recv()).await.unwrap()
    }

    /// All that is told up to the one that is waited for, which is the last.
    pub(crate) async fn until(&mut self, is_it: impl Fn(&Told) -> bool) -> Vec<Told> {
        let mut told = Vec::new();
        loop {
            let next = self.next().await;
            let done = is_it(&next);
            told.push(next);
            if done {
                return told;
            }
        }
    }

    /// All that is told until nothing more is to be learned.
    pub(crate) async fn until_settled(&mut self) -> Vec<Told> {
        self.until(|told| matches!(told, Told::Beat(_, true))).await
    }

    /// All that was told by now.
    pub(crate) fn rest(&mut self) -> Vec<Told> {
        std::iter::from_fn(|| self.told.try_recv().ok()).collect()
    }
}

/// Gives up a peer that does not answer soon.
pub(crate) fn connector() -> Connector {
    let mut config = Config::client();
    config.pong_timeout = millis(1_000);
    config.min_pong_timeout = millis(500);
    Connector::builder().config(config).build().unwrap()
}

/// Learning in seconds what takes minutes otherwise. The margin is what a busy
/// machine may be late by.
pub(crate) fn quick() -> LearningConfig {
    let mut config = LearningConfig::default();
    config.start = millis(500);
    config.max = millis(4_000);
    config.resolution = millis(300);
    config.margin = millis(1_000);
    config.pace = millis(20);
    config
}

pub(crate) fn learned(config: LearningConfig) -> Heartbeat {
    Heartbeat::Learned(config)
}

pub(crate) fn is_lost(told: &Told) -> bool {
    matches!(told, Told::Lost(_))
}
