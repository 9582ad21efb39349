//! No edition runs on what belongs to another.

use std::process::Output;

use crate::bench::{Bench, VERSIONS};

fn refused(output: &Output, mentions: &[&str]) {
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{said}");
    for word in mentions {
        assert!(said.contains(word), "`{word}` not in: {said}");
    }
}

#[test]
fn each_runs_on_its_own() {
    for version in VERSIONS {
        let output = Bench::of(version).check(version);
        assert!(output.status.success(), "{output:?}");
        assert!(
            String::from_utf8_lossy(&output.stdout).contains("0 entries"),
            "{output:?}"
        );
    }
}

#[test]
fn the_schema_of_another_is_refused() {
    for schema in VERSIONS {
        for version in VERSIONS.into_iter().filter(|version| *version != schema) {
            let bench = Bench::of(schema);
            bench.configure(version);
            let level = |v| VERSIONS.iter().position(|known| *known == v).unwrap() + 1;
            let (found, expected) = (level(schema), level(version));
            let words = [
                &format!("has schema {found}"),
                &format!("runs on schema {expected} only"),
            ];
            refused(&bench.check(version), &words.map(String::as_str));
        }
    }
}

#[test]
fn the_configuration_of_another_is_refused() {
    let named = |config, version| match (config, version) {
        ("0a1", "0b1") => ["max_message", "max_length"],
        ("0b1", "0a1") => ["max_length", "max_message"],
        ("0r1", _) => ["server", "listen, title"],
        (_, _) => ["listen", "server.listen"],
    };
    for config in VERSIONS {
        for version in VERSIONS.into_iter().filter(|version| *version != config) {
            let bench = Bench::of(version);
            bench.configure(config);
            refused(&bench.check(version), &named(config, version));
        }
    }
}

#[test]
fn a_configuration_that_the_user_broke_is_refused() {
    let cases = [
        ("listen = ", "TOML"),
        ("listen = \"127.0.0.1:0\"\nmax_length = 5\n", "title"),
        ("listen = \"here\"\ntitle = \"\"\nmax_length = 5\n", "socket address"),
        ("listen = \"127.0.0.1:0\"\ntitle = \"\"\nmax_length = 0\n", "1 to 10000"),
    ];
    let bench = Bench::of("0b1");
    for (text, word) in cases {
        bench.configure_with(text);
        refused(&bench.check("0b1"), &["guestbook.toml", word]);
    }
}

#[test]
fn a_missing_database_is_refused_and_not_made() {
    let bench = Bench::of("0b1");
    std::fs::remove_file(bench.path("guestbook.db")).unwrap();
    refused(&bench.check("0b1"), &["guestbook.db"]);
    assert!(!bench.path("guestbook.db").exists());
}
