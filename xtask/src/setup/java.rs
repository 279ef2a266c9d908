//! The JDK, the libraries that our Java sources use, and those compiled.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::{INSTALL_LIMIT, ask, cached, debian, find_on_path, read, version};
use crate::error::{Error, Result, ResultExt as _};
use crate::process;
use crate::workspace::Workspace;

/// Pattern matching in our sources.
const OLDEST: [u32; 1] = [17];
const LIBRARIES: [&str; 2] = ["libokhttp-java", "libokio-java"];
const BENCH_LIBRARIES: [&str; 4] = [
    "libnetty-java",
    "libjetty9-java",
    "libjetty9-extra-java",
    "libservlet-api-java",
];
const BENCH_JARS: [&str; 17] = [
    "jetty9-http",
    "jetty9-io",
    "jetty9-server",
    "jetty9-servlet",
    "jetty9-util",
    "jetty9-websocket-api",
    "jetty9-websocket-common",
    "jetty9-websocket-server",
    "jetty9-websocket-servlet",
    "netty-buffer",
    "netty-codec",
    "netty-codec-http",
    "netty-common",
    "netty-handler",
    "netty-resolver",
    "netty-transport",
    "servlet-api",
];

/// Has a JVM keep little memory that it does not use.
pub(crate) const GIVES_MEMORY_BACK: [&str; 2] =
    ["-XX:MinHeapFreeRatio=10", "-XX:MaxHeapFreeRatio=20"];

/// The command `java` with a class path, to be followed by a class of `interop/java`.
pub(crate) fn with_classes(workspace: &Workspace) -> Result<Command> {
    let jars = jars(workspace, "okhttp", &LIBRARIES)?;
    let libraries = ["okhttp", "okio"].map(|name| jar(&jars, name));
    with_compiled(workspace, &workspace.interop("java"), &libraries)
}

/// The same for the classes of `bench/java`.
pub(crate) fn of_bench(workspace: &Workspace) -> Result<Command> {
    let jars = jars(workspace, "netty-and-jetty", &BENCH_LIBRARIES)?;
    let libraries = BENCH_JARS.map(|name| jar(&jars, name));
    with_compiled(workspace, &workspace.bench("java"), &libraries)
}

/// Where the jars of Debian's packages are.
fn jars(workspace: &Workspace, name: &str, packages: &[&str]) -> Result<PathBuf> {
    let root = debian::unpack(workspace, name, None, packages).map_err(|why| {
        let packages = packages.join(", ");
        Error::new(format!("{name} comes as Debian's {packages}\n{why}"))
    })?;
    Ok(root.join("usr/share/java"))
}

fn jar(folder: &Path, name: &str) -> PathBuf {
    folder.join(format!("{name}.jar"))
}

/// The command `java`, with the classes of a folder's sources and the libraries
/// that they need.
fn with_compiled(workspace: &Workspace, folder: &Path, libraries: &[PathBuf]) -> Result<Command> {
    let compiler = compiler(workspace)?;
    let sources = sources(folder)?;
    let texts = sources
        .iter()
        .map(|source| read(source))
        .collect::<Result<Vec<_>>>()?;
    let key: Vec<&str> = texts.iter().map(String::as_str).collect();
    let classes = cached(workspace, "java", &key, |folder| {
        let mut javac = Command::new(&compiler);
        javac
            .arg("-d")
            .arg(folder)
            .arg("-cp")
            .arg(class_path(libraries)?)
            .args(&sources);
        process::run(workspace, "javac", &mut javac, INSTALL_LIMIT)?;
        Ok(())
    })?;

    let mut java = Command::new(compiler.with_file_name("java"));
    java.arg("-cp")
        .arg(class_path(&[&[classes], libraries].concat())?);
    Ok(java)
}

fn compiler(workspace: &Workspace) -> Result<PathBuf> {
    let find = || {
        let found = find_on_path(&["javac"])?;
        let version = version(&ask(workspace, &found, &["-version"])?)?;
        (version >= OLDEST.to_vec()).then_some(found)
    };
    if let Some(found) = find() {
        return Ok(found);
    }
    debian::install(workspace, &["default-jdk-headless"])
        .map_err(|why| Error::new(format!("install a JDK, 17 or later\n{why}")))?;
    find().ok_or_else(|| Error::new("Debian's default JDK is too old: install a JDK, 17 or later"))
}

fn sources(folder: &Path) -> Result<Vec<PathBuf>> {
    let entries = fs::read_dir(folder).context(format!("reading {}", folder.display()))?;
    let mut sources: Vec<PathBuf> = entries
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| {
            path.extension()
                .is_some_and(|extension| extension == "java")
        })
        .collect();
    sources.sort();
    Ok(sources)
}

fn class_path(paths: &[PathBuf]) -> Result<std::ffi::OsString> {
    std::env::join_paths(paths).context("the class path")
}
