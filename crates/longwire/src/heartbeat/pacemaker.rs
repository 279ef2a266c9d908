use super::{
    Beat, LearningConfig, MemoryStore, Route, Store, StoreError,
    awake::Awake,
    flight::{Flight, Landed},
    learners::{Keep, Learners, Learning},
    live::Live,
};
use crate::first::{First, first};
use longwire_proto::{
    Instant,
    heartbeat::{Learner, Step},
};
use std::{convert::Infallible, fmt, future::pending, sync::Arc, time::Duration};
use tokio::{task::spawn_blocking, time};

/// Sets the beat of a live connection, and learns by canaries how seldom that may
/// be: see the [module](super).
///
/// It outlives the connections: what one has taught, the next begins with.
///
/// ```no_run
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// use longwire::{Connector, heartbeat::{LearningConfig, Live, Pacemaker, Proposal}};
///
/// let mut pacemaker = Pacemaker::new(LearningConfig::default());
/// let connector = Connector::new().proposing(Proposal::Client);
/// let url = longwire::client::Url::parse("wss://example.com/feed")?;
/// let (ws, response) = connector.connect_with_response(&url).await?;
/// let (sender, mut receiver) = ws.split();
/// let live = Live::new(&sender, &connector, &url, &response);
/// pacemaker.keep(live, async {
///     while let Some(Ok(message)) = receiver.next().await {
///         println!("{message:?}");
///     }
/// }).await;
/// # Ok(())
/// # }
/// ```
pub struct Pacemaker {
    config: LearningConfig,
    store: Arc<dyn Store>,
    watch: Option<Box<Watch>>,
    origin: time::Instant,
    learners: Learners,
    /// What was last told.
    told: Option<(Beat, bool)>,
}

type Watch = dyn Fn(&Event<'_>) + Send + Sync;

/// What happens to the beat of a connection, for those who want to watch.
#[derive(Debug)]
#[non_exhaustive]
pub enum Event<'e> {
    /// This is what keeps the connection alive from now on.
    Beat {
        /// Who beats, and how often.
        beat: Beat,
        /// Whether nothing more is being learned, for the time being.
        settled: bool,
    },
    /// The connection has died after a silence that was thought to be safe, so
    /// what was learned is forgotten.
    Forgotten {
        /// The silence.
        silence: Duration,
    },
    /// What was learned could not be read or kept. Learning goes on without.
    StoreFailed(&'e StoreError),
}

/// What the connection has shown when it was looked at last.
#[derive(Debug)]
struct Seen {
    at: Instant,
    pings: u16,
    /// The beat that was set.
    beat: Option<Beat>,
}

impl Pacemaker {
    /// One that keeps what it learns to itself.
    pub fn new(config: LearningConfig) -> Pacemaker {
        Pacemaker {
            config,
            store: Arc::new(MemoryStore::new()),
            watch: None,
            origin: time::Instant::now(),
            learners: Learners::default(),
            told: None,
        }
    }

    /// Keeps what is learned there.
    #[must_use]
    pub fn store(mut self, store: impl Store) -> Pacemaker {
        self.store = Arc::new(store);
        self
    }

    /// Calls `watch` with everything that happens. It must not block.
    #[must_use]
    pub fn on_event(mut self, watch: impl Fn(&Event<'_>) + Send + Sync + 'static) -> Pacemaker {
        self.watch = Some(Box::new(watch));
        self
    }

    /// Sets the beat of `live` while `work` runs, which is whatever the program
    /// does with the connection until that has ended; then takes in how it has
    /// ended. Gives what `work` gives.
    ///
    /// Canaries are opened with the connector of `live`. One whose token is used
    /// up or has expired by then is refused, and learning ends with what was
    /// learned before. On a connection that has no local address, since it is not
    /// over TCP, nothing is learned.
    ///
    /// # Cancel safety
    /// When it is dropped the canaries are closed, and how the connection ends is
    /// not taken in.
    pub async fn keep<T>(&mut self, live: Live<'_>, work: impl Future<Output = T>) -> T {
        let Some(route) = live.route() else {
            return work.await;
        };
        let begun = Awake::now();
        let driving = Box::pin(self.drive(live, &route));
        let done = match first(work, driving).await {
            First::One(done) => done,
            First::Other(never) => match never {},
        };
        self.ended(live, &route, begun).await;
        done
    }

    async fn drive(&mut self, live: Live<'_>, route: &Route) -> Infallible {
        self.take_up(live, route).await;
        let mut flight = Flight::default();
        let mut seen = Seen {
            at: self.now(),
            pings: live.sender.vitals().pings_received,
            beat: None,
        };
        loop {
            self.look(live, &mut seen);
            let due = self.act(live, &mut flight);
            self.beat(live, &mut seen);
            // What is told is kept by then.
            self.keep_news(route).await;
            self.tell_beat();
            let due = due.map(|due| self.origin + due.since(Instant::default()));
            let until = async {
                match due {
                    Some(due) => time::sleep_until(due).await,
                    None => pending().await,
                }
            };
            if let First::One(landed) = first(flight.landed(), until).await {
                self.landed(landed);
            }
        }
    }

    async fn take_up(&mut self, live: Live<'_>, route: &Route) {
        let loaded = if self.learners.knows(route) {
            None
        } else {
            let key = route.clone();
            self.ask(move |store| store.load(&key)).await.flatten()
        };
        let (config, now) = (live.within_terms(&self.config), self.now());
        self.learners.take_up(route, &config, loaded, now);
        let unwelcome = live.terms.is_some_and(|terms| !terms.canaries);
        if (unwelcome || self.config.max_canaries == 0)
            && let Some(learner) = self.learner()
        {
            learner.forbid();
        }
    }

    /// Takes in what the connection has heard since it was looked at last.
    ///
    /// That costs no message anything, and so Pings are known by their number:
    /// they are taken to have come at equal distances.
    fn look(&mut self, live: Live<'_>, seen: &mut Seen) {
        let (now, vitals) = (self.now(), live.sender.vitals());
        let span = now - seen.at;
        let pings = vitals.pings_received.wrapping_sub(seen.pings);
        let heard = before(now, vitals.now - vitals.last_heard);
        if let Some(learner) = self.learner() {
            learner.heard(heard);
            // More than the last few tell nothing new.
            for ping in (0..u32::from(pings.min(4))).rev() {
                let ago = span * ping / u32::from(pings);
                learner.pinged(before(now, ago));
            }
        }
        if pings > 0 {
            seen.at = now;
            seen.pings = vitals.pings_received;
        }
    }

    /// Does what there is to do. When there is more.
    fn act(&mut self, live: Live<'_>, flight: &mut Flight) -> Option<Instant> {
        let now = self.now();
        let learner = self.learner()?;
        while let Some(step) = learner.next_step(now) {
            match step {
                Step::Open { canary, span } => {
                    let patience = live.sender.vitals().pong_timeout;
                    let (connector, url) = (live.connector.clone(), live.url.clone());
                    flight.open(canary, connector, url, span, patience);
                }
                Step::Cancel(canary) => flight.cancel(canary),
                Step::Ping => flight.ping(live.sender.clone()),
            }
        }
        learner.next_timeout()
    }

    fn landed(&mut self, landed: Landed) {
        let now = self.now();
        let Some(learner) = self.learner() else {
            return;
        };
        match landed {
            Landed::Canary(canary, outcome) => learner.finished(canary, outcome, now),
            Landed::Pong => learner.heard(now),
            Landed::NoPong => {}
        }
    }

    /// Has the connection beat as often as it should.
    fn beat(&mut self, live: Live<'_>, seen: &mut Seen) {
        let Some(learner) = self.learner() else {
            return;
        };
        let beat = learner.beat();
        if seen.beat.is_some_and(|before| is_same(before, beat)) {
            return;
        }
        seen.beat = Some(beat);
        live.sender.set_ping_interval(match beat {
            Beat::Every(interval) => interval,
            // Nothing is added to what comes in time, and a peer that is gone is
            // noticed all the same.
            Beat::Peer(interval) => interval + interval / 2,
        });
    }

    fn tell_beat(&mut self) {
        let Some(learner) = self.learner() else {
            return;
        };
        let (beat, settled) = (learner.beat(), learner.is_settled());
        let is_told = |(before, was_settled)| is_same(before, beat) && was_settled == settled;
        if !self.told.is_some_and(is_told) {
            self.told = Some((beat, settled));
            tracing::debug!(?beat, settled, "heartbeat");
            self.tell(&Event::Beat { beat, settled });
        }
    }

    /// Takes in how the connection has ended.
    async fn ended(&mut self, live: Live<'_>, route: &Route, begun: Awake) {
        let Some(learning) = self.learners.current().filter(|it| it.route == *route) else {
            return;
        };
        let interval = match learning.learner.beat() {
            Beat::Every(interval) | Beat::Peer(interval) => interval,
        };
        let before = learning.learner.known();
        let silence = if Awake::now().has_slept_since(&begun) {
            Duration::ZERO
        } else {
            live.last_silence(interval)
        };
        learning.learner.lost(silence);
        if learning.learner.known().proven < before.proven {
            tracing::info!(%route, ?silence, "the connection died of silence; learning anew");
            self.tell(&Event::Forgotten { silence });
        }
        self.keep_news(route).await;
    }

    /// Has the store keep, or forget, what is new.
    async fn keep_news(&mut self, route: &Route) {
        let learning = self.learners.current();
        let Some(news) = learning.and_then(Learning::news) else {
            return;
        };
        let key = route.clone();
        self.ask(move |store| match news {
            Keep::Save(known) => store.save(&key, &known),
            Keep::Forget => store.forget(&key),
        })
        .await;
    }

    /// Calls the store, on a thread that may block.
    async fn ask<T: Send + 'static>(
        &self,
        call: impl FnOnce(&dyn Store) -> Result<T, StoreError> + Send + 'static,
    ) -> Option<T> {
        let store = Arc::clone(&self.store);
        match spawn_blocking(move || call(&*store)).await {
            Ok(Ok(done)) => Some(done),
            Ok(Err(error)) => {
                tracing::warn!(%error, "learned heartbeats are not kept");
                self.tell(&Event::StoreFailed(&error));
                None
            }
            // It panicked, and the panic was told.
            Err(_) => None,
        }
    }

    fn learner(&mut self) -> Option<&mut Learner> {
        Some(&mut self.learners.current()?.learner)
    }

    fn tell(&self, event: &Event<'_>) {
        if let Some(watch) = &self.watch {
            watch(event);
        }
    }

    fn now(&self) -> Instant {
        let micros = self.origin.elapsed().as_micros();
        Instant::from_micros(u64::try_from(micros).unwrap_or(u64::MAX))
    }
}

fn before(now: Instant, ago: Duration) -> Instant {
    Instant::from_micros(now.since(Instant::default() + ago).as_micros() as u64)
}

/// A peer's interval is measured, and never twice the same.
fn is_same(one: Beat, other: Beat) -> bool {
    match (one, other) {
        (Beat::Peer(one), Beat::Peer(other)) => one.abs_diff(other) <= one / 4,
        (one, other) => one == other,
    }
}

impl fmt::Debug for Pacemaker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pacemaker")
            .field("config", &self.config)
            .field("learners", &self.learners)
            .finish_non_exhaustive()
    }
}
