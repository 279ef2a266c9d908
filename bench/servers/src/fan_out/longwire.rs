//! Ours, with the sending halves of all connections in a list. The hub of
//! `longwire serve` is measured as the program that it is.

use std::sync::Arc;

use longwire::server::Options;
use longwire::{PreparedMessage, Sender, WebSocket};
use tokio::sync::Mutex;

use crate::{Result, longwire::serve};

type Senders = Arc<Mutex<Vec<Sender>>>;

/// A message is encoded once, and sent to each.
pub(crate) fn fan_out() -> Result {
    let senders = Senders::default();
    serve(Options::default(), move |ws| {
        publish(ws, Arc::clone(&senders), false)
    })
}

/// The same, with the writing left to when the task waits.
pub(crate) fn fan_out_batching() -> Result {
    let senders = Senders::default();
    serve(Options::default(), move |ws| {
        publish(ws, Arc::clone(&senders), true)
    })
}

async fn publish(ws: WebSocket, senders: Senders, batching: bool) -> Result {
    let (sender, mut receiver) = ws.split();
    senders.lock().await.push(sender);
    while let Some(message) = receiver.next().await {
        let message = PreparedMessage::new(message?);
        // Who has gone is of no interest here.
        for sender in senders.lock().await.iter() {
            drop(match batching {
                true => sender.feed_prepared(&message).await,
                false => sender.send_prepared(&message).await,
            });
        }
    }
    Ok(())
}
