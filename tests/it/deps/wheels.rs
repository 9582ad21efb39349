//! Wheels of little packages, and locks of them.

use std::fs::{self, File};
use std::io::Write;
use std::path::Path;

use netlink::crypt::digest_of;

/// A package with a module that knows its version, and with a program of its name that says it.
pub struct Wheel {
    pub name: &'static str,
    pub version: &'static str,
    pub requires: &'static [&'static str],
}

pub const WICK_1: Wheel = wheel("wick", "1.0", &["oil==1.0"]);
pub const WICK_2: Wheel = wheel("wick", "2.0", &["gas>=1"]);
pub const OIL_1: Wheel = wheel("oil", "1.0", &[]);
pub const OIL_2: Wheel = wheel("oil", "2.0", &[]);
pub const GAS_1: Wheel = wheel("gas", "1.0", &[]);
pub const TIN_1: Wheel = wheel("tin", "1.0", &[]);

const fn wheel(name: &'static str, version: &'static str, requires: &'static [&'static str]) -> Wheel {
    Wheel {
        name,
        version,
        requires,
    }
}

impl Wheel {
    /// Puts it into a folder; gives its line of a lock.
    fn write(&self, folder: &Path) -> String {
        let Self {
            name,
            version,
            requires,
        } = self;
        let about = format!("{name}-{version}.dist-info");
        let needs: String = requires.iter().map(|one| format!("Requires-Dist: {one}\n")).collect();
        let module = format!("VERSION = '{version}'\ndef main():\n    print('{name}', VERSION)\n");
        let files = [
            (format!("{name}.py"), module),
            (
                format!("{about}/METADATA"),
                format!("Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n{needs}"),
            ),
            (
                format!("{about}/WHEEL"),
                "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n".into(),
            ),
            (
                format!("{about}/entry_points.txt"),
                format!("[console_scripts]\n{name} = {name}:main\n"),
            ),
        ];
        let record: String = files.iter().map(|(path, _)| format!("{path},,\n")).collect();
        let record = (format!("{about}/RECORD"), format!("{record}{about}/RECORD,,\n"));
        fs::create_dir_all(folder).unwrap();
        let path = folder.join(format!("{name}-{version}-py3-none-any.whl"));
        let mut archive = zip::ZipWriter::new(File::create(&path).unwrap());
        for (path, text) in files.iter().chain([&record]) {
            archive
                .start_file(path, zip::write::SimpleFileOptions::default())
                .unwrap();
            archive.write_all(text.as_bytes()).unwrap();
        }
        archive.finish().unwrap();
        let digest = digest_of(&fs::read(path).unwrap());
        format!("{name}=={version} --hash=sha256:{digest}\n")
    }
}

/// Wheels and their lock in a release tree; gives what the manifest says of them.
pub fn locked(tree: &Path, kind: &str, wheels: &[Wheel]) -> String {
    locked_of(tree, kind, wheels, wheels.len())
}

/// The same, with only the first so many in the lock.
pub fn locked_of(tree: &Path, kind: &str, wheels: &[Wheel], locked: usize) -> String {
    let lines: Vec<String> = wheels.iter().map(|one| one.write(&tree.join("wheels"))).collect();
    fs::write(tree.join("requirements.txt"), lines[..locked].concat()).unwrap();
    format!("\n[[dependencies]]\nkind = \"{kind}\"\nrequirements = \"requirements.txt\"\nwheels = \"wheels\"\n")
}
