use super::{AtLimit, Middlebox};
use std::{future::Future, io, net::SocketAddr, time::Duration};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    time::{self, Instant},
};

const LIMIT: Duration = Duration::from_millis(400);
const SHORT: Duration = Duration::from_millis(20);
/// In which nothing comes if nothing ever does.
const A_WHILE: Duration = Duration::from_millis(300);
const DEADLINE: Duration = Duration::from_secs(20);

fn run(test: impl Future<Output = ()>) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async { time::timeout(DEADLINE, test).await.unwrap() });
}

async fn echo() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                let (mut from, mut to) = stream.split();
                let _ = tokio::io::copy(&mut from, &mut to).await;
            });
        }
    });
    address
}

/// An echo server behind a middlebox, and a client that was answered once.
async fn connected() -> (Middlebox, TcpStream) {
    let middlebox = Middlebox::before(echo().await).await.unwrap();
    let mut client = TcpStream::connect(middlebox.address()).await.unwrap();
    assert_eq!(asked(&mut client).await.unwrap(), 4);
    (middlebox, client)
}

/// How many bytes the answer has: 4, or 0 for a FIN.
async fn asked(client: &mut TcpStream) -> io::Result<usize> {
    client.write_all(b"ping").await?;
    client.read(&mut [0; 8]).await
}

async fn is_silent(client: &mut TcpStream) -> bool {
    client.write_all(b"ping").await.unwrap();
    let answer = time::timeout(A_WHILE, client.read(&mut [0; 8])).await;
    answer.is_err()
}

async fn no_flows_in(middlebox: &Middlebox) {
    while middlebox.open_flows() > 0 {
        time::sleep(SHORT).await;
    }
}

#[test]
fn flows_pass_and_are_counted_with_what_was_sent_first() {
    run(async {
        let before = Instant::now();
        let (middlebox, mut client) = connected().await;
        let second = TcpStream::connect(middlebox.address()).await.unwrap();
        while middlebox.open_flows() < 2 {
            time::sleep(SHORT).await;
        }
        client.shutdown().await.unwrap();
        assert_eq!(client.read(&mut [0; 8]).await.unwrap(), 0, "a FIN passes");
        drop((client, second));
        no_flows_in(&middlebox).await;
        let flows = middlebox.flows();
        assert_eq!(flows.len(), 2);
        assert_eq!(flows[0].head, b"ping");
        assert!(flows[0].opened >= before && flows[1].opened >= flows[0].opened);
        assert!(flows.iter().all(|flow| flow.ended > Some(flow.opened)));
    });
}

#[test]
fn a_large_stream_passes_whole() {
    run(async {
        let (_middlebox, client) = connected().await;
        let (mut from, mut to) = client.into_split();
        let sent: Vec<u8> = (0..3_000_000_u32).map(|at| (at % 251) as u8).collect();
        let expected = sent.clone();
        let sending = tokio::spawn(async move {
            to.write_all(&sent).await.unwrap();
            to.shutdown().await.unwrap();
        });
        let mut received = Vec::new();
        from.read_to_end(&mut received).await.unwrap();
        sending.await.unwrap();
        assert!(received == expected);
    });
}

#[test]
fn an_idle_flow_is_forgotten_without_a_word_for_good() {
    run(async {
        let (middlebox, mut client) = connected().await;
        middlebox.limit_idle(LIMIT, AtLimit::Silence);
        time::sleep(LIMIT * 2).await;
        assert!(is_silent(&mut client).await);
        middlebox.unlimit_idle();
        assert!(is_silent(&mut client).await);
        client.shutdown().await.unwrap();
        time::sleep(A_WHILE).await;
        assert_eq!(middlebox.open_flows(), 1, "the server heard of no end");
    });
}

#[test]
fn a_flow_that_is_not_idle_is_kept() {
    run(async {
        let (middlebox, mut client) = connected().await;
        middlebox.limit_idle(Duration::from_secs(5), AtLimit::Silence);
        let begin = Instant::now();
        while begin.elapsed() < Duration::from_millis(5500) {
            assert_eq!(asked(&mut client).await.unwrap(), 4);
            time::sleep(LIMIT).await;
        }
    });
}

#[test]
fn a_forgotten_flow_is_answered_by_a_rst() {
    run(async {
        let (middlebox, mut client) = connected().await;
        middlebox.limit_idle(LIMIT, AtLimit::Rst);
        time::sleep(LIMIT * 2).await;
        let error = asked(&mut client).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::ConnectionReset);
        assert_eq!(middlebox.open_flows(), 1, "the server was told nothing");
    });
}

#[test]
fn an_idle_flow_is_closed_at_the_limit() {
    run(async {
        let (middlebox, mut client) = connected().await;
        let begin = Instant::now();
        middlebox.limit_idle(LIMIT, AtLimit::Fin);
        assert_eq!(client.read(&mut [0; 8]).await.unwrap(), 0);
        assert!(begin.elapsed() + SHORT >= LIMIT, "{:?}", begin.elapsed());
        no_flows_in(&middlebox).await;
    });
}

#[test]
fn the_limit_is_changed_under_way() {
    run(async {
        let (middlebox, mut client) = connected().await;
        middlebox.limit_idle(Duration::from_secs(3600), AtLimit::Fin);
        time::sleep(SHORT).await;
        middlebox.limit_idle(LIMIT, AtLimit::Fin);
        assert_eq!(client.read(&mut [0; 8]).await.unwrap(), 0);
    });
}

#[test]
fn what_was_cut_passes_when_the_path_is_back() {
    run(async {
        let (middlebox, mut client) = connected().await;
        middlebox.cut();
        let mut second = TcpStream::connect(middlebox.address()).await.unwrap();
        assert!(is_silent(&mut client).await);
        assert!(is_silent(&mut second).await);
        middlebox.restore();
        for client in [&mut client, &mut second] {
            assert_eq!(client.read(&mut [0; 8]).await.unwrap(), 4);
        }
    });
}

#[test]
fn all_flows_are_forgotten_and_new_ones_served() {
    run(async {
        let (middlebox, mut client) = connected().await;
        middlebox.forget();
        assert!(is_silent(&mut client).await);
        let mut second = TcpStream::connect(middlebox.address()).await.unwrap();
        assert_eq!(asked(&mut second).await.unwrap(), 4);
    });
}

#[test]
fn bytes_are_delayed_in_both_directions() {
    run(async {
        let (middlebox, mut client) = connected().await;
        middlebox.delay(LIMIT);
        let begin = Instant::now();
        assert_eq!(asked(&mut client).await.unwrap(), 4);
        assert!(begin.elapsed() >= LIMIT * 2, "{:?}", begin.elapsed());
    });
}

#[test]
fn new_connections_are_refused_and_admitted_again() {
    run(async {
        let (middlebox, mut client) = connected().await;
        middlebox.refuse();
        let refused = async {
            let mut client = TcpStream::connect(middlebox.address()).await?;
            client.read(&mut [0; 8]).await
        };
        assert!(refused.await.is_err());
        assert_eq!(asked(&mut client).await.unwrap(), 4, "it is no new one");
        middlebox.admit();
        let mut client = TcpStream::connect(middlebox.address()).await.unwrap();
        assert_eq!(asked(&mut client).await.unwrap(), 4);
        assert_eq!(middlebox.flows().len(), 2);
    });
}

#[test]
fn without_a_server_clients_are_reset() {
    run(async {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let middlebox = Middlebox::before(listener.local_addr().unwrap()).await;
        drop(listener);
        let middlebox = middlebox.unwrap();
        let mut client = TcpStream::connect(middlebox.address()).await.unwrap();
        assert!(client.read(&mut [0; 8]).await.is_err());
    });
}

#[test]
fn everything_ends_with_its_handle() {
    run(async {
        let (middlebox, mut client) = connected().await;
        let address = middlebox.address();
        drop(middlebox);
        assert_eq!(client.read(&mut [0; 8]).await.unwrap_or_default(), 0);
        while TcpStream::connect(address).await.is_ok() {
            time::sleep(SHORT).await;
        }
    });
}
