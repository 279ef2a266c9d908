//! Learning how often to beat, on simulated paths and a virtual clock.
#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

mod document;
mod path;
mod simulation;
mod steps;
mod strategy;

use longwire_proto::{
    Instant,
    heartbeat::{Learner, LearningConfig},
};
use path::{End, Path};
use proptest::prelude::*;
use simulation::{Report, run};
use std::time::Duration;
use strategy::{Choose, Fixed, Mars, learner};

const DAY: Duration = Duration::from_secs(24 * 3600);

const fn secs(secs: u64) -> Duration {
    Duration::from_secs(secs)
}

const fn minutes(minutes: u64) -> Duration {
    Duration::from_secs(minutes * 60)
}

/// Learning that goes up to two hours.
fn patient() -> LearningConfig {
    let mut config = LearningConfig::default();
    config.max = minutes(120);
    config
}

fn learn(path: &Path, config: &LearningConfig, seed: u64, span: Duration) -> (Learner, Report) {
    let mut learner = learner(config.clone(), None);
    let report = run(&mut learner, path, seed, span);
    (learner, report)
}

/// The interval is as long as what is known allows: within the resolution and
/// the margin of the path's limit.
fn assert_converged(learner: &Learner, limit: Duration, config: &LearningConfig) {
    let limit = limit.min(config.max);
    let known = learner.known();
    assert!(known.proven <= limit, "{known:?} on a path of {limit:?}");
    let resolution = config.resolution.max(limit / 16);
    assert!(
        limit - known.proven <= resolution || known.proven == config.start,
        "{known:?} on a path of {limit:?}"
    );
    let margin = config.margin.max(known.proven / 20);
    let interval = (known.proven - margin).max(config.start);
    assert_eq!(learner.interval(), interval);
}

/// Paths that people have, by name.
const PROFILES: [(&str, Duration); 6] = [
    ("nginx", secs(60)),
    ("a cloud balancer", secs(350)),
    ("a carrier, 2G/3G", minutes(5)),
    ("another carrier", minutes(28)),
    ("a home router", minutes(120)),
    ("TCP keepalive", minutes(120)),
];

#[test]
fn the_limit_of_every_profile_is_found_without_a_death() {
    for (name, limit) in PROFILES {
        for end in [End::Silence, End::Reset] {
            let path = Path::fixed(limit, end);
            let (learner, report) = learn(&path, &patient(), 1, DAY * 2);
            assert_eq!(report.deaths, [], "{name}");
            assert!(learner.is_settled(), "{name}");
            assert_converged(&learner, limit, &patient());
        }
    }
}

#[test]
fn the_live_connection_is_what_the_others_learn_with() {
    for (name, limit) in PROFILES {
        let path = Path::fixed(limit, End::Silence);
        let mars = run(&mut Mars::new(), &path, 1, DAY);
        let fixed = run(&mut Fixed(minutes(5)), &path, 1, DAY);
        let (_, learned) = learn(&path, &patient(), 1, DAY);
        assert_eq!(learned.deaths.len(), 0, "{name}");
        if limit < minutes(5) {
            assert!(fixed.deaths.len() > 100, "{name}");
        }
        if limit < secs(590) {
            assert!(mars.deaths.len() >= 3, "{name}: {}", mars.deaths.len());
        }
        let beats = f64::from(learned.beats);
        if limit > minutes(10) {
            assert!(beats < 0.8 * f64::from(mars.beats), "{name}: {beats}");
        }
    }
}

#[test]
fn a_limit_that_shrinks_at_night_kills_once_and_is_learned_anew() {
    let hours = |hours: u64| Instant::default() + minutes(60 * hours);
    for (end, timers) in [(End::Silence, true), (End::Reset, false)] {
        let path = Path {
            timers,
            limits: vec![
                (hours(0), minutes(28)),
                (hours(20), secs(90)),
                (hours(30), minutes(28)),
            ],
            end,
            loss: 0,
        };
        let mut config = patient();
        config.recheck = DAY;
        let (learner, report) = learn(&path, &config, 7, DAY * 4);
        assert_eq!(report.deaths.len(), 1);
        // And found again when it had grown.
        assert_converged(&learner, minutes(28), &config);
    }
}

#[test]
fn what_is_known_of_a_network_is_used_from_the_start() {
    let path = Path::fixed(secs(350), End::Silence);
    let (learned, _) = learn(&path, &patient(), 1, DAY);
    let mut again = learner(patient(), Some(&learned.known()));
    assert_eq!(again.interval(), learned.interval());
    let report = run(&mut again, &path, 2, DAY);
    assert_eq!((report.canaries, report.deaths.len()), (0, 0));

    let mut outdated = learned.known();
    outdated.age = patient().recheck;
    let again = learner(patient(), Some(&outdated));
    assert_eq!(again.interval(), patient().start);
}

proptest! {
    #[test]
    fn learning_never_kills_and_converges(
        limit in 20u64..7200,
        resets in any::<bool>(),
        loss in 0u8..20,
        seed in any::<u64>(),
    ) {
        let limit = secs(limit);
        let end = if resets { End::Reset } else { End::Silence };
        let path = Path { loss, ..Path::fixed(limit, end) };
        let config = patient();
        let (learner, report) = learn(&path, &config, seed, DAY * 3);
        prop_assert_eq!(report.deaths.len(), 0);
        prop_assert!(report.most_canaries <= config.max_canaries);
        prop_assert!(report.canaries <= config.max_total);
        if loss == 0 {
            assert_converged(&learner, limit, &config);
        }
    }

    #[test]
    fn a_changing_limit_kills_at_most_once_for_each_time_that_it_shrinks(
        limits in proptest::collection::vec((20u64..7200, 1u64..48), 1..6),
        resets in any::<bool>(),
        timers in any::<bool>(),
        loss in 0u8..10,
        seed in any::<u64>(),
    ) {
        let mut from = Instant::default();
        let mut path = Path { limits: Vec::new(), end: End::Silence, timers, loss };
        for (limit, hours) in limits {
            path.limits.push((from, secs(limit)));
            from = from + minutes(60 * hours);
        }
        if resets {
            path.end = End::Reset;
        }
        let mut config = patient();
        config.recheck = DAY;
        let (learner, report) = learn(&path, &config, seed, (from - Instant::default()) + DAY * 5);
        prop_assert!(report.deaths.len() <= path.shrinkings(), "{:?}", report);
        if loss == 0 {
            assert_converged(&learner, path.limits.last().unwrap().1, &config);
        }
    }
}
