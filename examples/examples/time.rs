//! Timed push: every client gets the time, every second.
//!
//! ```text
//! cargo run -p longwire-examples --example time
//! cargo run -- connect ws://127.0.0.1:9002/
//! ```
//!
//! The time is in seconds since 1970, in UTC. A client that says anything is
//! told that nobody listens; one that leaves is noticed at once, since the task
//! waits for both, the next second and the client.

use longwire::{Server, WebSocket};
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tokio::time::{MissedTickBehavior, interval};

#[tokio::main]
async fn main() -> std::io::Result<()> {
    let server = Server::bind("127.0.0.1:9002").await?;
    println!("The time on ws://{}/", server.local_addr());
    serve(server, Duration::from_secs(1)).await;
    Ok(())
}

/// Serves until the server is shut down.
pub(crate) async fn serve(mut server: Server, period: Duration) {
    while let Some(pending) = server.accept().await {
        tokio::spawn(async move {
            match pending.accept().await {
                Ok(ws) => {
                    // An error here says that the client is gone.
                    let _ = push(ws, period).await;
                }
                Err(error) => eprintln!("{error}"),
            }
        });
    }
}

async fn push(mut ws: WebSocket, period: Duration) -> Result<(), longwire::Error> {
    let mut ticks = interval(period);
    // A client that was slow wants the time now, not all the times it missed.
    ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
    loop {
        // Whichever comes first. The other wait is dropped, and loses nothing.
        tokio::select! {
            _ = ticks.tick() => ws.send(now()).await?,
            received = ws.next() => match received {
                Some(Ok(_)) => ws.send("nobody listens here").await?,
                Some(Err(error)) => return Err(error),
                None => return Ok(()),
            },
        }
    }
}

fn now() -> String {
    // A clock set before 1970 shows zero.
    let since_1970 = SystemTime::now().duration_since(UNIX_EPOCH);
    since_1970.unwrap_or_default().as_secs().to_string()
}
