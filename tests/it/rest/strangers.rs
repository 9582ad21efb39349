//! Schemathesis, a stranger's tool, makes requests out of the description, good and bad ones, and checks each answer against it.

use std::path::Path;
use std::process::Command;

use super::lamp;
use super::server::Server;

/// What it says when the description does not let it come far enough.
const OUR_FAULTS: [&str; 3] = ["Schema Error", "Unresolvable", "Schema validation mismatch"];

#[test]
fn schemathesis_finds_nothing_wrong() {
    let dir = tempfile::tempdir().unwrap();
    let installation = lamp(dir.path());
    let server = Server::start(&installation);
    is_as_described(&server, &server.token, dir.path());
    installation.run(&["audit", "verify"]).ok();
}

/// As the documents have it: no settings but the seed, by which it does the same each time, and without the line of events that has
/// no end, at each try of which it waits ten seconds. With `dir` to be in.
pub fn is_as_described(server: &Server, token: &str, dir: &Path) {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut command = Command::new(here.join("target/python/bin/python"));
    command
        .current_dir(dir)
        .env("NO_COLOR", "1")
        .args(["-m", "schemathesis.cli", "run"])
        .arg(here.join("openapi.yaml"))
        .args(["--url", &format!("http://{}", server.address())])
        .args(["-H", &format!("Authorization: Bearer {token}")])
        .args(["--exclude-path", "/api/v1/system/updates/events"])
        .args(["--seed", "1"]);
    let ran = command.output().unwrap();
    let said = String::from_utf8_lossy(&ran.stdout);
    assert!(ran.status.success(), "{said}\n{}", String::from_utf8_lossy(&ran.stderr));
    assert!(said.contains("Test cases:"), "{said}");
    for fault in OUR_FAULTS {
        assert!(!said.contains(fault), "{said}");
    }
}
