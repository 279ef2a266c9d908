//! After how long a silent connection is dropped, and how.

mod dropped;
mod search;

use super::{
    finding::Finding,
    live::Live,
    report::Report,
    text::{View, seconds},
};
use crate::exit::{Failure, Status};
use longwire::{Connector, heartbeat::LearningConfig, proto::handshake::Url};
use search::Search;
use std::time::Duration;

/// Between which silences the limit is looked for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Idle {
    from: Duration,
    max: Duration,
}

/// The most canaries at one time: as many as there are doublings from 5 s to
/// beyond 10 min.
const CANARIES: usize = 8;
/// Between the opening of two.
const PACE: Duration = Duration::from_millis(250);
/// The least time that an answer gets: what is slow for once is not dropped.
const MIN_PATIENCE: Duration = Duration::from_secs(2);

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
    let patience = MIN_PATIENCE.max(slowest * 4);
    let search = Search::new(idle.config(), patience, finding);
    search.run(connector, url, live, view).await
}

#[cfg(test)]
mod tests {
    use super::*;

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
