//! The JDK, OkHttp's library, and our Java sources compiled.

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

/// The command `java` with a class path, to be followed by a class of `interop/java`.
pub(crate) fn with_classes(workspace: &Workspace) -> Result<Command> {
    let compiler = compiler(workspace)?;
    let root = debian::unpack(workspace, "okhttp", None, &LIBRARIES)
        .map_err(|why| Error::new(format!("OkHttp comes as Debian's libokhttp-java\n{why}")))?;
    let jars = root.join("usr/share/java");
    let libraries = [jars.join("okhttp.jar"), jars.join("okio.jar")];

    let sources = sources(&workspace.interop("java"))?;
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
            .arg(class_path(&libraries)?)
            .args(&sources);
        process::run(workspace, "javac", &mut javac, INSTALL_LIMIT)?;
        Ok(())
    })?;

    let [okhttp, okio] = libraries;
    let mut java = Command::new(compiler.with_file_name("java"));
    java.arg("-cp").arg(class_path(&[classes, okhttp, okio])?);
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
