//! What a middlebox has seen of canaries.

use longwire::client::Url;
use testkit::{Flow, Middlebox};
use tokio::time::Instant;

pub(crate) fn url(middlebox: &Middlebox) -> Url {
    Url::parse(&format!("ws://{}/", middlebox.address())).unwrap()
}

/// All canaries that ever were.
pub(crate) fn canaries(middlebox: &Middlebox) -> Vec<Flow> {
    let is_canary = |flow: &Flow| {
        String::from_utf8_lossy(&flow.head).contains("\r\nLongwire-Heartbeat: canary\r\n")
    };
    let mut flows = middlebox.flows();
    flows.retain(is_canary);
    flows
}

/// Those that are there now.
pub(crate) fn open(canaries: &[Flow]) -> usize {
    canaries.iter().filter(|flow| flow.ended.is_none()).count()
}

/// The most that were there at one time.
pub(crate) fn most(canaries: &[Flow]) -> usize {
    let there = |at: Instant| {
        let is_there = |flow: &&Flow| flow.opened <= at && flow.ended.is_none_or(|end| end > at);
        canaries.iter().filter(is_there).count()
    };
    let counts = canaries.iter().map(|flow| there(flow.opened));
    counts.max().unwrap_or_default()
}
