//! What is measured.

/// Scenarios that make one table.
pub(crate) struct Group {
    pub(crate) name: &'static str,
    /// What its numbers are.
    pub(crate) title: &'static str,
    pub(crate) scenarios: &'static [Scenario],
    pub(crate) figure: Figure,
}

/// One load.
pub(crate) struct Scenario {
    pub(crate) title: &'static str,
    /// The options of `longwire bench`.
    pub(crate) load: &'static str,
    /// It is part of `--quick`.
    pub(crate) quick: bool,
}

/// What is read out of a result.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Figure {
    /// CPU time of the server for each message, in microseconds; also as a
    /// ratio to bare TCP.
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

    /// The load lasts as long as it takes, not as long as it is told.
    pub(crate) fn takes_its_time(self) -> bool {
        self == Figure::Memory
    }
}

/// The most telling ones come first.
pub(crate) const GROUPS: &[Group] = &[
    Group {
        name: "echo",
        title: "Echo, one message in flight on each connection: CPU µs of the server a message",
        figure: Figure::Cpu,
        scenarios: &[
            quick("20 B × 50", "-c 50 -s 20"),
            full("20 B × 200", "-c 200 -s 20"),
            full("20 B × 1000", "-c 1000 -s 20"),
            full("1 KiB × 50", "-c 50 -s 1K"),
            quick("1 KiB × 200", "-c 200 -s 1K"),
            full("1 KiB × 1000", "-c 1000 -s 1K"),
            full("1 KiB of text × 200", "-c 200 -s 1K --text"),
        ],
    },
    Group {
        name: "pipelined",
        title: "Echo, many messages in flight on each connection: CPU µs of the server a message",
        figure: Figure::Cpu,
        scenarios: &[
            quick("20 B × 50, 16", "-c 50 -s 20 -i 16"),
            full("1 KiB × 50, 16", "-c 50 -s 1K -i 16"),
            full("20 B × 10, 64", "-c 10 -s 20 -i 64"),
        ],
    },
    Group {
        name: "large",
        title: "Echo of large messages: CPU µs of the server a message",
        figure: Figure::Cpu,
        scenarios: &[
            full("16 KiB × 50", "-c 50 -s 16K"),
            quick("64 KiB × 50", "-c 50 -s 64K"),
            full("64 KiB of text × 50", "-c 50 -s 64K --text"),
            full("1 MiB × 20", "-c 20 -s 1M"),
        ],
    },
    Group {
        name: "memory",
        title: "Memory of the server: bytes a connection",
        figure: Figure::Memory,
        scenarios: &[
            full("idle", "--idle 0,5000,10000,18000"),
            full("after an echo of 1 KiB", "--idle 0,5000,10000,18000 -s 1K"),
        ],
    },
    Group {
        name: "handshakes",
        title: "Connections opened and dropped: CPU µs of the server a handshake",
        figure: Figure::Cpu,
        scenarios: &[full("50 at once", "--storm -c 50 --limit 10000")],
    },
    Group {
        name: "tail",
        title: "Latency at a fixed rate, from when a message was due: µs",
        figure: Figure::Latency,
        scenarios: &[
            full("20 B × 50, 5,000/s", "-c 50 -s 20 --rate 5000"),
            full("20 B × 1000, 40,000/s", "-c 1000 -s 20 --rate 40000"),
        ],
    },
];

const fn quick(title: &'static str, load: &'static str) -> Scenario {
    Scenario {
        title,
        load,
        quick: true,
    }
}

const fn full(title: &'static str, load: &'static str) -> Scenario {
    Scenario {
        title,
        load,
        quick: false,
    }
}
