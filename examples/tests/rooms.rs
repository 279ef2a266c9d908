//! The example `rooms`, talked to.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

#[allow(dead_code, reason = "`main` is not called")]
#[path = "../examples/rooms.rs"]
mod rooms;

use longwire::{
    WebSocket,
    worker::{Engine, EngineHandle},
};

struct Chat {
    engine: EngineHandle,
    url: String,
}

impl Chat {
    fn start() -> Chat {
        let engine = Engine::bind("127.0.0.1:0", rooms::routes().unwrap()).unwrap();
        Chat {
            engine: engine.handle(),
            url: format!("ws://{}", engine.local_addr()),
        }
    }

    async fn connect(&self, path: &str) -> WebSocket {
        longwire::connect(format!("{}{path}", self.url))
            .await
            .unwrap()
    }
}

impl Drop for Chat {
    fn drop(&mut self) {
        self.engine.shutdown();
    }
}

async fn next(ws: &mut WebSocket) -> String {
    let message = ws.next().await.unwrap().unwrap();
    message.as_text().unwrap().to_owned()
}

#[tokio::test]
async fn a_room_hears_who_comes_what_is_said_and_who_leaves() {
    let chat = Chat::start();
    let mut alice = chat.connect("/rooms/garden?name=alice").await;
    assert_eq!(next(&mut alice).await, "alice has come to garden");
    let mut carol = chat.connect("/rooms/cellar?name=carol").await;
    assert_eq!(next(&mut carol).await, "carol has come to cellar");
    let mut bob = chat.connect("/rooms/garden?name=bob").await;
    bob.send("hello").await.unwrap();
    for guest in [&mut alice, &mut bob] {
        assert_eq!(next(guest).await, "bob has come to garden");
        assert_eq!(next(guest).await, "bob: hello");
    }
    bob.close(1000, "").await.unwrap();
    assert_eq!(next(&mut alice).await, "bob has left");
    // Nothing of that was heard in the cellar.
    carol.send("so quiet").await.unwrap();
    assert_eq!(next(&mut carol).await, "carol: so quiet");
}

#[tokio::test]
async fn the_other_route_counts_and_the_rest_is_refused() {
    let chat = Chat::start();
    let _guest = chat.connect("/rooms/garden?name=alice").await;
    let mut counting = chat.connect("/count").await;
    counting.send("how many?").await.unwrap();
    assert_eq!(next(&mut counting).await, "2");
    for (path, status) in [("/rooms/garden", 400), ("/rooms", 404)] {
        let url = format!("{}{path}", chat.url);
        let refused = longwire::connect(url).await.unwrap_err();
        assert_eq!(refused.status(), Some(status), "{path}");
    }
}
