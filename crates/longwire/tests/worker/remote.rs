//! Other threads send to one connection.

use crate::{REQUEST, Running, commands, read_head};
use longwire::{CloseFrame, Compress, Config, DeflateConfig, PreparedMessage, worker::RemoteError};
use std::{
    io::{Read as _, Write as _},
    net::TcpStream,
    time::{Duration, Instant},
};

#[tokio::test]
async fn other_threads_send_and_close() {
    let running = Running::start();
    let mut ws = longwire::connect(running.url("/")).await.unwrap();
    ws.send("quiet").await.unwrap();
    ws.ping().await.unwrap();
    let remote = running.diary.remotes.lock().unwrap()[0].clone();
    let thread = std::thread::spawn(move || {
        for i in 0..1_000 {
            remote.send(format!("{i}")).unwrap();
        }
        remote
    });
    for i in 0..1_000 {
        let message = ws.next().await.unwrap().unwrap();
        assert_eq!(message.as_text(), Some(&*i.to_string()));
    }
    let remote = thread.join().unwrap();
    remote
        .close(CloseFrame::new(4002, "from afar").unwrap())
        .unwrap();
    assert!(ws.next().await.is_none());
    assert_eq!(ws.close_info().unwrap().code().get(), 4002);
    // Its place may be another's by now, who must not get this.
    let mut next = longwire::connect(running.url("/")).await.unwrap();
    remote.send("for a connection that has ended").unwrap();
    next.send("mine").await.unwrap();
    assert_eq!(next.next().await.unwrap().unwrap().as_text(), Some("mine"));
}

#[tokio::test]
async fn a_remote_is_told_when_the_peer_takes_nothing() {
    let mut config = Config::server();
    config.limits.max_queued_output = 100_000;
    let running = commands::Running::with(|options| options.config = config.into());
    let mut client = running.connect("/").await;
    let remote = running.diary.remotes.lock().unwrap()[0].clone();
    // The client's task does not run meanwhile, but reads ahead a little.
    let deadline = Instant::now() + Duration::from_secs(20);
    let mut sent = 0;
    while remote.send(vec![0; 50_000]) != Err(RemoteError::Full) {
        sent += 1;
        std::thread::sleep(Duration::from_millis(1));
        assert!(Instant::now() < deadline, "{sent} fit");
    }
    assert!(sent > 2, "{sent}");
    let mut left = sent;
    loop {
        let message = client.0.next().await.unwrap().unwrap();
        match message.as_text() {
            None => {
                assert_eq!(message.len(), 50_000);
                left -= 1;
            }
            // Several that came together filled the queue, and the kernel took
            // them all; or it is the last time.
            Some(text) => {
                assert_eq!(text, "drained");
                if left == 0 {
                    break;
                }
            }
        }
    }
    remote.send("goes on").unwrap();
    assert_eq!(client.next().await, "goes on");
}

#[test]
fn a_message_from_afar_says_whether_it_is_compressed() {
    let mut config = Config::server();
    config.deflate = Some(DeflateConfig::server());
    let running = Running::with(|options| options.config = config.into());
    let mut socket = TcpStream::connect(running.engine().local_addr()).unwrap();
    let patience = Some(Duration::from_secs(20));
    socket.set_read_timeout(patience).unwrap();
    let (request, end) = REQUEST.split_at(REQUEST.len() - 2);
    let offer = b"Sec-WebSocket-Extensions: permessage-deflate\r\n";
    socket.write_all(&[request, offer, end].concat()).unwrap();
    let head = read_head(&mut socket);
    assert!(head.contains("permessage-deflate"), "{head}");
    // It answers, so that it is open, and its remote there.
    socket.write_all(&crate::frame(0x81, b"here")).unwrap();
    let mut echo = [0; 6];
    socket.read_exact(&mut echo).unwrap();
    assert_eq!(&echo, b"\x81\x04here");
    let remote = running.diary.remotes.lock().unwrap()[0].clone();
    let text = "again and ".repeat(12);
    for (compress, first) in [(Compress::Never, 0x81), (Compress::Always, 0xC1)] {
        let message = PreparedMessage::new_with(text.clone(), compress);
        remote.send(message).unwrap();
        let mut head = [0; 2];
        socket.read_exact(&mut head).unwrap();
        assert_eq!(head[0], first, "{compress:?}");
        let mut payload = vec![0; head[1].into()];
        socket.read_exact(&mut payload).unwrap();
        assert_eq!(payload == text.as_bytes(), compress == Compress::Never);
    }
}
