//! The limit line: what comes is sent back, by epoll and nothing else.
//!
//! Level-triggered, one shared buffer, one read and one write per event: the
//! fewest system calls that an echo can do with.

use std::io::{self, ErrorKind, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::fd::{AsFd, AsRawFd, OwnedFd};

use rustix::event::epoll::{self, CreateFlags, EventData, EventFlags};

use crate::Result;
use crate::listen::announce;

/// A megabyte in pieces that stay in the cache.
const BUFFER: usize = 256 * 1024;
const EVENTS: usize = 1024;

struct Connection {
    stream: TcpStream,
    /// What the socket did not take yet. While there is some, nothing is read.
    unsent: Vec<u8>,
}

pub(crate) fn echo(address: SocketAddr) -> Result {
    let listener = TcpListener::bind(address)?;
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
            } else if let Some(slot) = connections.get_mut(fd)
                && let Some(connection) = slot
                && !matches!(connection.turn(&epoll, &mut buffer), Ok(true))
            {
                *slot = None;
            }
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
        });
    }
}

impl Connection {
    /// Handles one event. False when the connection is over.
    fn turn(&mut self, epoll: &OwnedFd, buffer: &mut [u8]) -> io::Result<bool> {
        if !self.unsent.is_empty() {
            let sent = write(&mut self.stream, &self.unsent)?;
            self.unsent.drain(..sent);
            if self.unsent.is_empty() {
                self.unsent = Vec::new();
                self.wait_for(epoll, EventFlags::IN)?;
            }
            return Ok(true);
        }
        let read = match self.stream.read(buffer) {
            Ok(0) => return Ok(false),
            Ok(read) => read,
            Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(true),
            Err(error) => return Err(error),
        };
        let sent = write(&mut self.stream, &buffer[..read])?;
        if sent < read {
            self.unsent = buffer[sent..read].to_vec();
            self.wait_for(epoll, EventFlags::OUT)?;
        }
        Ok(true)
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
