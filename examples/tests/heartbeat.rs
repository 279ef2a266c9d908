//! The example `heartbeat`, on a path that carries every silence.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

#[allow(dead_code, reason = "`main` is not called")]
#[path = "../examples/heartbeat.rs"]
mod heartbeat;

use longwire::{
    Server,
    heartbeat::{FileStore, LearningConfig},
};
use std::{env, fs, process, time::Duration};
use tokio::{sync::mpsc, time::timeout};

#[tokio::test]
async fn it_tells_what_it_learns() {
    let mut server = Server::bind("127.0.0.1:0").await.unwrap();
    let url = format!("ws://{}/", server.local_addr());
    tokio::spawn(async move {
        while let Some(pending) = server.accept().await {
            tokio::spawn(async move {
                let mut ws = pending.accept().await.unwrap();
                while ws.next().await.is_some() {}
            });
        }
    });
    let mut config = LearningConfig::default();
    config.start = Duration::from_millis(100);
    config.max = Duration::from_millis(400);
    config.margin = Duration::from_millis(50);
    config.resolution = Duration::from_millis(50);
    let path = env::temp_dir().join(format!("longwire-example-{}", process::id()));
    let (tell, mut told) = mpsc::unbounded_channel();
    let store = FileStore::new(&path);
    let ws = heartbeat::connect(&url, config, store, move |line| {
        let _ = tell.send(line);
    });
    let ws = ws.unwrap();
    let mut next = async || {
        let next = timeout(Duration::from_secs(30), told.recv()).await;
        next.unwrap().unwrap()
    };
    assert_eq!(next().await, format!("Connected to {url}"));
    assert_eq!(next().await, "A Ping after 100ms of silence, learning");
    while next().await != "A Ping after 350ms of silence, settled" {}
    ws.close(1000, "").await.unwrap();
    let _ = fs::remove_file(path);
}
