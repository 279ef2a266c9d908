//! Sets up what the parts need, under the target folder, and keeps it there.

pub(crate) mod browser;
pub(crate) mod cargo_deny;
pub(crate) mod debian;
pub(crate) mod java;
pub(crate) mod namespaces;
pub(crate) mod nginx;
pub(crate) mod node;
pub(crate) mod proxies;
pub(crate) mod python2;
pub(crate) mod python3;
pub(crate) mod valgrind;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use crate::error::{Result, ResultExt as _};
use crate::process;
use crate::workspace::{Workspace, create_folder};

/// A download and perhaps a compilation, on a slow day.
const INSTALL_LIMIT: Duration = Duration::from_secs(15 * 60);
/// A question to a program.
const ASK_LIMIT: Duration = Duration::from_secs(30);

/// A folder of the cache that `make` filled once, and that is made anew when
/// any of `key` changes.
fn cached(
    workspace: &Workspace,
    name: &str,
    key: &[&str],
    make: impl FnOnce(&Path) -> Result,
) -> Result<PathBuf> {
    let folder = workspace.cache().join(format!("{name}-{:016x}", hash(key)));
    // Written last, so that a folder left half-made is not taken for a whole one.
    let complete = folder.join(".complete");
    if complete.exists() {
        return Ok(folder);
    }
    if folder.exists() {
        fs::remove_dir_all(&folder).context(format!("emptying {}", folder.display()))?;
    }
    create_folder(&folder)?;
    println!("    setting up {}", folder.display());
    make(&folder).context(format!("setting up {name}"))?;
    fs::write(&complete, "").context(format!("writing {}", complete.display()))?;
    Ok(folder)
}

/// FNV-1a: the same on every run and toolchain.
fn hash(parts: &[&str]) -> u64 {
    let separated = parts.iter().flat_map(|part| part.bytes().chain([0xff]));
    separated.fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}

fn read(path: &Path) -> Result<String> {
    fs::read_to_string(path).context(format!("reading {}", path.display()))
}

/// What a program prints of itself, or none when it does not run.
fn ask(workspace: &Workspace, program: &Path, arguments: &[&str]) -> Option<String> {
    let what = format!("ask {}", program.display());
    let mut command = Command::new(program);
    command.args(arguments);
    let answer = process::run(workspace, &what, &mut command, ASK_LIMIT).ok()?;
    Some(answer.trim().to_owned())
}

/// The first of these programs that the PATH has.
fn find_on_path(names: &[&str]) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    names.iter().find_map(|name| {
        std::env::split_paths(&path)
            .map(|folder| folder.join(format!("{name}{}", std::env::consts::EXE_SUFFIX)))
            .find(|program| program.is_file())
    })
}

/// The numbers of the first dotted version in `text`.
fn version(text: &str) -> Option<Vec<u32>> {
    let start = text.find(|c: char| c.is_ascii_digit())?;
    let digits = text[start..]
        .split(|c: char| !c.is_ascii_digit() && c != '.')
        .next()?;
    digits
        .split('.')
        .map(|number| number.parse().ok())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read_from_what_programs_print() {
        assert_eq!(version("v20.20.2"), Some(vec![20, 20, 2]));
        assert_eq!(version("Python 3.11.7"), Some(vec![3, 11, 7]));
        assert_eq!(version("javac 17.0.15"), Some(vec![17, 0, 15]));
        assert_eq!(version("openjdk 21-ea"), Some(vec![21]));
        assert_eq!(version("none"), None);
        assert!(version("v20.18.1") >= Some(vec![20, 18, 1]));
        assert!(version("v18.19.0") < Some(vec![20, 18, 1]));
    }

    #[test]
    fn a_changed_key_is_another_folder() {
        assert_ne!(hash(&["a", "b"]), hash(&["a", "c"]));
        assert_ne!(hash(&["ab", ""]), hash(&["a", "b"]));
        assert_eq!(hash(&["a", "b"]), hash(&["a", "b"]));
    }

    #[test]
    fn a_failed_set_up_is_not_kept() {
        let workspace = Workspace::for_tests();
        let fails = |_: &Path| Err(crate::error::Error::new("no network"));
        assert!(cached(&workspace, "xtask-unit", &["1"], fails).is_err());
        let made = cached(&workspace, "xtask-unit", &["1"], |folder| {
            fs::write(folder.join("file"), "").context("writing")
        });
        let made = made.expect("the second try makes it");
        assert!(made.join("file").exists());
        let again = cached(&workspace, "xtask-unit", &["1"], fails);
        assert_eq!(again.expect("made before"), made);
        fs::remove_dir_all(made).expect("it is there");
    }
}
