//! What comes on one connection goes to all of them.

mod audience;
pub(crate) mod longwire;
pub(crate) mod socketioxide;
pub(crate) mod tokio_tungstenite;
