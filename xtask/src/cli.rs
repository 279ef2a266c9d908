//! The command line.

use crate::bench;
use crate::error::{Error, Result};
use crate::part::{PARTS, Part};

pub(crate) enum Command {
    Help,
    Run(Options),
    Bench(bench::Request),
}

/// What to run, and against what.
#[derive(Default)]
pub(crate) struct Options {
    pub(crate) parts: Vec<&'static Part>,
    /// Run the long groups too.
    pub(crate) full: bool,
    /// A command that stands in for `longwire`.
    pub(crate) server: Option<Vec<String>>,
    /// A command that stands in for `interop-testee`.
    pub(crate) client: Option<Vec<String>>,
}

/// Reads the arguments after the program's name.
pub(crate) fn parse(args: impl Iterator<Item = String>) -> Result<Command> {
    let mut args = args;
    let interop_only = match args.next().as_deref() {
        Some("test") => false,
        Some("interop") => true,
        Some("bench") => {
            let request = bench::Request::parse(args)?;
            return Ok(request.map_or(Command::Help, Command::Bench));
        }
        None | Some("help" | "--help" | "-h") => return Ok(Command::Help),
        Some(other) => return Err(Error::new(format!("there is no command '{other}'"))),
    };

    let mut options = Options::default();
    let mut names = Vec::new();
    while let Some(arg) = args.next() {
        match arg.as_str() {
            "--help" | "-h" => return Ok(Command::Help),
            "--full" => options.full = true,
            "--server" => options.server = Some(words(&arg, args.next().as_deref())?),
            "--client" => options.client = Some(words(&arg, args.next().as_deref())?),
            option if option.starts_with('-') => {
                return Err(Error::new(format!("there is no option '{option}'")));
            }
            _ => names.push(arg),
        }
    }
    options.parts = select(&names, interop_only, options.full)?;
    Ok(Command::Run(options))
}

fn words(option: &str, value: Option<&str>) -> Result<Vec<String>> {
    let words: Vec<String> = value
        .unwrap_or_default()
        .split_whitespace()
        .map(str::to_owned)
        .collect();
    if words.is_empty() {
        return Err(Error::new(format!("{option} takes a command")));
    }
    Ok(words)
}

/// The parts of that name, or with that word in their name: `websockets` is
/// both `server-websockets` and `client-websockets`. A part that is named runs
/// even when it otherwise belongs to `--full`.
fn select(names: &[String], interop_only: bool, full: bool) -> Result<Vec<&'static Part>> {
    let eligible = |part: &&Part| part.interop || !interop_only;
    let named =
        |part: &Part, name: &str| part.name == name || part.name.split('-').any(|w| w == name);
    if let Some(unknown) = names
        .iter()
        .find(|name| !PARTS.iter().filter(eligible).any(|part| named(part, name)))
    {
        return Err(Error::new(format!("there is no part '{unknown}'")));
    }
    Ok(PARTS
        .iter()
        .filter(eligible)
        .filter(|part| match names {
            [] => full || !part.long,
            _ => names.iter().any(|name| named(part, name)),
        })
        .collect())
}

pub(crate) fn help() -> String {
    let mut help = String::from(
        "\
cargo xtask test [--full] [PART...]      every check, as CI runs them
cargo xtask interop [--full] [PART...]   only other people's suites, clients and servers
cargo xtask bench [SCENARIO...]          ours and its peers, measured side by side
cargo xtask bench --counts               the instructions of the hot paths

What is missing is set up under target/interop: Python and npm packages at
pinned versions, and Debian packages where that may be done. A part whose needs
cannot be had fails and says what to install; none is skipped.

Options:
  --full         run the long parts too
  --server CMD   test CMD in place of `longwire`; it takes `echo --listen ADDR:PORT
                 [--subprotocol NAME]...`, as interop/node/echo_server.mjs does
  --client CMD   test CMD in place of `interop-testee`

Parts, by name or by a word of it (`autobahn`, `server`, `websockets`):
",
    );
    for part in PARTS {
        let long = if part.long { " (--full)" } else { "" };
        help += &format!("  {:<20} {}{long}\n", part.name, part.about);
    }
    help + "\n" + &bench::help()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse_line(line: &str) -> Result<Command> {
        parse(line.split_whitespace().map(str::to_owned))
    }

    fn names(line: &str) -> Vec<&'static str> {
        match parse_line(line) {
            Ok(Command::Run(options)) => options.parts.iter().map(|part| part.name).collect(),
            Ok(_) => panic!("no parts"),
            Err(why) => panic!("{why}"),
        }
    }

    #[test]
    fn a_word_names_all_that_have_it() {
        assert_eq!(
            names("interop autobahn"),
            ["autobahn-server", "autobahn-worker", "autobahn-client"]
        );
        assert_eq!(
            names("test websockets"),
            ["server-websockets", "client-websockets"]
        );
    }

    #[test]
    fn long_parts_run_when_asked_for() {
        assert!(!names("test").contains(&"server-okhttp"));
        assert!(names("test --full").contains(&"server-okhttp"));
        assert_eq!(names("test okhttp"), ["server-okhttp"]);
    }

    #[test]
    fn interop_leaves_the_checks_out() {
        assert!(names("test").contains(&"fmt"));
        assert!(!names("interop").contains(&"fmt"));
        assert!(parse_line("interop fmt").is_err());
    }

    #[test]
    fn typing_errors_are_told() {
        assert!(parse_line("tset").is_err());
        assert!(parse_line("test --ful").is_err());
        assert!(parse_line("test autoban").is_err());
        assert!(parse_line("test --server").is_err());
    }
}
