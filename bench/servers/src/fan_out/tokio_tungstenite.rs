//! tokio-tungstenite.

use std::sync::{Arc, Mutex};

use futures_util::stream::SplitSink;
use futures_util::{SinkExt as _, StreamExt as _};
use tokio::net::TcpStream;
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{WebSocketStream, accept_async};

use crate::Result;
use crate::listen::serve_tcp;
use crate::tokio_tungstenite::is_data;

type Sinks = Arc<tokio::sync::Mutex<Vec<SplitSink<WebSocketStream<TcpStream>, Message>>>>;

/// The sinks of all connections in a list.
pub(crate) fn over_sinks() -> Result {
    let sinks = Sinks::default();
    serve_tcp(move |stream| {
        let sinks = Arc::clone(&sinks);
        async move {
            let (sink, mut messages) = accept_async(stream).await?.split();
            sinks.lock().await.push(sink);
            while let Some(message) = messages.next().await {
                let message = message?;
                if is_data(&message) {
                    for sink in sinks.lock().await.iter_mut() {
                        drop(sink.send(message.clone()).await);
                    }
                }
            }
            Ok(())
        }
    })
}

type Channels = Arc<Mutex<Vec<UnboundedSender<Message>>>>;

/// A channel to each connection, as its chat example has it.
pub(crate) fn over_channels() -> Result {
    let channels = Channels::default();
    serve_tcp(move |stream| {
        let channels = Arc::clone(&channels);
        async move {
            let (mut sink, mut messages) = accept_async(stream).await?.split();
            let (channel, mut outgoing) = unbounded_channel();
            channels.lock().map_err(|_| "poisoned")?.push(channel);
            tokio::spawn(async move {
                while let Some(message) = outgoing.recv().await {
                    if sink.send(message).await.is_err() {
                        return;
                    }
                }
            });
            while let Some(message) = messages.next().await {
                let message = message?;
                if is_data(&message) {
                    for channel in channels.lock().map_err(|_| "poisoned")?.iter() {
                        drop(channel.send(message.clone()));
                    }
                }
            }
            Ok(())
        }
    })
}
