//! Other people's clients against our server.

use std::process::Command;

use super::certificate::{self, Certificate};
use super::echo_server::{EchoServer, SETTINGS, Setting};
use super::{matrix, transcript};
use crate::error::Result;
use crate::process::Service;
use crate::setup::browser::{Browser, CHROMIUM, FIREFOX};
use crate::setup::{java, node, python3};
use crate::workspace::Workspace;

/// Whether a client can be told, by its environment, which certificate to trust.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Trust {
    ByEnvironment,
    No,
}

pub(crate) fn curl(workspace: &Workspace) -> Result<String> {
    let client = || {
        let mut script = Command::new("sh");
        script.arg(workspace.interop("curl/client.sh"));
        Ok(script)
    };
    let expected = matrix::OF_HANDSHAKE;
    meet(
        workspace,
        "server-curl",
        client,
        Trust::ByEnvironment,
        expected,
    )
}

pub(crate) fn websockets(workspace: &Workspace) -> Result<String> {
    python(workspace, "server-websockets", "websockets_client.py")
}

pub(crate) fn aiohttp(workspace: &Workspace) -> Result<String> {
    python(workspace, "server-aiohttp", "aiohttp_client.py")
}

fn python(workspace: &Workspace, part: &str, script: &str) -> Result<String> {
    let client = || {
        let mut python = Command::new(python3::with_packages(workspace)?);
        python.arg(workspace.interop("python").join(script));
        Ok(python)
    };
    let expected = matrix::of_server(part);
    meet(workspace, part, client, Trust::ByEnvironment, &expected)
}

pub(crate) fn ws(workspace: &Workspace) -> Result<String> {
    in_node(workspace, "server-ws", "ws_client.mjs")
}

pub(crate) fn undici(workspace: &Workspace) -> Result<String> {
    in_node(workspace, "server-undici", "undici_client.mjs")
}

fn in_node(workspace: &Workspace, part: &str, script: &str) -> Result<String> {
    let client = || {
        let mut node = node::with_packages(workspace)?;
        node.arg(script);
        Ok(node)
    };
    let expected = matrix::of_server(part);
    meet(workspace, part, client, Trust::ByEnvironment, &expected)
}

pub(crate) fn chromium(workspace: &Workspace) -> Result<String> {
    in_browser(
        workspace,
        "server-chromium",
        "chromium_client.mjs",
        &CHROMIUM,
    )
}

pub(crate) fn firefox(workspace: &Workspace) -> Result<String> {
    in_browser(workspace, "server-firefox", "firefox_client.mjs", &FIREFOX)
}

fn in_browser(
    workspace: &Workspace,
    part: &str,
    script: &str,
    browser: &Browser,
) -> Result<String> {
    let client = || {
        let mut node = node::with_packages(workspace)?;
        node.arg(script)
            .env(browser.variable, browser.program(workspace)?);
        Ok(node)
    };
    meet(workspace, part, client, Trust::No, &matrix::of_server(part))
}

pub(crate) fn jdk(workspace: &Workspace) -> Result<String> {
    in_java(workspace, "server-jdk", "JdkClient")
}

pub(crate) fn okhttp(workspace: &Workspace) -> Result<String> {
    in_java(workspace, "server-okhttp", "OkHttpClientChecks")
}

fn in_java(workspace: &Workspace, part: &str, class: &str) -> Result<String> {
    let client = || {
        let mut java = java::with_classes(workspace)?;
        java.arg(class);
        Ok(java)
    };
    meet(workspace, part, client, Trust::No, &matrix::of_server(part))
}

/// Has a client meet our server in all its settings.
fn meet(
    workspace: &Workspace,
    part: &str,
    client: impl Fn() -> Result<Command>,
    trust: Trust,
    expected: &[&str],
) -> Result<String> {
    if workspace.has_stand_in() {
        return meet_one(workspace, part, client()?, SETTINGS[0], expected);
    }
    let mut met = 0;
    for setting in SETTINGS {
        if setting.tls && trust == Trust::No {
            continue;
        }
        let name = format!("{part} {}", setting.name);
        meet_one(workspace, &name, client()?, *setting, expected)?;
        met += 1;
    }
    Ok(format!("{} checks in {met} settings", expected.len()))
}

/// Runs a client with the URLs of two servers of ours: one that selects a
/// client's first offer, and one that speaks `chat.v1` only.
fn meet_one(
    workspace: &Workspace,
    what: &str,
    mut client: Command,
    setting: Setting,
    expected: &[&str],
) -> Result<String> {
    let certificate = match setting.tls {
        true => Some(certificate::of_localhost(workspace)?),
        false => None,
    };
    let certificate = certificate.as_ref();
    let start = |name: &str, subprotocols: &[&str]| {
        let name = format!("{what} {name}");
        EchoServer::start_as(workspace, &name, setting, certificate, subprotocols)
    };
    let mut echo = start("longwire", &[])?;
    let choosy = start("longwire chat.v1", &["chat.v1"])?;
    client.args([echo.url(), choosy.url()]);
    if let Some(Certificate { chain, .. }) = certificate {
        // Of curl, Node.js and Python, which takes OpenSSL's.
        for variable in ["CURL_CA_BUNDLE", "NODE_EXTRA_CA_CERTS", "SSL_CERT_FILE"] {
            client.env(variable, chain);
        }
    }
    let mut client = Service::start(workspace, what, &mut client)?;
    let summary = transcript::follow(&mut client, expected, || {
        echo.begin_shutdown();
        Ok(())
    })?;
    // Not every client gets to asking.
    echo.begin_shutdown();
    echo.finish_shutdown()?;
    Ok(summary)
}
