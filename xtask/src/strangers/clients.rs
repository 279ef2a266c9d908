//! Other people's clients against our server.

use std::process::Command;

use super::echo_server::EchoServer;
use super::{matrix, transcript};
use crate::error::Result;
use crate::process::Service;
use crate::setup::{chromium as chromium_setup, java, node, python3};
use crate::workspace::Workspace;

pub(crate) fn curl(workspace: &Workspace) -> Result<String> {
    let mut script = Command::new("sh");
    script.arg(workspace.interop("curl/client.sh"));
    meet(workspace, "server-curl", script, matrix::OF_HANDSHAKE)
}

pub(crate) fn websockets(workspace: &Workspace) -> Result<String> {
    python(workspace, "server-websockets", "websockets_client.py")
}

pub(crate) fn aiohttp(workspace: &Workspace) -> Result<String> {
    python(workspace, "server-aiohttp", "aiohttp_client.py")
}

fn python(workspace: &Workspace, part: &str, script: &str) -> Result<String> {
    let mut python = Command::new(python3::with_packages(workspace)?);
    python.arg(workspace.interop("python").join(script));
    meet(workspace, part, python, &matrix::of_server(part))
}

pub(crate) fn ws(workspace: &Workspace) -> Result<String> {
    let mut node = node::with_packages(workspace)?;
    node.arg("ws_client.mjs");
    meet(
        workspace,
        "server-ws",
        node,
        &matrix::of_server("server-ws"),
    )
}

pub(crate) fn undici(workspace: &Workspace) -> Result<String> {
    let mut node = node::with_packages(workspace)?;
    node.arg("undici_client.mjs");
    meet(
        workspace,
        "server-undici",
        node,
        &matrix::of_server("server-undici"),
    )
}

pub(crate) fn chromium(workspace: &Workspace) -> Result<String> {
    let mut node = node::with_packages(workspace)?;
    node.arg("chromium_client.mjs")
        .env("CHROMIUM", chromium_setup::program(workspace)?);
    meet(
        workspace,
        "server-chromium",
        node,
        &matrix::of_server("server-chromium"),
    )
}

pub(crate) fn jdk(workspace: &Workspace) -> Result<String> {
    let mut java = java::with_classes(workspace)?;
    java.arg("JdkClient");
    meet(
        workspace,
        "server-jdk",
        java,
        &matrix::of_server("server-jdk"),
    )
}

pub(crate) fn okhttp(workspace: &Workspace) -> Result<String> {
    let mut java = java::with_classes(workspace)?;
    java.arg("OkHttpClientChecks");
    meet(
        workspace,
        "server-okhttp",
        java,
        &matrix::of_server("server-okhttp"),
    )
}

/// Runs a client with the URLs of two servers of ours: one that selects a
/// client's first offer, and one that speaks `chat.v1` only.
fn meet(
    workspace: &Workspace,
    part: &str,
    mut client: Command,
    expected: &[&str],
) -> Result<String> {
    let name = |what: &str| format!("{part} {what}");
    let mut echo = EchoServer::start(workspace, &name("longwire"), &[])?;
    let choosy = EchoServer::start(workspace, &name("longwire chat.v1"), &["chat.v1"])?;
    client.args([echo.url(), choosy.url()]);
    let mut client = Service::start(workspace, part, &mut client)?;
    let summary = transcript::follow(&mut client, expected, || {
        echo.begin_shutdown();
        Ok(())
    })?;
    // Not every client gets to asking.
    echo.begin_shutdown();
    echo.finish_shutdown()?;
    Ok(summary)
}
