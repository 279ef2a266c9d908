//! One entry for every check, the same by hand and in CI: `cargo xtask test`.

mod autobahn;
mod bench;
mod checks;
mod cli;
mod error;
mod network;
mod page;
mod part;
mod process;
mod runner;
mod setup;
mod strangers;
mod workspace;

use std::process::ExitCode;

use cli::Command;
use workspace::Workspace;

fn main() -> ExitCode {
    let command = match cli::parse(std::env::args().skip(1)) {
        Ok(command) => command,
        Err(why) => return usage(&why),
    };
    let passed = match command {
        Command::Help => {
            print!("{}", cli::help());
            true
        }
        Command::Run(options) => match Workspace::locate(&options) {
            Ok(workspace) => runner::run(&workspace, &options.parts),
            Err(why) => return usage(&why),
        },
        Command::Bench(request) => match bench::run(&request) {
            Ok(()) => true,
            Err(why) => {
                eprintln!("xtask: {why}");
                false
            }
        },
    };
    if passed {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

fn usage(why: &error::Error) -> ExitCode {
    eprintln!("xtask: {why}\nSee `cargo xtask --help`.");
    ExitCode::from(2)
}
