use longwire_proto::handshake::{Url, UrlError};

/// What names a WebSocket: a [`Url`], or a text to be parsed as one.
///
/// Text that is no WebSocket URL fails the call it was given to with
/// [`ConnectError::Url`](super::ConnectError::Url), which says what would be
/// right. The trait is implemented here and nowhere else.
pub trait IntoUrl: sealed::Sealed {
    #[doc(hidden)]
    fn into_url(self) -> Result<Url, UrlError>;
}

mod sealed {
    use super::Url;

    pub trait Sealed {}

    impl Sealed for &str {}
    impl Sealed for &String {}
    impl Sealed for String {}
    impl Sealed for &Url {}
    impl Sealed for Url {}
}

impl IntoUrl for &str {
    fn into_url(self) -> Result<Url, UrlError> {
        Url::parse(self)
    }
}

impl IntoUrl for &String {
    fn into_url(self) -> Result<Url, UrlError> {
        Url::parse(self)
    }
}

impl IntoUrl for String {
    fn into_url(self) -> Result<Url, UrlError> {
        Url::parse(&self)
    }
}

impl IntoUrl for &Url {
    fn into_url(self) -> Result<Url, UrlError> {
        Ok(self.clone())
    }
}

impl IntoUrl for Url {
    fn into_url(self) -> Result<Url, UrlError> {
        Ok(self)
    }
}
