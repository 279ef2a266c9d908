//! What befalls long connections on a real network: NATs that forget, paths that
//! are cut, addresses that change. In network namespaces, so that the kernel's
//! own TCP is on both ends, and nobody acknowledges what did not arrive.

mod cut;
mod moves;
mod namespaces;
mod nat;
mod peers;
mod proxies;

pub(crate) use cut::run as cut;
pub(crate) use moves::run as moves;
pub(crate) use nat::run as nat;
pub(crate) use proxies::run as proxies;
