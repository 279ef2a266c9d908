//! Autobahn's `wstest`, which runs on CPython 2.7 only.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::{ASK_LIMIT, INSTALL_LIMIT, cached, debian, find_on_path, python3, read};
use crate::error::{Error, Result};
use crate::process;
use crate::workspace::Workspace;

/// The last Debian release with Python 2.7, and what of it is needed.
const DEBIAN_SUITE: &str = "bullseye";
const DEBIAN_PACKAGES: [&str; 10] = [
    "python2.7",
    "python2.7-minimal",
    "python2.7-dev",
    "libpython2.7",
    "libpython2.7-minimal",
    "libpython2.7-stdlib",
    "libpython2.7-dev",
    "libssl1.1",
    "libffi7",
    "libreadline8",
];

/// An interpreter, and the environment it runs in.
struct Python {
    program: PathBuf,
    environment: Vec<(&'static str, String)>,
}

impl Python {
    fn installed(program: PathBuf) -> Self {
        Self {
            program,
            environment: Vec::new(),
        }
    }

    fn command(&self, program: &Path) -> Command {
        let mut command = Command::new(program);
        command.envs(self.environment.iter().map(|(name, value)| (name, value)));
        command
    }

    /// Whether it is what its name says: pyenv's shims exist even for
    /// interpreters that are not chosen.
    fn works(&self, workspace: &Workspace) -> bool {
        let mut command = self.command(&self.program);
        command.args(["-c", "import sys, ssl; print(sys.version_info[:2])"]);
        process::run(workspace, "ask python2.7", &mut command, ASK_LIMIT)
            .is_ok_and(|answer| answer.contains("(2, 7)"))
    }
}

/// The command `wstest`, to be followed by its arguments.
pub(crate) fn wstest(workspace: &Workspace) -> Result<Command> {
    let python2 = find(workspace)?;
    let constraints = workspace.interop("autobahn/constraints.txt");
    let virtualenv = workspace.interop("autobahn/virtualenv.txt");
    let (python3, version) = python3::interpreter(workspace)?;
    let interpreter = python2.program.display().to_string();
    let key = [
        &read(&constraints)?,
        &read(&virtualenv)?,
        version.as_str(),
        &interpreter,
    ];
    let folder = cached(workspace, "autobahn", &key, |folder| {
        // Python 2.7 cannot make environments; an old virtualenv can, for it.
        let boot = folder.join("boot");
        python3::create_environment(workspace, &python3, &boot)?;
        let mut pip = Command::new(python3::program(&boot, "python"));
        pip.args(["-m", "pip", "install", "--disable-pip-version-check", "-r"])
            .arg(&virtualenv);
        process::run(workspace, "pip install virtualenv", &mut pip, INSTALL_LIMIT)?;

        let mut create = python2.command(&python3::program(&boot, "virtualenv"));
        create
            .arg("-p")
            .arg(&python2.program)
            .arg(folder.join("venv"));
        process::run(workspace, "virtualenv", &mut create, INSTALL_LIMIT)?;

        let mut pip = python2.command(&python3::program(&folder.join("venv"), "python"));
        pip.args(["-m", "pip", "install", "-c"])
            .arg(&constraints)
            .arg("autobahntestsuite");
        process::run(
            workspace,
            "pip install autobahntestsuite",
            &mut pip,
            INSTALL_LIMIT,
        )?;
        Ok(())
    })?;
    Ok(python2.command(&python3::program(&folder.join("venv"), "wstest")))
}

fn find(workspace: &Workspace) -> Result<Python> {
    if let Some(chosen) = std::env::var_os("PYTHON27") {
        let python = Python::installed(chosen.into());
        if python.works(workspace) {
            return Ok(python);
        }
        return Err(Error::new(
            "PYTHON27 is set, and names no working Python 2.7",
        ));
    }
    let installed = find_on_path(&["python2.7"]).into_iter().chain(of_pyenv());
    if let Some(python) = installed
        .map(Python::installed)
        .find(|python| python.works(workspace))
    {
        return Ok(python);
    }
    of_debian(workspace).map_err(|why| {
        Error::new(format!(
            "Autobahn's wstest needs CPython 2.7, and there is none. Install it (pyenv \
             has 2.7.18) and set PYTHON27 to its path.\nTo unpack Debian's was tried: {why}"
        ))
    })
}

/// The interpreters that pyenv keeps.
fn of_pyenv() -> Vec<PathBuf> {
    let root = std::env::var_os("PYENV_ROOT")
        .map(PathBuf::from)
        .or_else(|| {
            let home = std::env::home_dir()?;
            Some(home.join(".pyenv"))
        });
    let versions = root.and_then(|root| fs::read_dir(root.join("versions")).ok());
    versions
        .into_iter()
        .flatten()
        .filter_map(std::result::Result::ok)
        .filter(|entry| entry.file_name().to_string_lossy().starts_with("2.7"))
        .map(|entry| entry.path().join("bin/python2.7"))
        .collect()
}

/// Debian's last Python 2.7, unpacked into the cache: nothing is installed.
fn of_debian(workspace: &Workspace) -> Result<Python> {
    let root = debian::unpack(workspace, "python2.7", Some(DEBIAN_SUITE), &DEBIAN_PACKAGES)?;
    let usr = root.join("usr");
    let triplet = debian::triplet(workspace)?;
    let include = usr.join("include");
    let folders = [include.join("python2.7"), include.clone()].map(|it| it.display().to_string());
    let python = Python {
        program: usr.join("bin/python2.7"),
        environment: vec![
            (
                "LD_LIBRARY_PATH",
                usr.join("lib").join(triplet).display().to_string(),
            ),
            // Its own idea of where Python.h is remains /usr/include.
            ("CPATH", folders.join(":")),
        ],
    };
    if python.works(workspace) {
        return Ok(python);
    }
    Err(Error::new("Debian's Python 2.7 does not run here"))
}
