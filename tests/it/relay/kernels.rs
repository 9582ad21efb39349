//! Kernels that confine nobody: what runs there runs all the same, and it is said.

use std::path::Path;
use std::process::Command;

use super::scene::{Scene, to, told};
use crate::rest::server::Begun;
use crate::world::{Ran, put};

/// The same command on a kernel that answers this where Landlock is asked for.
fn on_a_kernel(error: &str, command: &Command) -> Command {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/without_landlock.py");
    let found = Command::new("sh")
        .args(["-c", "command -v \"$0\""])
        .arg(command.get_program())
        .output()
        .unwrap();
    let program = String::from_utf8(found.stdout).unwrap();
    let mut other = Command::new("python3");
    other
        .arg(script)
        .arg(error)
        .arg(program.trim())
        .args(command.get_args());
    for (name, value) in command.get_envs() {
        match value {
            Some(value) => other.env(name, value),
            None => other.env_remove(name),
        };
    }
    other
}

#[test]
fn without_landlock_commands_run_and_everybody_is_told() {
    for (error, said) in [
        ("38", "it has no Landlock"),
        ("95", "which the boot parameter `lsm=` leaves out"),
    ] {
        let scene = Scene::new();
        let other = scene.dir.path().join("told");
        let settings = scene.installation.text("config/update.yml");
        let hook = format!("#!/bin/sh\necho ran > {}\n", other.display());
        put(&scene.installation.path("hook.sh"), &hook, 0o755);
        let settings = format!("{settings}hooks: {{pre-update: [./hook.sh]}}\n");
        put(&scene.installation.path("config/update.yml"), &settings, 0o644);
        let run = |args: &[&str]| {
            let ran = on_a_kernel(error, &scene.installation.command(args)).output();
            Ran::of(&ran.unwrap())
        };
        run(&["update", "plan", "--to", "0b1"]).no(0, &["confines no commands", said]);
        run(&["update", "upgrade", "--to", "0b1", "--yes"]).ok();
        scene.installation.assert_at("0b1");
        assert_eq!(std::fs::read_to_string(&other).unwrap(), "ran\n");

        let server = Begun::of(on_a_kernel(
            error,
            &scene.installation.command(&["serve", "--listen", "off"]),
        ));
        assert_eq!(server.log().matches(said).count(), 1, "{}", server.log());
        let relay = Begun::of(on_a_kernel(error, &scene.relay_command("127.0.0.1:0", &[])));
        assert!(relay.log().contains("no Landlock"), "{}", relay.log());
        let live = told(
            to(&relay),
            b"GET /health/live HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
        );
        assert!(live.starts_with("HTTP/1.1 204 "), "{live}");
    }
}
