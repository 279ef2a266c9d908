//! How often to beat, learned: the longest silence that a path carries.
//!
//! A NAT or a proxy forgets a connection that is silent for too long. A beat
//! that comes too seldom loses the connection, and one that comes too often
//! wakes radios and costs battery. How long is too long is known to nobody but
//! the path, and the live connection must not be what finds it out.
//!
//! So a [`Learner`] sends **canaries** ahead: spare connections to the same
//! endpoint, which stay silent for different spans side by side and then ask
//! whether anybody is there. The longest span that was answered, less a margin,
//! is how often the live connection beats.
//!
//! This is a pure state machine. The driver opens the connections, keeps the
//! time, and says what became of them. [`Proposal`] and [`Terms`] are how the two
//! ends agree in the opening handshake on who beats.

mod agreement;
mod bracket;
mod canary_budget;
mod config;
mod learner;
mod peer;

pub use agreement::{HEADER, Proposal, ServerBeat, Terms};
pub use bracket::Known;
pub use canary_budget::{CanaryBudget, CanaryPlace};
pub use config::LearningConfig;
pub use learner::{Beat, CanaryId, Learner, Outcome, Step};
