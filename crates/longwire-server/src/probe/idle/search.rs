//! The search for the limit: the library's learner, with canaries of our own, so
//! that what became of each is known.

use super::dropped::{Dropped, exact};
use crate::{
    connect::escape,
    exit::{Failure, Status},
    probe::{finding::Finding, live::Live, text::View},
};
use longwire::{
    CloseInfo, ConnectError, Connector,
    heartbeat::{Beat, Canary, Fate, LearningConfig, Outcome},
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

/// How often the progress is shown.
const TICK: Duration = Duration::from_millis(200);

/// A [`Learner`] with canaries that fly, and a connection that lives.
pub(super) struct Search<'a> {
    learner: Learner,
    config: LearningConfig,
    origin: Instant,
    patience: Duration,
    out: JoinSet<Landed>,
    canaries: HashMap<CanaryId, (Duration, AbortHandle)>,
    dropped: Vec<Dropped>,
    /// Why a canary could not be opened, last.
    unopened: Option<String>,
    finding: &'a mut Finding,
}

enum Landed {
    Canary(CanaryId, Result<Fate, ConnectError>),
    Pong,
    NoPong,
}

impl<'a> Search<'a> {
    pub(super) fn new(
        config: LearningConfig,
        patience: Duration,
        finding: &'a mut Finding,
    ) -> Search<'a> {
        Search {
            learner: Learner::new(config.clone(), None, proto::Instant::default()),
            config,
            origin: Instant::now(),
            patience,
            out: JoinSet::new(),
            canaries: HashMap::new(),
            dropped: Vec::new(),
            unopened: None,
            finding,
        }
    }

    pub(super) async fn run(
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
                    let trouble = "the connection that was kept alive was lost too";
                    self.finding.trouble = Some(trouble.to_owned());
                    return Err(not_idle(&lost));
                }
                () = until(due) => {}
                () = time::sleep(TICK) => {}
            }
        }
        self.conclude();
        Ok(())
    }

    /// Nothing more is to be learned.
    fn conclude(self) {
        let finding = self.finding;
        let is_known = finding.limit.is_some() || finding.beat.is_some();
        if !is_known && finding.carried < Some(finding.max) && finding.trouble.is_none() {
            let mut trouble = format!("{} canaries told nothing certain", finding.canaries);
            if let Some(error) = self.unopened {
                trouble += &format!("; the last that could not be opened: {error}");
            }
            finding.trouble = Some(trouble);
        }
        finding.complete = finding.trouble.is_none();
    }

    fn take(&mut self, step: Step, connector: &Connector, url: &Url, live: &Live) {
        match step {
            Step::Open { canary, span } => {
                self.finding.canaries += 1;
                let (connector, url) = (connector.clone(), url.clone());
                let patience = self.patience;
                let task = self.out.spawn(async move {
                    let fate = match Canary::open(&connector, url).await {
                        Ok(canary) => Ok(canary.stay_silent(span, patience).await),
                        Err(error) => Err(error),
                    };
                    Landed::Canary(canary, fate)
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

    fn unopened(&mut self, error: &ConnectError) -> Outcome {
        let text = escape::line(&error.to_string()).into_owned();
        // The server let us in before, so that a refusal is meant for canaries.
        if error.status().is_some() {
            self.finding.trouble = Some(format!("a canary was refused: {text}"));
            return Outcome::Refused;
        }
        self.unopened = Some(text);
        Outcome::Void
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

fn close(info: &CloseInfo) -> String {
    match info.reason() {
        "" => info.code().to_string(),
        reason => format!("{}: {}", info.code(), escape::line(reason)),
    }
}

fn not_idle(lost: &Failure) -> Failure {
    let message = format!(
        "{}\n  hint: it was kept alive by Pings, so that silence is not why connections end here",
        lost.message
    );
    Failure::new(Status::Closed, message)
}
