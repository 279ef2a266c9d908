//! Test support for Longwire: what the tests of every crate need to put a
//! connection into a corner. Not published.
//!
//! - [`RawFrame`]: frames as bytes, right and wrong ones. Knows nothing of the
//!   codec under test.
//! - [`Endpoint`]: a [`Connection`](longwire_proto::Connection) with all that a
//!   driver owns, and no I/O.
//! - [`Pair`]: two of them back to back, on a virtual clock.
//! - [`TestCodecs`]: DEFLATE a second time, to hold an engine against.
//! - [`Chunker`]: cuts of a byte stream, as a network makes them.
//! - [`Schedule`]: random work for a pair, with what must hold afterwards.
//! - [`Counting`]: an allocator that counts, for tests that say how much may be
//!   allocated.
//! - `fuzz` (feature): the bodies of the fuzz targets.
//! - `Middlebox` (feature `middlebox`): a forwarder that forgets idle
//!   connections, delays, cuts and refuses them, as what stands between real
//!   clients and servers does.
//!
//! Nothing else here needs a runtime. Everything that is random comes from a
//! seed.

mod allocations;
mod chunker;
mod deflate;
mod endpoint;
mod events;
#[cfg(feature = "fuzz")]
pub mod fuzz;
#[cfg(feature = "middlebox")]
mod middlebox;
mod pair;
mod rng;
mod schedule;
mod wire;

pub use allocations::{Allocations, Counting};
pub use chunker::{Chunker, any_chunker};
pub use deflate::{RandomDeflate, StrictInflate, Strictly, TestCodecs, decompress};
pub use endpoint::Endpoint;
pub use events::{assembled, joined, owned};
#[cfg(feature = "middlebox")]
pub use middlebox::{AtLimit, Flow, Middlebox};
pub use pair::Pair;
pub use rng::Rng;
pub use schedule::{How, Operation, Schedule, any_deflate_config, any_schedule};
pub use wire::{LengthForm, RawFrame, frames};
