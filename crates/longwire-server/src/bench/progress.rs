//! How far a measurement is, on a terminal.

use super::number::whole;
use std::{
    io::{IsTerminal as _, Write as _, stderr},
    time::{Duration, Instant},
};

const BAR: usize = 30;
/// How often the line changes.
const EVERY: Duration = Duration::from_millis(100);

/// One line on standard error, or nothing if that is no terminal.
#[derive(Debug)]
pub(crate) struct Progress {
    shown: bool,
    next: Instant,
}

impl Progress {
    pub(crate) fn new() -> Progress {
        Progress {
            shown: stderr().is_terminal(),
            next: Instant::now(),
        }
    }

    /// So many connections are open.
    pub(crate) fn count(&mut self, open: usize, all: usize) {
        let share = open as f64 / all.max(1) as f64;
        self.say(&format!(
            "{} {} of {} connections",
            bar(share),
            whole(open as u64),
            whole(all as u64),
        ));
    }

    /// So much time has passed, and so many things happened.
    pub(crate) fn time(&mut self, elapsed: Duration, all: Duration, count: u64, what: &str) {
        let seconds = elapsed.as_secs_f64();
        let share = seconds / all.as_secs_f64().max(f64::EPSILON);
        let rate = (count as f64 / seconds.max(f64::EPSILON)) as u64;
        self.say(&format!(
            "{} {seconds:.1} s of {} s, {} {what}/s",
            bar(share),
            all.as_secs_f64(),
            whole(if count == 0 { 0 } else { rate }),
        ));
    }

    pub(crate) fn say(&mut self, line: &str) {
        let now = Instant::now();
        if self.shown && now >= self.next {
            self.next = now + EVERY;
            // Back to the line's start, and away with what is longer.
            let _ = write!(stderr(), "\r{line}\x1b[K");
        }
    }

    /// Takes the line away.
    pub(crate) fn clear(&mut self) {
        if self.shown {
            let _ = write!(stderr(), "\r\x1b[K");
        }
    }
}

fn bar(share: f64) -> String {
    let full = (share.clamp(0.0, 1.0) * BAR as f64) as usize;
    format!("[{}{}]", "#".repeat(full), ".".repeat(BAR - full))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bar_has_one_width() {
        assert_eq!(bar(0.0), format!("[{}]", ".".repeat(BAR)));
        assert_eq!(bar(7.0), format!("[{}]", "#".repeat(BAR)));
        assert_eq!(bar(0.5).len(), BAR + 2);
    }
}
