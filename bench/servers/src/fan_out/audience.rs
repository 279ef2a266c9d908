//! Everybody who is connected.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::sync::{Mutex, MutexGuard};

/// Who gets what is published, each by a number of its own.
pub(crate) struct Audience<M> {
    members: Arc<Mutex<Vec<(u64, M)>>>,
    joined: Arc<AtomicU64>,
}

impl<M> Audience<M> {
    pub(crate) async fn join(&self, member: M) -> u64 {
        let id = self.joined.fetch_add(1, Ordering::Relaxed);
        self.members.lock().await.push((id, member));
        id
    }

    pub(crate) async fn all(&self) -> MutexGuard<'_, Vec<(u64, M)>> {
        self.members.lock().await
    }

    /// Nothing is sent any more to one who has gone.
    pub(crate) async fn leave(&self, id: u64) {
        self.members.lock().await.retain(|(other, _)| *other != id);
    }
}

impl<M> Default for Audience<M> {
    fn default() -> Self {
        Audience {
            members: Arc::default(),
            joined: Arc::default(),
        }
    }
}

impl<M> Clone for Audience<M> {
    fn clone(&self) -> Self {
        Audience {
            members: Arc::clone(&self.members),
            joined: Arc::clone(&self.joined),
        }
    }
}
