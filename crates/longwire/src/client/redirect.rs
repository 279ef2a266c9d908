use longwire_proto::handshake::Url;
use std::fmt;

/// Where a server sends its clients instead of opening a WebSocket.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Redirect {
    /// The status: 301, 302, 303, 307 or 308.
    pub status: u16,
    /// The URL that sent the client on.
    pub from: Url,
    /// Where it leads: the `Location` header, resolved against `from`.
    pub to: Url,
    /// How many redirects were followed before this one.
    pub followed: u32,
}

impl Redirect {
    /// Whether TLS would be lost on the way.
    pub(super) fn is_downgrade(&self) -> bool {
        self.from.is_secure() && !self.to.is_secure()
    }
}

impl fmt::Display for Redirect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} redirects to {} (status {})",
            self.from.host_header(),
            self.to,
            self.status
        )
    }
}

/// Whether the server that is asked may see the credentials that were given for
/// the first one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Credentials {
    Send,
    /// A redirect has led to another server: it gets none, nor does one that it
    /// leads to, even if that is the first one again.
    Withhold,
}

impl Credentials {
    pub(super) fn after(self, redirect: &Redirect) -> Credentials {
        if redirect.from.is_same_server(&redirect.to) {
            self
        } else {
            Credentials::Withhold
        }
    }

    /// Whether this header stays away from the server.
    pub(super) fn withhold(self, header: &str) -> bool {
        const SECRET: [&str; 3] = ["Authorization", "Cookie", "Proxy-Authorization"];
        self == Credentials::Withhold && SECRET.iter().any(|name| name.eq_ignore_ascii_case(header))
    }
}
