//! Schemathesis, a stranger's tool, makes requests out of the description, good and bad ones, and checks each answer against it.

use std::path::Path;
use std::process::Command;

use super::lamp;
use super::server::Server;
use crate::world::put;

#[test]
fn schemathesis_finds_nothing_wrong() {
    let dir = tempfile::tempdir().unwrap();
    let installation = lamp(dir.path());
    put(
        &installation.path("config/update.yml"),
        "server: {changes_per_minute: 0, wrong_tokens_per_minute: 0}\n",
        0o644,
    );
    let server = Server::start(&installation);
    is_as_described(&server, dir.path());
    installation.run(&["audit", "verify"]).ok();
}

/// With `dir` for what it writes.
pub fn is_as_described(server: &Server, dir: &Path) {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let url = format!("http://{}", server.address());
    let mut command = Command::new(here.join("target/python/bin/python"));
    command
        .current_dir(dir)
        .args(["-m", "schemathesis.cli", "--config-file"])
        .arg(here.join("tests/data/rest/schemathesis.toml"))
        .args(["run", &format!("{url}/openapi.yaml"), "--url", &url])
        .args(["--header", &format!("Authorization: Bearer {}", server.token)])
        .args([
            "--checks",
            "all",
            "--seed",
            "1",
            "--max-examples",
            "8",
            "--workers",
            "1",
            "--no-color",
        ])
        // A line of events without end has tests of its own.
        .args(["--exclude-path", "/api/v1/system/updates/events"]);
    let ran = command.output().unwrap();
    let said = String::from_utf8_lossy(&ran.stdout);
    assert!(ran.status.success(), "{said}\n{}", String::from_utf8_lossy(&ran.stderr));
    assert!(said.contains("Test cases:"), "{said}");
}
