//! Debian's packages: installed where that may be done, or unpacked into the
//! cache, which needs no rights and changes nothing outside.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use super::{ASK_LIMIT, INSTALL_LIMIT, cached, find_on_path};
use crate::error::{Error, Result, ResultExt as _};
use crate::process;
use crate::workspace::{Workspace, create_folder};

const KEYRING: &str = "/usr/share/keyrings/debian-archive-keyring.gpg";

/// Installs packages system-wide, as root on Debian and its kin.
pub(super) fn install(workspace: &Workspace, packages: &[&str]) -> Result {
    let names = packages.join(" ");
    if find_on_path(&["apt-get"]).is_none() {
        return Err(Error::new(format!("install what Debian calls {names}")));
    }
    if !is_root(workspace) {
        return Err(Error::new(format!("run, as root: apt-get install {names}")));
    }
    static UPDATED: OnceLock<()> = OnceLock::new();
    UPDATED.get_or_init(|| {
        // A third party's list may fail; what is missing shows in the install.
        let mut update = Command::new("apt-get");
        let _ = process::run(
            workspace,
            "apt-get update",
            update.arg("update"),
            INSTALL_LIMIT,
        );
    });
    println!("    apt-get install {names}");
    let mut command = Command::new("apt-get");
    command
        .args(["install", "-y", "--no-install-recommends"])
        .args(packages)
        .env("DEBIAN_FRONTEND", "noninteractive");
    process::run(workspace, "apt-get install", &mut command, INSTALL_LIMIT)?;
    Ok(())
}

/// The server `name`: what is installed, or Debian's package unpacked, because
/// installing it would start it.
pub(crate) fn server(workspace: &Workspace, name: &str) -> Result<PathBuf> {
    if let Some(found) = find_on_path(&[name]) {
        return Ok(found);
    }
    // Outside the PATH of many users.
    let installed = Path::new("/usr/sbin").join(name);
    if installed.exists() {
        return Ok(installed);
    }
    let root = unpack(workspace, name, None, &[name])
        .map_err(|why| Error::new(format!("install {name}\n{why}")))?;
    Ok(root.join("usr/sbin").join(name))
}

/// Downloads packages of this release, or of `suite`, and unpacks them into the
/// cache. Answers with the folder that stands for `/`.
pub(super) fn unpack(
    workspace: &Workspace,
    name: &str,
    suite: Option<&str>,
    packages: &[&str],
) -> Result<PathBuf> {
    if find_on_path(&["apt-get"]).is_none() || find_on_path(&["dpkg"]).is_none() {
        return Err(Error::new("this is not Debian"));
    }
    let key = [suite.unwrap_or_default(), &packages.join(" ")];
    let folder = cached(workspace, name, &key, |folder| {
        let mut apt = Apt::of_this_release(workspace, &folder.join("apt"))?;
        if let Some(suite) = suite {
            let mirror = apt.mirror()?;
            apt = Apt::of_suite(workspace, &folder.join("apt-suite"), &mirror, suite)?;
        }
        let downloads = folder.join("packages");
        create_folder(&downloads)?;
        let mut download = apt.command("apt-get");
        download
            .arg("download")
            .args(packages)
            .current_dir(&downloads);
        process::run(workspace, "apt-get download", &mut download, INSTALL_LIMIT)?;
        extract(workspace, &downloads, &folder.join("root"))
    })?;
    Ok(folder.join("root"))
}

/// The version of a package that this release has, without Debian's own part.
pub(crate) fn candidate(workspace: &Workspace, package: &str) -> Option<String> {
    let mut policy = Command::new("apt-cache");
    policy.args(["policy", package]);
    let answer = process::run(workspace, "apt-cache policy", &mut policy, ASK_LIMIT).ok()?;
    let line = answer.lines().map(str::trim);
    let full = line
        .filter_map(|line| line.strip_prefix("Candidate: "))
        .next()?;
    upstream(full).map(str::to_owned)
}

/// `4.1.48` of `1:4.1.48-7+deb12u2`.
fn upstream(version: &str) -> Option<&str> {
    let version = version.split_once(':').map_or(version, |(_, rest)| rest);
    let end = version.find(|c: char| !c.is_ascii_digit() && c != '.');
    Some(&version[..end.unwrap_or(version.len())]).filter(|version| !version.is_empty())
}

fn extract(workspace: &Workspace, downloads: &Path, root: &Path) -> Result {
    for entry in fs::read_dir(downloads).context("reading the packages")? {
        let package = entry.context("reading the packages")?.path();
        let mut dpkg = Command::new("dpkg");
        dpkg.arg("-x").arg(package).arg(root);
        process::run(workspace, "dpkg -x", &mut dpkg, INSTALL_LIMIT)?;
    }
    Ok(())
}

/// The folder name of this machine's kind, such as `x86_64-linux-gnu`.
pub(super) fn triplet(workspace: &Workspace) -> Result<String> {
    let mut gcc = Command::new("gcc");
    let answer = process::run(workspace, "gcc", gcc.arg("-print-multiarch"), ASK_LIMIT)?;
    Ok(answer.trim().to_owned())
}

fn is_root(workspace: &Workspace) -> bool {
    let mut id = Command::new("id");
    process::run(workspace, "id", id.arg("-u"), ASK_LIMIT).is_ok_and(|id| id.trim() == "0")
}

/// An apt with lists and caches of its own.
struct Apt<'a> {
    workspace: &'a Workspace,
    configuration: PathBuf,
}

impl<'a> Apt<'a> {
    /// With the sources that this machine is configured with.
    fn of_this_release(workspace: &'a Workspace, folder: &Path) -> Result<Self> {
        Self::new(workspace, folder, "")
    }

    /// With nothing but one suite of Debian, signed by Debian.
    fn of_suite(
        workspace: &'a Workspace,
        folder: &Path,
        mirror: &str,
        suite: &str,
    ) -> Result<Self> {
        if !Path::new(KEYRING).exists() {
            return Err(Error::new(format!("{KEYRING} is missing")));
        }
        create_folder(folder)?;
        let sources = folder.join("sources.list");
        let line = format!("deb [signed-by={KEYRING}] {mirror} {suite} main\n");
        fs::write(&sources, line).context(format!("writing {}", sources.display()))?;
        let settings = format!(
            "Dir::Etc::sourcelist {:?};\nDir::Etc::sourceparts \"-\";\n\
             Dir::Etc::preferencesparts \"/dev/null\";\n",
            sources.display().to_string()
        );
        Self::new(workspace, folder, &settings)
    }

    fn new(workspace: &'a Workspace, folder: &Path, settings: &str) -> Result<Self> {
        create_folder(&folder.join("state/lists/partial"))?;
        create_folder(&folder.join("cache/archives/partial"))?;
        let own = |name| folder.join(name).display().to_string();
        // What is installed must not count as a candidate, hence the empty status;
        // the sandbox setting spares root a warning about another user's rights.
        let settings = format!(
            "Dir::State {:?};\nDir::Cache {:?};\nDir::State::status \"/dev/null\";\n\
             APT::Sandbox::User \"root\";\nAcquire::Languages \"none\";\n{settings}",
            own("state"),
            own("cache"),
        );
        let configuration = folder.join("apt.conf");
        fs::write(&configuration, settings)
            .context(format!("writing {}", configuration.display()))?;
        let apt = Self {
            workspace,
            configuration,
        };
        // A third party's list may fail; what is missing shows in the download.
        let mut update = apt.command("apt-get");
        let _ = process::run(
            workspace,
            "apt-get update",
            update.arg("update"),
            INSTALL_LIMIT,
        );
        Ok(apt)
    }

    fn command(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        command.env("APT_CONFIG", &self.configuration);
        command
    }

    /// Where this machine gets Debian's packages from.
    fn mirror(&self) -> Result<String> {
        let mut targets = self.command("apt-get");
        targets.args([
            "indextargets",
            "--format",
            "$(REPO_URI)",
            "Created-By: Packages",
        ]);
        targets.args(["Origin: Debian", "Label: Debian"]);
        let mirrors = process::run(
            self.workspace,
            "apt-get indextargets",
            &mut targets,
            ASK_LIMIT,
        )?;
        mirrors
            .lines()
            .next()
            .map(str::to_owned)
            .ok_or_else(|| Error::new("this machine has no Debian mirror configured"))
    }
}

#[cfg(test)]
mod tests {
    use super::upstream;

    #[test]
    fn a_version_is_told_as_its_makers_tell_it() {
        assert_eq!(upstream("1:4.1.48-7+deb12u2"), Some("4.1.48"));
        assert_eq!(upstream("9.4.57-1.1~deb12u1"), Some("9.4.57"));
        assert_eq!(upstream("1:1.3.6+dfsg-2"), Some("1.3.6"));
        assert_eq!(upstream("(none)"), None);
    }
}
