//! Bytes that have come and have not been read by whom they are for.

use tokio::io::ReadBuf;

/// Gives its memory back with the last byte.
#[derive(Default)]
pub(crate) struct Unread {
    bytes: Vec<u8>,
    /// How many of them have been given out.
    at: usize,
}

impl Unread {
    pub(crate) fn len(&self) -> usize {
        self.bytes.len() - self.at
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Gives out what fits.
    pub(crate) fn take(&mut self, buf: &mut ReadBuf<'_>) {
        let unread = &self.bytes[self.at..];
        let taken = unread.len().min(buf.remaining());
        buf.put_slice(&unread[..taken]);
        self.at += taken;
        if self.is_empty() {
            *self = Unread::default();
        }
    }

    #[cfg(feature = "hyper")]
    pub(crate) fn into_bytes(mut self) -> Vec<u8> {
        self.bytes.split_off(self.at)
    }
}

impl From<Vec<u8>> for Unread {
    fn from(bytes: Vec<u8>) -> Unread {
        Unread { bytes, at: 0 }
    }
}
