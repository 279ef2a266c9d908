//! What few connections have at any time.

use longwire_proto::{Instant, MessageKind};
use std::{io, sync::Arc, time::Duration};

/// Behind one pointer, so that a connection with nothing of it holds no more.
#[derive(Default)]
pub(super) struct Rare(Option<Box<Fields>>);

#[derive(Default)]
pub(super) struct Fields {
    /// The beginning of a message that comes in chunks, and that is received
    /// whole all the same.
    pub(super) assembly: Option<Assembly>,
    /// When the end that is held back takes effect, whether or not the user
    /// has come for it.
    pub(super) release: Option<Instant>,
    pub(super) io_error: Option<Arc<io::Error>>,
    pub(super) pings: Vec<PendingPing>,
}

pub(super) type Assembly = (MessageKind, Vec<u8>);

/// A Ping whose Pong somebody waits for.
pub(super) struct PendingPing {
    pub(super) id: u64,
    pub(super) sent: Instant,
    pub(super) round_trip: Option<Duration>,
}

impl Rare {
    pub(super) fn get(&self) -> Option<&Fields> {
        self.0.as_deref()
    }

    pub(super) fn get_if_any(&mut self) -> Option<&mut Fields> {
        self.0.as_deref_mut()
    }

    /// To put something in. What is taken out again is to be
    /// [tidied](Self::tidy) up.
    pub(super) fn get_mut(&mut self) -> &mut Fields {
        self.0.get_or_insert_default()
    }

    pub(super) fn release_mut(&mut self) -> Option<&mut Instant> {
        self.get_if_any()?.release.as_mut()
    }

    pub(super) fn take_assembly(&mut self) -> Option<Assembly> {
        let assembly = self.get_if_any()?.assembly.take();
        self.tidy();
        assembly
    }

    /// Gives the memory back when nothing is left.
    pub(super) fn tidy(&mut self) {
        self.0.take_if(|fields| {
            fields.assembly.is_none()
                && fields.release.is_none()
                && fields.io_error.is_none()
                && fields.pings.is_empty()
        });
    }
}
