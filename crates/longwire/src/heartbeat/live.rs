use super::{LearningConfig, Route, ServerBeat, Terms};
use crate::{Connector, Sender};
use longwire_proto::{
    CloseCause,
    handshake::{Response, Url},
};
use std::time::Duration;

/// A live connection, and all that is needed to open another to the same place.
#[derive(Debug, Clone, Copy)]
pub struct Live<'c> {
    pub(super) sender: &'c Sender,
    pub(super) connector: &'c Connector,
    pub(super) url: &'c Url,
    pub(super) terms: Option<Terms>,
}

impl<'c> Live<'c> {
    /// The connection that the connector has opened to the URL, with this answer.
    pub fn new(
        sender: &'c Sender,
        connector: &'c Connector,
        url: &'c Url,
        response: &Response,
    ) -> Live<'c> {
        Live {
            sender,
            connector,
            url,
            terms: Terms::of(response.head.headers()),
        }
    }

    /// `None` if it goes over something that has no address.
    pub(super) fn route(&self) -> Option<Route> {
        let local = self.sender.local_addr()?;
        Some(Route::new(local.ip(), self.url))
    }

    /// What is to be learned, on the server's terms.
    pub(super) fn within_terms(&self, config: &LearningConfig) -> LearningConfig {
        match self.terms.map(|terms| terms.server) {
            Some(ServerBeat::Watch { max_silence }) => config.clone().within(max_silence),
            _ => config.clone(),
        }
    }

    /// How long the connection had been silent when it was lost, at most as long as
    /// it is silent before it beats. Nothing if it ended with a Close frame.
    pub(super) fn last_silence(&self, interval: Duration) -> Duration {
        match self.sender.close_info().map(|info| info.cause) {
            None
            | Some(
                CloseCause::Handshake
                | CloseCause::Failed(_)
                | CloseCause::CloseTimeout
                | CloseCause::AddressGone,
            ) => Duration::ZERO,
            Some(_) => {
                let vitals = self.sender.vitals();
                (vitals.now - vitals.last_heard).min(interval)
            }
        }
    }
}
