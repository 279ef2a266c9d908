//! Descriptors that are used again at once, and none left.

use crate::{REQUEST, commands::Running, faults::reset, frame, open, read_head};
use rustix::{
    process::{Resource, Rlimit, getrlimit, setrlimit},
    time::{ClockId, clock_gettime},
};
use socket2::{Domain, Socket, Type};
use std::{
    env,
    io::{ErrorKind, Read as _, Write as _},
    net::TcpStream,
    os::fd::AsRawFd as _,
    process::{Command, Stdio},
    sync::atomic::{AtomicUsize, Ordering},
    thread,
    time::Duration,
};

/// Set for the process in which there are few.
const FEW: &str = "LONGWIRE_TEST_FEW_DESCRIPTORS";

/// Sends `text`, and expects that and nothing else.
fn echoes(socket: &mut TcpStream, text: &str) {
    socket.write_all(&frame(0x81, text.as_bytes())).unwrap();
    let mut echo = vec![0; 2 + text.len()];
    socket.read_exact(&mut echo).unwrap();
    let came = String::from_utf8_lossy(&echo[2..]);
    assert_eq!((echo[0], &*came), (0x81, text));
}

#[test]
fn a_descriptor_that_is_reused_carries_nothing_over() {
    const TURNS: usize = 150;
    let running = Running::start();
    let address = running.address;
    let churning = AtomicUsize::new(3);
    thread::scope(|scope| {
        for churner in 0..3 {
            let churning = &churning;
            scope.spawn(move || {
                for turn in 0..TURNS {
                    let mut socket = open(address, "/churn");
                    echoes(&mut socket, &format!("churner {churner}, turn {turn}"));
                    // The answers are not waited for, and are nobody else's.
                    for _ in 0..3 {
                        let stale = frame(0x81, format!("stale of {churner}").as_bytes());
                        socket.write_all(&stale).unwrap();
                    }
                    match turn % 3 {
                        0 => reset(socket),
                        1 => socket.write_all(&frame(0x88, b"\x03\xe8")).unwrap(),
                        _ => drop(socket),
                    }
                }
                churning.fetch_sub(1, Ordering::Relaxed);
            });
        }
        for steady in 0..3 {
            let churning = &churning;
            scope.spawn(move || {
                let mut socket = open(address, "/steady");
                let mut turn = 0;
                while churning.load(Ordering::Relaxed) > 0 {
                    echoes(&mut socket, &format!("steady {steady}, turn {turn}"));
                    turn += 1;
                }
            });
        }
    });
}

/// How long the process has computed.
fn computed() -> Duration {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}

#[test]
fn who_finds_no_descriptor_waits_for_one() {
    if env::var_os(FEW).is_some() {
        return serves_more_than_it_has_descriptors_for();
    }
    // The limit is the whole process's, which other tests may be in.
    let test = thread::current().name().unwrap().to_owned();
    let output = Command::new(env::current_exe().unwrap())
        .args([&*test, "--exact", "--nocapture"])
        .env(FEW, "1")
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let said = [output.stdout, output.stderr].concat();
    let said = String::from_utf8_lossy(&said);
    assert!(output.status.success(), "{said}");
    assert!(said.contains("1 passed"), "{said}");
}

fn limit_descriptors(current: u64) {
    let limit = Rlimit {
        current: Some(current),
        ..getrlimit(Resource::Nofile)
    };
    setrlimit(Resource::Nofile, limit).unwrap();
}

/// Who waits costs next to nothing, and is not served yet.
fn waits_at_no_cost(client: &mut TcpStream) {
    let before = computed();
    thread::sleep(Duration::from_secs(1));
    let cost = computed().saturating_sub(before);
    assert!(cost < Duration::from_millis(100), "waiting took {cost:?}");
    client.set_nonblocking(true).unwrap();
    let nothing = client.read(&mut [0]).unwrap_err();
    assert_eq!(nothing.kind(), ErrorKind::WouldBlock);
    client.set_nonblocking(false).unwrap();
}

fn serves_more_than_it_has_descriptors_for() {
    let running = Running::start();
    let sockets: Vec<Socket> = (0..40)
        .map(|_| Socket::new(Domain::IPV4, Type::STREAM, None).unwrap())
        .collect();
    // The clients have theirs; the server gets none.
    let next = sockets[0].try_clone().unwrap().as_raw_fd() as u64;
    limit_descriptors(next);
    let mut clients = Vec::new();
    for socket in sockets {
        // They wait in the backlog.
        socket.connect(&running.address.into()).unwrap();
        let mut client = TcpStream::from(socket);
        client.write_all(REQUEST).unwrap();
        let patience = Some(Duration::from_secs(60));
        client.set_read_timeout(patience).unwrap();
        clients.push(client);
    }
    let mut first = clients.remove(0);
    waits_at_no_cost(&mut first);

    // A few are served now, and do not notice that others are not.
    limit_descriptors(next + 6);
    read_head(&mut first);
    waits_at_no_cost(clients.last_mut().unwrap());
    echoes(&mut first, "still here");

    // Each that leaves makes room.
    drop(first);
    for (turn, mut client) in clients.into_iter().enumerate() {
        read_head(&mut client);
        echoes(&mut client, &format!("turn {turn}"));
    }
}
