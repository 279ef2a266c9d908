use super::*;

/// What a text of `len` bytes below 126 counts for: two bytes of header and the
/// entry's place.
const fn cost(len: usize) -> usize {
    len + 2 + 64
}

struct Bounds {
    count: usize,
    bytes: usize,
    total: usize,
}

const WIDE: Bounds = Bounds {
    count: usize::MAX,
    bytes: usize::MAX,
    total: usize::MAX,
};

fn config(bounds: &Bounds) -> HubConfig {
    HubConfig {
        max_log_count: bounds.count,
        max_log_bytes: bounds.bytes,
        ..HubConfig::default()
    }
}

fn log(bounds: &Bounds) -> Log {
    Log::new(&config(bounds), Arc::new(LogBudget::new(bounds.total)))
}

fn append(log: &mut Log, len: usize) -> u64 {
    let message = PreparedMessage::new("x".repeat(len));
    log.append(message, None).get()
}

/// The offsets that are kept.
fn kept(log: &Log) -> Vec<u64> {
    log.entries
        .iter()
        .map(|entry| entry.offset().get())
        .collect()
}

/// Reads once after `position`: what was found, the offsets, the new position.
fn read(log: &Log, position: u64, count: usize, bytes: usize) -> (Option<Read>, Vec<u64>, u64) {
    let mut position = Offset::new(position);
    let mut out = Vec::new();
    let limits = ReadLimits {
        max_count: count,
        max_bytes: bytes,
    };
    let read = log.read(&mut position, limits, &mut out);
    let offsets = out.iter().map(|entry| entry.offset().get()).collect();
    (read, offsets, position.get())
}

fn gap(from: u64, to: u64) -> Option<Read> {
    Some(Read::Gap(Gap {
        from: Offset::new(from),
        to: Offset::new(to),
    }))
}

#[test]
fn offsets_begin_at_one() {
    let mut log = log(&WIDE);
    assert_eq!(log.head(), Offset::ZERO);
    assert_eq!((append(&mut log, 0), append(&mut log, 0)), (1, 2));
    assert_eq!(log.head(), Offset::new(2));
}

#[test]
fn the_count_is_kept_at_the_limit_and_not_past_it() {
    let mut log = log(&Bounds { count: 3, ..WIDE });
    for _ in 0..3 {
        append(&mut log, 1);
    }
    assert_eq!(kept(&log), [1, 2, 3]);
    append(&mut log, 1);
    assert_eq!(kept(&log), [2, 3, 4]);
}

#[test]
fn the_bytes_are_kept_at_the_limit_and_not_past_it() {
    let mut log = log(&Bounds {
        bytes: cost(10) + cost(20),
        ..WIDE
    });
    append(&mut log, 10);
    append(&mut log, 20);
    assert_eq!(kept(&log), [1, 2]);
    append(&mut log, 11);
    assert_eq!(kept(&log), [3], "11 and 20 are one too many");
    append(&mut log, 19);
    assert_eq!(kept(&log), [3, 4]);
    assert_eq!(log.bytes, cost(11) + cost(19));
}

#[test]
fn the_newest_is_kept_whatever_the_bounds() {
    for bounds in [
        Bounds { count: 0, ..WIDE },
        Bounds { bytes: 0, ..WIDE },
        Bounds { total: 0, ..WIDE },
    ] {
        let mut log = log(&bounds);
        append(&mut log, 100);
        assert_eq!(kept(&log), [1]);
        append(&mut log, 100);
        assert_eq!(kept(&log), [2]);
        assert_eq!(read(&log, 1, 1, 0).1, [2]);
    }
}

#[test]
fn empty_messages_count_too() {
    let mut log = log(&Bounds {
        bytes: 4 * cost(0),
        ..WIDE
    });
    for _ in 0..10 {
        append(&mut log, 0);
    }
    assert_eq!(kept(&log), [7, 8, 9, 10]);
}

#[test]
fn logs_share_a_budget_and_give_it_back() {
    let budget = Arc::new(LogBudget::new(3 * cost(5)));
    let new = || Log::new(&config(&WIDE), Arc::clone(&budget));
    let (mut quiet, mut busy) = (new(), new());
    append(&mut quiet, 5);
    for _ in 0..2 {
        append(&mut busy, 5);
    }
    assert_eq!(kept(&busy), [1, 2]);
    append(&mut busy, 5);
    assert_eq!(kept(&busy), [2, 3], "who publishes makes room");
    assert_eq!(kept(&quiet), [1]);
    assert_eq!(budget.used(), 3 * cost(5));
    drop(quiet);
    append(&mut busy, 5);
    assert_eq!(kept(&busy), [2, 3, 4]);
    drop(busy);
    assert_eq!(budget.used(), 0);
}

#[test]
fn reads_on_from_a_position_to_the_head() {
    let mut log = log(&WIDE);
    assert_eq!(read(&log, 0, 9, 999), (None, vec![], 0));
    for _ in 0..5 {
        append(&mut log, 1);
    }
    assert_eq!(
        read(&log, 0, 9, 999),
        (Some(Read::Publications(5)), vec![1, 2, 3, 4, 5], 5)
    );
    assert_eq!(
        read(&log, 3, 9, 999),
        (Some(Read::Publications(2)), vec![4, 5], 5)
    );
    assert_eq!(read(&log, 5, 9, 999), (None, vec![], 5));
}

#[test]
fn a_read_is_limited_by_count_and_bytes_but_gives_one_at_least() {
    let mut log = log(&WIDE);
    for _ in 0..5 {
        append(&mut log, 8); // a frame of 10 bytes
    }
    assert_eq!(read(&log, 0, 2, 999).1, [1, 2]);
    assert_eq!(read(&log, 0, 9, 30).1, [1, 2, 3]);
    assert_eq!(read(&log, 0, 9, 29).1, [1, 2]);
    assert_eq!(read(&log, 0, 9, 9).1, [1]);
    assert_eq!(read(&log, 0, 0, 0).1, [1]);
    assert_eq!(read(&log, 4, 0, 0).2, 5);
}

#[test]
fn past_the_tail_it_says_exactly_what_is_missing() {
    let mut log = log(&Bounds { count: 2, ..WIDE });
    for _ in 0..5 {
        append(&mut log, 1);
    }
    assert_eq!(read(&log, 0, 9, 999), (gap(1, 3), vec![], 3));
    assert_eq!(read(&log, 2, 9, 999), (gap(3, 3), vec![], 3));
    assert_eq!(
        read(&log, 3, 9, 999),
        (Some(Read::Publications(2)), vec![4, 5], 5)
    );
}
