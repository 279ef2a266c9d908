//! What the system can be asked and told about a TCP connection, beyond reading
//! and writing.
//!
//! Linux can; elsewhere nothing is known and nothing is told, and a peer that is
//! gone is noticed by the Pings that it does not answer.

#[cfg(target_os = "linux")]
mod linux;
#[cfg(target_os = "linux")]
pub(crate) use linux::{acknowledgements, set_user_timeout};

#[cfg(not(target_os = "linux"))]
mod other {
    use longwire_proto::Acknowledgements;
    use std::time::Duration;

    pub(crate) fn acknowledgements<S>(_socket: &S) -> Option<Acknowledgements> {
        None
    }

    pub(crate) fn set_user_timeout<S>(_socket: &S, _timeout: Duration) {}
}
#[cfg(not(target_os = "linux"))]
pub(crate) use other::{acknowledgements, set_user_timeout};
