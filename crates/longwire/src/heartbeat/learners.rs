//! The learners of one pacemaker: one for each route that it was on.

use super::{LearningConfig, Route};
use longwire_proto::{
    Instant,
    heartbeat::{Known, Learner},
};
use std::time::Duration;

/// Learners by route, the one in use last. What each has spent of its canaries
/// is known as long as it is kept, so that going back and forth between two
/// networks spends no more.
#[derive(Debug, Default)]
pub(super) struct Learners(Vec<Learning>);

/// The learning of one route.
#[derive(Debug)]
pub(super) struct Learning {
    pub(super) route: Route,
    pub(super) learner: Learner,
    /// With what it was set up, the server's terms included.
    config: LearningConfig,
    /// What the store knows.
    saved: Known,
    settled: bool,
}

/// What is to be done about the store.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Keep {
    Save(Known),
    Forget,
}

impl Learners {
    /// How many routes are remembered by one process.
    const MAX: usize = 8;

    /// The learning that is in use.
    pub(super) fn current(&mut self) -> Option<&mut Learning> {
        self.0.last_mut()
    }

    /// Whether this route is known here.
    pub(super) fn knows(&self, route: &Route) -> bool {
        self.0.iter().any(|learning| learning.route == *route)
    }

    /// Takes up a route, from what is known of it here, or else from `loaded`.
    pub(super) fn take_up(
        &mut self,
        route: &Route,
        config: &LearningConfig,
        loaded: Option<Known>,
        now: Instant,
    ) {
        let known = match self.0.iter().position(|it| it.route == *route) {
            Some(at) => {
                let mut learning = self.0.remove(at);
                // Its canaries went with the connection.
                learning.learner.lost(Duration::ZERO);
                if learning.config == *config {
                    return self.0.push(learning);
                }
                // The server has other terms now.
                Some(learning.learner.known())
            }
            None => loaded,
        };
        if self.0.len() == Learners::MAX {
            self.0.remove(0);
        }
        let learner = Learner::new(config.clone(), known.as_ref(), now);
        self.0.push(Learning {
            route: route.clone(),
            saved: learner.known(),
            settled: learner.is_settled(),
            learner,
            config: config.clone(),
        });
    }
}

impl Learning {
    /// What the store has to be told, if anything has been learned, or has been
    /// confirmed, since it was asked last.
    pub(super) fn news(&mut self) -> Option<Keep> {
        let known = self.learner.known();
        let settled = self.learner.is_settled();
        let has_settled = settled && !self.settled;
        self.settled = settled;
        if known == self.saved && !has_settled {
            return None;
        }
        self.saved = known;
        let is_nothing = known.proven <= self.config.start && known.refuted.is_none();
        Some(if is_nothing {
            Keep::Forget
        } else {
            Keep::Save(known)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use longwire_proto::heartbeat::{Outcome, Step};

    const NOW: Instant = Instant::from_micros(0);

    const fn secs(secs: u64) -> Duration {
        Duration::from_secs(secs)
    }

    fn route(network: &str) -> Route {
        Route::parse(network, "ws://example.com:80").unwrap()
    }

    /// Has the first canary answered.
    fn learn(learning: &mut Learning) {
        let Some(Step::Open { canary, .. }) = learning.learner.next_step(NOW) else {
            panic!("nothing to learn");
        };
        learning.learner.finished(canary, Outcome::Answered, NOW);
    }

    #[test]
    fn each_network_has_a_learner_of_its_own() {
        let config = LearningConfig::default();
        let mut learners = Learners::default();
        let (home, office) = (route("10.0.0.1"), route("192.168.0.1"));
        learners.take_up(&home, &config, None, NOW);
        learn(learners.current().unwrap());
        learners.take_up(&office, &config, None, NOW);
        assert_eq!(learners.current().unwrap().learner.known().proven, secs(15));
        learners.take_up(&home, &config, None, NOW);
        let learning = learners.current().unwrap();
        assert_eq!(learning.route, home);
        assert_eq!(learning.learner.known().proven, secs(30));
        // Other terms, and it goes on from what is known.
        let config = config.within(secs(28));
        learners.take_up(&home, &config, None, NOW);
        let learning = learners.current().unwrap();
        assert_eq!(learning.learner.known().proven, secs(23));
        assert!(learners.knows(&office));
        for host in 1..=Learners::MAX {
            learners.take_up(&route(&format!("10.1.0.{host}")), &config, None, NOW);
        }
        assert!(!learners.knows(&office));
        assert_eq!(learners.0.len(), Learners::MAX);
    }

    #[test]
    fn canaries_of_a_connection_that_is_gone_are_not_waited_for() {
        let mut config = LearningConfig::default();
        config.max_canaries = 1;
        let mut learners = Learners::default();
        let home = route("10.0.0.1");
        for minute in 1..=3 {
            let now = NOW + secs(60 * minute);
            learners.take_up(&home, &config, None, now);
            let learner = &mut learners.current().unwrap().learner;
            let mut steps = std::iter::from_fn(|| learner.next_step(now));
            assert!(steps.any(|step| matches!(step, Step::Open { .. })));
        }
    }

    #[test]
    fn the_store_hears_of_what_is_new() {
        let mut learners = Learners::default();
        learners.take_up(&route("10.0.0.1"), &LearningConfig::default(), None, NOW);
        let learning = learners.current().unwrap();
        assert_eq!(learning.news(), None);
        learn(learning);
        assert_eq!(learning.news(), Some(Keep::Save(learning.learner.known())));
        assert_eq!(learning.news(), None);
        learning.learner.lost(secs(29));
        assert_eq!(learning.news(), Some(Keep::Forget));
        assert_eq!(learning.news(), None);
    }
}
