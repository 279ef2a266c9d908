//! The parts of `cargo xtask test`, in the order in which they run.

use crate::error::Result;
use crate::workspace::Workspace;
use crate::{autobahn, bench, checks, network, page, strangers};

/// One check with a name of its own.
pub(crate) struct Part {
    pub(crate) name: &'static str,
    /// What holds when it passes.
    pub(crate) about: &'static str,
    /// It needs other people's software, not only Rust.
    pub(crate) interop: bool,
    /// It runs under `--full`, or when named.
    pub(crate) long: bool,
    /// Answers with a line for the summary, or an empty one.
    pub(crate) run: fn(&Workspace) -> Result<String>,
}

/// Cheap and likely failures come first.
pub(crate) const PARTS: &[Part] = &[
    check("fmt", "the code is formatted", checks::fmt),
    check("clippy", "clippy has nothing to say", checks::clippy),
    check(
        "doc",
        "the documentation builds, links included",
        checks::doc,
    ),
    check(
        "features",
        "every crate builds without its default features",
        checks::features,
    ),
    check(
        "no-std",
        "longwire-proto builds for a bare target",
        checks::no_std,
    ),
    check("fuzz", "the fuzz targets build", checks::fuzz),
    check("bench", "what is measured builds", checks::bench),
    check("test", "cargo test passes", checks::test),
    check(
        "deny",
        "licences, sources and advisories are in order",
        checks::deny,
    ),
    Part {
        long: true,
        ..check(
            "miri",
            "the unsafe code has no undefined behaviour",
            checks::miri,
        )
    },
    Part {
        long: true,
        ..check(
            "sanitizer",
            "the worker engine's tests pass under AddressSanitizer",
            checks::sanitizer,
        )
    },
    Part {
        long: true,
        ..check(
            "bench-counts",
            "no hot path takes more instructions than before",
            bench::counts,
        )
    },
    Part {
        long: true,
        ..check(
            "herd",
            "clients come back to a server that is restarted, killed and frozen, over and over",
            checks::herd,
        )
    },
    long_interop(
        "bench-smoke",
        "every server that is measured works",
        bench::smoke,
    ),
    interop(
        "page-logic",
        "the chat page's modules do what they should",
        page::logic,
    ),
    interop(
        "page-chat",
        "people chat on the page, in a real browser",
        page::chat,
    ),
    interop(
        "autobahn-server",
        "the Autobahn testsuite against our server",
        autobahn::server,
    ),
    interop(
        "autobahn-worker",
        "the Autobahn testsuite against our server on the worker engine",
        autobahn::worker,
    ),
    interop(
        "autobahn-client",
        "the Autobahn testsuite against our client",
        autobahn::client,
    ),
    interop(
        "server-curl",
        "our server answers curl's handshakes",
        strangers::clients::curl,
    ),
    interop(
        "server-websockets",
        "our server and Python's websockets",
        strangers::clients::websockets,
    ),
    interop(
        "server-aiohttp",
        "our server and Python's aiohttp",
        strangers::clients::aiohttp,
    ),
    interop(
        "server-ws",
        "our server and Node's ws",
        strangers::clients::ws,
    ),
    interop(
        "server-undici",
        "our server and Node's undici",
        strangers::clients::undici,
    ),
    interop(
        "server-chromium",
        "our server and headless Chromium",
        strangers::clients::chromium,
    ),
    interop(
        "server-firefox",
        "our server and headless Firefox",
        strangers::clients::firefox,
    ),
    long_interop(
        "server-jdk",
        "our server and the JDK's HttpClient",
        strangers::clients::jdk,
    ),
    long_interop(
        "server-okhttp",
        "our server and OkHttp",
        strangers::clients::okhttp,
    ),
    interop(
        "client-websockets",
        "our client and Python's websockets",
        strangers::servers::websockets,
    ),
    interop(
        "deflate-zlib",
        "our compression and Python's zlib",
        strangers::servers::zlib,
    ),
    interop(
        "client-ws",
        "our client and Node's ws",
        strangers::servers::ws,
    ),
    interop(
        "client-nginx",
        "our client and our server behind nginx",
        strangers::servers::nginx,
    ),
    interop(
        "server-addresses",
        "our server knows where its clients are behind HAProxy and nginx",
        strangers::addresses::known,
    ),
    interop(
        "network-nat",
        "a heartbeat keeps a NAT from forgetting",
        network::nat,
    ),
    interop(
        "network-cut",
        "a path that is cut is noticed by both ends",
        network::cut,
    ),
    interop(
        "network-moves",
        "a client whose address changes comes back",
        network::moves,
    ),
    interop(
        "network-proxies",
        "a heartbeat keeps nginx and HAProxy from dropping",
        network::proxies,
    ),
    interop(
        "probe-proxies",
        "the probe finds when nginx and HAProxy drop a connection",
        strangers::probes::proxies,
    ),
    interop(
        "client-proxies",
        "our client through HTTP and SOCKS5 proxies",
        strangers::servers::proxies,
    ),
];

type Run = fn(&Workspace) -> Result<String>;

const fn check(name: &'static str, about: &'static str, run: Run) -> Part {
    part(name, about, run, false, false)
}

const fn interop(name: &'static str, about: &'static str, run: Run) -> Part {
    part(name, about, run, true, false)
}

const fn long_interop(name: &'static str, about: &'static str, run: Run) -> Part {
    part(name, about, run, true, true)
}

const fn part(
    name: &'static str,
    about: &'static str,
    run: Run,
    interop: bool,
    long: bool,
) -> Part {
    Part {
        name,
        about,
        interop,
        long,
        run,
    }
}
