use alloc::string::String;
use core::{fmt, time::Duration};

/// When the clients of a server that goes away are to come back: each at a random
/// moment of this window, so that they do not all come at once.
///
/// It stands in the reason of a Close frame, as words that a person can read and
/// a client can find: `reconnect in 0-30 s`, alone or among others.
///
/// ```
/// use longwire_proto::ReconnectWindow;
/// let window = ReconnectWindow::in_reason("restarting; reconnect in 2-30 s").unwrap();
/// assert_eq!((window.from.as_secs(), window.to.as_secs()), (2, 30));
/// assert_eq!(window.to_string(), "reconnect in 2-30 s");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReconnectWindow {
    /// How long to wait at least.
    pub from: Duration,
    /// How long to wait at most.
    pub to: Duration,
}

const BEGIN: &str = "reconnect in ";

impl ReconnectWindow {
    /// The longest wait that a client believes: a day. A server that is away for
    /// longer says it some other way.
    pub const MAX: Duration = Duration::from_secs(24 * 3600);

    /// A window that begins at once.
    pub const fn within(to: Duration) -> ReconnectWindow {
        ReconnectWindow {
            from: Duration::ZERO,
            to,
        }
    }

    /// The window that a Close frame's reason tells, if it tells one. Waits of
    /// more than [`MAX`](Self::MAX) are cut to it.
    pub fn in_reason(reason: &str) -> Option<ReconnectWindow> {
        let (_, window) = reason.split_once(BEGIN)?;
        let (from, rest) = window.split_once('-')?;
        let (to, _) = rest.split_once(" s")?;
        let (from, to) = (seconds(from)?, seconds(to)?);
        (from <= to).then_some(ReconnectWindow { from, to })
    }

    /// The reason of a Close frame that says `why` and then this.
    pub fn reason(&self, why: &str) -> String {
        alloc::format!("{why}; {self}")
    }

    /// A moment of the window: `at` goes from 0 to 1.
    pub fn pick(&self, at: f64) -> Duration {
        let width = self.to.saturating_sub(self.from);
        self.from + width.mul_f64(at.clamp(0.0, 1.0))
    }
}

impl fmt::Display for ReconnectWindow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (from, to) = (self.from.as_secs_f64(), self.to.as_secs_f64());
        write!(f, "{BEGIN}{from}-{to} s")
    }
}

fn seconds(text: &str) -> Option<Duration> {
    let plain = text
        .bytes()
        .all(|byte| byte.is_ascii_digit() || byte == b'.');
    let seconds: f64 = text.parse().ok().filter(|_| plain)?;
    let max = ReconnectWindow::MAX.as_secs_f64();
    Duration::try_from_secs_f64(seconds.min(max)).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;

    #[test]
    fn what_is_said_is_understood() {
        for (from, to) in [(0, 30_000), (250, 1_500), (5_000, 5_000)] {
            let window = ReconnectWindow {
                from: Duration::from_millis(from),
                to: Duration::from_millis(to),
            };
            let reason = window.reason("the server restarts");
            assert_eq!(
                ReconnectWindow::in_reason(&reason),
                Some(window),
                "{reason}"
            );
        }
        let window = ReconnectWindow::within(Duration::from_secs(30));
        assert_eq!(window.to_string(), "reconnect in 0-30 s");
        assert_eq!(window.pick(0.5), Duration::from_secs(15));
        assert_eq!(window.pick(7.0), Duration::from_secs(30));
    }

    #[test]
    fn what_is_no_window_is_none() {
        for reason in [
            "",
            "going away",
            "reconnect in a moment",
            "reconnect in 5 s",
            "reconnect in 9-3 s",
            "reconnect in -1-3 s",
            "reconnect in 0-inf s",
            "reconnect in NaN-3 s",
            "reconnect in 1e3-2e3 s",
            "reconnect in 0-30 minutes",
        ] {
            assert_eq!(ReconnectWindow::in_reason(reason), None, "{reason}");
        }
        let long = ReconnectWindow::in_reason("reconnect in 0-99999999999999999999 s");
        assert_eq!(long.map(|window| window.to), Some(ReconnectWindow::MAX));
    }
}
