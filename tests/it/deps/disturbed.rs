//! A command that brings dependencies, killed, too slow, or not there.

use std::fs;
use std::path::Path;

use super::Shop;
use crate::world::{Lamp, put};

fn command(script: &'static str, more: &'static str) -> impl FnOnce(&Path) -> String {
    move |tree| {
        put(&tree.join("bring"), &format!("#!/bin/sh\nset -e\n{script}"), 0o755);
        format!(
            "\n[[dependencies]]\nkind = \"command\"\nname = \"oil\"\npath = \"share/oil\"\n\
             plan = {{ command = [\"echo\", \"oil 1\"] }}\nverify = {{ command = [\"test\", \"-s\", \"{{env}}/oil\"] }}\n\
             {more}\n"
        )
    }
}

const APPLY: &str = "apply = { command = [\"{release}/bring\", \"{env}\", \"{root}\"] }";
const GOOD: &str = "echo oil > \"$1/oil\"\n";

#[test]
fn a_half_made_environment_is_made_anew_after_a_kill() {
    let shop = Shop::with(command(GOOD, APPLY));
    assert_eq!(shop.link("releases/0a1/share/oil"), Path::new("../.dependencies/oil/1"));
    assert_eq!(shop.lamp.text("releases/0a1/share/oil/oil"), "oil\n");
    // The process that asked for it dies, then the command writes on.
    let killing = "echo half > \"$1/half\"\nif ! test -e \"$2/data/killed\"; then\n  touch \"$2/data/killed\"\n  kill -9 $PPID\n  \
                   sleep 100\nfi\ntest \"$(ls \"$1\")\" = half\nrm \"$1/half\"\necho oil > \"$1/oil\"\n";
    shop.publish(Lamp::B1, command(killing, APPLY));
    let before = shop.pid();
    let killed = shop.lamp.run(&["update", "upgrade", "--to", "0b1", "--yes"]);
    assert_eq!(killed.code, -1, "{killed}");
    assert_eq!(shop.pid(), before);
    assert!(shop.lamp.path("releases/0b1/.dependencies/oil/1/half").exists());
    assert!(!shop.lamp.path("releases/0b1/share").exists(), "nothing is shown yet");
    shop.lamp.run(&["update", "resume"]).ok();
    shop.lamp.assert_at("0b1");
    assert_eq!(shop.lamp.text("releases/0b1/share/oil/oil"), "oil\n");
    assert!(!shop.lamp.path("releases/0b1/share/oil/half").exists());
    shop.lamp.run(&["update", "rollback", "--yes"]).ok();
    shop.lamp.assert_at("0a1");
}

#[test]
fn a_kill_is_also_survived_backwards() {
    let shop = Shop::with(command(GOOD, APPLY));
    shop.publish(
        Lamp::B1,
        command("echo half > \"$1/half\"\nkill -9 $PPID\nsleep 100\n", APPLY),
    );
    assert_eq!(shop.lamp.run(&["update", "upgrade", "--to", "0b1", "--yes"]).code, -1);
    shop.lamp.run(&["update", "rollback", "--yes"]).ok();
    shop.lamp.assert_at("0a1");
    assert!(!shop.lamp.path("releases/0b1").exists());
}

#[test]
fn what_takes_too_long_or_brings_the_wrong_thing_stops_the_update_before_the_product() {
    let slow = "apply = { command = [\"sleep\", \"100\"], timeout = \"300ms\" }";
    let shop = Shop::with(command(GOOD, APPLY));
    let before = shop.pid();
    for (lamp, with, said) in [
        (Lamp::B1, command(GOOD, slow), "did not end within"),
        (Lamp::R1, command("true\n", APPLY), "test -s"),
    ] {
        shop.publish(lamp, with);
        shop.lamp
            .run(&["update", "upgrade", "--to", lamp.version, "--yes"])
            .no(1, &["NL0311", said]);
        assert_eq!(shop.pid(), before);
        shop.lamp.assert_at("0a1");
        assert!(!shop.lamp.path(&format!("releases/{}", lamp.version)).exists());
    }
}

#[test]
fn an_exchange_that_was_cut_off_is_told_and_ended() {
    let shop = Shop::with(command(GOOD, APPLY));
    // As it is after the product was stopped for it.
    shop.lamp.stop();
    put(&shop.lamp.path(".netlink/reinstalling"), "", 0o600);
    shop.lamp.run(&["update", "verify"]).no(1, &["was cut off"]);
    shop.lamp
        .run(&["update", "reinstall-deps"])
        .ok()
        .no(0, &["started again"]);
    shop.lamp.assert_at("0a1");
    fs::metadata(shop.lamp.path("releases/0a1/.dependencies/oil/2.json")).unwrap();
}
