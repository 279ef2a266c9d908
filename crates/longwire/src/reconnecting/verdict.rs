//! Whether it is worth trying again.

#[cfg(feature = "proxy")]
use crate::client::ProxyError;
use crate::{ConnectError, tls::TlsErrorKind};
use longwire_proto::{CloseCause, CloseCode, CloseInfo, ReconnectWindow};

/// What is made of the end of a connection, or of a try that failed.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Verdict {
    /// Try again after a wait.
    Retry,
    /// Try again at some moment of the window that the server gave.
    RetryWithin(ReconnectWindow),
    /// It would end in the same way again.
    GiveUp,
}

/// Of a connection that was open.
pub(super) fn of_close(info: &CloseInfo) -> Verdict {
    match info.cause {
        CloseCause::Failed(failure) => of_code(failure.close_code(), ""),
        _ => of_code(info.code(), info.reason()),
    }
}

fn of_code(code: CloseCode, reason: &str) -> Verdict {
    if let Some(window) = ReconnectWindow::in_reason(reason) {
        return Verdict::RetryWithin(window);
    }
    match code.get() {
        // A server that has said goodbye, and not until when.
        1000 => Verdict::GiveUp,
        // What one end sends the other does not take, and would not again.
        1002 | 1003 | 1007..=1010 => Verdict::GiveUp,
        // Unauthorized and forbidden, in the IANA registry.
        3000 | 3003 => Verdict::GiveUp,
        _ => Verdict::Retry,
    }
}

/// Of a try that opened nothing.
///
/// What a captive portal may have answered in the server's place is no reason to
/// give up: redirects, pages, certificates of other names.
pub(super) fn of_error(error: &ConnectError) -> Verdict {
    match error {
        ConnectError::Url(_) | ConnectError::Misuse(_) | ConnectError::MissingExtensions { .. } => {
            Verdict::GiveUp
        }
        #[cfg(feature = "proxy")]
        ConnectError::ProxyUrl(_) => Verdict::GiveUp,
        #[cfg(feature = "proxy")]
        ConnectError::Proxy {
            source: ProxyError::Unauthorized | ProxyError::Request(_),
            ..
        } => Verdict::GiveUp,
        ConnectError::Refused { .. } => match error.status() {
            // Timeout, too early, too many: it may be different later.
            Some(408 | 425 | 429) => Verdict::Retry,
            Some(400..=499) => Verdict::GiveUp,
            _ => Verdict::Retry,
        },
        ConnectError::Tls { source, .. } => match source.kind() {
            TlsErrorKind::Config | TlsErrorKind::NotBuiltIn => Verdict::GiveUp,
            _ => Verdict::Retry,
        },
        _ => Verdict::Retry,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn codes_that_would_come_again_are_the_end() {
        let end = [1000, 1002, 1003, 1007, 1008, 1009, 1010, 3000, 3003];
        for code in (1000..1015).chain(3000..5000) {
            let expected = if end.contains(&code) {
                Verdict::GiveUp
            } else {
                Verdict::Retry
            };
            assert_eq!(of_code(CloseCode::new(code), ""), expected, "{code}");
        }
    }

    #[test]
    fn a_window_counts_whatever_the_code() {
        let window = ReconnectWindow {
            from: Duration::from_secs(1),
            to: Duration::from_secs(2),
        };
        let verdict = of_code(CloseCode::NORMAL, "moved; reconnect in 1-2 s");
        assert_eq!(verdict, Verdict::RetryWithin(window));
    }
}
