//! The programs that are measured: set up once, started for every turn.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use super::scenario::Task;
use super::server::{Program, Server};
use crate::error::{Error, Result, ResultExt as _};
use crate::process::{self, Service};
use crate::setup::{java, nginx, node};
use crate::workspace::Workspace;

const START_LIMIT: Duration = Duration::from_secs(20);

/// What is built here.
pub(crate) struct Programs {
    pub(crate) longwire: PathBuf,
    pub(crate) bench_servers: PathBuf,
}

/// A server that can be started.
pub(crate) struct Ready {
    pub(crate) server: Server,
    /// What its command line begins with.
    command: Command,
}

/// A server that runs, and where.
pub(crate) struct Running {
    pub(crate) service: Service,
    pub(crate) address: String,
}

impl Programs {
    pub(crate) fn build(workspace: &Workspace) -> Result<Programs> {
        Ok(Programs {
            longwire: workspace.longwire()?,
            bench_servers: workspace.bench_program("bench-servers")?,
        })
    }

    /// Sets up what a server needs.
    ///
    /// # Errors
    /// What is missing, and how to get it.
    pub(crate) fn set_up(&self, workspace: &Workspace, server: &Server) -> Result<Ready> {
        let command = match &server.program {
            Program::Rust => Command::new(&self.bench_servers),
            Program::Longwire(_) | Program::Generator => Command::new(&self.longwire),
            Program::Node(_) => node::of_bench(workspace)?,
            Program::Java(_) => java::of_bench(workspace)?,
            Program::Nchan => nginx::with_nchan(workspace)?,
            Program::OnPort(program) => Command::new(program),
        };
        Ok(Ready {
            server: server.clone(),
            command,
        })
    }
}

impl Ready {
    /// The command line so far, anew.
    pub(crate) fn command(&self) -> Command {
        let mut command = Command::new(self.command.get_program());
        command.args(self.command.get_args());
        if let Some(folder) = self.command.get_current_dir() {
            command.current_dir(folder);
        }
        command
    }

    /// Starts it. One that `collects` gives garbage back soon, so that its memory
    /// tells something.
    pub(crate) fn start(
        &self,
        workspace: &Workspace,
        task: Task,
        collects: bool,
    ) -> Result<Running> {
        let what = format!("bench {} {}", task.word(), self.server.name);
        let mut command = self.command();
        match &self.server.program {
            Program::Rust => command.args([task.word(), &self.server.name]),
            Program::Longwire(arguments) => command.args(*arguments),
            Program::Node(script) => {
                command.args(collects.then_some("--expose-gc"));
                command.args([script, task.word()])
            }
            Program::Java(class) => {
                command.args(
                    collects
                        .then_some(java::GIVES_MEMORY_BACK)
                        .into_iter()
                        .flatten(),
                );
                command.args([class, task.word()]);
                command.args(collects.then_some("gc"))
            }
            Program::Nchan => return self.start_nginx(workspace, &what),
            Program::OnPort(_) => return start_on_port(workspace, &what, command),
            Program::Generator => return Err(Error::new("the load generator is no server")),
        };
        start(workspace, &what, &mut command)
    }

    fn start_nginx(&self, workspace: &Workspace, what: &str) -> Result<Running> {
        let folder = workspace.fresh_folder("bench-nchan")?;
        let module = nginx::nchan_module(Path::new(self.command.get_program()))?;
        let port = process::free_port()?;
        let template = workspace.bench("nchan/nginx.conf");
        let configuration = fs::read_to_string(&template)
            .context(format!("reading {}", template.display()))?
            .replace("@LISTEN@", &port.to_string())
            .replace("@MODULE@", &module.display().to_string());
        let path = folder.join("nginx.conf");
        fs::write(&path, configuration).context(format!("writing {}", path.display()))?;
        let mut command = self.command();
        // The first -e takes the place of the log that is compiled in.
        command.args(["-e", "stderr", "-p"]).arg(&folder);
        command.arg("-c").arg(&path);
        wait_for_port(workspace, what, command, port)
    }
}

/// Starts a server that prints where it listens.
pub(crate) fn start(workspace: &Workspace, what: &str, command: &mut Command) -> Result<Running> {
    let mut service = Service::start(workspace, what, command)?;
    let address = service.wait_for(START_LIMIT, address)?;
    Ok(Running { service, address })
}

fn start_on_port(workspace: &Workspace, what: &str, mut command: Command) -> Result<Running> {
    let port = process::free_port()?;
    command.arg(port.to_string());
    wait_for_port(workspace, what, command, port)
}

fn wait_for_port(
    workspace: &Workspace,
    what: &str,
    mut command: Command,
    port: u16,
) -> Result<Running> {
    let mut service = Service::start(workspace, what, &mut command)?;
    service.wait_for_port(port, START_LIMIT)?;
    Ok(Running {
        service,
        address: format!("127.0.0.1:{port}"),
    })
}

/// The `127.0.0.1:PORT` in a line of output.
fn address(line: &str) -> Option<String> {
    let address = &line[line.find("127.0.0.1:")?..];
    let end = address.find(|c: char| c.is_whitespace() || c == '/');
    Some(address[..end.unwrap_or(address.len())].to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_address_is_found_in_what_servers_print() {
        assert_eq!(address("127.0.0.1:80").as_deref(), Some("127.0.0.1:80"));
        assert_eq!(
            address("Echo: ws://127.0.0.1:4711/").as_deref(),
            Some("127.0.0.1:4711")
        );
        assert_eq!(address("listening"), None);
    }
}
