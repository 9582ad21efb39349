//! What a command may change: by Landlock, where the kernel has it, only what lies below given places; and as whom.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::sync::LazyLock;
use std::thread;

use landlock::{
    ABI, AccessFs, BitFlags, CompatLevel, Compatible, LandlockStatus, RestrictionStatus, Ruleset, RulesetAttr,
    RulesetCreatedAttr, RulesetError, path_beneath_rules,
};
use rustix::process::{Pid, Resource, Rlimit, prlimit};

use super::{User, UserError, user_id};
use crate::disk::{self, TemporaryFolder};

/// Files of devices that hold nothing.
const DEVICES: [&str; 6] = [
    "/dev/null",
    "/dev/zero",
    "/dev/full",
    "/dev/tty",
    "/dev/ptmx",
    "/dev/pts",
];

/// Limits of a command beside its time.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Bounds {
    writes: Option<Vec<PathBuf>>,
    memory: Option<u64>,
    user: Option<String>,
}

impl Bounds {
    /// It may change whatever its user may.
    pub fn none() -> Self {
        Self::default()
    }

    /// It may change what lies below these, a folder of its own for temporary files, and nothing else. What is not there is passed over.
    pub fn within(writes: Vec<PathBuf>) -> Self {
        Self {
            writes: Some(writes),
            ..Self::default()
        }
    }

    /// Each of its processes gets no more than so many bytes.
    #[must_use]
    pub fn with_memory(self, memory: Option<u64>) -> Self {
        Self { memory, ..self }
    }

    /// It runs as this user of the machine; as ourselves when there is none.
    #[must_use]
    pub fn run_as(self, user: Option<String>) -> Self {
        Self { user, ..self }
    }

    pub(super) fn user(&self) -> Result<Option<User>, UserError> {
        self.user.as_deref().map(User::find).transpose()
    }

    /// The words before a command that make it run as that user. Confined it gains no rights by set-user-id, as where we are that user.
    pub(super) fn before(&self, user: Option<&User>) -> Vec<String> {
        user.map_or_else(Vec::new, |user| user.before(self.writes.is_some()))
    }

    /// The folder for its temporary files, which goes when it is dropped. Where none can be made there is none.
    pub(super) fn temporary_folder(&self, user: Option<&User>) -> Option<TemporaryFolder> {
        self.writes.as_ref()?;
        let folder = disk::temporary_folder().ok()?;
        let given = user.map_or(Ok(()), |user| disk::set_owner(folder.path(), user.id, user.group));
        given.is_ok().then_some(folder)
    }

    pub(super) fn spawn(&self, command: &mut Command, temporary: Option<&Path>) -> io::Result<Child> {
        let child = match &self.writes {
            None => command.spawn()?,
            Some(writes) => {
                let devices = DEVICES.iter().map(Path::new);
                let places = writes.iter().map(PathBuf::as_path).chain(temporary).chain(devices);
                spawn_confined(command, &places.collect::<Vec<_>>())?
            }
        };
        limit(&child, self.memory);
        Ok(child)
    }
}

/// A thread restricts itself, and a process that it starts is as restricted; the thread ends, and this process stays as it was.
fn spawn_confined(command: &mut Command, places: &[&Path]) -> io::Result<Child> {
    thread::scope(|scope| {
        let confined = || {
            restrict(places).map_err(io::Error::other)?;
            command.spawn()
        };
        let spawning = thread::Builder::new()
            .name("confined".into())
            .spawn_scoped(scope, confined)?;
        spawning
            .join()
            .unwrap_or_else(|_| Err(io::Error::other("a fault in NetLink itself")))
    })
}

/// The calling thread, from now on. What the kernel cannot do of it is left out.
fn restrict(places: &[&Path]) -> Result<RestrictionStatus, RulesetError> {
    // What root starts may be another user by its set-user-id bit; whoever is not root must give that up.
    match ruleset(places)?.no_new_privs(user_id() != 0).restrict_self() {
        Err(_) if user_id() == 0 => ruleset(places)?.no_new_privs(true).restrict_self(),
        restricted => restricted,
    }
}

fn ruleset(places: &[&Path]) -> Result<landlock::RulesetCreated, RulesetError> {
    let writing: BitFlags<AccessFs> = AccessFs::from_write(ABI::V3);
    Ruleset::default()
        .set_compatibility(CompatLevel::BestEffort)
        .handle_access(writing)?
        .create()?
        .add_rules(path_beneath_rules(places, writing))
}

/// A command may hold secrets that no dump is to hold; and no more memory than it is given.
fn limit(child: &Child, memory: Option<u64>) {
    let pid = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
    let all = |bytes| Rlimit {
        current: Some(bytes),
        maximum: Some(bytes),
    };
    // It may have ended already.
    let _ = prlimit(pid, Resource::Core, all(0));
    if let Some(bytes) = memory {
        let _ = prlimit(pid, Resource::Data, all(bytes));
    }
}

/// What this kernel can do to confine a command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Confining {
    Possible {
        /// Of Landlock's interface; the first ones know neither moves between folders nor truncation.
        level: i32,
    },
    /// It is built in, and switched off.
    SwitchedOff,
    NotThere,
}

static CONFINING: LazyLock<Confining> = LazyLock::new(|| {
    let asked = thread::spawn(|| restrict(&[Path::new("/")])).join();
    match asked.ok().and_then(Result::ok).map(|status| status.landlock) {
        Some(LandlockStatus::Available {
            effective_abi,
            kernel_abi,
        }) => Confining::Possible {
            level: kernel_abi.unwrap_or(effective_abi as i32),
        },
        Some(LandlockStatus::NotEnabled) => Confining::SwitchedOff,
        _ => Confining::NotThere,
    }
});

impl Confining {
    pub fn here() -> Self {
        *CONFINING
    }
}

impl fmt::Display for Confining {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Possible { level: level @ ..3 } => {
                write!(
                    f,
                    "this kernel confines commands by Landlock {level}, which cannot keep files from being emptied"
                )
            }
            Self::Possible { level } => write!(f, "this kernel confines commands by Landlock {level}"),
            Self::SwitchedOff => f.write_str(
                "this kernel confines no commands: it has Landlock, which the boot parameter `lsm=` leaves out",
            ),
            Self::NotThere => {
                f.write_str("this kernel confines no commands: it has no Landlock (Linux 5.13 and later have)")
            }
        }
    }
}

#[cfg(test)]
#[allow(clippy::disallowed_methods)]
mod tests {
    use std::collections::BTreeMap;
    use std::time::Duration;

    use super::super::{Finished, Run};
    use super::*;

    fn shell(script: &str, bounds: &Bounds) -> Finished {
        let run = Run {
            argv: ["sh", "-c", script].map(String::from).to_vec(),
            dir: "/".into(),
            env: BTreeMap::new(),
            stdin: Vec::new(),
            limit: Duration::from_secs(20),
        };
        run.run_within(bounds).unwrap()
    }

    /// What can be had of the kernel that the tests run on; the words are checked on any.
    fn is_confined() -> bool {
        let found = Confining::here();
        assert_eq!(
            found.to_string().contains("confines no commands"),
            !matches!(found, Confining::Possible { .. })
        );
        matches!(found, Confining::Possible { .. })
    }

    #[test]
    fn a_confined_command_writes_where_it_may_and_nowhere_else() {
        let (mine, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        std::fs::write(other.path().join("kept"), "kept").unwrap();
        let bounds = Bounds::within(vec![mine.path().to_path_buf(), "/not/there".into()]);
        let (mine, other) = (mine.path().display(), other.path().display());
        let allowed = format!(
            "set -e; mkdir {mine}/a; echo x > {mine}/a/b; mv {mine}/a/b {mine}/c; ln -s c {mine}/d; rm {mine}/d; \
             t=$(mktemp); echo y > $t; cat {other}/kept >/dev/null; echo z >/dev/stderr; cat {mine}/c"
        );
        let done = shell(&allowed, &bounds);
        assert_eq!((done.status.code(), done.stdout.as_str()), (Some(0), "x\n"), "{done:?}");
        for refused in [
            format!("echo x > {other}/new"),
            format!("echo x >> {other}/kept"),
            format!("rm {other}/kept"),
            format!("mkdir {other}/folder"),
            format!("mv {mine}/c {other}/c"),
            format!("truncate -s 0 {other}/kept"),
        ] {
            let done = shell(&format!("({refused}) 2>&1"), &bounds);
            assert_eq!(done.status.success(), !is_confined(), "{refused}: {done:?}");
        }
        if is_confined() {
            assert_eq!(std::fs::read_to_string(format!("{other}/kept")).unwrap(), "kept");
        }
    }

    #[test]
    fn what_it_is_left_of_a_command_is_confined_too_and_we_are_not() {
        let other = tempfile::tempdir().unwrap();
        let file = other.path().join("new");
        let script = format!("sh -c 'echo x > {}' 2>/dev/null; true", file.display());
        shell(&script, &Bounds::within(Vec::new()));
        assert_eq!(file.exists(), !is_confined());
        shell(&script, &Bounds::none());
        assert!(file.exists());
        std::fs::write(&file, "ours").unwrap();
    }

    #[test]
    fn its_folder_for_temporary_files_goes_with_it() {
        let said = shell("echo x > $TMPDIR/a; echo $TMPDIR", &Bounds::within(Vec::new())).stdout;
        assert!(!Path::new(said.trim()).exists() && said.len() > 2, "{said}");
    }

    #[test]
    fn a_command_gets_no_more_memory_than_it_is_given_and_leaves_no_dump() {
        let bounds = Bounds::none().with_memory(Some(300 << 20));
        let script = "while [ \"$(ulimit -c)\" != 0 ]; do sleep 0.01; done; ulimit -d; head -c 600000000 /dev/zero | tail -c 500000000 | wc -c";
        let done = shell(script, &bounds);
        assert!(done.stdout.starts_with("307200\n"), "{done:?}");
        assert!(!done.stdout.contains("500000000"), "{done:?}");
    }
}
