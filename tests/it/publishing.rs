//! A publisher's mistakes, found before anything is signed.

use std::fs;
use std::path::Path;

use crate::world::{Lamp, Publisher, put, run};

#[test]
fn a_package_that_clients_could_not_unpack_is_not_signed() {
    let dir = tempfile::tempdir().unwrap();
    let publisher = Publisher::new(dir.path());
    publisher.pack(&publisher.lamp(&Lamp::A1)).ok();
    let package = publisher.text("0a1.tar.zst");
    let whole = fs::read(&package).unwrap();
    let (repo, keys) = (publisher.text("repo"), publisher.text("keys"));
    let publish = || run(&["release", "publish", "--repo", &repo, "--keys", &keys, &package]);
    let before = fs::read(publisher.dir.join("repo/metadata/timestamp.json")).unwrap();
    for (bytes, said) in [
        (whole[..whole.len() - 1].to_vec(), "cannot be read to its end"),
        (whole[..whole.len() / 2].to_vec(), "0a1.tar.zst"),
        ([&whole[..], b"x"].concat(), "something follows"),
    ] {
        fs::write(&package, bytes).unwrap();
        publish().no(2, &["NL0501", "0a1.tar.zst", said]);
    }
    assert_eq!(
        fs::read(publisher.dir.join("repo/metadata/timestamp.json")).unwrap(),
        before
    );
    assert!(!publisher.dir.join("repo/targets/lamp").exists());
    fs::write(&package, &whole).unwrap();
    publish().ok();
    run(&["release", "verify", &repo]).ok();
}

fn files_below(dir: &Path) -> usize {
    netlink::disk::walk(dir).map_or(0, |found| found.len())
}

#[test]
fn who_cannot_sign_is_told_and_leaves_nothing_that_everybody_could_read() {
    let dir = tempfile::tempdir().unwrap();
    let publisher = Publisher::new(&dir.path().join("ours"));
    let other = Publisher::new(&dir.path().join("others"));
    publisher.pack(&publisher.lamp(&Lamp::A1)).ok();
    let (package, repo) = (publisher.text("0a1.tar.zst"), publisher.text("repo"));
    let with = |keys: &Publisher, more: &[&str]| {
        let keys = keys.text("keys");
        let first = ["release", more[0], "--repo", &repo, "--keys", &keys];
        run(&[&first[..], &more[1..]].concat())
    };
    with(&other, &["publish", &package]).no(2, &["NL0513", "none of the keys", "others/keys"]);
    assert_eq!(files_below(&publisher.dir.join("repo/targets")), 0);
    with(&publisher, &["publish", &package]).ok();
    with(&other, &["yank", "0a1", "--reason", "x"]).no(2, &["NL0513"]);
    with(&other, &["renew", "targets"]).no(2, &["NL0513"]);
    run(&["release", "verify", &repo]).ok();
}

#[test]
fn keys_never_lie_where_everybody_can_read_them() {
    let dir = tempfile::tempdir().unwrap();
    let path = |name: &str| dir.path().join(name).to_str().unwrap().to_owned();
    let repo = path("repo");
    for keys in ["repo/keys", "repo", "repo/targets/a", "x/../repo/keys"] {
        let keys = path(keys);
        fs::create_dir_all(dir.path().join("x")).unwrap();
        run(&["release", "init", &repo, "--keys", &keys, "--no-passphrase"]).no(2, &["NL0513", "elsewhere"]);
    }
    assert_eq!(files_below(Path::new(&repo)), 0);
    run(&["release", "init", &repo, "--keys", &path("keys"), "--no-passphrase"]).ok();
}

#[test]
fn what_clients_would_go_by_is_what_is_verified() {
    let dir = tempfile::tempdir().unwrap();
    let publisher = Publisher::with_lamps(dir.path());
    let repo = publisher.text("repo");
    let verify = || run(&["release", "verify", &repo]);
    assert!(!verify().ok().err.contains("nothing signed"));
    let strange = publisher.dir.join("repo/targets/lamp/customers.csv");
    fs::write(&strange, "secret").unwrap();
    let said = verify().ok();
    assert!(
        format!("{}{}", said.out, said.err).contains("targets/lamp/customers.csv"),
        "{said}"
    );
    fs::remove_file(&strange).unwrap();
    let root = publisher.dir.join("repo/root.json");
    let right = fs::read(&root).unwrap();
    let other = Publisher::new(&dir.path().join("other"));
    fs::copy(other.root_metadata(), &root).unwrap();
    verify().no(1, &["root.json", "1.root.json"]);
    fs::remove_file(&root).unwrap();
    verify().no(1, &["root.json"]);
    fs::write(&root, right).unwrap();
    verify().ok();
}

#[test]
fn a_rotation_that_came_to_nothing_does_not_stand_in_the_way_of_the_next() {
    let dir = tempfile::tempdir().unwrap();
    let path = |name: &str| dir.path().join(name).to_str().unwrap().to_owned();
    let (repo, keys, online) = (path("repo"), path("keys"), path("keys/online"));
    run(&["release", "init", &repo, "--keys", &keys, "--no-passphrase"]).ok();
    let rotate = |keys: &str| {
        let args = [
            "release",
            "keys",
            "rotate",
            "timestamp",
            "--repo",
            &repo,
            "--keys",
            keys,
            "--no-passphrase",
        ];
        run(&args).ok()
    };
    rotate(&online);
    run(&["release", "discard", "--repo", &repo]).ok();
    rotate(&keys);
    assert!(dir.path().join("keys/online/timestamp.3.pem").exists());
    run(&["release", "verify", &repo]).ok();
}

#[test]
fn a_misspelt_product_is_not_signed() {
    let dir = tempfile::tempdir().unwrap();
    let publisher = Publisher::new(dir.path());
    publisher.publish(&publisher.lamp(&Lamp::A1));
    let tree = publisher.lamp(&Lamp::B1);
    let source = tree.join("release.toml");
    let text = fs::read_to_string(&source).unwrap();
    fs::write(&source, text.replace("product = \"lamp\"", "product = \"lmap\"")).unwrap();
    let targets = publisher.dir.join("repo/targets");
    let before = files_below(&targets);
    publisher.try_publish(&tree).no(
        2,
        &[
            "NL0541",
            "lmap",
            "has releases of lamp: is lamp meant?",
            "--new-product",
        ],
    );
    assert_eq!(files_below(&targets), before);
    publisher.pack(&tree).ok();
    let (repo, keys, package) = (
        publisher.text("repo"),
        publisher.text("keys"),
        publisher.text("0b1.tar.zst"),
    );
    let publish = ["release", "publish", "--repo", &repo, "--keys", &keys, &package];
    run(&[&publish[..], &["--new-product"]].concat()).ok();
    // It is known from now on.
    run(&publish).ok();
}

#[test]
fn a_release_that_nobody_can_enter_is_told_before_and_after() {
    let dir = tempfile::tempdir().unwrap();
    let publisher = Publisher::new(dir.path());
    let shut = |publisher: &Publisher, release: &Lamp, from: &str| {
        let tree = publisher.lamp(release);
        let source = tree.join("release.toml");
        let text = fs::read_to_string(&source).unwrap();
        let range = format!("from = [\"<{}\"]", release.version);
        assert!(text.contains(&range), "{text}");
        fs::write(&source, text.replace(&range, from)).unwrap();
        publisher.try_publish(&tree)
    };
    // The first has nobody to come from.
    let ran = shut(&publisher, &Lamp::A1, "from = [\"<0a1\"]").ok();
    assert!(!ran.err.contains("NOBODY"), "{ran}");
    let ran = shut(&publisher, &Lamp::B1, "from = [\">=0a2\"]").ok();
    for said in ["NOBODY CAN MOVE UP TO 0b1", "from 0a1", ">=0a2", "release yank 0b1"] {
        assert!(ran.err.contains(said), "{said}: {ran}");
    }
    let ran = shut(&publisher, &Lamp::R1, "from = [\"0a1\"]").ok();
    assert!(!ran.err.contains("NOBODY"), "{ran}");
    let (repo, keys) = (publisher.text("repo"), publisher.text("keys"));
    let verify = || run(&["release", "verify", &repo]).ok();
    assert!(verify().err.contains("NOBODY CAN MOVE UP TO 0b1"));
    run(&[
        "release", "yank", "0b1", "--reason", "shut", "--repo", &repo, "--keys", &keys,
    ])
    .ok();
    assert!(!verify().err.contains("NOBODY"));
}

/// Every operator's machine would refuse to plan at all.
#[test]
fn releases_that_cannot_be_planned_over_are_not_signed() {
    let dir = tempfile::tempdir().unwrap();
    let publisher = Publisher::new(dir.path());
    publisher.publish(&publisher.lamp(&Lamp::A1));
    let changed = |release: &Lamp, from: &str, to: &str| {
        let tree = publisher.lamp(release);
        let source = tree.join("release.toml");
        let text = fs::read_to_string(&source).unwrap();
        assert!(text.contains(from), "{text}");
        fs::write(&source, text.replace(from, to)).unwrap();
        publisher.try_publish(&tree)
    };
    changed(&Lamp::B1, "[rules]", "[rules]\nstop = true").ok();
    let no = changed(&Lamp::R1, "from = [\"<0r1\"]", "from = [\"<0b1\"]");
    no.no(
        2,
        &["NL0542", "0r1 may be entered only from before 0b1, which is a stop"],
    );
    assert!(!publisher.dir.join("repo/targets/lamp/0r1").exists());
}

/// What installations would refuse, `pack` does, with the line and the key.
#[test]
fn a_release_that_could_not_start_is_not_packed() {
    let dir = tempfile::tempdir().unwrap();
    let publisher = Publisher::new(dir.path());
    let tree = publisher.lamp(&Lamp::A1);
    let source = tree.join("release.toml");
    let good = fs::read_to_string(&source).unwrap();
    publisher.pack(&tree).ok();
    let line_of = |text: &str, word: &str| text.lines().position(|line| line.contains(word)).unwrap() + 1;
    for (from, to, key, said) in [
        ("{brightness}\"]", "{brightnes}\"]", "run.command.1", "`{brightnes}`"),
        ("{brightness}\"]", "{brightness\"]", "run.command.1", "never closes it"),
        (
            "key = \"bright\"",
            "key = \"brigth\"",
            "variables.brightness.key",
            "has no `brigth`",
        ),
        (
            "[[health]]\ncommand = [\"grep\", \"-q\", \"fine\", \"{release}/state\"]",
            "[[health]]\nhttp = \"localhost:80/health\"",
            "health.0",
            "is not a URL",
        ),
        (
            "command = [\"grep\", \"-q\", \"fine\", \"{release}/state\"]",
            "htpp = \"http://localhost:80/health\"",
            "health.0.htpp",
            "unknown field `htpp`",
        ),
        (
            "command = [\"grep\", \"-q\", \"fine\", \"{release}/state\"]",
            "command = [\"{release}/bin/check\"]",
            "health.0.command",
            "bin/check",
        ),
        ("[run]", "[test]\ncommand = []\n[run]", "test.command", "is empty"),
        (
            "[run]",
            "[config_check]\ncommand = [\"true\", \"{brightness}\"]\n[run]",
            "config_check.command.1",
            "`{brightness}`",
        ),
        (
            "[run]",
            "[run.env]\nLIGHT = \"{lihgt}\"\n[run]",
            "run.env.LIGHT",
            "`{lihgt}`",
        ),
        (
            "[rules]",
            "[rules]\nprotocol = 1\nmin_protocol = 2",
            "rules",
            "min_protocol is above protocol",
        ),
        (
            "schema_level = 1",
            "schema_level = 2",
            "rules.schema_level",
            "go up to 1",
        ),
        (
            "stop_timeout = \"2s\"",
            "stop_timeout = \"2x\"",
            "run.stop_timeout",
            "2x",
        ),
        (
            "config = [\"lamp.toml\"]",
            "config = [{fiel = \"lamp.toml\"}]",
            "config.0.fiel",
            "unknown field `fiel`",
        ),
    ] {
        let bad = good.replacen(from, to, 1);
        assert_ne!(bad, good, "{from}");
        // A table that is written twice is no TOML.
        let bad = if to.starts_with("[run.env]") {
            good.replacen("[variables", "[run.env]\nLIGHT = \"{lihgt}\"\n[variables", 1)
        } else {
            bad
        };
        fs::write(&source, &bad).unwrap();
        let word = key.split('.').rfind(|part| part.parse::<u32>().is_err()).unwrap();
        let first = key.split('.').next().unwrap();
        let start = line_of(&bad, first) - 1;
        let below: String = bad.lines().skip(start).map(|line| format!("{line}\n")).collect();
        let line = start + line_of(&below, word);
        let place = format!("release.toml:{line}: `{key}`");
        publisher.pack(&tree).no(2, &["NL0501", &place, said]);
    }
    fs::write(&source, &good).unwrap();
    put(&tree.join("config/lamp.toml"), "bright = \n", 0o644);
    publisher
        .pack(&tree)
        .no(2, &["NL0501", "config/lamp.toml is not valid TOML: line 1"]);
    put(&tree.join("config/lamp.toml"), "bright = 5\n", 0o644);
    put(
        &tree.join("config/migrations/0b1.yml"),
        "lamp.toml:\n  - renmae: {}\n",
        0o644,
    );
    publisher.pack(&tree).no(2, &["NL0501", "0b1.yml", "line 2"]);
}
