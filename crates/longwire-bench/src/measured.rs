use crate::{Error, Latency, Process, Usage, process::Meter};
use std::time::Duration;

/// What every measurement under load gives.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Measured {
    /// How long was measured.
    pub elapsed: Duration,
    /// How many there were in that time of what is measured: answers, open
    /// connections or deliveries.
    pub count: u64,
    /// How long each took.
    pub latency: Latency,
    /// What the server used.
    pub server: Option<Usage>,
    /// What the generator used.
    pub generator: Option<Usage>,
}

/// The CPU time of both ends, from when it is started.
pub(crate) struct Meters {
    server: Meter,
    generator: Meter,
}

impl Meters {
    pub(crate) fn start(server: Option<&Process>) -> Result<Meters, Error> {
        Ok(Meters {
            server: Meter::start(server)?,
            generator: Meter::start(Process::this().as_ref())?,
        })
    }

    pub(crate) fn stop(
        &self,
        elapsed: Duration,
        count: u64,
        latency: Latency,
    ) -> Result<Measured, Error> {
        Ok(Measured {
            elapsed,
            count,
            latency,
            server: self.server.stop()?,
            generator: self.generator.stop()?,
        })
    }
}
