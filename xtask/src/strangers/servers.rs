//! Our client against other people's servers.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use super::echo_server::EchoServer;
use super::{fronts, matrix, transcript};
use crate::error::{Result, ResultExt as _};
use crate::process::{self, Service};
use crate::setup::{node, proxies as proxy_setup, python3};
use crate::workspace::Workspace;

const ZLIB_LIMIT: Duration = Duration::from_secs(300);
const START_LIMIT: Duration = Duration::from_secs(20);

pub(crate) fn websockets(workspace: &Workspace) -> Result<String> {
    let mut server = Command::new(python3::with_packages(workspace)?);
    server.arg(workspace.interop("python/echo_server.py"));
    meet(workspace, "client-websockets", server)
}

pub(crate) fn ws(workspace: &Workspace) -> Result<String> {
    let mut server = node::with_packages(workspace)?;
    server.arg("echo_server.mjs");
    meet(workspace, "client-ws", server)
}

/// Our DEFLATE engine and zlib, as Python has it, understand each other.
pub(crate) fn zlib(workspace: &Workspace) -> Result<String> {
    let testee = workspace.client()?;
    let mut python = Command::new(python3::with_packages(workspace)?);
    python
        .arg(workspace.interop("python/deflate.py"))
        .arg(testee.get_program())
        .args(testee.get_args())
        .arg("deflate");
    let said = process::run(workspace, "deflate-zlib", &mut python, ZLIB_LIMIT)?;
    Ok(said.trim().to_owned())
}

fn meet(workspace: &Workspace, part: &str, program: Command) -> Result<String> {
    let what = format!("{part} server");
    let mut server = EchoServer::start_program(workspace, &what, program, &["chat.v1"])?;
    let expected = [matrix::OF_CLIENT, matrix::OF_PEERS_CLOSE].concat();
    let mut client = workspace.client()?;
    client.args(["client-check", "--peer-closes", server.url()]);
    let mut client = Service::start(workspace, part, &mut client)?;
    transcript::follow(&mut client, &expected, || {
        server.begin_shutdown();
        Ok(())
    })
}

/// Our own server stands behind the proxy, and does not close as a path asks.
pub(crate) fn nginx(workspace: &Workspace) -> Result<String> {
    let mut server = EchoServer::start(workspace, "client-nginx longwire", &["chat.v1"])?;
    let port = process::free_port()?;
    // As nginx is by default.
    let _proxy = fronts::nginx(workspace, "client-nginx", port, server.port(), "60s")?;

    let mut client = workspace.client()?;
    client.args(["client-check", &format!("ws://127.0.0.1:{port}")]);
    let mut client = Service::start(workspace, "client-nginx", &mut client)?;
    transcript::follow(&mut client, matrix::OF_CLIENT, || {
        server.begin_shutdown();
        Ok(())
    })
}

/// Our client reaches our server through proxies, with and without a password.
pub(crate) fn proxies(workspace: &Workspace) -> Result<String> {
    let programs = proxy_setup::programs(workspace)?;
    for password in [false, true] {
        let port = process::free_port()?;
        let mut tinyproxy = tinyproxy(workspace, &programs.tinyproxy, port, password)?;
        through(workspace, &mut tinyproxy, "http", port, password)?;

        let port = process::free_port()?;
        let mut microsocks = Command::new(&programs.microsocks);
        microsocks.args(["-i", "127.0.0.1", "-p", &port.to_string()]);
        if password {
            microsocks.args(["-u", USER, "-P", PASSWORD]);
        }
        through(workspace, &mut microsocks, "socks5", port, password)?;
    }
    Ok("tinyproxy and microsocks, with and without a password".into())
}

const USER: &str = "longwire";
const PASSWORD: &str = "passw0rd";

fn tinyproxy(workspace: &Workspace, program: &Path, port: u16, password: bool) -> Result<Command> {
    let mut configuration =
        format!("Port {port}\nListen 127.0.0.1\nTimeout 60\nLogLevel Info\nMaxClients 100\n");
    if password {
        configuration += &format!("BasicAuth {USER} {PASSWORD}\n");
    }
    let path = workspace
        .fresh_folder("client-proxies")?
        .join("tinyproxy.conf");
    fs::write(&path, configuration).context(format!("writing {}", path.display()))?;
    let mut tinyproxy = Command::new(program);
    tinyproxy.arg("-d").arg("-c").arg(&path);
    Ok(tinyproxy)
}

/// Runs the checks of our client through a proxy.
fn through(
    workspace: &Workspace,
    proxy: &mut Command,
    scheme: &str,
    port: u16,
    password: bool,
) -> Result {
    let part = format!(
        "client-proxies {scheme}{}",
        if password { " password" } else { "" }
    );
    let mut proxy = Service::start(workspace, &format!("{part} proxy"), proxy)?;
    proxy.wait_for_port(port, START_LIMIT)?;
    let mut server = EchoServer::start(workspace, &format!("{part} longwire"), &["chat.v1"])?;
    let login = if password { "longwire:passw0rd@" } else { "" };
    let mut client = workspace.client()?;
    client
        .args(["client-check", server.url()])
        .env("HTTP_PROXY", format!("{scheme}://{login}127.0.0.1:{port}"))
        .env("NO_PROXY", "");
    for variable in ["http_proxy", "no_proxy", "REQUEST_METHOD"] {
        client.env_remove(variable);
    }
    let mut client = Service::start(workspace, &part, &mut client)?;
    transcript::follow(&mut client, matrix::OF_CLIENT, || {
        server.begin_shutdown();
        Ok(())
    })?;
    Ok(())
}
