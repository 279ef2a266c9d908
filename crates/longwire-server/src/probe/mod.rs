//! `longwire probe`: tells a person what the path to a server does.
//!
//! - `path` gets to an open WebSocket, and notes each step.
//! - `live` looks at the open one: round trips, messages.
//! - `idle` finds out after how long a silent one is dropped.
//! - What is known stands in the `report`; `text` shows it to people as it comes,
//!   `json` to scripts at the end.

mod finding;
mod idle;
mod json;
mod live;
mod path;
mod report;
mod text;

pub(crate) use idle::Idle;

use crate::{
    connect::{Transport, interrupts::Interrupts},
    exit::{Failure, Status},
};
use live::Live;
use longwire::{Connector, heartbeat::Proposal, proto::handshake::Url};
use report::{Report, Step};
use std::{io, time::Duration};
use text::View;

/// What `longwire probe` is to do.
#[derive(Debug)]
pub(crate) struct Options {
    pub(crate) url: Url,
    pub(crate) transport: Transport,
    /// The subprotocols that are offered.
    pub(crate) offered: Vec<String>,
    /// For each step.
    pub(crate) timeout: Duration,
    pub(crate) pings: u32,
    /// Up to which size messages are sent, if they are.
    pub(crate) max_size: Option<u64>,
    pub(crate) idle: Option<Idle>,
    pub(crate) json: bool,
}

/// Looks at the path, and says what it does.
///
/// # Errors
/// Which step failed.
pub(crate) fn run(options: Options) -> Result<(), Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| failed("cannot start", &error))?;
    let result = runtime.block_on(probe(options));
    // The resolver may still be asking.
    runtime.shutdown_background();
    result
}

async fn probe(options: Options) -> Result<(), Failure> {
    let Options {
        url,
        transport,
        offered,
        timeout,
        pings,
        max_size,
        idle,
        json,
    } = options;
    let (connector, _) = transport.plain_connector()?;
    let mut interrupts =
        Interrupts::new(None).map_err(|error| failed("cannot listen to signals", &error))?;
    let probe = Probe {
        // A server that knows the header says how it beats.
        connector: connector.proposing(Proposal::Ask),
        url,
        timeout,
        pings,
        max_size,
        idle,
    };
    let mut report = Report::new(&probe.url, offered);
    let mut view = View::new(json);
    view.begin(&probe.url);
    let found = tokio::select! {
        biased;
        () = interrupts.next() => {
            report.interrupted = true;
            Ok(())
        }
        found = probe.find_out(&mut report, &mut view) => found,
    };
    if let Err(failure) = &found {
        report.error = Some(failure.message.clone());
    }
    let shown = view.end(&report);
    let written = if json { json::write(&report) } else { shown };
    found?;
    written.map_err(|error| failed("cannot write to standard output", &error))
}

struct Probe {
    connector: Connector,
    url: Url,
    timeout: Duration,
    pings: u32,
    max_size: Option<u64>,
    idle: Option<Idle>,
}

impl Probe {
    async fn find_out(&self, report: &mut Report, view: &mut View) -> Result<(), Failure> {
        let opened = path::open(&self.connector, &self.url, report).await;
        view.path(report);
        let mut live = Live::new(opened?);

        report.step = Step::RoundTrip;
        let round_trips = live.round_trips(self.pings, self.timeout, report).await;
        view.round_trips(report);
        round_trips?;

        if let Some(max) = self.max_size {
            report.step = Step::Messages;
            report.largest = Some(live.largest_message(max, self.timeout, view).await);
            view.largest(report);
            if !live.is_open() {
                live = self.open_again().await?;
            }
        }
        if let Some(idle) = &self.idle {
            report.step = Step::Idle;
            idle::find(idle, &self.connector, &self.url, &mut live, report, view).await?;
        }
        report.step = Step::Done;
        live.close(self.timeout).await;
        Ok(())
    }

    /// A message that was too large has closed the connection.
    async fn open_again(&self) -> Result<Live, Failure> {
        let opened = self.connector.connect(&self.url).await;
        opened
            .map(Live::new)
            .map_err(|error| path::failure(&error, &self.url))
    }
}

fn failed(what: &str, error: &io::Error) -> Failure {
    Failure::new(Status::Failed, format_args!("{what}: {error}"))
}
