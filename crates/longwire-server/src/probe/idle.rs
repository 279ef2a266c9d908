//! After how long a silent connection is dropped, and how.

use super::{
    live::Live,
    report::Report,
    text::{View, seconds},
};
use crate::{
    connect::escape,
    exit::{Failure, Status},
};
use longwire::{
    CloseInfo, Connector,
    heartbeat::{Beat, Canary, Fate, LearningConfig, Outcome, Segment},
    proto::{
        self,
        handshake::Url,
        heartbeat::{CanaryId, Learner, Step},
    },
};
use std::{collections::HashMap, future::pending, time::Duration};
use tokio::{
    task::{AbortHandle, JoinSet},
    time::{self, Instant},
};

/// Between which silences the limit is looked for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Idle {
    from: Duration,
    max: Duration,
}

/// What was found out, so far.
#[derive(Debug, Default)]
pub(super) struct Finding {
    pub(super) max: Duration,
    /// The longest silence after which a Ping was answered.
    pub(super) carried: Option<Duration>,
    /// The shortest that was not carried.
    pub(super) limit: Option<Duration>,
    /// The limit is a timer: this is when it ends.
    pub(super) is_exact: bool,
    /// How what was silent for longer was dropped.
    pub(super) end: Option<End>,
    /// The server spoke by itself, about so often.
    pub(super) beat: Option<Duration>,
    /// How often to beat.
    pub(super) safe: Option<Duration>,
    /// How many canaries were sent.
    pub(super) canaries: u32,
    /// Nothing more is to be found out.
    pub(super) complete: bool,
    /// Why the limit was not found.
    pub(super) trouble: Option<String>,
}

/// How a silent connection was dropped.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum End {
    Segment(Segment),
    Silence,
    Close { code: u16, reason: String },
}

/// The most canaries at one time: as many as there are doublings from 5 s to
/// beyond 10 min.
const CANARIES: usize = 8;
/// Between the opening of two.
const PACE: Duration = Duration::from_millis(250);
/// The least time that an answer gets: what is slow for once is not dropped.
const MIN_PATIENCE: Duration = Duration::from_secs(2);
/// A server that closes sooner has not waited for anything.
const AT_ONCE: Duration = Duration::from_secs(1);
/// How often the progress is shown.
const TICK: Duration = Duration::from_millis(200);

impl Idle {
    /// # Errors
    /// When there is nothing between `from` and `max`.
    pub(crate) fn new(from: Duration, max: Duration) -> Result<Idle, Failure> {
        if max < from {
            let message = format!(
                "--idle {} is shorter than --idle-from {}: name a longer one, or a shorter start",
                seconds(max),
                seconds(from)
            );
            return Err(Failure::new(Status::Usage, message));
        }
        Ok(Idle { from, max })
    }

    /// How often the connection that is kept alive beats.
    pub(crate) fn beat(&self) -> Duration {
        self.from / 2
    }

    fn config(&self) -> LearningConfig {
        let mut config = LearningConfig::default();
        // Taken to be safe without a try, so that the first try is `from`.
        config.start = self.from / 2;
        config.max = self.max;
        config.resolution = self.from / 5;
        config.margin = (self.from / 2).min(config.margin);
        config.max_canaries = CANARIES;
        config.pace = PACE;
        config
    }
}

/// Finds it out; what is known stands in the report at any time.
///
/// # Errors
/// When the connection is lost that was never silent: then silence is not why
/// connections end.
pub(super) async fn find(
    idle: &Idle,
    connector: &Connector,
    url: &Url,
    live: &mut Live,
    report: &mut Report,
    view: &mut View,
) -> Result<(), Failure> {
    let terms = report.handshake.as_ref().and_then(|it| it.terms);
    let slowest = report.round_trips.last().copied().unwrap_or_default();
    let finding = report.idle.insert(Finding {
        max: idle.max,
        ..Finding::default()
    });
    if terms.is_some_and(|terms| !terms.canaries) {
        finding.trouble = Some("the server says that it wants no canaries".to_owned());
        return Ok(());
    }
    let config = idle.config();
    let search = Search {
        learner: Learner::new(config.clone(), None, proto::Instant::default()),
        config,
        origin: Instant::now(),
        patience: MIN_PATIENCE.max(slowest * 4),
        out: JoinSet::new(),
        canaries: HashMap::new(),
        dropped: Vec::new(),
        finding,
    };
    search.run(connector, url, live, view).await
}

struct Search<'a> {
    learner: Learner,
    config: LearningConfig,
    origin: Instant,
    patience: Duration,
    out: JoinSet<Landed>,
    canaries: HashMap<CanaryId, (Duration, AbortHandle)>,
    dropped: Vec<Dropped>,
    finding: &'a mut Finding,
}

enum Landed {
    Canary(CanaryId, Result<Fate, longwire::ConnectError>),
    Pong,
    NoPong,
}

/// What became of a canary that was dropped.
struct Dropped {
    /// After this silence.
    after: Duration,
    /// It ended before it asked, so that this is when it was dropped.
    exact: bool,
    end: End,
}

impl Search<'_> {
    async fn run(
        mut self,
        connector: &Connector,
        url: &Url,
        live: &mut Live,
        view: &mut View,
    ) -> Result<(), Failure> {
        loop {
            let now = self.now();
            while let Some(step) = self.learner.next_step(now) {
                self.take(step, connector, url, live);
            }
            self.update();
            if self.learner.is_settled() || self.finding.is_exact {
                break;
            }
            view.searching(self.finding, self.origin.elapsed(), self.spans());
            let due = self.learner.next_timeout();
            let due = due.map(|due| self.origin + due.since(proto::Instant::default()));
            tokio::select! {
                landed = landed(&mut self.out) => self.land(landed),
                lost = live.lost() => {
                    let message = format!("{}\n  hint: it was kept alive by Pings, so that \
                        silence is not why connections end here", lost.message);
                    self.finding.trouble = Some("the connection that was kept alive was lost".into());
                    return Err(Failure::new(Status::Closed, message));
                }
                () = until(due) => {}
                () = time::sleep(TICK) => {}
            }
        }
        self.update();
        let finding = self.finding;
        let is_known = finding.limit.is_some() || finding.beat.is_some();
        if !is_known && finding.carried < Some(finding.max) && finding.trouble.is_none() {
            let message = format!("{} canaries told nothing certain", finding.canaries);
            finding.trouble = Some(message);
        }
        finding.complete = finding.trouble.is_none();
        Ok(())
    }

    fn take(&mut self, step: Step, connector: &Connector, url: &Url, live: &Live) {
        match step {
            Step::Open { canary, span } => {
                self.finding.canaries += 1;
                let (connector, url) = (connector.clone(), url.clone());
                let patience = self.patience;
                let task = self.out.spawn(async move {
                    let opened = Canary::open(&connector, url).await;
                    Landed::Canary(
                        canary,
                        match opened {
                            Ok(canary) => Ok(canary.stay_silent(span, patience).await),
                            Err(error) => Err(error),
                        },
                    )
                });
                self.canaries.insert(canary, (span, task));
            }
            Step::Cancel(canary) => {
                if let Some((_, task)) = self.canaries.remove(&canary) {
                    task.abort();
                }
            }
            Step::Ping => {
                let sender = live.sender.clone();
                self.out.spawn(async move {
                    match sender.ping().await {
                        Ok(_) => Landed::Pong,
                        Err(_) => Landed::NoPong,
                    }
                });
            }
        }
    }

    fn land(&mut self, landed: Landed) {
        let now = self.now();
        match landed {
            Landed::Pong => self.learner.heard(now),
            // The connection tells by itself what became of it.
            Landed::NoPong => {}
            Landed::Canary(canary, fate) => {
                let Some((span, _)) = self.canaries.remove(&canary) else {
                    return;
                };
                let outcome = match fate {
                    Ok(fate) => self.fate(&fate, span),
                    Err(error) => self.unopened(&error),
                };
                tracing::debug!(?span, ?outcome, "a canary came back");
                self.learner.finished(canary, outcome, now);
            }
        }
    }

    /// Notes what became of a canary; then what the learner is told.
    fn fate(&mut self, fate: &Fate, span: Duration) -> Outcome {
        if let Some(dropped) = Dropped::of(fate, span) {
            let after = dropped.after;
            self.dropped.push(dropped);
            return Outcome::Dropped { after };
        }
        if let Fate::Closed { info, .. } = fate
            && fate.outcome() == Outcome::Refused
        {
            self.finding.trouble = Some(format!(
                "the server closed a canary at once, with {}",
                close(info)
            ));
        }
        fate.outcome()
    }

    fn unopened(&mut self, error: &longwire::ConnectError) -> Outcome {
        // The server let us in before, so that a refusal is meant for canaries.
        if error.status().is_none() {
            return Outcome::Void;
        }
        let error = error.to_string();
        self.finding.trouble = Some(format!("a canary was refused: {}", escape::line(&error)));
        Outcome::Refused
    }

    /// Brings the finding to what is known now.
    fn update(&mut self) {
        let known = self.learner.known();
        let finding = &mut *self.finding;
        finding.carried = Some(known.proven).filter(|&proven| proven > self.config.start);
        finding.limit = known.refuted;
        let exact = exact(&self.dropped);
        finding.is_exact = exact.is_some();
        if let Some(exact) = exact {
            finding.limit = Some(exact);
            finding.carried = finding.carried.filter(|&carried| carried < exact);
        }
        finding.beat = match self.learner.beat() {
            Beat::Peer(interval) => Some(interval),
            Beat::Every(_) => None,
        };
        finding.end = finding.limit.and_then(|limit| {
            // What comes near the limit tells most about it.
            let within = |dropped: &&Dropped| dropped.after <= limit;
            let near = self.dropped.iter().filter(within);
            let nearest = near.max_by_key(|dropped| dropped.after);
            nearest.map(|dropped| dropped.end.clone())
        });
        let longest = exact.or(finding.carried);
        finding.safe = longest.map(|longest| {
            let interval = self.config.interval(longest);
            let is_safe = finding.limit.is_none_or(|limit| interval < limit);
            if is_safe { interval } else { longest / 2 }
        });
        if finding.beat.is_some() {
            finding.safe = None;
        }
    }

    /// For how long the canaries that are out are silent.
    fn spans(&self) -> Vec<Duration> {
        let mut spans: Vec<_> = self.canaries.values().map(|&(span, _)| span).collect();
        spans.sort_unstable();
        spans
    }

    fn now(&self) -> proto::Instant {
        let micros = self.origin.elapsed().as_micros();
        proto::Instant::from_micros(u64::try_from(micros).unwrap_or(u64::MAX))
    }
}

async fn landed(out: &mut JoinSet<Landed>) -> Landed {
    loop {
        match out.join_next().await {
            Some(Ok(landed)) => return landed,
            // One that was cancelled.
            Some(Err(_)) => {}
            None => pending().await,
        }
    }
}

async fn until(due: Option<Instant>) {
    match due {
        Some(due) => time::sleep_until(due).await,
        None => pending().await,
    }
}

/// The limit, if two canaries were ended after the same silence: that is a
/// timer, and needs no narrowing down.
fn exact(dropped: &[Dropped]) -> Option<Duration> {
    const NEAR: Duration = Duration::from_millis(250);
    let mut exact: Vec<_> = dropped.iter().filter(|it| it.exact).collect();
    exact.sort_by_key(|it| it.after);
    exact.windows(2).find_map(|pair| {
        let apart = pair[1].after - pair[0].after;
        let alike = apart <= NEAR + pair[0].after / 50 && pair[0].end == pair[1].end;
        alike.then_some(pair[0].after)
    })
}

impl Dropped {
    fn of(fate: &Fate, span: Duration) -> Option<Dropped> {
        Some(match fate {
            Fate::Silent => Dropped {
                after: span,
                exact: false,
                end: End::Silence,
            },
            Fate::Dropped { after, by } => Dropped {
                after: (*after).min(span),
                exact: *after < span,
                end: End::Segment(*by),
            },
            // A restart says nothing of the path, whenever it comes.
            Fate::Closed { after, info } if *after > AT_ONCE && fate.outcome() != Outcome::Void => {
                Dropped {
                    after: (*after).min(span),
                    exact: *after < span,
                    end: End::Close {
                        code: info.code().get(),
                        reason: info.reason().to_owned(),
                    },
                }
            }
            _ => return None,
        })
    }
}

fn close(info: &CloseInfo) -> String {
    match info.reason() {
        "" => info.code().to_string(),
        reason => format!("{}: {}", info.code(), escape::line(reason)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dropped(millis: u64, exact: bool, by: Segment) -> Dropped {
        Dropped {
            after: Duration::from_millis(millis),
            exact,
            end: End::Segment(by),
        }
    }

    #[test]
    fn two_ends_after_one_silence_are_a_timer() {
        use Segment::{Fin, Rst};
        let one = dropped(60_100, true, Fin);
        assert_eq!(exact(&[one]), None);
        let timer = [dropped(60_150, true, Fin), dropped(60_100, true, Fin)];
        assert_eq!(exact(&timer), Some(Duration::from_millis(60_100)));
        let apart = [dropped(60_000, true, Fin), dropped(70_000, true, Fin)];
        assert_eq!(exact(&apart), None);
        let unlike = [dropped(60_000, true, Fin), dropped(60_000, true, Rst)];
        assert_eq!(exact(&unlike), None);
        let answers = [dropped(60_000, false, Rst), dropped(60_000, false, Rst)];
        assert_eq!(exact(&answers), None);
    }

    #[test]
    fn the_longest_silence_is_no_shorter_than_the_first() {
        let secs = Duration::from_secs;
        let failure = Idle::new(secs(5), secs(3)).unwrap_err();
        assert_eq!(failure.status, Status::Usage);
        assert!(failure.message.contains("--idle-from 5 s"), "{failure:?}");
        let idle = Idle::new(secs(5), secs(5)).unwrap();
        assert_eq!(idle.beat(), Duration::from_millis(2500));
    }
}
