//! A restart spreads the reconnects evenly over the window.

use crate::program::Program;
use longwire::reconnecting::{Event, Lost, Reconnecting, State, reconnecting};
use std::{
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

/// As many as a process may have open files for and some to spare, when there is
/// time; the clients are in this process, the server in another.
fn clients() -> usize {
    if crate::rounds() > 1 { 10_000 } else { 1_000 }
}

/// The drain, and the window, in seconds.
fn seconds() -> (u32, u32, u32) {
    if crate::rounds() > 1 {
        (10, 12, 42)
    } else {
        (3, 6, 16)
    }
}

/// When clients meant to come back, and when they tried.
#[derive(Default)]
struct Moments {
    planned: Vec<Instant>,
    tried: Vec<Instant>,
    codes: Vec<u16>,
}

async fn connect(url: &str, moments: &Arc<Mutex<Moments>>) -> Vec<Reconnecting> {
    let mut clients_open: Vec<Reconnecting> = Vec::new();
    while clients_open.len() < clients() {
        // No more at once than the server's backlog takes.
        let first = clients_open.len();
        for _ in 0..100 {
            let moments = Arc::clone(moments);
            let watch = move |event: &Event<'_>| {
                let mut moments = moments.lock().unwrap();
                let now = Instant::now();
                match event {
                    Event::Connecting { .. } => moments.tried.push(now),
                    Event::Lost { cause, next_try_in } => {
                        moments.planned.push(now + *next_try_in);
                        if let Lost::Closed(info) = cause {
                            moments.codes.push(info.code().get());
                        }
                    }
                    _ => {}
                }
            };
            clients_open.push(reconnecting(url).on_event(watch).build().unwrap());
        }
        for client in &clients_open[first..] {
            assert_eq!(client.opened().await, State::Open);
        }
    }
    clients_open
}

/// How many moments each tenth of the window has.
fn tenths(moments: &[Instant], began: Instant) -> [usize; 10] {
    let mut tenths = [0; 10];
    let (_, from, to) = seconds();
    let width = f64::from(to - from) / 10.0;
    for moment in moments {
        let at = moment.saturating_duration_since(began).as_secs_f64() - f64::from(from);
        tenths[(at / width).clamp(0.0, 9.0) as usize] += 1;
    }
    tenths
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_restart_is_no_herd() {
    let (drain, from, to) = seconds();
    let (over, window) = (drain.to_string(), format!("{from}-{to}"));
    let arguments = [
        "echo",
        "--restarting",
        "--drain",
        &over,
        "--reconnect",
        &window,
    ];
    let server = Program::start(&arguments);
    let moments = Arc::default();
    let open = connect(&server.url("/"), &moments).await;
    let address = server.address.clone();
    moments.lock().unwrap().tried.clear();

    let began = Instant::now();
    server.terminate();
    let ended = tokio::task::spawn_blocking(|| server.wait());
    assert!(ended.await.unwrap().success());
    assert!(
        began.elapsed() >= Duration::from_secs(drain.into()) / 2,
        "it has drained"
    );
    let _next = Program::start_at(&address, &arguments);
    let deadline = Instant::now() + Duration::from_secs(120);
    loop {
        let away = open.iter().filter(|client| client.state() != State::Open);
        let away = away.count();
        if away == 0 {
            break;
        }
        assert!(Instant::now() < deadline, "{away} have not come back");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }

    let moments = moments.lock().unwrap();
    assert_eq!(moments.codes, vec![1012; clients()]);
    let (planned, tried) = (
        tenths(&moments.planned, began),
        tenths(&moments.tried, began),
    );
    println!("planned: {planned:?}, tried: {tried:?}");
    assert_eq!(
        moments.tried.len(),
        clients(),
        "each came back at its first try"
    );
    // On a busy machine a client is told some time after it was closed.
    let even = clients() / 10;
    for tenth in planned {
        assert!(
            (even * 7 / 10..=even * 13 / 10).contains(&tenth),
            "{planned:?}"
        );
    }
    for tenth in tried {
        assert!((even / 2..=even * 3 / 2).contains(&tenth), "{tried:?}");
    }
}
