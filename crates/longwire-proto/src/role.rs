/// Which end of the connection this is.
///
/// The wire is symmetric but for masking: what a client sends is masked, what
/// a server sends is not (RFC 6455 section 5.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Role {
    /// The end that opened the connection. It masks every frame.
    Client,
    /// The end that accepted the connection. It masks none.
    Server,
}

impl Role {
    /// Whether the frames that this role sends are masked.
    pub const fn masks(self) -> bool {
        matches!(self, Role::Client)
    }

    /// The role of the other end.
    pub const fn peer(self) -> Role {
        match self {
            Role::Client => Role::Server,
            Role::Server => Role::Client,
        }
    }
}
