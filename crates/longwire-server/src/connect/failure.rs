//! What went wrong, in words for a person and an exit code for a script.

use super::escape;
use crate::exit::{Failure, Status};
use longwire::{
    CloseCause, CloseCode, CloseInfo, ConnectError, Initiator,
    proto::handshake::{HandshakeError, HeadError, Url, UrlError},
    tls::TlsErrorKind,
};

/// Parses the URL that the user gave.
///
/// # Errors
/// What is wrong with it, and what was probably meant.
pub(crate) fn url(text: &str) -> Result<Url, Failure> {
    Url::parse(text).map_err(|error| {
        let message = match (&error, shorthand(text)) {
            (UrlError::MissingScheme(_) | UrlError::MissingHost, Some(meant)) => {
                format!("{text:?} is no WebSocket URL; did you mean {meant}?")
            }
            _ => error.to_string(),
        };
        Failure::new(Status::Usage, escape::line(&message))
    })
}

/// What a port or a path alone stands for.
fn shorthand(text: &str) -> Option<String> {
    let text = text.trim();
    let port = text.strip_prefix(':').unwrap_or(text);
    let digits = port.bytes().take_while(u8::is_ascii_digit).count();
    if digits > 0 && matches!(port.as_bytes().get(digits), None | Some(b'/')) {
        return Some(format!("ws://localhost:{port}"));
    }
    let is_path = text.starts_with('/') && !text.starts_with("//");
    is_path.then(|| format!("ws://localhost:8080{text}"))
}

/// Why there is no connection.
pub(crate) fn of_connect(error: &ConnectError, url: &Url) -> Failure {
    let status = match error {
        ConnectError::Url(_) | ConnectError::Misuse(_) | ConnectError::ProxyUrl(_) => Status::Usage,
        ConnectError::Handshake { .. }
        | ConnectError::Refused { .. }
        | ConnectError::Redirect(_)
        | ConnectError::InsecureRedirect(_)
        | ConnectError::InvalidRedirect { .. }
        | ConnectError::MissingExtensions { .. } => Status::Refused,
        // The network, TLS, or a server that does not answer: it may be worth
        // trying again.
        _ => Status::Unreachable,
    };
    let message = error.to_string();
    let message = escape::line(&message);
    match advice(error, url) {
        None => Failure::new(status, message),
        Some(advice) => Failure::new(status, format_args!("{message}\n  hint: {advice}")),
    }
}

/// Which option helps.
fn advice(error: &ConnectError, url: &Url) -> Option<&'static str> {
    match error {
        ConnectError::Tls { source, .. } => match source.kind() {
            TlsErrorKind::UnknownIssuer => Some(
                "--cacert FILE trusts the certificates in FILE; --insecure takes any, for tests",
            ),
            TlsErrorKind::Expired
            | TlsErrorKind::NotYetValid
            | TlsErrorKind::WrongName
            | TlsErrorKind::BadCertificate => {
                Some("--insecure connects all the same, for tests: nothing is protected then")
            }
            TlsErrorKind::CertificateRequired => {
                Some("--cert FILE and --key FILE present a certificate")
            }
            _ => None,
        },
        ConnectError::Proxy { .. } => Some("--proxy none connects without it"),
        ConnectError::Timeout { .. } => Some("--timeout SECONDS waits longer"),
        ConnectError::Refused { refused, .. } => match refused.head.status() {
            401 => Some("--header 'Authorization: ...' adds the header"),
            403 => Some("--origin ORIGIN names another origin; --header adds credentials"),
            _ => None,
        },
        ConnectError::Redirect(_) => Some("--redirects 5 follows up to five"),
        ConnectError::Handshake {
            source: HandshakeError::Head(HeadError::NotHttp(_)),
            ..
        } if !url.is_secure() => Some("if the port is one for TLS, the URL begins with wss://"),
        _ => None,
    }
}

/// How a connection ended: what to say about it, and whether that is a failure.
pub(crate) fn of_close(
    info: &CloseInfo,
    lost: Option<&longwire::Error>,
) -> Result<String, Failure> {
    let code = info.code();
    let reason = match info.reason() {
        "" => String::new(),
        reason => format!(": {}", escape::line(reason)),
    };
    match (info.cause, info.initiator) {
        (CloseCause::Handshake, Some(Initiator::Local)) => Ok(format!("Closed: {code}{reason}")),
        (CloseCause::Handshake, _) if is_normal(code) => {
            Ok(format!("Closed by the server: {code}{reason}"))
        }
        (CloseCause::Handshake, _) => Err(Failure::new(
            Status::Closed,
            format_args!("the server closed the connection with {code}{reason}"),
        )),
        // It knew that we were leaving, and was only too lazy to say goodbye.
        (CloseCause::Eof, Some(Initiator::Local)) => {
            Ok("Closed: the server ended TCP without a Close frame".to_owned())
        }
        _ => {
            let message = match lost {
                Some(error) => error.to_string(),
                None => "the connection was lost".to_owned(),
            };
            Err(Failure::new(Status::Closed, escape::line(&message)))
        }
    }
}

/// Whether a server that closes with this code says that all is well.
fn is_normal(code: CloseCode) -> bool {
    matches!(
        code,
        CloseCode::NORMAL | CloseCode::GOING_AWAY | CloseCode::NO_STATUS_RECEIVED
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url_error(text: &str) -> String {
        let failure = url(text).unwrap_err();
        assert_eq!(failure.status, Status::Usage);
        failure.message
    }

    #[test]
    fn shorthands_are_not_urls_but_understood() {
        for (text, meant) in [
            ("localhost:8080/path", "ws://localhost:8080/path?"),
            ("example.com", "ws://example.com?"),
            (":8080/path", "ws://localhost:8080/path?"),
            (":8080", "ws://localhost:8080?"),
            ("8080", "ws://localhost:8080?"),
            ("/path", "ws://localhost:8080/path?"),
        ] {
            let message = url_error(text);
            assert!(
                message.ends_with(&format!("did you mean {meant}")),
                "{message}"
            );
        }
    }

    #[test]
    fn what_is_no_websocket_url_is_told() {
        assert!(url_error("ftp://host/").contains("ws://"));
        assert!(url_error("ws://host/#part").contains("%23"));
        assert!(url_error("").contains("ws://host:port/path"));
        assert!(!url_error("ws://host:x/\x1b[2J").contains('\x1b'));
    }

    #[test]
    fn only_normal_codes_are_successes() {
        let normal: Vec<u16> = (1000..5000)
            .filter(|&code| is_normal(code.into()))
            .collect();
        assert_eq!(normal, [1000, 1001, 1005]);
    }
}
