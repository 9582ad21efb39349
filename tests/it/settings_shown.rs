//! What holds of the settings and why, and what a shell and `man` read.

use crate::world::{Installation, Publisher, Ran, put, run};

fn shown(lamp: &Installation, args: &[&str], variables: &[(&str, &str)]) -> Ran {
    let mut command = lamp.command(args);
    command.envs(variables.iter().copied());
    Ran::of(&command.output().unwrap())
}

#[test]
fn every_setting_says_its_value_and_where_it_comes_from() {
    let dir = tempfile::tempdir().unwrap();
    let publisher = Publisher::with_lamps(&dir.path().join("publisher"));
    let lamp = Installation::of_lamp(&dir.path().join("lamp"), &publisher, "0a1");
    let file = lamp.path("config/update.yml");
    let text = "policy: {freeze: 'no: really', allowed_hours: ['22:00-06:00']}\n\
                notifications: {webhooks: [{name: ops, url: 'https://chat.example.org/T0/abc', secret: 'env:OPS'}]}\n";
    put(&file, text, 0o644);
    let variables = [("NETLINK_BACKUP_RETENTION_DAYS", "7"), ("OPS", "whsec_abcd")];

    let told = shown(&lamp, &["config", "show", "--origin"], &variables).ok().out;
    for line in [
        "    retention_days: 7  # $NETLINK_BACKUP_RETENTION_DAYS",
        "    keep_last: 1  # default",
        &format!("  freeze: \"no: really\"  # {}", file.display()),
    ] {
        assert!(told.lines().any(|one| one == line), "{line} is not in\n{told}");
    }
    assert!(!told.contains("T0/abc"), "{told}");

    let json = shown(
        &lamp,
        &["config", "show", "--output", "json", "policy.freeze"],
        &variables,
    )
    .ok()
    .json();
    let one = json["settings"].as_array().unwrap();
    assert_eq!(one.len(), 1, "{json:#}");
    assert_eq!(
        (&one[0]["value"], &one[0]["origin"]),
        (&"no: really".into(), &"file".into())
    );
    lamp.run(&["config", "show", "policy.frost"])
        .no(2, &["policy.frost", "NL0110"]);

    // What is shown is a settings file that says the same.
    let without_webhook = text.lines().next().unwrap();
    put(&file, without_webhook, 0o644);
    let all = shown(&lamp, &["config", "show"], &variables).ok().out;
    put(&file, &all, 0o644);
    assert_eq!(lamp.run(&["config", "show"]).ok().out, all);
}

#[test]
fn settings_are_checked_with_what_they_name() {
    let dir = tempfile::tempdir().unwrap();
    let publisher = Publisher::with_lamps(&dir.path().join("publisher"));
    let lamp = Installation::of_lamp(&dir.path().join("lamp"), &publisher, "0a1");
    let file = lamp.path("config/update.yml");
    std::fs::remove_file(&file).ok();
    let none = lamp.run(&["config", "check"]).ok().out;
    assert!(none.starts_with("ok: there is no "), "{none}");

    put(&file, "policy: {freeze: audit, node: one}\n", 0o644);
    let good = shown(&lamp, &["config", "check"], &[("NETLINK_POLICY_CHANNEL", "beta")])
        .ok()
        .out;
    assert!(
        good.starts_with("ok: 2 keys set by ") && good.contains(", 1 by the environment"),
        "{good}"
    );

    put(&file, "policy: {freze: audit}\n", 0o644);
    lamp.run(&["config", "check"])
        .no(2, &["policy.freze", "policy.freeze", "NL0403"]);

    // One that was named and is not there would lift whatever the right one says.
    for args in [["config", "check"], ["update", "check"], ["config", "show"]] {
        let named = [&args[..], &["--config", "/not/there.yml"]].concat();
        lamp.run(&named).no(2, &["/not/there.yml", "NL0403"]);
    }

    let missing = "server: {tls: {certificate: /not/there.pem, key: /not/there.key}}\n\
                   update_system: {backup: {server_tools: /not/there}}\n\
                   notifications: {webhooks: [{name: ops, url: 'https://a.example', secret: 'file:open.secret'}]}\n";
    put(&file, missing, 0o644);
    put(&lamp.path("open.secret"), "whsec_abcd", 0o644);
    let wrong = lamp.run(&["config", "check"]);
    for key in [
        "`server.tls`",
        "`update_system.backup.server_tools`",
        "`notifications.webhooks`, ops:",
        "chmod 600",
    ] {
        assert!(wrong.out.contains(key), "{key} is not in\n{}", wrong.out);
    }
    assert!(!wrong.out.contains("whsec"), "{}", wrong.out);
    wrong.no(2, &[]);
}

#[test]
fn shells_and_manuals_are_told_every_command() {
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        let told = run(&["completions", shell]).ok().out;
        for word in ["upgrade", "rollback", "doctor", "accept-risk"] {
            assert!(told.contains(word), "{word} is not in what {shell} is told");
        }
    }
    run(&["completions", "dash"]).no(2, &[]);

    let page = run(&["man"]).ok().out;
    assert!(
        page.contains(".TH netlink 1") && page.contains("netlink\\-update(1)"),
        "{page}"
    );
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path().join("man1");
    run(&["man", "--out", folder.to_str().unwrap()]).ok();
    let upgrade = std::fs::read_to_string(folder.join("netlink-update-upgrade.1")).unwrap();
    assert!(upgrade.contains("\\-\\-dry\\-run"), "{upgrade}");
}

/// The completions are of a shell that is there on any machine: it takes them.
#[test]
fn bash_completes_a_command() {
    let dir = tempfile::tempdir().unwrap();
    let script = dir.path().join("netlink.bash");
    put(&script, &run(&["completions", "bash"]).ok().out, 0o644);
    let ask = "source \"$1\"; COMP_WORDS=(netlink update upg); COMP_CWORD=2; _netlink netlink upg update; echo \"${COMPREPLY[@]}\"";
    let asked = std::process::Command::new("bash")
        .args(["--norc", "-c", ask, "bash"])
        .arg(&script)
        .output()
        .unwrap();
    let completed = String::from_utf8(asked.stdout).unwrap();
    assert_eq!(
        completed.trim(),
        "upgrade upgrade-db",
        "{:?}",
        String::from_utf8_lossy(&asked.stderr)
    );
}
