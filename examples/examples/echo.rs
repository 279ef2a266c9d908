//! Echo: what a client sends, it gets back.
//!
//! ```text
//! cargo run -p longwire-examples --example echo
//! cargo run -- connect ws://127.0.0.1:9001/
//! ```
//!
//! What you type comes back. The server is complete: Pings are answered and dead
//! clients noticed by the library, and every limit has a default.

use longwire::{Server, server::AcceptError, server::Pending};

#[tokio::main]
async fn main() -> std::io::Result<()> {
    let server = Server::bind("127.0.0.1:9001").await?;
    println!("Echo on ws://{}/", server.local_addr());
    serve(server).await;
    Ok(())
}

/// Serves until the server is shut down.
pub(crate) async fn serve(mut server: Server) {
    while let Some(pending) = server.accept().await {
        // A task for each client: none waits for another one.
        tokio::spawn(async move {
            if let Err(error) = echo(pending).await {
                eprintln!("{error}");
            }
        });
    }
}

async fn echo(pending: Pending) -> Result<(), AcceptError> {
    let mut ws = pending.accept().await?;
    // `None` after a closing handshake; an error, once, after any other end.
    while let Some(received) = ws.next().await {
        let sent = match received {
            Ok(message) => ws.send(message).await,
            Err(error) => Err(error),
        };
        if let Err(error) = sent {
            eprintln!("{error}");
        }
    }
    Ok(())
}
