//! What was measured where.

use std::fs;
use std::thread;

use serde_json::Value;

use super::server::{Package, Server};
use crate::error::{Result, ResultExt as _};
use crate::setup::debian;
use crate::workspace::Workspace;

/// The machine, in a line.
pub(crate) fn line() -> String {
    let cores = thread::available_parallelism().map_or(1, usize::from);
    let processor = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let processor = field(&processor, "model name").unwrap_or(std::env::consts::ARCH);
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    let kernel: String = kernel
        .chars()
        .take_while(|c| c.is_ascii_digit() || *c == '.')
        .collect();
    let system = match std::env::consts::OS {
        "linux" => "Linux",
        other => other,
    };
    format!("{processor}, {cores} cores, {system} {kernel}")
        .trim_end()
        .to_owned()
}

fn field<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    let value = text.lines().find_map(|line| line.strip_prefix(name))?;
    Some(value.trim_start_matches([' ', '\t', ':']).trim_end())
}

/// A server's name, with its version if it has one.
pub(crate) fn with_version(workspace: &Workspace, server: &Server) -> Result<String> {
    let version = match server.package {
        Package::None => None,
        Package::Cargo(package) => {
            let lock = read(workspace, "bench/Cargo.lock")?;
            newest_in_cargo_lock(&lock, package)
        }
        Package::Npm(package) => {
            let lock = read(workspace, "bench/node/package-lock.json")?;
            let lock: Value = serde_json::from_str(&lock).context("reading package-lock.json")?;
            let version = &lock["packages"][format!("node_modules/{package}")]["version"];
            version.as_str().map(str::to_owned)
        }
        Package::Debian(package) => debian::candidate(workspace, package),
    };
    Ok(match version {
        Some(version) => format!("{} {version}", server.name),
        None => server.name.clone(),
    })
}

fn read(workspace: &Workspace, path: &str) -> Result<String> {
    let path = workspace.root.join(path);
    fs::read_to_string(&path).context(format!("reading {}", path.display()))
}

/// A peer may depend on an older version of another peer; the newest is the one
/// that is measured. Packages stand in the order of their versions.
fn newest_in_cargo_lock(lock: &str, package: &str) -> Option<String> {
    let name = format!("name = \"{package}\"");
    let mut lines = lock.lines();
    let mut newest = None;
    while lines.by_ref().any(|line| line == name) {
        let version = lines
            .next()
            .and_then(|line| line.strip_prefix("version = "));
        newest = version.map(|version| version.trim_matches('"').to_owned());
    }
    newest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_version_is_measured() {
        let lock = "[[package]]\nname = \"a\"\nversion = \"0.29.0\"\n\n[[package]]\nname = \"a\"\n\
                    version = \"0.30.0\"\n\n[[package]]\nname = \"ab\"\nversion = \"1.0.0\"\n";
        assert_eq!(newest_in_cargo_lock(lock, "a").as_deref(), Some("0.30.0"));
        assert_eq!(newest_in_cargo_lock(lock, "b"), None);
    }

    #[test]
    fn the_machine_has_a_name() {
        assert!(line().contains("cores"));
        let text = "vendor_id\t: Maker\nmodel name\t: Model 9\nstepping\t: 2\n";
        assert_eq!(field(text, "model name"), Some("Model 9"));
    }
}
