//! WebSockets in an axum app.
//!
//! ```no_run
//! use axum::{Router, response::Response, routing::any};
//! use longwire::axum::WebSocketUpgrade;
//!
//! async fn echo(upgrade: WebSocketUpgrade) -> Response {
//!     upgrade.on_upgrade(async |mut ws| {
//!         while let Some(Ok(message)) = ws.next().await {
//!             if ws.send(message).await.is_err() {
//!                 break;
//!             }
//!         }
//!     })
//! }
//!
//! let app: Router = Router::new().route("/echo", any(echo));
//! ```

use super::hyper::{Rejection, Upgrade, judge};
use crate::WebSocket;
use ::axum_core::{
    body::Body,
    extract::FromRequestParts,
    response::{IntoResponse, Response},
};
use ::hyper::upgrade::OnUpgrade;
use http::request::Parts;
use longwire_proto::{
    Config,
    handshake::{OriginPolicy, Refusal, Request},
};
use std::{borrow::Cow, future::Future, sync::Arc};
use tracing::debug;

/// Extracts a request for a WebSocket; the handler answers with
/// [`on_upgrade`](WebSocketUpgrade::on_upgrade).
///
/// A request that breaks a rule of RFC 6455, section 4.2.1, is rejected with
/// the fitting status and a text that says why. Route it with `any` or `get`.
#[derive(Debug)]
#[must_use = "the client waits for the response of `on_upgrade`, or another"]
pub struct WebSocketUpgrade(Upgrade);

impl<S: Send + Sync> FromRequestParts<S> for WebSocketUpgrade {
    type Rejection = Rejection;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Rejection> {
        let request = judge(&parts.method, &parts.uri, parts.version, &parts.headers)?;
        let Some(on_upgrade) = parts.extensions.remove::<OnUpgrade>() else {
            let text = "This connection cannot become a WebSocket.\n";
            return Err(Refusal::unavailable(text).into());
        };
        let upgrade = Upgrade::of(request, on_upgrade).origin_setting("WebSocketUpgrade::origin");
        Ok(WebSocketUpgrade(upgrade))
    }
}

impl WebSocketUpgrade {
    /// What the client asks for.
    pub fn request(&self) -> &Request {
        self.0.request()
    }

    /// Which pages may open a WebSocket. Default: those of the same host.
    pub fn origin(self, policy: OriginPolicy) -> WebSocketUpgrade {
        WebSocketUpgrade(self.0.origin(policy))
    }

    /// What the 403 of a page that may not names as the setting to change.
    /// Default: `WebSocketUpgrade::origin`.
    pub fn origin_setting(self, name: impl Into<Cow<'static, str>>) -> WebSocketUpgrade {
        WebSocketUpgrade(self.0.origin_setting(name))
    }

    /// How the WebSocket behaves: limits, heartbeats, timeouts. Default:
    /// [`Config::server`]. It should be made once and shared: see
    /// [`Upgrade::config`].
    pub fn config(self, config: impl Into<Arc<Config>>) -> WebSocketUpgrade {
        WebSocketUpgrade(self.0.config(config))
    }

    /// Speaks the first of the client's offers that is among these; none if
    /// there is none.
    pub fn subprotocols<S: AsRef<str>>(
        self,
        supports: impl IntoIterator<Item = S>,
    ) -> WebSocketUpgrade {
        let supports: Vec<S> = supports.into_iter().collect();
        WebSocketUpgrade(self.0.select_subprotocol(&supports))
    }

    /// Adds a header to the response, such as `Set-Cookie`.
    pub fn header(self, name: &str, value: impl AsRef<[u8]>) -> WebSocketUpgrade {
        WebSocketUpgrade(self.0.header(name, value))
    }

    /// Lets the client in: gives the response, and runs `callback` with the
    /// WebSocket in a task of its own.
    ///
    /// The response is a 403 instead if the page's origin is not let in; see
    /// [`Upgrade::accept`]. A canary is kept in the background and never gets to
    /// `callback`: see [`Upgrade::accept_canary`].
    pub fn on_upgrade<F, T>(self, callback: F) -> Response
    where
        F: FnOnce(WebSocket) -> T + Send + 'static,
        T: Future<Output = ()> + Send + 'static,
    {
        if self.0.is_canary() {
            let accepted = self.0.accept_canary();
            return accepted.map_or_else(IntoResponse::into_response, |it| it.map(Body::from));
        }
        let (response, upgrading) = match self.0.accept() {
            Ok(accepted) => accepted,
            Err(rejection) => return IntoResponse::into_response(rejection),
        };
        tokio::spawn(async move {
            match upgrading.await {
                Ok(ws) => callback(ws).await,
                Err(error) => debug!(%error, "the client did not wait for its WebSocket"),
            }
        });
        response.map(Body::from)
    }
}

impl IntoResponse for Rejection {
    fn into_response(self) -> Response {
        Rejection::into_response(self).map(Body::from)
    }
}
