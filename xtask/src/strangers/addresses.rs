//! Our server behind other people's proxies: it knows where its clients are, and
//! believes nobody else.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use super::echo_server::EchoServer;
use super::fronts;
use crate::error::{Error, Result, ResultExt as _};
use crate::process::{self, Service};
use crate::setup::debian;
use crate::workspace::Workspace;

const START_LIMIT: Duration = Duration::from_secs(20);
const LOG_LIMIT: Duration = Duration::from_secs(10);

/// What the proxies connect from.
const PROXY: &str = "127.0.0.1";

/// What a client claims to be.
const CLAIMED: &str = "192.0.2.66";

/// Where clients connect from: another one for each, so that the server's log
/// says which it is.
struct Clients(u8);

impl Clients {
    fn next(&mut self) -> String {
        self.0 += 1;
        format!("127.0.0.{}", self.0)
    }
}

pub(crate) fn known(workspace: &Workspace) -> Result<String> {
    let haproxy = debian::server(workspace, "haproxy")?;
    let mut clients = Clients(10);
    for io in ["worker", "tokio"] {
        behind(workspace, io, &haproxy, &mut clients)?;
    }
    Ok("HAProxy by PROXY protocol 1 and 2, X-Forwarded-For and Forwarded; nginx".into())
}

fn behind(workspace: &Workspace, io: &str, haproxy: &Path, clients: &mut Clients) -> Result {
    let announced = Server::start(workspace, io, "announced", &["--proxy-protocol"])?;
    let by_field = Server::start(workspace, io, "x-forwarded-for", &[])?;
    let by_standard = ["--forwarded-header", "forwarded"];
    let by_standard = Server::start(workspace, io, "forwarded", &by_standard)?;

    let [v1, v2, field, standard, page] = [(); 5].map(|()| process::free_port());
    let (v1, v2, field, standard, page) = (v1?, v2?, field?, standard?, page?);
    let ports = [
        ("@V1@", v1.to_string()),
        ("@V2@", v2.to_string()),
        ("@ANNOUNCED@", announced.port()),
        ("@X_FORWARDED_FOR@", field.to_string()),
        ("@X_FORWARDED_FOR_SERVER@", by_field.port()),
        ("@FORWARDED@", standard.to_string()),
        ("@FORWARDED_SERVER@", by_standard.port()),
    ];
    let _haproxy = start_haproxy(workspace, haproxy, &ports, standard)?;
    let part = "server-addresses";
    let _nginx = fronts::nginx(workspace, part, page, &by_field.port(), "60s")?;

    for (server, port) in [
        (&announced, v1),
        (&announced, v2),
        (&by_field, field),
        (&by_field, page),
        (&by_standard, standard),
    ] {
        server.is_told(workspace, &clients.next(), &port.to_string())?;
    }
    // Without a proxy in between, what a client claims is nothing.
    for server in [&announced, &by_field, &by_standard] {
        server.is_told(workspace, &clients.next(), &server.port())?;
    }
    announced.refuses_what_is_not_announced(workspace)
}

/// Our server, which trusts the proxies, and the name of its log.
struct Server {
    server: EchoServer,
    name: String,
}

impl Server {
    fn start(workspace: &Workspace, io: &str, name: &str, flags: &[&str]) -> Result<Server> {
        let name = format!("server-addresses {io} {name}");
        let mut program = workspace.server()?;
        program
            .args(["echo", "--listen", "127.0.0.1:0", "--io", io])
            .args(["--trust-proxy", PROXY])
            .args(flags)
            .env("LONGWIRE_LOG", "longwire=debug");
        let server = EchoServer::spawn(workspace, &name, program)?;
        Ok(Server { server, name })
    }

    fn port(&self) -> String {
        self.server.port().to_owned()
    }

    /// Connects from an address, and sees what the server takes for it.
    fn is_told(&self, workspace: &Workspace, client: &str, port: &str) -> Result {
        open(workspace, &self.name, client, port)?;
        self.logs(&["WebSocket opened", &format!("client={client} ")])
    }

    /// The proxy itself, without a header of the protocol.
    fn refuses_what_is_not_announced(&self, workspace: &Workspace) -> Result {
        if open(workspace, &self.name, PROXY, &self.port()).is_ok() {
            return Err(self.server.failure("took a proxy that announced nothing"));
        }
        self.logs(&["WARN", "does not begin with a PROXY header"])
    }

    /// Waits for a line of the log with all of this.
    fn logs(&self, parts: &[&str]) -> Result {
        let deadline = Instant::now() + LOG_LIMIT;
        loop {
            let text = fs::read_to_string(self.server.log()).unwrap_or_default();
            let mut lines = text.lines();
            if lines.any(|line| parts.iter().all(|part| line.contains(part))) {
                return Ok(());
            }
            if Instant::now() > deadline {
                return Err(self.server.failure(&format!("never logged {parts:?}")));
            }
            std::thread::sleep(Duration::from_millis(50));
        }
    }
}

/// Opens a WebSocket from this address, with claims to be somebody else.
fn open(workspace: &Workspace, what: &str, client: &str, port: &str) -> Result {
    let mut curl = Command::new("curl");
    curl.args(["--silent", "--show-error", "--include", "--http1.1"])
        // It stays open until then.
        .args(["--max-time", "1", "--interface", client])
        .args(["--header", "Connection: Upgrade"])
        .args(["--header", "Upgrade: websocket"])
        .args(["--header", "Sec-WebSocket-Version: 13"])
        .args(["--header", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="])
        .args(["--header", &format!("X-Forwarded-For: {CLAIMED}")])
        .args(["--header", &format!("Forwarded: for={CLAIMED}")])
        .arg(format!("http://127.0.0.1:{port}/"));
    let what = format!("{what} curl");
    match process::run(workspace, &what, &mut curl, START_LIMIT) {
        Ok(answer) if answer.contains(" 101 ") => Ok(()),
        Ok(answer) => Err(Error::new(format!("{what}: {answer}"))),
        // Its time was up, with the connection open.
        Err(why) if why.to_string().contains(" 101 ") => Ok(()),
        Err(why) => Err(why),
    }
}

fn start_haproxy(
    workspace: &Workspace,
    program: &Path,
    ports: &[(&str, String)],
    last: u16,
) -> Result<Service> {
    let template = workspace.interop("haproxy/addresses.cfg");
    let mut configuration =
        fs::read_to_string(&template).context(format!("reading {}", template.display()))?;
    for (name, port) in ports {
        configuration = configuration.replace(name, port);
    }
    let path = workspace
        .fresh_folder("server-addresses")?
        .join("addresses.cfg");
    fs::write(&path, configuration).context(format!("writing {}", path.display()))?;
    let mut haproxy = Command::new(program);
    // In the foreground.
    haproxy.arg("-db").arg("-f").arg(&path);
    let mut proxy = Service::start(workspace, "server-addresses haproxy", &mut haproxy)?;
    proxy.wait_for_port(last, START_LIMIT)?;
    Ok(proxy)
}
