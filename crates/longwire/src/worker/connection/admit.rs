//! Who comes in.

use super::{Slot, Stage, Turn};
use crate::{
    server::{compress, crowded, heartbeat, mistake},
    worker::{handler::Handler, opening::Opening, socket::Socket},
};
use longwire_proto::{
    Connection, Role,
    handshake::{Acceptance, Refusal, Request, RequestHead},
    heartbeat::CanaryPlace,
};
use std::{
    net::SocketAddr,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
};

impl<D: Send + 'static> Slot<D> {
    pub(super) fn shake_hands<H: Handler<Data = D>>(
        &mut self,
        turn: &mut Turn<'_, H>,
        bytes: &mut [u8],
        room: usize,
    ) -> usize {
        let Stage::Handshake(opening) = &mut self.stage else {
            return 0;
        };
        let announced = opening.announced;
        let mut rest: &[u8] = bytes;
        match opening.reader.receive(&mut rest) {
            Ok(None) => {}
            Ok(Some(head)) => {
                let frames = bytes.len() - rest.len();
                if let (Some(http), false) = (&turn.options.http, head.is_upgrade()) {
                    let proxies = &turn.options.proxies;
                    let client = self.socket.client_addr(proxies, announced, head.headers());
                    match http.admit(head, rest, client) {
                        Some(leaving) => self.stage = Stage::Http(leaving),
                        None => self.refuse(turn, &crowded()),
                    }
                    return 0;
                }
                match decide(turn, head, &self.socket, announced) {
                    Ok((response, admitted)) => {
                        turn.cork.put(&response);
                        match admitted {
                            Admitted::Client(connection, data) => self.open(turn, connection, data),
                            Admitted::Canary(place) => self.open_canary(turn, place),
                        }
                        return self.take_in(turn, &mut bytes[frames..], room);
                    }
                    Err(refusal) => self.refuse(turn, &refusal),
                }
            }
            Err(error) => self.refuse(turn, &error.into()),
        }
        0
    }

    fn open<H: Handler<Data = D>>(
        &mut self,
        turn: &mut Turn<'_, H>,
        connection: Connection,
        data: D,
    ) {
        self.stage = Stage::Open(connection, data);
        turn.desk.mailbox().opened();
        self.with_peer(turn, Handler::on_open);
    }

    pub(in crate::worker) fn refuse<H>(&mut self, turn: &mut Turn<'_, H>, refusal: &Refusal) {
        turn.cork.put(&refusal.to_bytes());
        self.stage = Stage::Refused(turn.now + turn.options.config.close_timeout);
    }
}

/// Who is let in.
enum Admitted<D> {
    /// With what the handler keeps for it.
    Client(Connection, D),
    Canary(CanaryPlace),
}

/// Checks a request and, unless it is a canary's, asks the handler. Gives the
/// response of one that is let in.
fn decide<H: Handler>(
    turn: &Turn<'_, H>,
    head: RequestHead,
    socket: &Socket,
    announced: Option<SocketAddr>,
) -> Result<(Vec<u8>, Admitted<H::Data>), Refusal> {
    let request = Request::from_head(head)?;
    let options = turn.options;
    options.origin.check(&request, &options.origin_setting)?;
    if heartbeat::is_canary(&request) {
        let (acceptance, place) = heartbeat::admit(&options.config)?;
        return Ok((answer(&request, &acceptance)?, Admitted::Canary(place)));
    }
    let peer_addr = || socket.peer_addr();
    let client_addr = || socket.client_addr(&options.proxies, announced, request.headers());
    let opening = Opening::new(&request, &peer_addr, &client_addr);
    let asked = catch_unwind(AssertUnwindSafe(|| turn.handler.on_request(&opening)));
    let (acceptance, data) = asked.map_err(|_| mistake())??;
    let (acceptance, extension) = compress(acceptance, &request, &options.config);
    let (acceptance, watches) = heartbeat::agree(acceptance, &request, &options.config);
    let response = answer(&request, &acceptance)?;
    tracing::debug!(
        peer = opening.peer_addr().ok().map(tracing::field::display),
        client = opening.client_addr().map(tracing::field::display),
        path = request.path(),
        compressed = extension.is_some(),
        "WebSocket opened"
    );
    let config = Arc::clone(&options.config);
    let mut connection = Connection::new(Role::Server, config, turn.now);
    if let Some(extension) = extension {
        connection = connection.with_extension(extension);
    }
    if watches {
        connection.watch();
    }
    Ok((response, Admitted::Client(connection, data)))
}

fn answer(request: &Request, acceptance: &Acceptance) -> Result<Vec<u8>, Refusal> {
    request.accept(acceptance).map_err(|misuse| {
        tracing::error!(path = request.path(), reason = %misuse, "this answer cannot be sent");
        mistake()
    })
}
