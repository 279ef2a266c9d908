//! What is measured.

use super::figure::Figure;

/// Scenarios that make one table.
pub(crate) struct Group {
    pub(crate) name: &'static str,
    /// What its numbers are.
    pub(crate) title: &'static str,
    pub(crate) task: Task,
    pub(crate) figure: Figure,
    pub(crate) scenarios: &'static [Scenario],
}

/// One load.
pub(crate) struct Scenario {
    pub(crate) title: &'static str,
    /// The options of `longwire bench`.
    pub(crate) load: &'static str,
    /// It is part of `--quick`.
    pub(crate) quick: bool,
}

/// What the measured program does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Task {
    /// A server that sends back what comes.
    Echo,
    /// An echo that compresses where a client offers it.
    Deflate,
    /// A server that sends to everybody what comes.
    FanOut,
    /// An echo behind TLS.
    Tls,
    /// A client of the fastest echo.
    Client,
}

impl Task {
    /// The word by which programs know it.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Task::Echo => "echo",
            Task::Deflate => "deflate",
            Task::FanOut => "fan-out",
            Task::Tls => "tls",
            Task::Client => "client",
        }
    }

    /// Whose row the ratios are to.
    pub(crate) fn limit(self) -> &'static str {
        match self {
            Task::Echo | Task::Deflate | Task::FanOut => "raw",
            Task::Tls => "rustls",
            Task::Client => "load generator",
        }
    }
}

/// Stands in a load for half of what raw can do under it, messages a second.
pub(crate) const HALF: &str = "HALF";

pub(crate) const ECHO: &str = "echo";
pub(crate) const PIPELINED: &str = "pipelined";
pub(crate) const LARGE: &str = "large";
pub(crate) const DEFLATE: &str = "deflate";
pub(crate) const DEFLATE_MEMORY: &str = "deflate-memory";
pub(crate) const FAN_OUT: &str = "fan-out";
pub(crate) const MEMORY: &str = "memory";
pub(crate) const HANDSHAKES: &str = "handshakes";
pub(crate) const TAIL: &str = "tail";
pub(crate) const TLS: &str = "tls";
pub(crate) const TLS_MEMORY: &str = "tls-memory";
pub(crate) const CLIENT: &str = "client";

/// The most telling ones come first.
pub(crate) const GROUPS: &[Group] = &[
    Group {
        name: ECHO,
        title: "Echo, one message in flight on each connection: CPU µs of the server a message",
        task: Task::Echo,
        figure: Figure::Cpu,
        scenarios: &[
            full("20 B × 1", "-c 1 -s 20"),
            quick("20 B × 50", "-c 50 -s 20"),
            full("20 B × 1000", "-c 1000 -s 20"),
            full("1 KiB × 50", "-c 50 -s 1K"),
            quick("1 KiB × 1000", "-c 1000 -s 1K"),
            full("1 KiB of text × 200", "-c 200 -s 1K --text"),
        ],
    },
    Group {
        name: PIPELINED,
        title: "Echo, many messages in flight on each connection: CPU µs of the server a message",
        task: Task::Echo,
        figure: Figure::Cpu,
        scenarios: &[
            quick("20 B × 50, 16", "-c 50 -s 20 -i 16"),
            full("1 KiB × 50, 16", "-c 50 -s 1K -i 16"),
            full("20 B × 10, 64", "-c 10 -s 20 -i 64"),
        ],
    },
    Group {
        name: LARGE,
        title: "Echo of large messages: CPU µs of the server a message",
        task: Task::Echo,
        figure: Figure::Cpu,
        scenarios: &[
            full("16 KiB × 50", "-c 50 -s 16K"),
            quick("64 KiB × 50", "-c 50 -s 64K"),
            full("1 MiB × 20", "-c 20 -s 1M"),
        ],
    },
    Group {
        name: DEFLATE,
        title: "Echo of compressed JSON without context takeover: CPU µs of the server a message",
        task: Task::Deflate,
        figure: Figure::Cpu,
        scenarios: &[
            full("128 B × 50", "--compress -t -c 50 -s 128"),
            full("1 KiB × 50", "--compress -t -c 50 -s 1K"),
            full("16 KiB × 50", "--compress -t -c 50 -s 16K"),
            full("64 KiB × 50", "--compress -t -c 50 -s 64K"),
        ],
    },
    Group {
        name: DEFLATE_MEMORY,
        title: "Memory of the server after an echo of 1 KiB of JSON: bytes a connection",
        task: Task::Deflate,
        figure: Figure::Memory,
        // The first connections have the server make the compressors that it
        // keeps: the line begins behind them.
        scenarios: &[
            full("not compressed", "--idle 500,2500,4500 -s 1K"),
            full("compressed", "--compress --idle 500,2500,4500 -s 1K"),
        ],
    },
    Group {
        name: FAN_OUT,
        title: "Fan-out of 128 B: CPU µs of the server a delivery",
        task: Task::FanOut,
        figure: Figure::Cpu,
        scenarios: &[
            full("1,000, 1 outstanding", "--fan-out -s 128 -t -c 1000 -i 1"),
            full("1,000, 8", "--fan-out -s 128 -t -c 1000 -i 8"),
            full("10,000, 1", "--fan-out -s 128 -t -c 10000 -i 1"),
            full("10,000, 8", "--fan-out -s 128 -t -c 10000 -i 8"),
        ],
    },
    Group {
        name: MEMORY,
        title: "Memory of the server: bytes a connection",
        task: Task::Echo,
        figure: Figure::Memory,
        scenarios: &[
            full("idle", "--idle 0,9000,18000"),
            full("after an echo of 1 KiB", "--idle 0,9000,18000 -s 1K"),
        ],
    },
    Group {
        name: HANDSHAKES,
        title: "Connections opened and dropped: CPU µs of the server a handshake",
        task: Task::Echo,
        figure: Figure::Cpu,
        scenarios: &[full("50 at once", "--storm -c 50 --limit 5000")],
    },
    Group {
        name: TAIL,
        title: "Latency at a fixed rate, from when a message was due: µs",
        task: Task::Echo,
        figure: Figure::Latency,
        scenarios: &[
            full("20 B × 50, 5,000/s", "-c 50 -s 20 --rate 5000"),
            full(
                "20 B × 1000, half of what raw can do",
                "-c 1000 -s 20 --rate HALF",
            ),
        ],
    },
    Group {
        name: TLS,
        title: "Echo behind TLS: CPU µs of the server a message",
        task: Task::Tls,
        figure: Figure::Cpu,
        scenarios: &[
            full("20 B × 50", "-c 50 -s 20"),
            full("1 KiB × 50, 16", "-c 50 -s 1K -i 16"),
            full("64 KiB × 20", "-c 20 -s 64K"),
        ],
    },
    Group {
        name: TLS_MEMORY,
        title: "Memory of the server behind TLS: bytes a connection",
        task: Task::Tls,
        figure: Figure::Memory,
        scenarios: &[full("idle", "--idle 0,2500,5000")],
    },
    Group {
        name: CLIENT,
        title: "Clients of the fastest echo: CPU µs of the client a message",
        task: Task::Client,
        figure: Figure::Cpu,
        scenarios: &[
            full("20 B × 50", "-c 50 -i 1 -s 20"),
            full("20 B × 50, 16", "-c 50 -i 16 -s 20"),
            full("16 KiB × 50", "-c 50 -i 1 -s 16384"),
        ],
    },
];

/// Groups that between them have everybody in each of its tasks.
pub(crate) const SMOKE: &[Group] = &[
    smoke(
        MEMORY,
        Task::Echo,
        &[quick("1 KiB × 3, 2", "-c 3 -s 1K -i 2")],
    ),
    smoke(
        PIPELINED,
        Task::Echo,
        &[quick("20 B × 3, 16", "-c 3 -s 20 -i 16")],
    ),
    smoke(LARGE, Task::Echo, &[quick("1 MiB × 2", "-c 2 -s 1M")]),
    smoke(
        DEFLATE,
        Task::Deflate,
        &[quick("1 KiB × 3, 2", "--compress -t -c 3 -s 1K -i 2")],
    ),
    smoke(
        FAN_OUT,
        Task::FanOut,
        &[quick("5, 2", "--fan-out -t -c 5 -i 2 -s 128")],
    ),
    smoke(TLS, Task::Tls, &[quick("70 KiB × 3", "-c 3 -s 70K")]),
    smoke(
        CLIENT,
        Task::Client,
        &[quick("1 KiB × 3, 2", "-c 3 -i 2 -s 1024")],
    ),
];

const fn smoke(name: &'static str, task: Task, scenarios: &'static [Scenario]) -> Group {
    Group {
        name,
        title: "does it work",
        task,
        figure: Figure::Cpu,
        scenarios,
    }
}

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

impl Scenario {
    /// How many connections are held in the end.
    pub(crate) fn held(&self) -> f64 {
        let steps = self
            .load
            .split_once("--idle ")
            .map_or("", |(_, steps)| steps);
        let steps = steps.split_whitespace().next().unwrap_or_default();
        let last = steps.rsplit(',').next();
        last.and_then(|last| last.parse().ok()).unwrap_or(0.0)
    }

    /// A number among the options, or what goes without saying.
    pub(crate) fn number(&self, option: &str, default: f64) -> f64 {
        let mut words = self.load.split_whitespace();
        let found = words.by_ref().any(|word| word == option);
        let value = found.then(|| words.next()).flatten();
        value.and_then(|word| word.parse().ok()).unwrap_or(default)
    }
}
