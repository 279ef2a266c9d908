use super::{Route, entries::Entries};
use crate::keeper::lock;
use longwire_proto::heartbeat::Known;
use std::{error, fmt, sync::Mutex, time::SystemTime};

/// Why a [`Store`] could not do its work.
pub type StoreError = Box<dyn error::Error + Send + Sync>;

/// Where what was learned of routes is kept, so that the next connection, or the
/// next run of a program, need not learn it again.
///
/// Its methods are plain functions and may block: they are called seldom (once
/// for each connection, and when something is learned), and on a thread of the
/// runtime that is there for blocking. So a file or a database needs no
/// asynchronous interface.
///
/// What fails costs no connection: it is reported by
/// [`Event::StoreFailed`](super::Event::StoreFailed), and learning goes on with
/// what is known in the process.
pub trait Store: fmt::Debug + Send + Sync + 'static {
    /// What is known of a route, with its age by the clock on the wall.
    ///
    /// # Errors
    /// What kept it from being found out.
    fn load(&self, route: &Route) -> Result<Option<Known>, StoreError>;

    /// Keeps what is known of a route from now on, in place of what was.
    ///
    /// # Errors
    /// What kept it from being kept.
    fn save(&self, route: &Route, known: &Known) -> Result<(), StoreError>;

    /// Forgets a route: a connection has died of what was known.
    ///
    /// # Errors
    /// What kept it from being forgotten.
    fn forget(&self, route: &Route) -> Result<(), StoreError>;
}

/// A [`Store`] for as long as the process runs: the default. It keeps 256 routes.
#[derive(Debug, Default)]
pub struct MemoryStore(Mutex<Entries>);

impl MemoryStore {
    /// An empty one.
    pub fn new() -> MemoryStore {
        MemoryStore::default()
    }
}

impl Store for MemoryStore {
    fn load(&self, route: &Route) -> Result<Option<Known>, StoreError> {
        Ok(lock(&self.0).get(route, SystemTime::now()))
    }

    fn save(&self, route: &Route, known: &Known) -> Result<(), StoreError> {
        lock(&self.0).put(route, known, SystemTime::now());
        Ok(())
    }

    fn forget(&self, route: &Route) -> Result<(), StoreError> {
        lock(&self.0).remove(route);
        Ok(())
    }
}

/// One store may serve several connections.
impl<S: Store + ?Sized> Store for std::sync::Arc<S> {
    fn load(&self, route: &Route) -> Result<Option<Known>, StoreError> {
        (**self).load(route)
    }

    fn save(&self, route: &Route, known: &Known) -> Result<(), StoreError> {
        (**self).save(route, known)
    }

    fn forget(&self, route: &Route) -> Result<(), StoreError> {
        (**self).forget(route)
    }
}
