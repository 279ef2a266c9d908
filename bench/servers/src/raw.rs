//! The limit lines: what comes is sent back, or to everybody, by epoll and
//! nothing else.
//!
//! Level-triggered, one shared buffer, one read and one write per event (or one
//! for each subscriber): the fewest system calls that it can be done with.

use std::io::{self, ErrorKind, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::os::fd::{AsFd, AsRawFd, OwnedFd};

use rustix::event::epoll::{self, CreateFlags, EventData, EventFlags};

use crate::Result;
use crate::listen::{ADDRESS, announce};

/// A megabyte in pieces that stay in the cache.
const BUFFER: usize = 256 * 1024;
const EVENTS: usize = 1024;

struct Connection {
    stream: TcpStream,
    /// What the socket did not take yet. While there is some, nothing is read.
    unsent: Vec<u8>,
    /// It has had its opening echoed.
    open: bool,
}

/// To whom goes what comes.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Answer {
    ToSender,
    /// All but what comes first, which opens a connection of the load
    /// generator.
    ToEverybody,
}

pub(crate) fn echo() -> Result {
    serve(Answer::ToSender)
}

pub(crate) fn fan_out() -> Result {
    serve(Answer::ToEverybody)
}

fn serve(answer: Answer) -> Result {
    let listener = TcpListener::bind(ADDRESS)?;
    listener.set_nonblocking(true)?;
    announce(listener.local_addr()?);
    let epoll = epoll::create(CreateFlags::CLOEXEC)?;
    watch(&epoll, &listener)?;

    let mut connections: Vec<Option<Connection>> = Vec::new();
    let mut buffer = vec![0; BUFFER];
    let mut events = Vec::with_capacity(EVENTS);
    loop {
        events.clear();
        epoll::wait(&epoll, rustix::buffer::spare_capacity(&mut events), None)?;
        for event in &events {
            let fd = event.data.u64() as usize;
            if fd == listener.as_raw_fd() as usize {
                accept(&epoll, &listener, &mut connections)?;
                continue;
            }
            let Some(Some(connection)) = connections.get_mut(fd) else {
                continue;
            };
            let Ok(Some(read)) = connection.turn(&epoll, &mut buffer) else {
                connections[fd] = None;
                continue;
            };
            let opens = !std::mem::replace(&mut connection.open, true);
            let receivers = match answer {
                Answer::ToEverybody if !opens => &mut connections[..],
                _ => &mut connections[fd..=fd],
            };
            if read > 0 {
                send_to(receivers, &epoll, &buffer[..read]);
            }
        }
    }
}

fn send_to(receivers: &mut [Option<Connection>], epoll: &OwnedFd, bytes: &[u8]) {
    for slot in receivers {
        if let Some(connection) = slot
            && connection.send(epoll, bytes).is_err()
        {
            *slot = None;
        }
    }
}

fn watch(epoll: &OwnedFd, socket: &(impl AsFd + AsRawFd)) -> io::Result<()> {
    let data = EventData::new_u64(socket.as_raw_fd() as u64);
    epoll::add(epoll, socket, data, EventFlags::IN)?;
    Ok(())
}

fn accept(
    epoll: &OwnedFd,
    listener: &TcpListener,
    connections: &mut Vec<Option<Connection>>,
) -> io::Result<()> {
    loop {
        let stream = match listener.accept() {
            Ok((stream, _)) => stream,
            Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
            Err(error) => return Err(error),
        };
        stream.set_nonblocking(true)?;
        stream.set_nodelay(true)?;
        watch(epoll, &stream)?;
        let at = stream.as_raw_fd() as usize;
        if connections.len() <= at {
            connections.resize_with(at + 1, || None);
        }
        connections[at] = Some(Connection {
            stream,
            unsent: Vec::new(),
            open: false,
        });
    }
}

impl Connection {
    /// Handles one event. Says how much was read, or none when the connection is
    /// over.
    fn turn(&mut self, epoll: &OwnedFd, buffer: &mut [u8]) -> io::Result<Option<usize>> {
        if !self.unsent.is_empty() {
            let sent = write(&mut self.stream, &self.unsent)?;
            self.unsent.drain(..sent);
            if self.unsent.is_empty() {
                self.unsent = Vec::new();
                self.wait_for(epoll, EventFlags::IN)?;
            }
            return Ok(Some(0));
        }
        match self.stream.read(buffer) {
            Ok(0) => Ok(None),
            Err(error) if error.kind() == ErrorKind::WouldBlock => Ok(Some(0)),
            read => read.map(Some),
        }
    }

    fn send(&mut self, epoll: &OwnedFd, bytes: &[u8]) -> io::Result<()> {
        let blocked = !self.unsent.is_empty();
        let sent = match blocked {
            true => 0,
            false => write(&mut self.stream, bytes)?,
        };
        self.unsent.extend_from_slice(&bytes[sent..]);
        if !blocked && !self.unsent.is_empty() {
            self.wait_for(epoll, EventFlags::OUT)?;
        }
        Ok(())
    }

    fn wait_for(&self, epoll: &OwnedFd, flags: EventFlags) -> io::Result<()> {
        let data = EventData::new_u64(self.stream.as_raw_fd() as u64);
        epoll::modify(epoll, &self.stream, data, flags)?;
        Ok(())
    }
}

fn write(stream: &mut TcpStream, bytes: &[u8]) -> io::Result<usize> {
    match stream.write(bytes) {
        Err(error) if error.kind() == ErrorKind::WouldBlock => Ok(0),
        written => written,
    }
}
