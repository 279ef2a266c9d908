//! What servers say and do about heartbeats.

use crate::{
    support::{answer, header, millis, serve, serve_with, soon},
    watched::{Told, Watched, learned, quick},
};
use longwire::heartbeat::Beat;
use std::time::Duration;
use tokio::{sync::mpsc, time::sleep};

#[tokio::test]
async fn a_stranger_that_pings_is_noticed_and_nothing_is_added() {
    let interval = millis(300);
    let url = serve(move |stream, _| answer(stream, Some(interval))).await;
    let mut config = quick();
    config.start = millis(1_000);
    let mut watched = Watched::new(url, |builder| builder.heartbeat(learned(config)));
    let told = watched.until_settled().await;
    let Some(Told::Beat(Beat::Peer(found), _)) = told.last() else {
        panic!("{told:?}");
    };
    assert!((interval..interval * 3).contains(found), "{found:?}");
    sleep(interval * 8).await;
    let lost = |told: &Told| matches!(told, Told::Lost(_));
    assert!(!watched.rest().iter().any(lost));
    assert!(matches!(watched.client.beat(), Some(Beat::Peer(_))));
}

/// A server that answers with this header, if any, and tells the head of each request.
async fn serve_telling(header: &'static str) -> (String, mpsc::UnboundedReceiver<String>) {
    let (tell, heads) = mpsc::unbounded_channel();
    let url = serve_with(header, move |stream, head| {
        tell.send(head).unwrap();
        answer(stream, None)
    });
    (url.await, heads)
}

#[tokio::test]
async fn a_server_that_watches_bounds_the_spans() {
    let (url, mut heads) = serve_telling("Longwire-Heartbeat: watch=2, canaries\r\n").await;
    let mut config = quick();
    config.max = Duration::from_secs(3_600);
    config.margin = millis(200);
    let mut watched = Watched::new(url, |builder| builder.heartbeat(learned(config)));
    let head = soon(heads.recv()).await.unwrap();
    assert_eq!(header(&head, "Longwire-Heartbeat"), Some("client"));
    let beats = watched.until_settled().await;
    // The longest span is 2 s without the margin, and the beat is before that.
    let expected = Told::Beat(Beat::Every(millis(1_600)), true);
    assert_eq!(beats.last(), Some(&expected), "{beats:?}");
}

#[tokio::test]
async fn a_server_may_want_no_canaries() {
    let (url, mut heads) = serve_telling("Longwire-Heartbeat: watch=600, canaries=?0\r\n").await;
    let mut watched = Watched::new(url, |builder| builder.heartbeat(learned(quick())));
    let beats = watched.until_settled().await;
    let expected = [Told::Open, Told::Beat(Beat::Every(millis(500)), true)];
    assert_eq!(beats, expected);
    sleep(millis(1_000)).await;
    assert!(heads.recv().await.is_some());
    assert!(heads.try_recv().is_err(), "a canary came all the same");
}

#[tokio::test]
async fn so_may_the_user() {
    let (url, mut heads) = serve_telling("").await;
    let mut config = quick();
    config.max_canaries = 0;
    let mut watched = Watched::new(url, |builder| builder.heartbeat(learned(config)));
    let beats = watched.until_settled().await;
    let expected = [Told::Open, Told::Beat(Beat::Every(millis(500)), true)];
    assert_eq!(beats, expected);
    sleep(millis(1_000)).await;
    assert!(heads.recv().await.is_some());
    assert!(heads.try_recv().is_err(), "a canary came all the same");
}

#[tokio::test]
async fn a_server_that_refuses_canaries_ends_learning() {
    let url = serve(|mut stream, head| async move {
        if header(&head, "Longwire-Heartbeat") == Some("canary") {
            // 1008, policy violation.
            let close = [0x88, 2, 0x03, 0xf0];
            tokio::io::AsyncWriteExt::write_all(&mut stream, &close)
                .await
                .unwrap();
        }
        answer(stream, None).await;
    })
    .await;
    let mut watched = Watched::new(url, |builder| builder.heartbeat(learned(quick())));
    let beats = watched.until_settled().await;
    let expected = Told::Beat(Beat::Every(millis(500)), true);
    assert_eq!(beats.last(), Some(&expected), "{beats:?}");
}
