//! The task behind a [`Reconnecting`].

use super::{
    Backoff, Event, Lost, Reconnecting, State,
    hook::{Source, Watcher},
    queue::Queue,
    verdict::{self, Verdict},
};
use crate::{
    Connector, Receiver, Sender, WebSocket,
    first::{First, first},
    heartbeat::{self, Beat, Heartbeat, Live, Pacemaker, Proposal, Store},
    network::Changes,
};
use longwire_proto::{
    CloseFrame, CloseInfo, Message,
    handshake::{Response, Url},
};
use std::{pin::pin, sync::Arc, time::Duration};
use tokio::{
    sync::{Notify, mpsc, watch},
    time::{self, Instant},
};

/// How many messages wait for the user before the socket is not read any more,
/// besides what the connection itself reads ahead.
const INBOX: usize = 16;

/// How long a closing program waits for what it has queued to be written.
const LAST_WORDS: Duration = Duration::from_secs(10);

/// Where to connect to, and how.
pub(super) struct Plan {
    pub(super) urls: Vec<Url>,
    pub(super) source: Source,
    pub(super) backoff: Backoff,
    /// As the connector says, if nothing is chosen.
    pub(super) heartbeat: Option<Heartbeat>,
    pub(super) store: Arc<dyn Store>,
    pub(super) watcher: Arc<Watcher>,
}

pub(super) struct Task {
    plan: Plan,
    queue: Arc<Queue>,
    inbox: mpsc::Sender<Result<Message, Lost>>,
    state: watch::Sender<State>,
    /// The Close frame with which the user ends it.
    close: watch::Receiver<Option<CloseFrame>>,
    retry_now: Arc<Notify>,
    changes: Changes,
    beat: Arc<watch::Sender<Option<Beat>>>,
    /// If the heartbeat is learned.
    pacemaker: Option<Box<Pacemaker>>,
    /// Tries in a row that led to nothing that lasted.
    failures: u32,
    /// Which try is next since a connection was open, from 1.
    attempt: u32,
    /// Which of the URLs is next.
    next_url: usize,
}

/// A connection, and how it came about.
struct Opened {
    ws: WebSocket,
    response: Response,
    connector: Connector,
    url: Url,
}

/// How being connected came to its end.
enum End {
    Lost(CloseInfo),
    /// The user has closed it.
    Closed,
}

/// What cuts a pause short, besides the user.
enum Pause {
    UntilNetworkChanges,
    /// The server paces those who come back.
    AsTheServerSays,
}

impl Task {
    pub(super) fn spawn(plan: Plan, queue: Arc<Queue>, changes: Changes) -> Reconnecting {
        let (inbox, messages) = mpsc::channel(INBOX);
        let (state, watched) = watch::channel(State::Connecting);
        let (closer, close) = watch::channel(None);
        let retry_now = Arc::new(Notify::new());
        let beat = Arc::new(watch::channel(None).0);
        let beaten = beat.subscribe();
        let task = Task {
            pacemaker: plan.pacemaker(&beat),
            plan,
            queue: Arc::clone(&queue),
            inbox,
            state,
            close,
            retry_now: Arc::clone(&retry_now),
            changes,
            beat,
            failures: 0,
            attempt: 1,
            next_url: 0,
        };
        let watcher = Arc::clone(&task.plan.watcher);
        let task = tokio::spawn(task.run());
        Reconnecting {
            queue,
            watcher,
            messages,
            state: watched,
            closer,
            retry_now,
            beat: beaten,
            task,
        }
    }

    async fn run(mut self) {
        while !self.is_closed() {
            let lost = match self.connect().await {
                Some(Ok(opened)) => match self.serve(opened).await {
                    End::Lost(info) => Lost::Closed(info),
                    End::Closed => break,
                },
                Some(Err(lost)) => lost,
                None => break,
            };
            match self.judge(&lost) {
                Verdict::GiveUp => return self.give_up(lost).await,
                Verdict::Retry => {
                    let wait = self.plan.backoff.wait(self.failures, rand::random());
                    self.pause(&lost, wait, Pause::UntilNetworkChanges).await;
                }
                Verdict::RetryWithin(window) => {
                    let wait = window.pick(rand::random());
                    self.pause(&lost, wait, Pause::AsTheServerSays).await;
                }
            }
        }
        self.end();
    }

    fn is_closed(&self) -> bool {
        // Without a handle nobody is there to close it.
        self.close.borrow().is_some() || self.close.has_changed().is_err()
    }

    fn judge(&mut self, lost: &Lost) -> Verdict {
        self.failures += 1;
        match lost {
            Lost::Closed(info) => verdict::of_close(info),
            Lost::Failed(error) => verdict::of_error(error),
            Lost::Hook(_) => Verdict::Retry,
        }
    }

    /// One try. `None` when the user has closed it meanwhile.
    async fn connect(&mut self) -> Option<Result<Opened, Lost>> {
        self.state.send_replace(State::Connecting);
        let url = &self.plan.urls[self.next_url % self.plan.urls.len()];
        let attempt = self.attempt;
        self.plan.watcher.tell(&Event::Connecting { url, attempt });
        let trying = async {
            let mut connector = self.plan.source.connector().await.map_err(Lost::Hook)?;
            if self.pacemaker.is_some() {
                connector = connector.proposing(Proposal::Client);
            }
            let opened = connector.connect_with_response(url).await;
            let (ws, response) = opened.map_err(Lost::Failed)?;
            let url = url.clone();
            Ok(Opened {
                ws,
                response,
                connector,
                url,
            })
        };
        let mut close = self.close.clone();
        let tried = match first(close.changed(), trying).await {
            First::One(_) => return None,
            First::Other(tried) => tried,
        };
        self.attempt += 1;
        match &tried {
            Ok(opened) => {
                self.attempt = 1;
                let subprotocol = opened.ws.subprotocol();
                self.plan.watcher.tell(&Event::Open { url, subprotocol });
                self.state.send_replace(State::Open);
            }
            Err(Lost::Failed(_)) => self.next_url += 1,
            // Which is not the endpoint's fault.
            Err(_) => {}
        }
        Some(tried)
    }

    /// Passes messages both ways until the connection ends.
    async fn serve(&mut self, opened: Opened) -> End {
        let since = Instant::now();
        let (connector, url, response) = (opened.connector, opened.url, opened.response);
        let (sender, mut receiver) = opened.ws.split();
        if let Some(Heartbeat::Fixed(interval)) = self.plan.heartbeat {
            sender.set_ping_interval(interval);
            self.beat.send_replace(Some(Beat::Every(interval)));
        }
        let mut pacemaker = self.pacemaker.take();
        let live = Live::new(&sender, &connector, &url, &response);
        let mut close = self.close.clone();
        // A connection that is lost is noticed by the receiving side.
        let sending = async {
            send(&sender, &self.queue).await;
            std::future::pending::<()>().await;
        };
        let watching = async {
            loop {
                self.changes.next().await;
                sender.network_changed();
            }
        };
        let receiving = receive(&mut receiver, &self.inbox);
        let passing = pin!(first(first(watching, sending), receiving));
        let passing = beating(pacemaker.as_deref_mut(), live, passing);
        let ended = first(close.changed(), passing).await;
        self.pacemaker = pacemaker;
        if let First::One(_) = ended {
            let frame = close.borrow().clone();
            Self::close(&self.queue, &sender, frame).await;
            return End::Closed;
        }
        if since.elapsed() >= self.plan.backoff.proven_after {
            self.failures = 0;
        }
        match sender.close_info() {
            Some(info) => End::Lost(info),
            // Only a receiver without a taker ends before its connection.
            None => End::Closed,
        }
    }

    /// Writes what is queued, for as long as that may take, and closes.
    ///
    /// Without a frame the handle was dropped, and the connection is too.
    async fn close(queue: &Queue, sender: &Sender, frame: Option<CloseFrame>) {
        let Some(frame) = frame else {
            return;
        };
        // What was not written then stays in the queue, for the user to see.
        let _ = time::timeout(LAST_WORDS, send(sender, queue)).await;
        // How the server answers makes no difference any more.
        let _ = sender.close(frame.code(), frame.reason().to_owned()).await;
    }

    async fn pause(&mut self, cause: &Lost, wait: Duration, pause: Pause) {
        let waiting = Event::Lost {
            cause,
            next_try_in: wait,
        };
        self.plan.watcher.tell(&waiting);
        self.state.send_replace(State::Waiting);
        let changed = async {
            match pause {
                Pause::UntilNetworkChanges => self.changes.next().await,
                Pause::AsTheServerSays => std::future::pending().await,
            }
        };
        let called = first(self.retry_now.notified(), changed);
        let waited = first(called, time::sleep(wait));
        // Whichever it was, the loop sees whether to go on.
        first(self.close.changed(), waited).await;
    }

    async fn give_up(self, lost: Lost) {
        self.plan.watcher.tell(&Event::GaveUp(&lost));
        let inbox = self.inbox.clone();
        self.end();
        // The user may not receive at all.
        let _ = inbox.send(Err(lost)).await;
    }

    fn end(self) {
        self.queue.close();
        self.state.send_replace(State::Closed);
    }
}

impl Plan {
    /// Who learns the heartbeat, if that is wanted.
    fn pacemaker(&self, beat: &Arc<watch::Sender<Option<Beat>>>) -> Option<Box<Pacemaker>> {
        let Some(Heartbeat::Learned(config)) = &self.heartbeat else {
            return None;
        };
        let (beat, watcher) = (Arc::clone(beat), Arc::clone(&self.watcher));
        let pacemaker = Pacemaker::new(config.clone())
            .store(Arc::clone(&self.store))
            .on_event(move |event| {
                if let heartbeat::Event::Beat { beat: new, .. } = event {
                    beat.send_replace(Some(*new));
                }
                watcher.tell(&Event::Heartbeat(event));
            });
        Some(Box::new(pacemaker))
    }
}

/// Does `work` with a connection whose beat is learned, if it is.
async fn beating<T>(
    pacemaker: Option<&mut Pacemaker>,
    live: Live<'_>,
    work: impl Future<Output = T>,
) -> T {
    match pacemaker {
        Some(pacemaker) => pacemaker.keep(live, work).await,
        None => work.await,
    }
}

/// Hands on what comes, as fast as it is taken, until the connection ends or
/// nobody takes it.
async fn receive(receiver: &mut Receiver, inbox: &mpsc::Sender<Result<Message, Lost>>) {
    // Room first, so that no message is held by a future that may be dropped.
    while let Ok(room) = inbox.reserve().await {
        match receiver.next().await {
            Some(Ok(message)) => room.send(Ok(message)),
            Some(Err(_)) | None => return,
        }
    }
}

/// Sends what is queued until the queue is closed and empty, or the connection
/// takes no more.
async fn send(sender: &Sender, queue: &Queue) {
    while let Some((number, message)) = queue.front().await {
        if sender.send(message).await.is_err() {
            return;
        }
        queue.take(number);
    }
}
