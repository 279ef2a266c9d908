//! What is read out of a result, and how.

/// What is read out of a result.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Figure {
    /// CPU time for each message, in microseconds; also as a ratio to the limit.
    Cpu,
    /// Bytes of the server's memory for each connection.
    Memory,
    /// p50, p99 and p99.9 in microseconds.
    Latency,
}

impl Figure {
    /// The columns that it makes, by what they add to a scenario's title.
    pub(crate) fn columns(self) -> &'static [&'static str] {
        match self {
            Figure::Cpu | Figure::Memory => &[""],
            Figure::Latency => &[" p50", " p99", " p99.9"],
        }
    }

    /// Where the columns' numbers stand in the JSON.
    pub(crate) fn pointers(self) -> &'static [&'static str] {
        match self {
            Figure::Cpu => &["/server/cpu_us_each"],
            Figure::Memory => &["/bytes_per_connection"],
            Figure::Latency => &["/latency_us/p50", "/latency_us/p99", "/latency_us/p99.9"],
        }
    }

    /// What a cell tells.
    pub(crate) fn legend(self) -> &'static str {
        match self {
            Figure::Memory => "",
            Figure::Cpu | Figure::Latency => {
                "; median of the turns (quartiles), and of their ratios to the limit (95 % interval)"
            }
        }
    }

    /// How long one turn is measured, in seconds: so short that two that follow
    /// each other find the machine in the same state, and so long that a few
    /// messages at the beginning and at the end do not matter. For a tail there
    /// have to be some thousand.
    pub(crate) fn turn(self) -> f64 {
        match self {
            Figure::Latency => 0.2,
            Figure::Cpu | Figure::Memory => 0.05,
        }
    }

    /// How much longer than others a server has its turns, since they are longer.
    pub(crate) fn patience(self) -> f64 {
        match self {
            Figure::Latency => 2.5,
            Figure::Cpu | Figure::Memory => 1.0,
        }
    }
}
