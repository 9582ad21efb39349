//! Packages of the operating system, by the real apt and dpkg, into a system of the test's own below a folder.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

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

    /// With a configuration file that each version ships another one of.
    fn package(&self, name: &str, version: &str, depends: &str) {
        let tree = self.source.join("tree");
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

fn release(publisher: &Publisher, lamp: Lamp, package: &'static str) {
    let tree = publisher.lamp(&lamp);
    add(&tree, |_| {
        format!("\n[[dependencies]]\nkind = \"apt\"\npackages = [\"{package}\"]\n")
    });
    publisher.publish(&tree);
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
    let root = dir.path().join("lamp");
    let options = serde_json::to_string(&machine.options()).unwrap();
    let settings = format!("health: {{timeout: 2s, interval: 50ms}}\ndependencies: {{apt_options: {options}}}\n");
    put(&root.join("config/update.yml"), &settings, 0o644);
    let lamp = Installation::of_lamp(&root, &publisher, "0a1");
    lamp.assert_at("0a1");
    assert_eq!(machine.installed(), ["wick 1.0"]);
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
