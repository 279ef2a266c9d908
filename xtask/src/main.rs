//! One entry for every check, the same by hand and in CI: `cargo xtask test`.

mod autobahn;
mod checks;
mod cli;
mod error;
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
    let options = match cli::parse(std::env::args().skip(1)) {
        Ok(Command::Help) => {
            print!("{}", cli::help());
            return ExitCode::SUCCESS;
        }
        Ok(Command::Run(options)) => options,
        Err(why) => {
            eprintln!("xtask: {why}\nSee `cargo xtask --help`.");
            return ExitCode::from(2);
        }
    };
    let workspace = match Workspace::locate(&options) {
        Ok(workspace) => workspace,
        Err(why) => {
            eprintln!("xtask: {why}");
            return ExitCode::from(2);
        }
    };
    if runner::run(&workspace, &options.parts) {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}
