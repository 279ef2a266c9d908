//! Child processes that never outlive us and never make us wait for ever.

use std::fs::{self, File, OpenOptions};
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use crate::error::{Error, Result, ResultExt as _};
use crate::workspace::Workspace;

/// How often a wait looks again.
const TICK: Duration = Duration::from_millis(20);
/// How long a process that was asked to end may take before it is made to.
const GRACE: Duration = Duration::from_secs(3);
/// How much of a log an error quotes.
const TAIL_LINES: usize = 25;

/// Runs a command with its output shown as it comes.
pub(crate) fn show(command: &mut Command, limit: Duration) -> Result {
    let what = describe(command);
    let child = command
        .stdin(Stdio::null())
        .spawn()
        .context(format!("starting {what}"))?;
    let status = Guard(child).wait(limit).context(&what)?;
    if status.success() {
        Ok(())
    } else {
        Err(Error::new(format!("{what}: {status}")))
    }
}

/// Runs a command with its output kept in the log of `what`, and returned.
pub(crate) fn run(
    workspace: &Workspace,
    what: &str,
    command: &mut Command,
    limit: Duration,
) -> Result<String> {
    let log = workspace.log(what)?;
    let output = create_log(&log)?;
    let errors = output.try_clone().context("sharing a log")?;
    let child = command
        .stdin(Stdio::null())
        .stdout(output)
        .stderr(errors)
        .spawn()
        .context(format!("starting {}", describe(command)))?;
    match Guard(child).wait(limit) {
        Ok(status) if status.success() => {
            let text = fs::read(&log).context(format!("reading {}", log.display()))?;
            Ok(String::from_utf8_lossy(&text).into_owned())
        }
        Ok(status) => Err(Error::new(format!(
            "{what} failed ({status}){}",
            tail(&log)
        ))),
        Err(why) => Err(Error::new(format!("{what}: {why}{}", tail(&log)))),
    }
}

/// A process that runs beside us, with its output in a log. Dropping it ends it.
pub(crate) struct Service {
    what: String,
    child: Guard,
    /// Where it is asked for something.
    input: Option<ChildStdin>,
    lines: Receiver<String>,
    log: PathBuf,
}

impl Service {
    /// Starts `command`; `what` names it in messages and names its log.
    pub(crate) fn start(workspace: &Workspace, what: &str, command: &mut Command) -> Result<Self> {
        Self::spawn(workspace, what, command.stdin(Stdio::null()))
    }

    /// The same with one that does something for each line that it reads.
    pub(crate) fn start_to_ask(
        workspace: &Workspace,
        what: &str,
        command: &mut Command,
    ) -> Result<Self> {
        Self::spawn(workspace, what, command.stdin(Stdio::piped()))
    }

    fn spawn(workspace: &Workspace, what: &str, command: &mut Command) -> Result<Self> {
        let log = workspace.log(what)?;
        let mut output = create_log(&log)?;
        let errors = output.try_clone().context("sharing a log")?;
        let mut child = command
            .stdout(Stdio::piped())
            .stderr(errors)
            .spawn()
            .context(format!("starting {}", describe(command)))?;
        let (input, stdout) = (child.stdin.take(), child.stdout.take());
        let child = Guard(child);

        let (sender, lines) = mpsc::channel();
        thread::spawn(move || {
            let Some(stdout) = stdout else { return };
            // Ends with the process, or with a line that is no text.
            for line in BufReader::new(stdout)
                .lines()
                .map_while(std::result::Result::ok)
            {
                // Neither a full disk nor a reader that has gone may block the process.
                let _ = writeln!(output, "{line}");
                let _ = sender.send(line);
            }
        });
        Ok(Self {
            what: what.to_owned(),
            child,
            input,
            lines,
            log,
        })
    }

    /// Has it read a line.
    pub(crate) fn ask(&mut self) -> Result {
        let asked = self.input.as_mut().map(|input| input.write_all(b"\n"));
        match asked {
            Some(Ok(())) => Ok(()),
            _ => Err(self.failure("ended")),
        }
    }

    /// There are no more lines for it.
    pub(crate) fn ask_no_more(&mut self) {
        self.input = None;
    }

    /// The next line of standard output, or none at its end.
    pub(crate) fn next_line(&mut self, deadline: Instant) -> Result<Option<String>> {
        match self
            .lines
            .recv_timeout(deadline.saturating_duration_since(Instant::now()))
        {
            Ok(line) => Ok(Some(line)),
            Err(RecvTimeoutError::Disconnected) => Ok(None),
            Err(RecvTimeoutError::Timeout) => Err(self.failure("said nothing more, in time")),
        }
    }

    /// Waits for a line of which `find` makes something.
    pub(crate) fn wait_for<T>(
        &mut self,
        limit: Duration,
        find: impl Fn(&str) -> Option<T>,
    ) -> Result<T> {
        let deadline = Instant::now() + limit;
        while let Some(line) = self.next_line(deadline)? {
            if let Some(found) = find(&line) {
                return Ok(found);
            }
        }
        Err(self.failure("ended before it was ready"))
    }

    /// Waits until the process listens on `port`.
    pub(crate) fn wait_for_port(&mut self, port: u16, limit: Duration) -> Result {
        let deadline = Instant::now() + limit;
        while TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_err() {
            if self.child.0.try_wait().is_ok_and(|status| status.is_some()) {
                return Err(self.failure("ended before it listened"));
            }
            if Instant::now() > deadline {
                return Err(self.failure("does not listen"));
            }
            thread::sleep(TICK);
        }
        Ok(())
    }

    /// The process's id.
    pub(crate) fn id(&self) -> u32 {
        self.child.0.id()
    }

    /// Asks the process to end.
    pub(crate) fn terminate(&mut self) {
        self.child.terminate();
    }

    /// Waits for the process to end by itself.
    pub(crate) fn wait(&mut self, limit: Duration) -> Result<ExitStatus> {
        self.child
            .wait(limit)
            .map_err(|why| self.failure(&why.to_string()))
    }

    /// Where its output is.
    pub(crate) fn log(&self) -> &Path {
        &self.log
    }

    /// An error about this process, with the end of its log.
    pub(crate) fn failure(&self, why: &str) -> Error {
        Error::new(format!("{} {why}{}", self.what, tail(&self.log)))
    }
}

/// A child that is ended when dropped, whatever happened to us.
struct Guard(Child);

impl Guard {
    fn wait(&mut self, limit: Duration) -> Result<ExitStatus> {
        let deadline = Instant::now() + limit;
        loop {
            if let Some(status) = self.0.try_wait().context("waiting")? {
                return Ok(status);
            }
            if Instant::now() > deadline {
                return Err(Error::new(format!(
                    "did not end within {} s",
                    limit.as_secs()
                )));
            }
            thread::sleep(TICK);
        }
    }

    #[cfg(unix)]
    fn terminate(&mut self) {
        // Std can only kill. A shell has `kill` built in.
        let _ = Command::new("sh")
            .args(["-c", &format!("kill -TERM {}", self.0.id())])
            .status();
    }

    #[cfg(not(unix))]
    fn terminate(&mut self) {
        let _ = self.0.kill();
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        if matches!(self.0.try_wait(), Ok(Some(_))) {
            return;
        }
        // Asked first, so that a browser's driver takes its browser along.
        self.terminate();
        if self.wait(GRACE).is_err() {
            let _ = self.0.kill();
            let _ = self.0.wait();
        }
    }
}

/// A port of the loopback that was free a moment ago, for programs that cannot
/// report one of the kernel's choice.
pub(crate) fn free_port() -> Result<u16> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("finding a free port")?;
    Ok(listener.local_addr().context("finding a free port")?.port())
}

fn create_log(log: &Path) -> Result<File> {
    // Appending keeps two writers from overwriting each other.
    fs::write(log, "").context(format!("creating {}", log.display()))?;
    OpenOptions::new()
        .append(true)
        .open(log)
        .context(format!("opening {}", log.display()))
}

fn tail(log: &Path) -> String {
    let text = fs::read(log).unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    let lines: Vec<&str> = text.lines().collect();
    if lines.is_empty() {
        return String::new();
    }
    let end = lines[lines.len().saturating_sub(TAIL_LINES)..].join("\n  ");
    format!("\nthe end of {}:\n  {end}", log.display())
}

fn describe(command: &Command) -> String {
    let mut words = vec![command.get_program().to_string_lossy()];
    words.extend(command.get_args().map(std::ffi::OsStr::to_string_lossy));
    words.join(" ")
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    fn shell(script: &str) -> Command {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        command
    }

    #[test]
    fn a_failure_quotes_the_log() {
        let workspace = Workspace::for_tests();
        let mut command = shell("echo to stdout; echo to stderr >&2; exit 3");
        let why = run(&workspace, "xtask unit failing", &mut command, GRACE).expect_err("exit 3");
        let why = why.to_string();
        assert!(
            why.contains("to stdout") && why.contains("to stderr") && why.contains('3'),
            "{why}"
        );
    }

    #[test]
    fn a_command_that_hangs_is_ended() {
        let workspace = Workspace::for_tests();
        let start = Instant::now();
        let mut command = shell("exec sleep 60");
        let limit = Duration::from_millis(100);
        assert!(run(&workspace, "xtask unit hanging", &mut command, limit).is_err());
        assert!(start.elapsed() < GRACE);
    }

    #[test]
    fn a_dropped_service_is_gone() {
        let workspace = Workspace::for_tests();
        let mut command = shell("trap '' TERM; echo $$; while :; do sleep 0.1; done");
        let mut service =
            Service::start(&workspace, "xtask unit stubborn", &mut command).expect("starts");
        let pid: u32 = service
            .wait_for(GRACE, |line| line.parse().ok())
            .expect("prints its id");
        let alive = || {
            shell(&format!("kill -0 {pid}"))
                .stderr(Stdio::null())
                .status()
        };
        assert!(alive().expect("sh runs").success());
        drop(service);
        assert!(!alive().expect("sh runs").success());
    }

    #[test]
    fn a_service_that_ends_early_is_told() {
        let workspace = Workspace::for_tests();
        let mut command = shell("echo port in use >&2; exit 1");
        let mut service =
            Service::start(&workspace, "xtask unit early", &mut command).expect("starts");
        let why = service
            .wait_for(GRACE, |_| None::<()>)
            .expect_err("it ended");
        assert!(why.to_string().contains("port in use"), "{why}");
    }
}
