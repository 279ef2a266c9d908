//! Python 3 and its WebSocket packages.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::{INSTALL_LIMIT, ask, cached, debian, find_on_path, read, version};
use crate::error::{Error, Result};
use crate::process;
use crate::workspace::Workspace;

/// What the pinned packages need.
const OLDEST: [u32; 2] = [3, 11];
const NAMES: [&str; 5] = [
    "python3",
    "python3.14",
    "python3.13",
    "python3.12",
    "python3.11",
];

/// The interpreter of a virtual environment with `interop/python/requirements.txt`.
pub(crate) fn with_packages(workspace: &Workspace) -> Result<PathBuf> {
    let requirements = workspace.interop("python/requirements.txt");
    let (python, version) = interpreter(workspace)?;
    let key = [&read(&requirements)?, version.as_str()];
    let folder = cached(workspace, "python", &key, |folder| {
        create_environment(workspace, &python, folder)?;
        let mut pip = Command::new(program(folder, "python"));
        pip.args(["-m", "pip", "install", "--disable-pip-version-check", "-r"])
            .arg(&requirements);
        process::run(workspace, "pip install", &mut pip, INSTALL_LIMIT)?;
        Ok(())
    })?;
    Ok(program(&folder, "python"))
}

/// A Python 3 that can make virtual environments, and its version.
pub(super) fn interpreter(workspace: &Workspace) -> Result<(PathBuf, String)> {
    let found = NAMES
        .iter()
        .filter_map(|name| find_on_path(&[name]))
        .find_map(|python| {
            let printed = ask(workspace, &python, &["--version"])?;
            (version(&printed)? >= OLDEST.to_vec()).then_some((python, printed))
        });
    let Some((python, version)) = found else {
        return Err(Error::new("install Python 3.11 or later as python3"));
    };
    // Debian ships the module that makes environments in a package of its own.
    if ask(workspace, &python, &["-c", "import ensurepip"]).is_none() {
        debian::install(workspace, &["python3-venv"])?;
    }
    Ok((python, version))
}

pub(super) fn create_environment(workspace: &Workspace, python: &Path, folder: &Path) -> Result {
    let mut venv = Command::new(python);
    venv.args(["-m", "venv"]).arg(folder);
    process::run(workspace, "python -m venv", &mut venv, INSTALL_LIMIT)?;
    Ok(())
}

/// A program of a virtual environment.
pub(super) fn program(environment: &Path, name: &str) -> PathBuf {
    let folder = if cfg!(windows) { "Scripts" } else { "bin" };
    environment
        .join(folder)
        .join(format!("{name}{}", std::env::consts::EXE_SUFFIX))
}
