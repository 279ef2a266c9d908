//! The realtime server: a channel is a URL.

mod audience;
mod channel;
mod hosts;
mod pages;
mod worker;

pub(crate) use hosts::HostPolicy;
pub(crate) use worker::OnWorkers;

use crate::subprotocol;
use audience::Audiences;
use channel::Subscription;
use longwire::server::{Accepted, HttpConnection, Pending, Refusal, Request, Server};
use longwire_hub::{ChannelName, Epoch, Hub, HubConfig};
use std::{borrow::Cow, sync::Arc};

/// What all connections share.
pub(crate) struct App {
    hub: Hub,
    audiences: Audiences,
    hosts: Arc<HostPolicy>,
    subprotocols: Vec<String>,
}

impl App {
    pub(crate) fn new(hub: HubConfig, hosts: HostPolicy, subprotocols: Vec<String>) -> App {
        App {
            hub: Hub::new(hub, || Epoch::new(rand::random())),
            audiences: Audiences::default(),
            hosts: Arc::new(hosts),
            subprotocols,
        }
    }

    /// Serves the pages to a connection that asks for no WebSocket.
    pub(crate) fn pages(&self, http: HttpConnection) -> impl Future<Output = ()> + use<> {
        pages::serve(http, Arc::clone(&self.hosts))
    }

    /// Serves what comes, until the server shuts down.
    pub(crate) async fn serve(&self, server: &mut Server) {
        while let Some(accepted) = server.accept_any().await {
            match accepted {
                Accepted::WebSocket(pending) => self.open(pending),
                Accepted::Http(http) => {
                    tokio::spawn(self.pages(http));
                }
            }
        }
    }

    /// Subscribes a client to the channel that it asks for.
    fn open(&self, pending: Pending) {
        let subscription = match self.subscribe(pending.request()) {
            Ok(subscription) => subscription,
            Err(refusal) => return pending.refuse(refusal),
        };
        let audience = self.audiences.of(subscription.cursor.channel().name());
        let pending = subprotocol::select(pending, &self.subprotocols);
        tokio::spawn(async move {
            match pending.accept().await {
                Ok(ws) => audience.attend(subscription, ws).await,
                Err(error) => tracing::debug!(%error, "not accepted"),
            }
        });
    }

    fn subscribe(&self, request: &Request) -> Result<Subscription, Refusal> {
        self.hosts
            .check(request.host())
            .map_err(Refusal::forbidden)?;
        let name = channel_name(request.path())?;
        let echo = match query_value(request.query(), "echo") {
            None | Some("on") => true,
            Some("off") => false,
            Some(other) => {
                let text = format!("echo={} is neither on nor off.\n", other.escape_debug());
                return Err(Refusal::bad_request(text));
            }
        };
        let unavailable =
            |error: &dyn std::fmt::Display| Refusal::unavailable(format!("{error}.\n"));
        let channel = self
            .hub
            .channel(&name)
            .map_err(|error| unavailable(&error))?;
        let cursor = channel.subscribe().map_err(|error| unavailable(&error))?;
        Ok(Subscription { cursor, echo })
    }
}

/// The channel of `/channels/{name}`.
fn channel_name(path: &str) -> Result<ChannelName, Refusal> {
    let Some(name) = path.strip_prefix("/channels/") else {
        let text = "There is no WebSocket here. A channel is at /channels/NAME.\n";
        return Err(Refusal::not_found(text));
    };
    let name = percent_decode(name).ok_or_else(|| {
        Refusal::bad_request("The channel's name is not percent-encoded UTF-8.\n")
    })?;
    ChannelName::new(&name).map_err(|error| Refusal::bad_request(format!("{error}.\n")))
}

/// The value of `key` in a query such as `a=b&c=d`.
fn query_value<'q>(query: Option<&'q str>, key: &str) -> Option<&'q str> {
    query?
        .split('&')
        .filter_map(|pair| pair.split_once('='))
        .find_map(|(name, value)| (name == key).then_some(value))
}

fn percent_decode(text: &str) -> Option<Cow<'_, str>> {
    percent_encoding::percent_decode_str(text)
        .decode_utf8()
        .ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_channel_is_named_by_its_path() {
        assert_eq!(channel_name("/channels/lobby").unwrap().as_str(), "lobby");
        assert_eq!(channel_name("/channels/a%2Db").unwrap().as_str(), "a-b");
        for (path, status) in [
            ("/", 404),
            ("/channels", 404),
            ("/channels/", 400),
            ("/channels/%ff", 400),
            ("/channels/a/b", 400),
        ] {
            assert_eq!(channel_name(path).unwrap_err().status(), status, "{path}");
        }
    }

    #[test]
    fn a_query_is_searched_by_key() {
        assert_eq!(query_value(Some("a=1&echo=off"), "echo"), Some("off"));
        assert_eq!(query_value(Some("echoes=off&echo"), "echo"), None);
        assert_eq!(query_value(None, "echo"), None);
    }
}
