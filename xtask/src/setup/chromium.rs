//! Chromium.

use std::path::PathBuf;

use super::{debian, find_on_path};
use crate::error::{Error, Result};
use crate::workspace::Workspace;

const NAMES: [&str; 4] = [
    "chromium",
    "chromium-browser",
    "google-chrome",
    "google-chrome-stable",
];

/// `$CHROMIUM`, or what is installed, or Debian's package.
pub(crate) fn program(workspace: &Workspace) -> Result<PathBuf> {
    if let Some(chosen) = std::env::var_os("CHROMIUM") {
        return Ok(chosen.into());
    }
    if let Some(found) = find_on_path(&NAMES) {
        return Ok(found);
    }
    debian::install(workspace, &["chromium"]).map_err(|why| {
        Error::new(format!(
            "install Chromium, or set CHROMIUM to a Chromium's path\n{why}"
        ))
    })?;
    find_on_path(&NAMES).ok_or_else(|| Error::new("Debian's chromium installs no chromium"))
}
