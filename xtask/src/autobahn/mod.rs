//! The Autobahn testsuite, in both directions.

mod report;

use std::fs;
use std::path::Path;
use std::time::Duration;

use serde_json::json;

use self::report::{Outcomes, compare};
use crate::error::{Error, Result, ResultExt as _};
use crate::process::{self, Service};
use crate::setup::python2;
use crate::strangers::echo_server::EchoServer;
use crate::workspace::Workspace;

/// Groups 1 to 10 take a quarter of a minute; 12 and 13, which are about
/// compression, take some ten minutes each, twice as long on a busy machine.
const SUITE_LIMIT: Duration = Duration::from_secs(45 * 60);
const START_LIMIT: Duration = Duration::from_secs(30);

/// What the report calls us.
const AGENT: &str = "longwire";

/// The suite's client drives our echo server.
pub(crate) fn server(workspace: &Workspace) -> Result<String> {
    drive_server(workspace, "autobahn-server", &["--io", "tokio"])
}

/// The suite's client drives our echo server on the worker engine.
pub(crate) fn worker(workspace: &Workspace) -> Result<String> {
    drive_server(workspace, "autobahn-worker", &["--io", "worker"])
}

fn drive_server(workspace: &Workspace, part: &str, arguments: &[&str]) -> Result<String> {
    let mut wstest = python2::wstest(workspace)?;
    let folder = workspace.fresh_folder(part)?;
    let (expected, excluded) = expected(workspace)?;
    let mut program = workspace.server()?;
    // A stand-in has one way to do I/O, and no flag for it.
    let ours = if workspace.has_stand_in() {
        &[]
    } else {
        arguments
    };
    program.args(["echo", "--listen", "127.0.0.1:0"]).args(ours);
    let server = EchoServer::spawn(workspace, &format!("{part} longwire"), program)?;
    let spec = json!({
        "outdir": folder,
        "servers": [{"agent": AGENT, "url": server.url()}],
        "cases": ["*"],
        "exclude-cases": excluded,
    });
    wstest
        .args(["-m", "fuzzingclient", "-s"])
        .arg(write_spec(&folder, &spec)?);
    let what = format!("{part} wstest");
    process::run(workspace, &what, &mut wstest, SUITE_LIMIT)?;
    judge(&expected, &folder)
}

/// The suite's server drives our client.
pub(crate) fn client(workspace: &Workspace) -> Result<String> {
    let mut wstest = python2::wstest(workspace)?;
    let folder = workspace.fresh_folder("autobahn-client")?;
    let (expected, excluded) = expected(workspace)?;
    let port = process::free_port()?;
    let url = format!("ws://127.0.0.1:{port}");
    let spec = json!({
        "outdir": folder,
        "url": url,
        "cases": ["*"],
        "exclude-cases": excluded,
    });
    // It would serve its reports on port 8080 too, were that not put off.
    wstest
        .args(["-m", "fuzzingserver", "-u", "0", "-s"])
        .arg(write_spec(&folder, &spec)?);
    let mut suite = Service::start(workspace, "wstest fuzzingserver", &mut wstest)?;
    suite.wait_for_port(port, START_LIMIT)?;

    let mut testee = workspace.client()?;
    testee.args(["autobahn", &url]);
    process::run(
        workspace,
        "interop-testee autobahn",
        &mut testee,
        SUITE_LIMIT,
    )?;
    judge(&expected, &folder)
}

/// What the cases should come to, and which of them do not run, as they are
/// slow.
fn expected(workspace: &Workspace) -> Result<(Outcomes, Vec<String>)> {
    let expected = workspace.interop("autobahn/expected.json");
    let mut expected = Outcomes::parse(&read(&expected)?)?;
    let excluded = if workspace.full {
        Vec::new()
    } else {
        expected.take_slow()
    };
    Ok((expected, excluded))
}

fn write_spec(folder: &Path, spec: &serde_json::Value) -> Result<std::path::PathBuf> {
    let path = folder.join("spec.json");
    fs::write(&path, spec.to_string()).context(format!("writing {}", path.display()))?;
    Ok(path)
}

/// The exit status of `wstest` says nothing: only its report counts.
fn judge(expected: &Outcomes, folder: &Path) -> Result<String> {
    let index = folder.join("index.json");
    let report: serde_json::Value =
        serde_json::from_str(&read(&index)?).context(format!("reading {}", index.display()))?;
    let actual = Outcomes::of_agent(&report, AGENT)?;

    let summary = actual.summary();
    let differences = compare(expected, &actual);
    if differences.is_empty() {
        return Ok(summary);
    }
    Err(Error::new(format!(
        "{summary}; {} not as expected\n{}\nsee {}",
        differences.len(),
        differences.join("\n"),
        folder.join("index.html").display()
    )))
}

fn read(path: &Path) -> Result<String> {
    fs::read_to_string(path).context(format!("reading {}", path.display()))
}
