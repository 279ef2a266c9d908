//! The two ends of a connection, which rustls has a type of its own for each.

use crate::tls::rustls::{
    CommonState,
    client::{ClientConnectionData, UnbufferedClientConnection},
    server::{ServerConnectionData, UnbufferedServerConnection},
    unbuffered::UnbufferedStatus,
};

/// What both ends have in common, for which rustls has no name.
pub(crate) trait End: Send + Unpin {
    type Data;

    fn process<'c, 'i>(&'c mut self, input: &'i mut [u8]) -> UnbufferedStatus<'c, 'i, Self::Data>;

    fn state(&self) -> &CommonState;
}

macro_rules! end {
    ($connection:ty, $data:ty) => {
        impl End for $connection {
            type Data = $data;

            fn process<'c, 'i>(
                &'c mut self,
                input: &'i mut [u8],
            ) -> UnbufferedStatus<'c, 'i, Self::Data> {
                self.process_tls_records(input)
            }

            fn state(&self) -> &CommonState {
                self
            }
        }
    };
}

end!(UnbufferedClientConnection, ClientConnectionData);
end!(UnbufferedServerConnection, ServerConnectionData);
