//! Canaries on the async server: kept without the program.

use super::heartbeat;
use crate::WebSocket;
use longwire_proto::heartbeat::CanaryPlace;

/// Keeps a canary until it ends. That its Pings are answered, and that it is
/// given up when it is silent for too long, is seen to without anybody.
pub(crate) async fn keep(mut ws: WebSocket, place: CanaryPlace) {
    let spoke = matches!(ws.next_reader().await, Some(Ok(_)));
    if let (true, Some(frame)) = (spoke, heartbeat::chatty()) {
        ws.closer().close(frame);
        while let Some(Ok(_)) = ws.next_reader().await {}
    }
    // Only now may another one come.
    drop(place);
}
