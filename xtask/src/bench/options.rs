//! The command line of `cargo xtask bench`.

use std::path::PathBuf;

use super::scenario::{GROUPS, Group, Scenario};
use super::server::{self, QUICK, Server};
use crate::error::{Error, Result};

/// What is asked for.
pub(crate) enum Request {
    Measure(Options),
    /// Every server once, for some messages.
    Smoke,
    /// The instructions of the hot paths, compared with those that were written
    /// down, or written down.
    Counts {
        update: bool,
    },
}

/// What to measure, and how long.
pub(crate) struct Options {
    pub(crate) groups: Vec<&'static Group>,
    pub(crate) servers: Vec<Server>,
    /// A minute's look.
    pub(crate) quick: bool,
    /// How often each server has its turns.
    pub(crate) rounds: usize,
    /// How long it has them in each round, in seconds.
    pub(crate) seconds: f64,
    /// The tables are written in the document: everything was measured.
    pub(crate) writes: bool,
    /// The command, to be told beside the tables.
    pub(crate) line: String,
}

impl Request {
    /// Reads the arguments after `bench`; none if help is asked for.
    pub(crate) fn parse(args: impl Iterator<Item = String>) -> Result<Option<Request>> {
        let mut args = args;
        let mut given = Given::default();
        while let Some(arg) = args.next() {
            if matches!(arg.as_str(), "--help" | "-h") {
                return Ok(None);
            }
            given.take(arg, &mut args)?;
        }
        given.request().map(Some)
    }
}

impl Options {
    /// Everything once, as short as it gets.
    pub(crate) fn smoke() -> Result<Options> {
        let mut options = Given::default().options()?;
        options.rounds = 1;
        options.seconds = 0.1;
        options.writes = false;
        Ok(options)
    }

    /// The scenarios of a group that are measured.
    pub(crate) fn scenarios(&self, group: &'static Group) -> Vec<&'static Scenario> {
        let scenarios = group.scenarios.iter();
        scenarios
            .filter(|scenario| scenario.quick || !self.quick)
            .collect()
    }
}

/// What stood on the command line.
#[derive(Default)]
struct Given {
    quick: bool,
    mode: Mode,
    update: bool,
    rounds: Option<f64>,
    seconds: Option<f64>,
    servers: Option<Vec<String>>,
    uws: Option<PathBuf>,
    groups: Vec<String>,
}

#[derive(Default)]
enum Mode {
    #[default]
    Measure,
    Smoke,
    Counts,
}

impl Given {
    fn take(&mut self, arg: String, rest: &mut impl Iterator<Item = String>) -> Result {
        let mut value = || {
            let value = rest.next();
            value.ok_or_else(|| Error::new(format!("{arg} takes a value")))
        };
        match arg.as_str() {
            "--quick" => self.quick = true,
            "--smoke" => self.mode = Mode::Smoke,
            "--counts" => self.mode = Mode::Counts,
            "--update" => self.update = true,
            "--rounds" => self.rounds = Some(number(&arg, &value()?)?),
            "--seconds" => self.seconds = Some(number(&arg, &value()?)?),
            "--servers" => self.servers = Some(value()?.split(',').map(str::to_owned).collect()),
            "--uws" => self.uws = Some(value()?.into()),
            option if option.starts_with('-') => {
                return Err(Error::new(format!("there is no option '{option}'")));
            }
            _ => self.groups.push(arg),
        }
        Ok(())
    }

    fn request(self) -> Result<Request> {
        match self.mode {
            Mode::Counts => Ok(Request::Counts {
                update: self.update,
            }),
            _ if self.update => Err(Error::new("--update belongs to --counts")),
            Mode::Smoke => Ok(Request::Smoke),
            Mode::Measure => self.options().map(Request::Measure),
        }
    }

    fn options(self) -> Result<Options> {
        let line = self.line();
        let mut servers = match &self.servers {
            Some(names) => server::named(names)?,
            None if self.quick => server::named(&QUICK.map(str::to_owned))?,
            None => server::all(),
        };
        servers.extend(self.uws.as_deref().map(Server::u_web_sockets));
        let (rounds, seconds) = if self.quick { (3.0, 0.6) } else { (3.0, 0.75) };
        Ok(Options {
            groups: select(&self.groups, self.quick)?,
            servers,
            quick: self.quick,
            rounds: self.rounds.unwrap_or(rounds).ceil() as usize,
            seconds: self.seconds.unwrap_or(seconds),
            writes: !self.quick && self.servers.is_none(),
            line,
        })
    }

    /// The command that does the same, without its scenarios.
    fn line(&self) -> String {
        let mut line = "cargo xtask bench".to_owned();
        for (option, number) in [("--rounds", self.rounds), ("--seconds", self.seconds)] {
            if let Some(number) = number {
                line = format!("{line} {option} {number}");
            }
        }
        if self.uws.is_some() {
            // Where it stands is of no use to anybody else.
            line += " --uws PROGRAM";
        }
        line
    }
}

fn number(option: &str, text: &str) -> Result<f64> {
    let number = text
        .parse()
        .ok()
        .filter(|number| (0.1..=600.0).contains(number));
    number.ok_or_else(|| Error::new(format!("{option} takes a number up to 600")))
}

fn select(names: &[String], quick: bool) -> Result<Vec<&'static Group>> {
    if let Some(unknown) = names
        .iter()
        .find(|name| GROUPS.iter().all(|group| group.name != **name))
    {
        return Err(Error::new(format!("there is no scenario '{unknown}'")));
    }
    let named = |group: &&Group| names.is_empty() || names.iter().any(|name| name == group.name);
    let any = |group: &&Group| !quick || group.scenarios.iter().any(|scenario| scenario.quick);
    Ok(GROUPS.iter().filter(named).filter(any).collect())
}

pub(crate) fn help() -> String {
    let mut help = String::from(
        "\
Options of bench:
  --quick           a minute's look at the first peers; nothing is written
  --servers A,B,... measure only these; nothing is written
  --rounds N        how often each server has its turns beside the limit (3)
  --seconds S       how long it has them in each round (0.75)
  --uws PROGRAM     measure an echo server of uWebSockets too; it gets the port as
                    its only argument
  --smoke           every server once, for some messages: does it work at all
  --counts          the instructions of the hot paths, by valgrind, compared with
                    bench/counts.json
  --counts --update writes that file

Only the tables of the scenarios that are named are written, so that a run can be
made in pieces.

Scenarios of bench:
",
    );
    for group in GROUPS {
        help += &format!("  {:<12} {}\n", group.name, group.title);
    }
    help += "\nServers of bench:\n ";
    for server in server::all() {
        help = help + " " + &server.name;
    }
    help + "\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Result<Options> {
        let parsed = Request::parse(line.split_whitespace().map(str::to_owned))?;
        match parsed {
            Some(Request::Measure(options)) => Ok(options),
            _ => Err(Error::new("nothing is measured")),
        }
    }

    #[test]
    fn only_whole_results_are_written_down() {
        let writes = |line: &str| parse(line).map(|options| options.writes).ok();
        assert_eq!(writes("echo"), Some(true));
        assert_eq!(writes("--quick"), Some(false));
        assert_eq!(writes("--servers raw,longwire"), Some(false));
    }

    #[test]
    fn the_command_is_told_without_private_paths() {
        let options = parse("--uws /home/me/echo --rounds 7 echo").expect("parses");
        assert_eq!(options.line, "cargo xtask bench --rounds 7 --uws PROGRAM");
        assert_eq!(options.rounds, 7);
        assert_eq!(options.groups.len(), 1);
        assert!(options.servers.iter().any(|it| it.name == "uWebSockets"));
    }

    #[test]
    fn typing_errors_are_told() {
        for wrong in [
            "--quik",
            "eco",
            "--rounds",
            "--rounds 0",
            "--servers rwa",
            "--update",
        ] {
            assert!(parse(wrong).is_err(), "{wrong}");
        }
    }
}
