//! Memory: nothing that can be large is held whole, neither by the publisher nor by an installation.
//!
//! The peak comes from the kernel's own count of what a finished child took, which python3 (the tests need it anyway) can read.

use std::fs;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::world::{Installation, Publisher, Ran, put};

const MIB: u64 = 1 << 20;

/// The promise for a package of 300 MB.
const PEAK_LIMIT: u64 = 100_000_000;

/// Runs its arguments and writes the largest resident set of them, in KiB, to the file named first.
const METER: &str = "import resource, subprocess, sys\n\
    code = subprocess.run(sys.argv[2:]).returncode\n\
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss\n\
    open(sys.argv[1], 'w').write(str(peak))\n\
    sys.exit(code if code >= 0 else 128)\n";

struct Meter {
    dir: tempfile::TempDir,
}

impl Meter {
    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn text(&self, name: &str) -> String {
        self.path(name).to_str().unwrap().to_owned()
    }

    /// Runs a command of ours to its good end, in bounds.
    #[track_caller]
    fn run(&self, what: &str, args: &[&str]) {
        let peak = self.path("peak");
        let mut command = Command::new("python3");
        command
            .args(["-c", METER])
            .arg(&peak)
            .arg(super::world::netlink())
            .args(args);
        for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("NETLINK_")) {
            command.env_remove(name);
        }
        Ran::of(&command.stdin(Stdio::null()).output().unwrap()).ok();
        let peak: u64 = fs::read_to_string(peak).unwrap().parse::<u64>().unwrap() * 1024;
        println!("{what}: at most {} MB in memory", peak / 1_000_000);
        assert!(peak < PEAK_LIMIT, "{what} took {peak} bytes");
    }

    /// A release of `blob`, a product that does not run: one file of noise.
    fn tree(&self, version: &str, size: u64) -> PathBuf {
        let tree = self.path(version);
        let manifest = format!("product = \"blob\"\nversion = \"{version}\"\nplatform = \"any\"\n");
        put(&tree.join("release.toml"), &manifest, 0o644);
        write_noise(&tree.join("blob"), size);
        tree
    }

    fn publish(&self, publisher: &Publisher, version: &str, size: u64) {
        let tree = self.tree(version, size);
        let package = self.text("package");
        let tree = tree.to_str().unwrap();
        // The lowest level: what is measured is memory, and at this one windows are smallest but noise is fast.
        self.run(
            &format!("pack {version}"),
            &["release", "pack", tree, "--level", "1", "--out", &package],
        );
        let (repo, keys) = (publisher.text("repo"), publisher.text("keys"));
        let publish = ["release", "publish", "--repo", &repo, "--keys", &keys, &package];
        self.run(&format!("publish {version}"), &publish);
        fs::remove_dir_all(tree).unwrap();
        fs::remove_file(package).unwrap();
    }
}

/// Bytes that do not become smaller by compression.
fn write_noise(path: &Path, size: u64) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    let noise = fs::File::open("/dev/urandom").unwrap();
    let mut file = fs::File::create(path).unwrap();
    io::copy(&mut noise.take(size), &mut file).unwrap();
    file.flush().unwrap();
}

#[test]
fn a_large_release_is_packed_published_and_installed_in_bounded_memory() {
    let meter = Meter {
        dir: tempfile::tempdir().unwrap(),
    };
    let publisher = Publisher::new(&meter.path("publisher"));
    meter.publish(&publisher, "0a1", 300 * MIB);
    let installation = Installation {
        root: meter.path("site"),
    };
    let (root, url, metadata) = (meter.text("site"), publisher.url(), publisher.root_metadata());
    let init = ["--root", &root, "init", "--product", "blob", "--repository", &url];
    let release = ["--root-metadata", &metadata, "--version", "0a1", "--yes"];
    meter.run("install 0a1", &[&init[..], &release].concat());
    meter.run("verify 0a1", &["--root", &root, "update", "verify"]);
    assert_eq!(
        fs::metadata(installation.path("current/blob")).unwrap().len(),
        300 * MIB
    );

    write_noise(&installation.path("data/large"), 64 * MIB);
    meter.publish(&publisher, "0b1", MIB);
    let upgrade = ["--root", &root, "update", "upgrade", "--to", "0b1", "--yes"];
    meter.run("upgrade with 64 MiB of data", &upgrade);
    meter.run("verify the backup", &["--root", &root, "backup", "verify"]);
    assert_eq!(fs::metadata(installation.path("current/blob")).unwrap().len(), MIB);
}
