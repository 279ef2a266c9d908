//! Browsers.

use std::path::PathBuf;

use super::{debian, find_on_path};
use crate::error::{Error, Result};
use crate::workspace::Workspace;

pub(crate) struct Browser {
    /// The environment variable that chooses one.
    pub(crate) variable: &'static str,
    names: &'static [&'static str],
    package: &'static str,
}

pub(crate) const CHROMIUM: Browser = Browser {
    variable: "CHROMIUM",
    names: &[
        "chromium",
        "chromium-browser",
        "google-chrome",
        "google-chrome-stable",
    ],
    package: "chromium",
};

pub(crate) const FIREFOX: Browser = Browser {
    variable: "FIREFOX",
    names: &["firefox", "firefox-esr"],
    package: "firefox-esr",
};

impl Browser {
    /// The one that is chosen, or what is installed, or Debian's package.
    pub(crate) fn program(&self, workspace: &Workspace) -> Result<PathBuf> {
        let Browser {
            variable,
            names,
            package,
        } = self;
        if let Some(chosen) = std::env::var_os(variable) {
            return Ok(chosen.into());
        }
        if let Some(found) = find_on_path(names) {
            return Ok(found);
        }
        debian::install(workspace, &[package]).map_err(|why| {
            Error::new(format!(
                "install {package}, or set {variable} to its path\n{why}"
            ))
        })?;
        let missing = || Error::new(format!("Debian's {package} installs no {package}"));
        find_on_path(names).ok_or_else(missing)
    }
}
