//! Where the program keeps what outlives it.

use std::{env, path::PathBuf};

/// `$XDG_STATE_HOME/longwire/NAME`, by default in `~/.local/state` (XDG Base
/// Directory Specification); on Windows in `%LOCALAPPDATA%`.
pub(super) fn file(name: &str) -> Option<PathBuf> {
    let folder = |variable| {
        env::var_os(variable)
            .map(PathBuf::from)
            .filter(|path| path.is_absolute())
    };
    let state = folder("XDG_STATE_HOME")
        .or_else(|| folder("LOCALAPPDATA"))
        .or_else(|| folder("HOME").map(|home| home.join(".local/state")))?;
    Some(state.join("longwire").join(name))
}
