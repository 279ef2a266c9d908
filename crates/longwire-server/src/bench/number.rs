//! Numbers for people.

use std::time::Duration;

/// `1,234,567`.
pub(crate) fn whole(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (at, digit) in digits.char_indices() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// Three digits of a time, with the unit that suits it.
pub(crate) fn time(time: Duration) -> String {
    let (number, unit) = match time.as_secs_f64() {
        seconds if seconds >= 1.0 => (seconds, "s"),
        seconds if seconds >= 1e-3 => (seconds * 1e3, "ms"),
        seconds => (seconds * 1e6, "µs"),
    };
    format!("{} {unit}", digits(number))
}

/// At most three digits of a number, as far as they say something.
pub(crate) fn digits(number: f64) -> String {
    match number {
        _ if number < 10.0 => format!("{number:.2}"),
        _ if number < 100.0 => format!("{number:.1}"),
        _ => whole(number.round() as u64),
    }
}

/// `20 bytes`, `1 KiB`, `64 KiB`.
pub(crate) fn size(bytes: usize) -> String {
    match bytes {
        1 => "1 byte".to_owned(),
        _ if bytes >= 1 << 20 && bytes.is_multiple_of(1 << 20) => format!("{} MiB", bytes >> 20),
        _ if bytes >= 1 << 10 && bytes.is_multiple_of(1 << 10) => format!("{} KiB", bytes >> 10),
        _ => format!("{} bytes", whole(bytes as u64)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_grouped() {
        assert_eq!(whole(0), "0");
        assert_eq!(whole(999), "999");
        assert_eq!(whole(1000), "1,000");
        assert_eq!(whole(12_345_678), "12,345,678");
    }

    #[test]
    fn times_have_three_digits() {
        assert_eq!(time(Duration::from_nanos(4_810)), "4.81 µs");
        assert_eq!(time(Duration::from_nanos(48_100)), "48.1 µs");
        assert_eq!(time(Duration::from_micros(12_300)), "12.3 ms");
        assert_eq!(time(Duration::from_secs(75)), "75.0 s");
    }

    #[test]
    fn sizes_are_round_where_they_are() {
        assert_eq!(size(20), "20 bytes");
        assert_eq!(size(1024), "1 KiB");
        assert_eq!(size(1500), "1,500 bytes");
        assert_eq!(size(1 << 20), "1 MiB");
    }
}
