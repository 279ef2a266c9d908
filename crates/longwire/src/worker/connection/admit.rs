//! Who comes in.

use super::{Slot, Stage, Turn};
use crate::{
    server::{compress, crowded, mistake},
    worker::{handler::Handler, opening::Opening, socket::Socket},
};
use longwire_proto::{
    Connection, Role,
    extension::MessageExtension,
    handshake::{Refusal, Request, RequestHead},
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
                    Ok((response, extension, data)) => {
                        turn.cork.put(&response);
                        self.open(turn, extension, data);
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
        extension: Option<Box<dyn MessageExtension>>,
        data: D,
    ) {
        let config = Arc::clone(&turn.options.config);
        let mut connection = Connection::new(Role::Server, config, turn.now);
        if let Some(extension) = extension {
            connection = connection.with_extension(extension);
        }
        self.stage = Stage::Open(connection, data);
        turn.desk.mailbox().opened();
        self.with_peer(turn, Handler::on_open);
    }

    pub(in crate::worker) fn refuse<H>(&mut self, turn: &mut Turn<'_, H>, refusal: &Refusal) {
        turn.cork.put(&refusal.to_bytes());
        self.stage = Stage::Refused(turn.now + turn.options.config.close_timeout);
    }
}

/// The response of a client that is let in, what was agreed with it, and what
/// the handler keeps for it.
type Admission<D> = (Vec<u8>, Option<Box<dyn MessageExtension>>, D);

/// Checks a request and asks the handler.
fn decide<H: Handler>(
    turn: &Turn<'_, H>,
    head: RequestHead,
    socket: &Socket,
    announced: Option<SocketAddr>,
) -> Result<Admission<H::Data>, Refusal> {
    let request = Request::from_head(head)?;
    let options = turn.options;
    options.origin.check(&request, &options.origin_setting)?;
    let peer_addr = || socket.peer_addr();
    let client_addr = || socket.client_addr(&options.proxies, announced, request.headers());
    let opening = Opening::new(&request, &peer_addr, &client_addr);
    let asked = catch_unwind(AssertUnwindSafe(|| turn.handler.on_request(&opening)));
    let (acceptance, data) = asked.map_err(|_| mistake())??;
    let (acceptance, extension) = compress(acceptance, &request, &options.config);
    match request.accept(&acceptance) {
        Ok(response) => {
            tracing::debug!(
                peer = opening.peer_addr().ok().map(tracing::field::display),
                client = opening.client_addr().map(tracing::field::display),
                path = request.path(),
                compressed = extension.is_some(),
                "WebSocket opened"
            );
            Ok((response, extension, data))
        }
        Err(misuse) => {
            tracing::error!(path = request.path(), reason = %misuse, "this answer cannot be sent");
            Err(mistake())
        }
    }
}
