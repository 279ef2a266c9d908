//! What is known of one network, and of another; and where it is kept.

use crate::{
    support::{answer, millis, serve, soon},
    watched::{Told, Watched, connector, learned, quick},
};
use longwire::{
    Connector, Server,
    heartbeat::{Beat, FileStore, Known, MemoryStore, Route, Store},
    reconnecting::State,
};
use std::{
    env, fs,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

const V4: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
const V6: IpAddr = IpAddr::V6(Ipv6Addr::LOCALHOST);

fn known(proven: Duration) -> Known {
    Known {
        proven,
        refuted: Some(proven + millis(100)),
        age: Duration::ZERO,
    }
}

/// Two servers with one port, at both loopback addresses.
async fn twins() -> (Server, Server, u16) {
    for _ in 0..100 {
        let one = Server::bind((V4, 0)).await.unwrap();
        let address = one.local_addr().to_string();
        let port = address.rsplit(':').next().unwrap().parse().unwrap();
        // The other one's may be taken.
        if let Ok(other) = Server::bind((V6, port)).await {
            return (one, other, port);
        }
    }
    panic!("no port is free at both 127.0.0.1 and ::1: is there IPv6?");
}

fn resolving_to(address: IpAddr) -> Connector {
    let builder = Connector::builder().resolve("twins.test", [address]);
    builder.build().unwrap()
}

#[tokio::test]
async fn another_network_begins_with_what_is_known_of_it() {
    let (mut one, mut other, port) = twins().await;
    let url = format!("ws://twins.test:{port}/");
    let store = MemoryStore::new();
    let parsed = longwire::client::Url::parse(&url).unwrap();
    for (local, proven) in [(V4, millis(2_000)), (V6, millis(3_000))] {
        let route = Route::new(local, &parsed);
        store.save(&route, &known(proven)).unwrap();
    }
    let tries = Arc::new(AtomicUsize::new(0));
    let mut watched = Watched::new(url, |builder| {
        builder
            .connector_with(move || {
                let first = tries.fetch_add(1, Ordering::Relaxed) == 0;
                let connector = resolving_to(if first { V4 } else { V6 });
                async move { Ok(connector) }
            })
            .heartbeat(learned(quick()))
            .heartbeat_store(store)
    });
    let home = soon(one.accept()).await.unwrap().accept().await.unwrap();
    let told = watched.until_settled().await;
    let expected = Told::Beat(Beat::Every(millis(1_000)), true);
    assert_eq!(told.last(), Some(&expected));

    drop(home);
    let _office = soon(other.accept()).await.unwrap().accept().await.unwrap();
    let told = watched.until_settled().await;
    let expected = Told::Beat(Beat::Every(millis(2_000)), true);
    assert_eq!(told.last(), Some(&expected), "{told:?}");
}

#[tokio::test]
async fn a_file_keeps_it_for_the_next_run() {
    let folder = env::temp_dir().join(format!("longwire-heartbeat-{}", std::process::id()));
    let path = folder.join("heartbeats");
    let mut config = quick();
    config.max = millis(1_000);
    config.margin = millis(100);
    let url = serve(|stream, _| answer(stream, None)).await;
    for run in 0..2 {
        let mut watched = Watched::new(url.clone(), |builder| {
            let builder = builder.heartbeat(learned(config.clone()));
            builder.heartbeat_store(FileStore::new(&path))
        });
        let told = watched.until_settled().await;
        let expected = Told::Beat(Beat::Every(millis(900)), true);
        assert_eq!(told.last(), Some(&expected), "{told:?}");
        // The first run learns it, the second one knows.
        assert_eq!(told.len() > 2, run == 0, "{told:?}");
        let kept = async {
            while !path.exists() {
                tokio::time::sleep(millis(10)).await;
            }
        };
        soon(kept).await;
        soon(watched.client.close(1000, "")).await.unwrap();
    }
    let text = fs::read_to_string(&path).unwrap();
    fs::remove_dir_all(folder).unwrap();
    assert!(text.ends_with(" 1000 -\n"), "{text}");
}

#[tokio::test]
async fn a_broken_file_is_told_and_costs_nothing_else() {
    let path = env::temp_dir().join(format!("longwire-broken-{}", std::process::id()));
    fs::write(&path, "\u{1}\u{2}\u{3}").unwrap();
    let url = serve(|stream, _| answer(stream, None)).await;
    let mut watched = Watched::new(url, |builder| {
        let builder = builder.connector(connector()).heartbeat(learned(quick()));
        builder.heartbeat_store(FileStore::new(&path))
    });
    let told = watched.until(|told| matches!(told, Told::Beat(..))).await;
    let [Told::Open, Told::StoreFailed(error), Told::Beat(..)] = &told[..] else {
        panic!("{told:?}");
    };
    let expected = format!("line 1 of {} is not one of learned", path.display());
    assert!(error.starts_with(&expected), "{error}");
    assert_eq!(watched.client.state(), State::Open);
    // And what is learned is kept there all the same.
    watched.until(|told| matches!(told, Told::Beat(..))).await;
    let mended = async {
        while FileStore::new(&path)
            .load(&Route::new(V4, &any_url()))
            .is_err()
        {
            tokio::time::sleep(millis(10)).await;
        }
    };
    soon(mended).await;
    fs::remove_file(path).unwrap();
}

fn any_url() -> longwire::client::Url {
    longwire::client::Url::parse("ws://example.com/").unwrap()
}
