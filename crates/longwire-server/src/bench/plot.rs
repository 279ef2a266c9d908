//! A distribution of latencies, as bars.

use super::number;
use longwire_bench::Latency;
use std::time::Duration;

const WIDTH: f64 = 40.0;
/// Where bars begin and end, within each power of ten, in nanoseconds.
const STEPS: [u64; 6] = [100, 150, 200, 300, 500, 700];

/// A line for each range of times in which any were, and for those between.
pub(super) fn bars(latency: &Latency) -> Vec<String> {
    let bounds: Vec<Duration> = bounds().collect();
    let counts: Vec<(Duration, Duration, u64)> = bounds
        .windows(2)
        .map(|pair| (pair[0], pair[1], latency.count_between(pair[0], pair[1])))
        .collect();
    let any = |entry: &(Duration, Duration, u64)| entry.2 > 0;
    let (Some(first), Some(last)) = (counts.iter().position(any), counts.iter().rposition(any))
    else {
        return Vec::new();
    };
    let all = latency.count() as f64;
    let most = counts.iter().map(|entry| entry.2).max().unwrap_or(1) as f64;
    counts[first..=last]
        .iter()
        .map(|&(from, to, count)| {
            let range = format!("{} – {}", number::time(from), number::time(to));
            let bar = bar(count as f64 / most * WIDTH);
            format!("{range:>19}  {bar}{}", share(count as f64 / all))
                .trim_end()
                .to_owned()
        })
        .collect()
}

/// From nothing to 100 s.
fn bounds() -> impl Iterator<Item = Duration> {
    let decades = (0..9).map(|power| 10_u64.pow(power));
    let steps = decades.flat_map(|unit| STEPS.map(|step| Duration::from_nanos(step * unit)));
    std::iter::once(Duration::ZERO)
        .chain(steps)
        .chain([Duration::from_secs(100)])
}

/// Blocks, to an eighth of one.
fn bar(length: f64) -> String {
    const EIGHTHS: [&str; 8] = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"];
    let eighths = (length * 8.0).round() as usize;
    let blocks = "█".repeat(eighths / 8) + EIGHTHS[eighths % 8];
    if blocks.is_empty() {
        blocks
    } else {
        blocks + " "
    }
}

/// A percentage that is never zero for what is not nothing.
fn share(share: f64) -> String {
    match share * 100.0 {
        0.0 => String::new(),
        percent if percent < 0.01 => "< 0.01 %".to_owned(),
        percent if percent < 1.0 => format!("{percent:.2} %"),
        percent => format!("{percent:.1} %"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bounds_ascend() {
        let bounds: Vec<Duration> = bounds().collect();
        assert!(bounds.is_sorted_by(|a, b| a < b));
        assert!(bounds.contains(&Duration::from_micros(150)));
    }

    #[test]
    fn bars_are_as_long_as_their_share() {
        assert_eq!(bar(2.0), "██ ");
        assert_eq!(bar(1.5), "█▌ ");
        assert_eq!(bar(0.0), "");
        assert_eq!(share(0.5), "50.0 %");
        assert_eq!(share(0.000_01), "< 0.01 %");
    }
}
