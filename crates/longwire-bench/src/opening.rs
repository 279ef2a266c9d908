//! The beginning of a connection: the request and its answer.

use crate::{Error, Target, deflate, target::Protocol, transport::Transport};
use longwire_proto::handshake::ClientHandshake;
use std::io::{self, ErrorKind};

#[derive(Debug)]
pub(crate) struct Opening {
    handshake: ClientHandshake,
    /// The server has to agree to compress.
    deflate: bool,
    answer: Answer,
    written: usize,
}

/// What opens the connection.
#[derive(Debug)]
enum Answer {
    /// The server's half of the handshake.
    Handshake,
    /// So many bytes: an echo without a protocol sends the request back.
    Bytes { left: usize },
}

impl Opening {
    pub(crate) fn new(target: &Target) -> Opening {
        let handshake = target.request().start(rand::random());
        let answer = match target.protocol {
            Protocol::WebSocket | Protocol::SocketIo => Answer::Handshake,
            Protocol::Tcp => Answer::Bytes {
                left: handshake.request().len(),
            },
        };
        Opening {
            handshake,
            deflate: target.deflate,
            answer,
            written: 0,
        }
    }

    /// Goes on after an event. When the connection is open, gives what came
    /// behind the handshake.
    pub(crate) fn turn(
        &mut self,
        stream: &mut Transport,
        buffer: &mut [u8],
    ) -> Result<Option<Vec<u8>>, Error> {
        if let Some(error) = stream.tcp().take_error().map_err(Error::System)? {
            return Err(Error::Connect(error));
        }
        match stream.tcp().peer_addr() {
            Ok(_) => {}
            Err(error) if error.kind() == ErrorKind::NotConnected => return Ok(None),
            Err(error) => return Err(Error::Connect(error)),
        }
        if !self.write(stream).map_err(Error::Lost)? {
            return Ok(None);
        }
        loop {
            match stream.read(buffer) {
                Ok(0) => return Err(Error::Handshake(self.handshake.receive_eof())),
                Ok(read) => {
                    let mut input = &buffer[..read];
                    if self.take(&mut input)? {
                        return Ok(Some(input.to_vec()));
                    }
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(None),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(Error::Lost(error)),
            }
        }
    }

    /// Writes the request. True when all of it is written.
    fn write(&mut self, stream: &mut Transport) -> io::Result<bool> {
        let request = self.handshake.request();
        while self.written < request.len() {
            match stream.write(&request[self.written..]) {
                Ok(written) => self.written += written,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(false),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(true)
    }

    fn take(&mut self, input: &mut &[u8]) -> Result<bool, Error> {
        match &mut self.answer {
            Answer::Handshake => {
                let response = self.handshake.receive(input).map_err(Error::Handshake)?;
                if let (true, Some(response)) = (self.deflate, &response) {
                    deflate::check(response)?;
                }
                Ok(response.is_some())
            }
            Answer::Bytes { left } => {
                let taken = input.len().min(*left);
                *left -= taken;
                *input = &input[taken..];
                Ok(*left == 0)
            }
        }
    }
}
