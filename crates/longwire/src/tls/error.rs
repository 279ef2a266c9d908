use std::{error, fmt, io};

/// Why TLS failed.
///
/// The text says it in human words; [`kind`](TlsError::kind) is for programs,
/// and [`source`](error::Error::source) is what the TLS library said.
#[derive(Debug)]
pub struct TlsError {
    kind: TlsErrorKind,
    text: String,
    source: Option<Box<dyn error::Error + Send + Sync>>,
}

/// The kinds of [`TlsError`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum TlsErrorKind {
    /// The peer does not speak TLS on this port.
    NotTls,
    /// The peer closed the connection, or it broke.
    Closed,
    /// The server's certificate comes from an authority that is not trusted.
    UnknownIssuer,
    /// The server's certificate has expired.
    Expired,
    /// The server's certificate is not valid yet.
    NotYetValid,
    /// The server's certificate is for other names.
    WrongName,
    /// The server's certificate was revoked.
    Revoked,
    /// The server's certificate is bad in another way.
    BadCertificate,
    /// The server wants a certificate from the client.
    CertificateRequired,
    /// The server does not accept the client's certificate.
    CertificateRefused,
    /// Both peers have no version, cipher suite or application protocol in
    /// common.
    Incompatible,
    /// The configuration is unusable: no roots, a key that does not fit its
    /// certificate, a file that is no PEM.
    Config,
    /// This build has no TLS: the feature `tls` is off.
    NotBuiltIn,
    /// Anything else.
    Other,
}

impl TlsError {
    pub(crate) fn new(kind: TlsErrorKind, text: impl Into<String>) -> TlsError {
        TlsError {
            kind,
            text: text.into(),
            source: None,
        }
    }

    #[cfg(feature = "tls")]
    pub(crate) fn with_source(
        mut self,
        source: impl Into<Box<dyn error::Error + Send + Sync>>,
    ) -> TlsError {
        self.source = Some(source.into());
        self
    }

    /// What `wss://` comes to in a build without TLS.
    #[cfg(not(feature = "tls"))]
    pub(crate) fn not_built_in() -> TlsError {
        TlsError::new(
            TlsErrorKind::NotBuiltIn,
            "this program was built without it; switch on longwire's feature `tls`",
        )
    }

    /// The TLS error within an error of a stream.
    ///
    /// # Errors
    /// The error itself, if there is none in it.
    pub(crate) fn within(error: io::Error) -> Result<TlsError, io::Error> {
        #[cfg(feature = "tls")]
        if let Some(tls) = error
            .get_ref()
            .and_then(|inner| inner.downcast_ref::<tokio_rustls::rustls::Error>())
        {
            return Ok(tls.clone().into());
        }
        Err(error)
    }

    /// What went wrong.
    pub const fn kind(&self) -> TlsErrorKind {
        self.kind
    }
}

impl fmt::Display for TlsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl error::Error for TlsError {
    fn source(&self) -> Option<&(dyn error::Error + 'static)> {
        self.source.as_ref().map(|source| &**source as _)
    }
}
