//! The chat page of `longwire serve`: its logic in Node, and all of it in a
//! real browser.

use std::process::Command;
use std::time::Duration;

use crate::error::{Error, Result};
use crate::process::{self, Service};
use crate::setup::{browser::CHROMIUM, node};
use crate::workspace::Workspace;

const START_LIMIT: Duration = Duration::from_secs(20);
const LOGIC_LIMIT: Duration = Duration::from_secs(2 * 60);
/// A minute, of which the page spends a quarter on noticing a silent link.
const CHAT_LIMIT: Duration = Duration::from_secs(5 * 60);

/// The page's modules without a browser.
pub(crate) fn logic(workspace: &Workspace) -> Result<String> {
    let mut tests = node::with_packages(workspace)?;
    tests
        .args(["--test", "--test-reporter=tap", "tests/"])
        .current_dir(workspace.root.join("crates/longwire-server/pages"));
    let output = process::run(workspace, "page-logic", &mut tests, LOGIC_LIMIT)?;
    match count(&output, "# pass ") {
        0 => Err(Error::new("node ran no test")),
        passed => Ok(format!("{passed} tests")),
    }
}

/// Two people chat, in two contexts of a browser, through a server of ours.
pub(crate) fn chat(workspace: &Workspace) -> Result<String> {
    let mut server = workspace.server()?;
    server.args(["serve", "--listen", "127.0.0.1:0"]);
    let mut server = Service::start(workspace, "page-chat longwire", &mut server)?;
    let url = server.wait_for(START_LIMIT, find_page)?;

    let mut script: Command = node::with_packages(workspace)?;
    script
        .arg("../browser/chat.mjs")
        .env("BASE_URL", url)
        .env(CHROMIUM.variable, CHROMIUM.program(workspace)?)
        .env("OUT_DIR", workspace.fresh_folder("page-chat")?);
    let output = process::run(workspace, "page-chat", &mut script, CHAT_LIMIT)?;
    let steps = output
        .lines()
        .rev()
        .find_map(|line| line.split_once(" passed"));
    match steps {
        Some((passed, _)) if passed != "0" => Ok(format!("{passed} steps")),
        _ => Err(Error::new("the browser took no step")),
    }
}

/// The `http://127.0.0.1:PORT/` in a line of output.
fn find_page(line: &str) -> Option<String> {
    let url = &line[line.find("http://127.0.0.1:")?..];
    let url = url.split_whitespace().next()?;
    Some(url.to_owned())
}

/// The number after `label` in a line of its own.
fn count(output: &str, label: &str) -> u32 {
    output
        .lines()
        .find_map(|line| line.strip_prefix(label)?.trim().parse().ok())
        .unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_is_found_in_a_sentence() {
        assert_eq!(
            find_page("Chat:     http://127.0.0.1:4711/   (open it)").as_deref(),
            Some("http://127.0.0.1:4711/")
        );
        assert_eq!(find_page("Channels: ws://127.0.0.1:4711/"), None);
    }

    #[test]
    fn the_count_is_a_line_of_its_own() {
        assert_eq!(count("# tests 3\n# pass 2\n", "# pass "), 2);
        assert_eq!(count("nothing # pass 2", "# pass "), 0);
    }
}
