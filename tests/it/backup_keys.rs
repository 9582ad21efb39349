//! The ways to open the backups: made, listed, rotated, taken away, cut off, and never told to anybody.

use std::fs;
use std::io::{Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::world::{Ran, command, netlink, put};

pub const WORDS: &str = "correct horse battery staple";
const CALLS: [&str; 6] = ["write", "fsync", "rename", "unlink", "mkdir", "fchmod"];

/// An installation of nothing yet.
pub struct Place {
    pub dir: tempfile::TempDir,
}

impl Place {
    pub fn new() -> Self {
        let place = Self {
            dir: tempfile::tempdir().unwrap(),
        };
        place.run(&["init", "--product", "lamp"]).ok();
        place
    }

    /// The same once more, elsewhere.
    pub fn copied(&self) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let from = format!("{}/.", self.dir.path().display());
        let copied = Command::new("cp").args(["-a", &from]).arg(dir.path()).status().unwrap();
        assert!(copied.success());
        Self { dir }
    }

    pub fn root(&self) -> PathBuf {
        self.dir.path().join("lamp")
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = command(&["--root", self.root().to_str().unwrap()]);
        command.args(args);
        command
    }

    pub fn run(&self, args: &[&str]) -> Ran {
        Ran::of(&self.command(args).output().unwrap())
    }

    pub fn keys(&self, args: &[&str]) -> Ran {
        self.run(&[&["backup", "keys"], args].concat())
    }

    /// With `input` on standard input.
    fn fed(&self, args: &[&str], input: &str) -> Ran {
        let mut command = self.command(&[&["backup", "keys"], args].concat());
        let command = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
        Ran::of(&child.wait_with_output().unwrap())
    }

    pub fn json(&self, args: &[&str]) -> Value {
        self.keys(&[args, &["--output", "json"]].concat()).ok().json()
    }

    pub fn file(&self, name: &str, text: &str) -> String {
        let path = self.dir.path().join(name);
        put(&path, text, 0o600);
        path.to_str().unwrap().to_owned()
    }

    pub fn path(&self, name: &str) -> String {
        self.dir.path().join(name).to_str().unwrap().to_owned()
    }

    pub fn slots(&self) -> Vec<PathBuf> {
        let mut repositories = fs::read_dir(self.root().join("backups/updates")).into_iter().flatten();
        let folder = repositories.next().map(|entry| entry.unwrap().path().join("keys"));
        fs::read_dir(folder.unwrap_or_default()).map_or(Vec::new(), |entries| {
            entries.map(|entry| entry.unwrap().path()).collect()
        })
    }

    #[track_caller]
    fn opens(&self, how: &[&str]) {
        let view = self.json(&[&["list"], how].concat());
        assert_eq!(view["key"].as_str().map(str::len), Some(16), "{view:#}");
        assert!(
            view.get("strangers").is_none() && view["damaged"] == serde_json::json!([]),
            "{view:#}"
        );
    }

    #[track_caller]
    fn opens_not(&self, how: &[&str]) {
        self.keys(&[&["list"], how].concat())
            .no(2, &["NL0621", "opens no slot"]);
    }

    fn configure(&self, key: &str) {
        let text = format!("update_system: {{backup: {{key: \"{key}\"}}}}\n");
        put(&self.root().join("config/update.yml"), &text, 0o644);
    }
}

pub fn id(added: &Value) -> String {
    added["id"].as_str().unwrap().to_owned()
}

#[test]
fn each_way_opens_the_backups_and_a_wrong_secret_does_not() {
    let place = Place::new();
    place
        .keys(&["list", "--key-file", "nowhere"])
        .no(2, &["NL0621", "no keys yet"]);
    let ran = place
        .fed(
            &["add", "--new-passphrase-file", "-", "--label", "Ada"],
            &format!("{WORDS}\n"),
        )
        .ok();
    assert!(
        ran.err.contains("nobody can read them") && ran.out.contains("Ada"),
        "{ran}"
    );
    let words = place.file("words", &format!("{WORDS}\n"));
    place.opens(&["--passphrase-file", &words]);
    let wrong = place.file("wrong", "correct horse battery stable");
    place
        .keys(&["list", "--passphrase-file", &wrong])
        .no(2, &["NL0621", "`Ada` (--passphrase)", "--key-file FILE"]);

    place
        .keys(&["list", "--passphrase-file", "nowhere"])
        .no(2, &["NL0624", "nowhere"]);

    let key = place.root().join(".netlink/backup.key");
    place.opens(&["--key-file", key.to_str().unwrap()]);
    let second = place.path("second.key");
    place.json(&["add", "--new-key-file", &second]);
    place.opens(&["--key-file", &second]);

    let half = place.path("half");
    let made = place.keys(&["new-recipient", &half]).ok();
    let public = made.out.trim().to_owned();
    assert!(public.starts_with("netlink-backup-public-"), "{made}");
    place
        .keys(&["new-recipient", &half])
        .no(2, &["NL0627", "nothing was overwritten"]);
    let added = place.json(&["add", "--recipient", &public, "--label", "the safe"]);
    assert_eq!(added["recipient"], public.as_str());
    place.opens(&["--recovery", &half]);
    let other = place.path("other-half");
    place.keys(&["new-recipient", &other]).ok();
    place.opens_not(&["--recovery", &other]);
    let bent = public.replace('a', "b");
    place
        .keys(&["add", "--recipient", &bent])
        .no(2, &["not a recipient's public key"]);

    let kit = place.json(&["export-recovery"]);
    let code = kit["code"].as_str().unwrap();
    let lower = place.file("code", &code.to_lowercase().replace('-', " "));
    place.opens(&["--recovery-code-file", &lower]);
    let swapped = place.file("swapped", &format!("{}{}", &code[24..], &code[..24]));
    place
        .keys(&["list", "--recovery-code-file", &swapped])
        .no(2, &["NL0627", "group 1"]);

    for file in [&key, Path::new(&second), Path::new(&half)]
        .into_iter()
        .map(Path::to_path_buf)
        .chain(place.slots())
    {
        assert_eq!(
            fs::metadata(&file).unwrap().permissions().mode() & 0o777,
            0o600,
            "{file:?}"
        );
    }
    fs::set_permissions(&half, fs::Permissions::from_mode(0o644)).unwrap();
    place
        .keys(&["list", "--recovery", &half])
        .no(2, &["NL0624", "chmod 600"]);
    let two = ["--passphrase-file", &words, "--key-file", &second];
    place
        .keys(&[&["list"], &two[..]].concat())
        .no(2, &["cannot be used with"]);
    place.keys(&["list", "--passphrase"]).no(3, &["NL0108", "no terminal"]);
    let both = ["add", "--new-passphrase-file", "-", "--passphrase-file", "-"];
    place.keys(&both).no(2, &["NL0110", "only one secret"]);
    place
        .fed(&["add", "--new-passphrase-file", "-"], "short\n")
        .no(2, &["NL0627", "longer"]);
}

#[test]
fn a_secret_store_opens_the_backups_by_variable_and_by_command() {
    let place = Place::new();
    place.configure("env:STORE_SECRET");
    place
        .keys(&["export-recovery"])
        .no(2, &["NL0624", "$STORE_SECRET", "not set"]);
    let with = |args: &[&str], value: &str| {
        let mut command = place.command(&[&["backup", "keys"], args].concat());
        Ran::of(&command.env("STORE_SECRET", value).output().unwrap())
    };
    let kit = place.path("kit.txt");
    with(&["export-recovery", "--out", &kit], "of the store").ok();
    let words = place.file("words", WORDS);
    with(&["add", "--new-passphrase-file", &words], "of the stove").no(2, &["NL0621", "the secret in $STORE_SECRET"]);
    with(&["add", "--new-passphrase-file", &words], "of the store").ok();
    assert!(!place.root().join(".netlink/backup.key").exists());

    // Moved to a command, which then prints a key of its own.
    place.file("secret", "of the store\n");
    put(
        &place.root().join("secret.sh"),
        "#!/bin/sh\nexec cat ../secret\n",
        0o755,
    );
    place.configure("command:./secret.sh");
    place
        .keys(&["export-recovery", "--out", &place.path("second.txt")])
        .ok();
    let listed = place.json(&["list"]);
    let slot = id(&listed["slots"]
        .as_array()
        .unwrap()
        .iter()
        .find(|one| one["kind"] == "secret")
        .unwrap()
        .clone());
    place.file("secret", &"5a".repeat(32));
    place.keys(&["export-recovery"]).no(2, &["NL0621", "./secret.sh"]);
    place.json(&["rotate", &slot, "--passphrase-file", &words]);
    place.keys(&["export-recovery", "--out", &place.path("third.txt")]).ok();
    assert!(
        with(&["export-recovery"], "of the store").code == 0,
        "the settings name the command"
    );

    put(
        &place.root().join("secret.sh"),
        "#!/bin/sh\necho swordfish; exit 5\n",
        0o755,
    );
    let ran = place.keys(&["export-recovery"]).no(2, &["NL0624", "exit status: 5"]);
    assert!(
        !ran.out.contains("swordfish") && !ran.err.contains("swordfish"),
        "{ran}"
    );
    for wrong in ["vault", "env:", "env:NETLINK_SECRET", "command:"] {
        place.configure(wrong);
        place.keys(&["list"]).no(2, &["NL0403", "backup"]);
    }
}

#[test]
fn the_last_way_stays_and_the_one_of_updates_goes_only_by_force() {
    let place = Place::new();
    let words = place.file("words", WORDS);
    let kit = place.path("kit.txt");
    let made = place.json(&["export-recovery", "--out", &kit]);
    assert_eq!(fs::metadata(&kit).unwrap().permissions().mode() & 0o777, 0o600);
    assert!(made.get("code").is_none(), "{made}");
    // What cannot be written leaves no slot that nobody can open.
    place
        .keys(&["export-recovery", "--out", &kit])
        .no(2, &["NL0627", "already something"]);
    let listed = place.json(&["list"]);
    assert_eq!(listed["slots"].as_array().unwrap().len(), 2, "{listed:#}");
    let of_key = id(&listed["slots"][0]);
    let of_kit = made["slot"].as_str().unwrap();
    place.keys(&["remove", of_kit]).no(3, &["NL0108"]);
    place.keys(&["remove", of_kit, "--yes"]).ok();
    place.keys(&["remove", of_kit, "--yes"]).no(2, &["NL0625"]);
    place
        .keys(&["remove", &of_key, "--yes", "--force"])
        .no(2, &["NL0623", "add another one first"]);
    place.json(&["add", "--new-passphrase-file", &words]);
    place.keys(&["remove", &of_key, "--yes"]).no(2, &["NL0627", "--force"]);
    place.keys(&["remove", &of_key[..5], "--yes", "--force"]).ok();
    place.opens(&["--passphrase-file", &words]);
    place.opens_not(&["--key-file", place.root().join(".netlink/backup.key").to_str().unwrap()]);
}

#[test]
fn what_is_rotated_opens_by_the_new_secret_alone() {
    let place = Place::new();
    let (old, new) = (place.file("old", WORDS), place.file("new", "another four words here"));
    let slot = id(&place.json(&["add", "--new-passphrase-file", &old]));
    place.keys(&["rotate", &slot]).no(3, &["NL0108", "no terminal"]);
    let rotated = place.json(&["rotate", &slot, "--new-passphrase-file", &new]);
    assert_eq!(id(&rotated), slot);
    place.opens_not(&["--passphrase-file", &old]);
    place.opens(&["--passphrase-file", &new]);

    let key = place.root().join(".netlink/backup.key");
    let copy = place.file("copy.key", &fs::read_to_string(&key).unwrap());
    let of_key = id(&place.json(&["list"])["slots"][0]);
    place.keys(&["rotate", &of_key]).ok();
    place.opens_not(&["--key-file", &copy]);
    place.opens(&["--key-file", key.to_str().unwrap()]);
    place
        .keys(&["rotate", &of_key, "--new-key-file", &copy])
        .no(2, &["NL0627", "opens another slot"]);

    let half = place.path("half");
    let public = place.keys(&["new-recipient", &half]).ok().out.trim().to_owned();
    let of_half = id(&place.json(&["add", "--recipient", &public]));
    place.keys(&["rotate", &of_half]).no(2, &["NL0110", "--recipient"]);
    place
        .keys(&["rotate", &of_half, "--new-passphrase-file", &new])
        .no(2, &["NL0627", "another kind"]);
    let second = place.path("second");
    let public = place.keys(&["new-recipient", &second]).ok().out.trim().to_owned();
    place.json(&["rotate", &of_half, "--recipient", &public]);
    place.opens(&["--recovery", &second]);
    place.opens_not(&["--recovery", &half]);
    let kit = place.json(&["export-recovery"]);
    place
        .keys(&["rotate", kit["slot"].as_str().unwrap()])
        .no(2, &["NL0110", "export-recovery"]);
}

#[test]
fn damage_and_strangers_are_shown() {
    let place = Place::new();
    let words = place.file("words", WORDS);
    place.json(&["add", "--new-passphrase-file", &words]);
    let stranger = Place::new();
    stranger.json(&["add", "--new-passphrase-file", &words]);
    for file in stranger.slots() {
        let into = place.slots()[0].with_file_name(file.file_name().unwrap());
        if fs::read_to_string(&file).unwrap().contains("key_file") {
            fs::copy(&file, into).unwrap();
        }
    }
    let shown = place.keys(&["list", "--passphrase-file", &words]).ok();
    assert!(shown.out.contains("not ours:"), "{shown}");
    let of_key = place
        .slots()
        .into_iter()
        .find(|file| fs::read_to_string(file).unwrap().contains("backup.key"))
        .unwrap();
    let mut bytes = fs::read(&of_key).unwrap();
    bytes[100] ^= 1;
    fs::write(&of_key, bytes).unwrap();
    let shown = place.keys(&["list"]).ok();
    assert!(
        shown.out.contains("damaged:") && shown.out.contains(of_key.to_str().unwrap()),
        "{shown}"
    );
}

/// Everything that was printed, and every file but the key file itself.
#[test]
fn no_secret_is_ever_printed_or_kept() {
    let place = Place::new();
    let words = place.file("words", WORDS);
    let half = place.path("half");
    let public = place.keys(&["new-recipient", &half]).ok();
    place.configure("env:STORE_SECRET");
    let store = "4b".repeat(32);
    let mut said = vec![public.to_string()];
    let out = place.path("kit.txt");
    for args in [
        &["add", "--new-passphrase-file", &words][..],
        &["add", "--recipient", public.out.trim()],
        &["list", "--passphrase-file", &words, "--output", "json"],
        &["list", "--recovery", &half, "-v"],
        &["export-recovery", "--out", &out],
        &["rotate", "ffffffff", "--new-passphrase-file", &words],
        &["list", "--passphrase-file", &out],
        &["add", "--new-key-file", &place.path("some.key")],
    ] {
        let mut command = place.command(&[&["backup", "keys"], args].concat());
        said.push(Ran::of(&command.env("STORE_SECRET", &store).output().unwrap()).to_string());
    }
    let page = fs::read_to_string(&out).unwrap();
    let code: Vec<&str> = page
        .lines()
        .map(str::trim)
        .filter(|line| line.matches('-').count() == 3 && line.len() == 23)
        .collect();
    assert_eq!(code.len(), 2, "{page}");
    let private = fs::read_to_string(&half).unwrap();
    let file_key = fs::read_to_string(place.path("some.key")).unwrap();
    let secrets = [
        WORDS,
        &store,
        private.trim(),
        &private.trim()[23..80],
        code[0],
        code[1],
        file_key.trim(),
    ];
    let mut folders = vec![place.root()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                said.push(String::from_utf8_lossy(&fs::read(path).unwrap()).into_owned());
            }
        }
    }
    assert!(said.len() > 12, "{}", said.len());
    for text in &said {
        for secret in secrets {
            assert!(!text.contains(secret), "`{secret}` is in: {text}");
        }
    }
}

/// Kills a command at each call that changes something. `opens` must hold in every moment, and the same command again must end well.
fn sweep(template: &Place, args: &[&str], opens: &dyn Fn(&Place) -> bool, least: usize) {
    let mut killed = 0;
    for call in CALLS {
        // strace counts each kind of call by itself.
        for at in 1..100 {
            let place = template.copied();
            let inject = format!("inject={call}:signal=KILL:when={at}");
            let mut strace = Command::new("strace");
            strace.args([
                "-qq",
                "-o",
                "/dev/null",
                "-e",
                &format!("trace={call}"),
                "-e",
                &inject,
                "--",
            ]);
            strace
                .arg(netlink())
                .arg("--root")
                .arg(place.root())
                .args(["backup", "keys"]);
            let located: Vec<String> = args.iter().map(|arg| arg.replace("DIR", &place.path(""))).collect();
            let ran = Ran::of(&strace.args(&located).stdin(Stdio::null()).output().unwrap());
            let point = format!("killed at {call} {at}");
            assert!(opens(&place), "{point}: nothing opens: {ran}");
            assert_eq!(place.json(&["list"])["damaged"], serde_json::json!([]), "{point}");
            if ran.code == 0 {
                break;
            }
            killed += 1;
            place.keys(&located.iter().map(String::as_str).collect::<Vec<_>>()).ok();
            assert!(opens(&place), "{point}, and run again");
            let listed = place.json(&["list"]);
            let cut_off = listed["slots"]
                .as_array()
                .unwrap()
                .iter()
                .any(|one| one["unfinished"] == true);
            let left = place
                .slots()
                .into_iter()
                .any(|file| file.extension().is_none_or(|end| end != "json"));
            assert!(!cut_off && !left, "{point}, and run again: {listed:#}");
        }
    }
    assert!(killed >= least, "only {killed} calls were met");
}

fn can(place: &Place, how: &[&str]) -> bool {
    place.keys(&[&["list"], how].concat()).code == 0
}

#[test]
fn a_key_file_whose_rotation_is_killed_opens_all_the_same() {
    let place = Place::new();
    place.keys(&["export-recovery"]).ok();
    let slot = id(&place.json(&["list"])["slots"][0]);
    let opens = |place: &Place| {
        can(
            place,
            &["--key-file", place.root().join(".netlink/backup.key").to_str().unwrap()],
        )
    };
    sweep(&place, &["rotate", &slot], &opens, 15);
}

#[test]
fn a_passphrase_whose_rotation_is_killed_opens_by_the_old_or_the_new() {
    let place = Place::new();
    let (old, _) = (place.file("old", WORDS), place.file("new", "another four words here"));
    let slot = id(&place.json(&["add", "--new-passphrase-file", &old]));
    let opens = |place: &Place| {
        ["old", "new"]
            .iter()
            .any(|file| can(place, &["--passphrase-file", &place.path(file)]))
    };
    sweep(
        &place,
        &["rotate", &slot, "--new-passphrase-file", "DIR/new"],
        &opens,
        9,
    );
}

#[test]
fn keys_whose_making_is_killed_are_made_by_the_next() {
    let place = Place::new();
    let opens = |place: &Place| {
        let key = place.root().join(".netlink/backup.key");
        place
            .slots()
            .iter()
            .all(|file| file.extension().is_none_or(|end| end != "json"))
            || can(place, &["--key-file", key.to_str().unwrap()])
    };
    sweep(&place, &["add", "--new-key-file", "DIR/second.key"], &opens, 20);
}

#[test]
fn a_slot_whose_removal_is_killed_leaves_another() {
    let place = Place::new();
    place.json(&["add", "--new-key-file", &place.path("second.key")]);
    let slot = id(&place.json(&["list"])["slots"][0]);
    let copy = place.copied();
    let again = [
        "remove",
        &slot,
        "--yes",
        "--force",
        "--key-file",
        &copy.path("second.key"),
    ];
    copy.keys(&again).ok();
    copy.keys(&again).no(2, &["NL0625"]);
    for call in ["unlink", "fsync"] {
        let place = place.copied();
        let mut strace = Command::new("strace");
        let inject = format!("inject={call}:signal=KILL:when=1");
        strace.args([
            "-qq",
            "-o",
            "/dev/null",
            "-e",
            &format!("trace={call}"),
            "-e",
            &inject,
            "--",
        ]);
        strace
            .arg(netlink())
            .arg("--root")
            .arg(place.root())
            .args(["backup", "keys"]);
        let second = place.path("second.key");
        let args = ["remove", &slot, "--yes", "--force", "--key-file", &second];
        assert!(
            !strace
                .args(args)
                .stdin(Stdio::null())
                .output()
                .unwrap()
                .status
                .success()
        );
        place.opens(&["--key-file", &second]);
    }
}

/// Types each text when its question is there.
fn typed(place: &Place, args: &str, answers: &[(&str, &str)]) -> Ran {
    let line = format!(
        "{} --root {} backup keys {args}",
        netlink().display(),
        place.root().display()
    );
    let mut script = Command::new("script");
    script.args(["-qec", &line, "/dev/null"]);
    let script = script
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null());
    let mut child = script.spawn().unwrap();
    let (mut keys, mut screen) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
    let mut shown = Vec::new();
    for (question, answer) in answers {
        let mut byte = [0];
        while !String::from_utf8_lossy(&shown).contains(question) {
            assert_eq!(
                screen.read(&mut byte).unwrap(),
                1,
                "{}",
                String::from_utf8_lossy(&shown)
            );
            shown.extend(byte);
        }
        keys.write_all(format!("{answer}\r").as_bytes()).unwrap();
    }
    screen.read_to_end(&mut shown).unwrap();
    drop(keys);
    Ran {
        code: child.wait().unwrap().code().unwrap(),
        out: String::from_utf8_lossy(&shown).into_owned(),
        err: String::new(),
    }
}

#[test]
fn a_passphrase_is_typed_twice_at_a_terminal_and_not_shown() {
    let place = Place::new();
    let twice = [("New passphrase", WORDS), ("Confirmation:", WORDS)];
    let ran = typed(&place, "add --new-passphrase", &twice);
    assert!(ran.code == 0 && !ran.out.contains("horse"), "{ran}");
    let words = place.file("words", WORDS);
    place.opens(&["--passphrase-file", &words]);
    let ran = typed(&place, "list --passphrase", &[("Passphrase", WORDS)]);
    assert!(
        ran.code == 0 && ran.out.contains("opens") && !ran.out.contains("horse"),
        "{ran}"
    );
}

/// By `docs/backup-keys.md` alone.
#[test]
fn another_implementation_opens_every_kind_of_slot() {
    let place = Place::new();
    let words = place.file("words", WORDS);
    place.json(&[
        "add",
        "--new-passphrase-file",
        &words,
        "--label",
        "Zo\u{eb} \"\u{1f511}\"",
    ]);
    let half = place.path("half");
    let public = place.keys(&["new-recipient", &half]).ok().out.trim().to_owned();
    place.json(&["add", "--recipient", &public]);
    let code = place.json(&["export-recovery"])["code"].as_str().unwrap().to_owned();
    let code = place.file("code", &code);
    let mark = place.json(&["list", "--passphrase-file", &words])["key"]
        .as_str()
        .unwrap()
        .to_owned();
    let key = place.root().join(".netlink/backup.key").to_str().unwrap().to_owned();
    let kinds = [
        ("passphrase", "passphrase", &words),
        ("key_file", "key", &key),
        ("recipient", "private", &half),
        ("recovery_code", "code", &code),
    ];
    for (kind, by, file) in kinds {
        let is_it = |slot: &PathBuf| {
            fs::read_to_string(slot)
                .unwrap()
                .contains(&format!("\"kind\":\"{kind}\""))
        };
        let slot = place.slots().into_iter().find(is_it).unwrap();
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/backup/slot.py");
        let mut reader = Command::new(crate::tuf::python());
        let ran = Ran::of(&reader.arg(script).arg(slot).args([by, file]).output().unwrap()).ok();
        assert_eq!(ran.out.trim(), mark, "{kind}: {ran}");
    }
}
