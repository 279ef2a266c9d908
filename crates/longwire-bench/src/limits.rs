//! How many files may be open.

use crate::Error;

/// Files that are open beside the connections.
const OTHERS: u64 = 32;

/// Raises this process's limit of open files so that it is enough for
/// `connections`.
#[cfg(unix)]
pub(crate) fn allow(connections: usize) -> Result<(), Error> {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let needed = connections as u64 + OTHERS;
    let limit = getrlimit(Resource::Nofile);
    if limit.current.is_none_or(|current| current >= needed) {
        return Ok(());
    }
    let raised = Rlimit {
        current: Some(needed),
        maximum: limit.maximum,
    };
    if limit.maximum.is_none_or(|maximum| maximum >= needed)
        && setrlimit(Resource::Nofile, raised).is_ok()
    {
        return Ok(());
    }
    Err(Error::FileLimit {
        connections,
        limit: limit.current.unwrap_or(u64::MAX),
    })
}

/// There is no such limit.
#[cfg(not(unix))]
pub(crate) fn allow(_: usize) -> Result<(), Error> {
    Ok(())
}
