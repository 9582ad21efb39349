//! The page in a browser that reaches the server through a relay alone.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::scene::Scene;
use crate::rest::server::Begun;
use crate::world::put;

#[test]
fn a_browser_logs_in_upgrades_and_watches_it_through_a_relay_that_is_lost_meanwhile() {
    let scene = Scene::new();
    let lamp = &scene.installation;
    let settings = lamp.text("config/update.yml")
        + "health: {timeout: 600s, interval: 50ms, checks: [{command: [sh, -c, \
           'test {release} != {root}/releases/0b1 || test -e {root}/lit']}]}\n";
    put(&lamp.path("config/update.yml"), &settings, 0o644);
    let server = Begun::of(lamp.command(&["serve", "--listen", "off"]));
    let relay = scene.relay_command("{address}", &[]);
    let words: Vec<&str> = std::iter::once(relay.get_program())
        .chain(relay.get_args())
        .map(|word| word.to_str().unwrap())
        .collect();

    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let ran = Command::new(here.join("target/python/bin/python"))
        .current_dir("/")
        .arg(here.join("tests/data/page/through.py"))
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .arg("--relay")
        .arg(serde_json::to_string(&words).unwrap())
        .arg("--root")
        .arg(&lamp.root)
        .arg("--pictures")
        .arg(PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("page-through"))
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&ran.stdout);
    assert!(ran.status.success(), "{said}\n{}", String::from_utf8_lossy(&ran.stderr));
    assert!(said.contains("the page was used through the relay"), "{said}");
    lamp.assert_at("0a1");
    drop(server);
}
