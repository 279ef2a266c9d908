use super::{Canary, Outcome};
use crate::{ConnectError, Connector, Sender};
use longwire_proto::{handshake::Url, heartbeat::CanaryId};
use std::{future::pending, time::Duration};
use tokio::task::{AbortHandle, JoinSet};

/// The canaries that are out, and the Ping that is. They come home, and are gone,
/// with this.
#[derive(Debug, Default)]
pub(super) struct Flight {
    tasks: JoinSet<Landed>,
    canaries: Vec<(CanaryId, AbortHandle)>,
}

/// What came back.
#[derive(Debug, Clone, Copy)]
pub(super) enum Landed {
    Canary(CanaryId, Outcome),
    /// The live connection answered a Ping.
    Pong,
    /// It did not, and tells by itself what became of it.
    NoPong,
}

impl Flight {
    /// Sends a canary that stays silent for `span`, and has so much patience then.
    pub(super) fn open(
        &mut self,
        canary: CanaryId,
        connector: Connector,
        url: Url,
        span: Duration,
        patience: Duration,
    ) {
        let task = self.tasks.spawn(async move {
            let outcome = match Canary::open(&connector, url).await {
                Ok(canary) => canary.stay_silent(span, patience).await.outcome(),
                Err(error) => of_error(&error),
            };
            tracing::debug!(?span, ?outcome, "a canary came back");
            Landed::Canary(canary, outcome)
        });
        self.canaries.push((canary, task));
    }

    pub(super) fn cancel(&mut self, canary: CanaryId) {
        for (_, task) in self.canaries.extract_if(.., |(id, _)| *id == canary) {
            task.abort();
        }
    }

    /// Pings the live connection.
    pub(super) fn ping(&mut self, live: Sender) {
        self.tasks.spawn(async move {
            match live.ping().await {
                Ok(_) => Landed::Pong,
                Err(_) => Landed::NoPong,
            }
        });
    }

    /// Waits for what comes back next.
    pub(super) async fn landed(&mut self) -> Landed {
        loop {
            match self.tasks.join_next().await {
                Some(Ok(landed)) => {
                    if let Landed::Canary(canary, _) = landed {
                        self.canaries.retain(|(id, _)| *id != canary);
                    }
                    return landed;
                }
                // One that was cancelled.
                Some(Err(_)) => {}
                None => pending().await,
            }
        }
    }
}

/// What it tells that a canary could not be opened.
fn of_error(error: &ConnectError) -> Outcome {
    match error.status() {
        // Timeout, too early, too many, busy, restarting: it may be different later.
        Some(408 | 425 | 429 | 502..=504) => Outcome::Void,
        Some(_) => Outcome::Refused,
        None => match error {
            ConnectError::Url(_)
            | ConnectError::Misuse(_)
            | ConnectError::Handshake { .. }
            | ConnectError::InvalidRedirect { .. }
            | ConnectError::MissingExtensions { .. } => Outcome::Refused,
            _ => Outcome::Void,
        },
    }
}
