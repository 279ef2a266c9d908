//! A WebSocket in an axum app, beside its other routes, with the app's state.
//!
//! ```text
//! cargo run -p longwire-examples --example axum
//! curl http://127.0.0.1:9004/visitors
//! cargo run -- connect ws://127.0.0.1:9004/visitors/live
//! ```
//!
//! The first command shows how many visitors there are, the second one whenever
//! that changes. Needs the feature `axum` of `longwire`.

use axum::{Router, extract::State, response::Response, routing::any, routing::get};
use longwire::{WebSocket, axum::WebSocketUpgrade};
use tokio::{net::TcpListener, sync::watch};

/// How many visitors there are: read by the page, watched by the WebSockets.
type Visitors = watch::Sender<usize>;

#[tokio::main]
async fn main() -> std::io::Result<()> {
    let listener = TcpListener::bind("127.0.0.1:9004").await?;
    println!("Visitors on http://{}/visitors", listener.local_addr()?);
    axum::serve(listener, app()).await
}

pub(crate) fn app() -> Router {
    Router::new()
        .route("/visitors", get(count))
        // `any`, so that a wrong method is answered by the handshake's rules.
        .route("/visitors/live", any(live))
        .with_state(Visitors::new(0))
}

async fn count(State(visitors): State<Visitors>) -> String {
    format!("{}\n", *visitors.borrow())
}

/// A request that is no proper handshake does not get here: the extractor has
/// answered it, with the status and the reason.
async fn live(State(visitors): State<Visitors>, upgrade: WebSocketUpgrade) -> Response {
    upgrade.on_upgrade(async move |ws| {
        visitors.send_modify(|count| *count += 1);
        let changes = visitors.subscribe();
        // An error here says that the visitor is gone.
        let _ = show(ws, changes).await;
        visitors.send_modify(|count| *count -= 1);
    })
}

/// Shows the number now and whenever it changes, until the visitor leaves.
async fn show(
    mut ws: WebSocket,
    mut changes: watch::Receiver<usize>,
) -> Result<(), longwire::Error> {
    changes.mark_changed();
    loop {
        tokio::select! {
            Ok(()) = changes.changed() => {
                let count = *changes.borrow_and_update();
                ws.send(count.to_string()).await?;
            }
            received = ws.next() => match received {
                Some(Ok(_)) => {} // Visitors only watch.
                Some(Err(error)) => return Err(error),
                None => return Ok(()),
            },
        }
    }
}
