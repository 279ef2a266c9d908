use super::*;
use proptest::prelude::*;
use rand::{Rng as _, SeedableRng as _, rngs::StdRng};

fn window(from: u64, to: u64) -> ReconnectWindow {
    ReconnectWindow {
        from: Duration::from_millis(from),
        to: Duration::from_millis(to),
    }
}

/// All batches of a drain that is asked at these moments: when, how many, and
/// the window they are told.
fn run(
    drain: Drain,
    connections: usize,
    asked: impl Iterator<Item = Duration>,
) -> Vec<(Duration, usize, ReconnectWindow)> {
    let mut schedule = Schedule::new(drain, connections);
    let mut batches = Vec::new();
    for elapsed in asked {
        if let Some(batch) = schedule.next(elapsed) {
            let window = ReconnectWindow::in_reason(batch.frame.reason()).unwrap();
            batches.push((elapsed, batch.size, window));
        }
        if schedule.is_done() {
            return batches;
        }
    }
    panic!("it is not done");
}

fn ticks() -> impl Iterator<Item = Duration> {
    (0..).map(|tick| TICK * tick)
}

#[test]
fn the_first_come_back_first() {
    let drain = Drain::leaving(Duration::from_secs(1), window(2_000, 4_000));
    let batches = run(drain, 100, ticks());
    assert_eq!(batches.len(), 20);
    assert!(batches.iter().all(|(_, size, _)| *size == 5));
    // Counted from the beginning: 2.0 to 2.1 s; and the last ones 3.9 to 4.0 s.
    let first = (Duration::from_millis(50), 5, window(1_950, 2_050));
    assert_eq!(batches[0], first);
    let last = (Duration::from_secs(1), 5, window(2_900, 3_000));
    assert_eq!(batches[19], last);
}

#[test]
fn the_frames_say_what_happens() {
    let over = Duration::from_secs(10);
    let reason = |drain: Drain| {
        let batch = Schedule::new(drain, 1).next(over).unwrap();
        (batch.frame.code().get(), batch.frame.reason().to_owned())
    };
    assert_eq!(
        reason(Drain::leaving(over, window(12_000, 40_500))),
        (
            1001,
            "the server shuts down; reconnect in 2-30.5 s".to_owned()
        )
    );
    assert_eq!(
        reason(Drain::restarting(over, window(0, 40_000))),
        (1012, "the server restarts; reconnect in 0-30 s".to_owned())
    );
}

#[test]
fn no_time_closes_all_at_once_and_a_window_that_has_passed_is_now() {
    let drain = Drain::leaving(Duration::ZERO, window(0, 30_000));
    let batches = run(drain, 10_000, ticks());
    assert_eq!(batches, [(Duration::ZERO, 10_000, window(0, 30_000))]);
    let drain = Drain::leaving(Duration::from_secs(60), window(0, 1_000));
    let batches = run(drain, 10, ticks());
    assert_eq!(batches.last().unwrap().2, window(0, 0));
}

#[test]
fn nothing_is_too_long_for_a_reason_and_no_window_is_upside_down() {
    for reconnect in [
        ReconnectWindow::within(Duration::MAX),
        ReconnectWindow {
            from: Duration::MAX,
            to: Duration::ZERO,
        },
        window(86_399_999, 86_400_000),
    ] {
        for drain in [
            Drain::leaving(Duration::MAX, reconnect),
            Drain::restarting(Duration::ZERO, reconnect),
        ] {
            let told = drain.frame(Duration::from_nanos(1)).unwrap();
            assert!(ReconnectWindow::in_reason(told.reason()).is_some());
        }
    }
    assert!(Schedule::new(Drain::leaving(TICK, window(0, 1)), 0).is_done());
}

#[cfg(feature = "worker")]
#[test]
fn workers_take_turns() {
    let drain = Drain::leaving(Duration::from_secs(8), window(0, 8_000));
    // When each closes its connections, of which each has as many, and the
    // windows they are told, counted from the beginning.
    let closed = |workers: u32, each: usize| {
        let mut all = Vec::new();
        for number in 0..workers {
            let mut schedule = Schedule::new(drain, each).of_worker(number, workers);
            for at in ticks().take_while(|at| *at <= Duration::from_secs(8)) {
                let Some(batch) = schedule.next(at) else {
                    continue;
                };
                let told = ReconnectWindow::in_reason(batch.frame.reason()).unwrap();
                let (from, to) = (at + told.from, at + told.to);
                all.push((at.as_millis(), from.as_millis(), to.as_millis()));
            }
            assert!(schedule.is_done());
        }
        all.sort_unstable();
        all
    };
    // Never before it is closed.
    let four = [
        (50, 50, 2_000),
        (2_050, 2_050, 4_000),
        (4_050, 4_050, 6_000),
        (6_050, 6_050, 8_000),
    ];
    assert_eq!(closed(4, 1), four);
    assert_eq!(closed(2, 2), four);
}

#[test]
fn who_was_late_closes_at_most_twice_as_many_at_a_time() {
    let drain = Drain::restarting(Duration::from_secs(10), window(10_000, 20_000));
    // Stopped from the first to the ninth second.
    let asked = ticks().filter(|at| !(1..9).contains(&at.as_secs()));
    let batches = run(drain, 10_000, asked);
    let sizes = batches.iter().map(|(_, size, _)| *size);
    assert_eq!(sizes.clone().sum::<usize>(), 10_000);
    assert!(sizes.max() <= Some(100));
}

/// How far the counts of equal parts of a window are from even: chi-square.
fn chi_square(moments: &[f64], window: (f64, f64), parts: usize) -> f64 {
    let width = (window.1 - window.0) / parts as f64;
    let mut counts = vec![0.0; parts];
    for moment in moments {
        let part = ((moment - window.0) / width).clamp(0.0, parts as f64 - 1.0);
        counts[part as usize] += 1.0;
    }
    let expected = moments.len() as f64 / parts as f64;
    let square = |count: &f64| (count - expected).powi(2) / expected;
    counts.iter().map(square).sum()
}

#[test]
fn ten_thousand_come_back_evenly_over_the_whole_window() {
    let mut random = StdRng::seed_from_u64(1);
    for (over, from, to) in [
        (10_000, 0, 30_000),
        (10_000, 12_000, 42_000),
        (30_000, 10_000, 30_000),
        (2_000, 2_000, 3_000),
    ] {
        let drain = Drain::restarting(Duration::from_millis(over), window(from, to));
        let mut moments = Vec::new();
        for (elapsed, size, window) in run(drain, 10_000, ticks()) {
            let picks = (0..size).map(|_| elapsed + window.pick(random.random()));
            moments.extend(picks.map(|moment| moment.as_secs_f64()));
        }
        assert_eq!(moments.len(), 10_000);
        let whole = (from as f64 / 1e3, to as f64 / 1e3);
        assert!(moments.iter().all(|moment| *moment >= whole.0 - 0.001));
        assert!(moments.iter().all(|moment| *moment <= whole.1 + 0.001));
        // Of 50 independent, even parts 99.9 % have less than 85.4.
        let uneven = chi_square(&moments, whole, 50);
        assert!(uneven < 85.4, "{over} {from}-{to}: {uneven}");
    }
    // It can fail: all at the same distance from their own end are not even.
    let herd: Vec<f64> = (0..10_000).map(|_| random.random::<f64>() * 10.0).collect();
    assert!(chi_square(&herd, (0.0, 30.0), 50) > 1_000.0);
}

proptest! {
    /// Whenever it is asked, and from whatever numbers.
    #[test]
    fn all_are_closed_in_order_and_none_is_told_a_moment_outside(
        connections in 0..3_000_usize,
        over in 0..5_000_u64,
        from in 0..10_000_u64,
        width in 0..10_000_u64,
        late in 1..200_u64,
    ) {
        let drain = Drain::leaving(Duration::from_millis(over), window(from, from + width));
        let asked = (0..).map(|tick| Duration::from_millis(tick * (50 + late)));
        let batches = run(drain, connections, asked);
        let sum: usize = batches.iter().map(|(_, size, _)| size).sum();
        prop_assert_eq!(sum, connections);
        let mut last = Duration::ZERO;
        for (elapsed, _, told) in batches {
            // Rounded to milliseconds.
            let slack = Duration::from_millis(2);
            prop_assert!(told.from <= told.to);
            prop_assert!(elapsed + told.to + slack >= last);
            prop_assert!(elapsed + told.to <= elapsed.max(Duration::from_millis(from + width)) + slack);
            last = elapsed + told.from;
        }
    }
}
