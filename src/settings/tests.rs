//! Files as people write them: whole, empty, mistyped, overridden.
#![allow(clippy::disallowed_methods)]

use std::path::Path;

use super::*;

fn load(text: &str) -> Result<Settings, SettingsError> {
    load_with(text, &[])
}

fn load_with(text: &str, variables: &[(&str, &str)]) -> Result<Settings, SettingsError> {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("update.yml");
    std::fs::write(&path, text).unwrap();
    let environment = variables
        .iter()
        .map(|(name, value)| ((*name).into(), (*value).into()))
        .collect();
    Settings::load(&path, &environment)
}

#[test]
fn the_sample_file_names_every_key_with_its_default() {
    let text = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/config/update.yml")).unwrap();
    assert_eq!(load(&text).unwrap(), Settings::default());
    let sample: serde_json::Value = serde_saphyr::from_str(&text).unwrap();
    let missing = keys::unknown(&serde_json::to_value(File::default()).unwrap(), &sample);
    assert_eq!(missing, None);
}

#[test]
fn a_missing_or_empty_file_gives_the_defaults() {
    assert_eq!(
        Settings::load(Path::new("/nowhere/update.yml"), &Environment::new()).unwrap(),
        Settings::default()
    );
    assert_eq!(load("").unwrap(), Settings::default());
    assert_eq!(load("# nothing yet\n").unwrap(), Settings::default());
}

#[test]
fn a_section_is_no_list_of_its_values() {
    for (text, said) in [
        ("[]\n", "it is a list"),
        ("server: ['127.0.0.1:1']\n", "`server` is a list"),
        (
            "update_system:\n  backup: [false]\n",
            "`update_system.backup` is a list",
        ),
        ("log: [json]\n", "`log` is a list"),
    ] {
        let error = load(text).unwrap_err().to_string();
        assert!(
            error.contains(said) && error.ends_with("takes keys with their values"),
            "{text}: {error}"
        );
    }
}

#[test]
fn a_mistyped_key_is_named_with_the_one_it_resembles() {
    let error = load("update_system:\n  backup:\n    retention_day: 3\n")
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("`update_system.backup.retention_day` is not a setting"),
        "{error}"
    );
    assert!(
        error.contains("did you mean `update_system.backup.retention_days`?"),
        "{error}"
    );
    let error = load("hooks:\n  preupdate: [/bin/true]\n").unwrap_err().to_string();
    assert!(error.contains("did you mean `hooks.pre-update`?"), "{error}");
    let error = load("zzz: 1\n").unwrap_err().to_string();
    assert!(error.ends_with("`zzz` is not a setting"), "{error}");
}

#[test]
fn a_wrong_value_is_named_with_its_line() {
    let error = load("server:\n  listen: here\n").unwrap_err().to_string();
    assert!(error.contains("line 2"), "{error}");
}

#[test]
fn the_environment_wins_over_the_file() {
    let text = "update_system:\n  backup:\n    retention_days: 5\n";
    let variables = [
        ("NETLINK_BACKUP_RETENTION_DAYS", "7"),
        ("NETLINK_BEHAVIOR_SOAK", "90s"),
        ("NETLINK_SAFETY_REQUIRE_CONFIRMATION", "false"),
        ("NETLINK_SERVER_LISTEN", "127.0.0.1:1"),
        ("NETLINK_PASSPHRASE", "not a setting"),
    ];
    let settings = load_with(text, &variables).unwrap();
    assert_eq!(settings.backup.retention_days, 7);
    assert_eq!(settings.behavior.soak.as_secs(), 90);
    assert!(!settings.safety.require_confirmation);
    assert_eq!(settings.server.listen.map(|at| at.port()), Some(1));
    let error = load_with(text, &[("NETLINK_BACKUP_RETENTION_DAY", "7")])
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("did you mean `NETLINK_BACKUP_RETENTION_DAYS`?"),
        "{error}"
    );
    let error = load_with(text, &[("NETLINK_BACKUP_ENABLED", "maybe")])
        .unwrap_err()
        .to_string();
    assert!(error.contains("NETLINK_BACKUP_ENABLED"), "{error}");
}

#[test]
fn nowhere_to_listen_is_said_alike_in_file_and_environment() {
    let somewhere = "server: {listen: \"127.0.0.1:1\", grpc: \"[::1]:2\"}\n";
    for nowhere in ["null", "off"] {
        let file = load(&format!("server: {{listen: {nowhere}, grpc: {nowhere}}}\n")).unwrap();
        assert_eq!((file.server.listen, file.server.grpc), (None, None), "{nowhere}");
        let variables = [("NETLINK_SERVER_LISTEN", nowhere), ("NETLINK_SERVER_GRPC", nowhere)];
        for text in ["", somewhere, "server: {listen: null, grpc: off}\n"] {
            let both = load_with(text, &variables).unwrap();
            assert_eq!(
                (both.server.listen, both.server.grpc),
                (None, None),
                "{nowhere} over {text}"
            );
        }
        assert_eq!(nowhere.parse(), Ok(super::DoorAt::Off));
    }
    // And an address where the file says that there is none.
    let again = [("NETLINK_SERVER_LISTEN", "[::1]:3"), ("NETLINK_SERVER_SOCKET", "null")];
    let again = load_with("server: {listen: off, socket: /run/x.sock}\n", &again).unwrap();
    assert_eq!(again.server.listen, Some("[::1]:3".parse().unwrap()));
    assert_eq!(again.server.socket, None);
    for wrong in ["nowhere", "false", "127.0.0.1"] {
        let error = load_with("", &[("NETLINK_SERVER_LISTEN", wrong)])
            .unwrap_err()
            .to_string();
        assert!(
            error.contains("NETLINK_SERVER_LISTEN") && error.contains("`off`"),
            "{error}"
        );
    }
}

#[test]
fn promises_cannot_be_switched_off() {
    assert!(load("update_system:\n  backup:\n    encryption: false\n").is_err());
    assert!(load("update_system:\n  safety:\n    rollback_on_failure: false\n").is_err());
}

#[test]
fn a_time_limit_that_is_none_is_refused() {
    for limit in ["0s", "800h"] {
        let error = load(&format!("download:\n  timeout: {limit}\n"))
            .unwrap_err()
            .to_string();
        assert!(error.contains("download.timeout"), "{error}");
    }
    let mirrors = load_with("", &[("NETLINK_REPOSITORY_MIRRORS", "[\"file:///srv/mirror\"]")]).unwrap();
    assert_eq!(mirrors.repository.mirrors, ["file:///srv/mirror"]);
}

#[test]
fn a_length_of_time_may_have_days_and_a_wrong_one_is_told_in_our_words() {
    let path = Path::new("config/update.yml");
    let read = |text: &str| Settings::parse(path, text, &Environment::new());
    let settings = read("repository:\n  max_staleness: 30d\n").unwrap();
    assert_eq!(settings.repository.max_staleness, Duration::from_secs(30 * 86400));
    for (text, told) in [
        (
            "repository:\n  mirrors: []\n  max_staleness: 30x\n",
            "config/update.yml:3: `repository.max_staleness`: `30x` is not a length of time: expected numbers with their units, e.g. `500ms`",
        ),
        (
            "health:\n  interval: 5\n",
            "config/update.yml:2: `health.interval`: `5` is not a length of time",
        ),
        (
            "health: {timeout: 1 month}\n",
            "config/update.yml:1: `health.timeout`: `1 month` is not",
        ),
        ("server:\n  listen: nowhere\n", "config/update.yml:2: `server.listen`: "),
    ] {
        let said = read(text).unwrap_err().to_string();
        assert!(said.starts_with(told), "{said}");
        assert!(!said.contains('\n'), "{said}");
    }
    let environment = Environment::from([("NETLINK_REPOSITORY_MAX_STALENESS".to_owned(), "30x".to_owned())]);
    let said = Settings::parse(path, "", &environment).unwrap_err().to_string();
    assert!(
        said.contains("NETLINK_REPOSITORY_MAX_STALENESS is not valid: `30x` is not a length of time"),
        "{said}"
    );
}

#[test]
fn the_policy_of_the_document_is_read_and_each_key_has_its_variable() {
    let text = r#"
policy:
  auto_upgrade: true
  check_interval: 5m
  upgrade_strategy: "graceful"
  graceful_timeout: 30s
  rollback_on_failure: true
  version_constraints:
    min_version: "0a1"
    max_version: "2x"
    exclude_versions: ["0b1", "0b2"]
  allowed_hours:
    - "02:00-04:00"
    - "14:00-16:00"
  blocked_days:
    - "friday"
    - "saturday"
"#;
    let policy = load(text).unwrap().policy;
    let version = |text: &str| text.parse().unwrap();
    assert!(policy.auto_upgrade && policy.rollback_on_failure == Some(true));
    assert_eq!(policy.upgrade_strategy, crate::plan::UpgradeStrategy::Graceful);
    let constraints = &policy.version_constraints;
    assert!(
        constraints
            .exclude_versions
            .iter()
            .any(|one| one.matches(&version("0b2")))
    );
    assert!(constraints.max_version.as_ref().unwrap().is_below(&version("3a1")));
    assert_eq!((policy.allowed_hours.len(), policy.blocked_days.len()), (2, 2));
    let variables = [
        ("NETLINK_POLICY_AUTO_UPGRADE", "false"),
        ("NETLINK_POLICY_UPGRADE_STRATEGY", "scheduled"),
        ("NETLINK_POLICY_CHECK_INTERVAL", "300s"),
        ("NETLINK_POLICY_VERSION_CONSTRAINTS_MAX_VERSION", "1x"),
        ("NETLINK_POLICY_ALLOWED_HOURS", "[\"22:00-02:00\"]"),
        ("NETLINK_POLICY_TIME_ZONE", "Asia/Kathmandu"),
        ("NETLINK_POLICY_FREEZE", "audit until Friday"),
        ("NETLINK_POLICY_EXCEPTIONS", "[{days: 2026-12-30, open: agreed}]"),
        ("NETLINK_POLICY_WHEN_MISSED", "run"),
    ];
    let policy = load_with(text, &variables).unwrap().policy;
    assert!(!policy.auto_upgrade && policy.when_missed == WhenMissed::Run);
    assert_eq!(policy.check_interval.as_secs(), 300);
    assert!(
        policy
            .version_constraints
            .max_version
            .as_ref()
            .unwrap()
            .is_below(&version("2a1"))
    );
    assert_eq!(policy.version_constraints.exclude_versions.len(), 2);
    let calendar = policy.calendar();
    assert_eq!((calendar.hours.len(), calendar.exceptions.len()), (1, 1));
    assert_eq!(calendar.zone.iana_name(), Some("Asia/Kathmandu"));
    assert_eq!(calendar.freeze.as_deref(), Some("audit until Friday"));
    let error = load_with("", &[("NETLINK_POLICY_BLOCKED_DAYS", "[freitag]")])
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("NETLINK_POLICY_BLOCKED_DAYS") && error.contains("`freitag` is not a day"),
        "{error}"
    );
}

#[test]
fn what_is_wrong_in_the_policy_is_told_with_its_line() {
    let error = load("policy:\n  allowed_hours: [\"25:00-26:00\"]\n")
        .unwrap_err()
        .to_string();
    assert!(
        error.contains(":2: `policy.allowed_hours`: `25:00-26:00` is not hours of a day"),
        "{error}"
    );
    let error = load("policy:\n  time_zone: Mars/North\n").unwrap_err().to_string();
    assert!(
        error.contains(":2: `policy.time_zone`: `Mars/North` is not a time zone"),
        "{error}"
    );
}
