//! What the states of a connection ask for.

use crate::tls::rustls::{
    Error,
    unbuffered::{ConnectionState, EncodeError, EncodeTlsData},
};

/// What is to be done after a state has been attended to.
pub(super) enum Attended {
    GoOn,
    /// More input is needed.
    Blocked,
    PeerClosed,
}

/// Does what a state asks for. Data that was received goes to `take`.
pub(super) fn attend<Data>(
    state: Result<ConnectionState<'_, '_, Data>, Error>,
    unsent: &mut Vec<u8>,
    mut take: impl FnMut(&[u8]) -> Result<(), Error>,
) -> Result<Attended, Error> {
    match state? {
        ConnectionState::ReadTraffic(mut traffic) => {
            while let Some(record) = traffic.next_record() {
                take(record?.payload)?;
            }
        }
        ConnectionState::EncodeTlsData(data) => encode(data, unsent)?,
        // It is as good as sent: nothing overtakes what is unsent.
        ConnectionState::TransmitTlsData(data) => data.done(),
        ConnectionState::PeerClosed => return Ok(Attended::PeerClosed),
        ConnectionState::BlockedHandshake
        | ConnectionState::WriteTraffic(_)
        | ConnectionState::Closed => return Ok(Attended::Blocked),
        // Early data is switched off.
        _ => return Err(Error::General("TLS is in an unexpected state".into())),
    }
    Ok(Attended::GoOn)
}

/// Takes data that comes where nobody reads.
pub(super) fn keep_in(kept: &mut Vec<u8>) -> impl FnMut(&[u8]) -> Result<(), Error> {
    |plaintext| {
        kept.extend_from_slice(plaintext);
        Ok(())
    }
}

fn encode<Data>(mut data: EncodeTlsData<'_, Data>, unsent: &mut Vec<u8>) -> Result<(), Error> {
    let start = unsent.len();
    loop {
        match data.encode(&mut unsent[start..]) {
            Ok(len) => {
                unsent.truncate(start + len);
                return Ok(());
            }
            Err(EncodeError::InsufficientSize(size)) => {
                unsent.resize(start + size.required_size, 0);
            }
            Err(error) => return Err(Error::General(error.to_string())),
        }
    }
}
