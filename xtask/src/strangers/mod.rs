//! Other people's clients against our server, and our client against their
//! servers. What every one of them is asked is in `matrix`.

pub(crate) mod addresses;
mod certificate;
pub(crate) mod clients;
pub(crate) mod echo_server;
pub(crate) mod fronts;
mod matrix;
pub(crate) mod probes;
pub(crate) mod servers;
mod transcript;
