//! cargo-deny, built once.

use std::path::{Path, PathBuf};

use super::{INSTALL_LIMIT, ask, cached, find_on_path};
use crate::error::Result;
use crate::process;
use crate::workspace::Workspace;

const VERSION: &str = "0.20.2";

pub(crate) fn program(workspace: &Workspace) -> Result<PathBuf> {
    if let Some(found) = find_on_path(&["cargo-deny"])
        && ask(workspace, &found, &["--version"]).is_some_and(|it| it.ends_with(VERSION))
    {
        return Ok(found);
    }
    let folder = cached(workspace, "cargo-deny", &[VERSION], |folder| {
        install(workspace, folder)
    })?;
    Ok(folder
        .join("bin")
        .join(format!("cargo-deny{}", std::env::consts::EXE_SUFFIX)))
}

fn install(workspace: &Workspace, folder: &Path) -> Result {
    let mut cargo = workspace.cargo_command();
    cargo
        .args(["install", "--locked", "cargo-deny", "--version", VERSION, "--root"])
        .arg(folder)
        // It runs for a second and compiles for minutes: optimise it little.
        .env("CARGO_PROFILE_RELEASE_OPT_LEVEL", "1")
        .env("CARGO_PROFILE_RELEASE_LTO", "off")
        .env("CARGO_PROFILE_RELEASE_CODEGEN_UNITS", "16")
        // A folder of its own: the workspace's lock and cache are not touched.
        .env("CARGO_TARGET_DIR", folder.join("build"));
    process::run(
        workspace,
        "cargo install cargo-deny",
        &mut cargo,
        INSTALL_LIMIT,
    )?;
    // Half a gigabyte that is not needed again; a leftover does no harm.
    let _ = std::fs::remove_dir_all(folder.join("build"));
    Ok(())
}
