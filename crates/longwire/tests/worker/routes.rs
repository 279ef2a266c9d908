//! Paths to handlers.

use longwire::{
    CloseFrame, MessageRef,
    server::Refusal,
    worker::{Acceptance, Engine, Handler, Opening, Peer, Routes},
};
use std::net::SocketAddr;

struct Echo;

impl Handler for Echo {
    type Data = ();

    fn on_request(&self, opening: &Opening<'_>) -> Result<(Acceptance, ()), Refusal> {
        assert_eq!(opening.parameter("room"), None);
        Ok((Acceptance::new(), ()))
    }

    fn on_message<'m>(
        &self,
        _: &mut Peer<'_, ()>,
        message: MessageRef<'m>,
    ) -> Option<MessageRef<'m>> {
        Some(message)
    }
}

/// Tells who is asked for where.
struct Rooms;

struct Guest {
    greeting: String,
}

impl Handler for Rooms {
    type Data = Guest;

    fn on_request(&self, opening: &Opening<'_>) -> Result<(Acceptance, Guest), Refusal> {
        let room = opening.parameter("room").unwrap_or("no room");
        let rest = opening.parameter("rest").unwrap_or("nowhere");
        let query = opening.query().unwrap_or("nothing");
        Ok((
            Acceptance::new(),
            Guest {
                greeting: format!("{room}, {rest}, {query}"),
            },
        ))
    }

    fn on_open(&self, peer: &mut Peer<'_, Guest>) {
        let greeting = peer.data.greeting.clone();
        let _ = peer.send(greeting.as_str());
        peer.subscribe("rooms").unwrap();
    }

    fn on_message<'m>(&self, _: &mut Peer<'_, Guest>, _: MessageRef<'m>) -> Option<MessageRef<'m>> {
        None
    }

    fn on_notified(&self, peer: &mut Peer<'_, Guest>, topic: &str) {
        let _ = peer.send(topic);
    }
}

struct Running {
    engine: Engine,
    address: SocketAddr,
}

impl Running {
    fn start() -> Running {
        let api = Routes::new().at("/api/{*rest}", Rooms).unwrap();
        let routes = Routes::new()
            .at("/echo", Echo)
            .and_then(|routes| routes.at("/rooms/{room}", Rooms))
            .and_then(|routes| routes.at("/rooms/lobby", Echo))
            .and_then(|routes| routes.at("/files/{*rest}", Rooms))
            .and_then(|routes| routes.at("/api/{*all}", api))
            .unwrap();
        let engine = Engine::bind("127.0.0.1:0", routes).unwrap();
        let address = engine.local_addr();
        Running { engine, address }
    }

    fn url(&self, path: &str) -> String {
        format!("ws://{}{path}", self.address)
    }

    /// The first thing that is said at a path.
    async fn greeting(&self, path: &str) -> String {
        let mut ws = longwire::connect(self.url(path)).await.unwrap();
        let greeting = ws.next().await.unwrap().unwrap();
        greeting.as_text().unwrap().to_owned()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.engine.handle().shutdown();
    }
}

#[tokio::test]
async fn each_path_has_its_handler_and_parameters() {
    let running = Running::start();
    for path in ["/echo", "/rooms/lobby", "/echo?room=x"] {
        let mut ws = longwire::connect(running.url(path)).await.unwrap();
        ws.send("back").await.unwrap();
        assert_eq!(ws.next().await.unwrap().unwrap().as_text(), Some("back"));
    }
    for (path, greeting) in [
        ("/rooms/a", "a, nowhere, nothing"),
        ("/rooms/a?b=%63", "a, nowhere, b=%63"),
        ("/rooms/caf%C3%A9%2Fbar", "café/bar, nowhere, nothing"),
        ("/files/a/b%20c", "no room, a/b c, nothing"),
        ("/api/v1/x", "no room, v1/x, nothing"),
    ] {
        assert_eq!(running.greeting(path).await, greeting);
    }
}

#[tokio::test]
async fn an_unknown_path_is_refused_with_a_hint() {
    let running = Running::start();
    for (path, status, hint) in [
        ("/nowhere", 404, "There is no WebSocket at /nowhere."),
        ("/echo/", 404, "There is one at /echo."),
        ("/rooms", 404, "no WebSocket at /rooms."),
        (
            "/rooms/%ff",
            400,
            "The room in the path is not percent-encoded UTF-8",
        ),
    ] {
        let refused = longwire::connect(running.url(path)).await.unwrap_err();
        assert_eq!(refused.status(), Some(status), "{path}");
        assert!(refused.to_string().contains(hint), "{path}: {refused}");
    }
}

#[tokio::test]
async fn the_data_of_each_route_is_of_its_own_type() {
    let running = Running::start();
    let mut echo = longwire::connect(running.url("/echo")).await.unwrap();
    let mut guests = Vec::new();
    for path in ["/rooms/a", "/api/b"] {
        let mut guest = longwire::connect(running.url(path)).await.unwrap();
        guest.next().await.unwrap().unwrap();
        guests.push(guest);
    }
    let engine = running.engine.handle();
    engine.notify("rooms");
    for guest in &mut guests {
        let told = guest.next().await.unwrap().unwrap();
        assert_eq!(told.as_text(), Some("rooms"));
    }
    engine
        .for_each(|peer: &mut Peer<'_, Guest>| {
            let frame = CloseFrame::new(4001, &*peer.data.greeting).unwrap();
            peer.close(frame);
        })
        .unwrap();
    for (guest, reason) in guests.iter_mut().zip(["a, nowhere", "no room, b"]) {
        assert!(guest.next().await.is_none());
        let info = guest.close_info().unwrap();
        assert!(info.reason().starts_with(reason), "{info:?}");
    }
    echo.send("still here").await.unwrap();
    assert!(echo.next().await.unwrap().is_ok());
}

#[test]
fn a_route_that_cannot_be_is_an_error() {
    let error = |pattern: &str| {
        let routes = Routes::new().at("/echo", Echo).unwrap();
        routes.at(pattern, Echo).unwrap_err().to_string()
    };
    assert!(error("/echo").contains("\"/echo\""), "{}", error("/echo"));
    assert!(error("echo").contains("begins with /"));
    for pattern in ["/a/{b", "/{*rest}/more"] {
        assert!(error(pattern).contains("cannot be"), "{}", error(pattern));
    }
}
