use longwire_proto::Connection;
use std::cell::Cell;

/// The room of a thread for messages that are decompressed, taken out of it
/// while it is in use. A connection without compression needs none.
pub(crate) struct Room(Vec<u8>);

/// Longer messages get memory of their own.
const SIZE: usize = 64 * 1024;

thread_local! {
    static ROOM: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
}

impl Room {
    pub(crate) fn of(connection: &Connection) -> Room {
        if !connection.has_extension() {
            return Room(Vec::new());
        }
        let mut room = ROOM.take();
        room.resize(SIZE, 0);
        Room(room)
    }

    pub(crate) fn bytes(&mut self) -> &mut [u8] {
        &mut self.0
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        if !self.0.is_empty() {
            ROOM.set(std::mem::take(&mut self.0));
        }
    }
}
