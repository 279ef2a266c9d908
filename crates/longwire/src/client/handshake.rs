//! The I/O of the opening handshake; its rules are in
//! [`longwire_proto::handshake`].

use super::{ConnectError, Redirect, Stage, dial::within};
use crate::{entropy, io::Io, tls::TlsError};
use longwire_proto::handshake::{
    ClientHandshake, ClientRequest, HandshakeError, Refused, Response, Url,
};
use std::{io, time::Duration};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

/// What comes of a handshake that succeeds.
pub(super) struct Opened {
    pub(super) io: Io,
    pub(super) response: Response,
    /// What was read past the response: the beginning of the first frames.
    pub(super) read: Vec<u8>,
}

/// How much is read at once: enough for most responses, with the first frames.
const BUFFER: usize = 4096;

/// The body of a refusal only explains it, so that a slow one is not worth a
/// long wait.
const BODY_TIMEOUT: Duration = Duration::from_secs(3);

/// Makes the opening handshake on `io`.
pub(super) async fn open(
    mut io: Io,
    url: &Url,
    request: &ClientRequest,
    timeout: Duration,
) -> Result<Opened, ConnectError> {
    let mut handshake = request.start(entropy::nonce());
    let mut buffer = vec![0; BUFFER];
    let answer = within(timeout, Stage::Handshake, url, async {
        let outcome = exchange(&mut io, &mut handshake, &mut buffer).await;
        outcome.map_err(|failure| failure.at(url))
    })
    .await?;
    match answer {
        Answer::Open(response, read) => Ok(Opened { io, response, read }),
        Answer::Refused(mut refused, read) => {
            if let Some(location) = refused.location() {
                return Err(redirect(url, refused.head.status(), location));
            }
            refused.body.receive(&mut &read[..]);
            let body = receive_body(&mut io, &mut refused, &mut buffer);
            // What came by then is what there is.
            let _ = tokio::time::timeout(timeout.min(BODY_TIMEOUT), body).await;
            let host = url.host_header();
            Err(ConnectError::Refused { host, refused })
        }
    }
}

/// A final response, and what was read past its head.
enum Answer {
    Open(Response, Vec<u8>),
    Refused(Box<Refused>, Vec<u8>),
}

enum Failure {
    Transport(io::Error),
    Peer(HandshakeError),
}

impl Failure {
    fn at(self, url: &Url) -> ConnectError {
        let host = url.host_header();
        match self {
            Failure::Peer(source) => ConnectError::Handshake { host, source },
            // With TLS 1.3 a server's verdict on the client's certificate comes
            // after the client's side of the TLS handshake is done.
            Failure::Transport(error) => match TlsError::within(error) {
                Ok(source) => ConnectError::Tls { host, source },
                Err(source) => ConnectError::Broken { host, source },
            },
        }
    }
}

async fn exchange(
    io: &mut Io,
    handshake: &mut ClientHandshake,
    buffer: &mut [u8],
) -> Result<Answer, Failure> {
    // A server may refuse and close before it has read all of the request:
    // what it said is worth more than the broken pipe.
    let mut unsent = send(io, handshake.request()).await.err();
    loop {
        let length = read(io, buffer).await.map_err(Failure::Transport)?;
        if length == 0 {
            return Err(match unsent.take() {
                Some(error) => Failure::Transport(error),
                None => Failure::Peer(handshake.receive_eof()),
            });
        }
        let mut input = &buffer[..length];
        match handshake.receive(&mut input) {
            Ok(None) => {}
            Ok(Some(response)) => return Ok(Answer::Open(response, input.to_vec())),
            Err(HandshakeError::Refused(refused)) => {
                return Ok(Answer::Refused(refused, input.to_vec()));
            }
            Err(error) => return Err(Failure::Peer(error)),
        }
    }
}

async fn send(io: &mut Io, request: &[u8]) -> io::Result<()> {
    io.write_all(request).await?;
    io.flush().await
}

/// Reads; a TLS stream that ends without notice has ended all the same, as
/// whether a head or body is whole shows by itself.
async fn read(io: &mut Io, buffer: &mut [u8]) -> io::Result<usize> {
    match io.read(buffer).await {
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(0),
        done => done,
    }
}

fn redirect(url: &Url, status: u16, location: &str) -> ConnectError {
    match url.join(location) {
        Ok(to) => ConnectError::Redirect(Box::new(Redirect {
            status,
            from: url.clone(),
            to,
            followed: 0,
        })),
        Err(source) => ConnectError::InvalidRedirect {
            host: url.host_header(),
            location: location.to_owned(),
            source,
        },
    }
}

async fn receive_body(io: &mut Io, refused: &mut Refused, buffer: &mut [u8]) {
    while !refused.body.is_complete() {
        match read(io, buffer).await {
            Ok(0) | Err(_) => break,
            Ok(length) => refused.body.receive(&mut &buffer[..length]),
        }
    }
}
