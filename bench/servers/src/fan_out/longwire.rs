//! Ours, with the sending halves of all connections in a list. The hub of
//! `longwire serve` is measured as the program that it is.

use longwire::server::Options;
use longwire::{PreparedMessage, Sender, WebSocket};

use super::audience::Audience;
use crate::{Result, longwire::serve};

/// A message is encoded once, and sent to each.
pub(crate) fn fan_out() -> Result {
    let audience = Audience::default();
    serve(Options::default(), move |ws| {
        publish(ws, audience.clone(), false)
    })
}

/// The same, with the writing left to when the task waits.
pub(crate) fn fan_out_batching() -> Result {
    let audience = Audience::default();
    serve(Options::default(), move |ws| {
        publish(ws, audience.clone(), true)
    })
}

async fn publish(ws: WebSocket, audience: Audience<Sender>, batching: bool) -> Result {
    let (sender, mut receiver) = ws.split();
    let id = audience.join(sender).await;
    while let Some(Ok(message)) = receiver.next().await {
        let message = PreparedMessage::new(message);
        for (_, sender) in audience.all().await.iter() {
            drop(match batching {
                true => sender.feed_prepared(&message).await,
                false => sender.send_prepared(&message).await,
            });
        }
    }
    audience.leave(id).await;
    Ok(())
}
