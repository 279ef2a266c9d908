//! What is to be written, and the memory that it is collected in.

use longwire_proto::Output;
use std::cell::Cell;

thread_local! {
    /// Where the connections of this thread collect what they write, one after
    /// the other: most have written it all before the next one begins.
    static SPARE: Cell<Option<Box<Output>>> = const { Cell::new(None) };
}

/// A spare output that has grown larger than this is given back to the system.
const SPARE_CAPACITY: usize = 64 * 1024;

/// The output of one connection; nothing while there is nothing to write.
#[derive(Debug, Default)]
pub(super) struct Outgoing(Option<Box<Output>>);

impl Outgoing {
    /// The output, to put something in. [`tidy`](Self::tidy) is to follow.
    pub(super) fn get_mut(&mut self) -> &mut Output {
        self.0
            .get_or_insert_with(|| SPARE.take().unwrap_or_default())
    }

    /// The output, if there is something in it.
    pub(super) fn get(&self) -> Option<&Output> {
        self.0.as_deref().filter(|output| !output.is_empty())
    }

    pub(super) fn len(&self) -> usize {
        self.0.as_ref().map_or(0, |output| output.len())
    }

    pub(super) fn is_empty(&self) -> bool {
        self.len() == 0
    }

    pub(super) fn advance(&mut self, written: usize) {
        if let Some(output) = &mut self.0 {
            output.advance(written);
        }
    }

    /// Leaves the memory to the thread's next connection, if all is written.
    #[inline]
    pub(super) fn tidy(&mut self) {
        if let Some(output) = self.0.take_if(|output| output.is_empty())
            && output.capacity() <= SPARE_CAPACITY
        {
            SPARE.set(Some(output));
        }
    }
}
