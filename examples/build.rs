//! Takes the server and the client out of the README, so that the test `readme`
//! can run what a reader copies.

use std::{env, error::Error, fs, path::Path};

fn main() -> Result<(), Box<dyn Error>> {
    let readme = Path::new(&env::var("CARGO_MANIFEST_DIR")?).join("../README.md");
    println!("cargo::rerun-if-changed={}", readme.display());
    let readme = fs::read_to_string(readme)?;
    let mut programs = readme.split("\n```rust").skip(1).map(|rest| {
        let (_, rest) = rest.split_once('\n')?;
        rest.split("\n```").next()
    });
    for name in ["server", "client"] {
        let program = programs
            .next()
            .flatten()
            .ok_or("the README has no program")?;
        // Any address will do, and a free one cannot be in use.
        let program = match name {
            "server" => program.replace("\"127.0.0.1:9001\"", "super::address()"),
            _ => program.replace("\"ws://127.0.0.1:9001/\"", "super::url()"),
        };
        let program = program.replace("async fn main()", "pub(super) async fn main()");
        let path = Path::new(&env::var("OUT_DIR")?)
            .join(name)
            .with_extension("rs");
        fs::write(path, program)?;
    }
    Ok(())
}
