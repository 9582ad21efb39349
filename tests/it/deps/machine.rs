//! Packages of the operating system, by the real apt and dpkg, into a system of the test's own below a folder.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use super::add;
use crate::world::{Installation, Lamp, Publisher, put};

/// A system without anything, and the source that its apt knows.
struct Machine {
    root: PathBuf,
    source: PathBuf,
}

impl Machine {
    fn new(dir: &Path) -> Self {
        let machine = Self {
            root: dir.join("machine"),
            source: dir.join("source"),
        };
        for folder in [
            "etc/apt/apt.conf.d",
            "etc/apt/preferences.d",
            "var/lib/dpkg/info",
            "var/lib/dpkg/updates",
            "var/lib/dpkg/triggers",
            "var/lib/apt/lists/partial",
            "var/cache/apt/archives/partial",
            "var/log/apt",
            "tmp",
        ] {
            fs::create_dir_all(machine.root.join(folder)).unwrap();
        }
        put(&machine.root.join("var/lib/dpkg/status"), "", 0o644);
        let source = format!("deb [trusted=yes] file:{} ./\n", machine.source.display());
        put(&machine.root.join("etc/apt/sources.list"), &source, 0o644);
        for (name, version, depends) in [
            ("wick", "1.0", ""),
            ("wick", "2.0", "Depends: oil (>= 1.0)\n"),
            ("oil", "1.0", ""),
            ("tin", "1.0", "Depends: oil (= 7.0)\n"),
        ] {
            machine.package(name, version, depends);
        }
        machine.offer();
        machine
    }

    fn package(&self, name: &str, version: &str, depends: &str) {
        self.scripted(name, version, depends, "");
    }

    /// With a configuration file that each version ships another one of, and a script that runs once it is configured.
    fn scripted(&self, name: &str, version: &str, depends: &str, script: &str) {
        let tree = self.source.join("tree");
        if !script.is_empty() {
            let script = format!("#!/bin/sh\nset -e\n[ \"$1\" = configure ] || exit 0\n{script}\n");
            put(&tree.join("DEBIAN/postinst"), &script, 0o755);
        }
        let control = format!(
            "Package: {name}\nVersion: {version}\nArchitecture: all\nMaintainer: Nobody <nobody@example.org>\n{depends}\
             Description: {name}\n"
        );
        put(&tree.join("DEBIAN/control"), &control, 0o644);
        put(&tree.join("DEBIAN/conffiles"), &format!("/etc/{name}.conf\n"), 0o644);
        put(
            &tree.join(format!("etc/{name}.conf")),
            &format!("shipped with {version}\n"),
            0o644,
        );
        let to = self.source.join(format!("{name}_{version}_all.deb"));
        run(Command::new("dpkg-deb")
            .args(["--root-owner-group", "--build"])
            .arg(&tree)
            .arg(to));
        fs::remove_dir_all(tree).unwrap();
    }

    /// What lies in the source is what apt knows.
    fn offer(&self) {
        let listed = run(Command::new("dpkg-scanpackages")
            .args(["--multiversion", "."])
            .current_dir(&self.source));
        put(&self.source.join("Packages"), &listed, 0o644);
        run(Command::new("apt-get").args(self.options()).arg("update"));
    }

    fn options(&self) -> Vec<String> {
        let root = self.root.display();
        let options = [
            format!("Dir::Etc={root}/etc/apt"),
            format!("Dir::State={root}/var/lib/apt"),
            format!("Dir::State::status={root}/var/lib/dpkg/status"),
            format!("Dir::Cache={root}/var/cache/apt"),
            format!("Dir::Log={root}/var/log/apt"),
            "APT::Sandbox::User=".to_owned(),
            format!("DPkg::Options::=--root={root}"),
            format!("DPkg::Options::=--log={root}/var/log/dpkg.log"),
            "DPkg::Options::=--force-not-root".to_owned(),
            "DPkg::Options::=--force-bad-path".to_owned(),
            "DPkg::Options::=--force-script-chrootless".to_owned(),
        ];
        options
            .into_iter()
            .flat_map(|option| ["-o".to_owned(), option])
            .collect()
    }

    /// `name version`, each that is installed.
    fn installed(&self) -> Vec<String> {
        let admin = format!("--admindir={}/var/lib/dpkg", self.root.display());
        let format = "${db:Status-Abbrev} ${Package} ${Version}\\n";
        let listed = run(Command::new("dpkg-query").args([&admin, "--show", "--showformat", format]));
        let lines = listed.lines().filter_map(|line| line.strip_prefix("ii "));
        let mut all: Vec<String> = lines.map(|line| line.trim().to_owned()).collect();
        all.sort();
        all
    }

    /// What scripts of packages have noted, a line each time.
    fn noted(&self, name: &str) -> usize {
        fs::read_to_string(self.root.join(name)).map_or(0, |text| text.lines().count())
    }

    fn config(&self) -> String {
        fs::read_to_string(self.root.join("etc/wick.conf")).unwrap()
    }
}

fn run(command: &mut Command) -> String {
    let ran = command.output().unwrap();
    assert!(
        ran.status.success(),
        "{command:?}: {}",
        String::from_utf8_lossy(&ran.stderr)
    );
    String::from_utf8(ran.stdout).unwrap()
}

fn release(publisher: &Publisher, lamp: Lamp, package: &str) {
    release_within(publisher, lamp, package, "30m");
}

fn release_within(publisher: &Publisher, lamp: Lamp, package: &str, limit: &str) {
    let tree = publisher.lamp(&lamp);
    add(&tree, |_| {
        format!("\n[[dependencies]]\nkind = \"apt\"\npackages = [\"{package}\"]\ntimeout = \"{limit}\"\n")
    });
    publisher.publish(&tree);
}

/// `0a1` with wick 1.0 installed; the folder's name is no single word.
fn installed(dir: &Path, machine: &Machine, publisher: &Publisher) -> Installation {
    let root = dir.join("the lamp");
    let options = serde_json::to_string(&machine.options()).unwrap();
    let settings = format!("health: {{timeout: 2s, interval: 50ms}}\ndependencies: {{apt_options: {options}}}\n");
    put(&root.join("config/update.yml"), &settings, 0o644);
    let lamp = Installation::of_lamp(&root, publisher, "0a1");
    lamp.assert_at("0a1");
    assert_eq!(machine.installed(), ["wick 1.0"]);
    lamp
}

#[test]
fn packages_of_apt_go_up_and_come_back_when_the_update_fails_and_when_it_is_taken_back() {
    let dir = tempfile::tempdir().unwrap();
    let machine = Machine::new(dir.path());
    let publisher = Publisher::new(&dir.path().join("publisher"));
    let dark = Lamp {
        version: "0b2",
        healthy: false,
        ..Lamp::B1
    };
    let unmet = Lamp {
        version: "0a2",
        ..Lamp::R1
    };
    for (lamp, package) in [
        (Lamp::A1, "wick=1.0"),
        (Lamp::B1, "wick=2.0"),
        (dark, "wick=2.0"),
        (Lamp::R1, "wick=9.0"),
        (unmet, "tin"),
    ] {
        release(&publisher, lamp, package);
    }
    let lamp = installed(dir.path(), &machine, &publisher);
    put(&machine.root.join("etc/wick.conf"), "the operator's\n", 0o644);
    let planned = lamp.run(&["update", "upgrade", "--to", "0b1", "--dry-run"]).ok();
    planned.no(0, &["+ oil 1.0", "~ wick 1.0 -> 2.0", "put back as well as apt can"]);
    assert_eq!(machine.installed(), ["wick 1.0"]);

    for (to, said) in [
        ("0b2", &["NL0316"][..]),
        ("0r1", &["NL0311", "9.0"]),
        ("0a2", &["NL0361", "oil: tin wants oil (= 7.0)"]),
    ] {
        lamp.run(&["update", "upgrade", "--to", to, "--yes"]).no(1, said);
        lamp.assert_at("0a1");
        assert_eq!(machine.installed(), ["wick 1.0"], "{to}");
        assert_eq!(machine.config(), "the operator's\n");
    }
    lamp.run(&["update", "upgrade", "--to", "0b1", "--yes"]).ok();
    lamp.assert_at("0b1");
    assert_eq!(machine.installed(), ["oil 1.0", "wick 2.0"]);
    assert_eq!(machine.config(), "the operator's\n");

    // Sources forget older packages.
    fs::remove_file(machine.source.join("wick_1.0_all.deb")).unwrap();
    machine.offer();
    lamp.run(&["update", "rollback", "--yes"]).ok();
    lamp.assert_at("0a1");
    assert_eq!(machine.installed(), ["oil 1.0", "wick 1.0"]);
    assert_eq!(machine.config(), "the operator's\n");
}

/// A source that lists what it cannot give: the way back would be missing, so nothing is begun.
#[test]
fn packages_for_the_way_back_that_cannot_be_fetched_now_stop_the_update_before_the_product() {
    let dir = tempfile::tempdir().unwrap();
    let machine = Machine::new(dir.path());
    let publisher = Publisher::new(&dir.path().join("publisher"));
    release(&publisher, Lamp::A1, "wick=1.0");
    release(&publisher, Lamp::B1, "wick=2.0");
    let lamp = installed(dir.path(), &machine, &publisher);
    let gone = machine.source.join("wick_1.0_all.deb");
    fs::rename(&gone, gone.with_extension("away")).unwrap();
    let cached = machine.root.join("var/cache/apt/archives/wick_1.0_all.deb");
    assert!(!cached.exists(), "a source of files needs no copies");
    lamp.run(&["update", "upgrade", "--to", "0b1", "--yes"])
        .no(1, &["NL0311", "Failed to fetch"]);
    lamp.assert_at("0a1");
    fs::rename(gone.with_extension("away"), &gone).unwrap();
    lamp.run(&["update", "upgrade", "--to", "0b1", "--yes"]).ok();
    assert_eq!(machine.installed(), ["oil 1.0", "wick 2.0"]);
}

/// `0b1` wants a wick 2.0 whose script does this once it is configured.
fn with_script(script: &str, limit: &str) -> (tempfile::TempDir, Machine, Installation) {
    let dir = tempfile::tempdir().unwrap();
    let machine = Machine::new(dir.path());
    machine.scripted("wick", "2.0", "", script);
    machine.offer();
    let publisher = Publisher::new(&dir.path().join("publisher"));
    release(&publisher, Lamp::A1, "wick=1.0");
    release_within(&publisher, Lamp::B1, "wick=2.0", limit);
    let lamp = installed(dir.path(), &machine, &publisher);
    (dir, machine, lamp)
}

fn wait_until(what: &str, is_so: impl Fn() -> bool) {
    let begun = Instant::now();
    while !is_so() {
        assert!(begun.elapsed() < Duration::from_secs(60), "not within a minute: {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn an_apt_that_outlives_a_killed_netlink_is_waited_for_and_not_killed() {
    let slow = "echo begun >> \"$DPKG_ROOT/begun\"\nfor i in $(seq 600); do\n  if [ -e \"$DPKG_ROOT/go\" ]; then\n    \
                echo done >> \"$DPKG_ROOT/done\"\n    exit\n  fi\n  sleep 0.1\ndone\nexit 1";
    let (_dir, machine, lamp) = with_script(slow, "30m");
    let begun = || {
        let log = lamp.text(".netlink/logs/update.log");
        let of_step = |line: &&str| line.contains("\"step\":\"dependencies\"") && line.contains("\"kind\":\"started\"");
        log.lines().filter(of_step).count()
    };
    let at_first = begun();
    let spawn = |args: &[&str]| {
        let mut command = lamp.command(args);
        command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
    };
    let mut upgrading = spawn(&["update", "upgrade", "--to", "0b1", "--yes"]);
    wait_until("the script begins", || machine.noted("begun") == 1);
    upgrading.kill().unwrap();
    upgrading.wait().unwrap();
    assert_eq!(begun(), at_first + 1);
    let mut resuming = spawn(&["update", "resume"]);
    wait_until("the step begins again", || begun() == at_first + 2);
    put(&machine.root.join("go"), "", 0o644);
    assert!(resuming.wait().unwrap().success());
    lamp.assert_at("0b1");
    assert_eq!((machine.noted("begun"), machine.noted("done")), (1, 1));
    assert_eq!(machine.installed(), ["wick 2.0"]);
}

#[test]
fn what_a_killed_dpkg_has_left_is_ended_by_dpkg_itself() {
    let killing = "if ! [ -e \"$DPKG_ROOT/killed\" ]; then\n  touch \"$DPKG_ROOT/killed\"\n  kill -9 $PPID\nfi";
    let (_dir, machine, lamp) = with_script(killing, "30m");
    lamp.run(&["update", "upgrade", "--to", "0b1", "--yes"])
        .no(1, &["NL0311"]);
    assert!(machine.root.join("killed").exists());
    lamp.assert_at("0a1");
    assert_eq!(machine.installed(), ["wick 1.0"]);
    lamp.run(&["update", "upgrade", "--to", "0b1", "--yes"]).ok();
    assert_eq!(machine.installed(), ["wick 2.0"]);
}

#[test]
fn an_apt_over_its_time_is_asked_to_end_and_the_packages_from_before_come_back() {
    let endless = "echo begun >> \"$DPKG_ROOT/begun\"\nexec sleep 300";
    let (_dir, machine, lamp) = with_script(endless, "4s");
    lamp.run(&["update", "upgrade", "--to", "0b1", "--yes"])
        .no(1, &["NL0311", "was asked to end"]);
    assert!(machine.noted("begun") >= 1);
    lamp.assert_at("0a1");
    assert_eq!(machine.installed(), ["wick 1.0"]);
}
