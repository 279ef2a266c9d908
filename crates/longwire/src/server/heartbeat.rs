//! Who beats on a connection, and canaries: what all kinds of server do alike.

use longwire_proto::{
    CloseCode, CloseFrame, Config,
    handshake::{Acceptance, Refusal, Request},
    heartbeat::{self, CanaryPlace, Proposal, Terms},
};

/// Answers what a client says of heartbeats, if it says anything. Whether the
/// server is to watch only.
pub(crate) fn agree(
    acceptance: Acceptance,
    request: &Request,
    config: &Config,
) -> (Acceptance, bool) {
    match Proposal::of(request.headers()) {
        None => (acceptance, false),
        Some(proposal) => (
            acceptance.heartbeat(Terms::answer(proposal, config)),
            proposal == Proposal::Client,
        ),
    }
}

/// Whether a request is a canary's.
pub(crate) fn is_canary(request: &Request) -> bool {
    Proposal::of(request.headers()) == Some(Proposal::Canary)
}

/// What a canary is answered, and its place.
pub(crate) type Admitted = (Acceptance, CanaryPlace);

/// Lets a canary in, if there is a place for it.
pub(crate) fn admit(config: &Config) -> Result<Admitted, Refusal> {
    match config.canaries.take() {
        Some(place) => {
            let terms = Terms::answer(Proposal::Canary, config);
            Ok((Acceptance::new().heartbeat(terms), place))
        }
        None if config.canaries.max() == 0 => Err(forbidden(config)),
        None => Err(with_terms(
            Refusal::unavailable("The server holds as many canaries as it can.\n"),
            Terms::answer(Proposal::Canary, config),
        )),
    }
}

/// No canary is wanted here.
pub(crate) fn forbidden(config: &Config) -> Refusal {
    let terms = Terms {
        canaries: false,
        ..Terms::answer(Proposal::Canary, config)
    };
    with_terms(
        Refusal::forbidden("Canaries are not welcome here.\n"),
        terms,
    )
}

fn with_terms(refusal: Refusal, terms: Terms) -> Refusal {
    // What `Terms` write can stand in a header.
    let told = refusal.clone().header(heartbeat::HEADER, terms.to_string());
    told.unwrap_or(refusal)
}

/// Why a canary is closed that does what it is not for. RFC 6455, section 7.4.1:
/// 1008 is for a message that violates the policy of the endpoint.
pub(crate) fn chatty() -> Option<CloseFrame> {
    CloseFrame::new(CloseCode::POLICY_VIOLATION, "a canary carries no messages").ok()
}
