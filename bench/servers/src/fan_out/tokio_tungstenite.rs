//! tokio-tungstenite.

use futures_util::{SinkExt as _, StreamExt as _};
use tokio::sync::mpsc::unbounded_channel;
use tokio_tungstenite::accept_async;
use tokio_tungstenite::tungstenite::Message;

use super::audience::Audience;
use crate::Result;
use crate::listen::serve_tcp;
use crate::tokio_tungstenite::is_data;

/// The sinks of all connections in a list.
pub(crate) fn over_sinks() -> Result {
    let audience = Audience::default();
    serve_tcp(move |stream| {
        let audience = audience.clone();
        async move {
            let (sink, mut messages) = accept_async(stream).await?.split();
            let id = audience.join(sink).await;
            while let Some(Ok(message)) = messages.next().await {
                if is_data(&message) {
                    for (_, sink) in audience.all().await.iter_mut() {
                        drop(sink.send(message.clone()).await);
                    }
                }
            }
            audience.leave(id).await;
            Ok(())
        }
    })
}

/// A channel to each connection, as its chat example has it.
pub(crate) fn over_channels() -> Result {
    let audience = Audience::default();
    serve_tcp(move |stream| {
        let audience = audience.clone();
        async move {
            let (mut sink, mut messages) = accept_async(stream).await?.split();
            let (channel, mut outgoing) = unbounded_channel::<Message>();
            let id = audience.join(channel).await;
            tokio::spawn(async move {
                while let Some(message) = outgoing.recv().await {
                    if sink.send(message).await.is_err() {
                        return;
                    }
                }
            });
            while let Some(Ok(message)) = messages.next().await {
                if is_data(&message) {
                    for (_, channel) in audience.all().await.iter() {
                        drop(channel.send(message.clone()));
                    }
                }
            }
            audience.leave(id).await;
            Ok(())
        }
    })
}
