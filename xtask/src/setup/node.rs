//! Node and its WebSocket packages.

use std::fs;
use std::path::Path;
use std::process::Command;

use super::{INSTALL_LIMIT, ask, find_on_path, read, version};
use crate::error::{Error, Result, ResultExt as _};
use crate::process;
use crate::workspace::Workspace;

/// What the pinned packages need.
const OLDEST: [u32; 3] = [20, 18, 1];

/// The command `node`, in `interop/node`.
pub(crate) fn with_packages(workspace: &Workspace) -> Result<Command> {
    in_folder(workspace, &workspace.interop("node"))
}

/// The command `node`, in `bench/node`.
pub(crate) fn of_bench(workspace: &Workspace) -> Result<Command> {
    in_folder(workspace, &workspace.bench("node"))
}

/// The command `node`, in a folder where the packages of its lock file are.
fn in_folder(workspace: &Workspace, folder: &Path) -> Result<Command> {
    let missing = || Error::new("install Node 20.18.1 or later, with npm");
    let node = find_on_path(&["node"]).ok_or_else(missing)?;
    let printed = ask(workspace, &node, &["--version"]);
    if printed
        .and_then(|it| version(&it))
        .is_none_or(|version| version < OLDEST.to_vec())
    {
        return Err(missing());
    }

    // Beside the scripts, because that is where Node looks for what they import.
    let lock = read(&folder.join("package-lock.json"))?;
    let installed = folder.join("node_modules/.installed-from");
    if !fs::read_to_string(&installed).is_ok_and(|from| from == lock) {
        println!("    npm ci in {}", folder.display());
        let npm = find_on_path(&["npm"]).ok_or_else(missing)?;
        let mut ci = Command::new(npm);
        ci.args(["ci", "--ignore-scripts"]).current_dir(folder);
        process::run(workspace, "npm ci", &mut ci, INSTALL_LIMIT)?;
        fs::write(&installed, lock).context(format!("writing {}", installed.display()))?;
    }
    let mut command = Command::new(node);
    command.current_dir(folder);
    Ok(command)
}
