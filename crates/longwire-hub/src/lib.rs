//! The realtime hub: channels are logs, subscribers are cursors in them.
//!
//! A [`Channel`] is a log that is appended to. Each [`Publication`] gets the
//! next [`Offset`], from 1, so there is one order for everybody; the [`Epoch`],
//! random at creation, tells this log from an earlier one of the same name. The
//! log is bounded by [count and bytes](HubConfig), and its oldest publications
//! go first. A message is encoded once ([`PreparedMessage`]) and its bytes are
//! shared by all who read it.
//!
//! **A subscriber is a [`Cursor`]**: a position in that log, and no queue of its
//! own. One at the head is live, one behind it is catching up, and it makes no
//! difference why. A slow consumer costs what a fast one costs: it falls behind
//! in the log, and when it falls past the log's tail it is told exactly what it
//! missed ([`Gap`]). What to do then is the reader's policy: go on with the
//! oldest publication that is still there, [skip to the head], or close.
//!
//! ```
//! use longwire_hub::{ChannelName, Epoch, Hub, HubConfig, Offset, Read, ReadLimits};
//! use longwire_proto::PreparedMessage;
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! // Randomness is an argument; a server passes its random generator here.
//! let hub = Hub::new(HubConfig::default(), || Epoch::new(0x5eed));
//! let channel = hub.channel(&ChannelName::new("lobby")?)?;
//! let mut alice = channel.subscribe()?;
//! let mut bob = channel.subscribe()?;
//!
//! channel.publish(PreparedMessage::new("hello"), Some(alice.id()));
//!
//! let mut batch = Vec::new();
//! assert_eq!(bob.read(ReadLimits::default(), &mut batch), Some(Read::Publications(1)));
//! assert_eq!(batch[0].offset(), Offset::new(1));
//! assert_eq!(batch[0].message().payload(), b"hello");
//! assert_eq!(bob.read(ReadLimits::default(), &mut batch), None); // at the head: live
//!
//! // Alice gets her own publication too, in its place in the order. A reader
//! // that does not want that leaves it out.
//! batch.clear();
//! alice.read(ReadLimits::default(), &mut batch);
//! batch.retain(|publication| publication.publisher() != Some(alice.id()));
//! assert!(batch.is_empty());
//! # Ok(())
//! # }
//! ```
//!
//! # Waiting
//!
//! The hub knows no runtime. A cursor at the head leaves a [`Waker`] behind and
//! is woken by the next publication: [`Cursor::poll_read`] says exactly when,
//! and [`Cursor::next`] is the same for `async` code on any runtime.
//!
//! `Waker` and not a trait of our own, for three reasons. A task has one
//! already, so no adapter stands between the hub and tokio, a hyper body or an
//! executor in a test. An event loop makes one out of its mailbox with
//! [`std::task::Wake`], without `unsafe`. And it is known how to compare and
//! replace one, which is what a future that moves between tasks needs.
//!
//! An event loop that owns many cursors of one channel need not be woken for
//! each: whoever publishes tells it, or it lets one of them wait, and it reads
//! all of them. [`Cursor::read_shared`] leaves no waker, and reads the log once
//! for all that stand at the same place, who can send what was found as one piece
//! of memory ([`SharedRead::batch`]).
//!
//! # What is bounded
//!
//! The number of channels, the subscribers of each, the log of each, and all
//! logs together ([`HubConfig`]). Only the newest publication of a log is kept
//! whatever its size, since it would reach nobody otherwise; the size of a
//! message is limited where it comes in.
//!
//! A channel exists while someone holds a [`Channel`] or a [`Cursor`] of it.
//! With the last one it goes, and its log with it: nobody can ask yet for what
//! was said before. When it is opened again it starts anew, with another epoch.
//!
//! [`Waker`]: std::task::Waker
//! [`PreparedMessage`]: longwire_proto::PreparedMessage
//! [skip to the head]: Cursor::skip_to_head
#![forbid(unsafe_code)]

mod channel;
mod channel_name;
mod config;
mod cursor;
mod error;
mod hub;
mod log;
mod publication;
mod shared_read;
mod sync;
mod wake;

pub use channel::Channel;
pub use channel_name::{ChannelName, InvalidChannelName};
pub use config::HubConfig;
pub use cursor::{Cursor, Read, ReadLimits};
pub use error::{TooManyChannels, TooManySubscribers};
pub use hub::Hub;
pub use publication::{Epoch, Gap, Offset, Publication, SubscriberId};
pub use shared_read::SharedRead;
