//! A certificate for the tests' own servers, made by OpenSSL's program.

use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use crate::error::Result;
use crate::process;
use crate::workspace::Workspace;

const LIMIT: Duration = Duration::from_secs(20);

pub(super) struct Certificate {
    pub(super) chain: PathBuf,
    pub(super) key: PathBuf,
}

/// One for 127.0.0.1 and localhost, signed by itself. Made anew each time: it is
/// valid for two days.
pub(super) fn of_localhost(workspace: &Workspace) -> Result<Certificate> {
    let folder = workspace.fresh_folder("certificate")?;
    let certificate = Certificate {
        chain: folder.join("chain.pem"),
        key: folder.join("key.pem"),
    };
    let mut openssl = Command::new("openssl");
    openssl
        .args([
            "req",
            "-x509",
            "-nodes",
            "-days",
            "2",
            "-subj",
            "/CN=localhost",
        ])
        .args(["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"])
        .args(["-addext", "subjectAltName=IP:127.0.0.1,DNS:localhost"])
        .arg("-out")
        .arg(&certificate.chain)
        .arg("-keyout")
        .arg(&certificate.key);
    process::run(workspace, "certificate", &mut openssl, LIMIT)?;
    Ok(certificate)
}
