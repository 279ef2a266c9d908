//! The tables and the picture of `docs/heartbeats.md` come from the simulation:
//!
//! ```text
//! UPDATE_DOCS=1 cargo test -p longwire-proto --test heartbeat document
//! ```

mod picture;
mod tables;

use std::{env, fs, path::PathBuf};

const DOCUMENT: &str = "heartbeats.md";
const PICTURE: &str = "heartbeats.svg";

/// Between these stands what is generated.
const BEGIN: &str = "<!-- begin: simulated -->\n";
const END: &str = "<!-- end: simulated -->\n";

fn path(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("../../docs")
        .join(name)
}

/// Compares a file with what it should be, or writes it if that is wanted.
fn keep_current(name: &str, change: impl FnOnce(&str) -> String) {
    let path = path(name);
    let found = fs::read_to_string(&path).unwrap_or_default();
    let current = change(&found);
    if env::var_os("UPDATE_DOCS").is_some() {
        fs::write(&path, current).unwrap();
    } else {
        assert!(
            found == current,
            "docs/{name} is not what the simulation gives. To write it anew: \
             UPDATE_DOCS=1 cargo test -p longwire-proto --test heartbeat document"
        );
    }
}

#[test]
fn the_tables_are_what_the_simulation_gives() {
    keep_current(DOCUMENT, |document| {
        let (before, rest) = document.split_once(BEGIN).unwrap();
        let (_, after) = rest.split_once(END).unwrap();
        format!("{before}{BEGIN}\n{}\n{END}{after}", tables::all())
    });
}

#[test]
fn the_picture_is_what_the_simulation_gives() {
    keep_current(PICTURE, |_| picture::draw());
}
