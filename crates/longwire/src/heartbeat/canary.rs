use crate::{
    ConnectError, Connector, Error, Receiver, Sender, WebSocket,
    client::IntoUrl,
    first::{First, first},
};
use longwire_proto::{CloseCause, CloseCode, CloseInfo, ReconnectWindow, heartbeat::Outcome};
use std::{future::poll_fn, io, pin::pin, task::Poll, time::Duration};
use tokio::time::{self, Instant};

/// A spare connection that finds out whether a path carries a silence, so that
/// the connection that is needed does not have to.
///
/// It is opened like any other, stays silent, and then sends a Ping (RFC 6455
/// section 5.5.2): whoever speaks WebSocket has to answer that, so it works with
/// every server.
///
/// ```no_run
/// # async fn example() -> Result<(), longwire::ConnectError> {
/// use longwire::{Connector, heartbeat::{Canary, Fate}};
/// use std::time::Duration;
///
/// let canary = Canary::open(&Connector::new(), "wss://example.com/feed").await?;
/// let (minute, patience) = (Duration::from_secs(60), Duration::from_secs(5));
/// match canary.stay_silent(minute, patience).await {
///     Fate::Answered { .. } => println!("a minute of silence is no harm"),
///     fate => println!("{fate:?}"),
/// }
/// # Ok(())
/// # }
/// ```
///
/// # What the server sees of it
///
/// Its request has the header `Longwire-Heartbeat: canary`, by which a server
/// that knows it neither subscribes nor counts nor announces it. It has the
/// connector's other headers, as the server has to let it in. It offers neither
/// subprotocols nor extensions, even if the connector does: to agree on a
/// subprotocol is to promise to speak it, and some servers begin to send, or
/// subscribe, or want to be spoken to in time. A server that lets in nobody
/// without a subprotocol refuses canaries that way, and nothing is learned of it.
///
/// # Cancel safety
///
/// A canary that is dropped is closed with 1001 in the background, whatever it
/// was waiting for.
#[derive(Debug)]
pub struct Canary {
    sender: Sender,
    receiver: Receiver,
    opened: Instant,
    /// What was last passed, by the clock of the program and by that of the
    /// connection.
    silent_since: Instant,
    last_heard: longwire_proto::Instant,
}

/// What became of a [`Canary`].
///
/// The silence in it counts from the end of the opening handshake, or from the
/// last of what the server said by itself within a second of that (within a
/// quarter of the span, if that is less): many servers greet.
#[derive(Debug)]
#[non_exhaustive]
pub enum Fate {
    /// The path carries the silence: the Ping after it was answered.
    Answered {
        /// The time from the Ping to its Pong.
        round_trip: Duration,
    },
    /// The Ping was not answered, and nothing else told of an end: the path has
    /// forgotten the connection without a word.
    Silent,
    /// TCP was ended without a Close frame.
    Dropped {
        /// After this silence. If it is no shorter than the span, that was the
        /// answer to the Ping: the connection had been forgotten at some time
        /// before.
        after: Duration,
        /// How.
        by: Segment,
    },
    /// The server, or a proxy that speaks WebSocket, closed the connection by a
    /// Close frame.
    Closed {
        /// After this silence.
        after: Duration,
        /// With what code and reason.
        info: CloseInfo,
    },
    /// Something came before the span was over, so it proves nothing.
    Heard {
        /// After this silence.
        after: Duration,
    },
}

/// The TCP segment that ended a connection (RFC 9293 section 3.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Segment {
    /// The end of the stream, as from a proxy with a time limit.
    Fin,
    /// A reset, as from a middlebox or a host that knows of no such connection.
    Rst,
}

/// How long after the handshake a server may speak that greets.
const GREETING: Duration = Duration::from_secs(1);

/// Why a canary is not silent any more.
enum Broken {
    Heard,
    Ended(Option<Error>),
}

impl Canary {
    /// Opens one.
    ///
    /// # Errors
    /// [`ConnectError`]; a server that refuses it may want no canaries.
    ///
    /// # Cancel safety
    /// Dropping the future closes whatever connection was under way.
    pub async fn open(connector: &Connector, url: impl IntoUrl) -> Result<Canary, ConnectError> {
        let websocket = connector.for_canaries().connect(url).await?;
        Ok(Canary::on(websocket))
    }

    fn on(websocket: WebSocket) -> Canary {
        let (sender, receiver) = websocket.split();
        let now = Instant::now();
        Canary {
            last_heard: sender.vitals().last_heard,
            sender,
            receiver,
            opened: now,
            silent_since: now,
        }
    }

    /// Stays silent for `span`, then sends a Ping and waits for the answer to it,
    /// for up to `patience`: best a few times the round trip.
    pub async fn stay_silent(mut self, span: Duration, patience: Duration) -> Fate {
        let greeting_ends = self.opened + GREETING.min(span / 4);
        while let Some(broken) = self.listen(self.silent_since + span).await {
            match broken {
                Broken::Ended(error) => return self.ended(error.as_ref()),
                Broken::Heard => {
                    let after = self.note_heard();
                    if self.silent_since > greeting_ends {
                        return Fate::Heard { after };
                    }
                }
            }
        }
        self.ask(patience).await
    }

    /// Waits for the end of the silence: `None` if that is `until`.
    async fn listen(&mut self, until: Instant) -> Option<Broken> {
        let (sender, last_heard) = (&self.sender, self.last_heard);
        let mut received = pin!(self.receiver.next());
        let broken = poll_fn(|cx| match received.as_mut().poll(cx) {
            Poll::Ready(Some(Err(error))) => Poll::Ready(Broken::Ended(Some(error))),
            Poll::Ready(None) => Poll::Ready(Broken::Ended(None)),
            Poll::Ready(Some(Ok(_))) => Poll::Ready(Broken::Heard),
            // A control frame is no message, but is no silence either.
            Poll::Pending if sender.vitals().last_heard > last_heard => Poll::Ready(Broken::Heard),
            Poll::Pending => Poll::Pending,
        });
        match first(broken, time::sleep_until(until)).await {
            First::One(broken) => Some(broken),
            First::Other(()) => None,
        }
    }

    /// The silence begins again. How long it was.
    fn note_heard(&mut self) -> Duration {
        let heard = self.sender.vitals().last_heard;
        let after = heard.since(self.last_heard);
        self.last_heard = heard;
        self.silent_since += after;
        after
    }

    async fn ask(mut self, patience: Duration) -> Fate {
        match time::timeout(patience, self.sender.ping()).await {
            Ok(Ok(round_trip)) => Fate::Answered { round_trip },
            Err(_) => Fate::Silent,
            Ok(Err(error)) => {
                // The receiving side knows the transport's error.
                let received = self.receiver.next().await;
                let error = received.and_then(Result::err).unwrap_or(error);
                self.ended(Some(&error))
            }
        }
    }

    fn ended(&self, error: Option<&Error>) -> Fate {
        let after = self.silent_since.elapsed();
        let Some(info) = self.sender.close_info() else {
            return Fate::Silent;
        };
        let by = match info.cause {
            CloseCause::Handshake | CloseCause::Failed(_) | CloseCause::AddressGone => {
                return Fate::Closed { after, info };
            }
            CloseCause::Eof => Segment::Fin,
            CloseCause::TransportError => match error.and_then(transport_error) {
                // TLS that ends without notice.
                Some(io::ErrorKind::UnexpectedEof) => Segment::Fin,
                // The kernel gave up repeating the Ping.
                Some(io::ErrorKind::TimedOut) => return Fate::Silent,
                _ => Segment::Rst,
            },
            _ => return Fate::Silent,
        };
        Fate::Dropped { after, by }
    }
}

fn transport_error(error: &Error) -> Option<io::ErrorKind> {
    match error {
        Error::Ended { source, .. } => source.as_ref().map(|source| source.kind()),
        _ => None,
    }
}

impl Fate {
    /// What it tells a [`Learner`](longwire_proto::heartbeat::Learner).
    pub fn outcome(&self) -> Outcome {
        match self {
            Fate::Answered { .. } => Outcome::Answered,
            Fate::Silent => Outcome::Silent,
            Fate::Dropped { after, .. } => Outcome::Dropped { after: *after },
            Fate::Closed { after, info } => of_close(*after, info),
            Fate::Heard { after } => Outcome::Heard { after: *after },
        }
    }
}

/// A Close frame is what many servers end a silence with, and what others say to
/// those they do not want.
fn of_close(after: Duration, info: &CloseInfo) -> Outcome {
    const ENDS_OF_SILENCE: [CloseCode; 4] = [
        CloseCode::NORMAL,
        CloseCode::GOING_AWAY,
        CloseCode::NO_STATUS_RECEIVED,
        CloseCode::INTERNAL_ERROR,
    ];
    let tells_nothing = info.code() == CloseCode::SERVICE_RESTART
        || info.cause == CloseCause::AddressGone
        || ReconnectWindow::in_reason(info.reason()).is_some();
    if tells_nothing {
        Outcome::Void
    } else if after > GREETING && ENDS_OF_SILENCE.contains(&info.code()) {
        Outcome::Dropped { after }
    } else {
        Outcome::Refused
    }
}
