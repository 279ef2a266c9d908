use super::{
    handler::{Handler, Overflow},
    opening::Opening,
    peer::Peer,
};
use crate::Error;
use longwire_proto::{
    CloseInfo, MessageRef,
    handshake::{Acceptance, Refusal},
};
use percent_encoding::percent_decode_str;
use std::{any::Any, error, fmt};

/// Which [`Handler`] is for which path; a handler itself.
///
/// ```no_run
/// # use longwire::{MessageRef, server::Refusal, worker::*};
/// # struct Echo;
/// # impl Handler for Echo {
/// #     type Data = ();
/// #     fn on_request(&self, _: &Opening<'_>) -> Result<(Acceptance, ()), Refusal> {
/// #         Ok(Default::default())
/// #     }
/// #     fn on_message<'m>(&self, _: &mut Peer<'_, ()>, m: MessageRef<'m>) -> Option<MessageRef<'m>> {
/// #         Some(m)
/// #     }
/// # }
/// # struct Rooms;
/// # impl Handler for Rooms {
/// #     type Data = String;
/// fn on_request(&self, opening: &Opening<'_>) -> Result<(Acceptance, String), Refusal> {
///     let room = opening.parameter("room").unwrap_or_default();
///     Ok((Acceptance::new(), room.to_owned()))
/// }
/// #     fn on_message<'m>(&self, _: &mut Peer<'_, String>, _: MessageRef<'m>) -> Option<MessageRef<'m>> {
/// #         None
/// #     }
/// # }
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let routes = Routes::new().at("/echo", Echo)?.at("/rooms/{room}", Rooms)?;
/// Engine::bind("127.0.0.1:9001", routes)?.wait();
/// # Ok(())
/// # }
/// ```
///
/// `{name}` in a pattern stands for one segment of the path, and `{*name}` at
/// its end for all the rest; [`Opening::parameter`] gives what stood there,
/// percent-decoded. A pattern without parameters goes before one with. A path
/// that fits none is answered with 404, one that is not percent-encoded UTF-8
/// with 400.
#[derive(Default)]
pub struct Routes {
    router: matchit::Router<usize>,
    routes: Vec<Box<dyn Route>>,
}

/// What [`Routes`] keeps for a connection: the data of its handler.
pub struct RouteData {
    route: usize,
    data: Box<dyn Any + Send>,
}

/// A pattern that cannot be added to [`Routes`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RouteError {
    pattern: String,
    reason: String,
}

impl fmt::Display for RouteError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the route {:?} cannot be: {}", self.pattern, self.reason)
    }
}

impl error::Error for RouteError {}

impl Routes {
    /// No routes.
    pub fn new() -> Routes {
        Routes::default()
    }

    /// Adds a route.
    ///
    /// # Errors
    /// When the pattern is malformed or does not begin with `/`, or when another
    /// one is for the same paths.
    pub fn at(mut self, pattern: &str, handler: impl Handler) -> Result<Routes, RouteError> {
        let error = |reason: String| RouteError {
            pattern: pattern.to_owned(),
            reason,
        };
        if !pattern.starts_with('/') {
            return Err(error("a path begins with /".into()));
        }
        let inserted = self.router.insert(pattern, self.routes.len());
        inserted.map_err(|reason| error(reason.to_string()))?;
        self.routes.push(Box::new(Erased(handler)));
        Ok(self)
    }

    /// What an unknown path is answered. A slash too many or too few is the
    /// mistake that is hardest to see.
    fn unknown(&self, path: &str) -> Refusal {
        let other = match path.strip_suffix('/') {
            Some(shorter) => shorter.to_owned(),
            None => format!("{path}/"),
        };
        let mut text = format!("There is no WebSocket at {path}.");
        if self.router.at(&other).is_ok() {
            text += &format!(" There is one at {other}.");
        }
        Refusal::not_found(text + "\n")
    }

    fn of(&self, peer: &Peer<'_, RouteData>) -> &dyn Route {
        &*self.routes[peer.data.route]
    }
}

impl RouteData {
    pub(super) fn inner(&mut self) -> &mut dyn Any {
        &mut *self.data
    }
}

impl Handler for Routes {
    type Data = RouteData;

    fn on_request(&self, opening: &Opening<'_>) -> Result<(Acceptance, RouteData), Refusal> {
        let path = opening.path();
        let matched = self.router.at(path).map_err(|_| self.unknown(path))?;
        let mut parameters = Vec::new();
        for (name, value) in matched.params.iter() {
            let value = percent_decode_str(value).decode_utf8();
            let value = value.map_err(|_| {
                let text = format!("The {name} in the path is not percent-encoded UTF-8.\n");
                Refusal::bad_request(text)
            })?;
            parameters.push((name, value.into_owned()));
        }
        let route = *matched.value;
        let opening = opening.with_parameters(parameters);
        let (acceptance, data) = self.routes[route].on_request(&opening)?;
        Ok((acceptance, RouteData { route, data }))
    }

    fn on_open(&self, peer: &mut Peer<'_, RouteData>) {
        self.of(peer).on_open(&mut below(peer));
    }

    fn on_message<'m>(
        &self,
        peer: &mut Peer<'_, RouteData>,
        message: MessageRef<'m>,
    ) -> Option<MessageRef<'m>> {
        self.of(peer).on_message(&mut below(peer), message)
    }

    fn on_drained(&self, peer: &mut Peer<'_, RouteData>) {
        self.of(peer).on_drained(&mut below(peer));
    }

    fn on_notified(&self, peer: &mut Peer<'_, RouteData>, topic: &str) {
        self.of(peer).on_notified(&mut below(peer), topic);
    }

    fn on_overflow(&self, peer: &mut Peer<'_, RouteData>, topic: Option<&str>) -> Overflow {
        self.of(peer).on_overflow(&mut below(peer), topic)
    }

    fn on_error(&self, peer: &mut Peer<'_, RouteData>, error: &Error) {
        self.of(peer).on_error(&mut below(peer), error);
    }

    fn on_close(&self, peer: &mut Peer<'_, RouteData>, info: &CloseInfo) {
        self.of(peer).on_close(&mut below(peer), info);
    }
}

fn below<'s>(peer: &'s mut Peer<'_, RouteData>) -> Peer<'s, dyn Any> {
    peer.with_data(RouteData::inner)
}

/// A [`Handler`] whose data may be anything.
trait Route: Send + Sync {
    fn on_request(
        &self,
        opening: &Opening<'_>,
    ) -> Result<(Acceptance, Box<dyn Any + Send>), Refusal>;
    fn on_open(&self, peer: &mut Peer<'_, dyn Any>);
    fn on_message<'m>(
        &self,
        peer: &mut Peer<'_, dyn Any>,
        message: MessageRef<'m>,
    ) -> Option<MessageRef<'m>>;
    fn on_drained(&self, peer: &mut Peer<'_, dyn Any>);
    fn on_notified(&self, peer: &mut Peer<'_, dyn Any>, topic: &str);
    fn on_overflow(&self, peer: &mut Peer<'_, dyn Any>, topic: Option<&str>) -> Overflow;
    fn on_error(&self, peer: &mut Peer<'_, dyn Any>, error: &Error);
    fn on_close(&self, peer: &mut Peer<'_, dyn Any>, info: &CloseInfo);
}

struct Erased<H>(H);

impl<H: Handler> Erased<H> {
    /// Calls the handler; every connection of its route has data that it made.
    fn call<R>(
        &self,
        peer: &mut Peer<'_, dyn Any>,
        call: impl FnOnce(&H, &mut Peer<'_, H::Data>) -> R,
    ) -> Option<R> {
        let mut peer = peer.downcast()?;
        Some(call(&self.0, &mut peer))
    }
}

impl<H: Handler> Route for Erased<H> {
    fn on_request(
        &self,
        opening: &Opening<'_>,
    ) -> Result<(Acceptance, Box<dyn Any + Send>), Refusal> {
        let (acceptance, data) = self.0.on_request(opening)?;
        // Data without a size costs no allocation.
        Ok((acceptance, Box::new(data)))
    }

    fn on_open(&self, peer: &mut Peer<'_, dyn Any>) {
        self.call(peer, H::on_open);
    }

    fn on_message<'m>(
        &self,
        peer: &mut Peer<'_, dyn Any>,
        message: MessageRef<'m>,
    ) -> Option<MessageRef<'m>> {
        self.call(peer, |handler, peer| handler.on_message(peer, message))?
    }

    fn on_drained(&self, peer: &mut Peer<'_, dyn Any>) {
        self.call(peer, H::on_drained);
    }

    fn on_notified(&self, peer: &mut Peer<'_, dyn Any>, topic: &str) {
        self.call(peer, |handler, peer| handler.on_notified(peer, topic));
    }

    fn on_overflow(&self, peer: &mut Peer<'_, dyn Any>, topic: Option<&str>) -> Overflow {
        self.call(peer, |handler, peer| handler.on_overflow(peer, topic))
            .unwrap_or_default()
    }

    fn on_error(&self, peer: &mut Peer<'_, dyn Any>, error: &Error) {
        self.call(peer, |handler, peer| handler.on_error(peer, error));
    }

    fn on_close(&self, peer: &mut Peer<'_, dyn Any>, info: &CloseInfo) {
        self.call(peer, |handler, peer| handler.on_close(peer, info));
    }
}

impl fmt::Debug for Routes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Routes")
            .field("routes", &self.routes.len())
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for RouteData {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RouteData")
            .field("route", &self.route)
            .finish_non_exhaustive()
    }
}
