//! Chat with rooms, for people who think in events.
//!
//! ```text
//! cargo run -p longwire-examples --example rooms
//! cargo run -- connect 'ws://127.0.0.1:9005/rooms/garden?name=alice'      (in two terminals)
//! ```
//!
//! A room is a topic, and `/count` tells how many connections there are.

use longwire::{
    CloseInfo, MessageRef,
    server::Refusal,
    worker::{Acceptance, Engine, Handler, Opening, Peer, RouteError, Routes},
};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let engine = Engine::bind("127.0.0.1:9005", routes()?)?;
    println!("Chat on ws://{}/rooms/ROOM?name=NAME", engine.local_addr());
    engine.wait();
    Ok(())
}

pub(crate) fn routes() -> Result<Routes, RouteError> {
    Routes::new()
        .at("/rooms/{room}", Rooms)?
        .at("/count", Count)
}

struct Rooms;

/// Who it is, and where.
struct Guest {
    name: String,
    room: String,
}

impl Handler for Rooms {
    type Data = Guest;

    fn on_request(&self, opening: &Opening<'_>) -> Result<(Acceptance, Guest), Refusal> {
        let name = opening
            .query()
            .and_then(|query| query.strip_prefix("name="));
        let name = name.ok_or_else(|| Refusal::bad_request("Who are you? Add ?name=NAME.\n"))?;
        let guest = Guest {
            name: name.to_owned(),
            room: opening.parameter("room").unwrap_or_default().to_owned(),
        };
        Ok((Acceptance::new(), guest))
    }

    fn on_open(&self, peer: &mut Peer<'_, Guest>) {
        let Guest { name, room } = &peer.data;
        let (room, welcome) = (room.clone(), format!("{name} has come to {room}"));
        if peer.subscribe(&room).is_ok() {
            tell(peer, &welcome);
        }
    }

    fn on_message<'m>(
        &self,
        peer: &mut Peer<'_, Guest>,
        message: MessageRef<'m>,
    ) -> Option<MessageRef<'m>> {
        if let MessageRef::Text(text) = message {
            let said = format!("{}: {text}", peer.data.name);
            tell(peer, &said);
        }
        None
    }

    fn on_close(&self, peer: &mut Peer<'_, Guest>, _: &CloseInfo) {
        let farewell = format!("{} has left", peer.data.name);
        tell(peer, &farewell);
    }
}

/// Tells all in the room, also the one who speaks.
fn tell(peer: &mut Peer<'_, Guest>, text: &str) {
    let room = peer.data.room.clone();
    if peer.publish_to_all(&room, text).is_err() {
        // More is said than the workers get told. Nobody heard it.
        let _ = peer.send("Not so fast: say that again.");
    }
}

struct Count;

impl Handler for Count {
    type Data = ();

    fn on_request(&self, _: &Opening<'_>) -> Result<(Acceptance, ()), Refusal> {
        Ok((Acceptance::new(), ()))
    }

    fn on_message<'m>(&self, peer: &mut Peer<'_, ()>, _: MessageRef<'m>) -> Option<MessageRef<'m>> {
        let _ = peer.send(peer.engine().connections().to_string().as_str());
        None
    }
}
