//! Refusals that more than one kind of server gives.

use longwire_proto::handshake::Refusal;

/// The program's answer cannot be sent, or it failed to make one.
pub(crate) fn mistake() -> Refusal {
    with(500, "The server made a mistake.\n")
}

/// The request was not whole in time.
pub(crate) fn late() -> Refusal {
    with(408, "The request took too long to come.\n")
}

/// The client speaks plain text where TLS is spoken.
#[cfg(feature = "tls")]
pub(crate) fn not_tls() -> Refusal {
    with(400, "This port speaks TLS: use wss:// or https://.\n")
}

/// More HTTP connections are served than are allowed.
#[cfg(feature = "worker")]
pub(crate) fn crowded() -> Refusal {
    Refusal::unavailable("The server serves as many clients as it can.\n")
}

fn with(status: u16, text: &str) -> Refusal {
    // Both are statuses that a refusal may have.
    Refusal::new(status, text).unwrap_or_else(|_| Refusal::unavailable(text))
}
