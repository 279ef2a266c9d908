//! Where things are, and the programs under test.

use std::cell::OnceCell;
use std::env::consts::EXE_SUFFIX;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use crate::cli::Options;
use crate::error::{Error, Result, ResultExt as _};
use crate::process;

/// A build from nothing, with LTO, on a small machine.
const BUILD_LIMIT: Duration = Duration::from_secs(30 * 60);

/// The checkout, its caches, and what is tested.
pub(crate) struct Workspace {
    pub(crate) root: PathBuf,
    target: PathBuf,
    /// Run the long groups too.
    pub(crate) full: bool,
    server: Option<Vec<String>>,
    client: Option<Vec<String>>,
    /// The release build is made once, or fails once.
    built: OnceCell<std::result::Result<(), String>>,
}

impl Workspace {
    /// Asks cargo, so that every way of configuring the target folder is heeded.
    pub(crate) fn locate(options: &Options) -> Result<Self> {
        let output = cargo_command()
            .args(["metadata", "--no-deps", "--format-version", "1"])
            .current_dir(std::env::var_os("CARGO_MANIFEST_DIR").unwrap_or_else(|| ".".into()))
            .output()
            .context("running cargo metadata")?;
        let metadata: serde_json::Value =
            serde_json::from_slice(&output.stdout).context("reading cargo metadata")?;
        let folder = |key: &str| {
            metadata[key]
                .as_str()
                .map(PathBuf::from)
                .ok_or_else(|| Error::new(format!("cargo metadata has no {key}")))
        };
        Ok(Self {
            root: folder("workspace_root")?,
            target: folder("target_directory")?,
            full: options.full,
            server: options.server.clone(),
            client: options.client.clone(),
            built: OnceCell::new(),
        })
    }

    /// What `cargo xtask` sets up, kept between runs.
    pub(crate) fn cache(&self) -> PathBuf {
        self.target.join("interop")
    }

    /// An empty folder of that name for a part's results.
    pub(crate) fn fresh_folder(&self, name: &str) -> Result<PathBuf> {
        let folder = self.cache().join("run").join(name);
        if folder.exists() {
            fs::remove_dir_all(&folder).context(format!("emptying {}", folder.display()))?;
        }
        create_folder(&folder)?;
        Ok(folder)
    }

    /// Where the output of `what` goes.
    pub(crate) fn log(&self, what: &str) -> Result<PathBuf> {
        let folder = self.cache().join("logs");
        create_folder(&folder)?;
        let name: String = what
            .chars()
            .map(|c| if c.is_ascii_alphanumeric() { c } else { '-' })
            .collect();
        Ok(folder.join(name + ".log"))
    }

    /// A path below `interop/`.
    pub(crate) fn interop(&self, path: &str) -> PathBuf {
        self.root.join("interop").join(path)
    }

    /// A path below `bench/`.
    pub(crate) fn bench(&self, path: &str) -> PathBuf {
        self.root.join("bench").join(path)
    }

    /// The server under test, to be followed by its arguments.
    pub(crate) fn server(&self) -> Result<Command> {
        self.under_test(self.server.as_deref(), "longwire")
    }

    /// Whether another program stands in for the server.
    pub(crate) fn has_stand_in(&self) -> bool {
        self.server.is_some()
    }

    /// The client under test, to be followed by its arguments.
    pub(crate) fn client(&self) -> Result<Command> {
        self.under_test(self.client.as_deref(), "interop-testee")
    }

    fn under_test(&self, stand_in: Option<&[String]>, program: &str) -> Result<Command> {
        if let Some([program, arguments @ ..]) = stand_in {
            let mut command = Command::new(program);
            command.args(arguments).current_dir(&self.root);
            return Ok(command);
        }
        self.built
            .get_or_init(|| self.build().map_err(|why| why.to_string()))
            .as_ref()
            .map_err(Error::new)?;
        Ok(Command::new(program_in(&self.target, program)))
    }

    /// Builds `longwire` alone, and gives where it is.
    pub(crate) fn longwire(&self) -> Result<PathBuf> {
        self.cargo(
            &["build", "--release", "--locked", "-p", "longwire-server"],
            BUILD_LIMIT,
        )?;
        Ok(program_in(&self.target, "longwire"))
    }

    /// Where `bench/`, a workspace of its own, is built.
    pub(crate) fn bench_target(&self) -> PathBuf {
        self.target.join("bench")
    }

    /// Builds a program of `bench/`, and gives where it is.
    pub(crate) fn bench_program(&self, name: &str) -> Result<PathBuf> {
        let target = self.bench_target();
        let mut cargo = self.cargo_command();
        cargo
            .args(["build", "--release", "--locked", "-p", name])
            .args(["--manifest-path", "bench/Cargo.toml", "--target-dir"])
            .arg(&target);
        process::show(&mut cargo, BUILD_LIMIT)?;
        Ok(program_in(&target, name))
    }

    fn build(&self) -> Result {
        println!("    building the server and the client under test");
        self.cargo(
            &[
                "build",
                "--release",
                "--locked",
                "-p",
                "longwire-server",
                "-p",
                "interop-testee",
            ],
            BUILD_LIMIT,
        )
    }

    /// Runs cargo with its output shown as it comes.
    pub(crate) fn cargo(&self, arguments: &[&str], limit: Duration) -> Result {
        process::show(self.cargo_command().args(arguments), limit)
    }

    pub(crate) fn cargo_command(&self) -> Command {
        let mut cargo = cargo_command();
        cargo.current_dir(&self.root);
        cargo
    }

    #[cfg(test)]
    pub(crate) fn for_tests() -> Self {
        Self::locate(&Options::default()).expect("cargo metadata works in this checkout")
    }
}

fn program_in(target: &Path, program: &str) -> PathBuf {
    let program = format!("{program}{EXE_SUFFIX}");
    target.join("release").join(program)
}

/// The cargo that runs us.
fn cargo_command() -> Command {
    Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
}

pub(crate) fn create_folder(folder: &Path) -> Result {
    fs::create_dir_all(folder).context(format!("creating {}", folder.display()))
}
