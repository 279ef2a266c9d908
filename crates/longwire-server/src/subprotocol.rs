//! Which subprotocol is spoken: one of those configured; any, if none is.

use longwire::{
    server::{Pending, Request},
    worker::Acceptance,
};

/// Chooses for a client of the tokio server.
pub(crate) fn select(pending: Pending, configured: &[String]) -> Pending {
    if configured.is_empty() {
        pending.select_first_offered()
    } else {
        pending.select_subprotocol(configured)
    }
}

/// Chooses for a client of the worker engine.
pub(crate) fn acceptance(request: &Request, configured: &[String]) -> Acceptance {
    let spoken = if configured.is_empty() {
        request.subprotocols().first()
    } else {
        request.select_subprotocol(configured)
    };
    match spoken {
        Some(spoken) => Acceptance::new().subprotocol(spoken.as_str()),
        None => Acceptance::new(),
    }
}
