//! Scripts for one connection: these bytes come, those must go out, and that
//! is what the user sees. Paired by role wherever the roles differ.
#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

mod acknowledged;
mod close;
mod control;
mod deflate;
mod hold;
mod keepalive;
mod limits;
mod receive;
mod refuse;
mod send;
mod stream;

use longwire_proto::{CloseCause, Event, Failure, Role, Transport};
use testkit::{Endpoint, RawFrame};

const ROLES: [Role; 2] = [Role::Client, Role::Server];

fn text(text: &str) -> Event<'static> {
    Event::Text(text.to_owned().into())
}

fn binary(payload: &[u8]) -> Event<'static> {
    Event::Binary(payload.to_vec().into())
}

/// The bytes of `frames` as the peer of `end` sends them.
fn from_peer(end: &Endpoint, frames: impl IntoIterator<Item = RawFrame>) -> Vec<u8> {
    let peer = end.connection.role().peer();
    let frames = frames.into_iter().map(|frame| frame.sent_by(peer));
    frames.flat_map(|frame| frame.to_bytes()).collect()
}

/// The connection was just failed for `failure`: that is what it reports, its
/// Close frame with `code` is the only one it sends, and nothing that still
/// comes matters.
#[track_caller]
fn assert_failed(end: &mut Endpoint, failure: impl Into<Failure>, code: u16) {
    let failure = failure.into();
    let info = end.connection.close_info().expect("it was failed").clone();
    assert_eq!(info.cause, CloseCause::Failed(failure));
    assert_eq!(info.received, None);
    assert_eq!(info.code().get(), 1006);
    assert!(!info.was_clean());
    let sent = info.sent.expect("a failure sends a Close frame");
    assert_eq!(sent.code().get(), code);
    assert_eq!(sent.reason(), failure.to_string());
    let frames = end.take_frames();
    assert_eq!(frames.last(), Some(&RawFrame::close(code, sent.reason())));
    assert_eq!(
        frames.iter().filter(|frame| frame.opcode() == 0x8).count(),
        1
    );
    assert_eq!(end.connection.transport(), Transport::ShutdownWrite);

    assert_eq!(end.receive(b"\x81\x00 and whatever else"), []);
    assert!(end.output.is_empty());
    assert_eq!(
        end.connection.next_timeout(),
        Some(end.now + end.connection.config().close_timeout)
    );
}
