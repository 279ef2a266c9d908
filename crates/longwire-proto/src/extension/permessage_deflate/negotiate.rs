//! What client and server agree on (RFC 7692 sections 5 and 7.1).

use super::{
    DeflateConfig, DeflateParamError, PermessageDeflate,
    params::{Direction, MaxWindowBits, Params},
};
use crate::extension::Extension;
use alloc::{vec, vec::Vec};

/// The largest window, which is the one without a word about it.
const MAX_BITS: u8 = 15;

impl PermessageDeflate {
    /// What a client offers, the most wanted offer first.
    ///
    /// A server that does not know how to keep its window small may take the
    /// second offer: it asks for no context takeover in its place, which needs
    /// no window to be kept.
    pub fn offers(config: &DeflateConfig) -> Vec<Extension> {
        offers(config)
            .into_iter()
            .map(Params::to_extension)
            .collect()
    }

    /// What a server makes of a client's offers: the first one that it can
    /// accept, with the response to it. `None` declines all of them.
    pub fn accept(
        config: &DeflateConfig,
        offers: &[Extension],
    ) -> Option<(Extension, PermessageDeflate)> {
        let mut ours = offers.iter().filter(|offer| offer.name() == Self::NAME);
        ours.find_map(|offer| accept(config, Params::of_offer(offer).ok()?))
    }

    /// What a client makes of the extensions that a server accepted. `None`: it
    /// did not accept this one.
    ///
    /// # Errors
    /// [`DeflateParamError`]; the client must fail the connection.
    pub fn accepted(
        config: &DeflateConfig,
        accepted: &[Extension],
    ) -> Result<Option<PermessageDeflate>, DeflateParamError> {
        let mut ours = accepted.iter().filter(|each| each.name() == Self::NAME);
        let Some(response) = ours.next() else {
            return Ok(None);
        };
        let response = Params::of_response(response)?;
        if !offers(config).iter().any(|offer| agrees(offer, &response)) {
            return Err(DeflateParamError::NotOffered);
        }
        let own_bits = match response.client_max_window_bits {
            Some(MaxWindowBits::Bits(bits)) => bits.min(config.own_bits()),
            _ => config.own_bits(),
        };
        let own = Direction {
            takeover: config.own_takeover && !response.client_no_context_takeover,
            window_bits: own_bits,
        };
        let peer = Direction {
            takeover: !response.server_no_context_takeover,
            window_bits: response.server_max_window_bits.unwrap_or(MAX_BITS),
        };
        Ok(Some(PermessageDeflate::new(own, peer)))
    }
}

fn offers(config: &DeflateConfig) -> Vec<Params> {
    let limit = |bits| Some(bits).filter(|&bits| bits < MAX_BITS);
    let wanted = Params {
        server_no_context_takeover: !config.peer_takeover,
        client_no_context_takeover: !config.own_takeover,
        server_max_window_bits: limit(config.peer_bits()),
        client_max_window_bits: Some(match limit(config.own_bits()) {
            None => MaxWindowBits::Any,
            Some(bits) => MaxWindowBits::Bits(bits),
        }),
    };
    let mut offers = vec![wanted];
    if wanted.server_max_window_bits.is_some() {
        offers.push(Params {
            server_no_context_takeover: true,
            server_max_window_bits: None,
            ..wanted
        });
    }
    offers
}

/// Whether a server may answer this offer so.
fn agrees(offer: &Params, response: &Params) -> bool {
    // 7.1.1.1: accepted "by including the same parameter in the response".
    let takeover = response.server_no_context_takeover || !offer.server_no_context_takeover;
    // 7.1.2.1: "with the same or smaller value as the offer".
    let server_bits = match (
        offer.server_max_window_bits,
        response.server_max_window_bits,
    ) {
        (None, _) => true,
        (Some(offered), accepted) => accepted.is_some_and(|bits| bits <= offered),
    };
    // 7.1.2.2: only to a client that has told that it knows the parameter.
    let client_bits =
        offer.client_max_window_bits.is_some() || response.client_max_window_bits.is_none();
    takeover && server_bits && client_bits
}

fn accept(config: &DeflateConfig, offer: Params) -> Option<(Extension, PermessageDeflate)> {
    let asked = offer.server_max_window_bits.unwrap_or(MAX_BITS);
    let own = Direction {
        takeover: config.own_takeover && !offer.server_no_context_takeover,
        window_bits: asked.min(config.own_bits()),
    };
    if own.window_bits < config.min_window_bits {
        return None;
    }
    // A client that offers a value keeps to it, whatever it is answered; one
    // that does not know the parameter must not be sent it.
    let (peer_bits, can_be_told) = match offer.client_max_window_bits {
        None => (MAX_BITS, false),
        Some(MaxWindowBits::Any) => (config.peer_bits(), true),
        Some(MaxWindowBits::Bits(bits)) => (bits.min(config.peer_bits()), true),
    };
    let peer = Direction {
        takeover: config.peer_takeover
            && !offer.client_no_context_takeover
            && peer_bits <= config.peer_bits(),
        window_bits: peer_bits,
    };
    let says_own_bits = offer.server_max_window_bits.is_some() || own.window_bits < MAX_BITS;
    let response = Params {
        server_no_context_takeover: !own.takeover,
        client_no_context_takeover: !peer.takeover,
        server_max_window_bits: says_own_bits.then_some(own.window_bits),
        client_max_window_bits: (can_be_told && config.peer_bits() < MAX_BITS)
            .then_some(MaxWindowBits::Bits(peer_bits)),
    };
    Some((response.to_extension(), PermessageDeflate::new(own, peer)))
}
