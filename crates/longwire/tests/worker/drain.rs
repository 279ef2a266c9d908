//! Leaving step by step, on the event loops.

use super::*;
use longwire::{Drain, reconnecting::ReconnectWindow};

fn window(from: u64, to: u64) -> ReconnectWindow {
    ReconnectWindow {
        from: Duration::from_secs(from),
        to: Duration::from_secs(to),
    }
}

/// Reads a Close frame: its code and reason.
fn read_close(socket: &mut TcpStream) -> (u16, String) {
    let mut header = [0; 4];
    socket.read_exact(&mut header).unwrap();
    assert_eq!(header[0], 0x88);
    let mut reason = vec![0; usize::from(header[1]) - 2];
    socket.read_exact(&mut reason).unwrap();
    let code = u16::from_be_bytes([header[2], header[3]]);
    (code, String::from_utf8(reason).unwrap())
}

#[test]
fn connections_are_closed_evenly_and_told_their_part_of_the_window() {
    const PEERS: usize = 60;
    const OVER: Duration = Duration::from_secs(2);
    let mut running = Running::start();
    let sockets: Vec<TcpStream> = (0..PEERS).map(|_| running.open_socket()).collect();
    let began = Instant::now();
    let engine = running.engine.take().unwrap();
    let drain = Drain::restarting(OVER, window(10, 50));
    engine.handle().drain(drain);
    let readers = sockets.into_iter().map(|mut socket| {
        std::thread::spawn(move || {
            let (code, reason) = read_close(&mut socket);
            let elapsed = began.elapsed();
            socket
                .write_all(&frame(0x88, &1012_u16.to_be_bytes()))
                .unwrap();
            assert_eq!(code, 1012);
            assert!(reason.starts_with("the server restarts; "), "{reason}");
            (elapsed, ReconnectWindow::in_reason(&reason).unwrap())
        })
    });
    let readers: Vec<_> = readers.collect();
    let mut told: Vec<_> = readers
        .into_iter()
        .map(|reader| reader.join().unwrap())
        .collect();
    engine.wait();
    // A worker's turn, in which its clock stands still, may be a sweep long.
    let slack = Duration::from_millis(400);
    for (elapsed, window) in &told {
        assert!(window.from <= window.to);
        assert!(
            *elapsed + window.to + slack >= Duration::from_secs(10),
            "{window}"
        );
        assert!(window.to <= Duration::from_secs(50), "{window}");
    }
    // Both workers close their own from the first to the last.
    told.sort_by_key(|(elapsed, _)| *elapsed);
    let (first, last) = (told[0], told[PEERS - 1]);
    assert!(last.0 - first.0 >= OVER / 2, "{first:?} {last:?}");
    assert!(first.1.from < Duration::from_secs(13), "{first:?}");
    assert!(last.1.to > Duration::from_secs(40), "{last:?}");
    let half = told
        .iter()
        .filter(|(elapsed, window)| *elapsed + window.to < Duration::from_secs(30));
    let half = half.count();
    assert!(
        (PEERS / 4..=PEERS * 3 / 4).contains(&half),
        "{half} in the first half"
    );
}

#[test]
fn who_is_not_closed_yet_is_served_and_a_shutdown_ends_it() {
    let mut running = Running::with(|options| options.workers = 1);
    let mut first = running.open_socket();
    let mut second = running.open_socket();
    // Its request has not come: it has no connection to be closed.
    let mut opening = running.socket();
    let address = running.engine().local_addr();
    let engine = running.engine.take().unwrap();
    let handle = engine.handle();
    handle.drain(Drain::leaving(Duration::from_secs(3600), window(0, 3600)));
    let (code, reason) = read_close(&mut first);
    assert_eq!(code, 1001);
    assert!(
        reason.starts_with("the server shuts down; reconnect in 0-"),
        "{reason}"
    );
    second.write_all(&frame(0x81, b"still here")).unwrap();
    let mut echo = [0; 12];
    second.read_exact(&mut echo).unwrap();
    assert_eq!(&echo[2..], b"still here");
    assert_eq!(opening.read(&mut [0]).unwrap_or(0), 0);
    assert!(TcpStream::connect(address).is_err());
    // A second drain changes nothing.
    handle.drain(Drain::restarting(Duration::ZERO, window(0, 1)));
    second.write_all(&frame(0x81, b"still here")).unwrap();
    second.read_exact(&mut echo).unwrap();
    handle.shutdown();
    let (code, reason) = read_close(&mut second);
    assert_eq!((code, &*reason), (1001, "the server shuts down"));
    for socket in [&mut first, &mut second] {
        socket
            .write_all(&frame(0x88, &1001_u16.to_be_bytes()))
            .unwrap();
    }
    drop((first, second));
    engine.wait();
}

#[test]
fn without_connections_it_ends_at_once() {
    let mut running = Running::start();
    let engine = running.engine.take().unwrap();
    engine
        .handle()
        .drain(Drain::leaving(Duration::from_secs(3600), window(0, 3600)));
    let began = Instant::now();
    engine.wait();
    assert!(began.elapsed() < Duration::from_secs(20));
}
