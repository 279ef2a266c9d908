//! Both ends of a path that forgets, is cut, or changes its address. What
//! happens to them is printed as it happens: `open ...` and `lost CAUSE ...`.
//! The names and times are those of `xtask/src/network/`.

mod client;
mod server;

pub(crate) use client::run as client;
pub(crate) use server::run as server;

use crate::Result;
use longwire::Config;
use std::time::Duration;

/// A silent peer is dead after this and three round trips.
const FLOOR: Duration = Duration::from_secs(1);

/// How often who only writes does.
const PAUSE: Duration = Duration::from_millis(50);

/// Pings after so much silence, or never.
fn with_ping_interval(mut config: Config, millis: &str) -> Result<Config> {
    let millis: u64 = millis.parse()?;
    config.ping_interval = (millis > 0).then(|| Duration::from_millis(millis));
    config.min_pong_timeout = FLOOR;
    config.pong_timeout = FLOOR * 3;
    Ok(config)
}
