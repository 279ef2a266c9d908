//! Learning on a path that forgets idle connections without a word.

use crate::{
    middlebox::{canaries, most, open, url},
    support::{millis, soon},
    watched::{Told, Watched, is_lost, learned, quick},
};
use longwire::{
    Server,
    heartbeat::{Beat, Heartbeat, Known, MemoryStore, Route, Store},
    reconnecting::State,
};
use std::{net::SocketAddr, sync::Arc, time::Duration};
use testkit::{AtLimit, Middlebox};
use tokio::time::sleep;

/// A server that answers, for as long as the test runs.
async fn server() -> SocketAddr {
    let mut server = Server::bind("127.0.0.1:0").await.unwrap();
    let address = server.local_addr().to_string().parse().unwrap();
    tokio::spawn(async move {
        while let Some(pending) = server.accept().await {
            tokio::spawn(async move {
                if let Ok(mut ws) = pending.accept().await {
                    while ws.next().await.is_some() {}
                }
            });
        }
    });
    address
}

/// A path to it with a limit.
async fn path(limit: Duration, then: AtLimit) -> Middlebox {
    let middlebox = Middlebox::before(server().await).await.unwrap();
    middlebox.limit_idle(limit, then);
    middlebox
}

/// What the store knows of the way to the middlebox.
fn known(store: &MemoryStore, middlebox: &Middlebox) -> Option<Known> {
    store.load(&route(middlebox)).unwrap()
}

fn route(middlebox: &Middlebox) -> Route {
    Route::new(middlebox.address().ip(), &url(middlebox))
}

/// A store that knows of the way to the middlebox, since just now.
fn store_of(middlebox: &Middlebox, proven: Duration, refuted: Duration) -> Arc<MemoryStore> {
    let store = MemoryStore::new();
    let known = Known {
        proven,
        refuted: Some(refuted),
        age: Duration::ZERO,
    };
    store.save(&route(middlebox), &known).unwrap();
    Arc::new(store)
}

#[tokio::test]
async fn the_limit_is_found_and_the_live_connection_never_dies() {
    find_the_limit(AtLimit::Silence).await;
}

#[tokio::test]
async fn a_limit_that_ends_in_a_reset_is_found_too() {
    find_the_limit(AtLimit::Rst).await;
}

#[tokio::test]
async fn a_limit_that_ends_in_a_fin_is_found_too() {
    find_the_limit(AtLimit::Fin).await;
}

async fn find_the_limit(then: AtLimit) {
    let limit = millis(2_600);
    let middlebox = path(limit, then).await;
    let store = Arc::new(MemoryStore::new());
    let mut watched = Watched::new(url(&middlebox), |builder| {
        let builder = builder.heartbeat(learned(quick()));
        builder.heartbeat_store(Arc::clone(&store))
    });
    let told = watched.until_settled().await;
    assert_eq!(told[0], Told::Open);
    assert_eq!(told[1], Told::Beat(Beat::Every(millis(500)), false));
    assert!(!told.iter().any(is_lost), "{told:?}");

    let known = known(&store, &middlebox).unwrap();
    assert!(known.proven >= limit / 2, "{known:?}");
    assert!(known.proven <= limit, "{known:?}");
    assert!(known.refuted.is_some(), "{known:?}");
    let expected = Beat::Every((known.proven - millis(1_000)).max(millis(500)));
    assert_eq!(told.last(), Some(&Told::Beat(expected, true)));
    assert_eq!(watched.client.beat(), Some(expected));
    let canaries = canaries(&middlebox);
    let config = quick();
    // One that was told to go may still be closing.
    assert!(most(&canaries) <= 2 * config.max_canaries);
    assert!(canaries.len() <= config.max_total as usize);

    // And it stays alive on what was learned.
    sleep(limit * 2).await;
    assert_eq!(watched.rest(), []);
    assert_eq!(watched.client.state(), State::Open);
}

#[tokio::test]
async fn a_fixed_heartbeat_that_is_slower_than_the_limit_is_death() {
    let middlebox = path(millis(300), AtLimit::Silence).await;
    let fixed = Heartbeat::Fixed(millis(1_500));
    let mut watched = Watched::new(url(&middlebox), |builder| builder.heartbeat(fixed));
    let told = watched.until(is_lost).await;
    assert_eq!(told[0], Told::Open);
    assert!(told.iter().all(|told| !matches!(told, Told::Beat(..))));
    let interval = Some(Beat::Every(millis(1_500)));
    assert_eq!(watched.client.beat(), interval);
    // Over and over.
    watched.until(is_lost).await;
    assert_eq!(canaries(&middlebox).len(), 0);
}

#[tokio::test]
async fn a_fixed_heartbeat_that_is_faster_than_the_limit_keeps_it_alive() {
    let middlebox = path(millis(2_000), AtLimit::Silence).await;
    let fixed = Heartbeat::Fixed(millis(300));
    let mut watched = Watched::new(url(&middlebox), |builder| builder.heartbeat(fixed));
    assert_eq!(watched.next().await, Told::Open);
    sleep(millis(3_000)).await;
    assert_eq!(watched.rest(), []);
}

#[tokio::test]
async fn a_limit_that_shrinks_kills_once_and_is_learned_anew() {
    let middlebox = path(millis(60_000), AtLimit::Silence).await;
    let store = store_of(&middlebox, millis(3_500), millis(3_700));
    let mut watched = Watched::new(url(&middlebox), |builder| {
        let builder = builder.heartbeat(learned(quick()));
        builder.heartbeat_store(Arc::clone(&store))
    });
    let before = Beat::Every(millis(2_500));
    assert_eq!(watched.next().await, Told::Open);
    assert_eq!(watched.next().await, Told::Beat(before, true));

    middlebox.limit_idle(millis(1_800), AtLimit::Silence);
    let told = watched.until_settled().await;
    assert_eq!(
        told.iter().filter(|told| is_lost(told)).count(),
        1,
        "{told:?}"
    );
    let forgotten = |told: &&Told| matches!(told, Told::Forgotten(_));
    let forgotten = told.iter().find(forgotten).unwrap();
    assert_eq!(*forgotten, Told::Forgotten(millis(2_500)));
    let anew = Told::Beat(Beat::Every(millis(500)), false);
    assert!(told.contains(&anew), "{told:?}");
    let known = known(&store, &middlebox).unwrap();
    assert!(known.proven <= millis(1_800), "{known:?}");
    sleep(millis(3_000)).await;
    assert_eq!(watched.rest(), []);
}

#[tokio::test]
async fn the_next_client_begins_with_what_is_known() {
    let middlebox = path(millis(60_000), AtLimit::Silence).await;
    let store = store_of(&middlebox, millis(3_000), millis(3_200));
    let mut watched = Watched::new(url(&middlebox), |builder| {
        let builder = builder.heartbeat(learned(quick()));
        builder.heartbeat_store(store)
    });
    assert_eq!(watched.next().await, Told::Open);
    let expected = Told::Beat(Beat::Every(millis(2_000)), true);
    assert_eq!(watched.next().await, expected);
    sleep(millis(500)).await;
    assert_eq!(watched.rest(), []);
    assert_eq!(canaries(&middlebox).len(), 0);
    soon(watched.client.close(1000, "")).await.unwrap();
}

#[tokio::test]
async fn canaries_go_with_the_connection() {
    let middlebox = path(millis(60_000), AtLimit::Silence).await;
    let mut config = quick();
    config.max = Duration::from_secs(3_600);
    let mut watched = Watched::new(url(&middlebox), |builder| {
        builder.heartbeat(learned(config))
    });
    watched.until(|told| matches!(told, Told::Beat(..))).await;
    while canaries(&middlebox).len() < 4 {
        sleep(millis(20)).await;
    }
    soon(watched.client.close(1000, "")).await.unwrap();
    let gone = async {
        while open(&canaries(&middlebox)) > 0 {
            sleep(millis(20)).await;
        }
    };
    soon(gone).await;
}
