//! The parts that need Rust and nothing else.

use std::process::Command;
use std::time::Duration;

use crate::error::{Error, Result};
use crate::process;
use crate::setup::cargo_deny;
use crate::workspace::Workspace;

const LIMIT: Duration = Duration::from_secs(30 * 60);
const FETCH_LIMIT: Duration = Duration::from_secs(2 * 60);

/// A target without an operating system, and so without `std`.
const BARE_TARGET: &str = "thumbv7em-none-eabihf";

pub(crate) fn fmt(workspace: &Workspace) -> Result<String> {
    workspace.cargo(&["fmt", "--all", "--check"], LIMIT)?;
    Ok(String::new())
}

pub(crate) fn clippy(workspace: &Workspace) -> Result<String> {
    let arguments = "clippy --workspace --all-targets --all-features --locked -- -D warnings";
    workspace.cargo(&split(arguments), LIMIT)?;
    Ok(String::new())
}

pub(crate) fn doc(workspace: &Workspace) -> Result<String> {
    let mut cargo = workspace.cargo_command();
    cargo
        .args(split("doc --workspace --no-deps --all-features --locked"))
        .env("RUSTDOCFLAGS", "-D warnings");
    process::show(&mut cargo, LIMIT)?;
    Ok(String::new())
}

/// Clippy and the tests see all features together; here each crate stands alone.
pub(crate) fn features(workspace: &Workspace) -> Result<String> {
    for package in ["longwire-proto", "longwire-hub", "longwire"] {
        for features in [&["--no-default-features"][..], &[]] {
            let mut arguments = vec!["check", "--locked", "-p", package];
            arguments.extend(features);
            workspace.cargo(&arguments, LIMIT)?;
        }
    }
    Ok(String::new())
}

pub(crate) fn no_std(workspace: &Workspace) -> Result<String> {
    add_target(workspace)?;
    for features in [&["--no-default-features"][..], &[]] {
        let mut arguments = split("check --locked -p longwire-proto --lib --target");
        arguments.push(BARE_TARGET);
        arguments.extend(features);
        workspace.cargo(&arguments, LIMIT)?;
    }
    Ok(BARE_TARGET.to_owned())
}

fn add_target(workspace: &Workspace) -> Result {
    let mut list = Command::new("rustup");
    list.args(["target", "list", "--installed"])
        .current_dir(&workspace.root);
    let installed = process::run(workspace, "rustup target list", &mut list, FETCH_LIMIT);
    if installed.is_ok_and(|targets| targets.lines().any(|target| target == BARE_TARGET)) {
        return Ok(());
    }
    let mut add = Command::new("rustup");
    add.args(["target", "add", BARE_TARGET])
        .current_dir(&workspace.root);
    process::run(workspace, "rustup target add", &mut add, FETCH_LIMIT)
        .map_err(|why| Error::new(format!("{why}\ninstall Rust's {BARE_TARGET} target")))?;
    Ok(())
}

/// Only that the targets build: their bodies run over the corpus in `cargo test`.
pub(crate) fn fuzz(workspace: &Workspace) -> Result<String> {
    workspace.cargo(
        &split("check --locked --manifest-path fuzz/Cargo.toml"),
        LIMIT,
    )?;
    Ok(String::new())
}

/// The servers and the paths that are measured build.
pub(crate) fn bench(workspace: &Workspace) -> Result<String> {
    let mut cargo = workspace.cargo_command();
    cargo
        .args(split(
            "check --locked --manifest-path bench/Cargo.toml --target-dir",
        ))
        .arg(workspace.bench_target());
    process::show(&mut cargo, LIMIT)?;
    Ok(String::new())
}

pub(crate) fn test(workspace: &Workspace) -> Result<String> {
    workspace.cargo(&split("test --workspace --all-features --locked"), LIMIT)?;
    Ok(String::new())
}

/// A nightly whose Miri is known to work; later ones do not always have it.
const MIRI_TOOLCHAIN: &str = "nightly-2026-05-20";

/// AddressSanitizer needs a nightly, and knows this target.
const SANITIZER_TARGET: &str = "x86_64-unknown-linux-gnu";

/// Runs the tests of the file with `unsafe` under Miri.
pub(crate) fn miri(workspace: &Workspace) -> Result<String> {
    let mut install = Command::new("rustup");
    install
        .args(["toolchain", "install", MIRI_TOOLCHAIN, "--profile=minimal"])
        .args(["-c", "miri", "-c", "rust-src"])
        .current_dir(&workspace.root);
    process::run(workspace, "rustup toolchain install", &mut install, LIMIT)
        .map_err(|why| Error::new(format!("{why}\ninstall Rust's {MIRI_TOOLCHAIN} with Miri")))?;

    let mut tests = Command::new("cargo");
    tests
        .arg(format!("+{MIRI_TOOLCHAIN}"))
        .args(split("miri test --locked -p longwire-proto --lib -- utf8"))
        // The nightly cargo, not the one that runs us.
        .env_remove("CARGO")
        .env_remove("RUSTUP_TOOLCHAIN")
        // Seeds and regression files are files; Miri is a few hundred times
        // slower than the machine.
        .env("MIRIFLAGS", "-Zmiri-disable-isolation")
        .env("PROPTEST_CASES", "16")
        .current_dir(&workspace.root);
    process::show(&mut tests, LIMIT)?;
    Ok(MIRI_TOOLCHAIN.to_owned())
}

/// Runs the worker engine's tests under AddressSanitizer: those on sockets that
/// do everything a socket may do, and those on real ones.
pub(crate) fn sanitizer(workspace: &Workspace) -> Result<String> {
    let mut tests = Command::new("cargo");
    tests
        .arg("+nightly")
        .args(split("test --locked -p longwire --features worker"))
        // Only with a target named are build scripts left alone.
        .args(["--target", SANITIZER_TARGET])
        .args(split("--lib --test worker --target-dir target/sanitizer"))
        // The nightly cargo, not the one that runs us.
        .env_remove("CARGO")
        .env_remove("RUSTUP_TOOLCHAIN")
        .env("RUSTFLAGS", "-Zsanitizer=address")
        // Tests end while the threads of their engines still close connections:
        // what those hold then is no leak.
        .env("ASAN_OPTIONS", "detect_leaks=0")
        .current_dir(&workspace.root);
    process::show(&mut tests, LIMIT)?;
    Ok(SANITIZER_TARGET.to_owned())
}

/// Has 200 clients lose their server more often than the everyday tests, and
/// 10,000 a restart.
pub(crate) fn herd(workspace: &Workspace) -> Result<String> {
    let mut tests = workspace.cargo_command();
    tests
        .args(split("test --locked -p longwire-server --test herd"))
        // One after the other: they are about time.
        .args(split("-- --test-threads 1 --nocapture"))
        .env("LONGWIRE_HERD_ROUNDS", "5");
    process::show(&mut tests, LIMIT)?;
    Ok(String::new())
}

pub(crate) fn deny(workspace: &Workspace) -> Result<String> {
    let program = cargo_deny::program(workspace)?;
    let deny = |arguments: &str| {
        let mut command = Command::new(&program);
        command.args(split(arguments)).current_dir(&workspace.root);
        command
    };
    process::show(&mut deny("check bans licenses sources"), LIMIT)?;

    // The advisories live in a repository of their own, which a machine with
    // no way out but package registries cannot fetch. What cannot be known
    // there is said, and found out where it can be.
    match process::run(
        workspace,
        "cargo deny fetch",
        &mut deny("fetch db"),
        FETCH_LIMIT,
    ) {
        Ok(_) => {
            process::show(&mut deny("check --disable-fetch advisories"), LIMIT)?;
            Ok(String::new())
        }
        Err(why) => {
            println!("    {why}");
            Ok("without advisories: their database could not be fetched".to_owned())
        }
    }
}

fn split(arguments: &str) -> Vec<&str> {
    arguments.split_whitespace().collect()
}
