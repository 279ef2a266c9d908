//! TLS errors in human words, as a client meets them.

use super::{
    TlsError, TlsErrorKind,
    rustls::{AlertDescription, CertificateError, Error, InvalidMessage, pki_types::UnixTime},
};
use std::io;

impl TlsError {
    /// What went wrong while TLS was set up.
    pub(super) fn of_handshake(error: io::Error) -> TlsError {
        let error = match TlsError::within(error) {
            Ok(tls) => return tls,
            Err(error) => error,
        };
        let text = if error.kind() == io::ErrorKind::UnexpectedEof {
            "the server closed the connection during the TLS handshake; is this its port for wss?"
                .to_owned()
        } else {
            format!("the connection broke during the TLS handshake: {error}")
        };
        TlsError::new(TlsErrorKind::Closed, text).with_source(error)
    }
}

pub(super) fn explain(error: &Error) -> (TlsErrorKind, String) {
    match error {
        Error::InvalidCertificate(error) => certificate(error),
        Error::AlertReceived(alert) => told_by_server(*alert),
        Error::NoCertificatesPresented => (
            TlsErrorKind::BadCertificate,
            "the server has no certificate".to_owned(),
        ),
        // What begins an HTTP answer is no type of TLS record.
        Error::InvalidMessage(
            InvalidMessage::InvalidContentType | InvalidMessage::UnknownProtocolVersion,
        ) => (
            TlsErrorKind::NotTls,
            "the server does not speak TLS on this port: use ws:// in place of wss://, or another port"
                .to_owned(),
        ),
        Error::PeerIncompatible(_) => (
            TlsErrorKind::Incompatible,
            format!("the server's TLS is too old, or otherwise incompatible: {error}"),
        ),
        other => (TlsErrorKind::Other, other.to_string()),
    }
}

fn certificate(error: &CertificateError) -> (TlsErrorKind, String) {
    match error {
        CertificateError::ExpiredContext { not_after, .. } => (
            TlsErrorKind::Expired,
            format!("the server's certificate expired on {}", date(*not_after)),
        ),
        CertificateError::Expired => (
            TlsErrorKind::Expired,
            "the server's certificate has expired".to_owned(),
        ),
        CertificateError::NotValidYetContext { not_before, .. } => (
            TlsErrorKind::NotYetValid,
            format!(
                "the server's certificate is valid only from {}; is this machine's clock right?",
                date(*not_before)
            ),
        ),
        CertificateError::NotValidYet => (
            TlsErrorKind::NotYetValid,
            "the server's certificate is not valid yet; is this machine's clock right?".to_owned(),
        ),
        CertificateError::UnknownIssuer => (
            TlsErrorKind::UnknownIssuer,
            "the server's certificate is signed by nobody who is trusted here; if it is \
             self-signed or your own authority's, add that to the roots"
                .to_owned(),
        ),
        CertificateError::NotValidForNameContext {
            expected,
            presented,
        } => (
            TlsErrorKind::WrongName,
            format!(
                "the server's certificate is not for {:?} but for {}",
                expected.to_str(),
                names(presented)
            ),
        ),
        CertificateError::NotValidForName => (
            TlsErrorKind::WrongName,
            "the server's certificate is for another name".to_owned(),
        ),
        CertificateError::Revoked => (
            TlsErrorKind::Revoked,
            "the server's certificate was revoked by its issuer".to_owned(),
        ),
        // What a trusted authority of the same name comes to.
        CertificateError::BadSignature => (
            TlsErrorKind::BadCertificate,
            "the server's certificate is not signed by the key of its issuer as it is known \
             here; was your authority made anew?"
                .to_owned(),
        ),
        other => (
            TlsErrorKind::BadCertificate,
            format!("the server's certificate is bad: {other}"),
        ),
    }
}

/// RFC 8446 section 6.2: what a server says when it gives up.
fn told_by_server(alert: AlertDescription) -> (TlsErrorKind, String) {
    use AlertDescription as Alert;
    match alert {
        Alert::CertificateRequired => (
            TlsErrorKind::CertificateRequired,
            "the server wants a client certificate".to_owned(),
        ),
        Alert::BadCertificate
        | Alert::UnsupportedCertificate
        | Alert::CertificateRevoked
        | Alert::CertificateExpired
        | Alert::CertificateUnknown
        | Alert::UnknownCA
        | Alert::DecryptError
        | Alert::AccessDenied => (
            TlsErrorKind::CertificateRefused,
            format!("the server does not accept the client certificate ({alert:?})"),
        ),
        Alert::UnrecognisedName => (
            TlsErrorKind::WrongName,
            "the server knows no host of this name".to_owned(),
        ),
        Alert::NoApplicationProtocol => (
            TlsErrorKind::Incompatible,
            "the server does not speak HTTP/1.1 on this port".to_owned(),
        ),
        Alert::HandshakeFailure | Alert::ProtocolVersion | Alert::InsufficientSecurity => (
            TlsErrorKind::Incompatible,
            format!(
                "the server found no common ground ({alert:?}): its TLS is too old, or it wants a \
                 client certificate"
            ),
        ),
        other => (
            TlsErrorKind::Other,
            format!("the server broke off the TLS handshake ({other:?})"),
        ),
    }
}

/// The names of a certificate, which come as `DnsName("example.com")`.
fn names(presented: &[String]) -> String {
    let bare = |name: &String| match name.split_once('(') {
        Some((_, inner)) => inner.trim_end_matches(')').trim_matches('"').to_owned(),
        None => name.clone(),
    };
    match presented {
        [] => "no name at all".to_owned(),
        names => names.iter().map(bare).collect::<Vec<_>>().join(", "),
    }
}

/// The day in UTC, as `2026-11-21`.
fn date(time: UnixTime) -> String {
    let mut days = time.as_secs() / (24 * 60 * 60);
    let mut year = 1970;
    while days >= days_in_year(year) {
        days -= days_in_year(year);
        year += 1;
    }
    let february = if is_leap(year) { 29 } else { 28 };
    let months = [31, february, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
    let mut month = 1;
    for length in months {
        if days < length {
            break;
        }
        days -= length;
        month += 1;
    }
    format!("{year:04}-{month:02}-{:02}", days + 1)
}

fn days_in_year(year: u64) -> u64 {
    if is_leap(year) { 366 } else { 365 }
}

fn is_leap(year: u64) -> bool {
    (year.is_multiple_of(4) && !year.is_multiple_of(100)) || year.is_multiple_of(400)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn dates() {
        for (seconds, expected) in [
            (0, "1970-01-01"),
            (86_399, "1970-01-01"),
            (68_169_600, "1972-02-29"),
            (951_782_400, "2000-02-29"),
            (951_868_800, "2000-03-01"),
            (1_735_689_599, "2024-12-31"),
            (4_107_542_400, "2100-03-01"),
            (253_402_300_799, "9999-12-31"),
        ] {
            let time = UnixTime::since_unix_epoch(Duration::from_secs(seconds));
            assert_eq!(date(time), expected);
        }
    }

    #[test]
    fn names_of_certificates_are_shown_bare() {
        let presented = [
            "DnsName(\"a.example\")".to_owned(),
            "IpAddress(192.0.2.1)".to_owned(),
        ];
        assert_eq!(names(&presented), "a.example, 192.0.2.1");
        assert_eq!(names(&[]), "no name at all");
    }

    #[test]
    fn an_alert_about_certificates_is_about_ours() {
        let (kind, text) = explain(&Error::AlertReceived(AlertDescription::UnknownCA));
        assert_eq!(kind, TlsErrorKind::CertificateRefused);
        assert_eq!(
            text,
            "the server does not accept the client certificate (UnknownCA)"
        );
    }
}
