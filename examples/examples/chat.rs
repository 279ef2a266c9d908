//! Broadcast chat: what one client sends, all others get.
//!
//! ```text
//! cargo run -p longwire-examples --example chat
//! cargo run -- connect ws://127.0.0.1:9003/      (in two terminals)
//! ```
//!
//! A tokio broadcast channel carries the messages. Each is encoded once, however
//! many clients get it. `longwire serve` does the same with channels by name, one
//! order for all, and a page; its subscribers are cursors in a log
//! (`longwire-hub`), and so no client needs a queue.

use longwire::{PreparedMessage, Receiver, Sender, Server, WebSocket};
use tokio::sync::broadcast::{self, error::RecvError};

/// How many messages a slow client may be behind. The channel keeps as many, for
/// all clients together.
const BEHIND: usize = 256;

/// A message, and the number of the client that sent it.
type Said = (u64, PreparedMessage);

#[tokio::main]
async fn main() -> std::io::Result<()> {
    let server = Server::bind("127.0.0.1:9003").await?;
    println!("Chat on ws://{}/", server.local_addr());
    serve(server).await;
    Ok(())
}

/// Serves until the server is shut down.
pub(crate) async fn serve(mut server: Server) {
    let (room, _) = broadcast::channel(BEHIND);
    let mut last_client = 0;
    while let Some(pending) = server.accept().await {
        last_client += 1;
        let client = last_client;
        let room = room.clone();
        tokio::spawn(async move {
            match pending.accept().await {
                Ok(ws) => chat(ws, client, room).await,
                Err(error) => eprintln!("{error}"),
            }
        });
    }
}

async fn chat(ws: WebSocket, client: u64, room: broadcast::Sender<Said>) {
    let said = room.subscribe();
    let (sender, receiver) = ws.split();
    // Both at the same time, until one of them ends: then the halves are
    // dropped, and the connection with them.
    tokio::select! {
        () = listen(receiver, client, room) => {}
        () = tell(sender, client, said) => {}
    }
}

/// What the client says, the room hears.
async fn listen(mut receiver: Receiver, client: u64, room: broadcast::Sender<Said>) {
    while let Some(Ok(message)) = receiver.next().await {
        // Fails only when nobody is there to hear it.
        let _ = room.send((client, PreparedMessage::new(message)));
    }
}

/// What the room hears, the client is told, unless it said it itself.
async fn tell(sender: Sender, client: u64, mut said: broadcast::Receiver<Said>) {
    loop {
        match said.recv().await {
            Ok((from, _)) if from == client => {}
            Ok((_, message)) => {
                // Waits for a slow client, which then falls behind in the room.
                if sender.send_prepared(&message).await.is_err() {
                    return;
                }
            }
            Err(RecvError::Lagged(missed)) => {
                // 1013, try again later. It is told: nothing in a plain stream
                // of messages would.
                let reason = format!("too slow: {missed} messages were missed");
                let _ = sender.close(1013, reason).await;
                return;
            }
            Err(RecvError::Closed) => return,
        }
    }
}
