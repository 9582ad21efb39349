//! What people read: plans, checks, reasons; pinned, so that a change of a word is a decision.

use crate::world::{Installation, Lamp, Publisher, put};

/// Output without what differs from run to run.
pub fn steady(text: &str, dir: &std::path::Path) -> String {
    let text = text.replace(dir.to_str().unwrap(), "DIR");
    let words: Vec<&str> = text.split_inclusive(char::is_whitespace).collect();
    let steady = words.iter().enumerate().map(|(at, word)| {
        let (plain, space) = word.split_at(word.trim_end().len());
        let is_of_seconds = words.get(at + 1).is_some_and(|next| next.trim_end() == "s");
        if plain.starts_with("update_") && plain.len() > 20 {
            format!("UPDATE{space}")
        } else if is_of_seconds && plain.contains('.') && plain.parse::<f64>().is_ok() {
            format!("0.00{space}")
        } else {
            (*word).to_owned()
        }
    });
    steady
        .collect::<String>()
        .lines()
        .map(|line| format!("{}\n", line.trim_end()))
        .collect()
}

#[test]
fn plans_checks_changes_and_reasons() {
    let dir = tempfile::tempdir().unwrap();
    let publisher = Publisher::with_lamps(&dir.path().join("publisher"));
    let broken = Lamp {
        version: "1r1",
        schema: 3,
        healthy: false,
        more: "",
    };
    publisher.publish(&publisher.lamp(&broken));
    let lamp = Installation::of_lamp(&dir.path().join("lamp"), &publisher, "0a1");
    put(
        &lamp.path("config/update.yml"),
        "health: {timeout: 300ms, interval: 50ms}\n",
        0o644,
    );
    let shown = |args: &[&str]| steady(&lamp.run(args).out, dir.path());

    insta::assert_snapshot!("check", shown(&["update", "check"]));
    insta::assert_snapshot!("plan", shown(&["update", "plan", "--to", "0b1", "--explain"]));
    insta::assert_snapshot!("version", shown(&["update", "version"]));
    insta::assert_snapshot!("changelog", shown(&["update", "changelog", "--since", "0a1"]));
    lamp.run(&["update", "upgrade", "--to", "1r1", "--yes"]).no(1, &[]);
    insta::assert_snapshot!("why", shown(&["update", "why"]));
    insta::assert_snapshot!("check after a failure", shown(&["update", "check"]));
    lamp.run(&["update", "upgrade", "--to", "0b1", "--yes"]).ok();
    insta::assert_snapshot!("downgrade", shown(&["update", "downgrade", "--to", "0a1", "--dry-run"]));
    insta::assert_snapshot!("help", shown(&["update", "--help"]));
}
